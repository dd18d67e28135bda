//! The background loop: sync, wait, sync again.
//!
//! It waits the interval after a sync that went through, and longer and longer
//! after failures. Hints (network, resume, a new server or token) end a wait; a
//! local write ends it after a quarter of a second of quiet. A refused token is
//! waited out until another is given.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::{Notify, watch};

use super::SyncError;
use super::backoff::{Jitter, loop_wait};
use crate::seam::{SharedSeam, Wait};

/// How quiet it must be after a local write.
const QUIET: Duration = Duration::from_millis(250);

/// What ends a wait of the loop.
#[derive(Debug, Default)]
pub struct Hints {
    /// Try now, and forget past failures.
    pub now: Notify,
    /// Something was written.
    pub written: Notify,
    /// Counts the tokens that were given.
    pub tokens: watch::Sender<u64>,
}

impl Hints {
    /// Another token was given: try now.
    pub fn token_given(&self) {
        self.tokens.send_modify(|count| *count += 1);
    }
}

/// Runs until it is dropped. `sync` does one sync; `planned` hears how long the
/// loop waits before the next.
pub async fn run<F, Fut>(
    interval: Duration,
    sync_on_write: bool,
    hints: Arc<Hints>,
    seam: SharedSeam,
    sync: F,
    planned: impl Fn(Duration),
) where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<(), SyncError>>,
{
    let mut jitter = Jitter::new(seam.random_below(u64::MAX));
    let mut failures = 0u32;
    // What was hinted at before there was a loop is seen to by its first sync.
    let _ = hints.now.notified().now_or_never();
    loop {
        let mut tokens = hints.tokens.subscribe();
        let mut not_before = Duration::ZERO;
        let refused = match sync().await {
            Ok(()) => {
                failures = 0;
                false
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                not_before = error.retry_after();
                matches!(error, SyncError::NeedsAuth { .. })
            }
        };
        if refused {
            // The same token is never tried again: no hint but another one ends
            // this wait. One that came during the sync counts.
            if tokens.changed().await.is_err() {
                return;
            }
            failures = 0;
            // What was hinted at meanwhile is seen to by the sync that comes now.
            let _ = hints.now.notified().now_or_never();
            continue;
        }
        let wait = match failures {
            0 => interval,
            _ => Duration::from_millis(loop_wait(failures, &mut jitter)).max(not_before),
        };
        planned(wait);
        let hinted = tokio::select! {
            () = seam.wait(Wait::Interval, wait) => false,
            () = hints.now.notified() => true,
            Ok(()) = tokens.changed() => true,
            () = quiet_after_write(&hints, &seam), if sync_on_write && failures == 0 => false,
        };
        if hinted {
            failures = 0;
        }
    }
}

/// Completes once something was written and nothing more for [`QUIET`].
async fn quiet_after_write(hints: &Hints, seam: &SharedSeam) {
    hints.written.notified().await;
    loop {
        tokio::select! {
            () = hints.written.notified() => {}
            () = seam.wait(Wait::Quiet, QUIET) => return,
        }
    }
}
