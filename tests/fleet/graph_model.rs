//! What the oracle knows of a house that is a graph: which deletes had nothing
//! left to do, and what was ever said of an edge. What was edited is in `model`.

use std::collections::{BTreeMap, BTreeSet};

use wildthing::model::{JsonObject, Kind, Version};
use wildthing::protocol::v2::{Relationship, TO_FIELD};

/// What an edge says, whatever versions it is pinned to.
#[derive(Debug, Clone, PartialEq)]
pub struct EdgeSays {
    pub from: String,
    pub to: String,
    pub relationship_type: String,
    pub properties: JsonObject,
    pub deleted: bool,
}

impl EdgeSays {
    pub fn of(edge: &Relationship) -> Self {
        let mut properties = edge.properties.clone();
        properties.remove("deleted");
        Self {
            from: edge.from_entity_id.clone(),
            to: edge.to_entity_id.clone(),
            relationship_type: edge.relationship_type.clone(),
            properties,
            deleted: edge.is_deleted(),
        }
    }

    pub fn of_version(edge: &Version) -> Self {
        let text = |field: &str| edge.text(field).unwrap_or_default().to_owned();
        Self {
            from: edge
                .parent_id
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            to: text(TO_FIELD),
            relationship_type: text("relationship_type"),
            properties: match edge.body.get("properties") {
                Some(serde_json::Value::Object(properties)) => properties.clone(),
                _ => JsonObject::new(),
            },
            deleted: edge.deleted,
        }
    }
}

#[derive(Debug, Default)]
pub struct GraphModel {
    /// Deletes that met a tombstone: they were acknowledged, and left no trace.
    pub moot: BTreeSet<String>,
    /// Versions that the hub failed at when each came alone: what was made on one
    /// goes on without it, and a late copy of it meets what it never heard of.
    pub left_behind: BTreeSet<String>,
    /// What the hub was ever told of an edge, and stored.
    pub edges: BTreeMap<String, Vec<EdgeSays>>,
}

impl GraphModel {
    pub fn edge_was(&self, id: &str, says: &EdgeSays) -> bool {
        self.edges.get(id).is_some_and(|told| told.contains(says))
    }
}

/// An edge without what its server and its ends add to it: two that say the same are equal.
pub fn bare_edge(edge: &Version) -> Version {
    let mut bare = edge.clone();
    bare.body
        .retain(|field, _| matches!(field.as_str(), TO_FIELD | "relationship_type" | "properties"));
    bare
}

/// Whether a version is an edge's.
pub fn is_edge(version: &Version) -> bool {
    version.key.kind == Kind::Relationship
}
