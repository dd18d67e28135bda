//! The workbench of the graph's schedules: a v2 hub with a clock of its own, and
//! replicas of it. The rest is the one that v1's schedules have.

use std::sync::Arc;

use serde_json::{Value, json};

use wildthing::hub::v2::GraphStore;
use wildthing::protocol::Protocol;
use wildthing::protocol::v2::{Entity, GRAPH_PATH, SYNC_PATH, SyncRequest, SyncResponse};
use wildthing::store::{Store, digest};
use wildthing::transport::Response;

use crate::plain::{Ask, Door, Hand, Replica, SECOND, lamp, response};
use crate::unescaped::unescaped;

/// A v2 hub, its clock, and how many changes it has served.
pub struct GraphHub {
    pub store: GraphStore,
    pub clock: Arc<Hand>,
    pub served: usize,
}

pub fn hub() -> GraphHub {
    let clock = Hand::new(99);
    GraphHub {
        store: GraphStore::in_memory(clock.clone()).unwrap(),
        clock,
        served: 0,
    }
}

impl GraphHub {
    /// A message of somebody, as bytes.
    pub fn sync(&mut self, bytes: &[u8]) -> SyncResponse {
        let told = self.store.sync(SyncRequest::decode(bytes).unwrap()).unwrap();
        self.served += told.changes.len();
        told
    }

    pub fn current(&self, id: &str) -> Entity {
        self.store.entity(id, None).unwrap().entity.item
    }
}

impl Door for GraphHub {
    fn answer(&mut self, ask: &Ask) -> Response {
        let (path, query) = ask.path.split_once('?').unwrap_or((&ask.path, ""));
        if path == SYNC_PATH {
            return response(200, &self.sync(&ask.bytes).encode());
        }
        let rest = path.strip_prefix(GRAPH_PATH).unwrap();
        if rest == "/relationships" {
            return response(200, &self.store.relationships(None, None, None).unwrap().encode());
        }
        let entity = rest.strip_prefix("/entities/").unwrap();
        let found = match entity.strip_suffix("/versions") {
            Some(id) => self.store.entity_versions(&unescaped(id)).map(|it| it.encode()),
            None => {
                let version = query.strip_prefix("version=").map(unescaped);
                let found = self.store.entity(&unescaped(entity), version.as_deref());
                found.map(|it| it.encode())
            }
        };
        match found {
            Ok(found) => response(200, &found),
            Err(_) => response(404, &json!({"detail": "Entity not found"})),
        }
    }

    fn is_push(ask: &Ask) -> bool {
        ask.path == SYNC_PATH && ask.bytes.windows(12).any(|part| part == b"change_type\"")
    }
}

pub fn replica(machine: u64) -> Replica {
    let clock = Hand::new(machine);
    let store = Store::in_memory(clock.clone()).unwrap();
    store.choose_protocol(Protocol::V2, false).unwrap().unwrap();
    Replica { store, clock }
}

/// Two replicas that know one lamp.
pub fn two_with_a_lamp() -> (GraphHub, Replica, Replica) {
    let (mut hub, a, b) = (hub(), replica(1), replica(2));
    a.name(&lamp(), "lamp");
    a.sync(&mut hub);
    b.sync(&mut hub);
    pass(&hub, &[&a, &b], 100);
    (hub, a, b)
}

/// Time passes, everywhere.
pub fn pass(hub: &GraphHub, replicas: &[&Replica], seconds: i64) {
    hub.clock.turn(seconds * SECOND);
    for replica in replicas {
        replica.clock.turn(seconds * SECOND);
    }
}

/// The versions that a pushed message names as an entity's parents.
pub fn parents(push: &Ask) -> Vec<Value> {
    let sent: Value = serde_json::from_slice(&push.bytes).unwrap();
    let changes = sent["changes"].as_array().unwrap();
    changes
        .iter()
        .map(|change| change["entity"]["parent_versions"].clone())
        .collect()
}

/// Until nothing moves: a round for what is unsent, a round for the answers.
pub fn settle_all(hub: &mut GraphHub, replicas: &[&Replica]) {
    for _ in 0..3 {
        for replica in replicas {
            replica.clock.turn(400 * SECOND);
            replica.sync(hub);
        }
    }
    for replica in replicas {
        assert_eq!(replica.unsent(), [], "an outbox that does not empty");
        assert_eq!(
            replica.store.read(digest::graph_known).unwrap(),
            hub.store.state_digest().unwrap(),
            "replicas differ"
        );
    }
}
