//! The known body fields of each kind and the types they must have.

use serde_json::Value;

use crate::model::Kind;

#[derive(Clone, Copy)]
pub(super) enum FieldType {
    Text,
    Integer,
    Number,
}

use FieldType::{Integer, Number, Text};

const HOUSE: &[(&str, FieldType)] = &[
    ("address", Text),
    ("latitude", Number),
    ("longitude", Number),
    ("timezone", Text),
    ("room_count", Integer),
    ("device_count", Integer),
    ("user_count", Integer),
    ("settings_json", Text),
];

const ROOM: &[(&str, FieldType)] = &[
    ("house_name", Text),
    ("room_type", Text),
    ("floor", Integer),
    ("device_count", Integer),
    ("temperature", Number),
    ("humidity", Number),
    ("last_motion_at", Text),
    ("settings_json", Text),
];

const DEVICE: &[(&str, FieldType)] = &[
    ("house_id", Text),
    ("room_name", Text),
    ("house_name", Text),
    ("device_type", Text),
    ("manufacturer", Text),
    ("model", Text),
    ("state_json", Text),
    ("capabilities_json", Text),
    ("ip_address", Text),
    ("mac_address", Text),
];

const USER: &[(&str, FieldType)] = &[
    ("email", Text),
    ("role", Text),
    ("device_ids_json", Text),
    ("preferences_json", Text),
];

const ENTITY_STATE: &[(&str, FieldType)] = &[
    ("state_type", Text),
    ("state_value", Text),
    ("state_json", Text),
    ("source", Text),
    ("user_id", Text),
];

const EVENT: &[(&str, FieldType)] = &[
    ("event_type", Text),
    ("entity_type", Text),
    ("description", Text),
    ("data_json", Text),
    ("source", Text),
    ("user_id", Text),
];

/// Fields that every kind may have.
const COMMON: &[(&str, FieldType)] = &[("metadata_json", Text)];

fn known(kind: &Kind) -> &'static [(&'static str, FieldType)] {
    match kind {
        Kind::House => HOUSE,
        Kind::Room => ROOM,
        Kind::Device => DEVICE,
        Kind::User => USER,
        Kind::EntityState => ENTITY_STATE,
        Kind::Event => EVENT,
        Kind::Relationship | Kind::Other { .. } => &[],
    }
}

/// The first known field whose value has the wrong type, and what it should be.
/// `null` and absence are always fine; unknown fields are not looked at.
pub fn first_mistyped<'a>(
    kind: &Kind,
    body: &'a crate::model::JsonObject,
) -> Option<(&'static str, &'static str, &'a Value)> {
    known(kind).iter().chain(COMMON).find_map(|(name, expected)| {
        let value = body.get(*name)?;
        let (fits, expected) = match expected {
            Text => (value.is_string(), "text or null"),
            Integer => (is_integer(value), "a whole number or null"),
            Number => (value.is_number(), "a number or null"),
        };
        (!value.is_null() && !fits).then_some((*name, expected, value))
    })
}

fn is_integer(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.as_str().contains(['.', 'e', 'E']),
        _ => false,
    }
}

/// Whether records of `kind` are known to have the field.
pub fn is_known_field(kind: &Kind, field: &str) -> bool {
    known(kind).iter().chain(COMMON).any(|(name, _)| *name == field)
}

/// The wire field that holds JSON as text under a bare name: `settings_json` for
/// `settings`. `None` if the kind has none such.
pub fn embedded_field(kind: &Kind, bare: &str) -> Option<String> {
    let wire = format!("{bare}_json");
    is_known_field(kind, &wire).then_some(wire)
}
