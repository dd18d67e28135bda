//! Records of any kind as flat objects: what the journal, the history and
//! `explain` show. Records of a known kind are made in `typed`.
//!
//! An entity of the graph has its fields in its `content`. A house, room or device
//! is shown with them among its own, as on any other server; a field whose name
//! is taken stays below `content`. Any other entity is shown with its content whole.

use serde_json::Value;

use super::types::{Conflict, HistoryEntry, RecordObject};
use crate::model::{JsonObject, Kind, Record, Timestamp, Version};
use crate::store::journal::JournalEntry;

/// Fields whose text is JSON lose the suffix and are shown as what they hold.
const EMBEDDED: &str = "_json";

/// A record with its standing.
pub(super) fn record(record: &Record) -> RecordObject {
    let mut object = version(&record.version);
    object.insert("sync_status".into(), record.sync_status.as_str().into());
    if let Some(error) = &record.sync_error {
        object.insert("sync_error".into(), error.clone().into());
    }
    object
}

/// Names that an object of a house, room or device has fields of its own for.
const TAKEN: [&str; 16] = [
    "id",
    "kind",
    "name",
    "house_id",
    "room_id",
    "unplaced",
    "content",
    "checksum",
    "source_type",
    "user_id",
    "created_at",
    "updated_at",
    "sync_id",
    "sync_status",
    "sync_error",
    "freshness",
];

/// The fields of an entity: those of the wire, and beside them those of its content.
fn of_entity(version: &Version, content: &JsonObject) -> RecordObject {
    let mut object = version.body.clone();
    if !matches!(version.key.kind, Kind::House | Kind::Room | Kind::Device) {
        return object;
    }
    object.remove("content");
    let mut aside = JsonObject::new();
    for (field, value) in content {
        // A device's state is an object; what is none is not hidden by that.
        let is_state = field == "state" && version.key.kind == Kind::Device;
        if TAKEN.contains(&field.as_str()) || object.contains_key(field) || (is_state && !value.is_object()) {
            aside.insert(field.clone(), value.clone());
        } else {
            object.insert(field.clone(), value.clone());
        }
    }
    if !aside.is_empty() {
        object.insert("content".into(), Value::Object(aside));
    }
    object
}

/// The fields of a version that are not common to all kinds, decoded.
pub(super) fn body(version: &Version) -> RecordObject {
    if let Some(content) = version.content() {
        return of_entity(version, content);
    }
    let mut object = RecordObject::new();
    for (field, value) in &version.body {
        match field.strip_suffix(EMBEDDED) {
            // A field of the bare name beside it, or text that is no JSON, is shown as it is.
            Some(bare) if !version.body.contains_key(bare) => match version.embedded(field) {
                Some(inner) => object.insert(bare.to_owned(), inner),
                None if value.is_null() => object.insert(bare.to_owned(), Value::Null),
                None => object.insert(field.clone(), value.clone()),
            },
            _ => object.insert(field.clone(), value.clone()),
        };
    }
    if version.key.kind == Kind::Device {
        let configuration = object
            .get("metadata")
            .and_then(|metadata| metadata.get("configuration"))
            .cloned();
        if let Some(configuration) = configuration {
            object.insert("configuration".into(), configuration);
        } else {
            // A server's field of that name is not hidden by one that is not there.
            object.entry("configuration").or_insert(Value::Null);
        }
    }
    object
}

/// A version without a standing.
pub(super) fn version(version: &Version) -> RecordObject {
    let mut object = body(version);
    object.insert("id".into(), version.key.id.as_str().into());
    object.insert("kind".into(), version.key.kind.as_str().into());
    if version.key.kind.has_name() {
        object.insert(
            "name".into(),
            version.name.clone().map_or(Value::Null, Value::String),
        );
    }
    if let Some(field) = version.key.kind.parent_field() {
        let parent = version
            .parent_id
            .as_ref()
            .map_or(Value::Null, |id| id.as_str().into());
        object.insert(field.into(), parent);
    }
    object.insert("created_at".into(), time(version.created_at));
    object.insert("updated_at".into(), time(version.updated_at));
    object.insert("sync_id".into(), version.sync_id.as_str().into());
    if version.deleted {
        object.insert("deleted".into(), true.into());
    }
    object
}

fn time(time: Option<Timestamp>) -> Value {
    time.map_or(Value::Null, |time| time.to_string().into())
}

/// An entry of the journal.
pub(super) fn conflict(entry: &JournalEntry) -> Conflict {
    Conflict {
        conflict_id: entry.entry,
        kind: entry.version.key.kind.clone(),
        id: entry.version.key.id.clone(),
        reason: entry.reason.clone(),
        loser: entry.loser,
        losing: version(&entry.version),
        winning: entry.winner.as_ref().map(version),
        losing_time: entry.version.updated_at,
        winning_time: entry.winner.as_ref().and_then(|winner| winner.updated_at),
        recorded_at: entry.recorded_at,
    }
}

/// A superseded version.
pub(super) fn history((old, superseded_at): &(Version, Timestamp)) -> HistoryEntry {
    HistoryEntry {
        record: version(old),
        updated_at: old.updated_at,
        superseded_at: *superseded_at,
    }
}
