//! What one listener has not taken yet: bounded by the number of events, and
//! nothing is dropped silently.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::Notify;

use super::{ChangeBatch, ChangeEvent};
use crate::threading::{Mutex, MutexGuard, PoisonError};

/// How many events may wait for one listener. A batch is never split: a greater
/// one waits alone.
pub const CAPACITY: usize = 8_192;

/// A batch as all listeners share it.
pub(super) type Shared = Arc<Vec<ChangeEvent>>;

/// The batches of one listener.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// There is something to take, or nothing will come any more.
    ready: Notify,
}

#[derive(Debug, Default)]
struct State {
    batches: VecDeque<Shared>,
    /// Events in `batches`.
    waiting: usize,
    /// Events dropped before the first batch that waits.
    missed: u64,
    /// Nothing comes after what waits.
    ended: bool,
}

/// What taking gives.
#[derive(Debug, PartialEq)]
pub(super) enum Taken {
    Batch(ChangeBatch),
    /// Nothing yet.
    Nothing,
    /// Nothing any more.
    Over,
}

impl Queue {
    /// Puts a batch at the end. Where there is no room the oldest give way, and
    /// are counted. The caller wakes the reader, once it holds no lock.
    pub(super) fn push(&self, batch: &Shared) {
        let mut state = self.state();
        if state.ended {
            return;
        }
        while !state.batches.is_empty() && state.waiting + batch.len() > CAPACITY {
            if let Some(oldest) = state.batches.pop_front() {
                state.waiting -= oldest.len();
                state.missed += oldest.len() as u64;
            }
        }
        state.waiting += batch.len();
        state.batches.push_back(Arc::clone(batch));
    }

    /// The next batch.
    pub(super) fn take(&self) -> Taken {
        let (batch, missed) = {
            let mut state = self.state();
            let Some(batch) = state.batches.pop_front() else {
                return if state.ended { Taken::Over } else { Taken::Nothing };
            };
            state.waiting -= batch.len();
            (batch, std::mem::take(&mut state.missed))
        };
        Taken::Batch(ChangeBatch {
            events: Arc::unwrap_or_clone(batch),
            missed,
        })
    }

    /// The next batch, when there is one; `None` when nothing comes any more.
    pub(super) async fn next(&self) -> Option<ChangeBatch> {
        loop {
            // Made before the look, so that no wake is missed in between.
            let ready = self.ready.notified();
            // A wake goes to one reader: whoever took it passes it on while there
            // is something for another.
            match self.take() {
                Taken::Batch(batch) => {
                    if self.is_ready() {
                        self.wake();
                    }
                    return Some(batch);
                }
                Taken::Over => {
                    self.wake();
                    return None;
                }
                Taken::Nothing => ready.await,
            }
        }
    }

    /// Wakes a reader. It may run foreign code: hold no lock.
    pub(super) fn wake(&self) {
        self.ready.notify_one();
    }

    /// Nothing comes after what waits. The caller wakes the readers.
    pub(super) fn end(&self) {
        self.state().ended = true;
    }

    /// The same, and what waits is dropped. Wakes the readers.
    pub(super) fn cancel(&self) {
        let dropped = {
            let mut state = self.state();
            state.ended = true;
            state.waiting = 0;
            std::mem::take(&mut state.batches)
        };
        drop(dropped);
        self.wake_all();
    }

    /// Wakes every reader, and the next one to come. Hold no lock.
    pub(super) fn wake_all(&self) {
        self.ready.notify_waiters();
        self.ready.notify_one();
    }

    /// Whether [`Queue::take`] gives anything but [`Taken::Nothing`].
    pub(super) fn is_ready(&self) -> bool {
        let state = self.state();
        state.ended || !state.batches.is_empty()
    }

    pub(super) fn has_ended(&self) -> bool {
        self.state().ended
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use super::*;

    fn batch(length: usize) -> Shared {
        Arc::new(vec![ChangeEvent::SyncStarted; length])
    }

    fn taken(queue: &Queue) -> (usize, u64) {
        match queue.take() {
            Taken::Batch(batch) => (batch.events.len(), batch.missed),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_oldest_give_way_and_are_counted() {
        let queue = Queue::default();
        for length in [3, CAPACITY - 4, 1, 2] {
            queue.push(&batch(length));
        }
        assert_eq!(taken(&queue), (CAPACITY - 4, 3));
        assert_eq!((taken(&queue), taken(&queue)), ((1, 0), (2, 0)));
        assert_eq!(queue.take(), Taken::Nothing);
    }

    #[test]
    fn a_batch_that_is_too_large_waits_alone() {
        let queue = Queue::default();
        queue.push(&batch(5));
        queue.push(&batch(CAPACITY + 1));
        assert_eq!(taken(&queue), (CAPACITY + 1, 5));
        queue.push(&batch(CAPACITY + 1));
        queue.push(&batch(1));
        assert_eq!(taken(&queue), (1, CAPACITY as u64 + 1));
    }

    #[test]
    fn an_end_comes_after_what_waits_and_a_cancel_at_once() {
        let (ended, cancelled) = (Queue::default(), Queue::default());
        for queue in [&ended, &cancelled] {
            queue.push(&batch(1));
        }
        ended.end();
        cancelled.cancel();
        ended.push(&batch(1));
        assert_eq!((taken(&ended), ended.take()), ((1, 0), Taken::Over));
        assert_eq!(cancelled.take(), Taken::Over);
    }
}
