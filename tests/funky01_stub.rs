//! The stub of FunkyGibbon 0.1 against what was recorded from a real one.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "funky01_stub/push.rs"]
mod push;
mod support;

use serde_json::{Value, json};
use support::funky01::Funky01;
use support::raw_http::{Answer, ask};

const ALL: [&str; 4] = ["houses", "rooms", "devices", "users"];

fn post(server: &Funky01, path: &str, body: &Value) -> Answer {
    ask(&server.url(), "POST", path, body.to_string().as_bytes())
}

fn request(server: &Funky01, last_sync: Value, kinds: &[&str]) -> Answer {
    let body = json!({
        "type": "sync_request", "client_id": "c1", "last_sync": last_sync,
        "entity_types": kinds, "include_deleted": true,
    });
    post(server, "/api/v1/sync/request", &body)
}

fn change(kind: &str, operation: &str, data: Value) -> Value {
    let id = data.get("id").cloned().unwrap_or_else(|| json!("unnamed"));
    json!({
        "entity_type": kind, "entity_id": id, "operation": operation, "data": data,
        "client_sync_id": "attempt-1",
    })
}

fn push_all(server: &Funky01, changes: &[Value]) -> Answer {
    let body = json!({"type": "sync_push", "client_id": "c1", "changes": changes});
    post(server, "/api/v1/sync/push", &body)
}

fn push_one(server: &Funky01, kind: &str, operation: &str, data: Value) -> Answer {
    push_all(server, &[change(kind, operation, data)])
}

fn house(id: &str, name: &str, updated_at: &str) -> Value {
    json!({
        "id": id, "sync_id": format!("s-{id}"), "name": name, "address": "2 St", "timezone": "UTC",
        "updated_at": updated_at,
    })
}

#[track_caller]
fn broken(answer: &Answer) {
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (500, "Internal Server Error")
    );
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
}

#[track_caller]
fn ignored(answer: &Answer) {
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({"type": "sync_result", "applied": [], "conflicts": []})
    );
}

#[track_caller]
fn applied(answer: &Answer, server_sync_id: &str) {
    assert_eq!(answer.status, 200);
    let applied = json!([
        {"client_sync_id": "attempt-1", "server_sync_id": server_sync_id, "status": "applied"}
    ]);
    assert_eq!(
        answer.json(),
        json!({"type": "sync_result", "applied": applied, "conflicts": []})
    );
}

/// The row that the answer names the winner.
#[track_caller]
fn met(answer: &Answer, client_version: &Value) -> Value {
    let result = answer.json();
    assert_eq!(result["applied"], json!([]), "{result}");
    let conflict = &result["conflicts"][0];
    assert_eq!(conflict["reason"], "newer_on_server");
    assert_eq!(conflict["resolution"], "server_wins");
    assert_eq!(&conflict["client_version"], client_version);
    conflict["server_version"].clone()
}

#[test]
fn it_says_who_it_is() {
    let server = Funky01::start();
    assert_eq!(
        ask(&server.url(), "GET", "/health", b"").json(),
        json!({"status": "healthy"})
    );
    let root = json!({"name": "FunkyGibbon", "version": "0.1.0", "status": "ready"});
    assert_eq!(ask(&server.url(), "GET", "/", b"").json(), root);
    assert_eq!(ask(&server.url(), "GET", "/api/v1/sync/request", b"").status, 405);
    let moved = post(&server, "/api/v1/sync/request/", &json!({}));
    assert_eq!(
        (moved.status, moved.header("location")),
        (307, Some("/api/v1/sync/request"))
    );
    assert_eq!(server.requests()[0], ("/health".to_owned(), Value::Null));
    assert_eq!(
        server.requests()[3],
        ("/api/v1/sync/request/".to_owned(), json!({}))
    );
}

#[test]
fn states_and_events_break_a_first_request() {
    let server = Funky01::start();
    for kinds in [
        &["devices", "entity_states", "rooms", "users"][..],
        &["entity_states"],
        &["events"],
    ] {
        broken(&request(&server, Value::Null, kinds));
    }
    broken(&post(
        &server,
        "/api/v1/sync/request",
        &json!({"client_id": "c1"}),
    ));
    broken(&request(
        &server,
        json!("2026-11-22T06:59:18.205944"),
        &["events"],
    ));
    let answer = request(&server, Value::Null, &["widgets", "house"]).json();
    assert_eq!(answer["changes"], json!([]));
    assert_eq!(answer["more"], json!(false));
    assert!(answer["server_time"].as_str().unwrap().ends_with("+00:00"));
}

#[test]
fn a_delta_gives_states_under_integer_ids_without_a_sync_id() {
    let server = Funky01::start();
    server.put_row(
        "entity_states",
        json!({"device_id": "d", "state_type": "on_off", "state_value": "on",
               "created_at": "2026-11-22T07:59:17.184446", "updated_at": "2026-11-22T07:59:17.184450"}),
    );
    let answer = request(&server, json!("2026-11-22T06:59:18.205944"), &["entity_states"]).json();
    let expected = json!([{
        "entity_type": "entity_state", "entity_id": 1, "operation": "update",
        "data": {
            "id": 1, "device_id": "d", "state_type": "on_off", "state_value": "on", "state_json": null,
            "source": null, "user_id": null, "created_at": "2026-11-22T07:59:17.184446",
            "updated_at": "2026-11-22T07:59:17.184450",
        },
        "updated_at": "2026-11-22T07:59:17.184450", "sync_id": "server-1",
    }]);
    assert_eq!(answer["changes"], expected);
}

#[test]
fn an_offset_in_last_sync_breaks_it_once_there_are_rows_to_compare() {
    let server = Funky01::start();
    server.put_row("house", house("h", "H", "2026-11-22T07:59:17.624574"));
    for since in [
        "2026-11-22T06:59:18.205944+00:00",
        "2026-11-22T06:59:18Z",
        "yesterday",
    ] {
        broken(&request(&server, json!(since), &["houses"]));
    }
    for since in ["2099-01-01T00:00:00Z", "2099-01-01T00:00:00+05:00"] {
        assert_eq!(request(&server, json!(since), &ALL).json()["changes"], json!([]));
    }
    for since in ["2026-11-22T06:59:18.205944", ""] {
        let changes = request(&server, json!(since), &ALL).json()["changes"].clone();
        assert_eq!(changes.as_array().unwrap().len(), 1);
    }
}

#[test]
fn a_delta_goes_by_edit_time_and_stops_at_a_hundred() {
    let server = Funky01::start();
    for number in 0..120 {
        let at = format!("2026-11-22T07:59:17.000{:03}", 900 - number);
        server.put_row("house", house(&format!("h{number}"), "H", &at));
    }
    let delta = request(&server, json!("2026-11-22T07:59:17.000850"), &["houses"]).json();
    let ids: Vec<_> = delta["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["entity_id"].clone())
        .collect();
    assert_eq!(ids.len(), 50);
    assert_eq!((&ids[0], &ids[49]), (&json!("h49"), &json!("h0")));
    let delta = request(&server, json!("2020-01-01T00:00:00"), &["houses"]).json();
    assert_eq!(delta["changes"].as_array().unwrap().len(), 100);
    assert_eq!(delta["more"], json!(false));
    let full = request(&server, Value::Null, &["houses"]).json();
    assert_eq!(full["changes"].as_array().unwrap().len(), 120);
}

#[test]
fn an_edit_by_rest_counts_the_version_and_keeps_the_sync_id() {
    let server = Funky01::start();
    push_one(
        &server,
        "house",
        "create",
        house("h", "H", "2026-11-22T07:59:20.363506"),
    );
    server.put_row(
        "house",
        json!({"id": "h", "sync_id": "ignored", "name": "renamed"}),
    );
    let row = &server.rows("house")["h"];
    assert_eq!(
        (&row["name"], &row["sync_id"], &row["version"]),
        (&json!("renamed"), &json!("s-h"), &json!("2"))
    );
    assert_ne!(row["updated_at"], "2026-11-22T07:59:20.363506");
}

#[test]
fn what_is_missing_or_unreadable_is_422() {
    let server = Funky01::start();
    let detail = |answer: Answer| {
        assert_eq!(answer.status, 422);
        answer.json()["detail"][0].clone()
    };
    let bad = detail(ask(&server.url(), "POST", "/api/v1/sync/push", b"{bad"));
    assert_eq!(bad["type"], "json_invalid");
    let missing = detail(post(&server, "/api/v1/sync/request", &json!({"last_sync": null})));
    assert_eq!(missing["loc"], json!(["body", "client_id"]));
    let missing = detail(post(&server, "/api/v1/sync/push", &json!({"client_id": "c"})));
    assert_eq!(missing["loc"], json!(["body", "changes"]));
    let change = json!({"entity_type": "house", "entity_id": "x", "operation": "create"});
    let body = json!({"client_id": "c", "changes": [change]});
    let missing = detail(post(&server, "/api/v1/sync/push", &body));
    assert_eq!(missing["loc"], json!(["body", "changes", 0, "data"]));
    assert_eq!(missing["input"], change);
    let missing = detail(post(&server, "/api/v1/sync/ack", &json!({"client_id": "c1"})));
    assert_eq!(missing["loc"], json!(["body", "sync_completed_at"]));
    let ack = json!({"client_id": "c1", "sync_completed_at": "whenever"});
    assert_eq!(
        post(&server, "/api/v1/sync/ack", &ack).json()["status"],
        "acknowledged"
    );
}
