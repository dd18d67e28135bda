//! Telling what was committed: events, and the ways to hear them.
//!
//! Events are sent after the commit, in commit order and in batches, one a
//! commit. A [`ChangeStream`] is pulled; a [`ChangeObserver`] is called, on a
//! thread of `pool` that holds no lock; a [`Watching`] only learns that
//! something changed, for live queries. A listener that falls behind is told
//! how many events it missed, and holds up nobody. What other processes commit
//! to the same file is found by [`Follower`], while somebody listens.
//!
//! Whatever may run foreign code, which is calling and letting go of observers
//! and waking who waits, happens with no lock held.

mod event;
mod follow;
mod observer;
mod pool;
mod queue;
#[cfg(all(test, shuttle))]
mod schedules;
mod signal;
mod stream;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::watch;

pub use event::{ChangeBatch, ChangeEvent, Connection};
pub use follow::Follower;
pub use observer::{ChangeObserver, ChangeSubscription, ObserverError};
pub use queue::CAPACITY;
pub use signal::{Interest, Watching};
pub use stream::{ChangeStream, Events, Observed};

use observer::Observing;
use pool::Pool;
use queue::Queue;
use signal::Signal;

use crate::store::Commit;
use crate::threading::{AtomicBool, Mutex, MutexGuard, Ordering, PoisonError};

/// Knows who listens, and sends every change to them.
#[derive(Debug, Default)]
pub struct Broadcaster {
    listeners: Mutex<Listeners>,
    /// How many there are.
    count: watch::Sender<usize>,
    /// Whether a sync began and did not end.
    syncing: AtomicBool,
    pool: Arc<Pool>,
}

#[derive(Debug, Default)]
struct Listeners {
    /// By number, in the order they came.
    all: BTreeMap<u64, Listener>,
    last_number: u64,
    /// Nothing is sent any more.
    ended: bool,
}

#[derive(Debug, Clone)]
enum Listener {
    Stream(Arc<Queue>),
    Observer(Arc<Observing>),
    Signal(Arc<Signal>),
}

impl Listener {
    /// Gives it what it wants of a batch. True if it is to be woken.
    fn take(&self, batch: &queue::Shared, changed: Interest) -> bool {
        match self {
            Listener::Signal(signal) => signal.interest.meets(changed) && signal.raise(),
            _ if batch.is_empty() => false,
            Listener::Stream(queue) => {
                queue.push(batch);
                true
            }
            Listener::Observer(observing) => {
                observing.queue.push(batch);
                true
            }
        }
    }

    fn end(&self) {
        match self {
            Listener::Stream(queue) => queue.end(),
            Listener::Observer(observing) => observing.queue.end(),
            Listener::Signal(signal) => signal.end(),
        }
    }

    /// It may run foreign code: hold no lock. A waker that panics harms its own
    /// reader only.
    fn wake(self, pool: &Arc<Pool>) {
        let waking = AssertUnwindSafe(|| match self {
            Listener::Stream(queue) => queue.wake(),
            Listener::Observer(observing) => observing.wake(pool),
            Listener::Signal(signal) => signal.wake(),
        });
        if catch_unwind(waking).is_err() {
            tracing::warn!("the waker of somebody who listens panicked");
        }
    }
}

impl Broadcaster {
    /// A stream of the changes from now on.
    pub fn stream(self: &Arc<Self>) -> ChangeStream {
        let queue = Arc::new(Queue::default());
        let number = self.join(Listener::Stream(Arc::clone(&queue)));
        ChangeStream::new(queue, number, Arc::clone(self))
    }

    /// Calls an observer with the changes from now on.
    pub fn observe(self: &Arc<Self>, observer: Arc<dyn ChangeObserver>) -> ChangeSubscription {
        let observing = Arc::new(Observing::new(observer));
        let number = self.join(Listener::Observer(Arc::clone(&observing)));
        ChangeSubscription::new(observing, number, Arc::clone(self))
    }

    /// A signal of what changes from now on; it is raised at first.
    pub fn watch(self: &Arc<Self>, interest: Interest) -> Watching {
        let signal = Arc::new(Signal::new(interest));
        let number = self.join(Listener::Signal(Arc::clone(&signal)));
        Watching::new(signal, number, Arc::clone(self))
    }

    /// How many listen.
    pub fn listeners(&self) -> usize {
        *self.count.borrow()
    }

    /// Follows how many listen.
    pub fn audience(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    fn join(self: &Arc<Self>, listener: Listener) -> u64 {
        let joined = {
            let mut listeners = self.lock();
            listeners.last_number += 1;
            let number = listeners.last_number;
            if listeners.ended {
                Err((number, listener))
            } else {
                listeners.all.insert(number, listener);
                self.count.send_replace(listeners.all.len());
                Ok((number, listeners.all.len()))
            }
        };
        let (number, listener) = match joined {
            Ok((number, count)) => {
                tracing::debug!(listeners = count, "somebody listens");
                return number;
            }
            Err(late) => late,
        };
        listener.end();
        listener.wake(&self.pool);
        number
    }

    fn leave(&self, number: u64) {
        let gone = {
            let mut listeners = self.lock();
            let gone = listeners.all.remove(&number);
            if gone.is_some() {
                self.count.send_replace(listeners.all.len());
            }
            gone.map(|gone| (gone, listeners.all.len()))
        };
        if let Some((gone, count)) = gone {
            tracing::debug!(listeners = count, "somebody listens no more");
            // It may be the last to hold an observer: let go of without the lock.
            drop(gone);
        }
    }

    /// Sends what a commit did.
    pub fn committed(&self, commit: &Commit) {
        if self.listeners() == 0 {
            return;
        }
        let changed = Interest {
            kinds: commit.touched,
            status: true,
        };
        self.batch(ChangeEvent::of(commit), changed);
    }

    /// Sends one event about the sync or the connection. A sync's end is sent
    /// only if its start was.
    pub fn send(&self, event: ChangeEvent) {
        match event {
            ChangeEvent::SyncStarted => self.syncing.store(true, Ordering::Release),
            ChangeEvent::SyncCompleted { .. } | ChangeEvent::SyncFailed { .. }
                if !self.syncing.swap(false, Ordering::AcqRel) =>
            {
                return;
            }
            _ => {}
        }
        if self.listeners() > 0 {
            self.batch(vec![event], Interest::STATUS);
        }
    }

    /// Sends a batch of events, perhaps empty, and raises the signals of what changed.
    fn batch(&self, events: Vec<ChangeEvent>, changed: Interest) {
        let batch = Arc::new(events);
        let to_wake: Vec<Listener> = {
            let listeners = self.lock();
            let takers = listeners.all.values();
            takers
                .filter(|listener| listener.take(&batch, changed))
                .cloned()
                .collect()
        };
        drop(batch);
        for listener in to_wake {
            listener.wake(&self.pool);
        }
    }

    /// Raises every signal: what can't be known may have changed.
    pub fn anything(&self) {
        self.batch(Vec::new(), Interest::ALL);
    }

    /// Ends everything: streams and observers once they have what was sent. A
    /// sync that runs is told to have been cancelled.
    pub fn end(&self) {
        self.send(ChangeEvent::SyncFailed {
            code: "cancelled".into(),
            detail: "cancelled".into(),
        });
        let all = {
            let mut listeners = self.lock();
            listeners.ended = true;
            self.count.send_replace(0);
            std::mem::take(&mut listeners.all)
        };
        tracing::debug!(ended = all.len(), "nobody listens any more");
        // All before any is woken: whoever hears of the end finds it everywhere.
        all.values().for_each(Listener::end);
        for listener in all.into_values() {
            listener.wake(&self.pool);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Listeners> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
