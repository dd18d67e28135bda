//! The flags of houses, rooms, devices, users and events.
//!
//! A create and an update of one kind share their optional flags.

use clap::{Args, Subcommand};
use serde_json::Value;
use wildthing::model::JsonObject;

use super::values::{assignment, degrees, object};

/// One record of the command's kind.
#[derive(Debug, Args)]
pub(crate) struct One {
    /// Id, prefix of an id, or name
    pub(crate) id: String,
}

/// What every update takes besides its own flags.
#[derive(Debug, Args)]
pub(crate) struct UpdateOf {
    /// Id, prefix of an id, or name
    pub(crate) id: String,
    /// New name
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Set any field to a JSON value, null to empty it; may be repeated
    #[arg(long, value_name = "FIELD=JSON", value_parser = assignment)]
    pub(crate) set: Vec<(String, Value)>,
}

/// `house …`.
#[derive(Debug, Subcommand)]
pub(crate) enum HouseCommand {
    /// List houses
    List,
    /// Show a house
    Show {
        /// Id, prefix of an id, or name [default: the first house by name]
        id: Option<String>,
    },
    /// Make a house
    Create {
        /// Its name
        #[arg(long)]
        name: String,
        #[command(flatten)]
        fields: HouseFields,
    },
    /// Change a house
    Update {
        #[command(flatten)]
        of: UpdateOf,
        #[command(flatten)]
        fields: HouseFields,
    },
    /// Delete a house and what is in it
    Delete(One),
}

/// The optional fields of a house.
#[derive(Debug, Args)]
pub(crate) struct HouseFields {
    /// Street address
    #[arg(long)]
    pub(crate) address: Option<String>,
    /// Degrees north
    #[arg(long, value_name = "DEGREES", allow_negative_numbers = true, value_parser = degrees)]
    pub(crate) latitude: Option<f64>,
    /// Degrees east
    #[arg(long, value_name = "DEGREES", allow_negative_numbers = true, value_parser = degrees)]
    pub(crate) longitude: Option<f64>,
    /// Time zone, for example Europe/Berlin
    #[arg(long)]
    pub(crate) timezone: Option<String>,
    /// Settings
    #[arg(long, value_name = "JSON", value_parser = object)]
    pub(crate) settings: Option<JsonObject>,
}

/// `room …`.
#[derive(Debug, Subcommand)]
pub(crate) enum RoomCommand {
    /// List rooms
    List {
        /// Only those of this house
        #[arg(long, value_name = "ID")]
        house_id: Option<String>,
    },
    /// Show a room
    Show(One),
    /// Make a room
    Create {
        /// The house it is in
        #[arg(long, value_name = "ID")]
        house_id: String,
        /// Its name
        #[arg(long)]
        name: String,
        #[command(flatten)]
        fields: RoomFields,
    },
    /// Change a room
    Update {
        #[command(flatten)]
        of: UpdateOf,
        /// Move it to this house
        #[arg(long, value_name = "ID")]
        house_id: Option<String>,
        #[command(flatten)]
        fields: RoomFields,
    },
    /// Delete a room and the devices in it
    Delete(One),
}

/// The optional fields of a room.
#[derive(Debug, Args)]
pub(crate) struct RoomFields {
    /// Storey; 0 is the ground floor
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) floor: Option<i64>,
    /// living_room, kitchen, …
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) room_type: Option<String>,
    /// Settings
    #[arg(long, value_name = "JSON", value_parser = object)]
    pub(crate) settings: Option<JsonObject>,
}

/// `device …`.
#[derive(Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    /// List devices
    List {
        /// Only those in this room
        #[arg(long, value_name = "ID")]
        room_id: Option<String>,
    },
    /// Show a device
    Show(One),
    /// Make a device
    Create {
        /// The room it is in
        #[arg(long, value_name = "ID")]
        room_id: String,
        /// Its name
        #[arg(long)]
        name: String,
        #[command(flatten)]
        fields: DeviceFields,
    },
    /// Change a device
    Update {
        #[command(flatten)]
        of: UpdateOf,
        /// Move it to this room
        #[arg(long, value_name = "ID")]
        room_id: Option<String>,
        #[command(flatten)]
        fields: DeviceFields,
    },
    /// Delete a device
    Delete(One),
    /// Show the state of a device
    State(One),
    /// Change the state of a device
    SetState {
        /// Id, prefix of an id, or name
        id: String,
        /// A JSON object; its members are merged into the state, null removes one
        #[arg(value_name = "JSON", value_parser = object)]
        state: JsonObject,
        /// What to keep beside the state
        #[arg(long, value_name = "JSON", value_parser = object)]
        attributes: Option<JsonObject>,
        /// Replace the whole state instead of merging
        #[arg(long)]
        replace: bool,
    },
    /// List earlier states of a device, newest first
    History {
        /// Id, prefix of an id, or name
        id: String,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
    },
}

/// The optional fields of a device.
#[derive(Debug, Args)]
pub(crate) struct DeviceFields {
    /// light, switch, sensor, thermostat, lock, camera, speaker, other, …
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) device_type: Option<String>,
    /// Who made it
    #[arg(long)]
    pub(crate) manufacturer: Option<String>,
    /// Which model it is
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// What it can do
    #[arg(long, value_name = "JSON", value_parser = object)]
    pub(crate) capabilities: Option<JsonObject>,
    /// How it is set up
    #[arg(long, value_name = "JSON", value_parser = object)]
    pub(crate) configuration: Option<JsonObject>,
    /// Address in the home network
    #[arg(long, value_name = "IP")]
    pub(crate) ip_address: Option<String>,
    /// Hardware address
    #[arg(long, value_name = "MAC")]
    pub(crate) mac_address: Option<String>,
}

/// `user …`.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// List users
    List {
        /// Only those of this house
        #[arg(long, value_name = "ID")]
        house_id: Option<String>,
    },
    /// Show a user
    Show(One),
    /// Make a user
    Create {
        /// The house
        #[arg(long, value_name = "ID")]
        house_id: String,
        /// The name
        #[arg(long)]
        name: String,
        #[command(flatten)]
        fields: UserFields,
    },
    /// Change a user
    Update {
        #[command(flatten)]
        of: UpdateOf,
        /// Move to this house
        #[arg(long, value_name = "ID")]
        house_id: Option<String>,
        #[command(flatten)]
        fields: UserFields,
    },
    /// Delete a user
    Delete(One),
}

/// The optional fields of a user.
#[derive(Debug, Args)]
pub(crate) struct UserFields {
    /// E-mail address
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// admin, member or guest
    #[arg(long)]
    pub(crate) role: Option<String>,
    /// Preferences
    #[arg(long, value_name = "JSON", value_parser = object)]
    pub(crate) preferences: Option<JsonObject>,
}

/// `event …`.
#[derive(Debug, Subcommand)]
pub(crate) enum EventCommand {
    /// List events, newest first
    List {
        /// Only those about this record
        #[arg(long, value_name = "ID")]
        entity_id: Option<String>,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
    },
    /// Log an event
    Log(EventArgs),
}

/// `event log`.
#[derive(Debug, Args)]
pub(crate) struct EventArgs {
    /// What happened, one word
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) event_type: String,
    /// The record it is about
    #[arg(long, value_name = "ID")]
    pub(crate) entity_id: String,
    /// That record's kind, if the id alone does not tell it
    #[arg(long, value_name = "KIND")]
    pub(crate) entity_type: Option<String>,
    /// In words
    #[arg(long)]
    pub(crate) description: Option<String>,
    /// Data
    #[arg(long, value_name = "JSON", value_parser = object)]
    pub(crate) data: Option<JsonObject>,
    /// Who or what reports it
    #[arg(long)]
    pub(crate) source: Option<String>,
    /// The user behind it
    #[arg(long, value_name = "ID")]
    pub(crate) user_id: Option<String>,
}
