//! A clock that tests set, and short ways to make edits and ask for deltas.
#![allow(dead_code, unreachable_pub)]

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use wildthing::hub::{FaultHook, HubStore};
use wildthing::model::{Key, Kind, RecordId, Timestamp};
use wildthing::protocol::v1::{Delta, PushResult, SyncRequest};
use wildthing::seam::{BoxFuture, Seam};

/// 2026-06-01T12:00:00.
pub const NOON: i64 = 1_780_315_200_000_000;
pub const SECOND: i64 = 1_000_000;

/// A clock that stands still until it is set, and counted randomness.
#[derive(Debug)]
pub struct FakeSeam {
    now: AtomicI64,
    drawn: AtomicU64,
}

impl FakeSeam {
    pub fn at(micros: i64) -> Arc<Self> {
        Arc::new(Self {
            now: AtomicI64::new(micros),
            drawn: AtomicU64::new(0),
        })
    }

    pub fn set(&self, micros: i64) {
        self.now.store(micros, Ordering::SeqCst);
    }
}

impl Seam for FakeSeam {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.now.load(Ordering::SeqCst))
    }

    fn random(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        bytes[..8].copy_from_slice(&self.drawn.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        bytes
    }

    fn sleep(&self, _duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

pub fn hub() -> HubStore {
    HubStore::in_memory(FakeSeam::at(NOON)).unwrap()
}

pub fn key(kind: &str, id: &str) -> Key {
    Key::new(Kind::parse(kind), RecordId::new(id).unwrap())
}

/// An edit of a room; `seconds` is its edit time after noon.
pub struct Edit {
    pub kind: &'static str,
    pub id: &'static str,
    pub sync_id: &'static str,
    pub seconds: i64,
    pub bases: &'static [&'static str],
    pub deleted: bool,
}

pub fn edit(sync_id: &'static str, seconds: i64, bases: &'static [&'static str]) -> Edit {
    Edit {
        kind: "room",
        id: "r1",
        sync_id,
        seconds,
        bases,
        deleted: false,
    }
}

pub fn delete(sync_id: &'static str, seconds: i64, bases: &'static [&'static str]) -> Edit {
    Edit {
        deleted: true,
        ..edit(sync_id, seconds, bases)
    }
}

impl Edit {
    pub fn of(self, kind: &'static str, id: &'static str) -> Self {
        Self { kind, id, ..self }
    }

    pub fn wire(&self) -> Value {
        self.with(json!({}))
    }

    /// The wire change with more fields in its data.
    pub fn with(&self, fields: Value) -> Value {
        let mut data = json!({
            "id": self.id,
            "sync_id": self.sync_id,
            "name": format!("named by {}", self.sync_id),
            "updated_at": Timestamp::from_micros(NOON + self.seconds * SECOND).to_string(),
            "is_deleted": self.deleted,
        });
        for (name, value) in fields.as_object().unwrap() {
            data[name] = value.clone();
        }
        json!({
            "entity_type": self.kind,
            "entity_id": self.id,
            "operation": if self.deleted { "delete" } else { "update" },
            "client_sync_id": format!("entry of {}", self.sync_id),
            "bases": self.bases,
            "data": data,
        })
    }
}

pub fn push(hub: &mut HubStore, client: &str, edits: &[Edit]) -> PushResult {
    hub.push(client, edits.iter().map(Edit::wire).collect()).unwrap()
}

/// The sync_ids that an answer says were applied.
pub fn applied(result: &PushResult) -> Vec<&str> {
    result
        .applied
        .iter()
        .map(|applied| applied.server_sync_id.as_deref().unwrap())
        .collect()
}

pub fn ask(client: &str, last_sync: Option<Timestamp>) -> SyncRequest {
    SyncRequest {
        client_id: client.to_owned(),
        last_sync,
        kinds: Kind::V1.to_vec(),
        include_deleted: true,
        state_digest: true,
    }
}

pub fn delta(hub: &mut HubStore, client: &str, last_sync: Option<Timestamp>) -> Delta {
    hub.delta(&ask(client, last_sync)).unwrap()
}

/// The sync_ids of a delta's changes, in order.
pub fn sync_ids(delta: &Delta) -> Vec<&str> {
    delta
        .changes
        .iter()
        .map(|change| change.version.sync_id.as_str())
        .collect()
}

/// The current sync_id of room `r1`.
pub fn current(hub: &HubStore) -> String {
    let versions = hub.versions().unwrap();
    let (version, _) = versions
        .iter()
        .find(|(version, _)| version.key == key("room", "r1"))
        .unwrap();
    version.sync_id.clone()
}

/// A fault hook that strikes the named transaction and notes what it was asked.
pub fn striking(name: &'static str) -> (FaultHook, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&asked);
    let hook = move |transaction: &'static str| {
        noted.lock().unwrap().push(transaction.to_owned());
        transaction == name
    };
    (Box::new(hook), asked)
}
