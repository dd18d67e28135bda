//! The state of a device as part of the device.

use serde_json::{Value, json};
use wildthing::client::{ChangeEvent, DevicePatch, NewDevice, Origin};
use wildthing::model::{JsonObject, Kind, RecordId, RecordStatus};

use super::home::{Home, object};

async fn lamp() -> (Home, RecordId) {
    let (home, _, room) = Home::furnished().await;
    let lamp = home
        .client
        .create_device(NewDevice::new(room, "Lamp"))
        .await
        .unwrap();
    (home, lamp.id)
}

async fn set(
    home: &Home,
    lamp: &RecordId,
    state: Value,
    attributes: Option<Value>,
    replace: bool,
) -> JsonObject {
    let set = home
        .client
        .update_device_state(lamp.clone(), object(state), attributes.map(object), replace);
    set.await.unwrap().state
}

#[tokio::test]
async fn it_is_merged_replaced_and_kept_in_the_content() {
    let (home, lamp) = lamp().await;
    assert!(
        home.client
            .get_device_state(lamp.clone())
            .await
            .unwrap()
            .state
            .is_empty()
    );
    assert!(
        home.client
            .get_device_history(lamp.clone(), 9)
            .await
            .unwrap()
            .is_empty()
    );
    set(
        &home,
        &lamp,
        json!({"power": "on", "brightness": 80}),
        Some(json!({"by": "me", "why": 1})),
        false,
    )
    .await;
    let merged = set(
        &home,
        &lamp,
        json!({"brightness": null, "color": {"r": 1}}),
        Some(json!({"why": null})),
        false,
    );
    assert_eq!(merged.await, object(json!({"power": "on", "color": {"r": 1}})));
    assert_eq!(
        home.content(&lamp),
        json!({"type": "other", "state": {"power": "on", "color": {"r": 1}}, "state_attributes": {"by": "me"}})
    );
    let state = home.client.get_device_state(lamp.clone()).await.unwrap();
    let device = home.client.get_device(lamp.clone()).await.unwrap();
    assert_eq!(state.state, device.state);
    assert_eq!(state.attributes, object(json!({"by": "me"})));
    assert_eq!(
        (state.updated_at, state.sync_status),
        (device.updated_at, RecordStatus::Pending)
    );
    let replaced = set(
        &home,
        &lamp,
        json!({"power": "off"}),
        Some(json!({"by": null})),
        true,
    )
    .await;
    assert_eq!(replaced, object(json!({"power": "off"})));
    assert_eq!(
        home.content(&lamp),
        json!({"type": "other", "state": {"power": "off"}})
    );
    // One record, one unsent edit: no record beside the device.
    let pending = home.client.pending_changes().await.unwrap();
    assert!(
        pending.iter().all(|change| change.kind != Kind::EntityState),
        "{pending:?}"
    );
}

#[tokio::test]
async fn its_history_is_that_of_the_device_and_each_state_is_told_once() {
    let (home, lamp) = lamp().await;
    set(&home, &lamp, json!({"power": "on"}), None, false).await;
    let first = home.client.get_device_state(lamp.clone()).await.unwrap();
    let patch = DevicePatch {
        name: Some("Big lamp".into()),
        ..DevicePatch::default()
    };
    home.client.update_device(lamp.clone(), patch).await.unwrap();
    set(&home, &lamp, json!({"power": "off"}), None, false).await;
    set(&home, &lamp, json!({"power": "off"}), None, false).await;
    set(&home, &lamp, json!({"power": "on"}), None, false).await;
    let history = home.client.get_device_history(lamp.clone(), 100).await.unwrap();
    let powers: Vec<&Value> = history.iter().map(|state| &state.state["power"]).collect();
    assert_eq!(powers, ["on", "off", "on"]);
    assert_eq!(history[2].updated_at, first.updated_at);
    assert_eq!(history[0].sync_status, RecordStatus::Pending);
    let two = home.client.get_device_history(lamp, 2).await.unwrap();
    assert_eq!(two, history[..2]);
}

#[tokio::test]
async fn its_change_is_told_as_that_and_the_rest_as_an_update() {
    let (home, lamp) = lamp().await;
    let stream = home.client.changes();
    let query = home.client.watch_device_state(lamp.clone()).unwrap();
    assert!(query.next().await.unwrap().unwrap().state.is_empty());
    set(&home, &lamp, json!({"power": "on"}), None, false).await;
    assert_eq!(query.next().await.unwrap().unwrap().state["power"], "on");
    let told = stream.next().await.unwrap().events;
    assert_eq!(
        told,
        [ChangeEvent::StateChanged {
            device_id: Some(lamp.clone()),
            id: lamp.clone(),
            origin: Origin::Local,
            state: json!({"power": "on"}),
        }]
    );
    let patch = DevicePatch {
        name: Some("Big lamp".into()),
        ..DevicePatch::default()
    };
    home.client.update_device(lamp.clone(), patch).await.unwrap();
    let words: Vec<String> = stream
        .next()
        .await
        .unwrap()
        .events
        .iter()
        .map(ChangeEvent::event_type)
        .collect();
    assert_eq!(words, ["updated"]);
    // Both at once.
    let content = json!({"state": {"power": "off"}, "model": "M"});
    let patch = wildthing::client::EntityPatch {
        content: Some(object(content)),
        ..Default::default()
    };
    home.client.update_entity(lamp, patch).await.unwrap();
    let words: Vec<String> = stream
        .next()
        .await
        .unwrap()
        .events
        .iter()
        .map(ChangeEvent::event_type)
        .collect();
    assert_eq!(words, ["updated", "state_changed"]);
}
