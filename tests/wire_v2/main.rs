//! Inbetweenies v2 on the wire: what FunkyGibbon 0.3 was seen to send and take,
//! what our messages look like, and what becomes of bad input.
//!
//! - `observed`: every recorded exchange is read, and written again, without loss.
//! - `golden`: our own messages, both ways, and version strings.
//! - `bad_input`: every unusable message gets its typed error, naming the place.

#![allow(clippy::unwrap_used, clippy::panic)]

mod bad_input;
mod golden;
mod observed;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

fn data(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(path);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn data_json(path: &str) -> Value {
    serde_json::from_slice(&data(path)).unwrap()
}

fn bytes(message: &Value) -> Vec<u8> {
    message.to_string().into_bytes()
}

/// The recorded exchanges.
fn cases() -> Vec<Value> {
    data_json("observed-v2/cases.json").as_array().unwrap().clone()
}

/// The recorded exchange of that name.
fn case(name: &str) -> Value {
    let mut cases = cases().into_iter().filter(|case| case["name"] == name);
    cases.next().unwrap_or_else(|| panic!("no case {name:?}"))
}

fn entity() -> Value {
    json!({
        "id": "lamp",
        "version": "2026-06-15T09:41:02.581234+00:00-000417-alice",
        "entity_type": "device",
        "name": "Lamp",
        "content": {},
        "source_type": "manual",
        "user_id": "alice",
        "parent_versions": [],
        "checksum": null,
    })
}

fn edge() -> Value {
    json!({
        "id": "edge",
        "from_entity_id": "lamp",
        "from_entity_version": "v1",
        "to_entity_id": "room",
        "to_entity_version": "v2",
        "relationship_type": "located_in",
        "properties": {},
    })
}

/// An answer with one change.
fn answer(entity: Value) -> Value {
    json!({
        "sync_type": "delta",
        "server_time": "2026-11-22T09:00:00+00:00",
        "changes": [{"change_type": "update", "entity": entity, "relationships": [edge()]}],
    })
}

/// A request with one change.
fn request(entity: Value) -> Value {
    json!({
        "device_id": "d",
        "user_id": "u",
        "sync_type": "delta",
        "changes": [{"change_type": "update", "entity": entity, "relationships": [edge()]}],
    })
}
