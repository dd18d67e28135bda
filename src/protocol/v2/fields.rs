//! What v2's messages need beyond the shared readers of fields.

use serde_json::Value;

use crate::model::JsonObject;
use crate::protocol::decode::{optional_array, wrong};
use crate::protocol::{MAX_PAGE_CHANGES, ProtocolError};

pub(super) fn into_object(value: Value) -> Result<JsonObject, ProtocolError> {
    match value {
        Value::Object(object) => Ok(object),
        other => Err(wrong("", "an object", Some(&other))),
    }
}

/// Takes an object that must be there.
pub(super) fn required_object(object: &mut JsonObject, field: &str) -> Result<JsonObject, ProtocolError> {
    match object.remove(field) {
        Some(Value::Object(inner)) => Ok(inner),
        other => Err(wrong(field, "an object", other.as_ref())),
    }
}

/// Takes an object that may be absent or null.
pub(super) fn optional_object(
    object: &mut JsonObject,
    field: &str,
) -> Result<Option<JsonObject>, ProtocolError> {
    match object.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(inner)) => Ok(Some(inner)),
        Some(other) => Err(wrong(field, "an object or null", Some(&other))),
    }
}

/// Takes a list of texts that may be absent or null.
pub(super) fn texts(object: &mut JsonObject, field: &str) -> Result<Vec<String>, ProtocolError> {
    list(object, field, |item| match item {
        Value::String(text) => Ok(text),
        other => Err(wrong("", "text", Some(&other))),
    })
}

/// Takes a list that may be absent or null and reads every entry; an error
/// names the entry's place.
pub(super) fn list<T>(
    object: &mut JsonObject,
    field: &str,
    decode: impl Fn(Value) -> Result<T, ProtocolError>,
) -> Result<Vec<T>, ProtocolError> {
    optional_array(object, field)?
        .into_iter()
        .enumerate()
        .map(|(index, item)| decode(item).map_err(|error| error.within(&format!("{field}[{index}]"))))
        .collect()
}

/// Takes a list of changes, which has a greatest length.
pub(super) fn bounded_list<T>(
    object: &mut JsonObject,
    field: &str,
    decode: impl Fn(Value) -> Result<T, ProtocolError>,
) -> Result<Vec<T>, ProtocolError> {
    if let Some(Value::Array(items)) = object.get(field)
        && items.len() > MAX_PAGE_CHANGES
    {
        return Err(ProtocolError::TooManyChanges {
            count: items.len(),
            limit: MAX_PAGE_CHANGES,
        });
    }
    list(object, field, decode)
}

/// Takes a whole number of 0 or more that may be absent or null.
pub(super) fn optional_count(object: &mut JsonObject, field: &str) -> Result<Option<u64>, ProtocolError> {
    match object.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64() {
            Some(count) => Ok(Some(count)),
            None => Err(wrong(field, "a whole number of 0 or more", Some(&value))),
        },
    }
}
