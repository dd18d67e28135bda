//! Clients against a hub that speaks v2, over a real socket: what somebody whose
//! house runs FunkyGibbon 0.3 would notice. The same calls as against v1.
#![cfg(feature = "testing")]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod hub2_support;
mod hub_support;

#[path = "graph_sync/faults.rs"]
mod faults;
#[path = "graph_sync/moving.rs"]
mod moving;
#[path = "graph_sync/recorded.rs"]
mod recorded;
mod support;
#[path = "graph_sync/traps.rs"]
mod traps;

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use wildthing::client::{OpenOptions, WildThingClient};
use wildthing::hub::Hub;
use wildthing::hub::v2::{GraphOptions, GraphStore};
use wildthing::model::RecordId;

use hub2_support::TOKEN;

pub type GraphHub = Hub<GraphStore>;

/// A hub on the real clock, empty.
pub async fn hub() -> GraphHub {
    let options = GraphOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        auth_token: Some(TOKEN.into()),
        ..GraphOptions::default()
    };
    Hub::start_v2(options).await.unwrap()
}

pub fn recording(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The same with the recorded house in it.
pub async fn recorded_hub() -> GraphHub {
    let hub = hub().await;
    {
        let store = hub.store();
        let mut store = store.lock().unwrap();
        store.import(&recording("v2-full-sync.json")).unwrap();
        store.import(&recording("v2-relationships.json")).unwrap();
    }
    hub
}

pub async fn offline(folder: &tempfile::TempDir, name: &str) -> WildThingClient {
    let path = folder.path().join(name);
    WildThingClient::open(path, OpenOptions::default()).await.unwrap()
}

/// A client that asks the server what it speaks.
pub async fn client(folder: &tempfile::TempDir, name: &str, hub: &GraphHub) -> WildThingClient {
    let client = offline(folder, name).await;
    client.connect(hub.url(), Some(TOKEN.into()), None).await.unwrap();
    client
}

pub fn id(text: &str) -> RecordId {
    text.parse().unwrap()
}

/// The digest of the specification, by itself: over (id, version) in order of ids.
pub fn digest<'a>(entities: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut sorted: Vec<(&str, &str)> = entities.into_iter().collect();
    sorted.sort_unstable();
    let mut hash = Sha256::new();
    for (id, version) in sorted {
        hash.update(format!("{id}\u{1f}{version}\u{1e}"));
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The state digest of a hub, over its listing and by itself, which have to agree.
pub fn hub_digest(hub: &GraphHub) -> String {
    let pulled = hub2_support::pull_all(hub.addr());
    let text = |value: &'static str| {
        move |change: &serde_json::Value| change["entity"][value].as_str().unwrap().to_owned()
    };
    let (ids, versions): (Vec<String>, Vec<String>) = pulled
        .iter()
        .map(|change| (text("id")(change), text("version")(change)))
        .unzip();
    let ours = digest(
        ids.iter()
            .map(String::as_str)
            .zip(versions.iter().map(String::as_str)),
    );
    let store: Arc<std::sync::Mutex<GraphStore>> = hub.store();
    assert_eq!(store.lock().unwrap().state_digest().unwrap(), ours);
    ours
}

/// Everybody syncs a few times, and then knows the same.
pub async fn agree(hub: &GraphHub, clients: &[&WildThingClient]) {
    for _ in 0..3 {
        for client in clients {
            client.sync().await.unwrap();
        }
    }
    let theirs = hub_digest(hub);
    let first = clients[0].digests().await.unwrap().content;
    for client in clients {
        let digests = client.digests().await.unwrap();
        assert_eq!(digests.state, theirs);
        assert_eq!(digests.content, first);
    }
}
