//! [`Entity`]: one immutable version of something in the house.

use serde_json::Value;

use super::fields::{into_object, required_object, texts};
use crate::model::JsonObject;
use crate::protocol::ProtocolError;
use crate::protocol::decode::{optional_text, required_text};

/// The entity types that servers of v2 take.
pub const ENTITY_TYPES: &[&str] = &[
    "home",
    "room",
    "device",
    "zone",
    "door",
    "window",
    "procedure",
    "manual",
    "note",
    "schedule",
    "automation",
    "app",
];

/// The source types that servers of v2 take.
pub const SOURCE_TYPES: &[&str] = &["homekit", "matter", "manual", "imported", "generated"];

/// One version of one entity, as it travels. Ids and types are whatever text
/// the other side has: a page is not refused for a word that is new here.
#[derive(Debug, Clone, PartialEq)]
pub struct Entity {
    /// Which entity.
    pub id: String,
    /// Which version of it.
    pub version: String,
    /// One of [`ENTITY_TYPES`], or a newer server's.
    pub entity_type: String,
    /// Its name; may be empty.
    pub name: String,
    /// Everything else that is known of it.
    pub content: JsonObject,
    /// One of [`SOURCE_TYPES`], or a newer server's.
    pub source_type: String,
    /// Who made the version. Servers refuse null.
    pub user_id: String,
    /// The versions that this one was made on.
    pub parent_versions: Vec<String>,
    /// Checksum of a blob that belongs to it.
    pub checksum: Option<String>,
    /// Fields that are not known here, kept.
    pub extra: JsonObject,
}

impl Entity {
    /// Whether the version is a tombstone.
    pub fn is_deleted(&self) -> bool {
        self.content.get("deleted") == Some(&Value::Bool(true))
    }

    /// Reads an entity.
    pub fn decode(value: Value) -> Result<Self, ProtocolError> {
        let mut object = into_object(value)?;
        Ok(Self {
            id: required_text(&mut object, "id")?,
            version: required_text(&mut object, "version")?,
            entity_type: required_text(&mut object, "entity_type")?,
            name: required_text(&mut object, "name")?,
            content: required_object(&mut object, "content")?,
            source_type: required_text(&mut object, "source_type")?,
            user_id: required_text(&mut object, "user_id")?,
            parent_versions: texts(&mut object, "parent_versions")?,
            checksum: optional_text(&mut object, "checksum")?,
            extra: object,
        })
    }

    /// Writes the entity.
    pub fn encode(&self) -> JsonObject {
        let mut object = self.extra.clone();
        for (field, text) in [
            ("id", &self.id),
            ("version", &self.version),
            ("entity_type", &self.entity_type),
            ("name", &self.name),
            ("source_type", &self.source_type),
            ("user_id", &self.user_id),
        ] {
            object.insert(field.into(), text.as_str().into());
        }
        object.insert("content".into(), Value::Object(self.content.clone()));
        object.insert("parent_versions".into(), self.parent_versions.clone().into());
        object.insert("checksum".into(), self.checksum.clone().into());
        object
    }
}
