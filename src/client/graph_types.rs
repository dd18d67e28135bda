//! What the calls of the graph give and take: entities of any type, the
//! relationships between them, and ways to look for them.

use serde::Serialize;

use super::records::Freshness;
use crate::model::{JsonObject, Kind, RecordId, RecordStatus, Timestamp};

/// Something in the house, of any type.
#[derive(Debug, Clone, PartialEq, Serialize, uniffi::Record)]
pub struct Entity {
    /// Its id.
    pub id: RecordId,
    /// What it is, in the words of the graph: `home`, `room`, `device`, `note`, … A
    /// person is a `user`, which servers of graphs have no place for.
    pub entity_type: String,
    /// The same as the other calls of this library have it: a `home` is a house.
    pub kind: Kind,
    /// Its name; may be empty.
    pub name: String,
    /// Everything that is known of it. Of a record of a server without a graph these
    /// are its fields, with what it is in under `house_id` or `room_id`.
    pub content: JsonObject,
    /// Where it comes from: `homekit`, `matter`, `manual`, `imported`, `generated`.
    /// `None` without a graph.
    pub source_type: Option<String>,
    /// Who made this version. `None` without a graph.
    pub user_id: Option<String>,
    /// Checksum of a blob that belongs to it.
    pub checksum: Option<String>,
    /// Which version this is; without a graph the edit that made it.
    pub version: String,
    /// Edit time.
    pub updated_at: Option<Timestamp>,
    /// Where it stands with the server, in a word.
    pub sync_status: RecordStatus,
    /// The same with times and reasons.
    pub freshness: Freshness,
    /// Fields beside these that the server sent, as they came.
    #[serde(skip_serializing_if = "JsonObject::is_empty")]
    pub extra: JsonObject,
}

/// A new entity. Its type and its name are required.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct NewEntity {
    /// `home`, `room`, `device`, `zone`, `door`, `window`, `procedure`, `manual`,
    /// `note`, `schedule`, `automation` or `app`.
    pub entity_type: String,
    /// Its name.
    pub name: String,
    /// Everything else; any names but `deleted`.
    #[uniffi(default = None)]
    pub content: Option<JsonObject>,
    /// `homekit`, `matter`, `manual`, `imported` or `generated`; `manual` when left out.
    #[uniffi(default = None)]
    pub source_type: Option<String>,
}

impl NewEntity {
    /// An entity of which nothing else is known yet.
    pub fn new(entity_type: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            entity_type: entity_type.into(),
            name: name.into(),
            content: None,
            source_type: None,
        }
    }
}

/// Changes to an entity. What is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, uniffi::Record)]
pub struct EntityPatch {
    /// Its name.
    #[uniffi(default = None)]
    pub name: Option<String>,
    /// Merged into the content (RFC 7386: `null` removes a name), or put in its place.
    #[uniffi(default = None)]
    pub content: Option<JsonObject>,
    /// Put `content` in the place of the whole old one.
    #[uniffi(default = false)]
    pub replace: bool,
    /// Where it comes from.
    #[uniffi(default = None)]
    pub source_type: Option<String>,
}

/// An edge of the graph.
#[derive(Debug, Clone, PartialEq, Serialize, uniffi::Record)]
pub struct Relationship {
    /// Its id.
    pub id: RecordId,
    /// The entity it starts at.
    pub from_id: Option<RecordId>,
    /// The entity it leads to.
    pub to_id: Option<RecordId>,
    /// What it says of the two: `located_in`, `controls`, …
    pub relationship_type: String,
    /// What is known about the connection.
    pub properties: JsonObject,
    /// The version of its start that it was last sent with, if it was.
    pub from_version: Option<String>,
    /// The same of its end.
    pub to_version: Option<String>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// Where it stands with the server, in a word.
    pub sync_status: RecordStatus,
    /// The same with times and reasons.
    pub freshness: Freshness,
    /// Fields beside these that the server sent, as they came.
    #[serde(skip_serializing_if = "JsonObject::is_empty")]
    pub extra: JsonObject,
}

/// Which relationships are wanted: those that fit all that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, uniffi::Record)]
pub struct RelationshipFilter {
    /// Those that start at this entity.
    #[uniffi(default = None)]
    pub from_id: Option<RecordId>,
    /// Those that lead to this entity.
    #[uniffi(default = None)]
    pub to_id: Option<RecordId>,
    /// Those that start at this entity or lead to it.
    #[uniffi(default = None)]
    pub entity_id: Option<RecordId>,
    /// Those of this type.
    #[uniffi(default = None)]
    pub relationship_type: Option<String>,
}

/// Which way a relationship points, seen from an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, uniffi::Enum)]
#[serde(rename_all = "snake_case")]
pub enum EdgeDirection {
    /// It starts there.
    Outgoing,
    /// It leads there.
    Incoming,
}

/// What is next to an entity.
#[derive(Debug, Clone, PartialEq, Serialize, uniffi::Record)]
pub struct Neighbour {
    /// The entity at the other end.
    pub entity: Entity,
    /// How the two are connected.
    pub relationship: Relationship,
    /// Which way that points, seen from the entity that was asked about.
    pub direction: EdgeDirection,
}

/// A way from one entity to another.
#[derive(Debug, Clone, PartialEq, Serialize, uniffi::Record)]
pub struct GraphPath {
    /// The entities along it, both ends included.
    pub entities: Vec<Entity>,
    /// The relationships between them, one less; each may point either way.
    pub relationships: Vec<Relationship>,
}

/// An entity that was found by words.
#[derive(Debug, Clone, PartialEq, Serialize, uniffi::Record)]
pub struct SearchHit {
    /// The entity.
    pub entity: Entity,
    /// How well it fits, for comparison within one answer; greater is better.
    pub score: f64,
    /// The part of its name or content that fits, shortened.
    pub snippet: String,
}
