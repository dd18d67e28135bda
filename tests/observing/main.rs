//! Hearing of changes through the public API: streams, observers that behave
//! and that don't, live queries, the connection, and waiting for the server.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod connection;
mod live;
mod observers;
mod order;
mod others;
mod waiting;

use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use wildthing::client::{
    ChangeBatch, ChangeEvent, ChangeObserver, ConnectOptions, Durability, Events, NewHouse, NewRoom,
    Observed, ObserverError, OpenOptions, WildThingClient,
};
use wildthing::hub::{Hub, HubOptions};

const TOKEN: &str = "open-sesame";

/// Guards against a hang; nothing is timed by it.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), work)
        .await
        .expect("this hangs")
}

async fn hub_at(db: Option<&Path>, listen: &str) -> Hub {
    let options = HubOptions {
        listen: listen.parse().unwrap(),
        db: db.map(Path::to_path_buf),
        auth_token: Some(TOKEN.into()),
    };
    Hub::start(options).await.unwrap()
}

async fn sample_hub(records: usize) -> Hub {
    let hub = hub_at(None, "127.0.0.1:0").await;
    hub.store().lock().unwrap().load_sample(records).unwrap();
    hub
}

fn options(folder: &tempfile::TempDir, name: &str) -> OpenOptions {
    OpenOptions {
        durability: Durability::Fast,
        ..OpenOptions::new(folder.path().join(name))
    }
}

/// A replica without a server.
async fn offline(folder: &tempfile::TempDir) -> WildThingClient {
    WildThingClient::open(options(folder, "home.db")).await.unwrap()
}

async fn client(folder: &tempfile::TempDir, name: &str, hub: &Hub) -> WildThingClient {
    let client = WildThingClient::open(options(folder, name)).await.unwrap();
    client.connect(to(hub)).await.unwrap();
    client
}

fn to(hub: &Hub) -> ConnectOptions {
    ConnectOptions::new(hub.url(), Some(TOKEN.into()))
}

async fn make_house(client: &WildThingClient, name: &str) -> String {
    let house = NewHouse {
        name: name.into(),
        ..NewHouse::default()
    };
    let made = client.create_house(house).await.unwrap();
    made["id"].as_str().unwrap().to_owned()
}

async fn make_room(client: &WildThingClient, house_id: &str, name: &str) {
    let room = NewRoom {
        house_id: house_id.into(),
        name: name.into(),
        ..NewRoom::default()
    };
    client.create_room(room).await.unwrap();
}

async fn rename_house(client: &WildThingClient, id: &str, name: &str) {
    let patch = serde_json::json!({ "name": name }).as_object().unwrap().clone();
    client.update_house(id.into(), patch).await.unwrap();
}

fn names(records: &[wildthing::client::RecordObject]) -> Vec<String> {
    let name = |record: &wildthing::client::RecordObject| record["name"].as_str().unwrap().to_owned();
    records.iter().map(name).collect()
}

/// The name that an event about a record tells.
fn name_of(event: &ChangeEvent) -> &str {
    match event {
        ChangeEvent::Created { name, .. } | ChangeEvent::Updated { name, .. } => name.as_deref().unwrap(),
        other => panic!("{other:?}"),
    }
}

async fn next(changes: &mut Events) -> ChangeEvent {
    match soon(changes.next()).await {
        Some(Observed::Change(event)) => event,
        other => panic!("{other:?}"),
    }
}

/// The next event of this word.
async fn hear(changes: &mut Events, word: &str) -> ChangeEvent {
    loop {
        let event = next(changes).await;
        if event.word() == word {
            return event;
        }
    }
}

/// Hands on what it hears.
struct Recorder(mpsc::UnboundedSender<ChangeBatch>);

fn recorder() -> (Arc<Recorder>, mpsc::UnboundedReceiver<ChangeBatch>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Arc::new(Recorder(sender)), receiver)
}

impl ChangeObserver for Recorder {
    fn on_changes(&self, batch: ChangeBatch) -> Result<(), ObserverError> {
        self.0.send(batch).map_err(|error| ObserverError::Failed {
            reason: error.to_string(),
        })
    }
}

/// Does what it is told.
struct Doing<F>(Mutex<F>);

fn doing<F>(what: F) -> Arc<Doing<F>>
where
    F: FnMut(ChangeBatch) -> Result<(), ObserverError> + Send,
{
    Arc::new(Doing(Mutex::new(what)))
}

impl<F> ChangeObserver for Doing<F>
where
    F: FnMut(ChangeBatch) -> Result<(), ObserverError> + Send,
{
    fn on_changes(&self, batch: ChangeBatch) -> Result<(), ObserverError> {
        (self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))(batch)
    }
}

/// Waits for a future on a thread that has no runtime, as an observer would.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(soon(work))
}
