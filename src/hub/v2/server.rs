//! A v2 hub behind HTTP: opening it and letting it serve.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[cfg(feature = "testing")]
use crate::hub::http::lock;
use crate::hub::intake::Intake;
use crate::hub::server::{PATIENCE, stopped};
use crate::hub::{AuthToken, Hub, HubError};
use crate::seam::{RealSeam, SharedSeam};

use super::gate::Gate;
use super::routes::{Shared, router};
use super::secrets::AdminPassword;
use super::store::GraphStore;

/// How to start a hub of v2. Unlike one of v1 it lets nobody in without a token:
/// give one, or the password that a token is had for.
#[derive(Debug, Clone)]
pub struct GraphOptions {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The database file; `None` keeps everything in memory.
    pub db: Option<PathBuf>,
    /// A token that means the admin.
    pub auth_token: Option<AuthToken>,
    /// How long a caller may keep the hub waiting: over the head of a request or
    /// between two of them, over a body, and without reading on in an answer.
    pub patience: Duration,
    /// The admin's password; `None` leaves the one that the database knows.
    pub admin_password: Option<AdminPassword>,
}

impl Default for GraphOptions {
    /// 127.0.0.1:8000, in memory, nobody let in.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)),
            db: None,
            auth_token: None,
            patience: PATIENCE,
            admin_password: None,
        }
    }
}

impl Hub<GraphStore> {
    /// Opens the database of a v2 hub and serves it until [`Hub::shutdown`].
    pub async fn start_v2(options: GraphOptions) -> Result<Self, HubError> {
        Self::start_v2_with_seam(options, RealSeam::shared()).await
    }

    /// The same with a clock and ids of the caller's.
    pub async fn start_v2_with_seam(options: GraphOptions, seam: SharedSeam) -> Result<Self, HubError> {
        let GraphOptions {
            listen,
            db,
            auth_token,
            admin_password,
            patience,
        } = options;
        let stores_seam = Arc::clone(&seam);
        let opened = tokio::task::spawn_blocking(move || {
            let mut store = match db {
                Some(path) => GraphStore::open(&path, stores_seam)?,
                None => GraphStore::in_memory(stores_seam)?,
            };
            if let Some(password) = admin_password {
                store.set_admin_password(&password)?;
            }
            let gate = Gate::of(&store, auth_token)?;
            Ok::<_, HubError>((store, gate))
        });
        let (store, gate) = opened.await.map_err(stopped)??;
        let store = Arc::new(Mutex::new(store));
        let app = router(Shared {
            store: Arc::clone(&store),
            gate: Arc::new(gate),
            intake: Intake::new(patience),
            seam,
        });
        Self::serve(listen, patience, store, app).await
    }
}

/// What a hub of v2 over `store` serves, to be asked without a socket.
#[cfg(feature = "testing")]
pub fn app(
    store: Arc<Mutex<GraphStore>>,
    token: Option<AuthToken>,
    seam: SharedSeam,
) -> Result<axum::Router, HubError> {
    let gate = Gate::of(&lock(&store), token)?;
    Ok(router(Shared {
        store,
        gate: Arc::new(gate),
        intake: Intake::new(PATIENCE),
        seam,
    }))
}
