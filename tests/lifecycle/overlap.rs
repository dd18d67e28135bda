//! Pausing, resuming, ending, connecting, and starting and stopping the
//! background sync, at the same time: one after the other in the order of the
//! calls, and each wholly, whether or not its caller waits.

use std::sync::Mutex;
use std::sync::mpsc::channel;

use futures_util::FutureExt as _;
use futures_util::future::{join, join_all};
use wildthing::client::Connection;

use super::*;

const HOUR: Duration = Duration::from_secs(3_600);

async fn alone() -> (tempfile::TempDir, WildThingClient) {
    let folder = tempfile::tempdir().unwrap();
    let client = WildThingClient::open(database(folder.path()), OpenOptions::default())
        .await
        .unwrap();
    (folder, client)
}

async fn check(client: &WildThingClient, folder: &Path, paused: bool) {
    assert_eq!(client.get_sync_status().await.unwrap().paused, paused);
    // Two calls that ask at different places whether the client is paused.
    if paused {
        assert_eq!(client.get_houses().await, Err(WildThingError::Paused));
        assert_eq!(client.sync().await, Err(WildThingError::Paused));
        assert_eq!(process::open_files(folder), Vec::<PathBuf>::new());
    } else {
        assert_eq!(client.get_houses().await, Ok(vec![]));
        assert_eq!(client.sync().await, Err(WildThingError::NotConnected));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pausing_and_resuming_at_once_end_as_the_later_call_says() {
    let (folder, client) = alone().await;
    for _ in 0..100 {
        let both = held::soon(join(client.pause(), client.resume())).await;
        assert_eq!(both, (Ok(()), Ok(())));
        check(&client, folder.path(), false).await;

        let both = held::soon(join(client.resume(), client.pause())).await;
        assert_eq!(both, (Ok(()), Ok(())));
        check(&client, folder.path(), true).await;

        // Nobody waits for the first of the two.
        let _ = client.resume().now_or_never();
        held::soon(client.pause()).await.unwrap();
        check(&client, folder.path(), true).await;
        let _ = client.pause().now_or_never();
        held::soon(client.resume()).await.unwrap();
        check(&client, folder.path(), false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_nobody_waits_for_is_still_one() {
    let place = Place::new().await;
    let hold = place.held.hold(0, When::BeforeTheServerHasIt);
    let syncing = tokio::spawn({
        let client = place.client.clone();
        async move { client.sync().await }
    });
    held::soon(hold.reached()).await;
    let _ = place.client.pause().now_or_never();
    assert_eq!(held::soon(syncing).await.unwrap(), Err(WildThingError::Cancelled));
    process::until("the file is closed", || {
        process::open_files(place.folder.path()).is_empty()
    });
    hold.release();
    held::soon(place.client.resume()).await.unwrap();
    place.agrees().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_begins_after_the_end() {
    for at_once in [false, true] {
        let place = Place::new().await;
        place.client.sync().await.unwrap();
        let client = &place.client;
        let calls = async {
            assert_eq!(client.resume().await, Err(WildThingError::Cancelled));
            assert_eq!(
                client.start_background_sync(HOUR).await,
                Err(WildThingError::Cancelled)
            );
            assert_eq!(client.pause().await, Err(WildThingError::Cancelled));
            assert_eq!(
                client.connect(place.hub.url(), None, None).await,
                Err(WildThingError::Cancelled)
            );
            assert_eq!(client.disconnect().await, Err(WildThingError::Cancelled));
        };
        if at_once {
            held::soon(join(client.shutdown(), calls)).await;
        } else {
            held::soon(client.shutdown()).await;
            held::soon(calls).await;
        }
        held::soon(client.stop_background_sync()).await;
        held::soon(client.shutdown()).await;
        assert_eq!(client.get_houses().await, Err(WildThingError::Cancelled));
        assert_eq!(process::open_files(place.folder.path()), Vec::<PathBuf>::new());
    }
}

/// The real thing, and countable: whoever works with it holds it.
#[derive(Debug)]
struct Counted;

impl Seam for Counted {
    fn now(&self) -> Timestamp {
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
async fn background_syncs_started_at_once_are_one_and_stopping_it_leaves_none() {
    let (folder, seam, hub) = (tempfile::tempdir().unwrap(), Arc::new(Counted), hub().await);
    let client = WildThingClient::open_on(
        database(folder.path()),
        OpenOptions::default(),
        Arc::clone(&seam) as SharedSeam,
    )
    .await
    .unwrap();
    client.connect(hub.url(), Some(TOKEN.into()), None).await.unwrap();
    client.sync().await.unwrap();
    let holders = || Arc::strong_count(&seam);
    let without = holders();
    let none_left = async || {
        assert!(!client.get_sync_status().await.unwrap().background);
        process::until("no background sync is left", || holders() == without);
    };

    let starts = (0..8).map(|_| client.start_background_sync(HOUR));
    for started in held::soon(join_all(starts)).await {
        started.unwrap();
    }
    assert!(client.get_sync_status().await.unwrap().background);
    held::soon(client.stop_background_sync()).await;
    none_left().await;

    for _ in 0..20 {
        held::soon(join(
            client.stop_background_sync(),
            client.start_background_sync(HOUR),
        ))
        .await
        .1
        .unwrap();
        assert!(client.get_sync_status().await.unwrap().background);
        held::soon(join(
            client.start_background_sync(HOUR),
            client.stop_background_sync(),
        ))
        .await
        .0
        .unwrap();
        none_left().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn disconnecting_while_paused_fails_and_leaves_the_server_as_it_was() {
    let place = Place::new().await;
    place.client.sync().await.unwrap();
    place.client.start_background_sync(HOUR).await.unwrap();
    place.client.pause().await.unwrap();
    assert_eq!(place.client.disconnect().await, Err(WildThingError::Paused));
    place.client.resume().await.unwrap();
    let status = place.client.get_sync_status().await.unwrap();
    assert_eq!(status.server_url, Some(place.held.url()));
    assert_eq!(status.connection, Connection::Online);
    assert!(status.background);
    place.agrees().await;

    place.client.disconnect().await.unwrap();
    let status = place.client.get_sync_status().await.unwrap();
    assert_eq!(status.server_url, None);
    assert_eq!(status.connection, Connection::NotConnected);
    assert!(!status.background);
    assert_eq!(place.client.sync().await, Err(WildThingError::NotConnected));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_is_that_of_this_pause_from_its_beginning() {
    let place = Place::new().await;
    place.client.sync().await.unwrap();
    for round in 1..=2 {
        place.edit(round).await;
        let pending = place.client.get_sync_status().await.unwrap().pending;
        // The first page, so that the edits stay unsent.
        let hold = place.held.hold(0, When::BeforeTheServerHasIt);
        let syncing = tokio::spawn({
            let client = place.client.clone();
            async move { client.sync().await }
        });
        held::soon(hold.reached()).await;
        // The sync ends when the test wants.
        let (ends, mut ending) = tokio::sync::mpsc::unbounded_channel();
        let (go_on, told) = channel();
        let told = Mutex::new(told);
        place.client.store().set_fault(Some(Box::new(move |name| {
            if name == "finish" {
                ends.send(()).unwrap();
                told.lock().unwrap().recv().unwrap();
            }
            false
        })));
        let pausing = tokio::spawn({
            let client = place.client.clone();
            async move { client.pause().await }
        });
        held::soon(ending.recv()).await.unwrap();
        let status = held::soon(place.client.get_sync_status()).await.unwrap();
        assert!(status.paused);
        assert_eq!(status.pending, pending);
        go_on.send(()).unwrap();
        held::soon(pausing).await.unwrap().unwrap();
        let status = place.client.get_sync_status().await.unwrap();
        assert!(status.paused);
        assert!(!status.sync_in_progress);
        assert_eq!(status.pending, pending);
        assert_eq!(held::soon(syncing).await.unwrap(), Err(WildThingError::Cancelled));
        place.client.store().set_fault(None);
        hold.release();
        place.client.resume().await.unwrap();
        place.agrees().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_in_mid_sync_is_told() {
    let place = Place::new().await;
    place.client.sync().await.unwrap();
    place.edit(1).await;
    let hold = place.held.hold(0, When::AfterItAnswered);
    let syncing = tokio::spawn({
        let client = place.client.clone();
        async move { client.sync().await }
    });
    held::soon(hold.reached()).await;
    place.client.set_auth_token(Some("wrong".into())).unwrap();
    hold.release();
    assert!(matches!(
        held::soon(syncing).await.unwrap(),
        Err(WildThingError::NeedsAuth { .. })
    ));
    let connection = place.client.get_sync_status().await.unwrap().connection;
    assert_eq!(connection, Connection::NeedsAuth);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_panicked_lets_others_sync_and_is_told_of() {
    let place = Place::new().await;
    place.client.store().set_fault(Some(Box::new(|name| {
        assert!(name != "page", "as the test wants");
        false
    })));
    let broken = held::soon(place.client.sync()).await;
    assert!(
        matches!(broken, Err(WildThingError::Internal { .. })),
        "{broken:?}"
    );
    place.client.store().set_fault(None);
    let status = place.client.get_sync_status().await.unwrap();
    assert!(!status.sync_in_progress);
    assert_eq!(status.sync_failures, 1);
    assert!(status.last_sync_error.is_some());

    let other = WildThingClient::open(database(place.folder.path()), OpenOptions::default())
        .await
        .unwrap();
    other
        .connect(place.hub.url(), Some(TOKEN.into()), None)
        .await
        .unwrap();
    held::soon(other.sync()).await.unwrap();
}
