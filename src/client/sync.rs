//! Syncing: by hand, in the background, and how it stands.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::core::{Core, lock};
use super::present::conflict;
use super::types::{SyncProblem, SyncResult, SyncStatus};
use super::{Result, WildThingClient, WildThingError};
use crate::model::RecordId;
use crate::store::{journal, metadata, outbox};
use crate::sync::engine::Outcome;
use crate::sync::{SyncError, background};

/// The shortest interval of a background sync.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// One who waits for the sync that runs. If the last of them gives up, and no
/// background sync goes on, the sync ends.
pub(super) struct Caller<'a> {
    core: &'a Core,
    /// Whether this has got what it waited for.
    content: bool,
    /// How often syncs had been cancelled when this came.
    cancelled_before: u64,
}

impl<'a> Caller<'a> {
    pub(super) fn new(core: &'a Core) -> Self {
        let mut callers = lock(&core.callers);
        *callers += 1;
        Self {
            core,
            content: false,
            cancelled_before: *core.engine.cancellations().borrow(),
        }
    }

    /// Whether what was cancelled had been so before this came, and was ending.
    pub(super) fn came_late(&self, outcome: &Outcome) -> bool {
        outcome.number > 0 && *self.core.engine.cancellations().borrow() == self.cancelled_before
    }

    /// It has its answer, and waits no more.
    pub(super) fn is_answered(&mut self) {
        self.content = true;
    }
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        // Under the lock: whoever comes now is either counted, or knows of the cancelling.
        let mut callers = lock(&self.core.callers);
        *callers -= 1;
        if *callers == 0 && !self.content && !self.core.in_background() {
            self.core.engine.cancel();
        }
    }
}

#[uniffi::export]
impl WildThingClient {
    /// Syncs now, or joins the sync that runs. If every caller gives up waiting, the
    /// sync ends, unless a background sync goes on.
    ///
    /// Fails with `NotConnected`, `Offline`, `NeedsAuth`, `Server`, `Protocol`,
    /// `OtherServer`, `Busy`, `Storage`, `Paused` or `Cancelled`. What was done
    /// before it failed stays done; the rest waits for the next sync.
    pub async fn sync(&self) -> Result<SyncResult> {
        let core = &self.inner.core;
        loop {
            self.inner.ready()?;
            let transport = core.transport().ok_or(WildThingError::NotConnected)?;
            if core.in_background() {
                // The loop joins this sync and forgets its failures.
                core.hints.now.notify_one();
            }
            let engine = Arc::clone(&core.engine);
            let mut caller = Caller::new(core);
            let task = self
                .inner
                .handle
                .spawn(async move { engine.sync(transport, true).await });
            let answer = task.await;
            caller.is_answered();
            let outcome = answer.map_err(|_| WildThingError::Cancelled)?;
            match &outcome.result {
                Ok(report) => return Ok(result(report, &outcome)),
                Err(SyncError::Cancelled) if caller.came_late(&outcome) => {}
                Err(error) => return Err(error.clone().into()),
            }
        }
    }

    /// Ends the sync that runs, promptly. Whoever waits for it gets `Cancelled`.
    pub fn cancel_sync(&self) {
        self.inner.core.engine.cancel();
    }

    /// Syncs now and then every `interval` (at least a second), later after
    /// failures, sooner after local writes and hints. A running one is replaced.
    pub async fn start_background_sync(&self, interval: Duration) -> Result<()> {
        let start = move |core: Arc<Core>| async move {
            core.open()?;
            core.stop_background().await;
            core.link.server().ok_or(WildThingError::NotConnected)?;
            core.start_background(interval.max(SHORTEST_INTERVAL));
            Ok(())
        };
        self.inner.in_order(start).await
    }

    /// Ends the background sync. A sync that runs is ended too.
    pub async fn stop_background_sync(&self) {
        let stop = |core: Arc<Core>| async move {
            core.stop_background().await;
            Ok(())
        };
        // It fails only if the client's threads are gone, and the sync with them.
        let _ = self.inner.in_order(stop).await;
    }

    /// The network is back: a background sync tries at once.
    pub fn network_available(&self) {
        self.inner.core.hints.now.notify_one();
    }

    /// Where the replica stands. While the client is paused: where it stood then.
    pub async fn get_sync_status(&self) -> Result<SyncStatus> {
        let core = &self.inner.core;
        loop {
            let answer = self.inner.blocking(Core::status).await;
            let then = lock(&core.at_pause).clone();
            match (answer, then) {
                (Err(WildThingError::Paused), Some(then)) => {
                    return Ok(SyncStatus {
                        connection: core.link.connection(),
                        background: core.in_background(),
                        paused: true,
                        ..then
                    });
                }
                // Resumed between the two looks.
                (Err(WildThingError::Paused), None) if core.ready().is_ok() => {}
                (answer, _) => return answer,
            }
        }
    }
}

impl Core {
    /// Starts the background sync. In turn, with none that runs.
    fn start_background(self: &Arc<Self>, interval: Duration) {
        let (core, for_planned) = (Arc::clone(self), Arc::clone(self));
        let task = background::run(
            interval,
            self.sync_on_write,
            Arc::clone(&self.hints),
            self.seam.clone(),
            move || once(Arc::clone(&core)),
            move |wait| plan(&for_planned, wait),
        );
        *lock(&self.background) = Some(tokio::spawn(task));
        self.restated();
    }

    /// Ends the background sync, and a sync that runs with it. In turn.
    pub(super) async fn stop_background(&self) {
        let task = lock(&self.background).take();
        if let Some(task) = task {
            task.abort();
            let _ = task.await;
            self.engine.cancel();
            self.engine.idle().await;
            self.restated();
        }
    }

    /// Where the replica stands.
    pub(super) fn status(&self) -> Result<SyncStatus> {
        Ok(self.store.read(|connection| {
            let meta = metadata::get(connection)?;
            let (pending, failed) = outbox::counts(connection)?;
            let conflicts = journal::count(connection)?;
            let mut statement = connection
                .prepare_cached("SELECT kind, count(*) FROM records WHERE NOT deleted GROUP BY kind")?;
            let counts: HashMap<String, u64> = statement
                .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(SyncStatus {
                server_url: meta.server_url,
                client_id: meta.client_id,
                protocol: meta.protocol,
                last_sync_time: meta.last_sync_time,
                last_sync_success: meta.last_sync_success,
                last_sync_error: meta.last_sync_error,
                sync_failures: meta.sync_failures,
                total_syncs: meta.total_syncs,
                total_conflicts: meta.total_conflicts,
                sync_in_progress: meta.sync_in_progress,
                next_retry_time: meta.next_retry_time,
                pending,
                failed,
                conflicts,
                digest_agrees: meta.digest_checked_at.map(|_| meta.digest_mismatches == 0),
                digest_checked_at: meta.digest_checked_at,
                counts,
                connection: self.link.connection(),
                background: self.in_background(),
                paused: self.paused.load(Ordering::Acquire),
            })
        })?)
    }
}

/// One sync of the background loop.
async fn once(core: Arc<Core>) -> std::result::Result<(), SyncError> {
    let Some(transport) = core.transport() else {
        return Err(SyncError::Cancelled);
    };
    let outcome = core.engine.sync(transport, false).await;
    outcome.result.as_ref().map(|_| ()).map_err(Clone::clone)
}

/// Writes down when the loop tries next, for those who look at the file.
fn plan(core: &Arc<Core>, wait: Duration) {
    let micros = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
    let at = core.seam.now().plus_micros(micros);
    let core = Arc::clone(core);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = core.store.set_next_retry(Some(at)) {
            tracing::debug!(%error, "could not write down the next retry");
        }
    });
}

pub(super) fn result(report: &crate::sync::SyncReport, outcome: &Outcome) -> SyncResult {
    let conflicts: Vec<_> = report.conflicts.iter().map(conflict).collect();
    SyncResult {
        synced_entities: report.pulled + report.pushed,
        pulled: report.pulled,
        pushed: report.pushed,
        conflicts_resolved: conflicts.len() as u64,
        conflicts,
        errors: report
            .problems
            .iter()
            .map(|problem| SyncProblem {
                kind: problem.kind.clone(),
                id: problem.id.clone().and_then(|id| RecordId::new(id).ok()),
                code: problem.code.clone(),
                detail: problem.detail.clone(),
            })
            .collect(),
        duration: outcome.took,
    }
}
