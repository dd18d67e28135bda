//! Observers that panic, throw, block and call back harm nobody.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc as sync_mpsc};

use wildthing::client::{ChangeSubscription, ObserverError};

use super::*;

/// Edits that are heard, in order, one a batch.
async fn heard(batches: &mut mpsc::UnboundedReceiver<ChangeBatch>, count: usize) -> Vec<String> {
    let mut names = Vec::new();
    while names.len() < count {
        let batch = soon(batches.recv()).await.expect("the observer lives");
        assert_eq!(batch.missed, 0);
        names.extend(batch.events.iter().map(|event| name_of(event).to_owned()));
    }
    names
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("House {number}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_panics_throws_or_blocks_is_called_again_and_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let client = offline(&folder).await;
    let panics = Arc::new(AtomicUsize::new(0));
    let throws = Arc::new(AtomicUsize::new(0));
    let (panicked, thrown) = (Arc::clone(&panics), Arc::clone(&throws));
    let (release, held) = sync_mpsc::channel::<()>();
    let (blocked_says, mut blocked_said) = mpsc::unbounded_channel();
    let _panicking = client.observe_changes(doing(move |_| {
        panicked.fetch_add(1, Ordering::SeqCst);
        panic!("as it must");
    }));
    let _throwing = client.observe_changes(doing(move |_| {
        thrown.fetch_add(1, Ordering::SeqCst);
        Err(ObserverError::Failed {
            reason: "as it must".into(),
        })
    }));
    let blocking = doing(move |batch| {
        blocked_says.send(batch).unwrap();
        let _ = held.recv();
        Ok(())
    });
    let watched = Arc::downgrade(&blocking);
    let _blocking = client.observe_changes(blocking);
    let (observer, mut batches) = recorder();
    let _good = client.observe_changes(observer);
    let mut stream = client.changes().events();

    for name in numbered(20) {
        make_house(&client, &name).await;
    }
    assert_eq!(heard(&mut batches, 20).await, numbered(20));
    for name in numbered(20) {
        assert_eq!(name_of(&next(&mut stream).await), name);
    }
    let first = soon(blocked_said.recv()).await.unwrap();
    assert_eq!(name_of(&first.events[0]), "House 0");
    assert!(blocked_said.try_recv().is_err(), "one call at a time");

    // It blocks still, and the client ends.
    soon(client.shutdown()).await;
    drop(client);
    while watched.upgrade().is_some() && blocked_said.len() < 19 {
        let _ = release.send(());
        tokio::task::yield_now().await;
    }
    for name in &numbered(20)[1..] {
        let batch = soon(blocked_said.recv()).await.unwrap();
        assert_eq!(name_of(&batch.events[0]), name, "what was queued is still told");
    }
    soon(async {
        while watched.upgrade().is_some() {
            let _ = release.send(());
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(soon(blocked_said.recv()).await, None, "and no more");
    soon(async {
        while panics.load(Ordering::SeqCst) < 20 || throws.load(Ordering::SeqCst) < 20 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_blocked_observers_than_threads_hold_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let client = offline(&folder).await;
    let gate = Arc::new(std::sync::Barrier::new(101));
    let mut held = Vec::new();
    for _ in 0..100 {
        let gate = Arc::clone(&gate);
        let mut first = true;
        held.push(client.observe_changes(doing(move |_| {
            if std::mem::take(&mut first) {
                gate.wait();
            }
            Ok(())
        })));
    }
    let (observer, mut batches) = recorder();
    let _good = client.observe_changes(observer);
    for name in numbered(3) {
        make_house(&client, &name).await;
    }
    assert_eq!(heard(&mut batches, 3).await, numbered(3));
    // The barrier opens only if every one of the hundred was called.
    soon(tokio::task::spawn_blocking(move || gate.wait()))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_may_read_write_and_cancel_itself() {
    let folder = tempfile::tempdir().unwrap();
    let client = offline(&folder).await;
    let (observer, mut batches) = recorder();
    let _good = client.observe_changes(observer);
    let own: Arc<OnceLock<Arc<ChangeSubscription>>> = Arc::default();
    let calls = Arc::new(AtomicUsize::new(0));
    let (mine, called, inner) = (Arc::clone(&own), Arc::clone(&calls), client.clone());
    let (says_so, mut cancelled) = mpsc::unbounded_channel();
    let subscription = client.observe_changes(doing(move |_| {
        called.fetch_add(1, Ordering::SeqCst);
        let seen = block_on(inner.get_houses()).unwrap().len();
        block_on(make_house(&inner, &format!("House {seen}")));
        mine.wait().cancel();
        says_so.send(()).unwrap();
        Ok(())
    }));
    assert!(subscription.is_active());
    own.set(Arc::clone(&subscription)).ok().unwrap();
    make_house(&client, "House 0").await;
    assert_eq!(heard(&mut batches, 2).await, numbered(2));
    soon(cancelled.recv()).await.unwrap();
    make_house(&client, "House 2").await;
    assert_eq!(heard(&mut batches, 1).await, ["House 2"]);
    assert!(!subscription.is_active());
    assert_eq!(
        calls.load(Ordering::SeqCst),
        1,
        "it cancelled itself in the first"
    );
    soon(client.shutdown()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_may_drop_the_last_handle_of_its_client() {
    let folder = tempfile::tempdir().unwrap();
    let client = offline(&folder).await;
    let stream = client.changes();
    let kept = Arc::new(Mutex::new(Some(client.clone())));
    let (go, going) = sync_mpsc::channel::<()>();
    let dropping = Arc::clone(&kept);
    let subscription = client.observe_changes(doing(move |_| {
        going.recv().unwrap();
        drop(dropping.lock().unwrap().take());
        Ok(())
    }));
    make_house(&client, "House 0").await;
    drop(client);
    assert!(kept.lock().unwrap().is_some());
    go.send(()).unwrap();
    assert_eq!(soon(stream.next()).await.unwrap().events.len(), 1);
    assert_eq!(soon(stream.next()).await, None, "the client ended");
    assert!(kept.lock().unwrap().is_none());
    assert!(!subscription.is_active());
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_a_subscription_ends_it_and_lets_go_of_the_observer() {
    let folder = tempfile::tempdir().unwrap();
    let client = offline(&folder).await;
    let (observer, mut batches) = recorder();
    let watched = Arc::downgrade(&observer);
    let subscription = client.observe_changes(observer);
    assert_eq!(client.subscriptions(), 1);
    drop(subscription);
    assert_eq!(client.subscriptions(), 0);
    assert!(watched.upgrade().is_none());
    make_house(&client, "House 0").await;
    assert_eq!(soon(batches.recv()).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_stream_gives_none_to_whoever_waits() {
    let folder = tempfile::tempdir().unwrap();
    let client = offline(&folder).await;
    let stream = client.changes();
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let stream = Arc::clone(&stream);
            tokio::spawn(async move { stream.next().await })
        })
        .collect();
    tokio::task::yield_now().await;
    stream.cancel();
    stream.cancel();
    for task in waiting {
        assert_eq!(soon(task).await.unwrap(), None);
    }
    make_house(&client, "House 0").await;
    assert_eq!(soon(stream.next()).await, None);
    client.shutdown().await;
    assert_eq!(
        soon(client.changes().next()).await,
        None,
        "after the end there is nothing"
    );
}
