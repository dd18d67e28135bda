//! Disks that fail, and machines that die, at every call of a write, a pull, a
//! settlement, a migration and the making of a replica.
//!
//! The process under test is this binary once more, with a shim between it and the
//! C library (`disk_faults/shim.c`). For every kind of fault the n-th call goes
//! wrong, for n = 1, 2, … until a process comes to its end untouched. After each,
//! the replica is opened with a healthy disk and held to what the docs promise.
//!
//! `cargo xtask faults` goes through every call and tells how many of each kind there
//! were. Without `DISK_FAULTS_EVERY=1`, as here, it is every seventh.
#![cfg(all(feature = "testing", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "disk_faults/after.rs"]
mod after;
mod fault_support;
#[path = "disk_faults/stage.rs"]
mod stage;
#[path = "disk_faults/victim.rs"]
mod victim;

use std::sync::atomic::{AtomicU32, Ordering};

use stage::{Fault, Scene, Stage};
use wildthing::client::Durability;

/// A scene has fewer calls than this: a count that runs on is a fault of the test.
const MOST_CALLS: u32 = 3_000;

/// Every fault, and what it does.
const FAULTS: &[Fault] = &[
    Fault::Error("read"),
    Fault::Error("write"),
    Fault::Full("full"),
    Fault::Full("short"),
    Fault::Error("sync"),
    Fault::Error("resize"),
    Fault::Error("open"),
    Fault::Error("unlink"),
    Fault::Error("lock"),
    Fault::Death("kill"),
    Fault::PowerCut("power"),
    Fault::PowerCut("tear"),
];

/// Plays a scene with each fault at each place.
fn at_every_call(scene: Scene, durability: Durability, faults: &[Fault]) {
    let stage = Stage::new(scene, durability);
    let every = std::env::var("DISK_FAULTS_EVERY").map_or(7, |every| every.parse().unwrap());
    for fault in faults {
        let next = AtomicU32::new(1);
        let points = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(every, Ordering::Relaxed);
                        assert!(at < MOST_CALLS, "{scene:?} {fault:?} goes on and on");
                        if !stage.play(*fault, at) {
                            return;
                        }
                        points.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        println!(
            "{:<10} {:<6} {:<4} {:>4} points",
            scene.name(),
            fault.name(),
            match durability {
                Durability::Full => "full",
                Durability::Fast => "fast",
            },
            points.into_inner()
        );
    }
}

#[test]
fn local_writes() {
    at_every_call(Scene::Write, Durability::Full, FAULTS);
}

#[test]
fn local_writes_that_need_not_survive_a_power_cut() {
    at_every_call(
        Scene::Write,
        Durability::Fast,
        &[Fault::PowerCut("power"), Fault::PowerCut("tear")],
    );
}

#[test]
fn a_pull() {
    at_every_call(Scene::Pull, Durability::Full, FAULTS);
}

#[test]
fn a_settlement() {
    at_every_call(Scene::Settle, Durability::Full, FAULTS);
}

#[test]
fn a_pull_of_a_graph() {
    at_every_call(Scene::GraphPull, Durability::Full, FAULTS);
}

#[test]
fn a_settlement_of_a_graph() {
    at_every_call(Scene::GraphSettle, Durability::Full, FAULTS);
}

#[test]
fn a_migration() {
    at_every_call(Scene::Migrate, Durability::Full, FAULTS);
}

#[test]
fn a_new_replica() {
    at_every_call(Scene::Create, Durability::Full, FAULTS);
}

#[cfg(feature = "sqlcipher")]
#[test]
fn a_change_of_keys() {
    for scene in [Scene::Encrypt, Scene::Rekey, Scene::Decrypt] {
        at_every_call(scene, Durability::Full, FAULTS);
    }
}

#[test]
#[ignore = "the process that the other tests start, with a disk that fails"]
fn the_victim() {
    victim::act();
}
