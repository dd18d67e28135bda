//! Versions and records: one edit's outcome, and how the replica holds it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{JsonObject, Key, RecordId, Timestamp};

/// One version of a record: what an edit made of it.
///
/// This is the unit of sync and of conflict. It is what the journal, the
/// mirror and the history keep whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// Which record.
    #[serde(flatten)]
    pub key: Key,
    /// Containment; never a foreign key, since real houses have dangling parents.
    pub parent_id: Option<RecordId>,
    /// The record's own name, for kinds that have one.
    pub name: Option<String>,
    /// The other fields, unknown ones included.
    pub body: JsonObject,
    /// When the record was first made, by its author's clock.
    pub created_at: Option<Timestamp>,
    /// Edit time: when its author made this version. `None` if unreadable.
    pub updated_at: Option<Timestamp>,
    /// The id of the edit that made this version; empty if the server has none.
    pub sync_id: String,
    /// Whether this version is a tombstone.
    pub deleted: bool,
}

impl Version {
    /// The canonical JSON of what this version says of the house, without the
    /// marks of sync: sorted members, no spaces, numbers as they were written.
    ///
    /// A device's `state_json` is derived from its newest state and left out.
    pub fn content_json(&self) -> String {
        let mut object = JsonObject::new();
        let mut body = self.body.clone();
        if self.key.kind == super::Kind::Device {
            body.remove("state_json");
        }
        object.insert("body".into(), Value::Object(body));
        object.insert("id".into(), self.key.id.as_str().into());
        object.insert("kind".into(), self.key.kind.as_str().into());
        object.insert(
            "name".into(),
            self.name.clone().map_or(Value::Null, Value::String),
        );
        object.insert(
            "parent_id".into(),
            self.parent_id
                .as_ref()
                .map_or(Value::Null, |id| id.as_str().into()),
        );
        object.insert(
            "updated_at".into(),
            self.updated_at
                .map_or(Value::Null, |time| time.to_string().into()),
        );
        Value::Object(object).to_string()
    }

    /// What an entity of the graph says of itself; `None` for records in the shape of v1.
    pub fn content(&self) -> Option<&JsonObject> {
        match (self.body.get("source_type"), self.body.get("content")) {
            (Some(Value::String(_)), Some(Value::Object(content))) => Some(content),
            _ => None,
        }
    }

    /// The same to be changed.
    pub fn content_mut(&mut self) -> Option<&mut JsonObject> {
        self.content()?;
        match self.body.get_mut("content") {
            Some(Value::Object(content)) => Some(content),
            _ => None,
        }
    }

    /// A text field of the body.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.body.get(field).and_then(Value::as_str)
    }

    /// A field that holds JSON encoded as a string, decoded.
    pub fn embedded(&self, field: &str) -> Option<Value> {
        serde_json::from_str(self.text(field)?).ok()
    }

    /// A field that holds a JSON object encoded as a string, decoded.
    pub fn embedded_object(&self, field: &str) -> Option<JsonObject> {
        match self.embedded(field)? {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }
}

/// Where a record stands with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, uniffi::Enum)]
#[serde(rename_all = "snake_case")]
pub enum RecordStatus {
    /// The server's version is held.
    Synced,
    /// A local edit waits to be sent or answered.
    Pending,
    /// A local edit waits, and the server holds a concurrent one.
    Conflict,
    /// The server refused the local edit; see `sync_error`.
    Error,
}

impl RecordStatus {
    /// The word in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            RecordStatus::Synced => "synced",
            RecordStatus::Pending => "pending",
            RecordStatus::Conflict => "conflict",
            RecordStatus::Error => "error",
        }
    }

    /// Reads the word; anything unknown counts as pending, which never loses an edit.
    pub fn parse(word: &str) -> Self {
        match word {
            "synced" => RecordStatus::Synced,
            "conflict" => RecordStatus::Conflict,
            "error" => RecordStatus::Error,
            _ => RecordStatus::Pending,
        }
    }
}

/// A version as the replica holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What is shown to the user.
    #[serde(flatten)]
    pub version: Version,
    /// Where it stands with the server.
    pub sync_status: RecordStatus,
    /// The edit time of the server's version, where one is known.
    pub server_updated_at: Option<Timestamp>,
    /// When this replica last exchanged the record with the server.
    pub last_sync_at: Option<Timestamp>,
    /// Why the server refused the local edit.
    pub sync_error: Option<String>,
}
