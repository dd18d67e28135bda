//! The same edits make the same messages in every language, byte for byte. This
//! is the Rust side: it holds what a client sends to `data/same-wire-v1.txt` and
//! `data/same-wire-v2.txt`; the tests of the foreign layers make these very edits
//! and hold theirs to them too.
//!
//! Ids and times are fixed by [`FixedSeam`], and the server's answers by what it was
//! asked and told. A line of a file is a request: its path, a space, its body.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use support::raw_http::{Canned, RawServer, Received};
use wildthing::client::{
    ConnectOptions, DevicePatch, DeviceType, EntityPatch, NewDevice, NewEntity, NewEvent, NewHouse, NewRoom,
    NewUser, OpenOptions, Protocol, Result, RoomPatch, UserRole, WildThingClient,
};
use wildthing::ffi::testing::FixedSeam;
use wildthing::model::{JsonObject, Kind, RecordId};

fn object(value: Value) -> JsonObject {
    value.as_object().cloned().unwrap()
}

/// A server of both protocols that takes everything, and shows the edges it was sent.
#[derive(Default)]
struct Server {
    edges: Vec<Value>,
}

impl Server {
    fn answer(&mut self, request: &Received) -> Value {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let changes = body["changes"].as_array().map_or(&[][..], Vec::as_slice);
        match request.path.trim_end_matches('/').rsplit('/').next() {
            Some("push") => {
                let taken = changes.iter().map(|change| {
                    json!({"client_sync_id": change["client_sync_id"],
                           "server_sync_id": change["data"]["sync_id"], "status": "applied"})
                });
                json!({"type": "sync_result", "applied": taken.collect::<Vec<_>>(), "conflicts": [],
                       "server_time": "2026-01-01T00:00:00.000002"})
            }
            Some("ack") => json!({"type": "sync_ack_response", "status": "acknowledged",
                                  "server_time": "2026-01-01T00:00:00.000003"}),
            Some("request") => json!({"type": "sync_delta", "server_time": "2026-01-01T00:00:00.000001",
                                      "changes": [], "conflicts": [], "more": false}),
            Some("sync") => {
                let edges = changes
                    .iter()
                    .filter_map(|change| change["relationships"].as_array())
                    .flatten();
                let edges: Vec<&Value> = edges.collect();
                for edge in &edges {
                    self.edges.retain(|known| known["id"] != edge["id"]);
                    self.edges.push((*edge).clone());
                }
                let taken = changes
                    .iter()
                    .map(|change| &change["entity"]["id"])
                    .filter(|id| id.is_string());
                json!({"protocol_version": "inbetweenies-v2", "sync_type": "delta", "changes": [],
                       "conflicts": [], "applied": taken.collect::<Vec<_>>(),
                       "applied_relationships": edges.iter().map(|edge| &edge["id"]).collect::<Vec<_>>(),
                       "server_time": "2026-01-01T00:00:00.000001+00:00"})
            }
            _ => json!({"relationships": self.edges, "count": self.edges.len()}),
        }
    }
}

/// The edits. Other languages make the same ones in the same order.
async fn edit(client: &WildThingClient, url: String, protocol: Protocol) -> Result<()> {
    let settings = r#"{"beyond": 1208925819614629174706176, "list": [1, null, 2.5, "a\"b\\c\n"]}"#;
    let house = client
        .create_house(NewHouse {
            name: "Häuschen 🏡".into(),
            address: Some("1 Main Street".into()),
            latitude: Some(52.52),
            longitude: Some(-13.4),
            timezone: Some("Europe/Berlin".into()),
            settings: Some(serde_json::from_str(settings).unwrap()),
        })
        .await?;
    let hall = client
        .create_room(NewRoom {
            floor: Some(-1),
            room_type: Some("hall".into()),
            ..NewRoom::new(house.id.clone(), "مطبخ")
        })
        .await?;
    let lamp = client
        .create_device(NewDevice {
            device_type: Some(DeviceType::Light),
            manufacturer: Some("Acme".into()),
            capabilities: Some(json!(["dim", "color"])),
            configuration: Some(json!({"nested": {"deep": [true, false, {}]}})),
            ..NewDevice::new(hall.id.clone(), "Lamp")
        })
        .await?;
    let state = object(json!({"power": "on", "brightness": 80, "warmth": 0.5}));
    client
        .update_device_state(lamp.id.clone(), state, None, false)
        .await?;
    let (state, by) = (object(json!({"brightness": null})), object(json!({"by": "Ada"})));
    client
        .update_device_state(lamp.id.clone(), state, Some(by), false)
        .await?;
    let ada = client
        .create_user(NewUser {
            email: Some("ada@example.org".into()),
            role: Some(UserRole::Admin),
            ..NewUser::new(house.id.clone(), "Ada")
        })
        .await?;
    client
        .log_event(NewEvent {
            data: Some(json!({"n": 1})),
            ..NewEvent::new("seen", Kind::Device, lamp.id.clone())
        })
        .await?;
    let options = ConnectOptions {
        protocol: Some(protocol),
        ..ConnectOptions::default()
    };
    client.connect(url, Some("token".into()), Some(options)).await?;
    client.sync().await?;
    if protocol == Protocol::V2 {
        edit_graph(client, &lamp.id).await?;
    }

    let patch = RoomPatch {
        name: Some("Hall".into()),
        clear: vec!["floor".into()],
        ..RoomPatch::default()
    };
    client.update_room(hall.id, patch).await?;
    let patch = DevicePatch {
        model: Some("M1".into()),
        ..DevicePatch::default()
    };
    client.update_device(lamp.id.clone(), patch).await?;
    let state = object(json!({"mode": "night"}));
    client.update_device_state(lamp.id, state, None, true).await?;
    client.delete_user(ada.id).await?;
    client.sync().await?;
    Ok(())
}

/// What only a graph has a place for.
async fn edit_graph(client: &WildThingClient, lamp: &RecordId) -> Result<()> {
    let note = client
        .create_entity(NewEntity {
            content: Some(object(
                json!({"text": "Dreh den Knopf ⤵", "pages": [1, {"n": 2.5}]}),
            )),
            source_type: Some("imported".into()),
            ..NewEntity::new("note", "How to")
        })
        .await?;
    let properties = Some(object(json!({"since": 2026})));
    let edge = client
        .connect_entities(note.id.clone(), lamp.clone(), "documented_by".into(), properties)
        .await?;
    let zone = client.create_entity(NewEntity::new("zone", "Upstairs")).await?;
    client
        .connect_entities(lamp.clone(), zone.id.clone(), "located_in".into(), None)
        .await?;
    client.sync().await?;

    let patch = EntityPatch {
        content: Some(object(json!({"text": null, "pages": 3}))),
        ..EntityPatch::default()
    };
    client.update_entity(note.id, patch).await?;
    let patch = EntityPatch {
        name: Some("Above".into()),
        content: Some(object(json!({"level": 1}))),
        replace: true,
        ..EntityPatch::default()
    };
    client.update_entity(zone.id, patch).await?;
    client.disconnect_entities(edge.id).await?;
    Ok(())
}

/// What a client sends that makes the edits.
async fn sent(protocol: Protocol) -> String {
    let sent = Arc::new(Mutex::new(String::new()));
    let server = RawServer::start({
        let sent = Arc::clone(&sent);
        let server = Mutex::new(Server::default());
        move |request| {
            let body = String::from_utf8(request.body.clone()).unwrap();
            let line = format!("{} {body}\n", request.path);
            sent.lock().unwrap().push_str(&line);
            Canned::json(200, &server.lock().unwrap().answer(&request))
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let seam = Arc::new(FixedSeam::default());
    let path = folder.path().join("fixed-seam.db");
    let client = WildThingClient::open_on(path, OpenOptions::default(), seam)
        .await
        .unwrap();
    edit(&client, server.url(), protocol).await.unwrap();
    client.shutdown().await;
    let sent = sent.lock().unwrap();
    sent.clone()
}

async fn check(protocol: Protocol, file: &str, expected: &str) {
    let sent = sent(protocol).await;
    if sent != expected {
        let found = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
        std::fs::write(&found, &sent).unwrap();
        panic!("other messages than in tests/data/{file}: {}", found.display());
    }
}

#[tokio::test]
async fn the_messages_of_v1_are_those_of_every_language() {
    let expected = include_str!("data/same-wire-v1.txt");
    check(Protocol::V1, "same-wire-v1.txt", expected).await;
}

#[tokio::test]
async fn the_messages_of_v2_are_those_of_every_language() {
    let expected = include_str!("data/same-wire-v2.txt");
    check(Protocol::V2, "same-wire-v2.txt", expected).await;
}
