//! Our own messages, both ways, and version strings.

use wildthing::model::Timestamp;
use wildthing::protocol::v2::{
    Change, ChangeType, Entity, Filters, PROTOCOL_VERSION, QrData, Relationship, SyncRequest, SyncResponse,
    SyncType, VersionStamp, version_time,
};

use super::*;

const AT: i64 = 1_781_516_462_581_234;

#[test]
fn a_request_looks_like_this() {
    let request = SyncRequest {
        protocol_version: PROTOCOL_VERSION.into(),
        device_id: "dev-1".into(),
        user_id: "alice".into(),
        sync_type: SyncType::Delta,
        changes: vec![Change {
            change_type: ChangeType::Create,
            entity: Some(Entity::decode(entity()).unwrap()),
            relationships: vec![Relationship::decode(edge()).unwrap()],
        }],
        filters: Filters {
            since: Some(Timestamp::from_micros(AT)),
            ..Filters::default()
        },
        cursor: Some("513".into()),
        vector_clock: json!({"clocks": {}}).as_object().unwrap().clone(),
    };
    let expected = json!({
        "protocol_version": "inbetweenies-v2",
        "device_id": "dev-1",
        "user_id": "alice",
        "sync_type": "delta",
        "changes": [{"change_type": "create", "entity": entity(), "relationships": [edge()]}],
        "filters": {"since": "2026-06-15T09:41:02.581234+00:00"},
        "cursor": "513",
        "vector_clock": {"clocks": {}},
    });
    assert_eq!(request.encode(), expected);
    assert_eq!(SyncRequest::decode(&bytes(&expected)), Ok(request));
}

#[test]
fn the_least_a_server_may_say_is_understood() {
    let least =
        json!({"sync_type": "full", "changes": [], "server_time": "2026-11-22T09:00:00Z", "cursor": ""});
    let answer = SyncResponse::decode(&bytes(&least)).unwrap();
    assert_eq!(
        (answer.cursor, answer.state_digest, answer.applied.len()),
        (None, None, 0)
    );
    let request = SyncRequest::decode(br#"{"device_id": "d", "user_id": "u", "sync_type": "full"}"#).unwrap();
    assert_eq!(request.protocol_version, PROTOCOL_VERSION);
    assert_eq!(request.encode()["vector_clock"], json!({"clocks": {}}));
}

#[test]
fn what_a_newer_server_adds_is_kept() {
    let mut strange = entity();
    strange["entity_type"] = "greenhouse".into();
    strange["source_type"] = "telepathy".into();
    strange["mood"] = json!({"calm": [true, null]});
    let mut lead = edge();
    lead["relationship_type"] = "admires".into();
    lead["since"] = 1979.into();
    let mut message = answer(strange.clone());
    message["changes"][0]["relationships"][0] = lead.clone();
    let read = SyncResponse::decode(&bytes(&message)).unwrap();
    let change = read.encode()["changes"][0].clone();
    assert_eq!(
        change,
        json!({"change_type": "update", "entity": strange, "relationships": [lead]})
    );
}

#[test]
fn numbers_keep_their_text() {
    let text = answer(json!("HERE")).to_string().replace(
        "\"HERE\"",
        &entity().to_string().replace(
            "\"content\":{}",
            r#""content":{"a":1.50,"b":123456789012345678901234567890,"c":1e300,"d":-0.0}"#,
        ),
    );
    let read = SyncResponse::decode(text.as_bytes()).unwrap();
    let content = read.encode()["changes"][0]["entity"]["content"].to_string();
    for number in ["1.50", "123456789012345678901234567890", "-0.0"] {
        assert!(content.contains(number), "{number} in {content}");
    }
}

#[test]
fn only_true_is_deleted() {
    for (content, deleted) in [
        (json!({"deleted": true}), true),
        (json!({"deleted": false}), false),
        (json!({"deleted": "true"}), false),
        (json!({"deleted": 1}), false),
        (json!({}), false),
    ] {
        let mut value = entity();
        value["content"] = content.clone();
        assert_eq!(Entity::decode(value).unwrap().is_deleted(), deleted, "{content}");
        let mut value = edge();
        value["properties"] = content.clone();
        assert_eq!(
            Relationship::decode(value).unwrap().is_deleted(),
            deleted,
            "{content}"
        );
    }
}

#[test]
fn a_version_string_is_time_counter_and_user() {
    let text = "2026-06-15T09:41:02.581234+00:00-000417-populate-script";
    let stamp = VersionStamp::parse(text).unwrap();
    assert_eq!(stamp.time(), Timestamp::from_micros(AT));
    assert_eq!((stamp.counter(), stamp.user_id()), (417, "populate-script"));
    assert_eq!(stamp.to_string(), text);
    assert_eq!(version_time(text), Some(stamp.time()));
    for other in [text.replace("+00:00", "Z"), text.replace("+00:00", "+00:00Z")] {
        assert_eq!(VersionStamp::parse(&other), Ok(stamp.clone()), "{other}");
    }
    // Whole seconds are written with their zeros, and the counter goes round.
    let whole = VersionStamp::new(Timestamp::from_micros(AT - 581_234), 1_000_003, "Z+00:00-a");
    assert_eq!(
        whole.to_string(),
        "2026-06-15T09:41:02.000000+00:00-000003-Z+00:00-a"
    );
    assert_eq!(VersionStamp::parse(&whole.to_string()), Ok(whole));
}

#[test]
fn version_strings_sort_by_time_then_counter() {
    let text =
        |micros, counter, user| VersionStamp::new(Timestamp::from_micros(micros), counter, user).to_string();
    let sorted = [
        text(AT - 1_000_000, 999_999, "z"),
        text(AT - 1, 5, "z"),
        text(AT, 9, "z"),
        text(AT, 10, "a"),
        text(AT, 10, "a-b"),
        text(AT + 1, 0, "a"),
    ];
    assert!(sorted.is_sorted(), "{sorted:?}");
}

#[test]
fn what_is_no_version_string_is_told() {
    let long = "v".repeat(255);
    for text in [
        "zzz",
        "",
        long.as_str(),
        "2026-06-15T09:41:02.581234-000417-alice",
        "2026-06-15T09:41:02.581234+00:00-417-alice",
        "2026-06-15T09:41:02.581234+00:00-00041x-alice",
        "2026-06-15T09:41:02.581234+00:00",
    ] {
        let error = VersionStamp::parse(text).unwrap_err();
        assert!(text.starts_with(&error.text) && error.text.len() <= 80, "{text}");
    }
    assert_eq!(version_time("zzz"), None);
    assert!(version_time("2026-06-15T09:41:02.581234Z").is_some());
}

#[test]
fn a_scanned_code_is_read() {
    let recorded = case("generate guest qr")["answer"]["qr_data"].clone();
    let data = QrData::decode(&bytes(&recorded)).unwrap();
    assert_eq!((data.server.as_str(), data.port), ("funkygibbon.local", 18_002));
    assert_eq!(data.encode(), recorded);
}
