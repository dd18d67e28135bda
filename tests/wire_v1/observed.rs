//! Everything that FunkyGibbon 0.1 was recorded to answer is read, and written
//! back as it came, up to the differences that [`Rewriter`] spells out.
//! Everything that was sent to it is read as a hub would.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wildthing::model::{JsonObject, Kind, Timestamp};
use wildthing::protocol::ProtocolError;
use wildthing::protocol::v1::{
    ACK_PATH, Ack, Delta, PUSH_PATH, PushChange, PushRequest, PushResult, REQUEST_PATH, SyncRequest,
};

use crate::{bytes, data, read, read_json};

/// The recorded cases by file name.
fn cases() -> BTreeMap<String, Value> {
    let folder = data("observed-v1");
    let cases: BTreeMap<String, Value> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (
                path.file_stem().unwrap().to_string_lossy().into_owned(),
                read_json(&path),
            )
        })
        .collect();
    assert_eq!(cases.len(), 99, "cases in {}", folder.display());
    cases
}

/// The cases of one path that were answered 200, with the answer.
fn answers(path: &str) -> Vec<(String, Value)> {
    cases()
        .into_iter()
        .filter(|(_, case)| case["path"] == path)
        .filter_map(|(name, mut case)| {
            Some((name, case.get_mut("answer")?.take())).filter(|(_, answer)| !answer.is_null())
        })
        .collect()
}

/// Turns a recorded message into what we write for the same content. The
/// differences are these and no others:
///
/// - times are spelled without offset and with six digits;
/// - ids that were integers are text;
/// - members that we always write and the recorded side may lack: `is_deleted`
///   (its states have none), a null parent, name or time, `bases`, `rejected`,
///   `hub_id`, `epoch`, `state_digest`;
/// - a version without `sync_id` or `updated_at` of its own has those of its change.
struct Rewriter;

impl Rewriter {
    fn time(value: Option<&Value>) -> Value {
        match value.and_then(Value::as_str).filter(|text| !text.is_empty()) {
            Some(text) => Timestamp::parse(text).unwrap().to_string().into(),
            None => Value::Null,
        }
    }

    fn id(value: Option<&Value>) -> Value {
        match value {
            Some(Value::Number(number)) => number.to_string().into(),
            Some(Value::String(text)) if text.is_empty() => Value::Null,
            other => other.cloned().unwrap_or(Value::Null),
        }
    }

    fn version(kind: &Kind, id: &Value, version: &Value) -> JsonObject {
        let mut object = version.as_object().cloned().unwrap_or_default();
        object.insert("id".into(), id.clone());
        for time in ["created_at", "updated_at"] {
            object.insert(time.into(), Self::time(version.get(time)));
        }
        object.entry("sync_id").or_insert(Value::Null);
        object.entry("is_deleted").or_insert(false.into());
        if let Some(parent) = kind.parent_field() {
            object.insert(parent.into(), Self::id(version.get(parent)));
        }
        if kind.has_name() && !matches!(kind, Kind::Other { .. }) {
            object.entry("name").or_insert(Value::Null);
        }
        object
    }

    fn head(change: &Value) -> (Kind, Value) {
        let kind = Kind::parse(change["entity_type"].as_str().unwrap());
        (kind, Self::id(change.get("entity_id")))
    }

    fn pushed(change: &Value) -> Value {
        let (kind, id) = Self::head(change);
        let mut version = Self::version(&kind, &id, &change["data"]);
        if change["operation"] == "delete" {
            version.insert("is_deleted".into(), true.into());
        }
        json!({
            "entity_type": change["entity_type"],
            "entity_id": id,
            "operation": change["operation"],
            "data": version,
            "client_sync_id": change.get("client_sync_id").unwrap_or(&Value::Null),
            "bases": [],
        })
    }

    fn pulled(change: &Value) -> Value {
        let (kind, id) = Self::head(change);
        let mut version = Self::version(&kind, &id, &change["data"]);
        if version["sync_id"].is_null() {
            version.insert("sync_id".into(), change["sync_id"].clone());
        }
        if version["updated_at"].is_null() {
            version.insert("updated_at".into(), Self::time(change.get("updated_at")));
        }
        json!({
            "entity_type": change["entity_type"],
            "entity_id": id,
            "operation": change["operation"],
            "updated_at": version["updated_at"],
            "sync_id": version["sync_id"],
            "data": version,
            "bases": [],
        })
    }

    fn conflict(conflict: &Value) -> Value {
        let (kind, id) = Self::head(conflict);
        let mut rewritten = conflict.clone();
        for side in ["server_version", "client_version"] {
            rewritten[side] = Self::version(&kind, &id, &conflict[side]).into();
        }
        rewritten
    }

    fn each(items: &Value, rewrite: fn(&Value) -> Value) -> Value {
        items.as_array().unwrap().iter().map(rewrite).collect()
    }

    fn delta(delta: &Value) -> Value {
        let mut rewritten = delta.clone();
        rewritten["server_time"] = Self::time(delta.get("server_time"));
        rewritten["changes"] = Self::each(&delta["changes"], Self::pulled);
        rewritten["conflicts"] = Self::each(&delta["conflicts"], Self::conflict);
        for ours in ["hub_id", "epoch", "state_digest"] {
            rewritten[ours] = Value::Null;
        }
        rewritten
    }

    fn result(result: &Value) -> Value {
        let mut rewritten = result.clone();
        rewritten["conflicts"] = Self::each(&result["conflicts"], Self::conflict);
        rewritten["rejected"] = json!([]);
        rewritten["hub_id"] = Value::Null;
        rewritten
    }
}

#[test]
fn the_delta_of_a_whole_house_survives() {
    let path = data("v1-delta.json");
    let delta = Delta::decode(&read(&path)).unwrap();
    let count = |kind: Kind| {
        delta
            .changes
            .iter()
            .filter(|change| change.version.key.kind == kind)
            .count()
    };
    assert_eq!(
        [Kind::House, Kind::Room, Kind::Device, Kind::User].map(count),
        [1, 6, 8, 3]
    );
    assert_eq!(delta.encode(), Rewriter::delta(&read_json(&path)));
    assert_eq!(Delta::decode(&bytes(&delta.encode())), Ok(delta));
}

#[test]
fn every_recorded_delta_survives() {
    let answers = answers(REQUEST_PATH);
    assert_eq!(answers.len(), 12);
    for (name, answer) in answers {
        let delta = Delta::decode(&bytes(&answer)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(delta.encode(), Rewriter::delta(&answer), "{name}");
        assert!(!delta.more, "{name}");
    }
}

#[test]
fn states_with_integer_ids_and_no_sync_id_of_their_own_are_read() {
    let case = &cases()["request-delta-naive-entity-states"];
    let delta = Delta::decode(&bytes(&case["answer"])).unwrap();
    let state = &delta.changes[0].version;
    assert_eq!(state.key.to_string(), "entity_state 1");
    assert_eq!(
        state.parent_id.as_ref().unwrap().as_str(),
        "363914ca-8392-45ec-8f7b-360e139a2a16"
    );
    assert_eq!(state.sync_id, "server-1");
    assert_eq!(state.embedded("state_json"), Some(json!({"brightness": 80})));
    assert!(!state.deleted);
}

#[test]
fn tombstones_come_as_updates() {
    let case = &cases()["request-delta-naive-after-delete-rooms"];
    let delta = Delta::decode(&bytes(&case["answer"])).unwrap();
    assert!(delta.changes.iter().any(|change| change.version.deleted));
}

#[test]
fn every_recorded_push_answer_survives() {
    let answers = answers(PUSH_PATH);
    let mut conflicts = 0;
    for (name, answer) in &answers {
        let result = PushResult::decode(&bytes(answer)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(result.encode(), Rewriter::result(answer), "{name}");
        conflicts += result.conflicts.len();
    }
    assert_eq!((answers.len(), conflicts), (56, 14));
}

/// Answering a *winning* update, the server says `server_wins` and shows what was pushed.
#[test]
fn a_winning_update_is_known_by_its_sync_id() {
    let case = &cases()["push-house-update-newer-by-1s-clean-win"];
    let result = PushResult::decode(&bytes(&case["answer"])).unwrap();
    assert!(result.applied.is_empty());
    let server = result.conflicts[0].server_version.as_ref().unwrap();
    assert_eq!(
        server.sync_id,
        case["request"]["changes"][0]["data"]["sync_id"].as_str().unwrap()
    );
}

#[test]
fn every_recorded_ack_answer_is_ours() {
    let answers = answers(ACK_PATH);
    assert_eq!(answers.len(), 2);
    for (name, mut answer) in answers {
        let time = Timestamp::parse(answer["server_time"].as_str().unwrap()).unwrap();
        answer["server_time"] = time.to_string().into();
        assert_eq!(Ack::response(time), answer, "{name}");
    }
}

/// The path of a field error.
fn path_of(error: &ProtocolError) -> &str {
    match error {
        ProtocolError::Field { path, .. } => path,
        other => panic!("not a field error: {other}"),
    }
}

#[test]
fn a_hub_reads_every_recorded_request() {
    let mut refused = BTreeMap::new();
    for (name, case) in cases() {
        let request = &case["request"];
        if case["path"] != REQUEST_PATH || request.is_null() {
            continue;
        }
        let decoded = match SyncRequest::decode(&bytes(request)) {
            Ok(decoded) => decoded,
            Err(error) => {
                refused.insert(name, path_of(&error).to_owned());
                continue;
            }
        };
        let mut expected = request.clone();
        expected["type"] = "sync_request".into();
        expected["last_sync"] = Rewriter::time(request.get("last_sync"));
        if request.get("entity_types").is_none() {
            expected["entity_types"] = Kind::V1.iter().map(Kind::plural).collect();
            expected["include_deleted"] = true.into();
        }
        if name == "request-singular-type-name" {
            expected["entity_types"] = json!(["houses"]);
        }
        assert_eq!(decoded.encode(), expected, "{name}");
    }
    assert_eq!(
        refused,
        [
            ("request-bad-last-sync", "last_sync"),
            ("request-missing-client-id", "client_id"),
        ]
        .map(|(name, path)| (name.to_owned(), path.to_owned()))
        .into()
    );
}

/// Where the fault of a recorded change is, and the pushes whose first change has it.
/// Most come from a client that knew no `sync_id`; without one an edit has no name.
const REFUSED: &[(&str, &[&str])] = &[
    ("data", &["push-change-missing-data"]),
    (
        "data.id",
        &[
            "push-data-id-differs-from-entity-id",
            "push-entity-state-exactly-what-v1-client-sends",
        ],
    ),
    ("operation", &["push-unknown-operation"]),
    ("data.metadata_json", &["push-house-create-metadata-json-object"]),
    (
        "data.state_json",
        &["push-device-create-state-json-object-instead-of-string"],
    ),
    (
        "data.sync_id",
        &[
            "push-device-create-exactly-what-v1-client-sends",
            "push-device-delete",
            "push-entity-state-delete",
            "push-entity-state-protocol-doc-shape",
            "push-entity-state-server-field-names-no-id-and-no-sync-id",
            "push-event-delete",
            "push-event-server-field-names",
            "push-event-what-v1-client-sends",
            "push-house-create-no-sync-id-key",
            "push-house-create-sync-id-null",
            "push-house-delete",
            "push-room-create-exactly-what-v1-client-sends-no-house-name-meta",
            "push-tie-within-1s-with-sync-id-null-remote",
            "push-unknown-entity-type",
            "push-update-newer-sync-id-null",
            "push-update-newer-without-sync-id-key",
        ],
    ),
];

#[test]
fn a_hub_reads_or_refuses_every_recorded_push_change_by_itself() {
    let mut refused = BTreeMap::new();
    let mut read = 0;
    for (name, case) in cases() {
        let request = &case["request"];
        if case["path"] != PUSH_PATH || name == "push-missing-changes" {
            continue;
        }
        let (client, changes) = PushRequest::decode_frame(&bytes(request)).unwrap();
        assert_eq!(client, request["client_id"].as_str().unwrap());
        for (index, raw) in changes.into_iter().enumerate() {
            match PushChange::decode(raw.clone()) {
                Ok(change) => {
                    let mut expected = Rewriter::pushed(&raw);
                    if raw.get("client_sync_id").is_none() {
                        expected["client_sync_id"] = "".into();
                    }
                    assert_eq!(change.encode(), expected, "{name}");
                    read += 1;
                }
                Err((client_sync_id, error)) => {
                    assert_eq!(
                        client_sync_id.as_deref(),
                        raw["client_sync_id"].as_str(),
                        "{name}"
                    );
                    refused.insert(format!("{name}[{index}]"), path_of(&error).to_owned());
                }
            }
        }
    }
    let expected: BTreeMap<String, String> = REFUSED
        .iter()
        .flat_map(|(path, names)| {
            names
                .iter()
                .map(|name| (format!("{name}[0]"), (*path).to_owned()))
        })
        .collect();
    assert_eq!(refused, expected);
    assert_eq!(read + refused.len(), 74);
}

#[test]
fn a_hub_reads_every_recorded_ack() {
    for (name, case) in cases() {
        if case["path"] == ACK_PATH {
            let checked = Ack::check(&bytes(&case["request"]));
            match name.as_str() {
                "ack-missing-field" => {
                    assert_eq!(path_of(&checked.unwrap_err()), "sync_completed_at");
                }
                _ => assert_eq!(checked, Ok(()), "{name}"),
            }
        }
    }
}
