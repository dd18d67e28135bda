//! Messages that can't be used, and the errors that say why.

use wildthing::protocol::MAX_LISTING_BYTES;
use wildthing::protocol::v2::{
    EntityAnswer, EntityListing, GuestTokenRequest, LoginRequest, QrData, RelationshipListing, SyncRequest,
    SyncResponse, TokenAnswer, VersionListing,
};
use wildthing::protocol::{MAX_MESSAGE_BYTES, MAX_PAGE_CHANGES, ProtocolError};

use super::*;

#[track_caller]
fn path<T: std::fmt::Debug>(result: Result<T, ProtocolError>) -> String {
    match result {
        Err(ProtocolError::Field { path, found, .. }) => {
            assert!(!found.is_empty() && found.chars().count() < 80, "{path}: {found}");
            path
        }
        other => panic!("not a field error: {other:?}"),
    }
}

fn with(mut value: Value, field: &str, to: Option<Value>) -> Value {
    let object = value.as_object_mut().unwrap();
    match to {
        Some(to) => object.insert(field.to_owned(), to),
        None => object.remove(field),
    };
    value
}

#[test]
fn a_bad_field_of_an_entity_is_named() {
    for (field, bad) in [
        ("id", None),
        ("id", Some(json!(5))),
        ("version", None),
        ("version", Some(json!(null))),
        ("entity_type", Some(json!(["device"]))),
        ("name", Some(json!(null))),
        ("content", None),
        ("content", Some(json!("{}"))),
        ("source_type", Some(json!(null))),
        ("user_id", None),
        ("user_id", Some(json!(null))),
        ("parent_versions", Some(json!("v1"))),
        ("checksum", Some(json!(7))),
    ] {
        let bad = with(entity(), field, bad);
        let expected = format!("changes[0].entity.{field}");
        assert_eq!(path(SyncResponse::decode(&bytes(&answer(bad.clone())))), expected);
        assert_eq!(path(SyncRequest::decode(&bytes(&request(bad)))), expected);
    }
    let bad = with(entity(), "parent_versions", Some(json!(["v1", 2])));
    assert_eq!(
        path(SyncResponse::decode(&bytes(&answer(bad)))),
        "changes[0].entity.parent_versions[1]"
    );
}

#[test]
fn a_bad_field_of_an_edge_is_named() {
    for (field, bad) in [
        ("id", None),
        ("from_entity_id", Some(json!(null))),
        ("from_entity_version", Some(json!(1))),
        ("to_entity_id", None),
        ("to_entity_version", None),
        ("relationship_type", Some(json!({}))),
        ("properties", Some(json!([]))),
    ] {
        let bad = with(edge(), field, bad);
        let mut message = answer(entity());
        message["changes"][0]["relationships"] = json!([edge(), bad]);
        assert_eq!(
            path(SyncResponse::decode(&bytes(&message))),
            format!("changes[0].relationships[1].{field}")
        );
        let listing = json!({"relationships": [bad]});
        assert_eq!(
            path(RelationshipListing::decode(&bytes(&listing))),
            format!("relationships[0].{field}")
        );
    }
}

#[test]
fn a_bad_field_of_an_answer_is_named() {
    for (field, bad, expected) in [
        ("server_time", None, "server_time"),
        ("server_time", Some(json!("soon")), "server_time"),
        ("changes", None, "changes"),
        ("changes", Some(json!({})), "changes"),
        ("changes", Some(json!(["x"])), "changes[0]"),
        ("sync_type", Some(json!("some")), "sync_type"),
        (
            "protocol_version",
            Some(json!("inbetweenies-v3")),
            "protocol_version",
        ),
        ("cursor", Some(json!(5)), "cursor"),
        ("applied", Some(json!([null])), "applied[0]"),
        ("applied_relationships", Some(json!("x")), "applied_relationships"),
        (
            "conflicts",
            Some(json!([{"entity_id": "x"}])),
            "conflicts[0].local_version",
        ),
        ("state_digest", Some(json!(5)), "state_digest"),
        (
            "sync_stats",
            Some(json!({"entities_synced": -1})),
            "sync_stats.entities_synced",
        ),
        ("vector_clock", Some(json!([])), "vector_clock"),
    ] {
        let bad = with(answer(entity()), field, bad);
        assert_eq!(path(SyncResponse::decode(&bytes(&bad))), expected);
    }
}

#[test]
fn a_bad_field_of_a_request_is_named() {
    for (field, bad, expected) in [
        ("device_id", None, "device_id"),
        ("user_id", Some(json!(null)), "user_id"),
        ("sync_type", None, "sync_type"),
        ("sync_type", Some(json!("bogus")), "sync_type"),
        (
            "changes",
            Some(json!([{"change_type": "upsert"}])),
            "changes[0].change_type",
        ),
        ("filters", Some(json!({"since": "yesterday"})), "filters.since"),
        (
            "filters",
            Some(json!({"entity_types": "room"})),
            "filters.entity_types",
        ),
        (
            "filters",
            Some(json!({"modified_by": [1]})),
            "filters.modified_by[0]",
        ),
        ("cursor", Some(json!(2)), "cursor"),
    ] {
        let bad = with(request(entity()), field, bad);
        assert_eq!(path(SyncRequest::decode(&bytes(&bad))), expected);
    }
}

#[test]
fn limits_hold() {
    assert!(matches!(
        SyncRequest::decode(&vec![b' '; MAX_MESSAGE_BYTES + 1]),
        Err(ProtocolError::TooLarge { .. })
    ));
    // What holds everything, or a page of large entities, may be larger than that,
    // but not without end.
    assert!(matches!(
        SyncResponse::decode(&vec![b' '; MAX_LISTING_BYTES + 1]),
        Err(ProtocolError::TooLarge { .. })
    ));
    let mut roomy = br#"{"relationships": []}"#.to_vec();
    roomy.resize(MAX_MESSAGE_BYTES + 1, b' ');
    assert!(RelationshipListing::decode(&roomy).is_ok());
    roomy.resize(MAX_LISTING_BYTES + 1, b' ');
    assert!(matches!(
        RelationshipListing::decode(&roomy),
        Err(ProtocolError::TooLarge {
            limit: MAX_LISTING_BYTES
        })
    ));
    let deep = format!(r#"{{"changes": {}{}}}"#, "[".repeat(70), "]".repeat(70));
    assert!(matches!(
        SyncResponse::decode(deep.as_bytes()),
        Err(ProtocolError::TooDeep { .. })
    ));
    let mut many = answer(entity());
    many["changes"] = vec![json!({"change_type": "delete"}); MAX_PAGE_CHANGES + 1].into();
    assert!(matches!(
        SyncResponse::decode(&bytes(&many)),
        Err(ProtocolError::TooManyChanges { .. })
    ));
    let huge = answer(entity())
        .to_string()
        .replace("\"content\":{}", "\"content\":{\"x\":1e999}");
    assert!(SyncResponse::decode(huge.as_bytes()).is_err());
}

#[test]
fn what_is_no_message_is_refused_by_every_reader() {
    type Reader = fn(&[u8]) -> Option<ProtocolError>;
    let readers: [Reader; 8] = [
        |bytes| SyncResponse::decode(bytes).err(),
        |bytes| SyncRequest::decode(bytes).err(),
        |bytes| EntityListing::decode(bytes).err(),
        |bytes| EntityAnswer::decode(bytes).err(),
        |bytes| VersionListing::decode(bytes).err(),
        |bytes| RelationshipListing::decode(bytes).err(),
        |bytes| TokenAnswer::decode(bytes).err(),
        |bytes| QrData::decode(bytes).err(),
    ];
    for read in readers {
        for bad in [
            &b""[..],
            b"null",
            b"[]",
            b"{}",
            b"{\"changes\": ",
            b"\xff\xfe",
            b"<html>",
            b"Internal Server Error",
        ] {
            assert!(read(bad).is_some(), "{:?}", String::from_utf8_lossy(bad));
        }
    }
}

#[test]
fn no_error_quotes_a_secret() {
    for bad in [
        &br#"{"password": ["hunter2"]}"#[..],
        br#"{"token": {"a": "hunter2"}}"#,
    ] {
        for error in [
            LoginRequest::decode(bad).unwrap_err().to_string(),
            GuestTokenRequest::decode(bad).unwrap_err().to_string(),
        ] {
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
    assert_eq!(path(LoginRequest::decode(br#"{"password": ""}"#)), "password");
    assert_eq!(
        path(TokenAnswer::decode(br#"{"access_token": "x"}"#)),
        "expires_in"
    );
    assert_eq!(path(QrData::decode(br#"{"type": "guest_access"}"#)), "token");
}
