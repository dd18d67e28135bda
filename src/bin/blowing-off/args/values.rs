//! How values on the command line are read.

use std::convert::Infallible;
use std::io::Read;

use serde_json::Value;
use wildthing::model::JsonObject;

use crate::failure::{Failure, Outcome};
use crate::secret::Secret;

/// A token is taken as it is: a refusal would quote it.
pub(crate) fn secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::from(text))
}

/// A JSON object.
pub(crate) fn object(text: &str) -> Result<JsonObject, String> {
    let example = r#"give a JSON object, for example '{"power": "on"}'"#;
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(format!("this is {}; {example}", name_of(&other))),
        Err(error) => Err(format!("this is not JSON ({error}); {example}")),
    }
}

/// A JSON object, or the promise of one on stdin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Object {
    /// It was given.
    Given(JsonObject),
    /// It is still to be read.
    Stdin,
}

/// More than this is no object that somebody wrote.
const MAX_STDIN: u64 = 8 * 1024 * 1024;

impl Object {
    /// The object, read from stdin if that was asked for.
    pub(crate) fn read(given: Option<Self>) -> Outcome<Option<JsonObject>> {
        match given {
            None => Ok(None),
            Some(Object::Given(object)) => Ok(Some(object)),
            Some(Object::Stdin) => {
                let mut text = String::new();
                let read = std::io::stdin().lock().take(MAX_STDIN).read_to_string(&mut text);
                let parsed = match read {
                    Ok(_) => object(&text),
                    Err(error) => Err(error.to_string()),
                };
                parsed.map(Some).map_err(|problem| {
                    Failure::usage(
                        format!("what came on stdin can't be used: {problem}"),
                        "pipe one JSON object into the command",
                    )
                })
            }
        }
    }
}

/// A JSON object, or `-` for one on stdin.
pub(crate) fn object_or_stdin(text: &str) -> Result<Object, String> {
    match text {
        "-" => Ok(Object::Stdin),
        text => object(text).map(Object::Given),
    }
}

/// `FIELD=JSON`.
pub(crate) fn assignment(text: &str) -> Result<(String, Value), String> {
    let (field, value) = text
        .split_once('=')
        .ok_or("there is no `=`; give FIELD=JSON, for example 'floor=2'")?;
    if field.is_empty() {
        return Err("the field's name is missing before `=`".to_owned());
    }
    let value = serde_json::from_str(value)
        .map_err(|error| format!("the value is not JSON ({error}); texts need quotes: '{field}=\"text\"'"))?;
    Ok((field.to_owned(), value))
}

/// A number that JSON can carry.
pub(crate) fn degrees(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err("this is not a number of degrees".to_owned()),
    }
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_objects_are_objects() {
        assert!(object(r#"{"a": 123456789012345678901}"#).is_ok());
        for text in ["", "[1]", "null", "3", "\"x\"", "{", "{} {}"] {
            assert!(object(text).is_err(), "{text}");
        }
    }

    #[test]
    fn assignments_carry_any_json() {
        assert_eq!(assignment("a=null"), Ok(("a".into(), Value::Null)));
        assert_eq!(assignment("a=\"b=c\""), Ok(("a".into(), "b=c".into())));
        for text in ["a", "=1", "a=", "a=text"] {
            assert!(assignment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn degrees_are_finite() {
        assert_eq!(degrees("-33.8"), Ok(-33.8));
        assert!(degrees("NaN").is_err() && degrees("1e999").is_err());
    }
}
