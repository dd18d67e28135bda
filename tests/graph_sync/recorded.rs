//! The house that a real server was recorded to serve.

use serde_json::{Value, json};
use wildthing::client::{DevicePatch, RoomPatch};

use super::{agree, client, digest, hub_digest, id, recorded_hub, recording};

#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_house_is_the_same_here_there_and_in_a_few_lines_of_our_own() {
    let folder = tempfile::tempdir().unwrap();
    let hub = recorded_hub().await;
    let ann = client(&folder, "ann.db", &hub).await;
    let result = ann.sync().await.unwrap();
    // 33 entities and 46 edges.
    assert_eq!((result.pulled, result.pushed), (33 + 46, 0));
    assert!(result.errors.is_empty());

    let recorded: Value = serde_json::from_slice(&recording("v2-full-sync.json")).unwrap();
    let changes = recorded["changes"].as_array().unwrap();
    let by_hand = digest(changes.iter().map(|change| {
        let entity = &change["entity"];
        (
            entity["id"].as_str().unwrap(),
            entity["version"].as_str().unwrap(),
        )
    }));
    assert_eq!(recorded["state_digest"], by_hand.as_str());
    assert_eq!(ann.digests().await.unwrap().state, by_hand);
    assert_eq!(hub_digest(&hub), by_hand);

    // As recorded: one home, its six rooms, seven of eight devices in rooms.
    let houses = ann.get_houses().await.unwrap();
    let [house] = houses.as_slice() else {
        panic!("{houses:?}")
    };
    assert_eq!(house.name, "The Martinez Smart Home");
    let rooms = ann.get_rooms(Some(house.id.clone())).await.unwrap();
    assert_eq!(rooms.len(), 6);
    assert!(rooms.iter().all(|room| !room.unplaced));
    let mut in_rooms = 0;
    for room in &rooms {
        in_rooms += ann.get_devices(Some(room.id.clone())).await.unwrap().len();
    }
    let devices = ann.get_devices(None).await.unwrap();
    assert_eq!((in_rooms, devices.len()), (7, 8));
    let unplaced: Vec<&str> = devices
        .iter()
        .filter(|device| device.unplaced)
        .map(|device| device.name.as_str())
        .collect();
    assert_eq!(unplaced, ["Video Doorbell"]);
    assert!(
        devices
            .iter()
            .all(|device| device.room_id.is_none() == device.unplaced)
    );

    // One entity is changed, and all three agree again.
    let ben = client(&folder, "ben.db", &hub).await;
    ben.sync().await.unwrap();
    ben.update_room(
        rooms[0].id.clone(),
        RoomPatch {
            name: Some("Parlour".into()),
            ..RoomPatch::default()
        },
    )
    .await
    .unwrap();
    agree(&hub, &[&ben, &ann]).await;
    assert_ne!(hub_digest(&hub), by_hand);
    assert_eq!(ann.get_room(rooms[0].id.clone()).await.unwrap().name, "Parlour");
    assert_eq!(ann.get_rooms(Some(house.id.clone())).await.unwrap().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_a_room_is_still_found_there_by_the_servers_own_listing_after_edits() {
    let folder = tempfile::tempdir().unwrap();
    let hub = recorded_hub().await;
    let ann = client(&folder, "ann.db", &hub).await;
    ann.sync().await.unwrap();
    let devices = ann.get_devices(None).await.unwrap();
    let device = devices.iter().find(|device| !device.unplaced).unwrap();
    let room = device.room_id.clone().unwrap();

    // The device, then the room: each edit makes the pins of the edge old.
    let name = DevicePatch {
        name: Some("Renamed".into()),
        ..DevicePatch::default()
    };
    ann.update_device(device.id.clone(), name).await.unwrap();
    ann.sync().await.unwrap();
    let name = RoomPatch {
        name: Some("Renamed too".into()),
        ..RoomPatch::default()
    };
    ann.update_room(room.clone(), name).await.unwrap();
    ann.sync().await.unwrap();

    let edges = super::hub2_support::get(hub.addr(), "/api/v1/graph/relationships").ok();
    let edge = edges["relationships"]
        .as_array()
        .unwrap()
        .iter()
        .find(|edge| {
            edge["from_entity_id"] == json!(device.id.as_str()) && edge["relationship_type"] == "located_in"
        })
        .unwrap();
    let current = |id: &str| super::hub2_support::current(hub.addr(), id);
    assert_eq!(edge["from_entity_version"], current(device.id.as_str()));
    assert_eq!(edge["to_entity_version"], current(room.as_str()));
    assert_eq!(edge["to_entity_id"], json!(room.as_str()));

    // Somebody else still finds it there.
    let ben = client(&folder, "ben.db", &hub).await;
    ben.sync().await.unwrap();
    assert_eq!(
        ben.get_device(device.id.clone()).await.unwrap().room_id,
        Some(room)
    );
    let doorbell = devices.iter().find(|device| device.unplaced).unwrap();
    assert_eq!(
        ben.get_device(id(doorbell.id.as_str())).await.unwrap().room_id,
        None
    );
}
