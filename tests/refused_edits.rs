//! Edits that could not be kept or sent whole are refused, by name, before
//! anything changes.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};
use wildthing::client::{
    DevicePatch, HousePatch, NewDevice, NewHouse, NewRoom, OpenOptions, WildThingClient, WildThingError,
};
use wildthing::model::{JsonObject, RecordId};

fn object(value: Value) -> JsonObject {
    value.as_object().unwrap().clone()
}

/// A list in a list in a list…
fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inner, _| json!([inner]))
}

async fn house() -> (tempfile::TempDir, WildThingClient, RecordId, RecordId) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("home.db");
    let client = WildThingClient::open(path, OpenOptions::default()).await.unwrap();
    let house = NewHouse {
        name: "Cabin".into(),
        ..NewHouse::default()
    };
    let house = client.create_house(house).await.unwrap();
    let room = client
        .create_room(NewRoom::new(house.id.clone(), "Hall"))
        .await
        .unwrap();
    let device = client
        .create_device(NewDevice::new(room.id, "Lamp"))
        .await
        .unwrap();
    (folder, client, house.id, device.id)
}

/// The field that a refusal names.
fn refused<T: std::fmt::Debug>(result: Result<T, WildThingError>) -> String {
    match result {
        Err(WildThingError::Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_too_deep_to_travel_or_beyond_all_numbers_are_refused() {
    let (_folder, client, house, device) = house().await;
    let before = client.digests().await.unwrap();
    let settings = |value| HousePatch {
        settings: Some(value),
        ..HousePatch::default()
    };
    let absurd: Value = serde_json::from_str("1e400").unwrap();
    assert_eq!(
        refused(client.update_house(house.clone(), settings(nested(60))).await),
        "settings"
    );
    assert_eq!(
        refused(client.update_house(house.clone(), settings(absurd.clone())).await),
        "settings"
    );
    for (state, attributes, field) in [
        (json!({"a": nested(100)}), json!({}), "state"),
        (json!({}), json!({"a": nested(100)}), "attributes"),
        (json!({}), json!({ "a": absurd }), "attributes"),
    ] {
        let result = client
            .update_device_state(device.clone(), object(state), Some(object(attributes)), false)
            .await;
        assert_eq!(refused(result), field);
    }
    assert_eq!(client.digests().await.unwrap(), before);

    // What is deep but not absurd is kept, travels, and can be read back from a journal.
    let deep = nested(40);
    client
        .update_house(house.clone(), settings(deep.clone()))
        .await
        .unwrap();
    assert_eq!(client.get_house(None).await.unwrap().settings, Some(deep));
    client
        .discard(wildthing::model::Kind::House, house)
        .await
        .unwrap();
    assert_eq!(client.conflicts().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_field_under_two_names_is_refused_and_metadata_that_is_no_object_is_kept() {
    let (_folder, client, house, device) = house().await;
    let before = client.digests().await.unwrap();
    let patch = DevicePatch {
        configuration: Some(json!({"a": 1})),
        extra: Some(object(json!({"metadata": {"b": 2}}))),
        ..DevicePatch::default()
    };
    refused(client.update_device(device.clone(), patch).await);
    let patch = HousePatch {
        settings: Some(json!({"a": 1})),
        extra: Some(object(json!({"settings_json": "{}"}))),
        ..HousePatch::default()
    };
    refused(client.update_house(house, patch).await);
    let patch = DevicePatch {
        extra: Some(object(json!({"state_json": "{}"}))),
        ..DevicePatch::default()
    };
    assert_eq!(
        refused(client.update_device(device.clone(), patch).await),
        "state_json"
    );
    assert_eq!(client.digests().await.unwrap(), before);

    let listed = DevicePatch {
        extra: Some(object(json!({"metadata": ["keep", "me"]}))),
        ..DevicePatch::default()
    };
    client.update_device(device.clone(), listed).await.unwrap();
    let patch = DevicePatch {
        configuration: Some(json!({"a": 1})),
        ..DevicePatch::default()
    };
    assert_eq!(
        refused(client.update_device(device.clone(), patch).await),
        "configuration"
    );
    let kept = client.get_device(device).await.unwrap();
    assert_eq!(kept.extra["metadata"], json!(["keep", "me"]));
}
