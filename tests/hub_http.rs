//! The hub behind HTTP, over a real socket.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod hub_support;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use hub_support::*;
use serde_json::{Value, json};
use wildthing::hub::{AuthToken, Hub, HubError, HubOptions};
use wildthing::protocol::MAX_MESSAGE_BYTES;
use wildthing::protocol::v1::{Ack, Delta, PushResult};

const TOKEN: &str = "correct horse battery staple";

async fn start(auth_token: Option<&str>) -> Hub {
    let options = HubOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        auth_token: auth_token.map(AuthToken::from),
        ..HubOptions::default()
    };
    Hub::start_with_seam(options, FakeSeam::at(NOON)).await.unwrap()
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn has(&self, header: &str) -> bool {
        self.head.lines().any(|line| line.eq_ignore_ascii_case(header))
    }
}

/// One request on a connection of its own.
fn send(addr: SocketAddr, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(addr).unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n");
    for header in headers {
        head.push_str(&format!("{header}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head,
        body: answer[end + 4..].to_vec(),
    }
}

fn post(addr: SocketAddr, path: &str, body: &Value) -> Answer {
    send(addr, "POST", path, &[], body.to_string().as_bytes())
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_house_goes_round_the_five_steps() {
    let hub = start(None).await;
    let addr = hub.addr();
    assert_eq!(hub.url(), format!("http://{addr}"));
    let message =
        json!({"type": "sync_push", "client_id": "a", "changes": [edit("s1", 0, &["s0"]).wire(), 7]});
    let pushed = post(addr, "/api/v1/sync/push", &message);
    assert_eq!(pushed.status, 200);
    assert!(pushed.has("content-type: application/json"), "{}", pushed.head);
    let pushed = PushResult::decode(&pushed.body).unwrap();
    assert_eq!(applied(&pushed), ["s1"]);
    assert_eq!(pushed.rejected.len(), 1);

    let asked = post(addr, "/api/v1/sync/request", &ask("b", None).encode());
    let told = Delta::decode(&asked.body).unwrap();
    assert_eq!(sync_ids(&told), ["s1"]);
    assert_eq!(told.changes[0].bases, ["s0"]);
    assert_eq!(told.state_digest, {
        let store = hub.store();
        let digest = store
            .lock()
            .unwrap()
            .state_digest(&wildthing::model::Kind::V1)
            .unwrap();
        Some(digest)
    });

    let ack = Ack {
        client_id: "b".to_owned(),
        sync_completed_at: told.server_time,
    };
    let acknowledged = post(addr, "/api/v1/sync/ack", &ack.encode()).json();
    assert_eq!(
        acknowledged,
        json!({"type": "sync_ack_response", "status": "acknowledged", "server_time": "2026-06-01T12:00:00.000000"})
    );
    hub.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_token_opens_the_sync_paths() {
    let hub = start(Some(TOKEN)).await;
    let addr = hub.addr();
    let body = ask("a", None).encode().to_string();
    let with = |path: &str, headers: &[&str]| send(addr, "POST", path, headers, body.as_bytes());
    for path in ["/api/v1/sync/request", "/api/v1/sync/push", "/api/v1/sync/ack"] {
        let missing = with(path, &[]);
        assert_eq!(missing.status, 401);
        assert!(missing.has("www-authenticate: Bearer"), "{}", missing.head);
        assert_eq!(missing.json(), json!({"detail": "Not authenticated"}));
        let wrong = with(path, &[&bearer("incorrect horse")]);
        assert_eq!(wrong.status, 401);
        assert!(wrong.has("www-authenticate: Bearer"));
        assert_eq!(wrong.json(), json!({"detail": "Invalid or expired token"}));
    }
    // Strangers learn nothing of limits or shapes either.
    assert_eq!(send(addr, "POST", "/api/v1/sync/push", &[], b"{").status, 401);
    assert_eq!(with("/api/v1/sync/request", &[&bearer(TOKEN)]).status, 200);
    assert_eq!(
        send(addr, "GET", "/health", &[], b"").json(),
        json!({"status": "healthy"})
    );
    assert_eq!(send(addr, "GET", "/", &[], b"").status, 200);
    assert!(!format!("{hub:?}").contains(TOKEN));
    let options = HubOptions {
        auth_token: Some(TOKEN.into()),
        ..HubOptions::default()
    };
    assert!(!format!("{options:?}").contains(TOKEN));
    hub.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_have_limits() {
    let hub = start(None).await;
    let addr = hub.addr();
    let mut message = json!({"type": "sync_push", "client_id": "a", "changes": []}).to_string();
    message.push_str(&" ".repeat(MAX_MESSAGE_BYTES - message.len()));
    assert_eq!(
        send(addr, "POST", "/api/v1/sync/push", &[], message.as_bytes()).status,
        200
    );
    message.push(' ');
    let refused = send(addr, "POST", "/api/v1/sync/push", &[], message.as_bytes());
    assert_eq!(refused.status, 413);
    assert!(refused.json()["detail"].as_str().unwrap().contains("8388608"));

    // The message itself is a level: 62 arrays in a list in it make 64.
    let nested = |levels: usize| {
        let change = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let text = format!("{{\"client_id\": \"a\", \"changes\": [{change}]}}");
        send(addr, "POST", "/api/v1/sync/push", &[], text.as_bytes())
    };
    assert_eq!(nested(62).status, 200);
    let refused = nested(63);
    assert_eq!(refused.status, 422);
    assert_eq!(refused.json()["detail"][0]["type"], "json_too_deep");

    // Each change is answered: of a small message of many, the answer would be huge.
    let many = |changes: usize| {
        let text = format!(
            "{{\"client_id\": \"a\", \"changes\": [1{}]}}",
            ",1".repeat(changes - 1)
        );
        send(addr, "POST", "/api/v1/sync/push", &[], text.as_bytes())
    };
    assert_eq!(many(10_000).status, 200);
    let refused = many(10_001);
    assert_eq!(refused.status, 422);
    assert_eq!(refused.json()["detail"][0]["type"], "too_long");
    hub.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_read_is_said_in_detail() {
    let hub = start(None).await;
    let addr = hub.addr();
    for (path, body, kind, place) in [
        (
            "request",
            &b"{\"client_id\": "[..],
            "json_invalid",
            json!(["body"]),
        ),
        ("request", b"", "json_invalid", json!(["body"])),
        ("request", b"\xff\xfe", "json_invalid", json!(["body"])),
        ("request", b"{}", "missing", json!(["body", "client_id"])),
        (
            "request",
            b"{\"client_id\":\"a\",\"last_sync\":\"now\"}",
            "value_error",
            json!(["body", "last_sync"]),
        ),
        (
            "push",
            b"{\"client_id\":\"a\",\"changes\":{}}",
            "value_error",
            json!(["body", "changes"]),
        ),
        (
            "ack",
            b"{\"client_id\":\"a\"}",
            "missing",
            json!(["body", "sync_completed_at"]),
        ),
        ("ack", b"[]", "value_error", json!(["body"])),
    ] {
        let refused = send(addr, "POST", &format!("/api/v1/sync/{path}"), &[], body);
        assert_eq!(refused.status, 422, "{path}");
        let detail = &refused.json()["detail"][0];
        assert_eq!(
            (&detail["type"], &detail["loc"]),
            (&kind.into(), &place),
            "{path}"
        );
        assert!(detail["msg"].is_string());
    }
    hub.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn other_paths_and_methods_are_answered_as_json() {
    let hub = start(Some(TOKEN)).await;
    let addr = hub.addr();
    let missing = send(addr, "GET", "/api/v2/nothing", &[], b"");
    assert_eq!(
        (missing.status, missing.json()),
        (404, json!({"detail": "Not Found"}))
    );
    for (method, path, allowed) in [
        ("GET", "/api/v1/sync/push", "allow: POST"),
        ("POST", "/health", "allow: GET,HEAD"),
    ] {
        let refused = send(addr, method, path, &[], b"");
        assert_eq!(
            (refused.status, refused.json()),
            (405, json!({"detail": "Method Not Allowed"}))
        );
        assert!(refused.has(allowed), "{}", refused.head);
    }
    hub.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_store_is_a_500_without_its_insides() {
    let hub = start(None).await;
    let (hook, _) = striking("push");
    hub.store().lock().unwrap().set_fault(Some(hook));
    let message = json!({"client_id": "a", "changes": [edit("s1", 0, &[]).wire()]});
    let failed = post(hub.addr(), "/api/v1/sync/push", &message);
    assert_eq!(
        (failed.status, failed.json()),
        (500, json!({"detail": "Internal Server Error"}))
    );
    hub.store().lock().unwrap().set_fault(None);
    assert_eq!(post(hub.addr(), "/api/v1/sync/push", &message).status, 200);
    hub.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_stops_frees_its_address_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = HubOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        db: Some(folder.path().join("hub.db")),
        auth_token: None,
        ..HubOptions::default()
    };
    let hub = Hub::start(options.clone()).await.unwrap();
    let id = hub.store().lock().unwrap().hub_id().to_owned();
    let message = json!({"client_id": "a", "changes": [edit("s1", 0, &[]).wire()]});
    assert_eq!(post(hub.addr(), "/api/v1/sync/push", &message).status, 200);
    // An idle connection must not hold it up.
    let idle = TcpStream::connect(hub.addr()).unwrap();
    options.listen = hub.addr();
    hub.shutdown().await.unwrap();
    assert!(TcpStream::connect(options.listen).is_err());
    drop(idle);

    let hub = Hub::start(options.clone()).await.unwrap();
    assert_eq!(hub.store().lock().unwrap().hub_id(), id);
    assert_eq!(hub.store().lock().unwrap().len().unwrap(), 1);
    let taken = Hub::start(HubOptions { db: None, ..options }).await;
    assert!(matches!(taken, Err(HubError::Listen { .. })), "{taken:?}");
    hub.shutdown().await.unwrap();
}
