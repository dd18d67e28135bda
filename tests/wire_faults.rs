//! What can happen to the bytes between a client and its hub, at every byte of every
//! message of a sync: cut off, left hanging, spoilt, slow, repeated. Whatever it is, the
//! sync tells it with a typed error or goes through; no edit is lost, none arrives
//! twice, and the next undisturbed sync makes replica and hub alike.
//!
//! `cargo xtask faults` goes through every eleventh byte (of v2 every 110th), and tells
//! how many places that were. Without `WIRE_FAULTS_EVERY`, as here, it is every 199th.
#![cfg(feature = "testing")]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod fault_support;
#[path = "wire_faults/proxy.rs"]
mod proxy;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fault_support::{
    AnyHub, LOSER, assert_converges, assert_sound, client, connect, edits_here, edits_there, hub_db, marks,
};
use proxy::{Plan, Proxy, Trick, Way};
use tempfile::TempDir;
use wildthing::client::{ConnectOptions, OpenOptions, WildThingClient, WildThingError};
use wildthing::model::Timestamp;
use wildthing::protocol::Protocol;
use wildthing::seam::{BoxFuture, RealSeam, Seam};
use wildthing::transport::Timeouts;

/// Waits between tries are no part of this.
#[derive(Debug)]
struct Impatient;

impl Seam for Impatient {
    fn now(&self) -> Timestamp {
        RealSeam.now()
    }

    fn random(&self) -> [u8; 10] {
        RealSeam.random()
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(async { tokio::task::yield_now().await })
    }
}

/// A replica with edits that were never sent, one of which will lose, and a hub with
/// edits that it has not seen.
struct House {
    protocol: Protocol,
    props: TempDir,
}

fn replica(folder: &Path) -> PathBuf {
    folder.join("house.db")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

impl House {
    fn new(protocol: Protocol) -> Self {
        let props = tempfile::tempdir().unwrap();
        runtime().block_on(async {
            let hub = AnyHub::start(protocol, props.path()).await;
            hub.load_sample();
            let here = client(&replica(props.path()), &hub.url()).await;
            here.sync().await.unwrap();
            edits_here(&here).await;
            here.shutdown().await;
            edits_there(&props.path().join("there.db"), &hub.url(), true).await;
            hub.shutdown().await;
        });
        Self { protocol, props }
    }

    /// One sync through a proxy; how many bytes went each way, unless the plan came
    /// into force.
    async fn play(&self, plan: Option<Plan>) -> Option<[u64; 2]> {
        let what = format!("{:?}, {plan:?}", self.protocol);
        let folder = tempfile::tempdir().unwrap();
        for file in [hub_db(Path::new("")), replica(Path::new(""))] {
            std::fs::copy(self.props.path().join(&file), folder.path().join(&file)).unwrap();
        }
        let hub = AnyHub::start(self.protocol, folder.path()).await;
        let path = replica(folder.path());
        let proxy = Proxy::start(&hub.url(), plan);
        let here = WildThingClient::open_on(&path, OpenOptions::default(), Arc::new(Impatient))
            .await
            .unwrap();
        let limit = match plan.map(|plan| plan.trick) {
            Some(Trick::Stall) => Duration::from_millis(150),
            _ => Duration::from_secs(20),
        };
        let options = ConnectOptions {
            timeouts: Some(Timeouts {
                idle: limit,
                ..Timeouts::default()
            }),
            ..ConnectOptions::default()
        };
        connect(&here, &proxy.url(), Some(options)).await;
        let synced = here.sync().await;
        match (&synced, plan) {
            (Ok(_), _) => {}
            (Err(error), None) => panic!("{what}: {error:?}"),
            // Spoilt, a request is refused and an answer can't be used.
            (Err(error), Some(plan)) => assert!(
                matches!(
                    error,
                    WildThingError::Offline { .. }
                        | WildThingError::Protocol { .. }
                        | WildThingError::Server { .. }
                ) || (matches!(plan.trick, Trick::Garble | Trick::Stutter)
                    && matches!(error, WildThingError::NeedsAuth { .. })),
                "{what}: {error:?}"
            ),
        }
        // Slow is no fault, and what was cut once is asked for again.
        if let Some(Plan {
            trick: Trick::Throttle | Trick::Cut,
            ..
        }) = plan
        {
            synced.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        }
        // What comes behind a request that was too long is refused as well, and the answer
        // to that may pass for one to an edit, which then is told as failed.
        if plan.is_some_and(|plan| matches!(plan.trick, Trick::Repeat | Trick::Stutter)) {
            here.retry_failed(None, None).await.unwrap();
        }
        here.shutdown().await;
        let passed = [proxy.passed(Way::ToHub), proxy.passed(Way::ToClient)];
        let fired = proxy.fired();
        drop(proxy);
        assert_sound(&path, &what);
        assert_converges(&path, &hub, &what).await;
        assert!(marks(&path).contains(LOSER), "{what}: the loser is in no journal");
        hub.shutdown().await;
        (!fired).then_some(passed)
    }
}

fn at_every_byte(protocol: Protocol, trick: Trick, rarer: u64) {
    let every = std::env::var("WIRE_FAULTS_EVERY").map_or(199, |every| every.parse::<u64>().unwrap()) * rarer;
    // Its listing of edges is long, and much alike.
    let every = if protocol == Protocol::V2 {
        every * 10
    } else {
        every
    };
    let house = House::new(protocol);
    let runtime = runtime();
    runtime
        .block_on(house.play(None))
        .expect("nothing was to go wrong");
    for way in [Way::ToHub, Way::ToClient] {
        let next = AtomicU64::new(0);
        let places = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(every, Ordering::Relaxed);
                        if runtime
                            .block_on(house.play(Some(Plan { trick, way, at })))
                            .is_some()
                        {
                            return;
                        }
                        places.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        println!(
            "{} {trick:?} {way:?}: {} places",
            protocol.as_str(),
            places.into_inner()
        );
    }
}

#[test]
fn cut_off() {
    at_every_byte(Protocol::V1, Trick::Cut, 1);
    at_every_byte(Protocol::V2, Trick::Cut, 1);
}

#[test]
fn gone_for_good() {
    at_every_byte(Protocol::V1, Trick::Gone, 1);
    at_every_byte(Protocol::V2, Trick::Gone, 1);
}

#[test]
fn left_hanging() {
    // Each takes a while.
    at_every_byte(Protocol::V1, Trick::Stall, 8);
    at_every_byte(Protocol::V2, Trick::Stall, 8);
}

#[test]
fn spoilt() {
    at_every_byte(Protocol::V1, Trick::Garble, 1);
    at_every_byte(Protocol::V2, Trick::Garble, 1);
}

#[test]
fn slow() {
    at_every_byte(Protocol::V1, Trick::Throttle, 40);
    at_every_byte(Protocol::V2, Trick::Throttle, 40);
}

#[test]
fn repeated() {
    // Most pieces are long, and which of their bytes it is makes no difference.
    at_every_byte(Protocol::V1, Trick::Repeat, 3);
    at_every_byte(Protocol::V2, Trick::Repeat, 3);
    at_every_byte(Protocol::V1, Trick::Stutter, 1);
    at_every_byte(Protocol::V2, Trick::Stutter, 1);
}
