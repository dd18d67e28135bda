//! Between stored records and entities of any type: how one is shown, and how a new
//! or changed one is made. Finding and writing them is in `graph`.

use std::collections::HashMap;

use rusqlite::Connection;
use serde_json::Value;

use super::graph_types::{Entity, EntityPatch, NewEntity, Relationship};
use super::patch::{self, invalid};
use super::read::{live, own_state};
use super::typed::freshness;
use super::write::{blank, to_graph_shape};
use super::{Result, WildThingError, present};
use crate::model::{JsonObject, Key, Kind, Record, Version, merge_patch};
use crate::protocol::v2::{ENTITY_TYPES, SOURCE_TYPES, TO_FIELD, entity_body};
use crate::store::graph::{edges, walk};
use crate::store::journal::OpenLoss;
use crate::store::{StoreError, journal, rows};

/// What servers take for the mark of a tombstone.
const DELETED: &str = "deleted";
/// What a person is among the entities.
const USER: &str = "user";

/// The kinds that go by a name of the graph; houses also by their own.
pub(super) fn kinds_of(entity_type: &str) -> Vec<Kind> {
    let named = Kind::of_entity_type(entity_type);
    match entity_type {
        USER => vec![Kind::User, named],
        "house" => vec![Kind::House, named],
        _ => vec![named],
    }
}

fn type_of(kind: &Kind) -> &str {
    kind.entity_type().unwrap_or(USER)
}

/// The entities of a type, or all, by type and name.
pub(super) fn list(
    connection: &Connection,
    entity_type: Option<&str>,
) -> std::result::Result<Vec<Entity>, StoreError> {
    let mut kinds = walk::kinds(connection)?;
    if let Some(entity_type) = entity_type {
        let wanted = kinds_of(entity_type);
        kinds.retain(|kind| wanted.contains(kind));
    }
    let mut entities = Vec::new();
    for kind in &kinds {
        let filter = rows::Filter {
            kind: Some(kind),
            ..Default::default()
        };
        let mut losses = journal::open_losses(connection, kind)?;
        let records = rows::list(connection, &filter)?;
        let mut states = match records.iter().any(keeps_state_elsewhere) {
            true => rows::newest_states(connection, None)?,
            false => HashMap::new(),
        };
        for record in records {
            let lost = losses.remove(&record.version.key.id);
            let state = states.remove(record.version.key.id.as_str());
            entities.push(entity(record, lost, state));
        }
    }
    entities.sort_by(|a, b| (&a.entity_type, &a.name, &a.id).cmp(&(&b.entity_type, &b.name, &b.id)));
    Ok(entities)
}

/// Whether records of their own tell what a device is doing.
fn keeps_state_elsewhere(record: &Record) -> bool {
    record.version.key.kind == Kind::Device && own_state(&record.version).is_none()
}

/// Reads entities one by one.
pub(super) struct EntityReader<'a> {
    connection: &'a Connection,
}

impl<'a> EntityReader<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self { connection }
    }

    /// The live entity with this key.
    pub(super) fn at(&mut self, key: &Key) -> std::result::Result<Option<Entity>, StoreError> {
        live(self.connection, key)?
            .map(|record| self.read(record))
            .transpose()
    }

    /// A record as an entity.
    pub(super) fn read(&mut self, record: Record) -> std::result::Result<Entity, StoreError> {
        let lost = journal::open_loss(self.connection, &record.version.key)?;
        let state = match keeps_state_elsewhere(&record) {
            true => {
                let newest = super::read::newest_state(self.connection, &record.version.key.id)?;
                newest.and_then(|row| row.version.embedded_object("state_json"))
            }
            false => None,
        };
        Ok(entity(record, lost, state))
    }
}

fn entity(record: Record, lost: Option<OpenLoss>, state: Option<JsonObject>) -> Entity {
    let freshness = freshness(&record, lost);
    let mut content = match record.version.content() {
        Some(content) => content.clone(),
        None => flat(&record.version),
    };
    if let Some(state) = state {
        content.insert("state".into(), Value::Object(state));
    }
    let version = record.version;
    let mut extra = match version.content().is_some() {
        true => version.body,
        false => JsonObject::new(),
    };
    extra.remove("content");
    Entity {
        entity_type: type_of(&version.key.kind).to_owned(),
        id: version.key.id,
        kind: version.key.kind,
        name: version.name.unwrap_or_default(),
        content,
        source_type: take_text(&mut extra, "source_type"),
        user_id: take_text(&mut extra, "user_id"),
        checksum: take_text(&mut extra, "checksum"),
        version: version.sync_id,
        updated_at: version.updated_at,
        sync_status: record.sync_status,
        freshness,
        extra,
    }
}

/// The fields of a record in the shape of v1, and what it is in.
fn flat(version: &Version) -> JsonObject {
    let mut content = present::body(version);
    if let (Some(field), Some(parent)) = (version.key.kind.parent_field(), &version.parent_id) {
        content.insert(field.into(), parent.as_str().into());
    }
    content
}

/// Takes a text out; what is none stays.
fn take_text(object: &mut JsonObject, field: &str) -> Option<String> {
    let text = object.get(field)?.as_str()?.to_owned();
    object.remove(field);
    Some(text)
}

/// An edge as a relationship.
pub(super) fn relationship(record: Record, lost: Option<OpenLoss>) -> Relationship {
    let freshness = freshness(&record, lost);
    let to_id = edges::target(&record.version);
    let version = record.version;
    let mut extra = version.body;
    extra.remove(TO_FIELD);
    let properties = match extra.remove("properties") {
        Some(Value::Object(properties)) => properties,
        _ => JsonObject::new(),
    };
    Relationship {
        id: version.key.id,
        from_id: version.parent_id,
        to_id,
        relationship_type: take_text(&mut extra, "relationship_type").unwrap_or_default(),
        properties,
        from_version: take_text(&mut extra, "from_entity_version"),
        to_version: take_text(&mut extra, "to_entity_version"),
        updated_at: version.updated_at,
        sync_status: record.sync_status,
        freshness,
        extra,
    }
}

/// The refusal of what only a graph can hold.
pub(super) fn only_in_a_graph(what: impl Into<String>) -> WildThingError {
    WildThingError::UnsupportedByServer { what: what.into() }
}

/// Servers refuse a whole push for one type that they don't know.
pub(super) fn check_entity_type(entity_type: &str) -> Result<()> {
    match ENTITY_TYPES.contains(&entity_type) {
        true => Ok(()),
        false => Err(invalid(
            "entity_type",
            format!("expected one of {}", ENTITY_TYPES.join(", ")),
        )),
    }
}

fn check_source_type(source_type: Option<&String>) -> Result<()> {
    match source_type.is_none_or(|word| SOURCE_TYPES.contains(&word.as_str())) {
        true => Ok(()),
        false => Err(invalid(
            "source_type",
            format!("expected one of {}", SOURCE_TYPES.join(", ")),
        )),
    }
}

/// Checks a content, or the properties of a relationship: with the mark of a
/// tombstone it would be one.
pub(super) fn check_content(field: &str, content: &JsonObject) -> Result<()> {
    if content.contains_key(DELETED) {
        return Err(invalid(
            field,
            "`deleted` can't be set; there is a call to delete",
        ));
    }
    patch::check_object(field, content)
}

/// The first version of an entity.
pub(super) fn new_entity(key: Key, new: &NewEntity, holds_graph: bool) -> Result<Version> {
    let mut version = blank(key);
    let content = new.content.clone().unwrap_or_default();
    check_source_type(new.source_type.as_ref())?;
    check_content("content", &content)?;
    if !holds_graph {
        if matches!(version.key.kind, Kind::Other { .. }) {
            return Err(only_in_a_graph(format!("an entity of type {}", new.entity_type)));
        }
        if new.source_type.is_some() {
            return Err(only_in_a_graph("a source type"));
        }
        let mut fields = content;
        fields.insert("name".into(), new.name.as_str().into());
        patch::apply(&mut version, &fields)?;
        let needed = version.key.kind.container().and(version.key.kind.parent_field());
        if let (Some(field), None) = (needed, &version.parent_id) {
            return Err(invalid(field, "is needed, since the replica holds no graph"));
        }
        return Ok(version);
    }
    version.name = Some(patch::name(&Value::from(new.name.as_str()))?);
    // Who makes it is filled in by the store.
    version.body = entity_body(content, "");
    if let Some(source_type) = &new.source_type {
        version
            .body
            .insert("source_type".into(), source_type.as_str().into());
    }
    Ok(version)
}

/// The next version of an entity.
pub(super) fn patched(
    connection: &Connection,
    current: &Version,
    patch: &EntityPatch,
) -> std::result::Result<Result<Version>, StoreError> {
    let mut version = current.clone();
    to_graph_shape(connection, &mut version)?;
    Ok(match version.content().is_some() {
        true => patched_in_graph(version, patch),
        false => patched_flat(version, patch),
    })
}

fn patched_in_graph(mut version: Version, patch: &EntityPatch) -> Result<Version> {
    check_source_type(patch.source_type.as_ref())?;
    if let Some(name) = &patch.name {
        version.name = Some(patch::name(&Value::from(name.as_str()))?);
    }
    if let Some(source_type) = &patch.source_type {
        version
            .body
            .insert("source_type".into(), source_type.as_str().into());
    }
    if let (Some(given), Some(content)) = (&patch.content, version.content_mut()) {
        check_content("content", given)?;
        if patch.replace {
            content.clone_from(given);
        } else {
            merge_patch(content, given);
        }
    }
    Ok(version)
}

/// The same for a record of a server without a graph: what the patch makes of the
/// fields that are shown is written field by field, and each must be one of its kind.
fn patched_flat(mut version: Version, patch: &EntityPatch) -> Result<Version> {
    if matches!(version.key.kind, Kind::Other { .. }) {
        return Err(only_in_a_graph(format!(
            "a change of a {}",
            type_of(&version.key.kind)
        )));
    }
    if patch.source_type.is_some() {
        return Err(only_in_a_graph("a source type"));
    }
    if patch.replace {
        return Err(only_in_a_graph("a whole new content"));
    }
    let old = flat(&version);
    let mut fields = JsonObject::new();
    if let Some(given) = &patch.content {
        check_content("content", given)?;
        let mut new = old.clone();
        merge_patch(&mut new, given);
        for field in given.keys().filter(|field| old.get(*field) != new.get(*field)) {
            fields.insert(field.clone(), new.get(field).cloned().unwrap_or_default());
        }
    }
    if let Some(name) = &patch.name {
        fields.insert("name".into(), name.as_str().into());
    }
    patch::apply(&mut version, &fields)?;
    Ok(version)
}
