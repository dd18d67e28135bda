//! The life of a client around a running sync: cancelling, pausing, resuming,
//! and opening and closing for ever. What changes meanwhile is told in
//! `observing`.
#![cfg(all(feature = "testing", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "lifecycle/callers.rs"]
mod callers;
#[path = "lifecycle/held.rs"]
mod held;
#[path = "lifecycle/overlap.rs"]
mod overlap;
#[path = "lifecycle/process.rs"]
mod process;
mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use held::{HeldServer, When};
use wildthing::client::{
    HousePatch, NewHouse, NewRoom, OpenOptions, RoomPatch, WildThingClient, WildThingError,
};
use wildthing::hub::{Hub, HubOptions};
use wildthing::model::Timestamp;
use wildthing::seam::{BoxFuture, RealSeam, Seam, SharedSeam};

const TOKEN: &str = "open-sesame";
/// The pages of a sample house, the push and the acknowledgement: how many
/// requests a sync of these tests has.
const REQUESTS: u64 = 3;

/// A hub, a server before it that can hold a request, and a client.
struct Place {
    hub: Hub,
    held: HeldServer,
    client: WildThingClient,
    folder: tempfile::TempDir,
}

async fn hub() -> Hub {
    Hub::start(HubOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        db: None,
        auth_token: Some(TOKEN.into()),
        ..HubOptions::default()
    })
    .await
    .unwrap()
}

impl Place {
    async fn new() -> Self {
        let hub = hub().await;
        hub.store().lock().unwrap().load_sample(60).unwrap();
        let held = HeldServer::before(hub.url());
        let folder = tempfile::tempdir().unwrap();
        let client = WildThingClient::open(database(folder.path()), OpenOptions::default())
            .await
            .unwrap();
        client
            .connect(held.url(), Some(TOKEN.into()), None)
            .await
            .unwrap();
        Self {
            hub,
            held,
            client,
            folder,
        }
    }

    async fn edit(&self, round: u64) {
        let house = self.client.get_house(None).await.unwrap();
        let room = NewRoom::new(house.id.clone(), format!("Room {round}"));
        let room = self.client.create_room(room).await.unwrap();
        let patch = RoomPatch {
            floor: Some(round.cast_signed()),
            ..RoomPatch::default()
        };
        self.client.update_room(room.id, patch).await.unwrap();
        let patch = HousePatch {
            address: Some(format!("{round} Main Street")),
            ..HousePatch::default()
        };
        self.client.update_house(house.id, patch).await.unwrap();
    }

    /// Somebody else's doing, so that there is something to pull.
    async fn edit_elsewhere(&self, other: &WildThingClient, round: u64) {
        let device = other.get_devices(None).await.unwrap().swap_remove(0);
        let state = serde_json::json!({ "round": round }).as_object().unwrap().clone();
        other
            .update_device_state(device.id, state, None, false)
            .await
            .unwrap();
        other.sync().await.unwrap();
    }

    async fn agrees(&self) {
        self.client.sync().await.unwrap();
        let digests = self.client.digests().await.unwrap();
        let hub = self.hub.store();
        let hub = hub.lock().unwrap();
        assert_eq!(
            digests.state,
            hub.state_digest(&wildthing::model::Kind::V1).unwrap()
        );
        assert_eq!(digests.content, hub.content_digest().unwrap());
    }
}

fn database(folder: &Path) -> PathBuf {
    folder.join("replica.db")
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % bound
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_returns_while_the_server_holds_the_request_and_loses_nothing() {
    let place = Place::new().await;
    place.client.sync().await.unwrap();
    let other = WildThingClient::open(place.folder.path().join("other.db"), OpenOptions::default())
        .await
        .unwrap();
    other
        .connect(place.hub.url(), Some(TOKEN.into()), None)
        .await
        .unwrap();
    other.sync().await.unwrap();
    let mut dice = Dice(7);
    for round in 0..100 {
        place.edit(round).await;
        place.edit_elsewhere(&other, round).await;
        let when = match dice.below(2) {
            0 => When::BeforeTheServerHasIt,
            _ => When::AfterItAnswered,
        };
        let hold = place.held.hold(dice.below(REQUESTS), when);
        let syncing = tokio::spawn({
            let client = place.client.clone();
            async move { client.sync().await }
        });
        held::soon(hold.reached()).await;
        place.client.cancel_sync();
        let result = held::soon(syncing).await.unwrap();
        assert_eq!(result, Err(WildThingError::Cancelled), "round {round}");
        assert!(
            hold.holds(),
            "the request had come back before the sync was cancelled"
        );
        hold.release();
        place.agrees().await;
        assert_eq!(place.client.pending_changes().await.unwrap(), []);
    }
    assert_eq!(place.client.conflicts().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn pausing_in_a_sync_closes_the_file_and_resuming_goes_on() {
    let place = Place::new().await;
    place.client.sync().await.unwrap();
    for (round, when) in [When::BeforeTheServerHasIt, When::AfterItAnswered]
        .into_iter()
        .enumerate()
    {
        place.edit(round as u64).await;
        let hold = place.held.hold(1, when);
        let syncing = tokio::spawn({
            let client = place.client.clone();
            async move { client.sync().await }
        });
        held::soon(hold.reached()).await;
        assert!(!process::open_files(place.folder.path()).is_empty());

        held::soon(place.client.pause()).await.unwrap();
        assert!(hold.holds());
        assert_eq!(process::open_files(place.folder.path()), Vec::<PathBuf>::new());
        assert_eq!(held::soon(syncing).await.unwrap(), Err(WildThingError::Cancelled));
        assert_eq!(place.client.get_houses().await, Err(WildThingError::Paused));
        assert_eq!(place.client.sync().await, Err(WildThingError::Paused));
        // Another program may take the file for itself meanwhile.
        let file = wildthing::store::test_connection(database(place.folder.path())).unwrap();
        file.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT")
            .unwrap();
        drop(file);

        place.client.resume().await.unwrap();
        hold.release();
        place.agrees().await;
        assert_eq!(place.client.pending_changes().await.unwrap(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_ends_in_a_sync_frees_the_file_and_its_lease() {
    for shut in [true, false] {
        let place = Place::new().await;
        place.client.sync().await.unwrap();
        place.edit(1).await;
        let hold = place.held.hold(1, When::AfterItAnswered);
        let syncing = tokio::spawn({
            let client = place.client.clone();
            async move { client.sync().await }
        });
        held::soon(hold.reached()).await;
        let Place {
            hub,
            held,
            client,
            folder,
        } = place;
        if shut {
            held::soon(client.shutdown()).await;
            assert_eq!(held::soon(syncing).await.unwrap(), Err(WildThingError::Cancelled));
        } else {
            // The task that waits holds a handle too.
            syncing.abort();
            let _ = syncing.await;
        }
        drop(client);
        assert!(hold.holds());
        process::until("the file is closed", || {
            process::open_files(folder.path()).is_empty()
        });
        hold.release();

        let client = WildThingClient::open(database(folder.path()), OpenOptions::default())
            .await
            .unwrap();
        client
            .connect(held.url(), Some(TOKEN.into()), None)
            .await
            .unwrap();
        let place = Place {
            hub,
            held,
            client,
            folder,
        };
        place.agrees().await;
    }
}

/// A clock that panics when it is told to: the nearest thing to a fault of our own.
#[derive(Debug, Default)]
struct Broken(AtomicBool);

impl Seam for Broken {
    fn now(&self) -> Timestamp {
        assert!(!self.0.load(Ordering::SeqCst), "the clock is broken");
        RealSeam.now()
    }

    fn random(&self) -> [u8; 10] {
        RealSeam.random()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        RealSeam.sleep(duration)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_inside_is_an_error_of_that_call_and_changes_nothing() {
    let (folder, seam) = (tempfile::tempdir().unwrap(), Arc::new(Broken::default()));
    let client = WildThingClient::open_on(
        database(folder.path()),
        OpenOptions::default(),
        Arc::clone(&seam) as SharedSeam,
    )
    .await
    .unwrap();
    let house = |name: &str| NewHouse {
        name: name.into(),
        ..NewHouse::default()
    };
    let before = client.create_house(house("Before")).await.unwrap();

    seam.0.store(true, Ordering::SeqCst);
    let broken = client.create_house(house("Never")).await;
    assert!(
        matches!(broken, Err(WildThingError::Internal { .. })),
        "{broken:?}"
    );
    seam.0.store(false, Ordering::SeqCst);
    assert_eq!(client.get_houses().await.unwrap(), [before]);
    client.create_house(house("After")).await.unwrap();
    assert_eq!(client.pending_changes().await.unwrap().len(), 2);

    let hub = hub().await;
    client.connect(hub.url(), Some(TOKEN.into()), None).await.unwrap();
    seam.0.store(true, Ordering::SeqCst);
    let broken = held::soon(client.sync()).await;
    assert!(
        matches!(broken, Err(WildThingError::Internal { .. })),
        "{broken:?}"
    );
    seam.0.store(false, Ordering::SeqCst);
    assert_eq!(client.sync().await.unwrap().pushed, 2);
}

/// A thousand times what an app does that opens its house for every question.
#[test]
fn opening_and_closing_for_ever_leaves_nothing_behind() {
    process::alone("opening_and_closing_for_ever_leaves_nothing_behind", || {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let cycle = |number: u32| {
            runtime.block_on(async {
                let client = WildThingClient::open(database(folder.path()), OpenOptions::default())
                    .await
                    .unwrap();
                let _changes = client.changes();
                client.get_houses().await.unwrap();
                // The other half is dropped without a word.
                if number.is_multiple_of(2) {
                    client.shutdown().await;
                }
            });
        };
        let started = process::footprint().threads;
        let settle = || {
            process::until("the clients' threads have ended", || {
                process::footprint().threads <= started
            });
        };
        // What is made once in a process is made now.
        (0..100).for_each(cycle);
        settle();
        let before = process::footprint();
        (0..1_000).for_each(cycle);
        settle();
        let after = process::footprint();
        assert_eq!(after.files, before.files);
        let grown = after.resident_kib.saturating_sub(before.resident_kib);
        assert!(grown < 8 * 1_024, "grown by {grown} KiB: {before:?} {after:?}");
    });
}
