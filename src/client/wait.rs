//! Waiting until the server has everything.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use super::core::{Core, blocking};
use super::sync::{Caller, result};
use super::types::SyncResult;
use super::{Result, WildThingClient, WildThingError};
use crate::seam::Wait;
use crate::store::outbox::OutboxState;
use crate::store::{StoreError, metadata, outbox};
use crate::sync::SyncError;
use crate::sync::engine::Outcome;

/// The pause before an edit that a sync left unanswered is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// A task that ends with whoever waits for it.
struct Owned<T>(JoinHandle<T>);

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[uniffi::export]
impl WildThingClient {
    /// Waits until the server has answered every edit made before this call:
    /// it took it, decided it, or refused it, which marks it failed; and until
    /// a sync that began after this call went through. The result is that sync's.
    ///
    /// Syncs by itself if no background sync goes on, and then fails as `sync`
    /// does. A background sync is told to try at once; its failures are waited
    /// out. Fails with `Timeout` after `timeout`, and with `Cancelled` or
    /// `Paused` as soon as syncing is stopped in any way.
    pub async fn wait_until_synced(&self, timeout: Duration) -> Result<SyncResult> {
        self.inner.ready()?;
        self.server()?;
        let core = Arc::clone(&self.inner.core);
        let mut task = Owned(self.inner.handle.spawn(wait(core, timeout)));
        let answer = (&mut task.0).await.unwrap_or(Err(WildThingError::Cancelled));
        if matches!(answer, Err(WildThingError::Cancelled | WildThingError::Paused)) {
            // A pause cancels, and a shutdown closes the file: say which it was.
            self.inner.ready()?;
        }
        answer
    }
}

async fn wait(core: Arc<Core>, timeout: Duration) -> Result<SyncResult> {
    let mut cancelled = core.engine.cancellations();
    // Paused or ended before this listened: nothing more may come to end the wait.
    core.ready()?;
    // All the while, and not only in a sync: somebody else's giving up must not end it.
    let mut caller = Caller::new(&core);
    let waited = tokio::select! {
        result = settle(&core, &caller) => {
            caller.is_answered();
            return result;
        }
        _ = cancelled.changed() => return Err(WildThingError::Cancelled),
        () = core.seam.wait(Wait::Patience, timeout) => timeout,
    };
    let pending = blocking(&core, |core| {
        Ok(core.store.read(|connection| Ok(outbox::counts(connection)?.0))?)
    });
    Err(WildThingError::Timeout {
        waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
        pending: pending.await?,
    })
}

/// Syncs, or follows the background sync, until every edit of now is answered.
async fn settle(core: &Arc<Core>, caller: &Caller<'_>) -> Result<SyncResult> {
    let before = core.engine.begun();
    let mut outcomes = core.engine.outcomes();
    let last_edit = blocking(core, |core| Ok(core.store.read(metadata::get)?.edit_seq)).await?;
    loop {
        let outcome = if core.in_background() {
            core.hints.now.notify_one();
            next_success(&mut outcomes, before).await?
        } else {
            let transport = core.transport().ok_or(WildThingError::NotConnected)?;
            core.engine.sync(transport, true).await
        };
        let cancelled = matches!(outcome.result, Err(SyncError::Cancelled));
        let stopped = cancelled && !caller.came_late(&outcome);
        if cancelled && !stopped {
            // It was ending when this came.
            continue;
        }
        if outcome.number <= before && !stopped {
            // It began before the call: it may have missed the last edits.
            continue;
        }
        let report = match &outcome.result {
            Ok(report) => report,
            Err(error) => return Err(error.clone().into()),
        };
        let answered =
            move |core: &Core| Ok(core.store.read(|connection| unanswered(connection, last_edit))? == 0);
        if blocking(core, answered).await? {
            return Ok(result(report, &outcome));
        }
        core.seam.wait(Wait::Again, AGAIN).await;
    }
}

/// The next sync of the background loop that began after `before` and went
/// through, or was cancelled.
async fn next_success(outcomes: &mut broadcast::Receiver<Arc<Outcome>>, before: u64) -> Result<Arc<Outcome>> {
    loop {
        let outcome = match outcomes.recv().await {
            Ok(outcome) => outcome,
            // A later one makes up for it.
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return Err(WildThingError::Cancelled),
        };
        let over = matches!(outcome.result, Ok(_) | Err(SyncError::Cancelled));
        if over && outcome.number > before {
            return Ok(outcome);
        }
    }
}

/// How many edits up to `last_edit` are still to be answered.
fn unanswered(connection: &rusqlite::Connection, last_edit: i64) -> std::result::Result<usize, StoreError> {
    let waits =
        |entry: &outbox::OutboxEntry| entry.edit_seq <= last_edit && entry.state == OutboxState::Queued;
    Ok(outbox::list(connection)?
        .iter()
        .filter(|entry| waits(entry))
        .count())
}
