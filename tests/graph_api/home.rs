//! A client on a replica of its own, the recorded house put into it by hand, and
//! looks at what is stored.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};
use serde_json::Value;
use wildthing::client::{
    ConnectOptions, Entity, NewEntity, NewHouse, NewRoom, OpenOptions, Relationship, WildThingClient,
    WildThingError,
};
use wildthing::model::{JsonObject, RecordId};
use wildthing::protocol::Protocol;

/// A port on which nobody listens.
const NOBODY: &str = "http://127.0.0.1:9";

pub(crate) struct Home {
    pub(crate) client: WildThingClient,
    folder: tempfile::TempDir,
}

impl Home {
    /// A replica that was told what its server speaks.
    pub(crate) async fn speaking(protocol: Protocol) -> Self {
        let home = Self::offline().await;
        let options = ConnectOptions {
            protocol: Some(protocol),
            ..ConnectOptions::default()
        };
        home.client
            .connect(NOBODY.into(), None, Some(options))
            .await
            .unwrap();
        home
    }

    /// A replica of a graph.
    pub(crate) async fn new() -> Self {
        Self::speaking(Protocol::V2).await
    }

    /// A replica that knows of no server.
    pub(crate) async fn offline() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("home.db");
        let client = WildThingClient::open(path, OpenOptions::default()).await.unwrap();
        Self { client, folder }
    }

    /// With a house and a room, by their ids.
    pub(crate) async fn furnished() -> (Self, RecordId, RecordId) {
        let home = Self::new().await;
        let house = NewHouse {
            name: "Cabin".into(),
            ..NewHouse::default()
        };
        let house = home.client.create_house(house).await.unwrap().id;
        let room = NewRoom::new(house.clone(), "Hall");
        let room = home.client.create_room(room).await.unwrap().id;
        (home, house, room)
    }

    pub(crate) async fn make(&self, entity_type: &str, name: &str, content: Value) -> Entity {
        let entity = NewEntity {
            content: Some(object(content)),
            ..NewEntity::new(entity_type, name)
        };
        self.client.create_entity(entity).await.unwrap()
    }

    pub(crate) async fn join(&self, from: &RecordId, to: &RecordId, relationship_type: &str) -> Relationship {
        let joined = self
            .client
            .connect_entities(from.clone(), to.clone(), relationship_type.into(), None);
        joined.await.unwrap()
    }

    /// The recorded house, made anew; its ids by the recorded ones.
    pub(crate) async fn with_the_recorded_house(&self) -> BTreeMap<String, RecordId> {
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let entities = read(include_str!("../data/v2-full-sync.json"));
        let edges = read(include_str!("../data/v2-relationships.json"));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut ids = BTreeMap::new();
        for change in entities["changes"].as_array().unwrap() {
            let entity = &change["entity"];
            let made = self
                .make(
                    &text(&entity["entity_type"]),
                    &text(&entity["name"]),
                    entity["content"].clone(),
                )
                .await;
            ids.insert(text(&entity["id"]), made.id);
        }
        for edge in edges["relationships"].as_array().unwrap() {
            let (from, to) = (
                &ids[&text(&edge["from_entity_id"])],
                &ids[&text(&edge["to_entity_id"])],
            );
            self.join(from, to, &text(&edge["relationship_type"])).await;
        }
        ids
    }

    pub(crate) fn database(&self) -> Connection {
        Connection::open(self.folder.path().join("home.db")).unwrap()
    }

    /// As if a server had everything.
    pub(crate) fn all_is_sent(&self) {
        let sent = "DELETE FROM outbox; UPDATE records SET sync_status = 'synced'";
        self.database().execute_batch(sent).unwrap();
    }

    /// What is stored of a record.
    pub(crate) fn stored(&self, id: &RecordId) -> Option<Value> {
        let body: Option<String> = self
            .database()
            .query_row("SELECT body FROM records WHERE id = ?1", [id.as_str()], |row| {
                row.get(0)
            })
            .optional()
            .unwrap();
        body.map(|body| serde_json::from_str(&body).unwrap())
    }

    /// The content of a stored entity.
    pub(crate) fn content(&self, id: &RecordId) -> Value {
        self.stored(id).unwrap()["content"].clone()
    }
}

pub(crate) fn object(value: Value) -> JsonObject {
    value.as_object().unwrap().clone()
}

pub(crate) fn id(text: &str) -> RecordId {
    text.parse().unwrap()
}

/// The field of an argument that was refused.
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, WildThingError>) -> String {
    match result {
        Err(WildThingError::Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}
