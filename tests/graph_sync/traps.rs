//! What the clients before this one fell into, each as it would happen here.

use serde_json::json;
use wildthing::client::{DevicePatch, NewDevice, NewHouse, NewRoom};
use wildthing::model::RecordId;

use super::{GraphHub, agree, client, hub, hub_digest, id, offline};
use crate::hub2_support::{self, TOKEN, change, device, push, version};
use crate::support::front::Front;

pub fn house(name: &str) -> NewHouse {
    NewHouse {
        name: name.into(),
        ..NewHouse::default()
    }
}

pub fn room(house: &RecordId, name: &str) -> NewRoom {
    NewRoom {
        house_id: house.clone(),
        name: name.into(),
        floor: None,
        room_type: None,
        settings: None,
    }
}

pub fn lamp(room: &RecordId, name: &str) -> NewDevice {
    NewDevice {
        room_id: room.clone(),
        name: name.into(),
        device_type: None,
        manufacturer: None,
        model: None,
        capabilities: None,
        configuration: None,
        ip_address: None,
        mac_address: None,
    }
}

pub fn named(name: &str) -> DevicePatch {
    DevicePatch {
        name: Some(name.into()),
        ..DevicePatch::default()
    }
}

/// So many devices, pushed by another program.
pub fn fill(hub: &GraphHub, count: usize) {
    for chunk in (0..count).collect::<Vec<_>>().chunks(400) {
        let changes: Vec<_> = chunk
            .iter()
            .map(|n| {
                change(
                    "create",
                    device(&format!("device-{n:05}"), &version(0, *n as u32, "other"), &[]),
                    &[],
                )
            })
            .collect();
        push(hub.addr(), &changes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_page_is_pulled_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    fill(&hub, 1_203);
    let ann = client(&folder, "ann.db", &hub).await;
    let result = ann.sync().await.unwrap();
    assert_eq!(result.pulled, 1_203);
    assert_eq!(ann.get_devices(None).await.unwrap().len(), 1_203);
    assert_eq!(ann.digests().await.unwrap().state, hub_digest(&hub));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_house_made_before_there_was_a_server_is_whole_at_the_server_and_at_others() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    let ann = offline(&folder, "ann.db").await;
    let home = ann.create_house(house("Home")).await.unwrap();
    let kitchen = ann.create_room(room(&home.id, "Kitchen")).await.unwrap();
    let light = ann.create_device(lamp(&kitchen.id, "Light")).await.unwrap();
    let state = json!({"power": "on"}).as_object().unwrap().clone();
    ann.update_device_state(light.id.clone(), state.clone(), None, false)
        .await
        .unwrap();
    ann.connect(hub.url(), Some(TOKEN.into()), None).await.unwrap();
    let result = ann.sync().await.unwrap();
    assert!(result.errors.is_empty(), "{:?}", result.errors);
    let ben = client(&folder, "ben.db", &hub).await;
    agree(&hub, &[&ann, &ben]).await;
    let seen = ben.get_device(light.id.clone()).await.unwrap();
    assert_eq!(seen.room_id, Some(kitchen.id.clone()));
    assert_eq!(ben.get_room(kitchen.id).await.unwrap().house_id, Some(home.id));
    assert_eq!(ann.pending_changes().await.unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_made_offline_survives_a_push_that_fails_after_the_pull() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    push(
        hub.addr(),
        &[change(
            "create",
            device("lamp", &version(0, 1, "other"), &[]),
            &[],
        )],
    );
    let ann = client(&folder, "ann.db", &hub).await;
    ann.sync().await.unwrap();
    ann.update_device(id("lamp"), named("mine")).await.unwrap();
    // Somebody else edits it too, and the hub goes away between Ann's pull and push.
    push(
        hub.addr(),
        &[change(
            "update",
            device("lamp", &version(10, 2, "other"), &[&version(0, 1, "other")]),
            &[],
        )],
    );
    hub.shutdown().await.unwrap();
    assert!(ann.sync().await.is_err());
    assert_eq!(ann.get_device(id("lamp")).await.unwrap().name, "mine");
    assert_eq!(ann.pending_changes().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_is_not_listed() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    fill(&hub, 3);
    let (ann, ben) = (
        client(&folder, "ann.db", &hub).await,
        client(&folder, "ben.db", &hub).await,
    );
    agree(&hub, &[&ann, &ben]).await;
    ann.delete_device(id("device-00001")).await.unwrap();
    agree(&hub, &[&ann, &ben]).await;
    assert_eq!(ben.get_devices(None).await.unwrap().len(), 2);
    // The hub has it still, as a tombstone, and the digests are of the same three.
    let listed = hub2_support::get(hub.addr(), "/api/v1/graph/entities/device-00001").ok();
    assert_eq!(listed["entity"]["content"]["deleted"], json!(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_has_a_source_and_an_author() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    fill(&hub, 1);
    let ann = client(&folder, "ann.db", &hub).await;
    ann.sync().await.unwrap();
    ann.update_device(id("device-00000"), named("mine"))
        .await
        .unwrap();
    ann.sync().await.unwrap();
    let entity = hub2_support::get(hub.addr(), "/api/v1/graph/entities/device-00000").ok();
    assert_eq!(entity["entity"]["source_type"], "manual");
    assert_eq!(entity["entity"]["user_id"], json!(ann.client_id().await.unwrap()));
    assert_eq!(entity["entity"]["name"], "mine");
    assert_eq!(
        entity["entity"]["parent_versions"],
        json!([version(0, 0, "other")])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_on_one_file_lose_no_write() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    fill(&hub, 40);
    // Two clients share nothing but the file, as an app and its extension do.
    let (app, extension) = (
        client(&folder, "shared.db", &hub).await,
        client(&folder, "shared.db", &hub).await,
    );
    app.sync().await.unwrap();
    let rename = async |client: &wildthing::client::WildThingClient, who: &str, first: usize| {
        for n in (first..40).step_by(2) {
            let name = format!("{who} {n}");
            client
                .update_device(id(&format!("device-{n:05}")), named(&name))
                .await
                .unwrap();
            if n % 5 == 0 {
                client.sync().await.unwrap();
            }
        }
    };
    tokio::join!(rename(&app, "app", 0), rename(&extension, "extension", 1));
    let ben = client(&folder, "ben.db", &hub).await;
    agree(&hub, &[&app, &extension, &ben]).await;
    for device in ben.get_devices(None).await.unwrap() {
        let n: usize = device.id.as_str()["device-".len()..].parse().unwrap();
        let who = if n.is_multiple_of(2) { "app" } else { "extension" };
        assert_eq!(device.name, format!("{who} {n}"));
    }
    assert_eq!(app.conflicts().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_house_comes_in_as_many_requests_as_it_has_pages() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    fill(&hub, 3_000);
    let front = Front::of(hub.url());
    let ann = offline(&folder, "ann.db").await;
    ann.connect(front.url(), Some(TOKEN.into()), None).await.unwrap();
    assert_eq!(ann.sync().await.unwrap().pulled, 3_000);
    let asked: Vec<String> = front
        .take_requests()
        .into_iter()
        .map(|request| request.path.split('?').next().unwrap_or_default().to_owned())
        .collect();
    let count = |path: &str| asked.iter().filter(|asked| *asked == path).count();
    // What the server speaks, six pages, the edges, and nothing else.
    assert_eq!(count("/api/v1/sync/status"), 1);
    assert_eq!(count("/api/v1/sync/"), 6);
    assert_eq!(count("/api/v1/graph/relationships"), 1);
    assert_eq!(asked.len(), 8, "{asked:?}");
}
