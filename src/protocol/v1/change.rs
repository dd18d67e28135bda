//! Versions as wire changes and back, losing nothing.

use serde_json::Value;

use super::fields::first_mistyped;
use crate::model::{JsonObject, Key, Kind, Version};
use crate::protocol::ProtocolError;
use crate::protocol::decode::{
    id_value, optional_array, optional_bool, optional_id, optional_text, optional_time, required_text, wrong,
};

/// What a change did. Only `delete` has a meaning of its own: creates and
/// updates both carry the whole record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, uniffi::Enum)]
#[serde(rename_all = "snake_case")]
// Apple's Foundation has an Operation of its own.
#[uniffi(name = "EditOperation")]
pub enum Operation {
    /// The record is new.
    Create,
    /// The record was there before.
    Update,
    /// The version is a tombstone.
    Delete,
}

impl Operation {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Create => "create",
            Operation::Update => "update",
            Operation::Delete => "delete",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "create" => Some(Operation::Create),
            "update" => Some(Operation::Update),
            "delete" => Some(Operation::Delete),
            _ => None,
        }
    }
}

/// One change of a delta: a version, and what it was made on.
#[derive(Debug, Clone, PartialEq)]
pub struct WireChange {
    /// The version the change leads to.
    pub version: Version,
    /// Create, update or delete.
    pub operation: Operation,
    /// `sync_id`s this version descends from; empty from servers without them.
    pub bases: Vec<String>,
}

impl WireChange {
    /// Reads a change of a delta.
    pub fn decode(value: Value) -> Result<Self, ProtocolError> {
        let mut object = into_object(value, "")?;
        let (key, operation) = decode_head(&mut object)?;
        let sync_id = optional_text(&mut object, "sync_id")?;
        let updated_at = optional_time(&mut object, "updated_at")?;
        let bases = decode_bases(&mut object)?;
        let data = match object.remove("data") {
            None | Some(Value::Null) if operation == Operation::Delete => JsonObject::new(),
            Some(value) => into_object(value, "data")?,
            None => return Err(wrong("data", "an object", None)),
        };
        let mut version = decode_data(key, data).map_err(|error| error.within("data"))?;
        if version.sync_id.is_empty() {
            version.sync_id = sync_id.unwrap_or_default();
        }
        version.updated_at = version.updated_at.or(updated_at);
        version.deleted |= operation == Operation::Delete;
        Ok(Self {
            version,
            operation,
            bases,
        })
    }

    /// Writes a change of a delta.
    pub fn encode(&self) -> Value {
        let mut object = encode_head(&self.version.key, self.operation);
        object.insert("data".into(), Value::Object(encode_data(&self.version)));
        object.insert("updated_at".into(), time_value(self.version.updated_at));
        object.insert("sync_id".into(), sync_id_value(&self.version.sync_id));
        object.insert("bases".into(), self.bases.clone().into());
        Value::Object(object)
    }
}

pub(super) fn into_object(value: Value, path: &str) -> Result<JsonObject, ProtocolError> {
    match value {
        Value::Object(object) => Ok(object),
        other => Err(wrong(path, "an object", Some(&other))),
    }
}

pub(super) fn decode_head(object: &mut JsonObject) -> Result<(Key, Operation), ProtocolError> {
    let kind = required_text(object, "entity_type")?;
    // A kind is a name, and as bounded as an id.
    if kind.is_empty() || kind.len() > crate::model::MAX_ID_BYTES {
        return Err(wrong(
            "entity_type",
            "a kind of 1 to 64 bytes",
            Some(&kind.into()),
        ));
    }
    let id = id_value(object.remove("entity_id").as_ref(), "entity_id")?;
    let word = required_text(object, "operation")?;
    let operation = Operation::parse(&word)
        .ok_or_else(|| wrong("operation", "create, update or delete", Some(&word.into())))?;
    Ok((Key::new(Kind::parse(&kind), id), operation))
}

pub(super) fn encode_head(key: &Key, operation: Operation) -> JsonObject {
    let mut object = JsonObject::new();
    object.insert("entity_type".into(), key.kind.as_str().into());
    object.insert("entity_id".into(), key.id.as_str().into());
    object.insert("operation".into(), operation.as_str().into());
    object
}

pub(super) fn decode_bases(object: &mut JsonObject) -> Result<Vec<String>, ProtocolError> {
    optional_array(object, "bases")?
        .into_iter()
        .map(|base| match base {
            Value::String(text) => Ok(text),
            other => Err(wrong("bases", "an array of texts", Some(&other))),
        })
        .collect()
}

/// Reads a `data` object: the common fields into their places, the rest,
/// unknown ones included, into the body.
pub fn decode_data(key: Key, mut data: JsonObject) -> Result<Version, ProtocolError> {
    data.remove("id");
    let sync_id = optional_text(&mut data, "sync_id")?.unwrap_or_default();
    let created_at = optional_time(&mut data, "created_at")?;
    let updated_at = optional_time(&mut data, "updated_at")?;
    let deleted = optional_bool(&mut data, "is_deleted")?;
    let parent_id = match key.kind.parent_field() {
        Some(field) => optional_id(&mut data, field)?,
        None => None,
    };
    let name = match key.kind.has_name() {
        // An unknown kind may use `name` for anything.
        true if matches!(key.kind, Kind::Other { .. }) && !data.get("name").is_some_and(Value::is_string) => {
            None
        }
        true => optional_text(&mut data, "name")?,
        false => None,
    };
    if let Some((field, expected, found)) = first_mistyped(&key.kind, &data) {
        return Err(wrong(field, expected, Some(found)));
    }
    Ok(Version {
        key,
        parent_id,
        name,
        body: data,
        created_at,
        updated_at,
        sync_id,
        deleted,
    })
}

/// Writes a `data` object.
pub fn encode_data(version: &Version) -> JsonObject {
    let mut data = version.body.clone();
    data.insert("id".into(), version.key.id.as_str().into());
    data.insert("sync_id".into(), sync_id_value(&version.sync_id));
    data.insert("created_at".into(), time_value(version.created_at));
    data.insert("updated_at".into(), time_value(version.updated_at));
    data.insert("is_deleted".into(), version.deleted.into());
    if let Some(field) = version.key.kind.parent_field() {
        let parent = version
            .parent_id
            .as_ref()
            .map_or(Value::Null, |id| id.as_str().into());
        data.insert(field.into(), parent);
    }
    if version.key.kind.has_name()
        && (version.name.is_some() || !matches!(version.key.kind, Kind::Other { .. }))
    {
        data.insert(
            "name".into(),
            version.name.clone().map_or(Value::Null, Value::String),
        );
    }
    data
}

fn sync_id_value(sync_id: &str) -> Value {
    if sync_id.is_empty() {
        Value::Null
    } else {
        sync_id.into()
    }
}

fn time_value(time: Option<crate::model::Timestamp>) -> Value {
    time.map_or(Value::Null, |time| time.to_string().into())
}
