//! What the writing calls take: new records, and patches for old ones.
//!
//! In a patch, a field that is left out stays as it is, and one that `clear`
//! names is emptied. `extra` holds fields that have none of their own here; in
//! a patch, `null` empties one. With a server that has a graph it takes any name,
//! else those that such records have.

use crate::model::{Json, JsonObject, Kind, RecordId};

use super::records::{DeviceType, UserRole};

/// A new house. Only the name is required.
#[derive(Debug, Clone, Default, PartialEq, uniffi::Record)]
pub struct NewHouse {
    /// Its name.
    pub name: String,
    /// Street address.
    #[uniffi(default = None)]
    pub address: Option<String>,
    /// Degrees north.
    #[uniffi(default = None)]
    pub latitude: Option<f64>,
    /// Degrees east.
    #[uniffi(default = None)]
    pub longitude: Option<f64>,
    /// IANA name of its time zone.
    #[uniffi(default = None)]
    pub timezone: Option<String>,
    /// Settings of the house.
    #[uniffi(default = None)]
    pub settings: Option<Json>,
}

/// Changes to a house.
#[derive(Debug, Clone, Default, PartialEq, uniffi::Record)]
pub struct HousePatch {
    /// Its name.
    #[uniffi(default = None)]
    pub name: Option<String>,
    /// Street address.
    #[uniffi(default = None)]
    pub address: Option<String>,
    /// Degrees north.
    #[uniffi(default = None)]
    pub latitude: Option<f64>,
    /// Degrees east.
    #[uniffi(default = None)]
    pub longitude: Option<f64>,
    /// IANA name of its time zone.
    #[uniffi(default = None)]
    pub timezone: Option<String>,
    /// Settings of the house, whole.
    #[uniffi(default = None)]
    pub settings: Option<Json>,
    /// Names of fields to empty.
    #[uniffi(default = [])]
    pub clear: Vec<String>,
    /// Other fields.
    #[uniffi(default = None)]
    pub extra: Option<JsonObject>,
}

/// A new room of a house.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct NewRoom {
    /// The house it is in.
    pub house_id: RecordId,
    /// Its name.
    pub name: String,
    /// Storey; 0 is the ground floor.
    #[uniffi(default = None)]
    pub floor: Option<i64>,
    /// `living_room`, `kitchen`, …
    #[uniffi(default = None)]
    pub room_type: Option<String>,
    /// Settings of the room.
    #[uniffi(default = None)]
    pub settings: Option<Json>,
}

impl NewRoom {
    /// A room of which nothing else is known yet.
    pub fn new(house_id: RecordId, name: impl Into<String>) -> Self {
        Self {
            house_id,
            name: name.into(),
            floor: None,
            room_type: None,
            settings: None,
        }
    }
}

/// Changes to a room.
#[derive(Debug, Clone, Default, PartialEq, uniffi::Record)]
pub struct RoomPatch {
    /// The house to move it to.
    #[uniffi(default = None)]
    pub house_id: Option<RecordId>,
    /// Its name.
    #[uniffi(default = None)]
    pub name: Option<String>,
    /// Storey; 0 is the ground floor.
    #[uniffi(default = None)]
    pub floor: Option<i64>,
    /// `living_room`, `kitchen`, …
    #[uniffi(default = None)]
    pub room_type: Option<String>,
    /// Settings of the room, whole.
    #[uniffi(default = None)]
    pub settings: Option<Json>,
    /// Names of fields to empty.
    #[uniffi(default = [])]
    pub clear: Vec<String>,
    /// Other fields.
    #[uniffi(default = None)]
    pub extra: Option<JsonObject>,
}

/// A new device in a room.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct NewDevice {
    /// The room it is in.
    pub room_id: RecordId,
    /// Its name.
    pub name: String,
    /// What it is; `other` when left out.
    #[uniffi(default = None)]
    pub device_type: Option<DeviceType>,
    /// Who made it.
    #[uniffi(default = None)]
    pub manufacturer: Option<String>,
    /// Which model it is.
    #[uniffi(default = None)]
    pub model: Option<String>,
    /// What it can do.
    #[uniffi(default = None)]
    pub capabilities: Option<Json>,
    /// How it is set up, an object.
    #[uniffi(default = None)]
    pub configuration: Option<Json>,
    /// Address in the home network.
    #[uniffi(default = None)]
    pub ip_address: Option<String>,
    /// Hardware address.
    #[uniffi(default = None)]
    pub mac_address: Option<String>,
}

impl NewDevice {
    /// A device of which nothing else is known yet.
    pub fn new(room_id: RecordId, name: impl Into<String>) -> Self {
        Self {
            room_id,
            name: name.into(),
            device_type: None,
            manufacturer: None,
            model: None,
            capabilities: None,
            configuration: None,
            ip_address: None,
            mac_address: None,
        }
    }
}

/// Changes to a device; its state has a call of its own.
#[derive(Debug, Clone, Default, PartialEq, uniffi::Record)]
pub struct DevicePatch {
    /// The room to move it to.
    #[uniffi(default = None)]
    pub room_id: Option<RecordId>,
    /// Its name.
    #[uniffi(default = None)]
    pub name: Option<String>,
    /// What it is.
    #[uniffi(default = None)]
    pub device_type: Option<DeviceType>,
    /// Who made it.
    #[uniffi(default = None)]
    pub manufacturer: Option<String>,
    /// Which model it is.
    #[uniffi(default = None)]
    pub model: Option<String>,
    /// What it can do, whole.
    #[uniffi(default = None)]
    pub capabilities: Option<Json>,
    /// How it is set up, an object, whole.
    #[uniffi(default = None)]
    pub configuration: Option<Json>,
    /// Address in the home network.
    #[uniffi(default = None)]
    pub ip_address: Option<String>,
    /// Hardware address.
    #[uniffi(default = None)]
    pub mac_address: Option<String>,
    /// Names of fields to empty.
    #[uniffi(default = [])]
    pub clear: Vec<String>,
    /// Other fields.
    #[uniffi(default = None)]
    pub extra: Option<JsonObject>,
}

/// A new user of a house.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct NewUser {
    /// The house.
    pub house_id: RecordId,
    /// The name.
    pub name: String,
    /// Unique among the users of a server.
    #[uniffi(default = None)]
    pub email: Option<String>,
    /// What they may do; `member` when left out.
    #[uniffi(default = None)]
    pub role: Option<UserRole>,
    /// Preferences.
    #[uniffi(default = None)]
    pub preferences: Option<Json>,
}

impl NewUser {
    /// A user of whom nothing else is known yet.
    pub fn new(house_id: RecordId, name: impl Into<String>) -> Self {
        Self {
            house_id,
            name: name.into(),
            email: None,
            role: None,
            preferences: None,
        }
    }
}

/// Changes to a user.
#[derive(Debug, Clone, Default, PartialEq, uniffi::Record)]
pub struct UserPatch {
    /// The house to move to.
    #[uniffi(default = None)]
    pub house_id: Option<RecordId>,
    /// The name.
    #[uniffi(default = None)]
    pub name: Option<String>,
    /// Unique among the users of a server.
    #[uniffi(default = None)]
    pub email: Option<String>,
    /// What they may do.
    #[uniffi(default = None)]
    pub role: Option<UserRole>,
    /// Preferences, whole.
    #[uniffi(default = None)]
    pub preferences: Option<Json>,
    /// Names of fields to empty.
    #[uniffi(default = [])]
    pub clear: Vec<String>,
    /// Other fields.
    #[uniffi(default = None)]
    pub extra: Option<JsonObject>,
}

/// An event to log.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct NewEvent {
    /// What happened, one word.
    pub event_type: String,
    /// The kind of record it is about.
    pub entity_type: Kind,
    /// The record it is about, which need not be here.
    pub entity_id: RecordId,
    /// In words.
    #[uniffi(default = None)]
    pub description: Option<String>,
    /// Data.
    #[uniffi(default = None)]
    pub data: Option<Json>,
    /// Who or what reports it.
    #[uniffi(default = None)]
    pub source: Option<String>,
    /// The user behind it.
    #[uniffi(default = None)]
    pub user_id: Option<String>,
}

impl NewEvent {
    /// An event of which nothing else is known.
    pub fn new(event_type: impl Into<String>, entity_type: Kind, entity_id: RecordId) -> Self {
        Self {
            event_type: event_type.into(),
            entity_type,
            entity_id,
            description: None,
            data: None,
            source: None,
            user_id: None,
        }
    }
}
