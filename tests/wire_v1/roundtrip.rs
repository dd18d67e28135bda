//! Whatever a version holds comes back from the wire as it went in.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Number, Value, json};
use wildthing::model::{JsonObject, Key, Kind, RecordId, Timestamp, Version};
use wildthing::protocol::v1::{
    Delta, Operation, PushChange, PushRequest, WireChange, decode_data, encode_data,
};

use crate::{KNOWN, bytes, delta};

/// A delta with one change of the given kind and data.
fn delta_of(kind: &str, data: &str) -> Vec<u8> {
    format!(
        r#"{{"type":"sync_delta","server_time":"2026-11-22T09:00:00","changes":[
            {{"entity_type":"{kind}","entity_id":"x","operation":"update","data":{data}}}]}}"#
    )
    .into_bytes()
}

/// The `data` of the only change, after reading and writing it, as text.
fn through(kind: &str, data: &str) -> Value {
    let delta = Delta::decode(&delta_of(kind, data)).unwrap_or_else(|error| panic!("{data}: {error}"));
    let text = delta.encode().to_string();
    let again: Value = serde_json::from_str(&text).unwrap();
    again["changes"][0]["data"].clone()
}

#[test]
fn numbers_keep_their_text() {
    for text in [
        "0",
        "-0",
        "123456789012345678901234567890",
        "-99999999999999999999999999999999999999999999999999",
        "18446744073709551616",
        "-9223372036854775809",
        "0.10",
        "21.50",
        "-0.0",
        "3.141592653589793238462643383279502884197",
        "1e-400",
        "6.02e+23",
        "5e-324",
    ] {
        for (kind, field) in [("house", "latitude"), ("device", "unknown"), ("scene", "any")] {
            let data = through(kind, &format!(r#"{{"{field}":{text}}}"#));
            assert_eq!(data[field].to_string(), text, "{kind}.{field}");
        }
    }
    // The parser spells exponents in one way, which loses no digit.
    for (text, spelled) in [("1E5", "1e+5"), ("2.50e3", "2.50e+3"), ("1E-7", "1e-7")] {
        assert_eq!(
            through("scene", &format!(r#"{{"n":{text}}}"#))["n"].to_string(),
            spelled
        );
    }
    let floor = through("room", r#"{"floor":123456789012345678901234567890}"#);
    assert_eq!(floor["floor"].to_string(), "123456789012345678901234567890");
}

#[test]
fn unknown_fields_kinds_and_words_are_kept() {
    let device = through(
        "device",
        r#"{"device_type":"toaster","crumbs":{"tray":["full",null,true]},"ü":"ö","":0,"version":"17"}"#,
    );
    assert_eq!(device["device_type"], "toaster");
    assert_eq!(device["crumbs"], json!({"tray": ["full", null, true]}));
    assert_eq!((&device["ü"], &device[""]), (&json!("ö"), &json!(0)));
    assert_eq!(device["version"], "17");
    assert_eq!(through("user", r#"{"role":"butler"}"#)["role"], "butler");
    // A kind we do not know may use our field names for anything but the marks of sync.
    let scene = through(
        "scene",
        r#"{"name":{"en":"Evening"},"floor":"ground","house_id":[7]}"#,
    );
    assert_eq!(scene["name"], json!({"en": "Evening"}));
    assert_eq!(
        (&scene["floor"], &scene["house_id"]),
        (&json!("ground"), &json!([7]))
    );
    // Null and absent are both kept as they are.
    let house = through("house", r#"{"address":null}"#);
    assert_eq!(house.get("address"), Some(&Value::Null));
    assert_eq!(house.get("timezone"), None);
}

#[test]
fn a_delete_may_come_without_data() {
    for data in ["", r#","data":null"#, r#","data":{}"#] {
        let message = format!(
            r#"{{"type":"sync_delta","server_time":"2026-11-22T09:00:00Z","changes":[
                {{"entity_type":"room","entity_id":7,"operation":"delete","sync_id":"s"{data}}}]}}"#
        );
        let delta = Delta::decode(message.as_bytes()).unwrap();
        let version = &delta.changes[0].version;
        assert!(version.deleted, "{data}");
        assert_eq!(
            (version.key.to_string(), version.sync_id.as_str()),
            ("room 7".to_owned(), "s")
        );
    }
}

/// States of old servers have no `sync_id` of their own; a change names it beside its data.
#[test]
fn a_change_lends_its_marks_to_data_that_lacks_them() {
    let version = |data: Value| {
        let mut message = delta("entity_state", data);
        message["changes"][0]["sync_id"] = "outer".into();
        message["changes"][0]["updated_at"] = "2026-11-22T08:00:00".into();
        let version = Delta::decode(&bytes(&message)).unwrap().changes.remove(0).version;
        let updated_at = version.updated_at.map(|time| time.to_string());
        (version.sync_id, updated_at.unwrap_or_default())
    };
    let outer = ("outer".to_owned(), "2026-11-22T08:00:00.000000".to_owned());
    for lacking in [
        json!({}),
        json!({"sync_id": null, "updated_at": null}),
        json!({"sync_id": "", "updated_at": ""}),
    ] {
        assert_eq!(version(lacking), outer);
    }
    let inner = ("inner".to_owned(), "2026-11-22T07:00:00.000000".to_owned());
    let own = json!({"sync_id": inner.0, "updated_at": inner.1});
    assert_eq!(version(own), inner);
}

/// Members that have places of their own in a version.
fn reserved(kind: &Kind, field: &str) -> bool {
    matches!(
        field,
        "id" | "sync_id" | "created_at" | "updated_at" | "is_deleted" | "name"
    ) || kind.parent_field() == Some(field)
}

/// Whether the field's type is checked, so that not any JSON belongs in it.
fn typed(field: &str) -> bool {
    KNOWN
        .iter()
        .any(|(_, _, fields)| fields.split(' ').any(|known| known == field))
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        6 => prop::sample::select(Kind::V1.to_vec()),
        1 => prop::sample::select(vec!["scene", "automation", "zäune", "Room", "rooms", "_"]).prop_map(Kind::parse),
    ]
}

fn ids() -> impl Strategy<Value = RecordId> {
    prop_oneof![
        "[0-9a-f-]{36}",
        "[0-9]{1,19}",
        "\\PC{1,16}",
        "[a-z]{64}",
        Just("\"\\\u{0}\u{1f}é".to_owned())
    ]
    .prop_map(|text| RecordId::new(text).unwrap())
}

fn times() -> impl Strategy<Value = Option<Timestamp>> {
    prop::option::of(prop_oneof![
        Just(i64::MIN),
        Just(i64::MAX),
        any::<i64>(),
        1_700_000_000_000_000..1_900_000_000_000_000_i64,
    ])
    .prop_map(|micros| micros.map(Timestamp::from_micros))
}

/// Numbers of any size, in the spelling the parser keeps.
fn numbers() -> impl Strategy<Value = Value> {
    prop_oneof![
        "-?(0|[1-9][0-9]{0,60})",
        "-?(0|[1-9][0-9]{0,8})\\.[0-9]{1,30}",
        "[1-9]\\.[0-9]{1,9}e[+-][1-9][0-9]?"
    ]
    .prop_map(|text| Value::Number(text.parse::<Number>().unwrap()))
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        numbers(),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(6, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            btree_map("\\PC{0,8}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn bodies(kind: Kind) -> impl Strategy<Value = JsonObject> {
    let text = prop::option::of(any::<String>());
    (
        btree_map("\\PC{0,10}|metadata|configuration|version", values(), 0..5),
        text,
    )
        .prop_map(move |(members, metadata)| {
            let mut body: JsonObject = members
                .into_iter()
                .filter(|(field, _)| !reserved(&kind, field) && !typed(field))
                .collect();
            body.insert(
                "metadata_json".into(),
                metadata.map_or(Value::Null, Value::String),
            );
            body
        })
}

fn versions() -> impl Strategy<Value = Version> {
    kinds().prop_flat_map(|kind| {
        let body = bodies(kind.clone());
        let rest = (
            prop::option::of(ids()),
            prop::option::of(any::<String>()),
            times(),
            times(),
        );
        (Just(kind), ids(), body, rest, "\\PC{0,20}", any::<bool>()).prop_map(
            |(kind, id, body, (parent_id, name, created_at, updated_at), sync_id, deleted)| Version {
                parent_id: parent_id.filter(|_| kind.parent_field().is_some()),
                name: name.filter(|_| kind.has_name()),
                key: Key::new(kind, id),
                body,
                created_at,
                updated_at,
                sync_id,
                deleted,
            },
        )
    })
}

fn operation(deleted: bool, update: bool) -> Operation {
    match (deleted, update) {
        (true, _) => Operation::Delete,
        (false, true) => Operation::Update,
        (false, false) => Operation::Create,
    }
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 400,
        rng_seed: RngSeed::Fixed(0x3_14_15),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_version_survives_as_data(version in versions()) {
        let text = Value::Object(encode_data(&version)).to_string();
        let data = serde_json::from_str::<JsonObject>(&text).unwrap();
        prop_assert_eq!(decode_data(version.key.clone(), data), Ok(version));
    }

    #[test]
    fn a_change_survives_a_delta(
        version in versions(),
        update in any::<bool>(),
        bases in vec("\\PC{0,40}", 0..4),
        server_time in times(),
    ) {
        let delta = Delta {
            server_time: server_time.unwrap_or(Timestamp::from_micros(0)),
            changes: vec![WireChange { operation: operation(version.deleted, update), version, bases }],
            conflicts: vec![],
            more: update,
            hub_id: None,
            epoch: None,
            state_digest: None,
        };
        prop_assert_eq!(Delta::decode(&bytes(&delta.encode())), Ok(delta));
    }

    #[test]
    fn a_change_survives_a_push(
        version in versions(),
        update in any::<bool>(),
        client_sync_id in any::<String>(),
        sync_id in "\\PC{1,40}",
        bases in vec("\\PC{0,40}", 0..4),
    ) {
        let version = Version { sync_id, ..version };
        let change = PushChange { operation: operation(version.deleted, update), version, client_sync_id, bases };
        let push = PushRequest { client_id: "c".into(), changes: vec![change.clone()] };
        let (_, raw) = PushRequest::decode_frame(&bytes(&push.encode())).unwrap();
        prop_assert_eq!(PushChange::decode(raw[0].clone()), Ok(change));
    }
}
