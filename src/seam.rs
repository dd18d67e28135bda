//! The one seam through which time and chance enter a client or a hub.
//!
//! Everything that reads a clock, waits, or draws random bits does so through
//! [`Seam`], so that a whole client can run on virtual time. [`RealSeam`] is
//! what ships.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{RecordId, Timestamp, uuid_v7};

/// A future that a seam hands out.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a wait is for. Real timers take no notice; a scripted clock decides by it
/// which waits pass by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wait {
    /// A sync tries a request, or the lease, again.
    Backoff,
    /// The background loop, until its next sync.
    Interval,
    /// The background loop, until local writes have ceased.
    Quiet,
    /// Whoever waits for all edits to be answered, before another sync.
    Again,
    /// The longest that whoever waits for all edits is ready to wait.
    Patience,
    /// Before the next look for commits of other processes.
    Follow,
    /// A live query gathers changes.
    Gather,
}

/// Clock, timers and randomness.
pub trait Seam: Send + Sync + fmt::Debug {
    /// The wall clock, which may step back.
    fn now(&self) -> Timestamp;
    /// Ten random bytes.
    fn random(&self) -> [u8; 10];
    /// Completes after `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Completes after `duration`, and says what for.
    fn wait(&self, _purpose: Wait, duration: Duration) -> BoxFuture<'static, ()> {
        self.sleep(duration)
    }

    /// A new random id for a record, an attempt or an owner.
    fn new_id(&self) -> RecordId {
        RecordId::from(uuid_v7(self.now(), self.random()))
    }

    /// A random number in `0..bound`; 0 if `bound` is 0.
    fn random_below(&self, bound: u64) -> u64 {
        let bytes = self.random();
        let mut low = [0u8; 8];
        low.copy_from_slice(&bytes[..8]);
        u64::from_le_bytes(low).checked_rem(bound).unwrap_or(0)
    }
}

/// A shared seam.
pub type SharedSeam = Arc<dyn Seam>;

/// The operating system's clock and randomness, and tokio's timers.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealSeam;

impl RealSeam {
    /// A shared one.
    pub fn shared() -> SharedSeam {
        Arc::new(RealSeam)
    }
}

impl Seam for RealSeam {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(chrono::Utc::now().timestamp_micros())
    }

    fn random(&self) -> [u8; 10] {
        let bytes = uuid::Uuid::new_v4().into_bytes();
        // Bytes 6 and 8 of a UUIDv4 carry version and variant bits.
        [
            bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[9], bytes[10], bytes[11],
            bytes[12],
        ]
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
