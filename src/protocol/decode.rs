//! Bytes to JSON within limits, and typed access to fields with the path in the error.

use serde_json::Value;

use super::{MAX_DEPTH, MAX_MESSAGE_BYTES, ProtocolError};
use crate::model::{JsonObject, RecordId, Timestamp};

/// Reads a whole message: size, UTF-8, depth, JSON, finite numbers, an object.
pub fn message(bytes: &[u8]) -> Result<JsonObject, ProtocolError> {
    message_within(bytes, MAX_MESSAGE_BYTES)
}

/// The same for a message that may have more bytes, or fewer.
pub fn message_within(bytes: &[u8], limit: usize) -> Result<JsonObject, ProtocolError> {
    let text = check_text(bytes, limit)?;
    let value: Value = serde_json::from_str(text).map_err(|error| not_json(&error))?;
    check_numbers(&value)?;
    match value {
        Value::Object(object) => Ok(object),
        other => Err(wrong("", "an object", Some(&other))),
    }
}

/// What can be said of a message before any tree is built of it: its text, if it
/// is one, not too long and not too deep.
pub(super) fn check_text(bytes: &[u8], limit: usize) -> Result<&str, ProtocolError> {
    if bytes.len() > limit {
        return Err(ProtocolError::TooLarge { limit });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| ProtocolError::NotUtf8 {
        offset: error.valid_up_to(),
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('<') {
        return Err(ProtocolError::WebPage);
    }
    check_depth(text)?;
    Ok(text)
}

pub(super) fn not_json(error: &serde_json::Error) -> ProtocolError {
    ProtocolError::NotJson {
        problem: describe(error),
        line: error.line(),
        column: error.column(),
    }
}

/// What serde_json says, without its own "at line … column …".
fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// Counts brackets outside strings, so that depth is bounded before any tree is built.
fn check_depth(text: &str) -> Result<(), ProtocolError> {
    let mut depth = 0usize;
    let mut in_string = false;
    let mut escaped = false;
    for byte in text.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(ProtocolError::TooDeep { limit: MAX_DEPTH });
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// Refuses numbers such as `1e400` that no language of ours can hold, while
/// integers of any size are kept as they were written.
pub fn check_numbers(value: &Value) -> Result<(), ProtocolError> {
    match value {
        Value::Number(number) => {
            let text = number.as_str();
            let integer = !text.contains(['.', 'e', 'E']);
            if (integer && text.len() <= 1_000) || text.parse::<f64>().is_ok_and(f64::is_finite) {
                return Ok(());
            }
            Err(ProtocolError::Field {
                path: String::new(),
                expected: "a number within the range of a double",
                found: text.chars().take(40).collect(),
            })
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                check_numbers(item).map_err(|error| error.within(&format!("[{index}]")))?;
            }
            Ok(())
        }
        Value::Object(object) => {
            for (name, item) in object {
                check_numbers(item).map_err(|error| error.within(name))?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The error for a value that is not what belongs at `path`.
pub fn wrong(path: &str, expected: &'static str, found: Option<&Value>) -> ProtocolError {
    let found = match found {
        None => "nothing".to_owned(),
        Some(Value::Null) => "null".to_owned(),
        Some(Value::Bool(_)) => "a boolean".to_owned(),
        Some(Value::Number(number)) => format!("the number {}", shorten(number.as_str())),
        Some(Value::String(text)) => format!("the text {:?}", shorten(text)),
        Some(Value::Array(_)) => "an array".to_owned(),
        Some(Value::Object(_)) => "an object".to_owned(),
    };
    ProtocolError::Field {
        path: path.to_owned(),
        expected,
        found,
    }
}

fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Takes a text field that may be absent or null.
pub fn optional_text(object: &mut JsonObject, field: &str) -> Result<Option<String>, ProtocolError> {
    match object.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(wrong(field, "text or null", Some(&other))),
    }
}

/// Takes a text field that must be there.
pub fn required_text(object: &mut JsonObject, field: &str) -> Result<String, ProtocolError> {
    match object.remove(field) {
        Some(Value::String(text)) => Ok(text),
        other => Err(wrong(field, "text", other.as_ref())),
    }
}

/// Takes a time that may be absent, null or empty.
pub fn optional_time(object: &mut JsonObject, field: &str) -> Result<Option<Timestamp>, ProtocolError> {
    match optional_text(object, field)? {
        None => Ok(None),
        Some(text) if text.is_empty() => Ok(None),
        Some(text) => match Timestamp::parse(&text) {
            Ok(time) => Ok(Some(time)),
            Err(_) => Err(wrong(
                field,
                "an ISO 8601 time within the years 1 to 9999",
                Some(&text.into()),
            )),
        },
    }
}

/// Takes a boolean that may be absent or null; 0 and 1 count.
pub fn optional_bool(object: &mut JsonObject, field: &str) -> Result<bool, ProtocolError> {
    match object.remove(field) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(value)) => Ok(value),
        Some(Value::Number(number)) if number.as_str() == "0" => Ok(false),
        Some(Value::Number(number)) if number.as_str() == "1" => Ok(true),
        Some(other) => Err(wrong(field, "true or false", Some(&other))),
    }
}

/// Takes a list that may be absent or null.
pub fn optional_array(object: &mut JsonObject, field: &str) -> Result<Vec<Value>, ProtocolError> {
    match object.remove(field) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => Ok(items),
        Some(other) => Err(wrong(field, "an array", Some(&other))),
    }
}

/// An id: text, or an integer of an old server, read as text.
pub fn id_value(value: Option<&Value>, path: &str) -> Result<RecordId, ProtocolError> {
    const EXPECTED: &str = "an id of 1 to 64 bytes";
    let text = match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => number.to_string(),
        other => return Err(wrong(path, EXPECTED, other)),
    };
    RecordId::new(text).map_err(|_| wrong(path, EXPECTED, value))
}

/// Takes an id that may be absent or null. An empty one counts as absent.
pub fn optional_id(object: &mut JsonObject, field: &str) -> Result<Option<RecordId>, ProtocolError> {
    match object.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(value) => id_value(Some(&value), field).map(Some),
    }
}
