//! Bad members: a field that is missing, of the wrong type or out of range is
//! refused with the path that leads to it and with what belongs there.

use serde_json::{Value, json};
use wildthing::protocol::ProtocolError;
use wildthing::protocol::v1::{Ack, Delta, PushChange, PushRequest, PushResult, SyncRequest};

use crate::{KNOWN, bytes, delta, field_error};

/// A valid delta with one place overwritten (`None` removes it).
fn broken(pointer: &str, value: Option<Value>) -> Vec<u8> {
    let mut message = delta("room", json!({"name": "Kitchen"}));
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    match (message.pointer_mut(parent).unwrap(), value) {
        (Value::Object(object), Some(value)) => object.insert(field.into(), value),
        (Value::Object(object), None) => object.remove(field),
        (Value::Array(items), Some(value)) => Some(std::mem::replace(&mut items[0], value)),
        (other, _) => panic!("{parent} is {other}"),
    };
    bytes(&message)
}

/// One fault a line: where, what stands there (`-` for nothing), and the path
/// and expectation of the error. TEXT65 is a text of 65 bytes.
const FAULTS_OF_A_DELTA: &str = r#"
/type                       | -                     | type                       | sync_delta
/type                       | "sync_result"         | type                       | sync_delta
/type                       | 1                     | type                       | sync_delta
/server_time                | -                     | server_time                | a time
/server_time                | null                  | server_time                | a time
/server_time                | ""                    | server_time                | a time
/server_time                | "now"                 | server_time                | TIME
/server_time                | 1795334361            | server_time                | text or null
/changes                    | -                     | changes                    | an array
/changes                    | {}                    | changes                    | an array
/changes/0                  | "x"                   | changes[0]                 | an object
/changes/0/entity_type      | -                     | changes[0].entity_type     | text
/changes/0/entity_type      | 1                     | changes[0].entity_type     | text
/changes/0/entity_type      | ""                    | changes[0].entity_type     | a kind of 1 to 64 bytes
/changes/0/entity_type      | TEXT65                | changes[0].entity_type     | a kind of 1 to 64 bytes
/changes/0/entity_id        | -                     | changes[0].entity_id       | ID
/changes/0/entity_id        | ""                    | changes[0].entity_id       | ID
/changes/0/entity_id        | TEXT65                | changes[0].entity_id       | ID
/changes/0/entity_id        | 1.5                   | changes[0].entity_id       | ID
/changes/0/entity_id        | 18446744073709551616  | changes[0].entity_id       | ID
/changes/0/entity_id        | ["x"]                 | changes[0].entity_id       | ID
/changes/0/operation        | -                     | changes[0].operation       | text
/changes/0/operation        | "upsert"              | changes[0].operation       | create, update or delete
/changes/0/sync_id          | 7                     | changes[0].sync_id         | text or null
/changes/0/updated_at       | "2026-02-30T00:00:00" | changes[0].updated_at      | TIME
/changes/0/bases            | "b"                   | changes[0].bases           | an array
/changes/0/bases            | ["b", 1]              | changes[0].bases           | an array of texts
/changes/0/data             | -                     | changes[0].data            | an object
/changes/0/data             | null                  | changes[0].data            | an object
/changes/0/data             | "{}"                  | changes[0].data            | an object
/changes/0/data/sync_id     | 7                     | changes[0].data.sync_id    | text or null
/changes/0/data/is_deleted  | "no"                  | changes[0].data.is_deleted | true or false
/changes/0/data/is_deleted  | 2                     | changes[0].data.is_deleted | true or false
/changes/0/data/name        | ["Kitchen"]           | changes[0].data.name       | text or null
/changes/0/data/house_id    | {}                    | changes[0].data.house_id   | ID
/changes/0/data/house_id    | TEXT65                | changes[0].data.house_id   | ID
/more                       | "yes"                 | more                       | true or false
/conflicts                  | {}                    | conflicts                  | an array
/conflicts                  | [1]                   | conflicts[0]               | an object
/hub_id                     | 1                     | hub_id                     | text or null
/epoch                      | []                    | epoch                      | text or null
/state_digest               | false                 | state_digest               | text or null
"#;

const TIME: &str = "an ISO 8601 time within the years 1 to 9999";
const ID: &str = "an id of 1 to 64 bytes";

#[test]
fn every_member_of_a_delta_is_checked() {
    assert!(Delta::decode(&broken("/more", Some(json!(false)))).is_ok());
    for line in FAULTS_OF_A_DELTA.trim().lines() {
        let [pointer, value, path, expected] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("not four columns: {line}");
        };
        let value = match value {
            "-" => None,
            "TEXT65" => Some(json!("é".repeat(32) + "x")),
            json => Some(serde_json::from_str(json).unwrap()),
        };
        let expected = match expected {
            "TIME" => TIME,
            "ID" => ID,
            words => words,
        };
        let (found, said) = field_error(Delta::decode(&broken(pointer, value)));
        assert_eq!((found.as_str(), said), (path, expected), "{line}");
    }
}

#[test]
fn ids_of_one_and_of_sixty_four_bytes_are_taken() {
    for id in [
        json!("i"),
        json!("é".repeat(32)),
        json!(7),
        json!(u64::MAX),
        json!(-1),
    ] {
        assert!(Delta::decode(&broken("/changes/0/entity_id", Some(id))).is_ok());
    }
}

#[test]
fn dates_out_of_range_are_refused() {
    let beyond = "0000-12-31T23:59:59|10000-01-01T00:00:00|+12026-01-01T00:00:00Z|-0001-01-01T00:00:00|\
         9999-12-31T23:59:59-00:01|0001-01-01T00:00:00+00:01";
    let nonsense = "2026-13-01T00:00:00|2026-11-31T00:00:00|2026-11-22T25:00:00|2026-11-22T07:60:00|\
         2026-11-22|2026-11-22T07:59:21+99:99|1795334361|yesterday";
    for field in ["created_at", "updated_at"] {
        for text in beyond.split('|').chain(nonsense.split('|')) {
            let result = Delta::decode(&broken(&format!("/changes/0/data/{field}"), Some(json!(text))));
            let expected = (format!("changes[0].data.{field}"), TIME);
            assert_eq!(field_error(result), expected, "{text}");
        }
    }
}

#[test]
fn every_known_field_has_its_type() {
    let mut checked = 0;
    for (kind, fitting, fields) in KNOWN {
        let (right, wrong, expected) = match *fitting {
            "text" => (json!("x"), json!([1, true, {}, []]), "text or null"),
            "id" => (json!("x"), json!([1.5, true, {}]), ID),
            "integer" => (
                json!(-1),
                json!(["1", 1.5, 1e3, true, {}]),
                "a whole number or null",
            ),
            _ => (json!(1.5), json!(["1.5", true, []]), "a number or null"),
        };
        for field in fields.split(' ') {
            let decode = |value: &Value| Delta::decode(&bytes(&delta(kind, json!({ field: value }))));
            for fine in [&right, &Value::Null] {
                assert!(decode(fine).is_ok(), "{kind}.{field} = {fine}");
            }
            for value in wrong.as_array().unwrap() {
                let found = field_error(decode(value));
                let expected = (format!("changes[0].data.{field}"), expected);
                assert_eq!(found, expected, "{kind}.{field} = {value}");
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 56);
}

#[test]
fn the_fault_of_the_fourth_change_is_named_as_such() {
    let change = json!({"entity_type": "room", "entity_id": "x", "operation": "update", "data": {}});
    let mut message = delta("room", json!({}));
    message["changes"] = vec![change; 5].into();
    message["changes"][3]["data"]["floor"] = "ground".into();
    let error = Delta::decode(&bytes(&message)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "changes[3].data.floor: expected a whole number or null, found the text \"ground\""
    );
}

#[test]
fn every_member_of_a_result_is_checked() {
    let conflict = |field: &str, value: Value| {
        let mut conflict = json!({"entity_type": "room", "entity_id": "x", "resolution": "server_wins"});
        conflict[field] = value;
        json!([conflict])
    };
    for (member, value, path) in [
        ("applied", json!({}), "applied"),
        ("applied", json!([1]), "applied[0]"),
        (
            "applied",
            json!([{}, {"client_sync_id": 1}]),
            "applied[1].client_sync_id",
        ),
        (
            "applied",
            json!([{"server_sync_id": []}]),
            "applied[0].server_sync_id",
        ),
        ("conflicts", json!("none"), "conflicts"),
        (
            "conflicts",
            conflict("entity_type", json!(null)),
            "conflicts[0].entity_type",
        ),
        (
            "conflicts",
            conflict("entity_id", json!("")),
            "conflicts[0].entity_id",
        ),
        (
            "conflicts",
            conflict("resolution", json!("draw")),
            "conflicts[0].resolution",
        ),
        ("conflicts", conflict("reason", json!(1)), "conflicts[0].reason"),
        (
            "conflicts",
            conflict("server_version", json!([])),
            "conflicts[0].server_version",
        ),
        (
            "conflicts",
            conflict("client_version", json!({"floor": "x"})),
            "conflicts[0].client_version.floor",
        ),
        ("rejected", json!(1), "rejected"),
        ("rejected", json!([null]), "rejected[0]"),
        ("rejected", json!([{"message": 1}]), "rejected[0].message"),
        ("hub_id", json!(1), "hub_id"),
    ] {
        let mut message = json!({"type": "sync_result", "applied": [], "conflicts": []});
        message[member] = value;
        match PushResult::decode(&bytes(&message)) {
            Err(ProtocolError::Field { path: found, .. }) => assert_eq!(found, path),
            other => panic!("{message}: {other:?}"),
        }
    }
    let error = PushResult::decode(b"{\"type\":\"sync_delta\"}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "type: expected sync_result, found the text \"sync_delta\""
    );
}

#[test]
fn every_member_of_what_a_hub_reads_is_checked() {
    let request = |text: &str| SyncRequest::decode(text.as_bytes()).map(|_| ());
    let frame = |text: &str| PushRequest::decode_frame(text.as_bytes()).map(|_| ());
    let ack = |text: &str| Ack::check(text.as_bytes());
    for (result, path) in [
        (request(r#"{}"#), "client_id"),
        (request(r#"{"client_id":1}"#), "client_id"),
        (request(r#"{"client_id":"c","last_sync":"soon"}"#), "last_sync"),
        (
            request(r#"{"client_id":"c","entity_types":"rooms"}"#),
            "entity_types",
        ),
        (
            request(r#"{"client_id":"c","entity_types":["rooms",1]}"#),
            "entity_types",
        ),
        (
            request(r#"{"client_id":"c","include_deleted":"no"}"#),
            "include_deleted",
        ),
        (
            request(r#"{"client_id":"c","state_digest":"no"}"#),
            "state_digest",
        ),
        (frame(r#"{"changes":[]}"#), "client_id"),
        (frame(r#"{"client_id":"c"}"#), "changes"),
        (frame(r#"{"client_id":"c","changes":null}"#), "changes"),
        (ack(r#"{"sync_completed_at":"x"}"#), "client_id"),
        (ack(r#"{"client_id":"c"}"#), "sync_completed_at"),
    ] {
        match result {
            Err(ProtocolError::Field { path: found, .. }) => assert_eq!(found, path),
            other => panic!("{path}: {other:?}"),
        }
    }
}

#[test]
fn a_bad_pushed_change_is_named_by_its_client_sync_id() {
    let good = json!({
        "entity_type": "room", "entity_id": "x", "operation": "create", "client_sync_id": "a1",
        "data": {"id": "x", "sync_id": "s", "name": "Kitchen"},
    });
    assert!(PushChange::decode(good.clone()).is_ok());
    for (pointer, value, path) in [
        ("/entity_type", json!(""), "entity_type"),
        ("/entity_id", json!("i".repeat(65)), "entity_id"),
        ("/operation", json!("upsert"), "operation"),
        ("/data", json!(null), "data"),
        ("/data/id", json!("y"), "data.id"),
        ("/data/id", json!([]), "data.id"),
        ("/data/sync_id", json!(null), "data.sync_id"),
        ("/data/name", json!(1), "data.name"),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        match PushChange::decode(bad) {
            Err((Some(name), ProtocolError::Field { path: found, .. })) => {
                assert_eq!((name.as_str(), found.as_str()), ("a1", path));
            }
            other => panic!("{pointer}: {other:?}"),
        }
    }
    for nameless in [json!(null), json!("x"), json!([]), json!({"client_sync_id": 7})] {
        assert!(matches!(
            PushChange::decode(nameless),
            Err((None, ProtocolError::Field { .. }))
        ));
    }
}
