//! Entities and edges as records, and back, losing nothing.
//!
//! An entity's record has what the entity says of itself under `content` of its
//! body, and beside it the other fields of the wire under their own names. An
//! edge's record hangs under the entity it starts at. Where a record is *in* is
//! told by edges alone: an entity comes without a parent.

use serde_json::Value;

use super::{Change, ChangeType, Entity, Relationship, version_time};
use crate::model::{InvalidId, JsonObject, Key, Kind, RecordId, Version};

/// The field of an edge's record that holds where it leads.
pub const TO_FIELD: &str = "to_entity_id";
/// The mark of a tombstone, in `content` or `properties`.
const DELETED: &str = "deleted";

/// Something of a server that can't be a record here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Its id has no place here.
    #[error("{0}")]
    Id(#[from] InvalidId),
    /// Its version can't be told from another.
    #[error("its version is empty")]
    NoVersion,
    /// Its type has no place here.
    #[error("its type has {bytes} bytes; 1 to 64 are taken")]
    Type {
        /// How long it is.
        bytes: usize,
    },
}

/// The record that a served version of an entity is, and the versions it was made on.
pub fn entity_record(change_type: ChangeType, entity: Entity) -> Result<(Version, Vec<String>), Unusable> {
    let deleted = change_type == ChangeType::Delete || entity.is_deleted();
    let id = RecordId::new(entity.id)?;
    if entity.version.is_empty() {
        return Err(Unusable::NoVersion);
    }
    let bytes = entity.entity_type.len();
    if bytes == 0 || bytes > crate::model::MAX_ID_BYTES {
        return Err(Unusable::Type { bytes });
    }
    let mut content = entity.content;
    if deleted {
        content.remove(DELETED);
    }
    let mut body = entity.extra;
    // Listings tell when a version came to their server; the stream of changes does not.
    body.remove("created_at");
    body.remove("updated_at");
    body.insert("content".into(), Value::Object(content));
    body.insert("source_type".into(), entity.source_type.into());
    body.insert("user_id".into(), entity.user_id.into());
    if let Some(checksum) = entity.checksum {
        body.insert("checksum".into(), checksum.into());
    }
    let version = Version {
        key: Key::new(Kind::of_entity_type(&entity.entity_type), id),
        parent_id: None,
        name: Some(entity.name),
        body,
        created_at: None,
        updated_at: version_time(&entity.version),
        sync_id: entity.version,
        deleted,
    };
    Ok((version, entity.parent_versions))
}

/// A version made here as it is pushed; `None` for kinds that the graph has no place for.
pub fn entity_change(version: &Version, bases: &[String]) -> Option<Change> {
    let entity_type = version.key.kind.entity_type()?.to_owned();
    let mut body = version.body.clone();
    let mut text = |field: &str| match body.remove(field) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let (source_type, user_id, checksum) = (text("source_type"), text("user_id"), text("checksum"));
    let mut content = match body.remove("content") {
        Some(Value::Object(content)) => content,
        _ => JsonObject::new(),
    };
    if version.deleted {
        content.insert(DELETED.into(), true.into());
    }
    Some(Change {
        change_type: match (version.deleted, bases.is_empty()) {
            (true, _) => ChangeType::Delete,
            (false, true) => ChangeType::Create,
            (false, false) => ChangeType::Update,
        },
        entity: Some(Entity {
            id: version.key.id.to_string(),
            version: version.sync_id.clone(),
            entity_type,
            name: version.name.clone().unwrap_or_default(),
            content,
            // A null here makes every later sync of the server fail.
            source_type: source_type.unwrap_or_else(|| "manual".to_owned()),
            user_id: user_id.unwrap_or_default(),
            parent_versions: bases.to_vec(),
            checksum,
            extra: body,
        }),
        relationships: Vec::new(),
    })
}

/// The record that an edge is.
pub fn edge_record(edge: Relationship) -> Result<Version, Unusable> {
    let deleted = edge.is_deleted();
    let id = RecordId::new(edge.id)?;
    let from = RecordId::new(edge.from_entity_id)?;
    RecordId::new(edge.to_entity_id.as_str())?;
    let mut properties = edge.properties;
    if deleted {
        properties.remove(DELETED);
    }
    let mut body = edge.extra;
    let mut time = |field: &str| match body.remove(field) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    let (created_at, updated_at) = (time("created_at"), time("updated_at"));
    for (field, text) in [
        (TO_FIELD, edge.to_entity_id),
        ("relationship_type", edge.relationship_type),
        ("from_entity_version", edge.from_entity_version),
        ("to_entity_version", edge.to_entity_version),
    ] {
        body.insert(field.into(), text.into());
    }
    if let Some(user_id) = edge.user_id {
        body.insert("user_id".into(), user_id.into());
    }
    body.insert("properties".into(), Value::Object(properties));
    Ok(Version {
        key: Key::new(Kind::Relationship, id),
        parent_id: Some(from),
        name: None,
        body,
        created_at: crate::model::Timestamp::parse(&created_at).ok(),
        updated_at: crate::model::Timestamp::parse(&updated_at).ok(),
        // Edges have no versions; the time of the last change tells two apart.
        sync_id: updated_at,
        deleted,
    })
}

/// An edge as it is pushed, pinned to versions of what it joins.
pub fn edge_message(edge: &Version, from_version: &str, to_version: &str) -> Relationship {
    let text = |field: &str| edge.text(field).unwrap_or_default().to_owned();
    let mut properties = match edge.body.get("properties") {
        Some(Value::Object(properties)) => properties.clone(),
        _ => JsonObject::new(),
    };
    if edge.deleted {
        properties.insert(DELETED.into(), true.into());
    }
    Relationship {
        id: edge.key.id.to_string(),
        from_entity_id: edge
            .parent_id
            .as_ref()
            .map(RecordId::to_string)
            .unwrap_or_default(),
        from_entity_version: from_version.to_owned(),
        to_entity_id: text(TO_FIELD),
        to_entity_version: to_version.to_owned(),
        relationship_type: text("relationship_type"),
        properties,
        user_id: None,
        extra: JsonObject::new(),
    }
}

/// The body of an edge made here, before it is pinned to versions.
pub fn edge_body(to: &RecordId, relationship_type: &str, properties: JsonObject) -> JsonObject {
    let mut body = JsonObject::new();
    body.insert(TO_FIELD.into(), to.as_str().into());
    body.insert("relationship_type".into(), relationship_type.into());
    body.insert("properties".into(), Value::Object(properties));
    body
}

/// The body of an entity made here.
pub fn entity_body(content: JsonObject, author: &str) -> JsonObject {
    let mut body = JsonObject::new();
    body.insert("content".into(), Value::Object(content));
    body.insert("source_type".into(), "manual".into());
    body.insert("user_id".into(), author.into());
    body
}
