//! Being called with changes: the trait, and how its misbehaviour is borne.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::pool::Pool;
use super::queue::{Queue, Taken};
use super::{Broadcaster, ChangeBatch};
use crate::threading::{AtomicBool, AtomicU64, Mutex, MutexGuard, Ordering, PoisonError};

/// Hears of changes.
///
/// It is called on a thread of the library that holds no lock, with one batch
/// at a time, in order. It may take its time, fail, and call the client: nobody
/// else is held up. Up to 8,192 events wait for it; the batch after a gap tells
/// how many were dropped.
#[uniffi::export(with_foreign)]
pub trait ChangeObserver: Send + Sync {
    /// Something changed. A failure is logged, and the next change told all the same.
    fn on_changes(&self, batch: ChangeBatch) -> Result<(), ObserverError>;
}

/// Why an observer failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum ObserverError {
    /// In the observer's own words.
    #[error("{reason}")]
    Failed {
        /// What went wrong.
        reason: String,
    },
}

/// An observer's place among the listeners. Dropping it cancels it.
///
/// Plain `Subscription` is a protocol of Apple's Combine, which apps import too.
#[derive(Debug, uniffi::Object)]
pub struct ChangeSubscription {
    observing: Arc<Observing>,
    number: u64,
    broadcaster: Arc<Broadcaster>,
}

impl ChangeSubscription {
    pub(super) fn new(observing: Arc<Observing>, number: u64, broadcaster: Arc<Broadcaster>) -> Self {
        Self {
            observing,
            number,
            broadcaster,
        }
    }
}

#[uniffi::export]
impl ChangeSubscription {
    /// Ends it: no further call begins, and the observer is let go of. One that
    /// runs on another thread is not waited for. May be called again, also by
    /// the observer itself.
    pub fn cancel(&self) {
        self.broadcaster.leave(self.number);
        self.observing.queue.cancel();
        self.observing.release();
    }

    /// Whether changes are still to come: false once it was cancelled or the
    /// client ended.
    pub fn is_active(&self) -> bool {
        !self.observing.queue.has_ended()
    }
}

impl Drop for ChangeSubscription {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// An observer and what it has not heard yet.
pub(super) struct Observing {
    pub(super) queue: Queue,
    observer: Mutex<Option<Arc<dyn ChangeObserver>>>,
    /// Whether it is with the pool, waiting for a thread or on one.
    served: AtomicBool,
    failures: AtomicU64,
}

impl std::fmt::Debug for Observing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Observing")
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

impl Observing {
    pub(super) fn new(observer: Arc<dyn ChangeObserver>) -> Self {
        Self {
            queue: Queue::default(),
            observer: Mutex::new(Some(observer)),
            served: AtomicBool::new(false),
            failures: AtomicU64::new(0),
        }
    }

    /// No thread could be had: the next wake asks for one again.
    pub(super) fn unserved(&self) {
        self.served.store(false, Ordering::Release);
    }

    /// Sees to it that a thread comes to what waits. Hold no lock.
    pub(super) fn wake(self: Arc<Self>, pool: &Arc<Pool>) {
        if !self.served.swap(true, Ordering::AcqRel) {
            pool.serve(self);
        }
    }

    /// On a thread of the pool: tells one batch, then lets others have their turn.
    pub(super) fn hear(self: Arc<Self>, pool: &Arc<Pool>) {
        match self.queue.take() {
            Taken::Batch(batch) => {
                self.call(batch);
                pool.serve(self);
            }
            Taken::Over => self.release(),
            Taken::Nothing => {
                self.served.store(false, Ordering::Release);
                // What came just before that has found it served.
                if self.queue.is_ready() {
                    self.wake(pool);
                }
            }
        }
    }

    fn call(&self, batch: ChangeBatch) {
        // A clone of its own, so that a cancel need not wait for the call.
        let observer = self.observer().clone();
        let Some(observer) = observer else {
            return;
        };
        let failure = match catch_unwind(AssertUnwindSafe(|| observer.on_changes(batch))) {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("it panicked".to_owned()),
        };
        // Letting go of it may run foreign code too, which may fail as well.
        let dropped = catch_unwind(AssertUnwindSafe(move || drop(observer)));
        let failure = failure.or_else(|| {
            dropped
                .err()
                .map(|_| "it panicked when it was let go of".to_owned())
        });
        if let Some(failure) = failure {
            let count = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
            // The first, the second, the fourth …: an observer that always fails does not fill the log.
            if count.is_power_of_two() {
                tracing::warn!(failure, count, "an observer of changes failed");
            }
        }
    }

    /// Lets go of the observer, with no lock held: that may run foreign code.
    fn release(&self) {
        let observer = self.observer().take();
        if catch_unwind(AssertUnwindSafe(move || drop(observer))).is_err() {
            tracing::warn!("an observer of changes panicked when it was let go of");
        }
    }

    fn observer(&self) -> MutexGuard<'_, Option<Arc<dyn ChangeObserver>>> {
        self.observer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
