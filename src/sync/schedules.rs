//! The gate of the syncs under schedules that shuttle chooses: never two runs at a
//! time, an outcome for everybody who asks, and none that was there before they asked.
//!
//! `cargo xtask schedules`; what a failure prints replays it (`shuttle::replay`).
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use shuttle::future::block_on;
use shuttle::thread;

use super::gate::{Entry, Gate, Turn, ended};
use crate::threading::{AtomicBool, AtomicU64, Ordering, explore};

/// A gate, and what must be so of the runs behind it. An outcome is the run's number.
struct Place {
    gate: Gate<u64>,
    /// Runs that hang until they are told to end.
    hanging: bool,
    runs: AtomicU64,
    /// Nobody may run.
    closed: AtomicBool,
}

impl Place {
    fn new(hanging: bool) -> Arc<Self> {
        Arc::new(Self {
            gate: Gate::new(),
            hanging,
            runs: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        })
    }

    /// What the engine does: the run is a task of its own. `None` if it is refused.
    fn sync(self: &Arc<Self>) -> Option<u64> {
        let running = match self.gate.enter() {
            Entry::Begun(turn, running) => {
                let place = Arc::clone(self);
                drop(shuttle::future::spawn(async move { place.run(turn).await }));
                running
            }
            Entry::Joined(running) => running,
            Entry::Refused => return None,
        };
        block_on(ended(running)).map(|number| *number)
    }

    async fn run(&self, mut turn: Turn<u64>) {
        assert!(!self.closed.load(Ordering::SeqCst), "it runs though none may");
        assert_eq!(self.runs.fetch_add(1, Ordering::SeqCst), 0, "two at a time");
        if self.hanging {
            turn.cancelled.changed().await.unwrap();
        }
        assert_eq!(self.runs.fetch_sub(1, Ordering::SeqCst), 1);
        let number = Arc::new(turn.number);
        turn.end(&number);
    }

    /// A caller on a thread of its own, who asks so often.
    fn caller(self: &Arc<Self>, times: u64) -> thread::JoinHandle<Vec<Option<u64>>> {
        let place = Arc::clone(self);
        thread::spawn(move || (0..times).map(|_| place.sync()).collect())
    }
}

#[test]
fn schedules_of_callers() {
    explore(|| {
        let place = Place::new(false);
        let callers = [place.caller(2), place.caller(2), place.caller(2)];
        for caller in callers {
            let outcomes = caller.join().unwrap();
            // Each asked again when it had its outcome, and then it got another.
            assert!(outcomes.is_sorted_by(|one, next| one < next), "{outcomes:?}");
            assert!(outcomes.iter().all(Option::is_some));
        }
        assert_eq!(place.runs.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn schedules_of_who_asks_after_an_end() {
    explore(|| {
        let place = Place::new(false);
        let mut outcomes = place.gate.outcomes();
        let caller = place.caller(2);
        let number = match block_on(outcomes.recv()) {
            Ok(number) => *number,
            // Both have ended.
            Err(_) => *block_on(outcomes.recv()).unwrap(),
        };
        // Whoever hears of the end in whatever way, and asks, gets another.
        assert!(place.sync().unwrap() > number);
        caller.join().unwrap();
    });
}

#[test]
fn schedules_of_a_stop() {
    explore(|| {
        let place = Place::new(true);
        let callers = [place.caller(1), place.caller(1)];
        // Without it a run would go on for ever.
        block_on(place.gate.stop());
        place.closed.store(true, Ordering::SeqCst);
        assert_eq!(place.runs.load(Ordering::SeqCst), 0, "it runs after the stop");
        let outcomes = callers.map(|caller| caller.join().unwrap());
        let ran = outcomes.iter().flatten().flatten().max().copied();
        assert_eq!(ran.unwrap_or(0), place.gate.begun());
        assert_eq!(place.sync(), None);

        place.closed.store(false, Ordering::SeqCst);
        place.gate.allow();
        let caller = place.caller(1);
        let canceller = {
            let place = Arc::clone(&place);
            thread::spawn(move || {
                while place.runs.load(Ordering::SeqCst) == 0 {
                    thread::yield_now();
                }
                place.gate.cancel();
            })
        };
        assert_eq!(caller.join().unwrap(), [Some(place.gate.begun())]);
        canceller.join().unwrap();
    });
}

#[test]
fn schedules_of_a_pause() {
    explore(|| {
        let place = Place::new(false);
        let caller = place.caller(2);
        block_on(place.gate.stop());
        assert_eq!(place.runs.load(Ordering::SeqCst), 0);
        place.gate.allow();
        // What was refused meanwhile can be asked for again.
        assert!(place.sync().is_some());
        caller.join().unwrap();
    });
}
