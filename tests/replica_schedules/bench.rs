//! The workbench of the directed schedules: replicas with clocks set by hand, a
//! sync that halts at every message, and a hub that takes and answers real bytes.
//! The schedules of a graph have it too, with a hub of theirs.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;

use wildthing::hub::HubStore;
use wildthing::model::{Key, Kind, Record, RecordId, Timestamp, Version};
use wildthing::protocol::Protocol;
use wildthing::protocol::v1::{ACK_PATH, PUSH_PATH, PushRequest, REQUEST_PATH, SyncRequest};
use wildthing::seam::{BoxFuture, Seam, SharedSeam};
use wildthing::store::journal::JournalEntry;
use wildthing::store::metadata::LeaseOwner;
use wildthing::store::outbox::OutboxEntry;
use wildthing::store::{Store, digest, journal, metadata, outbox, rows};
use wildthing::sync::execute::{Outward, execute};
use wildthing::sync::{Event, Planner, PlannerOptions, Step, SyncError, SyncReport};
use wildthing::transport::{Response, TransportError};

pub const SECOND: i64 = 1_000_000;
pub const DAY: i64 = 86_400 * SECOND;

/// A clock that is set by hand and ids that count up.
#[derive(Debug)]
pub struct Hand {
    now: AtomicI64,
    count: AtomicU64,
}

impl Hand {
    pub fn new(machine: u64) -> Arc<Self> {
        Arc::new(Self {
            now: AtomicI64::new(1_795_334_400 * SECOND),
            count: AtomicU64::new(machine << 32),
        })
    }

    pub fn turn(&self, micros: i64) {
        self.now.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Seam for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.now.load(Ordering::Relaxed))
    }

    fn random(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        bytes[2..].copy_from_slice(&self.count.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        bytes
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

pub struct Replica {
    pub store: Store,
    pub clock: Arc<Hand>,
}

pub fn replica(machine: u64) -> Replica {
    let clock = Hand::new(machine);
    Replica {
        store: v1_store(clock.clone()),
        clock,
    }
}

pub fn hub() -> HubStore {
    HubStore::in_memory(Hand::new(99)).unwrap()
}

pub fn lamp() -> Key {
    Key::new(Kind::Device, RecordId::new("lamp").unwrap())
}

pub fn key(kind: Kind, id: &str) -> Key {
    Key::new(kind, RecordId::new(id).unwrap())
}

impl Replica {
    /// Says what a record is called, and so creates, changes or undeletes it.
    pub fn name(&self, key: &Key, name: &str) -> Version {
        let made = self.store.edit(key, |current| {
            let mut version = current.cloned().unwrap_or_else(|| Version {
                key: key.clone(),
                parent_id: None,
                name: None,
                body: serde_json::Map::new(),
                created_at: None,
                updated_at: None,
                sync_id: String::new(),
                deleted: false,
            });
            version.name = Some(name.to_owned());
            version.deleted = false;
            version
        });
        made.unwrap().version
    }

    pub fn delete(&self, key: &Key) -> Version {
        self.store.delete(key).unwrap();
        self.get(key).version
    }

    pub fn get(&self, key: &Key) -> Record {
        self.store
            .read(|connection| rows::get(connection, key))
            .unwrap()
            .unwrap()
    }

    pub fn unsent(&self) -> Vec<OutboxEntry> {
        self.store.read(outbox::list).unwrap()
    }

    pub fn journal(&self) -> Vec<JournalEntry> {
        self.store
            .read(|connection| journal::list(connection, None, true))
            .unwrap()
    }

    pub fn lost(&self) -> Vec<String> {
        self.journal()
            .into_iter()
            .map(|entry| entry.version.sync_id)
            .collect()
    }

    pub fn watermark(&self) -> Option<Timestamp> {
        self.store.read(metadata::get).unwrap().last_sync_time
    }

    pub fn start(&self, process: &str) -> Run<'_> {
        Run {
            replica: self,
            owner: LeaseOwner {
                id: process.to_owned(),
                pid: None,
            },
            planner: Planner::new(PlannerOptions::default()),
            over: None,
        }
    }

    /// A whole sync without trouble.
    pub fn sync(&self, hub: &mut impl Door) -> SyncReport {
        self.start("main").finish(Event::Start, hub).unwrap()
    }
}

/// A replica that knows what its server speaks, and does not ask.
fn v1_store(clock: SharedSeam) -> Store {
    let store = Store::in_memory(clock).unwrap();
    store.choose_protocol(Protocol::V1, false).unwrap().unwrap();
    store
}

/// A message to the hub.
pub struct Ask {
    pub path: String,
    pub bytes: Vec<u8>,
}

/// One process's sync, halted at every message.
pub struct Run<'a> {
    replica: &'a Replica,
    owner: LeaseOwner,
    planner: Planner,
    pub over: Option<Result<SyncReport, SyncError>>,
}

impl Run<'_> {
    /// One storage step, or what is not for the store.
    pub fn step(&mut self, event: Event) -> Result<Event, Outward> {
        let step: Step = self.planner.next(event, self.replica.clock.now());
        execute(&self.replica.store, &self.owner, step)
    }

    /// Goes on until the next message or the end.
    pub fn go(&mut self, mut event: Event) -> Option<Ask> {
        loop {
            event = match self.step(event) {
                Ok(next) => next,
                Err(Outward::Request(ask)) => {
                    let bytes = serde_json::to_vec(&ask.body).unwrap();
                    let path = ask.path;
                    return Some(Ask { path, bytes });
                }
                Err(Outward::Wait(millis)) => {
                    self.replica.clock.turn(i64::try_from(millis).unwrap() * 1_000);
                    Event::Timer
                }
                Err(Outward::Over(result)) => {
                    self.over = Some(result);
                    return None;
                }
            }
        }
    }

    /// Goes on until the process is about to send a push.
    pub fn go_to_push<D: Door>(&mut self, hub: &mut D) -> Ask {
        let mut ask = self.go(Event::Start).unwrap();
        while !D::is_push(&ask) {
            ask = self.go(Event::Response(serve(hub, &ask))).unwrap();
        }
        ask
    }

    pub fn finish(mut self, event: Event, hub: &mut impl Door) -> Result<SyncReport, SyncError> {
        let mut ask = self.go(event);
        while let Some(message) = ask {
            ask = self.go(Event::Response(serve(hub, &message)));
        }
        self.over.unwrap()
    }
}

pub fn response(status: u16, body: &Value) -> Response {
    Response {
        status,
        body: serde_json::to_vec(body).unwrap(),
        retry_after: None,
    }
}

/// Where messages arrive.
pub trait Door {
    fn answer(&mut self, ask: &Ask) -> Response;
    fn is_push(ask: &Ask) -> bool;
}

impl Door for HubStore {
    fn answer(&mut self, ask: &Ask) -> Response {
        match ask.path.as_str() {
            REQUEST_PATH => {
                let request = SyncRequest::decode(&ask.bytes).unwrap();
                response(200, &self.delta(&request).unwrap().encode())
            }
            PUSH_PATH => {
                let (client_id, changes) = PushRequest::decode_frame(&ask.bytes).unwrap();
                response(200, &self.push(&client_id, changes).unwrap().encode())
            }
            ACK_PATH => response(200, &serde_json::json!({})),
            other => panic!("a request to {other}"),
        }
    }

    fn is_push(ask: &Ask) -> bool {
        ask.path == PUSH_PATH
    }
}

pub fn serve(hub: &mut impl Door, ask: &Ask) -> Response {
    hub.answer(ask)
}

pub fn broken_off() -> Event {
    Event::TransportFailed(TransportError::Interrupted {
        host: "hub".into(),
        problem: "reset".into(),
    })
}

pub fn current(hub: &HubStore, key: &Key) -> Version {
    let all = hub.versions().unwrap();
    all.into_iter()
        .map(|(version, _)| version)
        .find(|version| version.key == *key)
        .unwrap()
}

/// Until nothing moves: a round for what is unsent, a round for the answers.
pub fn settle_all(hub: &mut HubStore, replicas: &[&Replica]) {
    for _ in 0..3 {
        for replica in replicas {
            replica.clock.turn(400 * SECOND);
            replica.sync(hub);
        }
    }
    let expected = (
        hub.state_digest(&Kind::V1).unwrap(),
        hub.content_digest().unwrap(),
    );
    for replica in replicas {
        assert_eq!(replica.unsent(), [], "an outbox that does not empty");
        assert_eq!(
            replica.store.read(digest::shown).unwrap(),
            expected,
            "replicas differ"
        );
        let known = replica
            .store
            .read(|c| digest::server_known(c, &Kind::V1))
            .unwrap();
        assert_eq!(known, expected.0);
    }
}

/// Two replicas that know one lamp.
pub fn two_with_a_lamp() -> (HubStore, Replica, Replica) {
    let (mut hub, a, b) = (hub(), replica(1), replica(2));
    a.name(&lamp(), "lamp");
    a.sync(&mut hub);
    b.sync(&mut hub);
    a.clock.turn(10 * SECOND);
    b.clock.turn(10 * SECOND);
    (hub, a, b)
}
