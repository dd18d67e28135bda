//! Telling what was committed: events, and the streams they are read from.
//!
//! Events are sent after the commit and in commit order, with no lock held. A
//! reader that falls behind is told how many it missed. What other processes
//! commit to the same file is found by `follow`.

mod follow;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::broadcast;

pub use follow::Follower;

use crate::model::{JsonObject, Key, Kind, Version};
use crate::store::{Commit, Origin, StoreEvent};

/// A change, told after it was committed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeEvent {
    /// `created`, `updated`, `deleted`, `state_changed`, `conflict`, `sync_started`,
    /// `sync_progress`, `sync_completed`, `sync_failed`, `connection_changed`, `needs_auth`.
    pub event: String,
    /// The record's kind, if it is about one.
    pub kind: Option<String>,
    /// The record's id, if it is about one.
    pub id: Option<String>,
    /// `local` or `remote`.
    pub origin: String,
    /// What else there is to say, for example `{done, total}` or the record.
    pub data: JsonObject,
}

/// How many events a reader may fall behind.
const CAPACITY: usize = 1_024;

/// Sends events to every stream.
#[derive(Debug)]
pub struct Broadcaster {
    /// `None` once everything has ended.
    sender: Mutex<Option<broadcast::Sender<ChangeEvent>>>,
}

impl Default for Broadcaster {
    fn default() -> Self {
        Self {
            sender: Mutex::new(Some(broadcast::channel(CAPACITY).0)),
        }
    }
}

impl Broadcaster {
    /// A stream of the events from now on.
    pub fn subscribe(&self) -> ChangeStream {
        let receiver = match &*self.sender() {
            Some(sender) => sender.subscribe(),
            // A stream that has ended: its sender is gone.
            None => broadcast::channel(1).1,
        };
        ChangeStream { receiver }
    }

    /// Sends one event. Nobody listening is fine.
    pub fn send(&self, event: ChangeEvent) {
        if let Some(sender) = &*self.sender() {
            let _ = sender.send(event);
        }
    }

    /// Ends every stream, once it was read empty.
    pub fn end(&self) {
        *self.sender() = None;
    }

    fn sender(&self) -> MutexGuard<'_, Option<broadcast::Sender<ChangeEvent>>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what a commit did.
    pub fn committed(&self, commit: &Commit) {
        for event in &commit.events {
            match event {
                StoreEvent::Created(version, origin) => self.record("created", version, *origin),
                StoreEvent::Updated(version, origin) => self.record("updated", version, *origin),
                StoreEvent::Deleted(key, origin) => self.deleted(key, *origin),
                StoreEvent::Conflict(entry) => {
                    let data = json!({"conflict_id": entry.entry, "reason": entry.reason, "loser": entry.loser.as_str()});
                    self.send(about("conflict", &entry.version.key, Origin::Remote, data));
                }
            }
        }
    }

    /// One event about a record that is there. A state is told as a device's.
    pub(crate) fn record(&self, what: &str, version: &Version, origin: Origin) {
        let (what, data) = match version.key.kind {
            Kind::EntityState => {
                let device = version.parent_id.as_ref().map(|id| id.as_str());
                (
                    "state_changed",
                    json!({"device_id": device, "state": version.embedded("state_json")}),
                )
            }
            _ => (what, json!({"name": version.name})),
        };
        self.send(about(what, &version.key, origin, data));
    }

    /// One event about a record that is gone.
    pub(crate) fn deleted(&self, key: &Key, origin: Origin) {
        self.send(about("deleted", key, origin, Value::Null));
    }

    /// An event about the sync itself.
    pub fn sync(&self, what: &str, data: Value) {
        self.send(ChangeEvent {
            event: what.to_owned(),
            kind: None,
            id: None,
            origin: "local".into(),
            data: object(data),
        });
    }
}

fn about(what: &str, key: &Key, origin: Origin, data: Value) -> ChangeEvent {
    ChangeEvent {
        event: what.to_owned(),
        kind: Some(key.kind.to_string()),
        id: Some(key.id.to_string()),
        origin: match origin {
            Origin::Local => "local".into(),
            Origin::Remote => "remote".into(),
        },
        data: object(data),
    }
}

fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        _ => JsonObject::new(),
    }
}

/// Changes as they are committed, here or by another process on the same file.
#[derive(Debug)]
pub struct ChangeStream {
    receiver: broadcast::Receiver<ChangeEvent>,
}

/// What a stream yields.
#[derive(Debug, Clone, PartialEq)]
pub enum Observed {
    /// Something changed.
    Change(ChangeEvent),
    /// So many events were dropped because nobody took them.
    Lagged(u64),
}

impl ChangeStream {
    /// The next one; `None` after shutdown.
    pub async fn next(&mut self) -> Option<Observed> {
        match self.receiver.recv().await {
            Ok(event) => Some(Observed::Change(event)),
            Err(broadcast::error::RecvError::Lagged(count)) => Some(Observed::Lagged(count)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
