//! Pulling changes: a stream of batches, and of single events for Rust.

use std::collections::VecDeque;
use std::sync::Arc;

use super::queue::Queue;
use super::{Broadcaster, ChangeBatch, ChangeEvent};

/// Changes as they are committed, here or by another process on the same file.
///
/// Up to 8,192 events wait for a reader; the batch after a gap tells how many
/// were dropped. Dropping the stream cancels it. It does not keep its client alive.
#[derive(Debug, uniffi::Object)]
pub struct ChangeStream {
    queue: Arc<Queue>,
    number: u64,
    broadcaster: Arc<Broadcaster>,
}

impl ChangeStream {
    pub(super) fn new(queue: Arc<Queue>, number: u64, broadcaster: Arc<Broadcaster>) -> Self {
        Self {
            queue,
            number,
            broadcaster,
        }
    }

    /// The same stream event by event.
    pub fn events(self: Arc<Self>) -> Events {
        Events {
            stream: self,
            at_hand: VecDeque::new(),
        }
    }
}

#[uniffi::export]
impl ChangeStream {
    /// The next batch, when there is one. `None` after [`ChangeStream::cancel`],
    /// and after the end of the client once everything was taken.
    ///
    /// Nothing is lost by giving up on the call. Two callers at a time get
    /// different batches.
    pub async fn next(&self) -> Option<ChangeBatch> {
        self.queue.next().await
    }

    /// Ends the stream at once: a waiting [`ChangeStream::next`] gives `None`,
    /// and what was not taken is dropped. May be called again.
    pub fn cancel(&self) {
        self.broadcaster.leave(self.number);
        self.queue.cancel();
    }
}

impl Drop for ChangeStream {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// What [`Events`] yields.
#[derive(Debug, Clone, PartialEq)]
pub enum Observed {
    /// Something changed.
    Change(ChangeEvent),
    /// So many events were dropped because nobody took them.
    Lagged(u64),
}

/// A [`ChangeStream`] event by event, for Rust callers.
#[derive(Debug)]
pub struct Events {
    stream: Arc<ChangeStream>,
    at_hand: VecDeque<Observed>,
}

impl Events {
    /// The next event; `None` where the stream gives `None`.
    pub async fn next(&mut self) -> Option<Observed> {
        loop {
            if let Some(observed) = self.at_hand.pop_front() {
                return Some(observed);
            }
            let batch = self.stream.next().await?;
            if batch.missed > 0 {
                self.at_hand.push_back(Observed::Lagged(batch.missed));
            }
            self.at_hand
                .extend(batch.events.into_iter().map(Observed::Change));
        }
    }
}
