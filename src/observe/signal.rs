//! Telling a live query that its answer may have changed: a flag, not a queue.

use std::sync::Arc;

use tokio::sync::Notify;

use super::Broadcaster;
use crate::store::Kinds;
use crate::threading::{AtomicBool, Ordering};

/// What an answer depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interest {
    /// Records of these kinds.
    pub kinds: Kinds,
    /// How things stand: the outbox, the last sync, the connection.
    pub status: bool,
}

impl Interest {
    /// Everything.
    pub const ALL: Interest = Interest {
        kinds: Kinds::ALL,
        status: true,
    };

    /// Only how things stand.
    pub const STATUS: Interest = Interest {
        kinds: Kinds::NONE,
        status: true,
    };

    pub(super) fn meets(self, other: Interest) -> bool {
        self.kinds.meets(other.kinds) || (self.status && other.status)
    }
}

#[derive(Debug)]
pub(super) struct Signal {
    pub(super) interest: Interest,
    dirty: AtomicBool,
    over: AtomicBool,
    changed: Notify,
}

impl Signal {
    pub(super) fn new(interest: Interest) -> Self {
        Self {
            interest,
            dirty: AtomicBool::new(true),
            over: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

    /// True if it was not raised before: then the caller wakes, once it holds no lock.
    pub(super) fn raise(&self) -> bool {
        !self.dirty.swap(true, Ordering::AcqRel)
    }

    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Release);
    }

    /// It may run foreign code: hold no lock.
    pub(super) fn wake(&self) {
        self.changed.notify_one();
    }
}

/// A signal that is listened to; dropping it ends that. One task at a time waits on it.
#[derive(Debug)]
pub struct Watching {
    signal: Arc<Signal>,
    number: u64,
    broadcaster: Arc<Broadcaster>,
}

impl Watching {
    pub(super) fn new(signal: Arc<Signal>, number: u64, broadcaster: Arc<Broadcaster>) -> Self {
        Self {
            signal,
            number,
            broadcaster,
        }
    }

    /// Completes when something changed since [`Watching::seen`]; false once it is over.
    pub async fn changed(&self) -> bool {
        loop {
            if self.signal.over.load(Ordering::Acquire) {
                return false;
            }
            if self.signal.dirty.load(Ordering::Acquire) {
                return true;
            }
            self.signal.changed.notified().await;
        }
    }

    /// Completes once it is over.
    pub async fn over(&self) {
        while !self.signal.over.load(Ordering::Acquire) {
            self.signal.changed.notified().await;
        }
    }

    /// What changed up to now is about to be looked at.
    pub fn seen(&self) {
        // Acquires what the raise that it overwrites had released.
        self.signal.dirty.swap(false, Ordering::AcqRel);
    }

    /// It was not looked at after all.
    pub fn unseen(&self) {
        self.signal.raise();
        self.signal.wake();
    }

    /// Ends it, also for those who wait. May be called again.
    pub fn cancel(&self) {
        self.broadcaster.leave(self.number);
        self.signal.end();
        self.signal.wake();
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.cancel();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::model::Kind;
    use crate::store::Commit;

    fn commit(kind: &Kind) -> Commit {
        Commit {
            change_seq: Some(1),
            touched: Kinds::of(kind),
            events: Vec::new(),
        }
    }

    #[test]
    fn it_is_raised_by_what_it_is_about_and_by_nothing_else() {
        let broadcaster = Arc::new(Broadcaster::default());
        let rooms = broadcaster.watch(Interest {
            kinds: Kinds::of(&Kind::Room),
            status: false,
        });
        let status = broadcaster.watch(Interest::STATUS);
        for watching in [&rooms, &status] {
            assert_eq!(watching.changed().now_or_never(), Some(true), "it begins raised");
            watching.seen();
        }
        broadcaster.committed(&commit(&Kind::House));
        broadcaster.send(super::super::ChangeEvent::SyncStarted);
        assert_eq!(rooms.changed().now_or_never(), None);
        assert_eq!(status.changed().now_or_never(), Some(true));
        broadcaster.committed(&commit(&Kind::Room));
        assert_eq!(rooms.changed().now_or_never(), Some(true));
        rooms.seen();
        broadcaster.anything();
        assert_eq!(rooms.changed().now_or_never(), Some(true));
        rooms.cancel();
        assert_eq!(rooms.changed().now_or_never(), Some(false));
        assert_eq!(broadcaster.listeners(), 1);
    }
}
