//! Virtual time: one true time for the world, and for each machine a clock that
//! is off by up to days, coarse, and steps back at times.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wildthing::model::Timestamp;
use wildthing::seam::{BoxFuture, Seam};

use crate::rng::Rng;

pub const MILLI: i64 = 1_000;
pub const SECOND: i64 = 1_000_000;
pub const DAY: i64 = 86_400 * SECOND;
/// 2026-11-22, about.
const EPOCH: i64 = 1_795_334_400 * SECOND;

/// True time, shared by every machine of one world.
#[derive(Debug, Clone)]
pub struct TrueTime(Arc<AtomicI64>);

impl TrueTime {
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(EPOCH)))
    }

    pub fn now(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    pub fn advance(&self, micros: i64) {
        self.0.fetch_add(micros.max(0), Ordering::Relaxed);
    }
}

/// A machine's clock and randomness.
#[derive(Debug)]
pub struct SimSeam {
    time: TrueTime,
    skew: AtomicI64,
    /// Clocks tick: equal times and times exactly a second apart are common.
    tick: i64,
    rng: Mutex<Rng>,
}

impl SimSeam {
    pub fn new(time: &TrueTime, skew: i64, tick: i64, rng: Rng) -> Arc<Self> {
        Arc::new(Self {
            time: time.clone(),
            skew: AtomicI64::new(skew),
            tick,
            rng: Mutex::new(rng),
        })
    }

    /// Moves the clock, to and fro.
    pub fn step(&self, micros: i64) {
        self.skew.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Seam for SimSeam {
    fn now(&self) -> Timestamp {
        let shown = self.time.now() + self.skew.load(Ordering::Relaxed);
        Timestamp::from_micros(shown - shown.rem_euclid(self.tick))
    }

    fn random(&self) -> [u8; 10] {
        self.rng.lock().unwrap().bytes()
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        // The simulation drives the planner itself; nobody sleeps in it.
        Box::pin(std::future::ready(()))
    }
}
