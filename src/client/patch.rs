//! Patches: from the names and shapes of the API to a record's fields.

use serde_json::Value;

use super::inputs::Patch;
use super::{Result, WildThingError};
use crate::model::{JsonObject, Kind, RecordId, Version};
use crate::protocol::v1::{embedded_field, first_mistyped, is_known_field};

/// Fields that only sync may write.
const RESERVED: [&str; 11] = [
    "id",
    "kind",
    "sync_id",
    "created_at",
    "updated_at",
    "sync_status",
    "sync_error",
    "deleted",
    "is_deleted",
    "version",
    "state",
];

pub(super) fn invalid(field: &str, problem: impl Into<String>) -> WildThingError {
    WildThingError::Invalid {
        field: field.to_owned(),
        problem: problem.into(),
    }
}

/// Checks a patch against the shape of `kind` and applies it.
pub(super) fn apply(version: &mut Version, patch: &Patch) -> Result<()> {
    for (field, value) in patch {
        set(version, field, value)?;
    }
    match first_mistyped(&version.key.kind, &version.body) {
        Some((field, expected, found)) => Err(invalid(field, format!("expected {expected}, found {found}"))),
        None => Ok(()),
    }
}

fn set(version: &mut Version, field: &str, value: &Value) -> Result<()> {
    let kind = version.key.kind.clone();
    if RESERVED.contains(&field) {
        return Err(invalid(field, "can't be set"));
    }
    if field == "name" && kind.has_name() {
        version.name = Some(name(value)?);
        return Ok(());
    }
    if kind.parent_field() == Some(field) {
        let text = value
            .as_str()
            .ok_or_else(|| invalid(field, "expected the id of a record"))?;
        version.parent_id = Some(id(field, text)?);
        return Ok(());
    }
    if field == "configuration" && kind == Kind::Device {
        let mut metadata = version.embedded_object("metadata_json").unwrap_or_default();
        match value {
            Value::Null => metadata.remove("configuration"),
            Value::Object(_) => metadata.insert("configuration".into(), value.clone()),
            _ => return Err(invalid(field, "expected an object")),
        };
        version
            .body
            .insert("metadata_json".into(), Value::Object(metadata).to_string().into());
        return Ok(());
    }
    if let Some(wire) = embedded_field(&kind, field) {
        let text = if value.is_null() {
            Value::Null
        } else {
            value.to_string().into()
        };
        version.body.insert(wire, text);
        return Ok(());
    }
    if !is_known_field(&kind, field) && !version.body.contains_key(field) {
        return Err(invalid(field, format!("a {kind} has no such field")));
    }
    version.body.insert(field.to_owned(), value.clone());
    Ok(())
}

fn name(value: &Value) -> Result<String> {
    match value.as_str() {
        Some(text) if !text.trim().is_empty() => Ok(text.to_owned()),
        _ => Err(invalid("name", "expected a text that is not empty")),
    }
}

/// An id given by a caller.
pub(super) fn id(field: &str, text: &str) -> Result<RecordId> {
    RecordId::new(text).map_err(|error| invalid(field, error.to_string()))
}

/// Collects the fields of a new record that were given.
#[derive(Default)]
pub(super) struct Fields(pub(super) JsonObject);

impl Fields {
    pub(super) fn set(mut self, field: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.0.insert(field.to_owned(), value.into());
        }
        self
    }

    pub(super) fn object(self, field: &str, value: Option<JsonObject>) -> Self {
        self.set(field, value.map(Value::Object))
    }

    /// A number that JSON can carry; NaN and infinities can't.
    pub(super) fn number(self, field: &str, value: Option<f64>) -> Result<Self> {
        match value {
            None => Ok(self),
            Some(value) => match serde_json::Number::from_f64(value) {
                Some(number) => Ok(self.set(field, Some(Value::Number(number)))),
                None => Err(invalid(field, "expected a finite number")),
            },
        }
    }
}
