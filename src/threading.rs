//! Locks, flags and threads, for the parts that many threads share and whose order
//! is tested: the broadcaster and the gate of the syncs. They are the standard
//! library's.
//!
//! In the unit tests called `schedules`, which are built with `cfg(shuttle)`
//! (`cargo xtask schedules`), they are shuttle's: every use of one is a point at which
//! its scheduler chooses who goes on. What tokio brings, `Notify` and `watch`, stays
//! tokio's: to the schedules each call of theirs is one step.

#[cfg(not(all(test, shuttle)))]
mod real {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

    /// Starts a thread that nobody waits for.
    pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let thread = std::thread::Builder::new().name(name.to_owned());
        thread.spawn(work).map(|_| ())
    }
}

#[cfg(all(test, shuttle))]
mod real {
    use std::sync::LockResult;
    use std::time::Duration;

    use shuttle::rand::Rng as _;
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    pub(crate) use shuttle::sync::{Mutex, MutexGuard};
    pub(crate) use std::sync::PoisonError;

    /// Whether a wait ended without being told to.
    pub(crate) struct Waited(bool);

    impl Waited {
        pub(crate) fn timed_out(&self) -> bool {
            self.0
        }
    }

    /// Shuttle's never times out. This one does at once, or never.
    #[derive(Debug, Default)]
    pub(crate) struct Condvar(shuttle::sync::Condvar);

    impl Condvar {
        pub(crate) fn notify_one(&self) {
            self.0.notify_one();
        }

        pub(crate) fn wait_timeout<'a, T>(
            &self,
            guard: MutexGuard<'a, T>,
            _: Duration,
        ) -> LockResult<(MutexGuard<'a, T>, Waited)> {
            if shuttle::rand::thread_rng().r#gen() {
                return Ok((guard, Waited(true)));
            }
            match self.0.wait(guard) {
                Ok(guard) => Ok((guard, Waited(false))),
                Err(poisoned) => Err(PoisonError::new((poisoned.into_inner(), Waited(false)))),
            }
        }
    }

    /// A task, since of those, other than of threads, some may be left waiting at the end.
    pub(crate) fn spawn(_: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        drop(shuttle::future::spawn(async move { work() }));
        Ok(())
    }
}

pub(crate) use real::*;

/// Runs a test under very many schedules, by chance and by PCT, which looks for bugs
/// that need few unlucky switches. `SCHEDULES` says how many of each.
#[cfg(all(test, shuttle))]
pub(crate) fn explore(test: impl Fn() + Send + Sync + Copy + 'static) {
    let asked = std::env::var("SCHEDULES").ok();
    let schedules = asked.and_then(|asked| asked.parse().ok()).unwrap_or(2_000);
    shuttle::check_random(test, schedules);
    for switches in [2, 3] {
        shuttle::check_pct(test, schedules, switches);
    }
}
