//! What FunkyGibbon 0.3 was recorded to answer, asked of our hub in the same
//! order, with the clock where it was then. Answers to syncs are the same in
//! every value that is not a time; where ours deviates, this says so.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod hub2_support;
mod hub_support;

use std::net::SocketAddr;

use hub_support::FakeSeam;
use hub2_support::*;
use serde_json::{Value, json};
use wildthing::model::Timestamp;

fn cases() -> Vec<Value> {
    let text = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/observed-v2/cases.json"
    ));
    serde_json::from_slice::<Value>(&text.unwrap())
        .unwrap()
        .as_array()
        .unwrap()
        .clone()
}

/// Where ours deviates: the case, and our status.
const DEVIATIONS: &[(&str, u16)] = &[
    // A token must end, and its role must be one that means something.
    ("signed token, no exp, unknown role", 401),
    // Unknown types are said to be unknown.
    ("filter unknown entity type", 422),
    ("unknown entity_type", 422),
    ("unknown source_type", 422),
    ("batch: good entity + bad entity_type (atomic?)", 422),
    // An id of nothing can't be asked for, and no client holds it.
    ("empty name, empty id", 422),
    // Who may only read can't write, and who was revoked can't read.
    ("GUEST token pushes a create (permissions: read)", 403),
    ("GUEST creates entity by REST", 403),
    ("guest JWT after revoke", 401),
];

/// After this one the two houses differ: theirs has an entity with no id.
const HOUSES_PART: &str = "empty name, empty id";

/// Where a recorded list of invalid fields says that they are.
fn places(detail: &Value) -> Option<Vec<Value>> {
    let items = detail.as_array()?;
    Some(items.iter().map(|item| item["loc"].clone()).collect())
}

/// Every member that is recorded is there, of the same type. Null is of any type.
#[track_caller]
fn same_shape(name: &str, path: &str, recorded: &Value, ours: &Value) {
    match (recorded, ours) {
        (Value::Null, _) | (_, Value::Null) => {}
        // Counts by type: the note in theirs is the one that a guest made.
        _ if path.ends_with("_types") => {}
        (Value::Object(recorded), Value::Object(found)) => {
            for (member, recorded) in recorded {
                let found = found
                    .get(member)
                    .unwrap_or_else(|| panic!("{name}: no {path}.{member} in {ours}"));
                same_shape(name, &format!("{path}.{member}"), recorded, found);
            }
        }
        (Value::Array(recorded), Value::Array(found)) => {
            if let (Some(recorded), Some(found)) = (recorded.first(), found.first()) {
                same_shape(name, &format!("{path}[0]"), recorded, found);
            }
        }
        (recorded, ours) => assert_eq!(
            std::mem::discriminant(recorded),
            std::mem::discriminant(ours),
            "{name}: {path} is {recorded}, ours {ours}"
        ),
    }
}

/// A sync's answer without what depends on clocks, and without `parent_versions`:
/// theirs are filled in with what the version displaced.
fn timeless(answer: &Value) -> Value {
    let mut answer = answer.clone();
    answer["server_time"].take();
    answer["sync_stats"]["duration_ms"].take();
    for change in answer["changes"].as_array_mut().unwrap() {
        change["entity"]["parent_versions"].take();
    }
    answer
}

fn ask(addr: SocketAddr, case: &Value, token: &str, guest_code: &str) -> Answer {
    let name = case["name"].as_str().unwrap();
    let mut path = case["path"].as_str().unwrap().to_owned();
    for (index, (key, value)) in case["params"].as_object().into_iter().flatten().enumerate() {
        let value = match value {
            Value::String(_) if key == "token" => guest_code.to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        path.push_str(&format!(
            "{}{key}={}",
            if index == 0 { "?" } else { "&" },
            escaped(&value)
        ));
    }
    let mut body = case["body"].clone();
    if name.starts_with("guest verify") && name != "guest verify bad" {
        body["token"] = guest_code.into();
    }
    let body = match (&body, name) {
        (_, "bad JSON") => b"{bad".to_vec(),
        (Value::Null, _) => Vec::new(),
        (body, _) => body.to_string().into_bytes(),
    };
    let header = match name {
        "wrong scheme" => format!("Authorization: Basic {token}"),
        "raw token without scheme" => format!("Authorization: {token}"),
        _ => format!("Authorization: Bearer {token}"),
    };
    let headers: &[&str] = match case["authorized"] {
        Value::Bool(false) => &[],
        _ => &[&header],
    };
    send(addr, case["method"].as_str().unwrap(), &path, headers, &body)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_is_what_ours_answers() {
    // A little before the first answer that tells a time.
    let beginning = Timestamp::parse("2026-11-22T08:22:40Z").unwrap();
    let seam = FakeSeam::at(beginning.micros());
    let hub = start(with_password(), &seam).await;
    let addr = hub.addr();
    let (mut admin, mut guest, mut code) = (String::new(), String::new(), String::new());
    let (mut parted, mut syncs, mut deviated) = (false, 0, 0);
    for case in cases() {
        let name = case["name"].as_str().unwrap();
        // Theirs counted from its own clock, which the recording tells with syncs.
        if let Some(time) = case["answer"]["server_time"].as_str() {
            seam.set(Timestamp::parse(time).unwrap().micros());
        }
        let token = match name {
            "bad token" | "expired token" | "signed token, no exp, unknown role" => "a.b.c",
            name if name.to_lowercase().starts_with("guest")
                && !matches!(name, "guest list" | "guest revoke") =>
            {
                &guest
            }
            _ => &admin,
        };
        let ours = ask(addr, &case, token, &code);
        let deviation = DEVIATIONS.iter().find(|(deviating, _)| *deviating == name);
        let expected = deviation.map_or(case["status"].as_u64().unwrap(), |(_, status)| u64::from(*status));
        let shown = String::from_utf8_lossy(&ours.body).into_owned();
        assert_eq!(u64::from(ours.status), expected, "{name}: {shown}");
        deviated += usize::from(deviation.is_some());
        parted |= name == HOUSES_PART;
        match ours.status {
            200 => {
                let answer = ours.json();
                same_shape(name, "", &case["answer"], &answer);
                if case["path"] == "/api/v1/sync/" {
                    if !parted {
                        assert_eq!(timeless(&answer), timeless(&case["answer"]), "{name}");
                    }
                    syncs += 1;
                }
                match name {
                    "login ok" => admin = answer["access_token"].as_str().unwrap().to_owned(),
                    "generate guest qr" => code = answer["qr_data"]["token"].as_str().unwrap().to_owned(),
                    "guest verify" => guest = answer["access_token"].as_str().unwrap().to_owned(),
                    _ => {}
                }
            }
            307 => assert_eq!(ours.header("location"), Some("/api/v1/sync/")),
            422 => {
                let recorded = places(&case["answer"]["detail"]).filter(|_| name != "bad JSON");
                let detail = ours.json()["detail"].clone();
                assert!(
                    detail[0]["msg"].is_string() && detail[0]["type"].is_string(),
                    "{name}"
                );
                if let Some(recorded) = recorded {
                    assert_eq!(places(&detail), Some(recorded), "{name}");
                }
            }
            429 => {
                assert_eq!(ours.header("retry-after"), Some("900"));
                same_shape(name, "", &case["answer"], &ours.json());
            }
            _ if deviation.is_none() => {
                assert_eq!(ours.json(), case["answer"], "{name}");
                let challenged = ours.header("www-authenticate");
                assert_eq!(challenged.is_some(), ours.status == 401, "{name}");
            }
            _ => assert!(ours.json()["detail"].is_string(), "{name}"),
        }
    }
    assert_eq!(deviated, DEVIATIONS.len());
    assert!(syncs > 50, "{syncs}");
    // Refused types are named by their place.
    for (name, place) in [
        (
            "filter unknown entity type",
            json!(["body", "filters", "entity_types", 0]),
        ),
        (
            "unknown entity_type",
            json!(["body", "changes", 0, "entity", "entity_type"]),
        ),
        (
            "unknown source_type",
            json!(["body", "changes", 0, "entity", "source_type"]),
        ),
        (
            "batch: good entity + bad entity_type (atomic?)",
            json!(["body", "changes", 1, "entity", "entity_type"]),
        ),
    ] {
        let case = cases().into_iter().find(|case| case["name"] == name).unwrap();
        let refused = ask(addr, &case, TOKEN, "");
        assert_eq!(refused.json()["detail"][0]["loc"], place, "{name}");
    }
    hub.shutdown().await.unwrap();
}
