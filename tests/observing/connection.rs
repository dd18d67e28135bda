//! How the client tells of the server: found, lost, refusing; and of every
//! sync's end.

use tokio::net::TcpListener;
use wildthing::client::Connection;

use super::*;

/// The next change of the connection.
async fn connection(changes: &mut Events) -> Connection {
    match hear(changes, "connection_changed").await {
        ChangeEvent::ConnectionChanged { connection } => connection,
        other => panic!("{other:?}"),
    }
}

async fn standing(client: &WildThingClient) -> Connection {
    client.get_sync_status().await.unwrap().connection
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_found_lost_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("hub.db");
    let hub = hub_at(Some(&db), "127.0.0.1:0").await;
    let client = offline(&folder).await;
    let mut changes = client.changes().events();
    assert_eq!(standing(&client).await, Connection::NotConnected);
    connect(&client, &hub, TOKEN).await;
    assert_eq!(connection(&mut changes).await, Connection::Unknown);
    client.sync().await.unwrap();
    assert_eq!(connection(&mut changes).await, Connection::Online);
    let address = hub.addr().to_string();
    hub.shutdown().await.unwrap();
    assert_eq!(client.probe().await.unwrap_err().code(), "offline");
    assert_eq!(connection(&mut changes).await, Connection::Offline);
    let _again = hub_at(Some(&db), &address).await;
    client.sync().await.unwrap();
    assert_eq!(connection(&mut changes).await, Connection::Online);
    client.sync().await.unwrap();
    client.disconnect().await.unwrap();
    assert_eq!(
        connection(&mut changes).await,
        Connection::NotConnected,
        "a sync that changed nothing is not told"
    );
    assert_eq!(standing(&client).await, Connection::NotConnected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_told_and_a_new_one_is_unknown_until_it_was_tried() {
    let folder = tempfile::tempdir().unwrap();
    let hub = sample_hub(30).await;
    let client = offline(&folder).await;
    let mut changes = client.changes().events();
    connect(&client, &hub, "wrong").await;
    client.sync().await.unwrap_err();
    let mut words = Vec::new();
    while words.last() != Some(&"sync_failed") {
        let event = next(&mut changes).await;
        match &event {
            ChangeEvent::NeedsAuth { status } => assert_eq!(*status, 401),
            ChangeEvent::SyncFailed { code, .. } => assert_eq!(code, "needs_auth"),
            _ => {}
        }
        words.push(event.word());
    }
    assert_eq!(
        words,
        [
            "connection_changed",
            "sync_started",
            "connection_changed",
            "needs_auth",
            "sync_failed"
        ]
    );
    assert_eq!(standing(&client).await, Connection::NeedsAuth);
    client.set_auth_token(Some(TOKEN.into())).unwrap();
    assert_eq!(connection(&mut changes).await, Connection::Unknown);
    client.probe().await.unwrap();
    assert_eq!(connection(&mut changes).await, Connection::Online);
    client
        .start_background_sync(Duration::from_secs(3_600))
        .await
        .unwrap();
    assert!(client.get_sync_status().await.unwrap().background);
    client.stop_background_sync().await;
    assert!(!client.get_sync_status().await.unwrap().background);
}

/// A server that takes connections and never answers.
async fn silent(folder: &tempfile::TempDir) -> (WildThingClient, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = offline(folder).await;
    let url = format!("http://{}", listener.local_addr().unwrap());
    client.connect(url, None, None).await.unwrap();
    (client, listener)
}

/// Starts a sync that hangs and waits until it does.
async fn hang(
    client: &WildThingClient,
    changes: &mut Events,
    listener: &TcpListener,
) -> tokio::net::TcpStream {
    let syncing = client.clone();
    tokio::spawn(async move {
        // The handle is not kept over the wait by anybody but the sync itself.
        let _ = syncing.sync().await;
    });
    hear(changes, "sync_started").await;
    soon(listener.accept()).await.unwrap().0
}

async fn cancelled(changes: &mut Events) {
    match next(changes).await {
        ChangeEvent::SyncFailed { code, .. } => assert_eq!(code, "cancelled"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_is_stopped_in_any_way_is_told_to_have_ended() {
    let folder = tempfile::tempdir().unwrap();
    let (client, listener) = silent(&folder).await;
    let stream = client.changes();
    let mut changes = Arc::clone(&stream).events();
    let _open = hang(&client, &mut changes, &listener).await;
    client.cancel_sync();
    cancelled(&mut changes).await;
    let _open = hang(&client, &mut changes, &listener).await;
    client.pause().await.unwrap();
    cancelled(&mut changes).await;
    client.resume().await.unwrap();
    let _open = hang(&client, &mut changes, &listener).await;
    soon(client.shutdown()).await;
    cancelled(&mut changes).await;
    assert_eq!(soon(changes.next()).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_of_a_client_that_is_dropped_is_told_to_have_ended() {
    let folder = tempfile::tempdir().unwrap();
    let (client, listener) = silent(&folder).await;
    let mut changes = client.changes().events();
    client
        .start_background_sync(Duration::from_secs(3_600))
        .await
        .unwrap();
    hear(&mut changes, "sync_started").await;
    let _open = soon(listener.accept()).await.unwrap().0;
    drop(client);
    cancelled(&mut changes).await;
    assert_eq!(soon(changes.next()).await, None);
}
