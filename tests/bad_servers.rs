//! A client against servers that are broken, hostile, misconfigured or not
//! there. Whatever they answer: an error that names what was wrong, nothing of
//! it in the replica, and the next good answer goes through with every edit.
//!
//! How single messages are read is tested in `wire_v1`, how bytes travel in
//! `transport_http`; here is what an app notices.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "bad_servers/deltas.rs"]
mod deltas;
#[path = "bad_servers/gzip.rs"]
mod gzip;
#[path = "bad_servers/impatient.rs"]
mod impatient;
#[path = "bad_servers/pushes.rs"]
mod pushes;
#[path = "bad_servers/strangers.rs"]
mod strangers;
mod support;
#[path = "bad_servers/weather.rs"]
mod weather;

use std::path::PathBuf;
use std::sync::Arc;

use impatient::Impatient;
use rusqlite::types::ValueRef;
use serde_json::{Value, json};
use support::front::{Front, Trick};
use support::raw_http::Canned;
use wildthing::client::{ConnectOptions, OpenOptions, RoomPatch, WildThingClient, WildThingError};
use wildthing::hub::{Hub, HubOptions};
use wildthing::model::RecordId;

const TOKEN: &str = "open-sesame-1234567890";
/// The record that every test edits.
const ROOM: &str = "room-123";

/// A good hub, the server in front of it that can misbehave, and a client that
/// has synced once.
struct House {
    hub: Hub,
    front: Front,
    client: WildThingClient,
    seam: Arc<Impatient>,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl House {
    async fn synced() -> Self {
        let options = HubOptions {
            listen: "127.0.0.1:0".parse().unwrap(),
            db: None,
            auth_token: Some(TOKEN.into()),
            ..HubOptions::default()
        };
        let hub = Hub::start(options).await.unwrap();
        hub.store().lock().unwrap().load_sample(30).unwrap();
        let front = Front::of(hub.url());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("replica.db");
        let seam = Impatient::shared();
        let client = WildThingClient::open_on(&path, OpenOptions::default(), seam.clone())
            .await
            .unwrap();
        client
            .connect(front.url(), Some(TOKEN.into()), None)
            .await
            .unwrap();
        client.sync().await.unwrap();
        front.take_requests();
        Self {
            hub,
            front,
            client,
            seam,
            path,
            _folder: folder,
        }
    }

    async fn rename(&self, name: &str) {
        let patch = RoomPatch {
            name: Some(name.into()),
            ..RoomPatch::default()
        };
        self.client.update_room(id(ROOM), patch).await.unwrap();
    }

    async fn name(&self) -> String {
        self.client.get_room(id(ROOM)).await.unwrap().name
    }

    /// Signs a made-up delta as the hub that this replica belongs to.
    fn sign(&self, delta: &mut Value) {
        let store = self.hub.store();
        let store = store.lock().unwrap();
        delta["hub_id"] = store.hub_id().into();
        delta["epoch"] = store.epoch().into();
    }

    fn tables(&self, queries: &[&str]) -> Vec<String> {
        let file = wildthing::store::test_connection(&self.path).unwrap();
        let mut found = Vec::new();
        for query in queries {
            let mut statement = file.prepare(query).unwrap();
            let columns = statement.column_count();
            let mut rows = statement.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                let values: Vec<String> = (0..columns)
                    .map(|index| match row.get_ref(index).unwrap() {
                        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                        other => format!("{other:?}"),
                    })
                    .collect();
                found.push(values.join("|"));
            }
        }
        found
    }

    /// Everything of the replica that a sync might half apply.
    fn everything(&self) -> Vec<String> {
        self.tables(&[
            "SELECT * FROM records ORDER BY kind, id",
            "SELECT * FROM outbox ORDER BY kind, id",
            "SELECT * FROM outbox_sent ORDER BY kind, id, edit_seq",
            "SELECT * FROM mirror ORDER BY kind, id",
            "SELECT * FROM journal ORDER BY entry",
            "SELECT * FROM history ORDER BY entry",
            "SELECT * FROM watermarks ORDER BY kind",
            "SELECT client_id, last_sync_time, last_sync_success, total_syncs, total_conflicts, hub_id, epoch,
                    generation, change_seq, edit_seq, resync, resync_active, journal_pruned
             FROM sync_metadata",
        ])
    }

    /// What a push whose answer can't be used must leave as it was. The pull
    /// before it went through, and that it was sent is written down.
    fn unsettled(&self) -> Vec<String> {
        self.tables(&[
            "SELECT kind, id, body, name, updated_at, sync_id, deleted, sync_status FROM records ORDER BY kind, id",
            "SELECT kind, id, op, edit_seq, state, unnamed, server_errors, bases FROM outbox ORDER BY kind, id",
            "SELECT kind, id, sync_id, deleted, version FROM mirror ORDER BY kind, id",
            "SELECT * FROM journal ORDER BY entry",
            "SELECT * FROM history ORDER BY entry",
        ])
    }

    /// A sync that must fail so, with an edit waiting; gives the error's words.
    async fn fails(&self, what: &str, code: &str) -> String {
        let error = self.client.sync().await.expect_err(what);
        let words = error.to_string();
        assert_eq!(error.code(), code, "{what}: {words}");
        assert!(!format!("{error:?} {words}").contains(TOKEN), "{what}: {words}");
        let status = self.client.get_sync_status().await.unwrap();
        assert!(!status.sync_in_progress, "{what}");
        assert_eq!((status.pending, status.failed), (1, 0), "{what}");
        assert!(
            status.sync_failures > 0 && status.last_sync_error.is_some(),
            "{what}"
        );
        words
    }

    /// Lets the client meet `answers` to requests for a delta: the sync fails
    /// with `code` and `words`, changes nothing, and the next one goes through.
    async fn refuses(&self, what: &str, answers: &[Canned], code: &str, words: &str) {
        self.rename(what).await;
        let before = self.everything();
        for answer in answers {
            self.front.plan("/request", Trick::Say(answer.clone()));
        }
        let found = self.fails(what, code).await;
        assert!(found.contains(words), "{what}: {words:?} is not in {found:?}");
        assert!(self.front.is_through(), "{what}");
        same(&before, &self.everything(), what);
        self.recovers(what).await;
    }

    /// With the hub itself behind the address again, the sync goes through.
    async fn recovers(&self, what: &str) {
        self.front.behave();
        self.goes_through(what).await;
    }

    /// The next sync goes through whatever was planned, and the waiting edit is at the hub.
    async fn goes_through(&self, what: &str) {
        let result = self.client.sync().await.expect(what);
        assert_eq!((result.pushed, result.errors), (1, vec![]), "{what}");
        assert!(self.front.is_through(), "{what}");
        assert!(result.conflicts.is_empty(), "{what}: {:?}", result.conflicts);
        assert_eq!(self.name().await, what);
        assert!(self.client.pending_changes().await.unwrap().is_empty(), "{what}");
        let content = self.hub.store().lock().unwrap().content_digest().unwrap();
        assert_eq!(self.client.digests().await.unwrap().content, content, "{what}");
        let status = self.client.get_sync_status().await.unwrap();
        assert_eq!(
            (status.sync_failures, status.last_sync_error),
            (0, None),
            "{what}"
        );
        assert!(self.client.conflicts().await.unwrap().is_empty(), "{what}");
    }
}

/// Compares two looks at the tables, and prints only what differs.
fn same(before: &[String], after: &[String], what: &str) {
    let missing = |from: &[String], other: &[String]| -> Vec<String> {
        from.iter().filter(|row| !other.contains(row)).cloned().collect()
    };
    assert_eq!(missing(before, after), missing(after, before), "{what}");
    assert_eq!(before.len(), after.len(), "{what}");
}

/// A delta that renames the house and makes a room, from far in the future, so
/// that any part of it that was applied would show.
fn delta() -> Value {
    let change = |kind: &str, id: &str, data: Value| {
        json!({"entity_type": kind, "entity_id": id, "operation": "update", "data": data,
               "updated_at": "2099-01-01T00:00:00.000000", "sync_id": "ffffffff-0000-7000-8000-000000000000"})
    };
    json!({
        "type": "sync_delta", "server_time": "2099-01-01T00:00:00.000000", "conflicts": [], "more": false,
        "changes": [
            change("house", "house-1", json!({"name": "Applied by half"})),
            change("room", "room-new", json!({"name": "Loft", "house_id": "house-1", "floor": 1})),
        ],
    })
}

fn id(text: &str) -> RecordId {
    text.parse().unwrap()
}
