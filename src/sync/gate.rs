//! Who may sync when: one at a time. Whoever asks while one runs joins it, one that
//! was stopped lets nobody begin, and one that runs can be told to end. An outcome
//! may be long, and is kept for those who wait for it alone. What a sync does is
//! the engine's.

use std::sync::Arc;

use tokio::sync::{broadcast, watch};

use crate::threading::{AtomicU64, Mutex, MutexGuard, Ordering, PoisonError};

/// Follows one run to its outcome.
pub(super) type Running<T> = watch::Receiver<Option<Arc<T>>>;

/// Follows the outcomes of all runs; who is late hears of the last one.
pub(super) type Outcomes<T> = broadcast::Receiver<Arc<T>>;

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
    outcomes: broadcast::Sender<Arc<T>>,
    state: Arc<Mutex<State<T>>>,
}

impl<T> Turn<T> {
    /// Ends the run: from here on another may begin.
    pub(super) fn end(self, outcome: &Arc<T>) {
        // Nobody may be waiting.
        let _ = self.outcome.send(Some(Arc::clone(outcome)));
        // In this order: whoever hears of the end here, and asks, joins it no more.
        let _ = self.outcomes.send(Arc::clone(outcome));
        // Another may have begun by now, and that one stays.
        let over = lock(&self.state)
            .running
            .take_if(|running| running.borrow().is_some());
        drop(over);
    }
}

#[derive(Debug)]
struct State<T> {
    /// The last run that began, until it ends.
    running: Option<Running<T>>,
    stopped: bool,
}

/// A poisoned lock is usable: what it guards is replaced whole.
fn lock<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets one run at a time.
#[derive(Debug)]
pub(super) struct Gate<T> {
    state: Arc<Mutex<State<T>>>,
    /// How many runs began.
    begun: AtomicU64,
    outcomes: broadcast::Sender<Arc<T>>,
    /// Counts the cancellings.
    cancel: watch::Sender<u64>,
}

impl<T> Gate<T> {
    pub(super) fn new() -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                running: None,
                stopped: false,
            })),
            begun: AtomicU64::new(0),
            outcomes: broadcast::channel(1).0,
            cancel: watch::channel(0).0,
        }
    }

    /// Asks to be let in.
    pub(super) fn enter(&self) -> Entry<T> {
        let mut state = lock(&self.state);
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
            outcomes: self.outcomes.clone(),
            state: Arc::clone(&self.state),
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

    /// Follows the outcomes of all runs that end from now on.
    pub(super) fn outcomes(&self) -> Outcomes<T> {
        self.outcomes.subscribe()
    }

    /// Ends the run, and lets nobody in until [`Gate::allow`].
    pub(super) async fn stop(&self) {
        lock(&self.state).stopped = true;
        self.cancel();
        self.idle().await;
    }

    /// Lets others in again.
    pub(super) fn allow(&self) {
        lock(&self.state).stopped = false;
    }

    /// Completes when what ran has ended.
    pub(super) async fn idle(&self) {
        let running = lock(&self.state).running.clone();
        if let Some(running) = running {
            ended(running).await;
        }
    }
}

/// The outcome of a run, when there is one; `None` if it never comes.
pub(super) async fn ended<T>(mut running: Running<T>) -> Option<Arc<T>> {
    let outcome = running.wait_for(Option::is_some).await;
    // Only a runtime that shuts down drops the run.
    outcome.ok().and_then(|outcome| outcome.clone())
}

#[cfg(all(test, not(shuttle)))]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    /// Runs to this outcome; who joined is still there.
    fn run(gate: &Gate<String>, outcome: &Arc<String>) -> Running<String> {
        let Entry::Begun(turn, running) = gate.enter() else {
            panic!("one runs already");
        };
        turn.end(outcome);
        running
    }

    #[test]
    fn an_outcome_is_kept_for_nobody_but_those_who_wait() {
        let gate = Gate::new();
        let outcome = Arc::new("long".to_owned());
        drop(run(&gate, &outcome));
        assert_eq!(Arc::strong_count(&outcome), 1);

        let mut late = gate.outcomes();
        let running = run(&gate, &outcome);
        assert_eq!(running.borrow().as_ref(), Some(&outcome));
        drop(running);
        assert_eq!(late.try_recv().unwrap(), outcome);
        assert_eq!(Arc::strong_count(&outcome), 1);
        assert!(late.try_recv().is_err());
    }
}
