//! The threads on which observers are called.
//!
//! An observer that has something to hear gets an idle thread, or a new one. A
//! blocked observer keeps its thread and nobody else's. Idle threads end, so
//! that a hundred thousand quiet observers need none. Beyond [`AT_ONCE`] threads
//! a new one is started only when nothing moved for a moment.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::observer::Observing;
use crate::threading::{self, Condvar, Mutex, MutexGuard, PoisonError};

/// So many threads are started without a second thought.
const AT_ONCE: usize = 64;
/// How long an idle thread waits for work.
const IDLE: Duration = Duration::from_secs(1);
/// When nothing moved for so long, all threads are taken to be blocked.
const STALLED: Duration = Duration::from_millis(20);

#[derive(Debug, Default)]
pub(super) struct Pool {
    state: Mutex<State>,
    work: Condvar,
    /// Only for the keeper's waits.
    stall: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Observers with something to hear, each once.
    ready: VecDeque<Arc<Observing>>,
    threads: usize,
    idle: usize,
    /// Counts what was taken from `ready`.
    taken: u64,
    /// Whether a thread looks out for a stall.
    kept: bool,
}

impl Pool {
    /// Gives an observer a thread. Hold no lock.
    pub(super) fn serve(self: &Arc<Self>, observing: Arc<Observing>) {
        let mut state = self.state();
        state.ready.push_back(observing);
        if state.ready.len() <= state.idle {
            self.work.notify_one();
        } else if state.threads < AT_ONCE {
            drop(state);
            self.start(1);
        } else if !state.kept {
            state.kept = true;
            drop(state);
            let pool = Arc::clone(self);
            if !spawn("wildthing-observers", move || pool.keep()) {
                self.state().kept = false;
            }
        }
    }

    fn start(self: &Arc<Self>, count: usize) {
        for _ in 0..count {
            self.state().threads += 1;
            let pool = Arc::clone(self);
            if !spawn("wildthing-observer", move || pool.work()) {
                let mut state = self.state();
                state.threads -= 1;
                if state.threads > 0 {
                    // Those that run see to what waits.
                    continue;
                }
                let left = std::mem::take(&mut state.ready);
                drop(state);
                // The next change asks again.
                left.iter().for_each(|observing| observing.unserved());
            }
        }
    }

    fn work(self: Arc<Self>) {
        while let Some(observing) = self.next() {
            observing.hear(&self);
        }
    }

    /// The next observer; `None` after a while without one.
    fn next(&self) -> Option<Arc<Observing>> {
        let mut state = self.state();
        loop {
            if let Some(observing) = state.ready.pop_front() {
                state.taken += 1;
                return Some(observing);
            }
            state.idle += 1;
            let (woken, waited) = self
                .work
                .wait_timeout(state, IDLE)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if waited.timed_out() && state.ready.is_empty() {
                state.threads -= 1;
                return None;
            }
        }
    }

    /// Starts threads when all of them are blocked, as long as somebody waits for one.
    fn keep(self: Arc<Self>) {
        loop {
            let wanted = {
                let state = self.state();
                let before = state.taken;
                let (mut state, _) = self
                    .stall
                    .wait_timeout(state, STALLED)
                    .unwrap_or_else(PoisonError::into_inner);
                if state.ready.is_empty() {
                    state.kept = false;
                    return;
                }
                if state.taken == before {
                    state.ready.len().min(AT_ONCE)
                } else {
                    0
                }
            };
            self.start(wanted);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> bool {
    let spawned = threading::spawn(name, work);
    if let Err(error) = &spawned {
        tracing::warn!(%error, "no thread to call observers on");
    }
    spawned.is_ok()
}
