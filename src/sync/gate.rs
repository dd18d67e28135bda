//! Who may sync when: one at a time. Whoever asks while one runs joins it, one that
//! was stopped lets nobody begin, and one that runs can be told to end. What a sync
//! does is the engine's.

use std::sync::Arc;

use tokio::sync::watch;

use crate::threading::{AtomicU64, Mutex, MutexGuard, Ordering, PoisonError};

/// Follows one run to its outcome.
pub(super) type Running<T> = watch::Receiver<Option<Arc<T>>>;

/// What came of asking to be let in.
#[derive(Debug)]
pub(super) enum Entry<T> {
    /// Nothing runs: whoever asked is to run now.
    Begun(Turn<T>, Running<T>),
    /// This runs already.
    Joined(Running<T>),
    /// Nobody is let in.
    Refused,
}

/// The right to run, and the duty to end it.
#[derive(Debug)]
pub(super) struct Turn<T> {
    /// Counts the runs.
    pub(super) number: u64,
    /// Changes when this is to end.
    pub(super) cancelled: watch::Receiver<u64>,
    outcome: watch::Sender<Option<Arc<T>>>,
    last: watch::Sender<Option<Arc<T>>>,
}

impl<T> Turn<T> {
    /// Ends the run: from here on another may begin.
    pub(super) fn end(self, outcome: &Arc<T>) {
        // Nobody may be waiting.
        let _ = self.outcome.send(Some(Arc::clone(outcome)));
        // In this order: whoever hears of the end here, and asks, joins it no more.
        self.last.send_replace(Some(Arc::clone(outcome)));
    }
}

#[derive(Debug)]
struct State<T> {
    /// The last run that began.
    running: Option<Running<T>>,
    stopped: bool,
}

/// Lets one run at a time.
#[derive(Debug)]
pub(super) struct Gate<T> {
    state: Mutex<State<T>>,
    /// How many runs began.
    begun: AtomicU64,
    /// The outcome of the last one that ended.
    last: watch::Sender<Option<Arc<T>>>,
    /// Counts the cancellings.
    cancel: watch::Sender<u64>,
}

impl<T> Gate<T> {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                running: None,
                stopped: false,
            }),
            begun: AtomicU64::new(0),
            last: watch::channel(None).0,
            cancel: watch::channel(0).0,
        }
    }

    /// Asks to be let in.
    pub(super) fn enter(&self) -> Entry<T> {
        let mut state = self.state();
        if let Some(running) = &state.running {
            // A sender that is gone without an outcome belongs to a runtime that was shut down.
            if running.borrow().is_none() && running.has_changed().is_ok() {
                return Entry::Joined(running.clone());
            }
        }
        // Under the lock that `stop` takes: a run is either refused or cancelled.
        if state.stopped {
            return Entry::Refused;
        }
        let (outcome, running) = watch::channel(None);
        state.running = Some(running.clone());
        let turn = Turn {
            number: self.begun.fetch_add(1, Ordering::AcqRel) + 1,
            cancelled: self.cancel.subscribe(),
            outcome,
            last: self.last.clone(),
        };
        Entry::Begun(turn, running)
    }

    /// Tells the run that it is to end.
    pub(super) fn cancel(&self) {
        self.cancel.send_modify(|count| *count += 1);
    }

    /// Changes when a run is to end, also if none runs.
    pub(super) fn cancellations(&self) -> watch::Receiver<u64> {
        self.cancel.subscribe()
    }

    /// How many runs began: the number of the last one.
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Acquire)
    }

    /// Follows the outcomes of all runs.
    pub(super) fn outcomes(&self) -> Running<T> {
        self.last.subscribe()
    }

    /// Ends the run, and lets nobody in until [`Gate::allow`].
    pub(super) async fn stop(&self) {
        self.state().stopped = true;
        self.cancel();
        self.idle().await;
    }

    /// Lets others in again.
    pub(super) fn allow(&self) {
        self.state().stopped = false;
    }

    /// Completes when what ran has ended.
    pub(super) async fn idle(&self) {
        let running = self.state().running.clone();
        if let Some(running) = running {
            ended(running).await;
        }
    }

    /// A poisoned lock is usable: what it guards is replaced whole.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The outcome of a run, when there is one; `None` if it never comes.
pub(super) async fn ended<T>(mut running: Running<T>) -> Option<Arc<T>> {
    let outcome = running.wait_for(Option::is_some).await;
    // Only a runtime that shuts down drops the run.
    outcome.ok().and_then(|outcome| outcome.clone())
}
