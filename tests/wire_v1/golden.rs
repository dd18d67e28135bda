//! Our own messages: what client and hub send is exactly what the files of
//! `tests/data/wire-v1` show, and reading those files gives back what was sent.
//!
//! The files are written by hand from the protocol's text. If one has to
//! change, other programs that speak it have to change too.

use serde_json::{Value, json};
use wildthing::model::{JsonObject, Key, Kind, RecordId, Timestamp, Version};
use wildthing::protocol::v1::{
    Ack, Applied, Conflict, Delta, Operation, PushChange, PushRequest, PushResult, Rejected, SyncRequest,
    Verdict, WireChange,
};

use crate::{data, read, read_json};

const CLIENT: &str = "0197a1b2-0000-7000-8000-00000000c001";

/// The id of an edit, an attempt or a hub, by its last four digits.
fn uuid(end: &str) -> String {
    format!("0197a1b2-0000-7000-8000-00000000{end}")
}

fn golden(name: &str) -> (Vec<u8>, Value) {
    let path = data("wire-v1").join(format!("{name}.json"));
    (read(&path), read_json(&path))
}

fn time(text: &str) -> Option<Timestamp> {
    Some(Timestamp::parse(text).unwrap())
}

fn id(text: &str) -> RecordId {
    RecordId::new(text).unwrap()
}

fn body(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        other => panic!("not an object: {other}"),
    }
}

/// A nameless, timeless version without fields.
fn version(kind: &str, record: &str, sync_id: &str) -> Version {
    Version {
        key: Key::new(Kind::parse(kind), id(record)),
        parent_id: None,
        name: None,
        body: JsonObject::new(),
        created_at: None,
        updated_at: None,
        sync_id: sync_id.to_owned(),
        deleted: false,
    }
}

fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn requests() {
    let first = SyncRequest {
        client_id: CLIENT.into(),
        last_sync: None,
        kinds: Kind::V1.to_vec(),
        include_deleted: true,
        state_digest: true,
    };
    let later = SyncRequest {
        client_id: CLIENT.into(),
        last_sync: time("2026-11-22T07:59:21.194774"),
        kinds: vec![Kind::EntityState, Kind::Other { name: "scene".into() }],
        include_deleted: false,
        state_digest: true,
    };
    let without_digest = SyncRequest {
        state_digest: false,
        ..first.clone()
    };
    for (name, request) in [
        ("request-first", first),
        ("request-later", later),
        ("request-without-digest", without_digest),
    ] {
        let (bytes, value) = golden(name);
        assert_eq!(request.encode(), value, "{name}");
        assert_eq!(SyncRequest::decode(&bytes), Ok(request), "{name}");
    }
}

#[test]
fn a_push() {
    let room = Version {
        parent_id: Some(id("h1")),
        name: Some("Küche".into()),
        body: body(json!({
            "house_name": "Home", "room_type": "kitchen", "floor": 0, "temperature": number("21.50"),
        })),
        created_at: time("2026-11-22T08:00:00"),
        updated_at: time("2026-11-22T08:00:00"),
        ..version("room", "r-küche", &uuid("e001"))
    };
    let state = Version {
        parent_id: Some(id("d1")),
        body: body(json!({
            "state_type": "state",
            "state_value": "on",
            "state_json": json!({"brightness": 80, "power": "on"}).to_string(),
        })),
        created_at: time("2026-11-22T08:00:00"),
        updated_at: time("2026-11-22T08:00:01.000001"),
        ..version(
            "entity_state",
            "5f0c6c2e-1111-5222-8333-444455556666",
            &uuid("e003"),
        )
    };
    let user = Version {
        name: Some("Ann".into()),
        body: body(json!({"email": "ann@example.org", "role": "admin"})),
        updated_at: time("2026-11-22T08:00:02"),
        deleted: true,
        ..version("user", "u1", &uuid("e004"))
    };
    let change = |version, operation, attempt, bases| PushChange {
        version,
        operation,
        client_sync_id: uuid(attempt),
        bases,
    };
    let push = PushRequest {
        client_id: CLIENT.into(),
        changes: vec![
            change(room, Operation::Create, "a001", vec![]),
            change(state, Operation::Update, "a002", vec![uuid("e000"), uuid("e002")]),
            change(
                user,
                Operation::Delete,
                "a003",
                vec!["cc51a953-eaae-4c31-83f4-8e3b65bf17f6".into()],
            ),
        ],
    };

    let (bytes, value) = golden("push");
    assert_eq!(push.encode(), value);
    let (client_id, raw) = PushRequest::decode_frame(&bytes).unwrap();
    let changes = raw
        .into_iter()
        .map(PushChange::decode)
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(PushRequest { client_id, changes }, push);
}

#[test]
fn a_result() {
    let result = PushResult {
        applied: vec![Applied {
            client_sync_id: Some(uuid("a001")),
            server_sync_id: Some(uuid("e001")),
        }],
        conflicts: vec![
            Conflict {
                key: Key::new(Kind::House, id("h1")),
                reason: "newer_remote".into(),
                server_version: Some(Version {
                    name: Some("Home".into()),
                    created_at: time("2026-11-22T07:00:00"),
                    updated_at: time("2026-11-22T08:00:00"),
                    ..version("house", "h1", &uuid("e009"))
                }),
                client_version: None,
                verdict: Verdict::ClientWins,
            },
            Conflict {
                key: Key::new(Kind::House, id("h2")),
                reason: "local_deleted".into(),
                server_version: Some(Version {
                    updated_at: time("2026-11-22T07:30:00"),
                    deleted: true,
                    ..version("house", "h2", &uuid("e010"))
                }),
                client_version: Some(Version {
                    name: Some("Cabin".into()),
                    body: body(json!({"timezone": "Europe/Oslo"})),
                    created_at: time("2026-11-22T07:00:00"),
                    updated_at: time("2026-11-22T08:00:00"),
                    ..version("house", "h2", &uuid("e011"))
                }),
                verdict: Verdict::ServerWins,
            },
        ],
        rejected: vec![
            Rejected {
                client_sync_id: Some(uuid("a003")),
                code: "malformed".into(),
                message: "data.floor: expected a whole number or null, found the text \"ground\"".into(),
            },
            Rejected {
                client_sync_id: None,
                code: "malformed".into(),
                message: "operation: expected text, found nothing".into(),
            },
        ],
        hub_id: Some(uuid("b001")),
    };
    let (bytes, value) = golden("result");
    assert_eq!(result.encode(), value);
    assert_eq!(PushResult::decode(&bytes), Ok(result));
}

#[test]
fn deltas() {
    let toaster = Version {
        parent_id: Some(id("r-küche")),
        name: Some("Toaster 🍞".into()),
        body: body(json!({
            "house_id": "h1",
            "device_type": "toaster",
            "serial": number("123456789012345678901234567890"),
            "gain": number("0.10"),
            "vendor_note": {"nested": [1, {"deep": null}]},
        })),
        created_at: time("2026-11-21T20:15:00"),
        updated_at: time("2026-11-21T20:15:30.25"),
        ..version("device", "d1", &uuid("e020"))
    };
    let scene = Version {
        name: Some("Evening".into()),
        deleted: true,
        ..version("scene", "42", "")
    };
    let page = Delta {
        server_time: time("2026-11-22T09:00:00.000002").unwrap(),
        changes: vec![
            WireChange {
                version: toaster,
                operation: Operation::Update,
                bases: vec![uuid("e01f")],
            },
            WireChange {
                version: scene,
                operation: Operation::Delete,
                bases: vec![],
            },
        ],
        conflicts: vec![Conflict {
            key: Key::new(Kind::House, id("h1")),
            reason: "sync_id_tiebreak_local".into(),
            server_version: None,
            client_version: None,
            verdict: Verdict::ServerWins,
        }],
        more: true,
        hub_id: Some(uuid("b001")),
        epoch: Some(uuid("b002")),
        state_digest: Some("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".into()),
    };
    let empty = Delta {
        changes: vec![],
        conflicts: vec![],
        more: false,
        hub_id: None,
        epoch: None,
        state_digest: None,
        ..page.clone()
    };
    for (name, delta) in [("delta", page), ("delta-empty", empty)] {
        let (bytes, value) = golden(name);
        assert_eq!(delta.encode(), value, "{name}");
        assert_eq!(Delta::decode(&bytes), Ok(delta), "{name}");
    }
}

#[test]
fn an_ack_and_its_answer() {
    let ack = Ack {
        client_id: CLIENT.into(),
        sync_completed_at: time("2026-11-22T09:00:01").unwrap(),
    };
    let (bytes, value) = golden("ack");
    assert_eq!(ack.encode(), value);
    assert_eq!(Ack::check(&bytes), Ok(()));
    let (_, answer) = golden("ack-response");
    assert_eq!(Ack::response(time("2026-11-22T09:00:01.000001").unwrap()), answer);
}
