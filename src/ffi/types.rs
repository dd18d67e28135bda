//! Types that cross the border as another: JSON as text, ids as text, moments
//! as the language's own time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::client::WildThingError;
use crate::model::{Json, JsonObject, RecordId, Timestamp};

/// What a caller is told of a text that is not what its argument must be.
fn invalid(field: &str, problem: impl ToString) -> WildThingError {
    WildThingError::Invalid {
        field: field.to_owned(),
        problem: problem.to_string(),
    }
}

uniffi::custom_type!(Json, String, {
    remote,
    lower: |value| value.to_string(),
    try_lift: |text| Ok(serde_json::from_str(&text).map_err(|error| invalid("json", error))?),
});

uniffi::custom_type!(JsonObject, String, {
    remote,
    lower: |object| serde_json::to_string(&object).unwrap_or_default(),
    try_lift: |text| Ok(serde_json::from_str(&text).map_err(|error| invalid("json", error))?),
});

uniffi::custom_type!(RecordId, String, {
    lower: |id| id.to_string(),
    try_lift: |text| Ok(RecordId::new(text).map_err(|error| invalid("id", error))?),
});

uniffi::custom_type!(Timestamp, SystemTime, {
    lower: |time| system_time(time),
    try_lift: |time| Ok(timestamp(time)),
});

fn system_time(time: Timestamp) -> SystemTime {
    let micros = Duration::from_micros(time.micros().unsigned_abs());
    let shifted = if time.micros() < 0 {
        UNIX_EPOCH.checked_sub(micros)
    } else {
        UNIX_EPOCH.checked_add(micros)
    };
    shifted.unwrap_or(UNIX_EPOCH)
}

fn timestamp(time: SystemTime) -> Timestamp {
    let micros = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
    };
    Timestamp::from_micros(micros)
}
