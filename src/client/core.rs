//! What a client is made of, and how its calls reach the replica.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::{Result, WildThingError};
use crate::observe::{Broadcaster, Follower};
use crate::seam::SharedSeam;
use crate::store::{Commit, Origin, Store, StoreError, StoreEvent};
use crate::sync::SyncError;
use crate::sync::background::Hints;
use crate::sync::engine::{Engine, Outcome, Progress};
use crate::transport::{HttpTransport, TransportError};

/// How often other processes' commits are looked for while somebody listens.
pub(super) const FOLLOW_EVERY: std::time::Duration = std::time::Duration::from_millis(200);

/// How long a dropped client may take to end.
const FAREWELL: std::time::Duration = std::time::Duration::from_secs(5);

/// Everything but the runtime; background tasks hold this.
pub(super) struct Core {
    pub(super) store: Arc<Store>,
    pub(super) seam: SharedSeam,
    pub(super) engine: Arc<Engine>,
    pub(super) broadcaster: Arc<Broadcaster>,
    pub(super) follower: Arc<Follower>,
    pub(super) hints: Arc<Hints>,
    pub(super) transport: Mutex<Option<Arc<HttpTransport>>>,
    pub(super) paused: AtomicBool,
    pub(super) shut: AtomicBool,
    pub(super) sync_on_write: bool,
}

/// A client: the core, and the runtime it works on.
pub(super) struct Inner {
    pub(super) core: Arc<Core>,
    pub(super) runtime: Mutex<Option<Runtime>>,
    pub(super) handle: tokio::runtime::Handle,
    pub(super) background: Mutex<Option<JoinHandle<()>>>,
    pub(super) following: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WildThing")
            .field("path", &self.core.store.path())
            .finish_non_exhaustive()
    }
}

impl Drop for Inner {
    /// Never waits, so that the last handle may be dropped on any thread: a
    /// thread of its own sees the running sync to its end and frees the lease.
    fn drop(&mut self) {
        let Some(runtime) = lock(&self.runtime).take() else {
            return;
        };
        let core = Arc::clone(&self.core);
        core.engine.cancel();
        let farewell = std::thread::Builder::new()
            .name("wildthing-drop".into())
            .spawn(move || {
                runtime.block_on(async {
                    let _ = tokio::time::timeout(FAREWELL, core.engine.stop()).await;
                });
                core.broadcaster.end();
                core.store.close();
                runtime.shutdown_background();
            });
        if let Err(error) = farewell {
            tracing::warn!(%error, "no thread to end the client with; its lease runs out by itself");
        }
    }
}

/// No lock of ours is held while anything could panic in a way that matters.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    /// Whether calls are taken at all.
    pub(super) fn ready(&self) -> Result<()> {
        if self.core.shut.load(Ordering::Acquire) {
            return Err(WildThingError::Cancelled);
        }
        if self.core.paused.load(Ordering::Acquire) {
            return Err(WildThingError::Paused);
        }
        Ok(())
    }

    /// Runs work that blocks on the client's own threads.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Core) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.ready()?;
        let core = Arc::clone(&self.core);
        match self.handle.spawn_blocking(move || work(&core)).await {
            Ok(result) => result,
            Err(error) if error.is_panic() => Err(WildThingError::Internal {
                detail: "a call panicked; its transaction was rolled back".into(),
            }),
            Err(_) => Err(WildThingError::Cancelled),
        }
    }
}

/// Tells streams and the background loop of the engine's doings and of commits.
pub(super) struct Teller {
    pub(super) broadcaster: Arc<Broadcaster>,
    pub(super) hints: Arc<Hints>,
    pub(super) follower: Arc<Follower>,
}

impl Teller {
    pub(super) fn committed(&self, commit: &Commit) {
        if let Some(change_seq) = commit.change_seq {
            self.follower.own(change_seq);
        }
        self.broadcaster.committed(commit);
        let local = commit.events.iter().any(|event| {
            matches!(
                event,
                StoreEvent::Created(_, Origin::Local)
                    | StoreEvent::Updated(_, Origin::Local)
                    | StoreEvent::Deleted(_, Origin::Local)
            )
        });
        if local {
            self.hints.written.notify_one();
        }
    }
}

impl Progress for Teller {
    fn started(&self) {
        self.broadcaster.sync("sync_started", json!({}));
    }

    fn progress(&self, pulled: u64, pushed: u64) {
        if pulled + pushed > 0 {
            self.broadcaster
                .sync("sync_progress", json!({"done": pulled + pushed, "total": null}));
        }
    }

    fn ended(&self, outcome: &Outcome) {
        match &outcome.result {
            Ok(report) => self.broadcaster.sync(
                "sync_completed",
                json!({"pulled": report.pulled, "pushed": report.pushed, "conflicts": report.conflicts.len(),
                       "problems": report.problems.len()}),
            ),
            Err(error) => {
                let error_seen = WildThingError::from(error.clone());
                if let SyncError::NeedsAuth { status } = error {
                    self.broadcaster.sync("needs_auth", json!({"status": status}));
                }
                self.broadcaster.sync(
                    "sync_failed",
                    json!({"code": error_seen.code(), "detail": error_seen.to_string()}),
                );
            }
        }
    }
}

impl From<StoreError> for WildThingError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Closed => WildThingError::Paused,
            other => WildThingError::Storage {
                code: other.code().to_owned(),
                problem: other.to_string(),
            },
        }
    }
}

impl From<TransportError> for WildThingError {
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::InvalidUrl { .. } => WildThingError::Invalid {
                field: "server_url".into(),
                problem: error.to_string(),
            },
            TransportError::InvalidToken => WildThingError::Invalid {
                field: "auth_token".into(),
                problem: error.to_string(),
            },
            TransportError::TooLarge { .. } | TransportError::Redirected { .. } => WildThingError::Protocol {
                problem: error.to_string(),
            },
            TransportError::Tls { .. }
            | TransportError::Unreachable { .. }
            | TransportError::Timeout { .. }
            | TransportError::Interrupted { .. } => WildThingError::Offline {
                reason: error.to_string(),
            },
        }
    }
}

impl From<SyncError> for WildThingError {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Offline(error) | SyncError::Transport(error) => error.into(),
            SyncError::NeedsAuth { status } => WildThingError::NeedsAuth { status },
            SyncError::Server { status, detail, .. } => WildThingError::Server { status, detail },
            SyncError::Protocol(error) => WildThingError::Protocol {
                problem: error.to_string(),
            },
            SyncError::OtherServer { expected, found } => WildThingError::OtherServer { expected, found },
            SyncError::Store(error) => error.into(),
            SyncError::Busy => WildThingError::Busy,
            SyncError::Cancelled => WildThingError::Cancelled,
        }
    }
}
