//! What is known of the server, and telling of syncs: the engine's doings as events.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::WildThingError;
use super::auth_types::AuthSession;
use super::core::lock;
use super::session::Session;
use crate::model::Timestamp;
use crate::observe::{Broadcaster, ChangeEvent, Connection};
use crate::store::Store;
use crate::sync::SyncError;
use crate::sync::engine::{Outcome, Progress};
use crate::transport::{HttpTransport, TransportError};

/// The server, and how things stand with it.
#[derive(Default)]
pub(super) struct Link {
    state: Mutex<State>,
    /// The epoch in which the running sync sent its last request; 0 if none counts.
    asked: AtomicU64,
}

#[derive(Default)]
struct State {
    server: Option<Arc<HttpTransport>>,
    /// The token that the server is shown.
    session: Option<Session>,
    connection: Connection,
    /// Counts servers and tokens.
    epoch: u64,
}

impl Link {
    pub(super) fn connection(&self) -> Connection {
        lock(&self.state).connection
    }

    /// The server, and the epoch of which news of it are to come.
    pub(super) fn server(&self) -> Option<(Arc<HttpTransport>, u64)> {
        let state = lock(&self.state);
        Some((Arc::clone(state.server.as_ref()?), state.epoch))
    }

    /// The same, and the token it is shown.
    pub(super) fn present(&self) -> Option<(Arc<HttpTransport>, u64, Option<Session>)> {
        let state = lock(&self.state);
        let server = Arc::clone(state.server.as_ref()?);
        Some((server, state.epoch, state.session.clone()))
    }

    /// What is known of the token in use.
    pub(super) fn session(&self) -> Option<AuthSession> {
        lock(&self.state).session.as_ref().map(Session::told)
    }

    /// A sync is about to ask `server`: the epoch that belongs to, and whether
    /// its token may be replaced. Server and token may change in mid-sync.
    pub(super) fn asking(&self, server: &Arc<HttpTransport>) -> (u64, bool) {
        let (epoch, refreshable) = {
            let state = lock(&self.state);
            let session = state.session.as_ref().filter(|_| state.is_of(server));
            let epoch = if state.is_of(server) { state.epoch } else { 0 };
            (epoch, session.is_some_and(Session::is_refreshable))
        };
        self.asked.store(epoch, Ordering::Release);
        (epoch, refreshable)
    }

    /// Another server, or none: news of the one before count no more.
    pub(super) fn relink(
        &self,
        server: Option<Arc<HttpTransport>>,
        session: Option<Session>,
        store: &Store,
        broadcaster: &Arc<Broadcaster>,
    ) {
        let connection = match server {
            Some(_) => Connection::Unknown,
            None => Connection::NotConnected,
        };
        self.set(store, broadcaster, |state| {
            state.server = server;
            state.session = session;
            state.epoch += 1;
            Some(connection)
        });
    }

    /// `server` is shown another token from here on: news of the one before
    /// count no more.
    pub(super) fn retoken(
        &self,
        server: &Arc<HttpTransport>,
        token: Option<String>,
        now: Timestamp,
        store: &Store,
        broadcaster: &Arc<Broadcaster>,
    ) -> Result<(), TransportError> {
        let session = brought(token, now);
        self.show(server, None, session, Connection::Unknown, store, broadcaster)
            .map(|_| ())
    }

    /// The same for a token that the server gave, as long as it is still the
    /// server, and still in `epoch` if one is named; says whether it was.
    pub(super) fn adopt(
        &self,
        server: &Arc<HttpTransport>,
        epoch: Option<u64>,
        session: Session,
        store: &Store,
        broadcaster: &Arc<Broadcaster>,
    ) -> Result<bool, TransportError> {
        self.show(
            server,
            epoch,
            Some(session),
            Connection::Online,
            store,
            broadcaster,
        )
    }

    /// Changes the token in one go with what is known of it: whoever reads one
    /// finds the other.
    fn show(
        &self,
        server: &Arc<HttpTransport>,
        epoch: Option<u64>,
        session: Option<Session>,
        connection: Connection,
        store: &Store,
        broadcaster: &Arc<Broadcaster>,
    ) -> Result<bool, TransportError> {
        let mut outcome = Ok(false);
        self.set(store, broadcaster, |state| {
            // Otherwise it was left meanwhile.
            if !state.is_of(server) || epoch.is_some_and(|epoch| epoch != state.epoch) {
                return None;
            }
            let token = session.as_ref().map(|session| session.told().auth_token);
            outcome = server.set_auth_token(token).map(|()| true);
            outcome.as_ref().ok()?;
            state.session = session;
            state.epoch += 1;
            Some(connection)
        });
        outcome
    }

    /// The token of `epoch` has no successor.
    pub(super) fn spend(&self, epoch: u64) {
        let mut state = lock(&self.state);
        if state.epoch == epoch
            && let Some(session) = &mut state.session
        {
            session.spend();
        }
    }

    /// News of the server and token of `epoch`.
    pub(super) fn news(
        &self,
        epoch: u64,
        connection: Connection,
        store: &Store,
        broadcaster: &Arc<Broadcaster>,
    ) {
        self.set(store, broadcaster, |state| {
            (state.epoch == epoch).then_some(connection)
        });
    }

    fn set(
        &self,
        store: &Store,
        broadcaster: &Arc<Broadcaster>,
        change: impl FnOnce(&mut State) -> Option<Connection>,
    ) {
        {
            let mut state = lock(&self.state);
            let Some(connection) = change(&mut state) else {
                return;
            };
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

impl State {
    fn is_of(&self, server: &Arc<HttpTransport>) -> bool {
        self.server
            .as_ref()
            .is_some_and(|present| Arc::ptr_eq(present, server))
    }
}

/// What is known of a token that somebody brought; an empty one is none.
pub(super) fn brought(token: Option<String>, now: Timestamp) -> Option<Session> {
    let token = token.filter(|token| !token.is_empty())?;
    Some(Session::brought(token, now))
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
    /// Of the sync that runs: how far it was told to be.
    pub(super) done: AtomicU64,
}

impl SyncTeller {
    fn send(&self, event: ChangeEvent) {
        let broadcaster = Arc::clone(&self.broadcaster);
        self.store.in_turn(move || broadcaster.send(event));
    }

    fn heard(&self, connection: Connection) {
        let epoch = self.link.asked.load(Ordering::Acquire);
        self.link.news(epoch, connection, &self.store, &self.broadcaster);
    }
}

impl Progress for SyncTeller {
    fn started(&self) {
        self.link.asked.store(0, Ordering::Release);
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
