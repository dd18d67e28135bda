//! Houses for tests of what goes wrong: a hub of either protocol and replicas of it
//! as files, so that the same beginning can be copied for every fault; edits with
//! marks that can be found wherever they went; and what holds in any replica.
#![allow(dead_code, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use wildthing::client::{ConnectOptions, DevicePatch, OpenOptions, Room, RoomPatch, WildThingClient};
use wildthing::hub::v2::{GraphOptions, GraphStore};
use wildthing::hub::{Hub, HubOptions};
use wildthing::protocol::Protocol;
use wildthing::seam::{RealSeam, SharedSeam};
use wildthing::store::test_connection;

pub const TOKEN: &str = "open-sesame";

/// How large the house is.
const ENTITIES: usize = 100;

/// A running hub over a file.
pub enum AnyHub {
    V1(Hub),
    V2(Hub<GraphStore>),
}

impl AnyHub {
    /// The hub of a folder; its database is made if it is not there.
    pub async fn start(protocol: Protocol, folder: &Path) -> Self {
        Self::start_on(protocol, folder, RealSeam::shared()).await
    }

    /// The same with another clock.
    pub async fn start_on(protocol: Protocol, folder: &Path, seam: SharedSeam) -> Self {
        let listen = "127.0.0.1:0".parse().unwrap();
        let db = Some(hub_db(folder));
        let auth_token = Some(TOKEN.into());
        match protocol {
            Protocol::V2 => {
                let options = GraphOptions {
                    listen,
                    db,
                    auth_token,
                    ..GraphOptions::default()
                };
                AnyHub::V2(Hub::start_v2_with_seam(options, seam).await.unwrap())
            }
            _ => {
                let options = HubOptions {
                    listen,
                    db,
                    auth_token,
                    ..HubOptions::default()
                };
                AnyHub::V1(Hub::start_with_seam(options, seam).await.unwrap())
            }
        }
    }

    pub fn load_sample(&self) {
        match self {
            AnyHub::V1(hub) => hub.store().lock().unwrap().load_sample(ENTITIES).map(drop),
            AnyHub::V2(hub) => hub.store().lock().unwrap().load_sample(ENTITIES).map(drop),
        }
        .unwrap();
    }

    pub fn url(&self) -> String {
        match self {
            AnyHub::V1(hub) => hub.url(),
            AnyHub::V2(hub) => hub.url(),
        }
    }

    /// Whether a replica has what the hub has.
    pub async fn agrees(&self, client: &WildThingClient) -> bool {
        let digests = client.digests().await.unwrap();
        match self {
            AnyHub::V1(hub) => digests.content == hub.store().lock().unwrap().content_digest().unwrap(),
            AnyHub::V2(hub) => digests.state == hub.store().lock().unwrap().state_digest().unwrap(),
        }
    }

    pub async fn shutdown(self) {
        match self {
            AnyHub::V1(hub) => hub.shutdown().await,
            AnyHub::V2(hub) => hub.shutdown().await,
        }
        .unwrap();
    }
}

pub fn hub_db(folder: &Path) -> PathBuf {
    folder.join("hub.db")
}

pub async fn connect(client: &WildThingClient, url: &str, options: Option<ConnectOptions>) {
    client
        .connect(url.to_owned(), Some(TOKEN.into()), options)
        .await
        .unwrap();
}

/// A client of the house that nothing goes wrong for.
pub async fn client(path: &Path, url: &str) -> WildThingClient {
    let client = WildThingClient::open(path, OpenOptions::default()).await.unwrap();
    connect(&client, url, None).await;
    client
}

/// What this replica's user did meanwhile; the last edit loses against
/// [`edits_there`]. Gives the marks of all.
pub async fn edits_here(client: &WildThingClient) -> Vec<String> {
    let devices = client.get_devices(None).await.unwrap();
    let rooms = client.get_rooms(None).await.unwrap();
    let mut marks = Vec::new();
    for (number, device) in devices.iter().take(3).enumerate() {
        let mark = format!("mark-b{number}");
        let patch = DevicePatch {
            name: Some(mark.clone()),
            ..DevicePatch::default()
        };
        client.update_device(device.id.clone(), patch).await.unwrap();
        marks.push(mark);
    }
    rename(client, &rooms[0], LOSER).await;
    marks.push(LOSER.to_owned());
    marks
}

/// The mark of the edit that loses.
pub const LOSER: &str = "mark-b3";

async fn rename(client: &WildThingClient, room: &Room, name: &str) {
    let patch = RoomPatch {
        name: Some(name.to_owned()),
        ..RoomPatch::default()
    };
    client.update_room(room.id.clone(), patch).await.unwrap();
}

/// What another client of the house did after that: a room renamed, and if asked
/// for another one too and a device deleted.
pub async fn edits_there(path: &Path, url: &str, many: bool) {
    let there = client(path, url).await;
    there.sync().await.unwrap();
    let rooms = there.get_rooms(None).await.unwrap();
    rename(&there, &rooms[0], "theirs").await;
    if many {
        rename(&there, &rooms[1], "theirs too").await;
        let devices = there.get_devices(None).await.unwrap();
        there.delete_device(devices[0].id.clone()).await.unwrap();
    }
    there.sync().await.unwrap();
    there.shutdown().await;
}

/// Marks in records, in the journal and in the history of a replica.
pub fn marks(replica: &Path) -> BTreeSet<String> {
    let connection = test_connection(replica).unwrap();
    let mut statement = connection
        .prepare(
            "SELECT coalesce(name, '') || ' ' || body FROM records UNION ALL SELECT version FROM journal
             UNION ALL SELECT version FROM history",
        )
        .unwrap();
    let texts = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    texts
        .flat_map(|text| {
            let text = text.unwrap();
            text.match_indices("mark-")
                .map(|(at, _)| text[at..at + LOSER.len()].to_owned())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The file is whole, and so was every transaction.
pub fn assert_sound(replica: &Path, what: &str) {
    let connection = test_connection(replica).unwrap();
    let check: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok", "{what}");
    for (broken, sql) in [
        (
            "a pending record is not in the outbox",
            "SELECT count(*) FROM records AS r WHERE sync_status = 'pending' AND NOT EXISTS
                 (SELECT 1 FROM outbox AS o WHERE o.kind = r.kind AND o.id = r.id)",
        ),
        (
            "the outbox names a record that is not there or is clean",
            "SELECT count(*) FROM outbox AS o WHERE NOT EXISTS
                 (SELECT 1 FROM records AS r WHERE o.kind = r.kind AND o.id = r.id AND r.sync_status <> 'synced')",
        ),
    ] {
        let count: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(count, 0, "{what}: {broken}");
    }
}

/// Syncs with nothing in the way go through; then replica and hub are alike, nothing
/// waits, and every mark that was in the replica still is.
pub async fn assert_converges(replica: &Path, hub: &AnyHub, what: &str) {
    let before = marks(replica);
    let here = client(replica, &hub.url()).await;
    for _ in 0..2 {
        let synced = here.sync().await;
        synced.unwrap_or_else(|error| panic!("{what}: no sync any more: {error:?}"));
    }
    assert!(hub.agrees(&here).await, "{what}: the digests differ");
    let waiting = here.pending_changes().await.unwrap();
    assert!(waiting.is_empty(), "{what}: {waiting:?}");
    here.shutdown().await;
    let after = marks(replica);
    let gone: Vec<&String> = before.difference(&after).collect();
    assert!(gone.is_empty(), "{what}: gone in a sync: {gone:?}");
}
