//! The two kinds of UUID that the replica derives: ids of edits and of states.

use uuid::{Builder, Uuid};

use super::{RecordId, Timestamp};

/// Namespace of the ids of device states, so that every client of a house
/// writes the same record for the same (device, state type).
const STATE_NAMESPACE: Uuid = Uuid::from_u128(0x7d0b_9a52_6a35_5c0e_9d0e_5f6b_2f0a_91c3);

/// The id of the state record of a device: UUIDv5 of device id and state type.
pub fn device_state_id(device_id: &RecordId, state_type: &str) -> RecordId {
    let name = format!("{device_id}\u{1f}{state_type}");
    RecordId::from(Uuid::new_v5(&STATE_NAMESPACE, name.as_bytes()))
}

/// A UUIDv7 of the given time and random bits. Later times sort after earlier
/// ones as text, which the conflict rule's tiebreak relies on.
pub fn uuid_v7(time: Timestamp, random: [u8; 10]) -> Uuid {
    let millis = u64::try_from(time.millis()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// The time inside a UUIDv7, in milliseconds since 1970; `None` for any other text.
pub fn uuid_v7_millis(text: &str) -> Option<i64> {
    let id = Uuid::try_parse(text).ok()?;
    // Only the canonical spelling sorts as text the way its time does.
    if id.get_version_num() != 7 || id.hyphenated().to_string() != text {
        return None;
    }
    let high = id.as_u128() >> 80;
    i64::try_from(high).ok()
}
