//! A hundred thousand subscriptions leave nothing behind. In a program of its
//! own, since it counts the threads and files of the whole process.
#![cfg(all(feature = "testing", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use wildthing::client::{
    ChangeBatch, ChangeObserver, Durability, NewHouse, ObserverError, OpenOptions, WildThingClient,
};

struct Counting(Arc<AtomicUsize>);

impl ChangeObserver for Counting {
    fn on_changes(&self, batch: ChangeBatch) -> Result<(), ObserverError> {
        self.0.fetch_add(batch.events.len(), Ordering::SeqCst);
        Ok(())
    }
}

fn entries(folder: &str) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

fn threads() -> usize {
    entries("/proc/self/task")
}

fn files() -> usize {
    entries("/proc/self/fd")
}

/// Memory of the process, in KiB.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Waits for what comes by itself; guards against a hang, times nothing.
async fn until(mut true_now: impl FnMut() -> bool) {
    let waiting = async {
        while !true_now() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting)
        .await
        .expect("this hangs");
}

async fn write(client: &WildThingClient) {
    let house = NewHouse {
        name: "House".into(),
        ..NewHouse::default()
    };
    client.create_house(house).await.unwrap();
}

/// Listens in every way, and ends it in every way.
fn come_and_go(client: &WildThingClient, heard: &Arc<AtomicUsize>, cycles: usize) {
    for number in 0..cycles {
        match number % 4 {
            0 => drop(client.changes()),
            1 => client.changes().cancel(),
            2 => client
                .observe_changes(Arc::new(Counting(Arc::clone(heard))))
                .cancel(),
            _ => client.watch_houses().cancel(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_subscriptions_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let options = OpenOptions {
        durability: Some(Durability::Fast),
        ..OpenOptions::default()
    };
    let path = folder.path().join("home.db");
    let client = WildThingClient::open(path, options).await.unwrap();
    let heard = Arc::new(AtomicUsize::new(0));
    write(&client).await;
    come_and_go(&client, &heard, 10_000);
    assert_eq!(client.subscriptions(), 0);
    let before = (threads(), files(), memory());

    come_and_go(&client, &heard, 100_000);
    assert_eq!((client.subscriptions(), heard.load(Ordering::SeqCst)), (0, 0));
    // A few threads of the runtimes come and go with the work.
    until(|| threads() <= before.0 + 4).await;
    assert!(files() <= before.1 + 4, "{} files, {} before", files(), before.1);
    assert!(
        memory() < before.2 + 30_000,
        "{} KiB, {} before",
        memory(),
        before.2
    );

    let streams: Vec<_> = (0..10_000).map(|_| client.changes()).collect();
    let observers: Vec<_> = (0..10_000)
        .map(|_| client.observe_changes(Arc::new(Counting(Arc::clone(&heard)))))
        .collect();
    assert_eq!(client.subscriptions(), 20_000);
    assert!(threads() <= before.0 + 4, "a quiet observer needs no thread");
    for round in 1..=3 {
        write(&client).await;
        until(|| heard.load(Ordering::SeqCst) == round * 10_000).await;
        assert!(threads() <= before.0 + 80, "{} threads", threads());
    }
    for stream in &streams {
        assert_eq!(stream.next().await.unwrap().events.len(), 1);
    }
    drop((streams, observers));
    assert_eq!(client.subscriptions(), 0);
    write(&client).await;
    assert_eq!(heard.load(Ordering::SeqCst), 30_000);
    until(|| threads() <= before.0 + 4).await;
    assert!(files() <= before.1 + 4);
    assert!(
        memory() < before.2 + 60_000,
        "{} KiB, {} before",
        memory(),
        before.2
    );
    client.shutdown().await;
}
