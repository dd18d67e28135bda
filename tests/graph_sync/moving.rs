//! Moving: devices between rooms, rooms between houses, replicas between servers,
//! and what a graph has no place for.

use wildthing::client::{ConnectOptions, DevicePatch, NewUser, WildThingError};
use wildthing::hub::{Hub, HubOptions};
use wildthing::model::{Kind, RecordStatus};
use wildthing::protocol::Protocol;

use super::traps::{house, lamp, named, room};
use super::{agree, client, hub, hub_digest, offline};
use crate::hub2_support::{self, TOKEN};

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_moved_is_in_the_other_room_for_everybody_and_in_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    let (ann, ben) = (
        client(&folder, "ann.db", &hub).await,
        client(&folder, "ben.db", &hub).await,
    );
    ann.sync().await.unwrap();
    let home = ann.create_house(house("Home")).await.unwrap();
    let kitchen = ann.create_room(room(&home.id, "Kitchen")).await.unwrap();
    let hall = ann.create_room(room(&home.id, "Hall")).await.unwrap();
    let light = ann.create_device(lamp(&kitchen.id, "Light")).await.unwrap();
    agree(&hub, &[&ann, &ben]).await;
    let to = |room| DevicePatch {
        room_id: Some(room),
        ..DevicePatch::default()
    };
    ben.update_device(light.id.clone(), to(hall.id.clone()))
        .await
        .unwrap();
    // Before the sync too.
    assert_eq!(ben.get_devices(Some(hall.id.clone())).await.unwrap().len(), 1);
    agree(&hub, &[&ben, &ann]).await;
    for client in [&ann, &ben] {
        assert_eq!(
            client.get_device(light.id.clone()).await.unwrap().room_id,
            Some(hall.id.clone())
        );
        assert_eq!(
            client.get_devices(Some(kitchen.id.clone())).await.unwrap().len(),
            0
        );
    }
    // The server has the same edge with another target, not a second one.
    let edges = hub2_support::get(hub.addr(), "/api/v1/graph/relationships").ok();
    assert_eq!(edges["relationships"].as_array().unwrap().len(), 3);

    // Ann renames what Ben moved: her edit moves nothing back.
    ann.update_device(light.id.clone(), named("Lantern"))
        .await
        .unwrap();
    agree(&hub, &[&ann, &ben]).await;
    assert_eq!(
        ben.get_device(light.id.clone()).await.unwrap().room_id,
        Some(hall.id)
    );
    assert_eq!(ben.get_device(light.id).await.unwrap().name, "Lantern");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_is_deleted_takes_its_devices_with_it_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    let (ann, ben) = (
        client(&folder, "ann.db", &hub).await,
        client(&folder, "ben.db", &hub).await,
    );
    ann.sync().await.unwrap();
    let home = ann.create_house(house("Home")).await.unwrap();
    let kitchen = ann.create_room(room(&home.id, "Kitchen")).await.unwrap();
    ann.create_device(lamp(&kitchen.id, "Light")).await.unwrap();
    agree(&hub, &[&ann, &ben]).await;
    ben.delete_room(kitchen.id).await.unwrap();
    agree(&hub, &[&ben, &ann]).await;
    assert_eq!(ann.get_devices(None).await.unwrap().len(), 0);
    assert_eq!(ann.get_rooms(Some(home.id)).await.unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_graph_has_no_place_for_stays_here_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    let ann = client(&folder, "ann.db", &hub).await;
    ann.sync().await.unwrap();
    let home = ann.create_house(house("Home")).await.unwrap();
    let user = ann
        .create_user(NewUser {
            house_id: home.id.clone(),
            name: "Ann".into(),
            email: None,
            role: None,
            preferences: None,
        })
        .await
        .unwrap();
    let result = ann.sync().await.unwrap();
    let [problem] = result.errors.as_slice() else {
        panic!("{:?}", result.errors)
    };
    assert_eq!(
        (problem.code.as_str(), &problem.kind),
        ("unsupported_by_server", &Kind::User)
    );
    // It is there, whatever is synced after, and nothing else is held up by it.
    assert!(ann.sync().await.unwrap().errors.is_empty());
    assert_eq!(ann.get_user(user.id).await.unwrap().name, "Ann");
    assert_eq!(
        ann.get_house(Some(home.id)).await.unwrap().sync_status,
        RecordStatus::Synced
    );
    assert_eq!(ann.conflicts().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_house_moves_from_a_server_of_v1_to_one_with_a_graph_and_keeps_what_was_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let old = Hub::start(HubOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        db: None,
        auth_token: Some(TOKEN.into()),
        ..HubOptions::default()
    })
    .await
    .unwrap();
    old.store().lock().unwrap().load_sample(30).unwrap();
    let ann = offline(&folder, "ann.db").await;
    ann.connect(old.url(), Some(TOKEN.into()), None).await.unwrap();
    ann.sync().await.unwrap();
    assert_eq!(ann.get_sync_status().await.unwrap().protocol, Protocol::V1);
    let homes = ann.get_houses().await.unwrap();
    let kitchen = ann.create_room(room(&homes[0].id, "New kitchen")).await.unwrap();
    let light = ann.create_device(lamp(&kitchen.id, "New light")).await.unwrap();

    let hub = hub().await;
    // Not by itself: the server there speaks another protocol.
    ann.connect(hub.url(), Some(TOKEN.into()), None).await.unwrap();
    ann.sync().await.unwrap_err();
    let asked = ConnectOptions {
        protocol: Some(Protocol::V2),
        ..ConnectOptions::default()
    };
    let refused = ann
        .connect(hub.url(), Some(TOKEN.into()), Some(asked))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, WildThingError::OtherServer { .. }),
        "{refused:?}"
    );

    let rebind = ConnectOptions {
        rebind: true,
        ..ConnectOptions::default()
    };
    ann.connect(hub.url(), Some(TOKEN.into()), Some(rebind))
        .await
        .unwrap();
    ann.sync().await.unwrap();
    assert_eq!(ann.get_sync_status().await.unwrap().protocol, Protocol::V2);
    let ben = client(&folder, "ben.db", &hub).await;
    ben.sync().await.unwrap();
    assert_eq!(
        ben.get_device(light.id).await.unwrap().room_id,
        Some(kitchen.id.clone())
    );
    // The old house was not at the new server: it is kept among what was lost.
    assert_eq!(ben.get_houses().await.unwrap().len(), 0);
    assert!(
        ann.conflicts()
            .await
            .unwrap()
            .iter()
            .any(|lost| lost.reason == "absent_on_server")
    );
    assert_eq!(ann.digests().await.unwrap().state, hub_digest(&hub));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_restored_is_where_it_is_now_whoever_made_it() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    let (ann, ben) = (
        client(&folder, "ann.db", &hub).await,
        client(&folder, "ben.db", &hub).await,
    );
    ann.sync().await.unwrap();
    let home = ann.create_house(house("Home")).await.unwrap();
    let kitchen = ann.create_room(room(&home.id, "Kitchen")).await.unwrap();
    let light = ann.create_device(lamp(&kitchen.id, "Light")).await.unwrap();
    agree(&hub, &[&ann, &ben]).await;
    // Ann's edit wins over one that somebody else pushed long ago by its own clock.
    ann.update_device(light.id.clone(), named("Ann's")).await.unwrap();
    let before = hub2_support::current(hub.addr(), light.id.as_str());
    let entity = hub2_support::get(hub.addr(), &format!("/api/v1/graph/entities/{}", light.id)).ok();
    let mut theirs = entity["entity"].clone();
    theirs["name"] = "theirs".into();
    theirs["version"] = "2020-01-01T00:00:00.000000+00:00-000001-other".into();
    theirs["parent_versions"] = serde_json::json!([before]);
    hub2_support::push(hub.addr(), &[hub2_support::change("update", theirs, &[])]);
    let result = ann.sync().await.unwrap();
    let [conflict] = result.conflicts.as_slice() else {
        panic!("{:?}", result.conflicts)
    };
    ann.restore(conflict.conflict_id).await.unwrap();
    agree(&hub, &[&ann, &ben]).await;
    for client in [&ann, &ben] {
        let light = client.get_device(light.id.clone()).await.unwrap();
        assert_eq!(light.room_id, Some(kitchen.id.clone()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_discarded_leaves_nothing_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    let ann = client(&folder, "ann.db", &hub).await;
    ann.sync().await.unwrap();
    let home = ann.create_house(house("Home")).await.unwrap();
    let kitchen = ann.create_room(room(&home.id, "Kitchen")).await.unwrap();
    let hall = ann.create_room(room(&home.id, "Hall")).await.unwrap();
    let light = ann.create_device(lamp(&kitchen.id, "Light")).await.unwrap();
    ann.sync().await.unwrap();
    // A device that was never sent, and a move.
    let other = ann.create_device(lamp(&kitchen.id, "Other")).await.unwrap();
    let to_hall = DevicePatch {
        room_id: Some(hall.id),
        ..DevicePatch::default()
    };
    ann.update_device(light.id.clone(), to_hall).await.unwrap();
    ann.discard(Kind::Device, other.id).await.unwrap();
    ann.discard(Kind::Device, light.id.clone()).await.unwrap();
    assert_eq!(ann.pending_changes().await.unwrap(), []);
    let light = ann.get_device(light.id).await.unwrap();
    assert_eq!(light.room_id, Some(kitchen.id));
    assert!(ann.sync().await.unwrap().errors.is_empty());
    assert_eq!(ann.digests().await.unwrap().state, hub_digest(&hub));
}
