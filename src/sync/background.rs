//! The background loop: sync, wait, sync again.
//!
//! It waits the interval after a sync that went through, and longer and longer
//! after failures. Hints (network, resume, a new token) end a wait; a local
//! write ends it after a quarter of a second of quiet.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::backoff::{Jitter, loop_wait};
use super::planner::SyncError;
use crate::seam::SharedSeam;

/// How quiet it must be after a local write.
const QUIET: Duration = Duration::from_millis(250);

/// What ends a wait of the loop.
#[derive(Debug, Default)]
pub struct Hints {
    /// Try now, and forget past failures.
    pub now: Notify,
    /// Something was written.
    pub written: Notify,
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
    loop {
        let refused = match sync().await {
            Ok(()) => {
                failures = 0;
                false
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                matches!(error, SyncError::NeedsAuth { .. })
            }
        };
        if refused {
            // The same token is never tried again.
            hints.now.notified().await;
            failures = 0;
            continue;
        }
        let wait = match failures {
            0 => interval,
            _ => Duration::from_millis(loop_wait(failures, &mut jitter)),
        };
        planned(wait);
        let hinted = tokio::select! {
            () = seam.sleep(wait) => false,
            () = hints.now.notified() => true,
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
            () = seam.sleep(QUIET) => return,
        }
    }
}
