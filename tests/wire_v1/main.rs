//! Inbetweenies v1 on the wire: what our messages look like, what other servers
//! were seen to send, and what becomes of bad input.
//!
//! - `observed`: answers and requests recorded against FunkyGibbon 0.1.
//! - `golden`: our own messages, both ways.
//! - `roundtrip`: whatever a version holds survives the wire.
//! - `bad_input`, `bad_fields`: every unusable message gets its typed error,
//!   naming the place.

#![allow(clippy::unwrap_used, clippy::panic)]

mod bad_fields;
mod bad_input;
mod golden;
mod observed;
mod roundtrip;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use wildthing::protocol::ProtocolError;
use wildthing::protocol::v1::Delta;

/// A folder or file of `tests/data`.
fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(path)
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&read(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn bytes(message: &Value) -> Vec<u8> {
    message.to_string().into_bytes()
}

/// A delta of one change of the given kind and data.
fn delta(kind: &str, data: Value) -> Value {
    json!({
        "type": "sync_delta",
        "server_time": "2026-11-22T09:00:00",
        "changes": [{"entity_type": kind, "entity_id": "x", "operation": "update", "data": data}],
    })
}

/// The path and expectation of a field error; anything else fails the test.
#[track_caller]
fn field_error(result: Result<Delta, ProtocolError>) -> (String, &'static str) {
    match result {
        Err(ProtocolError::Field {
            path,
            expected,
            found,
        }) => {
            assert!(!found.is_empty() && found.chars().count() < 80, "{path}: {found}");
            (path, expected)
        }
        other => panic!("not a field error: {other:?}"),
    }
}

/// The known fields of each kind as the protocol lists them, by type.
const KNOWN: &[(&str, &str, &str)] = &[
    (
        "house",
        "text",
        "name address timezone settings_json metadata_json",
    ),
    ("house", "number", "latitude longitude"),
    ("house", "integer", "room_count device_count user_count"),
    ("room", "id", "house_id"),
    (
        "room",
        "text",
        "house_name name room_type last_motion_at settings_json metadata_json",
    ),
    ("room", "integer", "floor device_count"),
    ("room", "number", "temperature humidity"),
    ("device", "id", "room_id"),
    (
        "device",
        "text",
        "house_id room_name house_name name device_type manufacturer model",
    ),
    (
        "device",
        "text",
        "state_json capabilities_json ip_address mac_address metadata_json",
    ),
    ("user", "id", "house_id"),
    (
        "user",
        "text",
        "name email role device_ids_json preferences_json metadata_json",
    ),
    ("entity_state", "id", "device_id"),
    (
        "entity_state",
        "text",
        "state_type state_value state_json source user_id metadata_json",
    ),
    ("event", "id", "entity_id"),
    (
        "event",
        "text",
        "event_type entity_type description data_json source user_id metadata_json",
    ),
];
