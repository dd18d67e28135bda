//! Houses, rooms and devices as views of entities and edges.

use serde_json::{Value, json};
use wildthing::client::{
    DevicePatch, DeviceType, EntityPatch, HousePatch, NewDevice, NewHouse, NewRoom, RelationshipFilter,
    RoomPatch, WildThingError,
};
use wildthing::model::Kind;

use super::home::{Home, object, refused};

#[tokio::test]
async fn what_is_made_is_an_entity_with_an_edge_and_nothing_is_said_twice() {
    let home = Home::new().await;
    let house = home
        .client
        .create_house(NewHouse {
            name: "Cabin".into(),
            address: Some("1 Main Street".into()),
            latitude: Some(48.5),
            timezone: Some("Europe/Berlin".into()),
            settings: Some(json!({"eco": true})),
            ..NewHouse::default()
        })
        .await
        .unwrap();
    assert_eq!(
        home.content(&house.id),
        json!({"address": "1 Main Street", "latitude": 48.5, "timezone": "Europe/Berlin", "settings": {"eco": true}})
    );
    let room = NewRoom {
        floor: Some(-1),
        room_type: Some("storage".into()),
        ..NewRoom::new(house.id.clone(), "Cellar")
    };
    let room = home.client.create_room(room).await.unwrap();
    assert_eq!(
        home.content(&room.id),
        json!({"floor": -1, "room_type": "storage"})
    );
    let device = NewDevice {
        device_type: Some(DeviceType::Light),
        manufacturer: Some("Acme".into()),
        capabilities: Some(json!(["dim"])),
        configuration: Some(json!({"speed": 2})),
        ip_address: Some("10.0.0.2".into()),
        ..NewDevice::new(room.id.clone(), "Lamp")
    };
    let device = home.client.create_device(device).await.unwrap();
    assert_eq!(
        home.content(&device.id),
        json!({"type": "light", "manufacturer": "Acme", "capabilities": ["dim"],
               "configuration": {"speed": 2}, "ip_address": "10.0.0.2"})
    );

    assert_eq!(house, home.client.get_house(None).await.unwrap());
    assert_eq!(house.settings, Some(json!({"eco": true})));
    assert_eq!(
        (room.floor, room.room_type.as_deref()),
        (Some(-1), Some("storage"))
    );
    assert_eq!(room.house_id.as_ref(), Some(&house.id));
    assert_eq!(device.device_type, DeviceType::Light);
    assert_eq!(device.configuration, Some(json!({"speed": 2})));
    assert_eq!(device.room_id.as_ref(), Some(&room.id));
    assert!(!device.unplaced && device.state.is_empty() && device.created_at.is_none());
    assert_eq!(
        home.client.get_devices(None).await.unwrap(),
        std::slice::from_ref(&device)
    );

    let all = home.client.get_relationships(None).await.unwrap();
    let mut edges: Vec<(&str, &str, &str)> = all
        .iter()
        .map(|edge| {
            (
                edge.relationship_type.as_str(),
                edge.from_id.as_ref().unwrap().as_str(),
                edge.to_id.as_ref().unwrap().as_str(),
            )
        })
        .collect();
    edges.sort_unstable();
    assert_eq!(
        edges,
        [
            ("located_in", device.id.as_str(), room.id.as_str()),
            ("part_of", room.id.as_str(), house.id.as_str())
        ]
    );
}

#[tokio::test]
async fn a_patch_writes_what_the_graph_calls_it_and_empties_it() {
    let (home, _, room) = Home::furnished().await;
    let content = json!({"type": "climate", "ip": "10.0.0.1", "network": "wifi", "capabilities": ["heat"]});
    let device = home.make("device", "Heater", content).await.id;
    home.join(&device, &room, "located_in").await;
    let before = home.client.get_device(device.clone()).await.unwrap();
    assert_eq!(before.device_type, DeviceType::parse("climate"));
    // A recorded house calls it `ip`.
    assert_eq!(before.ip_address.as_deref(), Some("10.0.0.1"));
    assert_eq!(before.extra["network"], "wifi");
    assert!(!before.extra.contains_key("type") && !before.extra.contains_key("ip"));

    let patch = DevicePatch {
        device_type: Some(DeviceType::Thermostat),
        ip_address: Some("10.0.0.9".into()),
        capabilities: Some(json!({"heat": 1.50})),
        configuration: Some(json!({"night": 17})),
        extra: Some(object(json!({"anything": {"at": ["all"]}}))),
        clear: vec!["network".into()],
        ..DevicePatch::default()
    };
    let after = home.client.update_device(device.clone(), patch).await.unwrap();
    assert_eq!(
        home.content(&device),
        json!({"type": "thermostat", "ip": "10.0.0.9", "capabilities": {"heat": 1.50},
               "configuration": {"night": 17}, "anything": {"at": ["all"]}})
    );
    assert_eq!(after.extra["anything"], json!({"at": ["all"]}));
    assert_eq!(after.room_id, Some(room.clone()));

    let clear = [
        "configuration",
        "ip_address",
        "device_type",
        "anything",
        "capabilities",
    ];
    let patch = DevicePatch {
        clear: clear.map(str::to_owned).to_vec(),
        ..DevicePatch::default()
    };
    home.client.update_device(device.clone(), patch).await.unwrap();
    assert_eq!(home.content(&device), json!({}));

    let refuse = async |extra: Value| {
        let patch = DevicePatch {
            extra: Some(object(extra)),
            ..DevicePatch::default()
        };
        refused(home.client.update_device(device.clone(), patch).await)
    };
    assert_eq!(refuse(json!({"state": {"on": true}})).await, "state");
    assert_eq!(refuse(json!({"content": {}})).await, "content");
    assert_eq!(refuse(json!({"deleted": true})).await, "deleted");
    assert_eq!(refuse(json!({"manufacturer": 3})).await, "manufacturer");
    assert_eq!(refuse(json!({"configuration": 3})).await, "configuration");
    let twice = refuse(json!({"type": "light", "device_type": "light"})).await;
    assert!(["type", "device_type"].contains(&twice.as_str()), "{twice}");
    assert_eq!(home.content(&device), json!({}));
}

#[tokio::test]
async fn a_move_leads_the_same_edge_elsewhere() {
    let (home, house, room) = Home::furnished().await;
    let device = home
        .client
        .create_device(NewDevice::new(room.clone(), "Lamp"))
        .await
        .unwrap();
    let cellar = home
        .client
        .create_room(NewRoom::new(house, "Cellar"))
        .await
        .unwrap();
    let patch = DevicePatch {
        room_id: Some(cellar.id.clone()),
        ..DevicePatch::default()
    };
    let moved = home.client.update_device(device.id.clone(), patch).await.unwrap();
    assert_eq!(moved.room_id.as_ref(), Some(&cellar.id));
    assert!(home.client.get_devices(Some(room)).await.unwrap().is_empty());
    let filter = RelationshipFilter {
        from_id: Some(device.id.clone()),
        ..RelationshipFilter::default()
    };
    let edges = home.client.get_relationships(Some(filter)).await.unwrap();
    assert_eq!(edges.len(), 1);
    assert_eq!(edges[0].to_id.as_ref(), Some(&cellar.id));

    let other = home
        .client
        .create_house(NewHouse {
            name: "Flat".into(),
            ..NewHouse::default()
        })
        .await
        .unwrap();
    let patch = RoomPatch {
        house_id: Some(other.id.clone()),
        ..RoomPatch::default()
    };
    home.client.update_room(cellar.id.clone(), patch).await.unwrap();
    // Deleting a house takes what is in it along, as ever.
    home.client.delete_house(other.id).await.unwrap();
    let gone = home.client.get_device(device.id).await;
    assert!(matches!(gone, Err(WildThingError::NotFound { .. })), "{gone:?}");
    assert_eq!(home.client.get_rooms(None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_device_that_is_located_nowhere_is_listed_without_a_room() {
    let home = Home::new().await;
    home.with_the_recorded_house().await;
    let devices = home.client.get_devices(None).await.unwrap();
    let bell = devices
        .iter()
        .find(|device| device.name == "Video Doorbell")
        .unwrap();
    assert!(bell.unplaced && bell.room_id.is_none());
    assert_eq!(bell.device_type, DeviceType::parse("security"));
    let television = devices
        .iter()
        .find(|device| device.name.contains("Smart TV"))
        .unwrap();
    let room = home
        .client
        .get_room(television.room_id.clone().unwrap())
        .await
        .unwrap();
    assert_eq!((room.name.as_str(), room.floor), ("Living Room", Some(1)));
    assert_eq!(room.extra["features"], json!(["fireplace", "bay_window"]));
    // Through a zone.
    let house = home.client.get_house(None).await.unwrap();
    assert_eq!(room.house_id, Some(house.id));
    assert_eq!(house.extra["floors"], 2);
}

#[tokio::test]
async fn a_name_that_is_taken_is_kept_aside() {
    let (home, house, _) = Home::furnished().await;
    let content =
        json!({"kind": "odd", "content": "text", "user_id": 7, "name": "inner", "state": "on", "x": 1});
    let device = home.make("device", "Odd", content.clone()).await.id;
    let shown = home.client.get_device(device.clone()).await.unwrap();
    assert_eq!(
        shown.extra["content"],
        json!({"kind": "odd", "content": "text", "user_id": 7, "name": "inner", "state": "on"})
    );
    assert_eq!(shown.extra["x"], 1);
    assert!(shown.state.is_empty());
    let entity = home.client.get_entity(device.clone(), None).await.unwrap();
    assert_eq!(Value::Object(entity.content), content);

    // What was shown before is told flat as well, and other entities whole.
    home.client
        .update_house(
            house.clone(),
            HousePatch {
                address: Some("2".into()),
                ..HousePatch::default()
            },
        )
        .await
        .unwrap();
    let told = home.client.explain(Kind::House, house.clone()).await.unwrap();
    assert_eq!(told.record["address"], "2");
    assert_eq!(told.record["name"], "Cabin");
    assert!(!told.history[0].record.contains_key("address"));
    let note = home
        .make("note", "Wifi", json!({"content": "secret", "id": 1}))
        .await;
    let told = home.client.explain(note.kind, note.id.clone()).await.unwrap();
    assert_eq!(told.record["content"], json!({"content": "secret", "id": 1}));
    assert_eq!(told.record["id"], note.id.as_str());
    let patch = EntityPatch {
        name: Some("WLAN".into()),
        ..EntityPatch::default()
    };
    home.client.update_entity(note.id.clone(), patch).await.unwrap();
    let kind = Kind::parse("note");
    let earlier = home.client.history(kind, note.id).await.unwrap();
    assert_eq!(earlier[0].record["name"], "Wifi");
}
