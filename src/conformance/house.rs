//! The hub that ships, on the stage's clock: started, stopped, started anew.

use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::runtime::Runtime;

use super::StageError;
use super::lock;
use crate::hub::v2::{GraphOptions, GraphStore};
use crate::hub::{AuthToken, Hub, HubOptions, HubStore};
use crate::seam::SharedSeam;

/// A hub that can be stopped and go on where it was.
pub(super) struct House {
    runtime: Runtime,
    protocol: String,
    file: PathBuf,
    seam: SharedSeam,
    token: String,
    page_limit: Option<usize>,
    running: Running,
}

enum Running {
    No,
    Plain(Hub<HubStore>),
    Graph(Hub<GraphStore>),
}

impl std::fmt::Debug for House {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("House")
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

impl House {
    pub(super) fn new(
        protocol: &str,
        file: PathBuf,
        seam: SharedSeam,
        token: &str,
        page_limit: Option<usize>,
    ) -> Result<Self, StageError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("stage-hub")
            .enable_all()
            .build()
            .map_err(StageError::broken)?;
        Ok(Self {
            runtime,
            protocol: protocol.to_owned(),
            file,
            seam,
            token: token.to_owned(),
            page_limit,
            running: Running::No,
        })
    }

    /// Where it listens from here on.
    pub(super) fn start(&mut self) -> Result<SocketAddr, StageError> {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let (db, seam) = (Some(self.file.clone()), SharedSeam::clone(&self.seam));
        let auth_token = Some(AuthToken::new(self.token.clone()));
        let address = if self.protocol == "v2" {
            let options = GraphOptions {
                listen,
                db,
                auth_token,
                admin_password: None,
                ..GraphOptions::default()
            };
            let hub = self.runtime.block_on(Hub::start_v2_with_seam(options, seam));
            let hub = hub.map_err(StageError::broken)?;
            let address = hub.addr();
            self.running = Running::Graph(hub);
            address
        } else {
            let options = HubOptions {
                listen,
                db,
                auth_token,
                ..HubOptions::default()
            };
            let hub = self.runtime.block_on(Hub::start_with_seam(options, seam));
            let hub = hub.map_err(StageError::broken)?;
            let address = hub.addr();
            self.running = Running::Plain(hub);
            address
        };
        if let Some(changes) = self.page_limit {
            self.set_page_limit(changes);
        }
        Ok(address)
    }

    pub(super) fn stop(&mut self) -> Result<(), StageError> {
        let stopped = match std::mem::replace(&mut self.running, Running::No) {
            Running::No => Ok(()),
            Running::Plain(hub) => self.runtime.block_on(hub.shutdown()),
            Running::Graph(hub) => self.runtime.block_on(hub.shutdown()),
        };
        stopped.map_err(StageError::broken)
    }

    pub(super) fn is_up(&self) -> bool {
        !matches!(self.running, Running::No)
    }

    /// Where it listens.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        match &self.running {
            Running::No => None,
            Running::Plain(hub) => Some(hub.addr()),
            Running::Graph(hub) => Some(hub.addr()),
        }
    }

    pub(super) fn set_page_limit(&mut self, changes: usize) {
        self.page_limit = Some(changes);
        match &self.running {
            Running::No => {}
            Running::Plain(hub) => lock(&hub.store()).set_page_limit(changes),
            Running::Graph(hub) => lock(&hub.store()).set_page_limit(changes),
        }
    }

    /// The token it asks for from its next start on.
    pub(super) fn set_token(&mut self, token: &str) {
        self.token = token.to_owned();
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Begins a new life of its database, as after a backup was put back.
    pub(super) fn new_epoch(&self) -> Result<(), StageError> {
        match &self.running {
            Running::Plain(hub) => lock(&hub.store())
                .new_epoch()
                .map(|_| ())
                .map_err(StageError::broken),
            _ => Err(StageError::broken("only a hub of v1 that is up has epochs")),
        }
    }
}
