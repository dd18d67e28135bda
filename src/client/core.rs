//! What a client is made of, and how its calls reach the replica.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use tokio::runtime::Runtime;
use tokio::task::{JoinError, JoinHandle};

use super::link::Link;
use super::session::Session;
use super::tokens::Tokens;
use super::types::SyncStatus;
use super::{Result, WildThingError};
use crate::observe::{Broadcaster, Follower, Interest, Watching};
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
    pub(super) link: Arc<Link>,
    pub(super) tokens: Tokens,
    /// Held by whoever pauses, resumes, ends, connects, or starts or stops the
    /// background sync.
    pub(super) turn: Arc<tokio::sync::Mutex<()>>,
    /// The background sync, if one goes on.
    pub(super) background: Mutex<Option<JoinHandle<()>>>,
    pub(super) paused: AtomicBool,
    /// How things stood when the client was paused, for those who ask meanwhile.
    /// There before `paused` is set, gone after it is cleared.
    pub(super) at_pause: Mutex<Option<SyncStatus>>,
    pub(super) shut: AtomicBool,
    /// How many wait for a sync that they asked for.
    pub(super) callers: Mutex<usize>,
    pub(super) sync_on_write: bool,
}

/// A client: the core, and the runtime it works on.
pub(super) struct Inner {
    pub(super) core: Arc<Core>,
    pub(super) runtime: Arc<Mutex<Option<Runtime>>>,
    pub(super) handle: tokio::runtime::Handle,
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
        self.core.engine.cancel();
        let core = Arc::clone(&self.core);
        let ended = end(&self.runtime, move |runtime| {
            runtime.block_on(async {
                let _ = tokio::time::timeout(FAREWELL, core.engine.stop()).await;
            });
            core.end();
            core.store.close();
        });
        if let Err(error) = ended {
            tracing::warn!(%error, "no thread to end the client with; its lease runs out by itself");
            self.core.end();
        }
    }
}

/// Ends a runtime on a thread of its own, after what is to be done before.
///
/// That thread waits for the runtime's. To let go of threads that are just ending,
/// as `shutdown_background` does, now and then crashes a program of many threads:
/// glibc's `pthread_detach` still reads what the ending thread has freed.
pub(super) fn end(
    shared: &Arc<Mutex<Option<Runtime>>>,
    before: impl FnOnce(&Runtime) + Send + 'static,
) -> std::io::Result<()> {
    let taken = Arc::clone(shared);
    let thread = std::thread::Builder::new()
        .name("wildthing-drop".into())
        .spawn(move || {
            if let Some(runtime) = lock(&taken).take() {
                before(&runtime);
                runtime.shutdown_timeout(FAREWELL);
            }
        });
    if thread.is_err() {
        // To drop a runtime is to wait for it, and panics in async code.
        if let Some(runtime) = lock(shared).take() {
            runtime.shutdown_background();
        }
    }
    thread.map(|_| ())
}

/// No lock of ours is held while anything could panic in a way that matters.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    /// Whether calls are taken at all.
    pub(super) fn ready(&self) -> Result<()> {
        self.core.ready()
    }

    /// Changes what the client is about: pauses it, ends it and so on. One change
    /// at a time, in the order of the calls, and each to its end even if its
    /// caller stops waiting: nobody finds one half done.
    pub(super) async fn in_order<T, F>(
        &self,
        change: impl FnOnce(Arc<Core>) -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let core = Arc::clone(&self.core);
        let mut turn = Box::pin(Arc::clone(&core.turn).lock_owned());
        // Queues here and now: tasks may start in another order than they were made.
        let mine = (&mut turn).now_or_never();
        let task = self.handle.spawn(async move {
            let _turn = match mine {
                Some(mine) => mine,
                None => turn.await,
            };
            change(core).await
        });
        task.await.unwrap_or_else(|error| Err(not_done(&error)))
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
            Err(error) => Err(not_done(&error)),
        }
    }
}

/// Runs work that blocks, for tasks of the client's own runtime.
pub(super) async fn blocking<T: Send + 'static>(
    core: &Arc<Core>,
    work: impl FnOnce(&Core) -> Result<T> + Send + 'static,
) -> Result<T> {
    let core = Arc::clone(core);
    let done = tokio::task::spawn_blocking(move || work(&core)).await;
    done.unwrap_or_else(|error| Err(not_done(&error)))
}

fn not_done(error: &JoinError) -> WildThingError {
    if error.is_panic() {
        return WildThingError::Internal {
            detail: "a call panicked; its transaction was rolled back".into(),
        };
    }
    WildThingError::Cancelled
}

impl Core {
    /// Whether the client was not shut down.
    pub(super) fn open(&self) -> Result<()> {
        if self.shut.load(Ordering::Acquire) {
            return Err(WildThingError::Cancelled);
        }
        Ok(())
    }

    /// Whether calls are taken at all.
    pub(super) fn ready(&self) -> Result<()> {
        self.open()?;
        if self.paused.load(Ordering::Acquire) {
            return Err(WildThingError::Paused);
        }
        Ok(())
    }

    /// Whether a background sync goes on.
    pub(super) fn in_background(&self) -> bool {
        lock(&self.background).is_some()
    }

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

    /// Another server, or none: what was known of the one before is void.
    pub(super) fn relinked(&self, server: Option<Arc<HttpTransport>>, session: Option<Session>) {
        self.link.relink(server, session, &self.store, &self.broadcaster);
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
                    | StoreEvent::Restated(_, Origin::Local)
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
            StoreError::ProcessEnds => WildThingError::Cancelled,
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
            TransportError::InvalidUrl { .. } | TransportError::PlainHttp { .. } => WildThingError::Invalid {
                field: "server_url".into(),
                problem: error.to_string(),
            },
            TransportError::InvalidToken => WildThingError::Invalid {
                field: "auth_token".into(),
                problem: error.to_string(),
            },
            TransportError::InvalidRoot { .. } => WildThingError::Invalid {
                field: "root_certificate_pem".into(),
                problem: error.to_string(),
            },
            TransportError::InvalidPin { .. } => WildThingError::Invalid {
                field: "pinned_certificate_sha256".into(),
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
