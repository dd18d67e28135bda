//! What the writing calls take: new records, and patches for old ones.
//!
//! In a patch, `None` leaves a field alone and `Some(None)` empties it.

use crate::model::JsonObject;

/// A new house. Only the name is required.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewHouse {
    /// Its name.
    pub name: String,
    /// Street address.
    pub address: Option<String>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// IANA name.
    pub timezone: Option<String>,
    /// Settings of the house.
    pub settings: Option<JsonObject>,
}

/// A new room of a house.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewRoom {
    /// The house it is in.
    pub house_id: String,
    /// Its name.
    pub name: String,
    /// Storey; 0 is the ground floor.
    pub floor: Option<i64>,
    /// `living_room`, `kitchen`, …
    pub room_type: Option<String>,
    /// Settings of the room.
    pub settings: Option<JsonObject>,
}

/// A new device in a room.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewDevice {
    /// The room it is in.
    pub room_id: String,
    /// Its name.
    pub name: String,
    /// `light`, `switch`, `sensor`, `thermostat`, `lock`, `camera`, `speaker`,
    /// `other` (when left out), or any other word.
    pub device_type: Option<String>,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// Which model.
    pub model: Option<String>,
    /// What it can do.
    pub capabilities: Option<JsonObject>,
    /// How it is set up.
    pub configuration: Option<JsonObject>,
    /// Address in the home network.
    pub ip_address: Option<String>,
    /// Hardware address.
    pub mac_address: Option<String>,
}

/// A new user of a house.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewUser {
    /// The house.
    pub house_id: String,
    /// The name.
    pub name: String,
    /// Unique among the users of a server.
    pub email: Option<String>,
    /// `admin`, `member` (when left out) or `guest`.
    pub role: Option<String>,
    /// Preferences.
    pub preferences: Option<JsonObject>,
}

/// An event to log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewEvent {
    /// What happened, one word.
    pub event_type: String,
    /// The kind of record it is about.
    pub entity_type: String,
    /// The record it is about.
    pub entity_id: String,
    /// In words.
    pub description: Option<String>,
    /// Data.
    pub data: Option<JsonObject>,
    /// Who or what reports it.
    pub source: Option<String>,
    /// The user behind it.
    pub user_id: Option<String>,
}

/// Changes to a record: wire field names to new values, `null` to empty one.
///
/// `name` and the parent's field (`house_id`, `room_id`) are fields like any
/// other; JSON fields go by their bare name (`settings`, `capabilities`).
pub type Patch = JsonObject;
