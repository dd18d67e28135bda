//! Values as text for people and for `cut`.

use serde_json::Value;
use wildthing::model::{JsonObject, Timestamp};

/// Makes text safe for one cell: no tab, newline or terminal command survives.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\t' | '\n' | '\r' => ' ',
            control if control.is_control() => char::REPLACEMENT_CHARACTER,
            other => other,
        })
        .collect()
}

/// A JSON value as people write it: texts without quotes, null as nothing.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A field of a record; nothing where there is none.
pub(crate) fn field(record: &JsonObject, name: &str) -> String {
    let value = record.get(name).map(plain).unwrap_or_default();
    match name {
        "created_at" | "updated_at" => seconds(&value),
        _ => value,
    }
}

/// A time to the second; text that is no time stays as it is.
fn seconds(text: &str) -> String {
    match Timestamp::parse(text) {
        Ok(time) => moment(Some(time)),
        Err(_) => text.to_owned(),
    }
}

/// A time to the second, UTC.
pub(crate) fn moment(time: Option<Timestamp>) -> String {
    let Some(time) = time else {
        return String::new();
    };
    let text = time.to_string();
    let whole = text.split('.').next().unwrap_or(&text);
    format!("{}Z", whole.replacen('T', " ", 1))
}

/// `1 conflict`, `2 conflicts`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_hold_no_control_characters() {
        assert_eq!(clean("a\tb\nc\u{1b}[31m"), "a b c\u{fffd}[31m");
    }

    #[test]
    fn times_are_told_to_the_second() {
        assert_eq!(
            moment(Timestamp::parse("2026-11-22T07:59:21.194774").ok()),
            "2026-11-22 07:59:21Z"
        );
        assert_eq!(seconds("yesterday"), "yesterday");
    }
}
