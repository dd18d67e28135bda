//! A hub of v2 on a clock that tests set, and short ways to talk to it.
#![allow(dead_code, unreachable_pub)]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use wildthing::hub::Hub;
use wildthing::hub::v2::{AdminPassword, GraphOptions, GraphStore};
use wildthing::model::Timestamp;

use super::hub_support::{FakeSeam, NOON, SECOND};

pub const TOKEN: &str = "correct-horse-battery-staple";
pub const PASSWORD: &str = "TestAdmin#2024!";

pub fn options() -> GraphOptions {
    GraphOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        auth_token: Some(TOKEN.into()),
        ..GraphOptions::default()
    }
}

pub async fn start(options: GraphOptions, seam: &Arc<FakeSeam>) -> Hub<GraphStore> {
    Hub::start_v2_with_seam(options, Arc::clone(seam) as _)
        .await
        .unwrap()
}

/// A hub in memory at noon that the fixed token opens.
pub async fn hub() -> Hub<GraphStore> {
    start(options(), &FakeSeam::at(NOON)).await
}

/// The same over a file.
pub fn on_file(path: &Path) -> GraphOptions {
    GraphOptions {
        db: Some(path.to_owned()),
        ..options()
    }
}

pub fn with_password() -> GraphOptions {
    GraphOptions {
        admin_password: Some(AdminPassword::new(PASSWORD)),
        ..options()
    }
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The answer of a request that was expected to work.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }
}

/// One request on a connection of its own.
pub fn send(addr: SocketAddr, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Answer {
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

/// One request with a bearer token.
pub fn with_token(addr: SocketAddr, token: &str, method: &str, path: &str, body: &Value) -> Answer {
    let bearer = format!("Authorization: Bearer {token}");
    let body = match body {
        Value::Null => Vec::new(),
        body => body.to_string().into_bytes(),
    };
    send(addr, method, path, &[&bearer], &body)
}

pub fn get(addr: SocketAddr, path: &str) -> Answer {
    with_token(addr, TOKEN, "GET", path, &Value::Null)
}

pub fn post(addr: SocketAddr, path: &str, body: &Value) -> Answer {
    with_token(addr, TOKEN, "POST", path, body)
}

/// A version made so many seconds after noon.
pub fn version(seconds: i64, counter: u32, user: &str) -> String {
    let time = Timestamp::from_micros(NOON + seconds * SECOND);
    format!("{time}+00:00-{counter:06}-{user}")
}

pub fn device(id: &str, version: &str, parents: &[&str]) -> Value {
    json!({
        "id": id,
        "version": version,
        "entity_type": "device",
        "name": format!("{id} at {version}"),
        "content": {},
        "source_type": "manual",
        "user_id": "u",
        "parent_versions": parents,
    })
}

pub fn edge(id: &str, from: (&str, &str), to: (&str, &str)) -> Value {
    json!({
        "id": id,
        "from_entity_id": from.0,
        "from_entity_version": from.1,
        "to_entity_id": to.0,
        "to_entity_version": to.1,
        "relationship_type": "located_in",
        "properties": {},
    })
}

pub fn change(change_type: &str, entity: Value, edges: &[Value]) -> Value {
    json!({"change_type": change_type, "entity": entity, "relationships": edges})
}

/// A delta request that pushes these changes and asks for nothing.
pub fn pushing(changes: &[Value]) -> Value {
    json!({
        "protocol_version": "inbetweenies-v2",
        "device_id": "dev",
        "user_id": "u",
        "sync_type": "delta",
        "changes": changes,
        "filters": {"since": "2099-01-01T00:00:00Z"},
    })
}

#[track_caller]
pub fn push(addr: SocketAddr, changes: &[Value]) -> Value {
    post(addr, "/api/v1/sync/", &pushing(changes)).ok()
}

/// A delta from a cursor.
pub fn after(cursor: &str) -> Value {
    json!({"device_id": "dev", "user_id": "u", "sync_type": "delta", "cursor": cursor})
}

/// Everything, page after page.
pub fn pull_all(addr: SocketAddr) -> Vec<Value> {
    let (mut changes, mut cursor) = (Vec::new(), "0".to_owned());
    loop {
        let page = post(addr, "/api/v1/sync/", &after(&cursor)).ok();
        changes.extend(page["changes"].as_array().unwrap().iter().cloned());
        match page["cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return changes,
        }
    }
}

/// The version an entity stands at.
pub fn current(addr: SocketAddr, id: &str) -> Value {
    get(addr, &format!("/api/v1/graph/entities/{id}")).ok()["entity"]["version"].clone()
}

/// Text as it goes into a query or a path.
pub fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
