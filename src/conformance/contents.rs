//! What a client is asked so that everything it shows is in the transcript.

use serde_json::{Value, json};

use crate::model::{Json, JsonObject};

/// The calls, in order, for a client of a replica that speaks `protocol`.
pub(super) fn calls(protocol: &str) -> Vec<(&'static str, JsonObject)> {
    let plain = ["get_houses", "get_rooms", "get_devices", "get_users"];
    let graph = ["get_entities", "get_relationships"];
    let care = ["pending_changes", "conflicts", "get_sync_status", "digests"];
    let none = JsonObject::new;
    let mut calls: Vec<_> = plain.iter().map(|call| (*call, none())).collect();
    calls.push(("get_events", object(json!({"limit": 1000}))));
    if protocol == "v2" {
        calls.extend(graph.iter().map(|call| (*call, none())));
    }
    calls.extend(care.iter().map(|call| (*call, none())));
    calls
}

/// What is asked because of an answer: each device's state and its history, and what
/// is known of every edit that was not taken.
pub(super) fn further(call: &str, answer: &Json) -> Vec<(&'static str, JsonObject)> {
    let items = answer.as_array().map(Vec::as_slice).unwrap_or_default();
    let each = |item: &Json| match call {
        "get_devices" => vec![
            ("get_device_state", object(json!({"device_id": item["id"]}))),
            (
                "get_device_history",
                object(json!({"device_id": item["id"], "limit": 100})),
            ),
        ],
        "pending_changes" => vec![("explain", object(json!({"kind": item["kind"], "id": item["id"]})))],
        _ => Vec::new(),
    };
    items.iter().flat_map(each).collect()
}

fn object(value: Json) -> JsonObject {
    match value {
        Value::Object(fields) => fields,
        _ => JsonObject::new(),
    }
}
