//! A clock that ticks a second each time it is asked for chance, and chance that counts:
//! the same bytes do the same again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wildthing::model::Timestamp;
use wildthing::seam::{BoxFuture, Seam, SharedSeam};

/// 2026-01-01T00:00:00Z, in microseconds.
const BEGIN: i64 = 1_767_225_600_000_000;

#[derive(Debug, Default)]
pub(crate) struct Counting(AtomicU64);

impl Counting {
    pub(crate) fn shared() -> SharedSeam {
        Arc::new(Self::default())
    }
}

impl Seam for Counting {
    fn now(&self) -> Timestamp {
        let seconds = i64::try_from(self.0.load(Ordering::Relaxed)).unwrap_or(0);
        Timestamp::from_micros(BEGIN + seconds * 1_000_000)
    }

    fn random(&self) -> [u8; 10] {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        let mut bytes = [0; 10];
        bytes[2..].copy_from_slice(&number.to_be_bytes());
        bytes
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}
