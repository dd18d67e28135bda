//! What a house is made of, as the API gives it: one type a kind.
//!
//! Fields have the names of the wire. Those that hold JSON as text there are
//! decoded here and lose their `_json`. What a type has no field for is kept in
//! `extra`, so nothing a server sent is hidden; of an entity of a graph these are
//! the other fields of its content, and below `content` those whose name is taken. How a stored version becomes one
//! of these is in `present`.

use serde::{Serialize, Serializer};

use crate::model::{Json, JsonObject, Kind, RecordId, RecordStatus, Timestamp};

/// Where a record stands with the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, uniffi::Enum)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Freshness {
    /// It is as the server had it.
    Synced {
        /// When this version was exchanged with the server. Whether anything newer
        /// was looked for since is told by `last_sync_success` of the sync status.
        as_of: Option<Timestamp>,
    },
    /// It was edited here, and the server has not answered yet.
    Pending {
        /// Edit time.
        since: Option<Timestamp>,
        /// Whether the server has another edit, which by the rule gives way to this one.
        contested: bool,
    },
    /// It was edited here, and the server refused the edit. It is not sent again
    /// by itself: retry it, edit it, or discard it.
    Failed {
        /// Edit time.
        since: Option<Timestamp>,
        /// The server's words.
        reason: String,
    },
    /// It is as the server had it, and an edit made here lost to that. The losing
    /// edit can be restored or dismissed.
    Superseded {
        /// When this version was exchanged with the server.
        as_of: Option<Timestamp>,
        /// The entry among the conflicts.
        conflict_id: i64,
        /// Why the edit lost.
        reason: String,
    },
}

/// Makes an enum of known words that keeps the unknown ones.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$known_doc:meta])* $known:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, uniffi::Enum)]
        pub enum $name {
            $($(#[$known_doc])* $known,)*
            /// A word that this version does not know, kept as it came.
            Unknown {
                /// The word.
                name: String,
            },
        }

        impl $name {
            /// Reads the word of the wire.
            pub fn parse(word: &str) -> Self {
                match word {
                    $($word => Self::$known,)*
                    other => Self::Unknown { name: other.to_owned() },
                }
            }

            /// The word of the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$known => $word,)*
                    Self::Unknown { name } => name,
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

words! {
    /// What a device is.
    DeviceType {
        /// A lamp.
        Light = "light",
        /// A switch or socket.
        Switch = "switch",
        /// Something that measures.
        Sensor = "sensor",
        /// A thermostat.
        Thermostat = "thermostat",
        /// A lock.
        Lock = "lock",
        /// A camera.
        Camera = "camera",
        /// A loudspeaker.
        Speaker = "speaker",
        /// None of these.
        Other = "other",
    }
}

words! {
    /// What a user may do.
    UserRole {
        /// Everything.
        Admin = "admin",
        /// Lives in the house.
        Member = "member",
        /// Is visiting.
        Guest = "guest",
    }
}

/// A home.
#[derive(Debug, Clone, PartialEq, Serialize, uniffi::Record)]
#[serde(tag = "kind", rename = "house")]
pub struct House {
    /// Its id.
    pub id: RecordId,
    /// Its name; empty if the server gave none.
    pub name: String,
    /// Street address.
    pub address: Option<String>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// IANA name of its time zone.
    pub timezone: Option<String>,
    /// Settings, usually an object.
    pub settings: Option<Json>,
    /// When it was made, by its author's clock.
    pub created_at: Option<Timestamp>,
    /// Edit time.
    pub updated_at: Option<Timestamp>,
    /// The edit that made this version.
    pub sync_id: String,
    /// Where it stands with the server, in a word.
    pub sync_status: RecordStatus,
    /// The same with times and reasons.
    pub freshness: Freshness,
    /// Every other field, as it came.
    #[serde(flatten, serialize_with = "others")]
    pub extra: JsonObject,
}

/// A room of a house.
#[derive(Debug, Clone, PartialEq, Serialize, uniffi::Record)]
#[serde(tag = "kind", rename = "room")]
pub struct Room {
    /// Its id.
    pub id: RecordId,
    /// The house it is in; `None` if it is unplaced.
    pub house_id: Option<RecordId>,
    /// Whether the house it names is not here.
    pub unplaced: bool,
    /// Its name; empty if the server gave none.
    pub name: String,
    /// Storey; 0 is the ground floor.
    pub floor: Option<i64>,
    /// `living_room`, `kitchen`, …
    pub room_type: Option<String>,
    /// Degrees Celsius, where the server knows.
    pub temperature: Option<f64>,
    /// Per cent, where the server knows.
    pub humidity: Option<f64>,
    /// Settings, usually an object.
    pub settings: Option<Json>,
    /// When it was made, by its author's clock.
    pub created_at: Option<Timestamp>,
    /// Edit time.
    pub updated_at: Option<Timestamp>,
    /// The edit that made this version.
    pub sync_id: String,
    /// Where it stands with the server, in a word.
    pub sync_status: RecordStatus,
    /// The same with times and reasons.
    pub freshness: Freshness,
    /// Every other field, as it came.
    #[serde(flatten, serialize_with = "others")]
    pub extra: JsonObject,
}

/// A device in a room.
#[derive(Debug, Clone, PartialEq, Serialize, uniffi::Record)]
#[serde(tag = "kind", rename = "device")]
pub struct Device {
    /// Its id.
    pub id: RecordId,
    /// The room it is in; `None` if it is unplaced.
    pub room_id: Option<RecordId>,
    /// Whether the room it names is not here.
    pub unplaced: bool,
    /// Its name; empty if the server gave none.
    pub name: String,
    /// What it is.
    pub device_type: DeviceType,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// Which model it is.
    pub model: Option<String>,
    /// What it can do.
    pub capabilities: Option<Json>,
    /// How it is set up.
    pub configuration: Option<Json>,
    /// Address in the home network.
    pub ip_address: Option<String>,
    /// Hardware address.
    pub mac_address: Option<String>,
    /// What it is doing; empty if it never told.
    pub state: JsonObject,
    /// When it was made, by its author's clock.
    pub created_at: Option<Timestamp>,
    /// Edit time of the device; its state has one of its own.
    pub updated_at: Option<Timestamp>,
    /// The edit that made this version.
    pub sync_id: String,
    /// Where it stands with the server, in a word.
    pub sync_status: RecordStatus,
    /// The same with times and reasons.
    pub freshness: Freshness,
    /// Every other field, as it came.
    #[serde(flatten, serialize_with = "others")]
    pub extra: JsonObject,
}

/// Somebody who lives in or visits a house.
#[derive(Debug, Clone, PartialEq, Serialize, uniffi::Record)]
#[serde(tag = "kind", rename = "user")]
pub struct User {
    /// Their id.
    pub id: RecordId,
    /// The house; `None` if they are unplaced.
    pub house_id: Option<RecordId>,
    /// Whether the house they name is not here.
    pub unplaced: bool,
    /// The name; empty if the server gave none.
    pub name: String,
    /// Unique among the users of a server.
    pub email: Option<String>,
    /// What they may do.
    pub role: Option<UserRole>,
    /// Preferences, usually an object.
    pub preferences: Option<Json>,
    /// When the record was made, by its author's clock.
    pub created_at: Option<Timestamp>,
    /// Edit time.
    pub updated_at: Option<Timestamp>,
    /// The edit that made this version.
    pub sync_id: String,
    /// Where it stands with the server, in a word.
    pub sync_status: RecordStatus,
    /// The same with times and reasons.
    pub freshness: Freshness,
    /// Every other field, as it came.
    #[serde(flatten, serialize_with = "others")]
    pub extra: JsonObject,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, uniffi::Record)]
#[serde(tag = "kind", rename = "event")]
pub struct Event {
    /// Its id.
    pub id: RecordId,
    /// What happened, one word.
    pub event_type: String,
    /// The kind of record it is about.
    pub entity_type: Kind,
    /// The record it is about, which need not be here.
    pub entity_id: Option<RecordId>,
    /// In words.
    pub description: Option<String>,
    /// Data, usually an object.
    pub data: Option<Json>,
    /// Who or what reported it.
    pub source: Option<String>,
    /// The user behind it.
    pub user_id: Option<String>,
    /// When it was logged.
    pub created_at: Option<Timestamp>,
    /// Edit time.
    pub updated_at: Option<Timestamp>,
    /// The edit that made this version.
    pub sync_id: String,
    /// Where it stands with the server, in a word.
    pub sync_status: RecordStatus,
    /// The same with times and reasons.
    pub freshness: Freshness,
    /// Every other field, as it came.
    #[serde(flatten, serialize_with = "others")]
    pub extra: JsonObject,
}

/// What a device is doing, or was.
#[derive(Debug, Clone, PartialEq, Serialize, uniffi::Record)]
pub struct DeviceState {
    /// The device.
    pub device_id: RecordId,
    /// The whole state; empty if the device never told.
    pub state: JsonObject,
    /// What was given beside it.
    pub attributes: JsonObject,
    /// Edit time.
    pub updated_at: Option<Timestamp>,
    /// Where it stands with the server.
    pub sync_status: RecordStatus,
}

/// In one object with a record's own fields, a field of a server's must not tell
/// what the record is or where it stands.
fn others<S: Serializer>(extra: &JsonObject, serializer: S) -> Result<S::Ok, S::Error> {
    const OURS: [&str; 4] = ["kind", "unplaced", "sync_status", "freshness"];
    serializer.collect_map(extra.iter().filter(|(field, _)| !OURS.contains(&field.as_str())))
}
