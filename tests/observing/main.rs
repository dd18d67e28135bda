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
    ChangeBatch, ChangeEvent, ChangeObserver, Durability, Events, House, HousePatch, NewHouse, NewRoom,
    Observed, ObserverError, OpenOptions, WildThingClient,
};
use wildthing::hub::{Hub, HubOptions};
use wildthing::model::RecordId;

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
        ..HubOptions::default()
    };
    Hub::start(options).await.unwrap()
}

async fn sample_hub(records: usize) -> Hub {
    let hub = hub_at(None, "127.0.0.1:0").await;
    hub.store().lock().unwrap().load_sample(records).unwrap();
    hub
}

fn options() -> OpenOptions {
    OpenOptions {
        durability: Some(Durability::Fast),
        ..OpenOptions::default()
    }
}

/// A replica without a server.
async fn offline(folder: &tempfile::TempDir) -> WildThingClient {
    let path = folder.path().join("home.db");
    WildThingClient::open(path, options()).await.unwrap()
}

async fn client(folder: &tempfile::TempDir, name: &str, hub: &Hub) -> WildThingClient {
    let client = WildThingClient::open(folder.path().join(name), options())
        .await
        .unwrap();
    connect(&client, hub, TOKEN).await;
    client
}

async fn connect(client: &WildThingClient, hub: &Hub, token: &str) {
    client.connect(hub.url(), Some(token.into()), None).await.unwrap();
}

async fn make_house(client: &WildThingClient, name: &str) -> RecordId {
    let house = NewHouse {
        name: name.into(),
        ..NewHouse::default()
    };
    client.create_house(house).await.unwrap().id
}

async fn make_room(client: &WildThingClient, house_id: &RecordId, name: &str) {
    let room = NewRoom::new(house_id.clone(), name);
    client.create_room(room).await.unwrap();
}

async fn rename_house(client: &WildThingClient, id: &RecordId, name: &str) {
    let patch = HousePatch {
        name: Some(name.into()),
        ..HousePatch::default()
    };
    client.update_house(id.clone(), patch).await.unwrap();
}

fn names(houses: &[House]) -> Vec<&str> {
    houses.iter().map(|house| house.name.as_str()).collect()
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
