//! [`Relationship`]: an edge from one entity version to another.

use serde_json::Value;

use super::fields::{into_object, optional_object};
use crate::model::JsonObject;
use crate::protocol::ProtocolError;
use crate::protocol::decode::{optional_text, required_text};

/// The relationship types that servers of v2 take.
pub const RELATIONSHIP_TYPES: &[&str] = &[
    "located_in",
    "controls",
    "connects_to",
    "part_of",
    "manages",
    "documented_by",
    "procedure_for",
    "triggered_by",
    "depends_on",
    "contained_in",
    "monitors",
    "automates",
    "controlled_by_app",
    "has_blob",
];

/// An edge, as it travels.
#[derive(Debug, Clone, PartialEq)]
pub struct Relationship {
    /// Which edge; sent again with other contents it is replaced.
    pub id: String,
    /// The entity it starts at.
    pub from_entity_id: String,
    /// The version that was current when it was made.
    pub from_entity_version: String,
    /// The entity it leads to.
    pub to_entity_id: String,
    /// The version that was current when it was made.
    pub to_entity_version: String,
    /// One of [`RELATIONSHIP_TYPES`], or a newer server's.
    pub relationship_type: String,
    /// What is known about the connection.
    pub properties: JsonObject,
    /// Who made it; only listings tell.
    pub user_id: Option<String>,
    /// Fields that are not known here, kept.
    pub extra: JsonObject,
}

impl Relationship {
    /// Whether the edge was taken away. Servers have no way to delete one, so
    /// that `properties.deleted` says it.
    pub fn is_deleted(&self) -> bool {
        self.properties.get("deleted") == Some(&Value::Bool(true))
    }

    /// Reads an edge.
    pub fn decode(value: Value) -> Result<Self, ProtocolError> {
        let mut object = into_object(value)?;
        Ok(Self {
            id: required_text(&mut object, "id")?,
            from_entity_id: required_text(&mut object, "from_entity_id")?,
            from_entity_version: required_text(&mut object, "from_entity_version")?,
            to_entity_id: required_text(&mut object, "to_entity_id")?,
            to_entity_version: required_text(&mut object, "to_entity_version")?,
            relationship_type: required_text(&mut object, "relationship_type")?,
            properties: optional_object(&mut object, "properties")?.unwrap_or_default(),
            user_id: optional_text(&mut object, "user_id")?,
            extra: object,
        })
    }

    /// Writes the edge.
    pub fn encode(&self) -> JsonObject {
        let mut object = self.extra.clone();
        for (field, text) in [
            ("id", &self.id),
            ("from_entity_id", &self.from_entity_id),
            ("from_entity_version", &self.from_entity_version),
            ("to_entity_id", &self.to_entity_id),
            ("to_entity_version", &self.to_entity_version),
            ("relationship_type", &self.relationship_type),
        ] {
            object.insert(field.into(), text.as_str().into());
        }
        object.insert("properties".into(), Value::Object(self.properties.clone()));
        if let Some(user_id) = &self.user_id {
            object.insert("user_id".into(), user_id.as_str().into());
        }
        object
    }
}
