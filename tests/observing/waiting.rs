//! Waiting until the server has everything.

use wildthing::client::WildThingError;

use super::*;

const LONG: Duration = Duration::from_secs(3_600);

fn spawned(client: &WildThingClient) -> tokio::task::JoinHandle<Result<(), WildThingError>> {
    let client = client.clone();
    tokio::spawn(async move { client.wait_until_synced(LONG).await.map(|_| ()) })
}

#[tokio::test(flavor = "multi_thread")]
async fn it_syncs_by_itself_and_its_errors_come_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let unnamed = offline(&folder).await;
    assert_eq!(
        unnamed.wait_until_synced(LONG).await.unwrap_err(),
        WildThingError::NotConnected
    );
    drop(unnamed);
    let hub = sample_hub(30).await;
    let client = client(&folder, "a.db", &hub).await;
    make_house(&client, "Cabin").await;
    let result = soon(client.wait_until_synced(LONG)).await.unwrap();
    assert_eq!((result.pulled, result.pushed), (30, 1));
    assert!(client.pending_changes().await.unwrap().is_empty());
    // Nothing waits, and yet a sync of its own goes through.
    assert_eq!(soon(client.wait_until_synced(LONG)).await.unwrap().pushed, 0);
    assert_eq!(client.get_sync_status().await.unwrap().total_syncs, 2);
    connect(&client, &hub, "wrong").await;
    assert_eq!(
        soon(client.wait_until_synced(LONG)).await.unwrap_err(),
        WildThingError::NeedsAuth { status: 401 }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_edit_made_before_is_answered_while_others_sync_and_write() {
    let folder = tempfile::tempdir().unwrap();
    let hub = sample_hub(30).await;
    let client = client(&folder, "a.db", &hub).await;
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (stopped, syncing) = (Arc::clone(&stop), client.clone());
    let others = tokio::spawn(async move {
        while !stopped.load(std::sync::atomic::Ordering::SeqCst) {
            let _ = syncing.sync().await;
        }
    });
    for round in 0..20 {
        let id = make_house(&client, &round.to_string()).await;
        soon(client.wait_until_synced(LONG)).await.unwrap();
        let waiting = client.pending_changes().await.unwrap();
        assert!(waiting.iter().all(|change| change.id != id), "{waiting:?}");
    }
    stop.store(true, std::sync::atomic::Ordering::SeqCst);
    soon(others).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_background_sync_is_hurried_and_its_failures_are_waited_out() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("hub.db");
    let hub = hub_at(Some(&db), "127.0.0.1:0").await;
    let client = client(&folder, "a.db", &hub).await;
    let mut changes = client.changes().events();
    client.start_background_sync(LONG).await.unwrap();
    hear(&mut changes, "sync_completed").await;
    make_house(&client, "Cabin").await;
    soon(client.wait_until_synced(LONG)).await.unwrap();
    let address = hub.addr().to_string();
    hub.shutdown().await.unwrap();
    client.set_auth_token(Some("wrong".into())).unwrap();
    make_house(&client, "Hut").await;
    let mut changes = client.changes().events();
    let waiting = spawned(&client);
    let again = hub_at(Some(&db), &address).await;
    client.network_available();
    hear(&mut changes, "needs_auth").await;
    hear(&mut changes, "sync_failed").await;
    assert!(!waiting.is_finished());
    client.set_auth_token(Some(TOKEN.into())).unwrap();
    soon(waiting).await.unwrap().unwrap();
    assert!(client.pending_changes().await.unwrap().is_empty());
    client.stop_background_sync().await;
    drop(again);
}

/// A client whose background sync waits for a token, with one edit.
async fn refused(folder: &tempfile::TempDir, hub: &Hub) -> (WildThingClient, Events) {
    let client = offline(folder).await;
    connect(&client, hub, "wrong").await;
    make_house(&client, "Hut").await;
    let mut changes = client.changes().events();
    client.start_background_sync(LONG).await.unwrap();
    hear(&mut changes, "sync_failed").await;
    (client, changes)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_time_is_up_or_syncing_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let hub = sample_hub(30).await;
    let (client, _changes) = refused(&folder, &hub).await;
    let waited = client.wait_until_synced(Duration::from_millis(20)).await;
    assert_eq!(
        waited.unwrap_err(),
        WildThingError::Timeout {
            waited_ms: 20,
            pending: 1
        }
    );
    // Stopped until it has heard of it: it may not have begun to wait before.
    let waiting = spawned(&client);
    while !waiting.is_finished() {
        client.cancel_sync();
        tokio::task::yield_now().await;
    }
    assert_eq!(waiting.await.unwrap().unwrap_err(), WildThingError::Cancelled);
    let waiting = spawned(&client);
    tokio::task::yield_now().await;
    client.pause().await.unwrap();
    assert_eq!(soon(waiting).await.unwrap().unwrap_err(), WildThingError::Paused);
    client.resume().await.unwrap();
    let waiting = spawned(&client);
    tokio::task::yield_now().await;
    soon(client.shutdown()).await;
    assert_eq!(
        soon(waiting).await.unwrap().unwrap_err(),
        WildThingError::Cancelled
    );
}
