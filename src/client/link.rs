//! What is known of the server, and telling of syncs: the engine's doings as events.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::WildThingError;
use super::core::lock;
use crate::observe::{Broadcaster, ChangeEvent, Connection};
use crate::store::Store;
use crate::sync::SyncError;
use crate::sync::engine::{Outcome, Progress};

/// How things stand with the server.
#[derive(Debug, Default)]
pub(super) struct Link {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    connection: Connection,
    /// Counts servers and tokens.
    epoch: u64,
}

impl Link {
    pub(super) fn connection(&self) -> Connection {
        lock(&self.state).connection
    }

    /// The server and token of which news are to come.
    pub(super) fn epoch(&self) -> u64 {
        lock(&self.state).epoch
    }

    /// Another server or token: news of the one before count no more.
    pub(super) fn reset(&self, connection: Connection, store: &Store, broadcaster: &Arc<Broadcaster>) {
        self.set(None, connection, store, broadcaster);
    }

    /// News of the server and token of `epoch`.
    pub(super) fn news(
        &self,
        epoch: u64,
        connection: Connection,
        store: &Store,
        broadcaster: &Arc<Broadcaster>,
    ) {
        self.set(Some(epoch), connection, store, broadcaster);
    }

    fn set(&self, epoch: Option<u64>, connection: Connection, store: &Store, broadcaster: &Arc<Broadcaster>) {
        {
            let mut state = lock(&self.state);
            match epoch {
                Some(epoch) if epoch != state.epoch => return,
                Some(_) => {}
                None => state.epoch += 1,
            }
            if state.connection == connection {
                return;
            }
            state.connection = connection;
            // Queued under the lock, so that it is told in the order it happened.
            let broadcaster = Arc::clone(broadcaster);
            store.queue_turn(move || broadcaster.send(ChangeEvent::ConnectionChanged { connection }));
        }
        store.tell();
    }
}

/// What the outcome of an exchange says of the connection; `None` if nothing.
pub(super) fn said(error: Option<&WildThingError>) -> Option<Connection> {
    match error {
        None => Some(Connection::Online),
        Some(WildThingError::Offline { .. }) => Some(Connection::Offline),
        Some(WildThingError::NeedsAuth { .. }) => Some(Connection::NeedsAuth),
        // Not the answer that was hoped for, but one.
        Some(
            WildThingError::Server { .. }
            | WildThingError::Protocol { .. }
            | WildThingError::OtherServer { .. },
        ) => Some(Connection::Online),
        Some(_) => None,
    }
}

/// Tells of the engine's syncs, each event in its place among the commits.
pub(super) struct SyncTeller {
    pub(super) store: Arc<Store>,
    pub(super) broadcaster: Arc<Broadcaster>,
    pub(super) link: Arc<Link>,
    /// Of the sync that runs: the link's epoch when it began.
    pub(super) epoch: AtomicU64,
    /// Of the sync that runs: how far it was told to be.
    pub(super) done: AtomicU64,
}

impl SyncTeller {
    fn send(&self, event: ChangeEvent) {
        let broadcaster = Arc::clone(&self.broadcaster);
        self.store.in_turn(move || broadcaster.send(event));
    }

    fn heard(&self, connection: Connection) {
        let epoch = self.epoch.load(Ordering::Acquire);
        self.link.news(epoch, connection, &self.store, &self.broadcaster);
    }
}

impl Progress for SyncTeller {
    fn started(&self) {
        self.epoch.store(self.link.epoch(), Ordering::Release);
        self.done.store(0, Ordering::Release);
        self.send(ChangeEvent::SyncStarted);
    }

    fn progress(&self, pulled: u64, pushed: u64) {
        let done = pulled + pushed;
        if self.done.swap(done, Ordering::AcqRel) != done {
            self.heard(Connection::Online);
            self.send(ChangeEvent::SyncProgress { done, total: None });
        }
    }

    fn ending(&self, outcome: &Outcome) {
        let failure = outcome.result.as_ref().err().cloned().map(WildThingError::from);
        if let Some(connection) = said(failure.as_ref()) {
            self.heard(connection);
        }
    }

    fn ended(&self, outcome: &Outcome) {
        if let Err(SyncError::NeedsAuth { status }) = outcome.result {
            self.broadcaster.send(ChangeEvent::NeedsAuth { status });
        }
        self.broadcaster.send(match &outcome.result {
            Ok(report) => ChangeEvent::SyncCompleted {
                pulled: report.pulled,
                pushed: report.pushed,
                conflicts: report.conflicts.len() as u64,
                problems: report.problems.len() as u64,
            },
            Err(error) => {
                let failure = WildThingError::from(error.clone());
                ChangeEvent::SyncFailed {
                    code: failure.code().to_owned(),
                    detail: failure.to_string(),
                }
            }
        });
    }
}
