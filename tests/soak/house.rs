//! A hub, the client of an app, and a neighbour's client that quarrels with it.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::RwLock;
use wildthing::client::{NewDevice, NewHouse, NewRoom, OpenOptions, Result, WildThingClient};
use wildthing::model::RecordId;
use wildthing::protocol::Protocol;

use crate::cli_support::{Running, Shell, TOKEN};

/// Entities in the hub's sample house.
const SAMPLE: &str = "200";
/// Devices that both clients edit.
const COMMONS: usize = 6;
/// Longer than anything takes, on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// A house and whoever is in it.
pub(crate) struct House {
    pub(crate) protocol: Protocol,
    /// The app's client. Who pauses, closes or replaces it holds this for writing:
    /// calls that come meanwhile wait, those under way find it paused or ended.
    pub(crate) client: RwLock<WildThingClient>,
    /// Another client with a replica of its own.
    pub(crate) neighbour: WildThingClient,
    /// The house that the workers' rooms are in.
    pub(crate) id: RecordId,
    pub(crate) commons: Vec<RecordId>,
    folder: tempfile::TempDir,
    /// What it prints is for one thread; here nobody reads it.
    hub: Mutex<Running>,
    hub_shell: Shell,
    url: String,
}

impl House {
    pub(crate) async fn new(protocol: Protocol) -> Self {
        let hub_shell = Shell::new();
        let hub = hub_shell.start(&[
            "serve",
            "--protocol",
            protocol.as_str(),
            "--sample",
            SAMPLE,
            "--listen",
            "127.0.0.1:0",
            "--db",
            "hub.db",
            "--auth-token",
            TOKEN,
        ]);
        let line = hub.line_where(|line| line.starts_with("listening on "));
        let url = line.trim_start_matches("listening on ").to_owned();
        let folder = tempfile::tempdir().unwrap();
        let client = connected(folder.path().join("home.db"), &url).await.unwrap();
        client.sync().await.unwrap();
        let house = NewHouse {
            name: "Soak".into(),
            ..NewHouse::default()
        };
        let id = client.create_house(house).await.unwrap().id;
        let room = client
            .create_room(NewRoom::new(id.clone(), "Commons"))
            .await
            .unwrap();
        let mut commons = Vec::new();
        for number in 0..COMMONS {
            let device = NewDevice::new(room.id.clone(), format!("Common {number}"));
            commons.push(client.create_device(device).await.unwrap().id);
        }
        client.sync().await.unwrap();
        let neighbour = connected(folder.path().join("neighbour.db"), &url).await.unwrap();
        neighbour.sync().await.unwrap();
        Self {
            protocol,
            client: RwLock::new(client),
            neighbour,
            id,
            commons,
            folder,
            hub: Mutex::new(hub),
            hub_shell,
            url,
        }
    }

    /// The client as it is now.
    pub(crate) async fn client(&self) -> WildThingClient {
        self.client.read().await.clone()
    }

    /// Another client on the app's own replica.
    pub(crate) async fn open(&self) -> Result<WildThingClient> {
        connected(self.database(), &self.url).await
    }

    /// A client with a replica that nobody had before, as `name`.
    pub(crate) async fn fresh(&self, name: &str) -> Result<WildThingClient> {
        connected(self.folder.path().join(name), &self.url).await
    }

    /// Forgets such a replica.
    pub(crate) fn forget(&self, name: &str) {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(self.folder.path().join(format!("{name}{suffix}")));
        }
    }

    /// Connects the client to the hub again.
    pub(crate) async fn connect(&self, client: &WildThingClient) -> Result<()> {
        client.connect(self.url.clone(), Some(TOKEN.into()), None).await
    }

    /// Sends everything and empties both replicas, so that they stay of one size: what
    /// was deleted leaves tombstones, and what was dismissed stays in the journal. The
    /// sync after it brings the house back.
    pub(crate) async fn start_over(&self) {
        for client in [&self.client().await, &self.neighbour] {
            client.stop_background_sync().await;
            client.retry_failed(None, None).await.unwrap();
            client.wait_until_synced(PATIENCE).await.unwrap();
            assert_eq!(client.pending_changes().await.unwrap(), []);
            client.reset(true).await.unwrap();
            client.sync().await.unwrap();
        }
    }

    /// Closes the files of both clients, until [`House::resume`].
    pub(crate) async fn pause(&self) {
        for client in [&self.client().await, &self.neighbour] {
            client.pause().await.unwrap();
        }
    }

    pub(crate) async fn resume(&self) {
        for client in [&self.client().await, &self.neighbour] {
            client.resume().await.unwrap();
        }
    }

    /// The app's replica.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("home.db")
    }

    /// The neighbour's.
    pub(crate) fn neighbours_database(&self) -> PathBuf {
        self.folder.path().join("neighbour.db")
    }

    /// The hub's.
    pub(crate) fn hubs_database(&self) -> PathBuf {
        self.hub_shell.path("hub.db")
    }

    /// The hub's process.
    pub(crate) fn hubs_process(&self) -> u32 {
        self.hub.lock().unwrap().id()
    }
}

async fn connected(path: PathBuf, url: &str) -> Result<WildThingClient> {
    let client = WildThingClient::open(path, OpenOptions::default()).await?;
    client.connect(url.to_owned(), Some(TOKEN.into()), None).await?;
    Ok(client)
}
