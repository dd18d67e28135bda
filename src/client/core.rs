//! What a client is made of, and how its calls reach the replica.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::link::Link;
use super::types::SyncStatus;
use super::{Result, WildThingError};
use crate::observe::{Broadcaster, Connection, Follower, Interest, Watching};
use crate::seam::SharedSeam;
use crate::store::{Commit, Origin, Store, StoreError, StoreEvent};
use crate::sync::SyncError;
use crate::sync::background::Hints;
use crate::sync::engine::Engine;
use crate::transport::{HttpTransport, TransportError};

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
    pub(super) link: Arc<Link>,
    /// Whether a background sync goes on.
    pub(super) background: AtomicBool,
    pub(super) paused: AtomicBool,
    /// How things stood when the client was paused, for those who ask meanwhile.
    pub(super) at_pause: Mutex<Option<SyncStatus>>,
    pub(super) shut: AtomicBool,
    pub(super) sync_on_write: bool,
}

/// A client: the core, and the runtime it works on.
pub(super) struct Inner {
    pub(super) core: Arc<Core>,
    pub(super) runtime: Mutex<Option<Runtime>>,
    pub(super) handle: tokio::runtime::Handle,
    pub(super) background: Mutex<Option<JoinHandle<()>>>,
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
                core.end();
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
            // A file closed in mid-call: paused, or shut down.
            Ok(Err(WildThingError::Paused)) => {
                self.ready()?;
                Err(WildThingError::Paused)
            }
            Ok(result) => result,
            Err(error) if error.is_panic() => Err(WildThingError::Internal {
                detail: "a call panicked; its transaction was rolled back".into(),
            }),
            Err(_) => Err(WildThingError::Cancelled),
        }
    }
}

impl Core {
    /// Ends streams, observers and live queries, after all that was committed.
    pub(super) fn end(&self) {
        let broadcaster = Arc::clone(&self.broadcaster);
        self.store.in_turn(move || broadcaster.end());
    }

    /// Somebody listens: the commits of others are told from here on.
    pub(super) fn listened(&self) {
        if !self.shut.load(Ordering::Acquire) {
            self.follower.begin(&self.store);
        }
    }

    /// A signal of changes for a live query.
    pub(super) fn watch(&self, interest: Interest) -> Watching {
        let watching = self.broadcaster.watch(interest);
        self.listened();
        watching
    }

    /// Something other than a commit changed how things stand.
    pub(super) fn restated(&self) {
        self.broadcaster.anything();
    }

    /// Another server, another token, or none: what was known of it is void.
    pub(super) fn relinked(&self, connection: Connection) {
        self.link.reset(connection, &self.store, &self.broadcaster);
    }
}

/// Tells listeners and the background loop of commits.
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
            SyncError::Panicked => WildThingError::Internal {
                detail: error.to_string(),
            },
        }
    }
}
