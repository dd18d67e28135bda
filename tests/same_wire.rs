//! The same edits make the same messages in every language, byte for byte. This
//! is the Rust side: it holds what a client sends to `data/same-wire-v1.txt`; the
//! tests of the foreign layers make these very edits and hold theirs to it too.
//!
//! Ids and times are fixed by [`FixedSeam`], and the server's answers by what is
//! asked. A line of the file is a request: its path, a space, its body.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use support::raw_http::{Canned, RawServer, Received};
use wildthing::client::{
    ConnectOptions, DevicePatch, DeviceType, NewDevice, NewEvent, NewHouse, NewRoom, NewUser, OpenOptions,
    Protocol, Result, RoomPatch, UserRole, WildThingClient,
};
use wildthing::ffi::testing::FixedSeam;
use wildthing::model::{JsonObject, Kind};

const EXPECTED: &str = include_str!("data/same-wire-v1.txt");

fn object(value: Value) -> JsonObject {
    value.as_object().cloned().unwrap()
}

/// A server that takes everything.
fn answer(request: &Received) -> Value {
    match request.path.rsplit('/').next() {
        Some("push") => {
            let push: Value = serde_json::from_slice(&request.body).unwrap();
            let taken = push["changes"].as_array().unwrap().iter().map(|change| {
                json!({"client_sync_id": change["client_sync_id"],
                       "server_sync_id": change["data"]["sync_id"], "status": "applied"})
            });
            json!({"type": "sync_result", "applied": taken.collect::<Vec<_>>(), "conflicts": [],
                   "server_time": "2026-01-01T00:00:00.000002"})
        }
        Some("ack") => json!({"type": "sync_ack_response", "status": "acknowledged",
                              "server_time": "2026-01-01T00:00:00.000003"}),
        _ => json!({"type": "sync_delta", "server_time": "2026-01-01T00:00:00.000001",
                    "changes": [], "conflicts": [], "more": false}),
    }
}

/// The edits. Other languages make the same ones in the same order.
async fn edit(client: &WildThingClient, url: String) -> Result<()> {
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
        protocol: Some(Protocol::V1),
        ..ConnectOptions::default()
    };
    client.connect(url, Some("token".into()), Some(options)).await?;
    client.sync().await?;

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

#[tokio::test]
async fn the_messages_are_those_of_every_language() {
    let sent = Arc::new(Mutex::new(String::new()));
    let server = RawServer::start({
        let sent = Arc::clone(&sent);
        move |request| {
            let body = String::from_utf8(request.body.clone()).unwrap();
            let line = format!("{} {body}\n", request.path);
            sent.lock().unwrap().push_str(&line);
            Canned::json(200, &answer(&request))
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let seam = Arc::new(FixedSeam::default());
    let path = folder.path().join("fixed-seam.db");
    let client = WildThingClient::open_on(path, OpenOptions::default(), seam)
        .await
        .unwrap();
    edit(&client, server.url()).await.unwrap();
    client.shutdown().await;

    let sent = sent.lock().unwrap().clone();
    if sent != EXPECTED {
        let found = concat!(env!("CARGO_TARGET_TMPDIR"), "/same-wire-v1.txt");
        std::fs::write(found, &sent).unwrap();
        panic!("other messages than in tests/data/same-wire-v1.txt: {found}");
    }
}
