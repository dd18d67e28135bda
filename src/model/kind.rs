//! The kinds of record, and their names on the wire.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Marks an entity type of a server that is the name of another kind here.
const FOREIGN: &str = "graph:";

/// What a record is. Kinds this version does not know are kept as they came.
#[derive(Debug, Clone, PartialEq, Eq, Hash, uniffi::Enum)]
pub enum Kind {
    /// A home; the root of containment.
    House,
    /// A room of a house.
    Room,
    /// A device in a room.
    Device,
    /// Somebody who lives in or visits a house.
    User,
    /// The state of a device, one record per (device, state type).
    EntityState,
    /// Something that happened, kept as a log.
    Event,
    /// An edge of the graph, from the entity that is its parent to another.
    Relationship,
    /// Another kind of thing in the house, or one of a newer server; stored,
    /// synced and shown, not interpreted.
    Other {
        /// Its name on the wire.
        name: String,
    },
}

impl Kind {
    /// The six kinds of protocol v1, containers before contents: the order in
    /// which changes are pushed.
    pub const V1: [Kind; 6] = [
        Kind::House,
        Kind::Room,
        Kind::Device,
        Kind::User,
        Kind::EntityState,
        Kind::Event,
    ];

    /// Reads the singular name used in changes and in the database.
    pub fn parse(name: &str) -> Kind {
        match name {
            "house" => Kind::House,
            "room" => Kind::Room,
            "device" => Kind::Device,
            "user" => Kind::User,
            "entity_state" => Kind::EntityState,
            "event" => Kind::Event,
            "relationship" => Kind::Relationship,
            other => Kind::Other {
                name: other.to_owned(),
            },
        }
    }

    /// The singular name: `house`, `entity_state`.
    pub fn as_str(&self) -> &str {
        match self {
            Kind::House => "house",
            Kind::Room => "room",
            Kind::Device => "device",
            Kind::User => "user",
            Kind::EntityState => "entity_state",
            Kind::Event => "event",
            Kind::Relationship => "relationship",
            Kind::Other { name } => name,
        }
    }

    /// The plural name that a sync request uses: `houses`, `entity_states`.
    pub fn plural(&self) -> String {
        format!("{}s", self.as_str())
    }

    /// Reads a plural name.
    pub fn from_plural(name: &str) -> Kind {
        Kind::parse(name.strip_suffix('s').unwrap_or(name))
    }

    /// The wire field that holds the parent's id, for kinds that have a parent.
    pub fn parent_field(&self) -> Option<&'static str> {
        match self {
            Kind::Room | Kind::User => Some("house_id"),
            Kind::Device => Some("room_id"),
            Kind::EntityState => Some("device_id"),
            Kind::Event => Some("entity_id"),
            Kind::Relationship => Some("from_entity_id"),
            Kind::House | Kind::Other { .. } => None,
        }
    }

    /// The kind of what records of this kind are in, and are unplaced without.
    pub fn container(&self) -> Option<Kind> {
        match self {
            Kind::Room | Kind::User => Some(Kind::House),
            Kind::Device => Some(Kind::Room),
            _ => None,
        }
    }

    /// Whether records of this kind carry a `name` of their own.
    pub fn has_name(&self) -> bool {
        !matches!(self, Kind::EntityState | Kind::Event | Kind::Relationship)
    }

    /// Whether records of this kind are entities of the graph, where the server has one.
    pub fn is_entity(&self) -> bool {
        matches!(self, Kind::House | Kind::Room | Kind::Device | Kind::Other { .. })
    }

    /// Whether a server with a graph has a place for records of this kind.
    pub fn is_in_graph(&self) -> bool {
        self.is_entity() || *self == Kind::Relationship
    }

    /// The kind of an entity type of the graph: a `home` is a house.
    pub fn of_entity_type(entity_type: &str) -> Kind {
        match entity_type {
            "home" => Kind::House,
            "room" => Kind::Room,
            "device" => Kind::Device,
            // Words that mean something else here.
            "house" | "user" | "entity_state" | "event" | "relationship" => Kind::Other {
                name: format!("{FOREIGN}{entity_type}"),
            },
            other => Kind::Other {
                name: other.to_owned(),
            },
        }
    }

    /// The entity type of the graph; `None` for kinds that it has no place for.
    pub fn entity_type(&self) -> Option<&str> {
        match self {
            Kind::House => Some("home"),
            Kind::Room => Some("room"),
            Kind::Device => Some("device"),
            Kind::Other { name } => Some(name.strip_prefix(FOREIGN).unwrap_or(name)),
            _ => None,
        }
    }

    /// Position in the push order; containers come before their contents.
    pub fn push_rank(&self) -> u8 {
        match self {
            Kind::House => 0,
            Kind::Room => 1,
            Kind::Device => 2,
            Kind::User => 3,
            Kind::EntityState => 4,
            Kind::Event => 5,
            Kind::Other { .. } => 6,
            Kind::Relationship => 7,
        }
    }
}

impl Ord for Kind {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for Kind {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Kind::parse(&String::deserialize(deserializer)?))
    }
}
