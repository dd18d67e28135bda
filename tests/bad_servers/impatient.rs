//! A seam whose waits are over at once: retries of a client are met without
//! waiting for them, and its clock can be set wrong.
#![allow(dead_code)]

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wildthing::model::Timestamp;
use wildthing::seam::{BoxFuture, RealSeam, Seam};

/// The real clock, shifted if asked for, and timers that do not wait.
#[derive(Debug, Default)]
pub(crate) struct Impatient {
    shift: AtomicI64,
    waits: Mutex<Vec<Duration>>,
}

impl Impatient {
    pub(crate) fn shared() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Sets the clock so many seconds ahead, or back if negative.
    pub(crate) fn shift(&self, seconds: i64) {
        self.shift.store(seconds * 1_000_000, Ordering::SeqCst);
    }

    /// The waits asked for since this was last called.
    pub(crate) fn take_waits(&self) -> Vec<Duration> {
        std::mem::take(&mut self.waits.lock().unwrap())
    }
}

impl Seam for Impatient {
    fn now(&self) -> Timestamp {
        RealSeam.now().plus_micros(self.shift.load(Ordering::SeqCst))
    }

    fn random(&self) -> [u8; 10] {
        RealSeam.random()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.waits.lock().unwrap().push(duration);
        Box::pin(tokio::task::yield_now())
    }
}
