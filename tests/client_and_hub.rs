//! Whole clients against a real hub over a real socket: what an app developer
//! would notice. The rules themselves are tested in `conflict_rule`, the
//! schedules in `replica_schedules` and the fleet.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use serde_json::{Value, json};
use wildthing::client::types::Loser;
use wildthing::client::{
    ChangeEvent, ConnectOptions, DevicePatch, DeviceType, NewDevice, NewRoom, Observed, OpenOptions,
    RoomPatch, WildThingClient, WildThingError,
};
use wildthing::hub::{Hub, HubOptions};
use wildthing::model::{JsonObject, RecordId, RecordStatus};

const TOKEN: &str = "open-sesame";

async fn hub(db: Option<&Path>, listen: &str) -> Hub {
    let options = HubOptions {
        listen: listen.parse().unwrap(),
        db: db.map(Path::to_path_buf),
        auth_token: Some(TOKEN.into()),
        ..HubOptions::default()
    };
    Hub::start(options).await.unwrap()
}

async fn sample_hub() -> Hub {
    let hub = hub(None, "127.0.0.1:0").await;
    hub.store().lock().unwrap().load_sample(300).unwrap();
    hub
}

async fn client(folder: &tempfile::TempDir, name: &str, hub: &Hub) -> WildThingClient {
    let client = WildThingClient::open(folder.path().join(name), OpenOptions::default())
        .await
        .unwrap();
    client.connect(hub.url(), Some(TOKEN.into()), None).await.unwrap();
    client
}

fn object(value: Value) -> JsonObject {
    value.as_object().unwrap().clone()
}

fn id(text: &str) -> RecordId {
    text.parse().unwrap()
}

async fn agree(hub: &Hub, clients: &[&WildThingClient]) {
    for _ in 0..3 {
        for client in clients {
            client.sync().await.unwrap();
        }
    }
    let content = hub.store().lock().unwrap().content_digest().unwrap();
    for client in clients {
        assert_eq!(client.digests().await.unwrap().content, content);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_house_arrives_and_an_edit_crosses_over() {
    let (hub, folder) = (sample_hub().await, tempfile::tempdir().unwrap());
    let (a, b) = (
        client(&folder, "a.db", &hub).await,
        client(&folder, "b.db", &hub).await,
    );
    a.probe().await.unwrap();
    let first = a.sync().await.unwrap();
    assert_eq!((first.pulled, first.pushed), (300, 0));
    b.sync().await.unwrap();
    assert_eq!(a.get_house(None).await.unwrap().id, "house-1");

    let room = a
        .create_room(NewRoom {
            house_id: id("house-1"),
            name: "Living Room 🛋".into(),
            floor: Some(0),
            room_type: Some("living_room".into()),
            settings: None,
        })
        .await
        .unwrap();
    assert_eq!(room.sync_status, RecordStatus::Pending);
    let lamp = NewDevice::new(room.id.clone(), "Lamp");
    let lamp = a.create_device(lamp).await.unwrap();
    a.update_device_state(
        id("device-123"),
        object(json!({"power": "on", "brightness": 80})),
        None,
        false,
    )
    .await
    .unwrap();
    let pushed = a.sync().await.unwrap();
    assert_eq!(pushed.pushed, 3, "{pushed:?}");
    assert!(pushed.errors.is_empty() && pushed.conflicts.is_empty());
    b.sync().await.unwrap();
    assert_eq!(b.get_room(room.id).await.unwrap().name, "Living Room 🛋");
    assert_eq!(
        b.get_device(lamp.id).await.unwrap().device_type,
        DeviceType::Other
    );
    let state = b.get_device_state(id("device-123")).await.unwrap();
    assert_eq!(
        (&state.state["power"], &state.state["brightness"]),
        (&json!("on"), &json!(80))
    );
    agree(&hub, &[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_offline_edits_of_one_device_leave_one_winner_and_one_journal_entry() {
    let (hub, folder) = (sample_hub().await, tempfile::tempdir().unwrap());
    let (a, b) = (
        client(&folder, "a.db", &hub).await,
        client(&folder, "b.db", &hub).await,
    );
    agree(&hub, &[&a, &b]).await;
    a.update_device(
        id("device-123"),
        DevicePatch {
            name: Some("From A".into()),
            ..DevicePatch::default()
        },
    )
    .await
    .unwrap();
    b.update_device(
        id("device-123"),
        DevicePatch {
            name: Some("From B".into()),
            ..DevicePatch::default()
        },
    )
    .await
    .unwrap();
    a.sync().await.unwrap();
    let met = b.sync().await.unwrap();
    agree(&hub, &[&a, &b]).await;
    // Within a second the greater edit id wins, which is the later one, B's.
    assert_eq!(a.get_device(id("device-123")).await.unwrap().name, "From B");
    assert_eq!(met.conflicts.len(), 1, "{met:?}");
    assert_eq!(met.conflicts[0].loser, Loser::Remote);
    // Its author is told too, and may bring it back.
    let lost = a.conflicts().await.unwrap();
    assert_eq!(lost.len(), 1);
    assert_eq!(
        (lost[0].loser, &lost[0].losing["name"]),
        (Loser::Local, &json!("From A"))
    );
    a.restore(lost[0].conflict_id).await.unwrap();
    agree(&hub, &[&a, &b]).await;
    assert_eq!(b.get_device(id("device-123")).await.unwrap().name, "From A");
    assert!(a.conflicts().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_is_told_and_the_right_one_goes_on() {
    let (hub, folder) = (sample_hub().await, tempfile::tempdir().unwrap());
    let client = WildThingClient::open(folder.path().join("a.db"), OpenOptions::default())
        .await
        .unwrap();
    assert_eq!(client.sync().await.unwrap_err(), WildThingError::NotConnected);
    client
        .connect(hub.url(), Some("wrong".into()), None)
        .await
        .unwrap();
    assert_eq!(
        client.probe().await.unwrap_err(),
        WildThingError::NeedsAuth { status: 401 }
    );
    assert_eq!(
        client.sync().await.unwrap_err(),
        WildThingError::NeedsAuth { status: 401 }
    );
    client.set_auth_token(Some(TOKEN.into())).unwrap();
    assert_eq!(client.sync().await.unwrap().pulled, 300);
    let status = client.get_sync_status().await.unwrap();
    assert_eq!(
        (status.total_syncs, status.sync_failures, status.pending),
        (1, 0, 0)
    );
    assert!(!status.sync_in_progress);
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_made_while_the_hub_is_gone_arrive_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("hub.db");
    let first = hub(Some(&db), "127.0.0.1:0").await;
    first.store().lock().unwrap().load_sample(30).unwrap();
    let a = client(&folder, "a.db", &first).await;
    a.sync().await.unwrap();
    let address = first.addr().to_string();
    first.shutdown().await.unwrap();
    a.update_room(
        id("room-123"),
        RoomPatch {
            name: Some("Den".into()),
            ..RoomPatch::default()
        },
    )
    .await
    .unwrap();
    assert_eq!(a.sync().await.unwrap_err().code(), "offline");
    assert_eq!(a.pending_changes().await.unwrap().len(), 1);
    let again = hub(Some(&db), &address).await;
    assert_eq!(a.sync().await.unwrap().pushed, 1);
    agree(&again, &[&a]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pause_frees_the_file_and_resume_goes_on() {
    let (hub, folder) = (sample_hub().await, tempfile::tempdir().unwrap());
    let a = client(&folder, "a.db", &hub).await;
    a.sync().await.unwrap();
    a.pause().await.unwrap();
    assert_eq!(a.get_houses().await.unwrap_err(), WildThingError::Paused);
    assert_eq!(a.sync().await.unwrap_err(), WildThingError::Paused);
    let other = wildthing::store::test_connection(folder.path().join("a.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE; COMMIT").unwrap();
    drop(other);
    a.resume().await.unwrap();
    assert_eq!(a.get_houses().await.unwrap().len(), 1);
    a.sync().await.unwrap();
    a.shutdown().await;
    assert_eq!(a.get_houses().await.unwrap_err(), WildThingError::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_asks_before_it_drops_unsent_edits() {
    let (hub, folder) = (sample_hub().await, tempfile::tempdir().unwrap());
    let a = client(&folder, "a.db", &hub).await;
    a.sync().await.unwrap();
    a.delete_room(id("room-123")).await.unwrap();
    let unsent = a.pending_changes().await.unwrap();
    assert!(unsent.len() > 1, "a room is deleted with its devices: {unsent:?}");
    let count = unsent.len() as u64;
    assert_eq!(
        a.reset(false).await.unwrap_err(),
        WildThingError::UnsentEdits { count }
    );
    a.reset(true).await.unwrap();
    assert!(a.get_houses().await.unwrap().is_empty());
    a.sync().await.unwrap();
    assert_eq!(a.get_room(id("room-123")).await.unwrap().id, "room-123");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_tells_again_of_lost_edits_that_a_reset_forgot() {
    let (hub, folder) = (sample_hub().await, tempfile::tempdir().unwrap());
    let (a, b) = (
        client(&folder, "a.db", &hub).await,
        client(&folder, "b.db", &hub).await,
    );
    for (client, floor) in [(&a, 7), (&b, 8)] {
        client.sync().await.unwrap();
        let patch = RoomPatch {
            floor: Some(floor),
            ..RoomPatch::default()
        };
        client.update_room(id("room-123"), patch).await.unwrap();
    }
    a.sync().await.unwrap();
    b.sync().await.unwrap();
    // Once it was applied, and then it lost to one that came later.
    let lost = a.sync().await.unwrap().conflicts;
    assert_eq!(lost.len(), 1);
    a.dismiss(lost[0].conflict_id).await.unwrap();
    assert_eq!(a.sync().await.unwrap().conflicts, []);

    a.reset(true).await.unwrap();
    assert_eq!(a.conflicts().await.unwrap(), []);
    a.sync().await.unwrap();
    let again = a.conflicts().await.unwrap();
    assert_eq!(again.len(), 1);
    a.restore(again[0].conflict_id).await.unwrap();
    assert_eq!(a.get_room(id("room-123")).await.unwrap().floor, Some(7));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_hub_is_refused_until_a_move_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (sample_hub().await, sample_hub().await);
    let a = client(&folder, "a.db", &one).await;
    a.sync().await.unwrap();
    a.update_room(
        id("room-123"),
        RoomPatch {
            name: Some("Moved".into()),
            ..RoomPatch::default()
        },
    )
    .await
    .unwrap();
    a.connect(two.url(), Some(TOKEN.into()), None).await.unwrap();
    assert_eq!(a.sync().await.unwrap_err().code(), "other_server");
    let moving = ConnectOptions {
        rebind: true,
        ..ConnectOptions::default()
    };
    a.connect(two.url(), Some(TOKEN.into()), Some(moving))
        .await
        .unwrap();
    a.sync().await.unwrap();
    agree(&two, &[&a]).await;
    assert_eq!(a.get_room(id("room-123")).await.unwrap().name, "Moved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_background_sync_pushes_a_write_after_a_moment_and_tells_of_it() {
    let (hub, folder) = (sample_hub().await, tempfile::tempdir().unwrap());
    let a = client(&folder, "a.db", &hub).await;
    let mut changes = a.changes().events();
    a.start_background_sync(std::time::Duration::from_secs(3_600))
        .await
        .unwrap();
    let mut completed = Vec::new();
    while completed.len() < 2 {
        if let Some(Observed::Change(ChangeEvent::SyncCompleted { pushed, .. })) = changes.next().await {
            completed.push(pushed);
            if completed.len() == 1 {
                a.update_room(
                    id("room-123"),
                    RoomPatch {
                        floor: Some(3),
                        ..RoomPatch::default()
                    },
                )
                .await
                .unwrap();
            }
        }
    }
    assert_eq!(
        completed,
        [0, 1],
        "the second sync is the write's, an hour before its time"
    );
    assert!(a.pending_changes().await.unwrap().is_empty());
    a.stop_background_sync().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_says_of_each_record_what_the_record_says_itself() {
    let (hub, folder) = (sample_hub().await, tempfile::tempdir().unwrap());
    let (a, b) = (
        client(&folder, "a.db", &hub).await,
        client(&folder, "b.db", &hub).await,
    );
    a.sync().await.unwrap();
    b.sync().await.unwrap();
    // One with an edit that lost, one with an unsent edit, one unplaced, one that never told.
    let devices = a.get_devices(None).await.unwrap();
    let rename = |name: &str| DevicePatch {
        name: Some(name.into()),
        ..DevicePatch::default()
    };
    a.update_device(devices[0].id.clone(), rename("A's"))
        .await
        .unwrap();
    b.update_device(devices[0].id.clone(), rename("B's"))
        .await
        .unwrap();
    b.sync().await.unwrap();
    a.sync().await.unwrap();
    a.update_device_state(devices[1].id.clone(), object(json!({"a": 1})), None, true)
        .await
        .unwrap();
    let room = a.get_rooms(None).await.unwrap().swap_remove(0);
    a.create_device(NewDevice::new(room.id.clone(), "New"))
        .await
        .unwrap();
    let gone = devices[2].room_id.clone().unwrap();
    let delete = json!({"entity_type": "room", "entity_id": gone, "operation": "delete",
        "client_sync_id": "c1", "bases": [],
        "data": {"id": gone, "sync_id": "zz", "name": "Gone", "house_id": "house-1", "house_name": "H",
                 "updated_at": "2030-01-01T00:00:00", "is_deleted": true}});
    hub.store()
        .lock()
        .unwrap()
        .push("somebody", vec![delete])
        .unwrap();
    a.sync().await.unwrap();

    for room_id in [None, Some(room.id), Some(gone)] {
        let listed = a.get_devices(room_id).await.unwrap();
        assert!(!listed.is_empty());
        for device in listed {
            assert_eq!(device, a.get_device(device.id.clone()).await.unwrap());
        }
    }
    let listed = a.get_devices(None).await.unwrap();
    assert!(listed.iter().any(|device| device.unplaced));
    assert!(listed.iter().any(|device| !device.state.is_empty()));
    for room in a.get_rooms(None).await.unwrap() {
        assert_eq!(room, a.get_room(room.id.clone()).await.unwrap());
    }
    let open = a.conflicts().await.unwrap();
    let superseded = listed
        .iter()
        .chain(&b.get_devices(None).await.unwrap())
        .any(|device| matches!(device.freshness, wildthing::client::Freshness::Superseded { .. }));
    assert!(superseded, "{open:?}");
}
