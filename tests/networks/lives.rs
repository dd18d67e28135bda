//! A server whose database is replaced at any request of a sync: by a backup, or by
//! that of another house.

use super::*;
use wildthing::hub::Hub;

/// Another hub on a copy of `from`.
async fn second(house: &House, from: &str, folder: &TempDir) -> AnyHub {
    std::fs::copy(house.props.path().join(from), hub_db(folder.path())).unwrap();
    AnyHub::start(house.protocol, folder.path()).await
}

/// As one says to it after a backup was brought back.
fn begin_anew(hub: &AnyHub) {
    if let AnyHub::V1(hub) = hub {
        let hub: &Hub = hub;
        hub.store().lock().unwrap().new_epoch().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_epoch_at_any_request_costs_no_edit() {
    let house = House::new(Protocol::V1).await;
    let epoch = |scene: &Scene| {
        let AnyHub::V1(hub) = &scene.hub else {
            unreachable!()
        };
        let store = hub.store();
        Act::First(Box::new(move || drop(store.lock().unwrap().new_epoch().unwrap())))
    };
    let places = at_every_request(&house, "a new epoch", epoch, |synced, what| {
        synced.unwrap_or_else(|error| panic!("{what}: {error}"));
    })
    .await;
    println!("epochs: {places} places");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_brought_back_at_any_request_costs_no_edit() {
    let mut places = 0;
    for protocol in BOTH {
        let house = House::new(protocol).await;
        for at in 0.. {
            let what = format!("{}, a backup at request {at}", protocol.as_str());
            let mut scene = house.scene().await;
            let folder = tempfile::tempdir().unwrap();
            let restored = second(&house, BACKUP, &folder).await;
            begin_anew(&restored);
            let gate = Gate::before(&scene.hub.url(), at, Act::Turn(restored.url()));
            let synced = scene.sync(&gate.url(), None).await;
            if !gate.is_reached() {
                synced.unwrap();
                break;
            }
            if let Err(error) = synced {
                assert!(
                    matches!(
                        error,
                        WildThingError::Server { .. } | WildThingError::Protocol { .. }
                    ),
                    "{what}: {error:?}"
                );
            }
            scene.hub = restored;
            scene.ends_well(&house, &what).await;
            places += 1;
        }
    }
    println!("backups: {places} places");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_of_another_house_at_any_request_costs_no_edit() {
    // A server of v2 does not say which one it is.
    let house = House::new(Protocol::V1).await;
    let mut places = 0;
    for at in 0.. {
        let what = format!("v1, another house at request {at}");
        let scene = house.scene().await;
        let folder = tempfile::tempdir().unwrap();
        let other = AnyHub::start(Protocol::V1, folder.path()).await;
        other.load_sample();
        let gate = Gate::before(&scene.hub.url(), at, Act::Turn(other.url()));
        let synced = scene.sync(&gate.url(), None).await;
        if !gate.is_reached() {
            synced.unwrap();
            break;
        }
        if let Err(error) = synced {
            assert!(
                matches!(error, WildThingError::OtherServer { .. }),
                "{what}: {error:?}"
            );
        }
        let refused = scene.sync(&other.url(), None).await.unwrap_err();
        assert!(
            matches!(refused, WildThingError::OtherServer { .. }),
            "{what}: {refused:?}"
        );
        scene.ends_well(&house, &what).await;
        places += 1;
    }
    println!("other houses: {places} places");
}
