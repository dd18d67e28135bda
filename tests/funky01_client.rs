//! The whole client against FunkyGibbon 0.1, as it was observed: nobody runs
//! that server today, but what it can do must work and what it can't must not
//! cost an edit. The stub's own faults are tested in `funky01_stub`.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "funky01_client/crossing.rs"]
mod crossing;
#[path = "bad_servers/impatient.rs"]
mod impatient;
#[path = "funky01_client/lost_answers.rs"]
mod lost_answers;
#[path = "funky01_client/pulling.rs"]
mod pulling;
#[path = "funky01_client/pushing.rs"]
mod pushing;
mod support;

use std::path::PathBuf;
use std::sync::Arc;

use impatient::Impatient;
use serde_json::{Value, json};
use support::funky01::Funky01;
use wildthing::client::{
    DevicePatch, HousePatch, OpenOptions, RoomPatch, SyncResult, UserPatch, WildThingClient,
};
use wildthing::model::{JsonObject, Kind, RecordId, RecordStatus};

/// A client, its file and its clock.
struct Opened {
    client: WildThingClient,
    path: PathBuf,
    seam: Arc<Impatient>,
    _folder: tempfile::TempDir,
}

impl Opened {
    async fn at(url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("replica.db");
        let seam = Impatient::shared();
        let client = WildThingClient::open_on(&path, OpenOptions::default(), seam.clone())
            .await
            .unwrap();
        client
            .connect(url.into(), Some("nobody-asks".into()), None)
            .await
            .unwrap();
        Self {
            client,
            path,
            seam,
            _folder: folder,
        }
    }

    async fn sync(&self) -> SyncResult {
        self.client.sync().await.unwrap()
    }

    /// (queued, failed).
    async fn unsent(&self) -> (u64, u64) {
        let status = self.client.get_sync_status().await.unwrap();
        (status.pending, status.failed)
    }

    /// The kinds that have a watermark.
    fn watermarks(&self) -> Vec<String> {
        let file = rusqlite::Connection::open(&self.path).unwrap();
        let mut statement = file
            .prepare("SELECT kind FROM watermarks WHERE server_time IS NOT NULL ORDER BY kind")
            .unwrap();
        let kinds = statement.query_map([], |row| row.get(0)).unwrap();
        kinds.map(Result::unwrap).collect()
    }
}

/// A server with a house, a room, a device and a user, edited long ago.
fn server() -> Funky01 {
    let server = Funky01::start();
    let long_ago = "2026-01-02T03:04:05.000006";
    for (kind, mut row) in [
        ("house", json!({"id": "house-1", "name": "Cabin"})),
        (
            "room",
            json!({"id": "room-1", "house_id": "house-1", "house_name": "Cabin", "name": "Hall"}),
        ),
        (
            "device",
            json!({"id": "device-1", "house_id": "house-1", "room_id": "room-1", "house_name": "Cabin",
                   "room_name": "Hall", "name": "Lamp", "device_type": "light",
                   "state_json": "{\"power\":\"off\"}"}),
        ),
        (
            "user",
            json!({"id": "user-1", "house_id": "house-1", "name": "Ada", "email": "ada@example.org"}),
        ),
    ] {
        row["created_at"] = long_ago.into();
        row["updated_at"] = long_ago.into();
        server.put_row(kind, row);
    }
    server
}

fn object(value: Value) -> JsonObject {
    value.as_object().unwrap().clone()
}

fn id(text: &str) -> RecordId {
    text.parse().unwrap()
}

/// Gives a record of any kind another name.
async fn rename(by: &Opened, kind: &str, record: &str, name: &str) {
    let (client, record, name) = (&by.client, id(record), Some(name.to_owned()));
    let renamed = match kind {
        "house" => {
            let patch = HousePatch {
                name,
                ..HousePatch::default()
            };
            client.update_house(record, patch).await.map(drop)
        }
        "room" => {
            let patch = RoomPatch {
                name,
                ..RoomPatch::default()
            };
            client.update_room(record, patch).await.map(drop)
        }
        "device" => {
            let patch = DevicePatch {
                name,
                ..DevicePatch::default()
            };
            client.update_device(record, patch).await.map(drop)
        }
        _ => {
            let patch = UserPatch {
                name,
                ..UserPatch::default()
            };
            client.update_user(record, patch).await.map(drop)
        }
    };
    renamed.unwrap();
}

/// Codes of the problems by kind and id.
fn problems(result: &SyncResult) -> Vec<(&str, Option<&str>, &str)> {
    let errors = result.errors.iter();
    errors
        .map(|problem| {
            (
                problem.kind.as_str(),
                problem.id.as_ref().map(RecordId::as_str),
                problem.code.as_str(),
            )
        })
        .collect()
}

/// What this server says in every sync: it can't list states and events.
const UNLISTED: [(&str, Option<&str>, &str); 2] = [
    ("entity_state", None, "server_error"),
    ("event", None, "server_error"),
];

/// The problems that are about records.
fn of_records(result: &SyncResult) -> Vec<(&str, Option<&str>, &str)> {
    let mut found = problems(result);
    found.retain(|problem| !UNLISTED.contains(problem));
    found
}

/// The changes of every push so far, in order.
fn pushed(server: &Funky01) -> Vec<Value> {
    let requests = server.requests();
    let pushes = requests.iter().filter(|(path, _)| path.ends_with("/push"));
    pushes
        .flat_map(|(_, body)| body["changes"].as_array().unwrap().clone())
        .collect()
}
