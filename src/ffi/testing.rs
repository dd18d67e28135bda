//! What tests of the foreign layers need beside the API (feature `testing`): how
//! many subscriptions a client has, and clients whose ids and times are fixed.
//!
//! A replica in a file named `fixed-seam.db` is opened on [`FixedSeam`], so that
//! the same calls in any language make the same messages.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::client::WildThingClient;
use crate::model::Timestamp;
use crate::seam::{BoxFuture, RealSeam, Seam};

/// 2026-01-01T00:00:00Z, in microseconds.
const BEGIN: i64 = 1_767_225_600_000_000;

/// A clock and a randomness that are functions of what was asked of them: each
/// random number is the next one, and a second passes with it. Timers are real.
#[derive(Debug, Default)]
pub struct FixedSeam(AtomicU64);

impl FixedSeam {
    /// Whether a replica is to be opened on one.
    pub(super) fn is_for(path: &Path) -> bool {
        path.file_name().is_some_and(|name| name == "fixed-seam.db")
    }
}

impl Seam for FixedSeam {
    fn now(&self) -> Timestamp {
        let seconds = i64::try_from(self.0.load(Ordering::Acquire)).unwrap_or(0);
        Timestamp::from_micros(BEGIN.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    fn random(&self) -> [u8; 10] {
        let number = self.0.fetch_add(1, Ordering::AcqRel) + 1;
        let mut bytes = [0; 10];
        bytes[2..].copy_from_slice(&number.to_be_bytes());
        bytes
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        RealSeam.sleep(duration)
    }
}

#[uniffi::export]
impl WildThingClient {
    /// How many streams, observers and live queries there are.
    pub fn testing_subscriptions(&self) -> u64 {
        self.subscriptions() as u64
    }
}
