//! [`Hub`]: a store behind HTTP, in this process, from start to graceful stop.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::seam::{RealSeam, SharedSeam};

use super::intake::Intake;
use super::routes::{Shared, router};
use super::{AuthToken, HubError, HubStore, connections};

/// How long requests under way may take to finish once the hub is to stop.
const GRACE: Duration = Duration::from_secs(5);
/// How long callers may keep a hub waiting unless told.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// How to start a hub.
#[derive(Debug, Clone)]
pub struct HubOptions {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The database file; `None` keeps everything in memory.
    pub db: Option<PathBuf>,
    /// The token that clients must send; `None` lets everyone in.
    pub auth_token: Option<AuthToken>,
    /// How long a caller may keep the hub waiting: over the head of a request or
    /// between two of them, over a body, and without reading on in an answer.
    pub patience: Duration,
}

impl Default for HubOptions {
    /// 127.0.0.1:8000, in memory, no token.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)),
            db: None,
            auth_token: None,
            patience: PATIENCE,
        }
    }
}

/// A running hub over its store: of v1 unless the store is another. Dropped without [`Hub::shutdown`] it stops in the background.
#[derive(Debug)]
pub struct Hub<S = HubStore> {
    addr: SocketAddr,
    store: Arc<Mutex<S>>,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl Hub<HubStore> {
    /// Opens the database and serves it until [`Hub::shutdown`].
    pub async fn start(options: HubOptions) -> Result<Hub, HubError> {
        Self::start_with_seam(options, RealSeam::shared()).await
    }

    /// The same with a clock and ids of the caller's.
    pub async fn start_with_seam(options: HubOptions, seam: SharedSeam) -> Result<Hub, HubError> {
        let HubOptions {
            listen,
            db,
            auth_token,
            patience,
        } = options;
        let stores_seam = Arc::clone(&seam);
        let opened = tokio::task::spawn_blocking(move || match db {
            Some(path) => HubStore::open(&path, stores_seam),
            None => HubStore::in_memory(stores_seam),
        });
        let store = Arc::new(Mutex::new(opened.await.map_err(stopped)??));
        let app = router(Shared {
            store: Arc::clone(&store),
            token: auth_token.map(Arc::new),
            intake: Intake::new(patience),
            seam,
        });
        Self::serve(listen, patience, store, app).await
    }
}

impl<S> Hub<S> {
    /// Serves `app`, which answers from `store`.
    pub(super) async fn serve(
        listen: SocketAddr,
        patience: Duration,
        store: Arc<Mutex<S>>,
        app: Router,
    ) -> Result<Hub<S>, HubError> {
        let listening = |problem| HubError::Listen {
            addr: listen,
            problem,
        };
        let listener = TcpListener::bind(listen).await.map_err(listening)?;
        let addr = listener.local_addr().map_err(listening)?;
        let (stop, stopping) = oneshot::channel::<()>();
        let server = tokio::spawn(connections::serve(listener, app, patience, stopping));
        tracing::info!(%addr, "hub listens");
        Ok(Hub {
            addr,
            store,
            stop: Some(stop),
            server: Some(server),
        })
    }

    /// Where the hub listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The server URL for a client on this machine.
    pub fn url(&self) -> String {
        let mut addr = self.addr;
        // Listening on every address includes the loopback one, which can be reached.
        if addr.ip().is_unspecified() {
            addr.set_ip(match addr {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("http://{addr}")
    }

    /// The store behind the hub. Locking it blocks, and holds up requests.
    pub fn store(&self) -> Arc<Mutex<S>> {
        Arc::clone(&self.store)
    }

    /// Stops listening and lets requests under way finish. Those that take
    /// longer than five seconds are not waited for.
    pub async fn shutdown(mut self) -> Result<(), HubError> {
        if let Some(stop) = self.stop.take() {
            // It fails only if the server has ended already.
            let _ = stop.send(());
        }
        let Some(mut server) = self.server.take() else {
            return Ok(());
        };
        match tokio::time::timeout(GRACE, &mut server).await {
            Ok(ended) => ended.map_err(stopped),
            Err(_) => {
                server.abort();
                Ok(())
            }
        }
    }
}

pub(super) fn stopped(problem: impl std::fmt::Display) -> HubError {
    HubError::Stopped {
        problem: problem.to_string(),
    }
}
