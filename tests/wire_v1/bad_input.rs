//! Bad bytes: never a panic, always the error that says what is wrong with the message.

use serde_json::json;
use wildthing::protocol::v1::{Ack, Delta, PushRequest, PushResult, SyncRequest};
use wildthing::protocol::{MAX_DEPTH, MAX_MESSAGE_BYTES, MAX_PAGE_CHANGES, ProtocolError};

use crate::{bytes, data, delta, field_error, read};

/// A small valid delta, as our hub sends it.
fn small_delta() -> Vec<u8> {
    let bytes = read(&data("wire-v1/delta.json"));
    bytes.trim_ascii().to_vec()
}

/// Every decoder of whole messages, by the error it gives.
fn all_errors(bytes: &[u8]) -> Vec<ProtocolError> {
    vec![
        Delta::decode(bytes).unwrap_err(),
        PushResult::decode(bytes).unwrap_err(),
        SyncRequest::decode(bytes).unwrap_err(),
        PushRequest::decode_frame(bytes).unwrap_err(),
        Ack::check(bytes).unwrap_err(),
    ]
}

#[test]
fn garbage_is_not_json() {
    let garbage = r#"|{|}|{]|{"a":}|{'a':1}|{"a":1,}|{"a":01}|{"a":+1}|{"a":NaN}|{"a":1e}|{"a":"\ud800"}"#;
    let more = [
        "null x",
        "{} {}",
        "Internal Server Error",
        " ",
        "\u{feff}",
        "\u{0}\u{0}",
        "{\"a\":\"\u{1}\"}",
    ];
    for text in garbage.split('|').chain(more) {
        for error in all_errors(text.as_bytes()) {
            assert!(
                matches!(error, ProtocolError::NotJson { line: 1.., .. }),
                "{text:?}: {error:?}"
            );
            assert_eq!(error.to_string().matches(" at line ").count(), 1, "{error}");
        }
    }
    let error = Delta::decode(b"{\n \"a\": ?\n}").unwrap_err();
    assert!(
        matches!(error, ProtocolError::NotJson { line: 2, .. }),
        "{error:?}"
    );
}

#[test]
fn json_that_is_no_object_is_refused() {
    for text in ["null", "true", "17", "\"sync_delta\"", "[]", "[{}]"] {
        for error in all_errors(text.as_bytes()) {
            let ProtocolError::Field { path, expected, .. } = &error else {
                panic!("{text}: {error:?}");
            };
            assert_eq!((path.as_str(), *expected), ("", "an object"), "{text}");
        }
    }
}

#[test]
fn a_message_cut_off_anywhere_is_refused() {
    let whole = small_delta();
    assert!(Delta::decode(&whole).is_ok());
    for end in 0..whole.len() {
        let error = Delta::decode(&whole[..end]).unwrap_err();
        let cut_in_a_character = std::str::from_utf8(&whole[..end]).is_err();
        match error {
            ProtocolError::NotJson { .. } if !cut_in_a_character => {}
            ProtocolError::NotUtf8 { offset } if cut_in_a_character => assert!(offset < end),
            other => panic!("cut at {end}: {other:?}"),
        }
    }
}

#[test]
fn a_message_with_any_byte_changed_never_panics() {
    let whole = small_delta();
    for at in 0..whole.len() {
        for byte in [0, b'"', b'{', b'9', b'\\', 0xff] {
            let mut changed = whole.clone();
            changed[at] = byte;
            let _ = Delta::decode(&changed);
            let _ = PushResult::decode(&changed);
        }
    }
}

#[test]
fn a_message_that_is_not_utf_8_is_refused_with_the_offset() {
    for (bytes, offset) in [
        (&b"{\"a\":\"\xff\"}"[..], 6),
        (b"\xff\xfe{\x00}\x00", 0),
        (b"{}\xc3", 2),
        (b"{\"a\":\"\xed\xa0\x80\"}", 6),
    ] {
        for error in all_errors(bytes) {
            assert_eq!(error, ProtocolError::NotUtf8 { offset }, "{bytes:?}");
        }
    }
}

#[test]
fn a_web_page_is_known_as_one() {
    for page in [
        "<!DOCTYPE html><html><body>Router login</body></html>",
        "\n  <html>",
        "\u{feff}<?xml version=\"1.0\"?>",
    ] {
        for error in all_errors(page.as_bytes()) {
            assert_eq!(error, ProtocolError::WebPage, "{page}");
        }
    }
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let mut marked = "\u{feff}".as_bytes().to_vec();
    marked.extend(small_delta());
    assert_eq!(Delta::decode(&marked), Delta::decode(&small_delta()));
}

/// A delta whose deepest array is `depth` levels down.
fn nested(depth: usize) -> Vec<u8> {
    // The message, `changes`, the change and `data` are four levels.
    let inner = depth - 4;
    let deep = format!("{}{}", "[".repeat(inner), "]".repeat(inner));
    let text = delta("room", json!({"deep": "HERE"})).to_string();
    text.replace("\"HERE\"", &deep).into_bytes()
}

#[test]
fn sixty_four_levels_are_taken_and_sixty_five_are_not() {
    assert_eq!(MAX_DEPTH, 64);
    assert!(Delta::decode(&nested(64)).is_ok());
    assert_eq!(
        Delta::decode(&nested(65)),
        Err(ProtocolError::TooDeep { limit: 64 })
    );
    for error in all_errors("[".repeat(1_000_000).as_bytes()) {
        assert_eq!(error, ProtocolError::TooDeep { limit: 64 });
    }
    // Brackets in a string are not levels.
    let text = delta("room", json!({"name": "[{\"\\".repeat(100)}));
    assert!(Delta::decode(&bytes(&text)).is_ok());
}

#[test]
fn eight_mebibytes_are_taken_and_a_byte_more_is_not() {
    assert_eq!(MAX_MESSAGE_BYTES, 8 * 1024 * 1024);
    let mut message = small_delta();
    message.resize(MAX_MESSAGE_BYTES, b' ');
    assert!(Delta::decode(&message).is_ok());
    message.push(b' ');
    for error in all_errors(&message) {
        assert_eq!(
            error,
            ProtocolError::TooLarge {
                limit: MAX_MESSAGE_BYTES
            }
        );
    }
}

#[test]
fn ten_thousand_changes_are_taken_and_one_more_is_not() {
    assert_eq!(MAX_PAGE_CHANGES, 10_000);
    let page = |count: usize| {
        let change = r#"{"entity_type":"house","entity_id":1,"operation":"delete"}"#;
        let changes = vec![change; count].join(",");
        format!(r#"{{"type":"sync_delta","server_time":"2026-11-22T09:00:00","changes":[{changes}]}}"#)
    };
    assert_eq!(
        Delta::decode(page(10_000).as_bytes()).unwrap().changes.len(),
        10_000
    );
    assert_eq!(
        Delta::decode(page(10_001).as_bytes()),
        Err(ProtocolError::TooManyChanges {
            count: 10_001,
            limit: 10_000
        })
    );
}

#[test]
fn a_number_no_double_holds_is_refused_where_it_stands() {
    let place = "changes[0].data.latitude";
    for (number, path) in [
        ("1e400", place),
        ("-1e400", place),
        ("1.5E+999999999999", place),
        ("[0,{\"deep\":1e309}]", "changes[0].data.latitude[1].deep"),
    ] {
        let text = delta("house", json!({"latitude": "HERE"})).to_string();
        let result = Delta::decode(text.replace("\"HERE\"", number).as_bytes());
        assert_eq!(
            field_error(result),
            (path.to_owned(), "a number within the range of a double")
        );
    }
    // An integer is kept to a thousand digits, and no further.
    let with_digits = |count: usize| {
        let text = delta("house", json!({"serial": "HERE"})).to_string();
        Delta::decode(text.replace("\"HERE\"", &"9".repeat(count)).as_bytes())
    };
    assert!(with_digits(1_000).is_ok());
    assert_eq!(field_error(with_digits(1_001)).0, "changes[0].data.serial");
}
