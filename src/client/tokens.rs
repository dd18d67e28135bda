//! Getting tokens from the server, and keeping the one in use fresh while
//! syncing. Both kinds of sync, by hand and in the background, ask the server
//! through [`Core::transport`], which is where a token is exchanged for another
//! before it ends, or when the server takes it no longer.
//!
//! Nothing here shows a password or a token: not in logs, not in errors.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::auth_types::AuthSession;
use super::core::{Core, lock};
use super::session::Session;
use super::{Result, WildThingError};
use crate::model::Timestamp;
use crate::protocol::v2::{AUTH_PATH, TokenAnswer};
use crate::seam::BoxFuture;
use crate::transport::{HttpTransport, Request, Response, Transport, TransportError};

/// How long a sync waits for a fresh token before it goes on without. Together
/// with a request it takes less time than the lease of a sync lasts.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long to wait where the server asks for patience and says no time.
const UNSAID_WAIT: Duration = Duration::from_secs(60);
/// How much of the server's words is passed on, in characters.
const MAX_WORDS: usize = 200;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Door {
    /// A token for a password.
    Admin,
    /// A token for an invitation.
    Guest,
    /// A token for a token.
    Refresh,
}

impl Door {
    fn path(self) -> String {
        let end = match self {
            Door::Admin => "admin/login",
            Door::Guest => "guest/verify",
            Door::Refresh => "refresh",
        };
        format!("{AUTH_PATH}/{end}")
    }
}

/// What is remembered from one request for a token to the next.
#[derive(Default)]
pub(super) struct Tokens {
    /// Held by whoever exchanges the token in use: it is done once.
    turn: tokio::sync::Mutex<()>,
    /// Since when and until when a door of a server, by host, is not to be knocked at.
    shut: Mutex<HashMap<(String, Door), (Timestamp, Timestamp)>>,
}

impl Tokens {
    /// How long is left of the wait that the server asked for. A clock that
    /// stepped back to before it asked keeps nobody waiting.
    fn wait(&self, host: &str, door: Door, now: Timestamp) -> Option<Duration> {
        let mut shut = lock(&self.shut);
        shut.retain(|_, (since, until)| *since <= now && now < *until);
        let (_, until) = shut.get(&(host.to_owned(), door))?;
        let left = until.micros().saturating_sub(now.micros());
        Some(Duration::from_micros(left.unsigned_abs()))
    }

    fn shut(&self, host: &str, door: Door, now: Timestamp, wait: Duration) {
        let micros = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
        let until = now.plus_micros(micros);
        lock(&self.shut).insert((host.to_owned(), door), (now, until));
    }
}

impl Core {
    /// The server for a sync, shown a token that is kept fresh.
    pub(super) fn transport(self: &Arc<Self>) -> Option<Arc<dyn Transport>> {
        let (server, _) = self.link.server()?;
        Some(Arc::new(Asking {
            server,
            core: Arc::clone(self),
            begun: AtomicBool::new(false),
        }))
    }

    /// Shows `secret` at a door of the server, and from then on the token that
    /// it gives.
    pub(super) async fn sign_in(&self, door: Door, message: Value, secret: &str) -> Result<AuthSession> {
        let (server, epoch) = self.link.server().ok_or(WildThingError::NotConnected)?;
        let session = match self.knock(&server, door, message.to_string(), Some(secret)).await {
            Ok(session) => session,
            Err(error) => {
                if let WildThingError::Offline { .. } = error {
                    self.heard(epoch, &error);
                }
                return Err(error);
            }
        };
        self.adopt(&server, None, session)
    }

    /// Exchanges the token in use for a fresh one, in turn.
    pub(super) async fn refresh(&self) -> Result<AuthSession> {
        let _turn = self.tokens.turn.lock().await;
        let (server, epoch, session) = self.link.present().ok_or(WildThingError::NotConnected)?;
        if session.is_some_and(|session| session.is_guests()) {
            return Err(WildThingError::NotAllowed {
                detail: "a guest's token can't be refreshed; scan an invitation again".into(),
            });
        }
        match self.exchange(&server, epoch).await {
            Err(error @ (WildThingError::Offline { .. } | WildThingError::NeedsAuth { .. })) => {
                self.heard(epoch, &error);
                Err(error)
            }
            answer => answer,
        }
    }

    /// Exchanges the token of `epoch`. With the turn.
    async fn exchange(&self, server: &Arc<HttpTransport>, epoch: u64) -> Result<AuthSession> {
        let session = self.knock(server, Door::Refresh, String::new(), None).await?;
        self.adopt(server, Some(epoch), session)
    }

    /// Uses a token from the next request on.
    fn adopt(
        &self,
        server: &Arc<HttpTransport>,
        epoch: Option<u64>,
        session: Session,
    ) -> Result<AuthSession> {
        let told = session.told();
        let adopted = self
            .link
            .adopt(server, epoch, session, &self.store, &self.broadcaster);
        match adopted {
            Ok(true) => Ok(told),
            // Another server was connected to, or another token given, meanwhile.
            Ok(false) => Err(WildThingError::Cancelled),
            Err(_) => Err(WildThingError::Protocol {
                problem: "the server gave a token with characters that tokens don't have".into(),
            }),
        }
    }

    fn heard(&self, epoch: u64, error: &WildThingError) {
        if let Some(connection) = super::link::said(Some(error)) {
            self.link.news(epoch, connection, &self.store, &self.broadcaster);
        }
    }

    /// Asks for a token. `secret` is shown instead of the token in use; without
    /// one, that is.
    async fn knock(
        &self,
        server: &HttpTransport,
        door: Door,
        message: String,
        secret: Option<&str>,
    ) -> Result<Session> {
        if let Some(retry_after) = self.tokens.wait(server.host(), door, self.seam.now()) {
            return Err(WildThingError::RateLimited { retry_after });
        }
        let request = Request::post(door.path(), message.into_bytes());
        let answer = match secret {
            Some(_) => server.send_without_token(request).await?,
            None => server.send(request).await?,
        };
        let now = self.seam.now();
        let given = token_of(door, &answer, secret);
        if let Err(WildThingError::RateLimited { retry_after }) = &given {
            self.tokens.shut(server.host(), door, now, *retry_after);
        }
        Ok(Session::given(given?, now))
    }

    /// Exchanges the token in use if it ends soon. If that can't be done now the
    /// sync goes on with the old one, which may well be good for a while.
    async fn keep_fresh(&self, server: &Arc<HttpTransport>) -> bool {
        if !self.is_due(server) {
            return false;
        }
        let _turn = self.tokens.turn.lock().await;
        // Somebody else may have had the turn before.
        if !self.is_due(server) {
            return false;
        }
        let Some((_, epoch)) = self.link.server() else {
            return false;
        };
        match self.in_time(server, epoch).await {
            Ok(()) => true,
            Err(error) => {
                let finally = matches!(
                    error,
                    WildThingError::NeedsAuth { .. }
                        | WildThingError::NotAllowed { .. }
                        | WildThingError::Protocol { .. }
                );
                if finally {
                    self.link.spend(epoch);
                }
                false
            }
        }
    }

    fn is_due(&self, server: &Arc<HttpTransport>) -> bool {
        self.link.present().is_some_and(|(present, _, session)| {
            Arc::ptr_eq(&present, server) && session.is_some_and(|session| session.is_due(self.seam.now()))
        })
    }

    /// The server refused the token of `epoch`: whether there is another now.
    /// Of each token that is tried once.
    async fn replaced(&self, server: &Arc<HttpTransport>, epoch: u64) -> bool {
        let _turn = self.tokens.turn.lock().await;
        let Some((present, now_epoch, session)) = self.link.present() else {
            return false;
        };
        if epoch == 0 || !Arc::ptr_eq(&present, server) {
            return false;
        }
        if now_epoch != epoch {
            return session.is_some();
        }
        if !session.is_some_and(|session| session.is_refreshable()) {
            return false;
        }
        let exchanged = self.in_time(server, epoch).await.is_ok();
        if !exchanged {
            self.link.spend(epoch);
        }
        exchanged
    }

    async fn in_time(&self, server: &Arc<HttpTransport>, epoch: u64) -> Result<()> {
        let exchange = tokio::time::timeout(PATIENCE, self.exchange(server, epoch));
        let outcome = exchange.await.unwrap_or_else(|_| {
            Err(WildThingError::Offline {
                reason: format!("{} did not answer in time", server.host()),
            })
        });
        match outcome {
            Ok(_) => {
                tracing::debug!("the token was exchanged for a fresh one");
                Ok(())
            }
            Err(error) => {
                tracing::debug!(%error, "the token could not be exchanged for a fresh one");
                Err(error)
            }
        }
    }
}

/// The server as a sync asks it. Server and token may change in mid-sync: each
/// request is noted with the epoch it belongs to.
struct Asking {
    server: Arc<HttpTransport>,
    core: Arc<Core>,
    /// Whether it was looked at the token's age: once a sync.
    begun: AtomicBool,
}

impl Asking {
    async fn ask(&self, request: Request) -> std::result::Result<Response, TransportError> {
        let first = !self.begun.swap(true, Ordering::AcqRel);
        let mut fresh = first && self.core.keep_fresh(&self.server).await;
        // Before the token is taken: what an old one gave rise to is never told of a new one.
        let (epoch, refreshable) = self.core.link.asking(&self.server);
        let again = refreshable.then(|| request.clone());
        let mut answer = self.server.send(request).await?;
        if let Some(again) = again.filter(|_| answer.status == 401)
            && self.core.replaced(&self.server, epoch).await
        {
            fresh = true;
            self.core.link.asking(&self.server);
            answer = self.server.send(again).await?;
        }
        if fresh && answer.status != 401 {
            // A background sync that waits for another token has it. One that
            // is refused as well must not make it try again and again.
            self.core.hints.tokens.send_modify(|count| *count += 1);
        }
        Ok(answer)
    }
}

impl Transport for Asking {
    fn send(&self, request: Request) -> BoxFuture<'_, std::result::Result<Response, TransportError>> {
        Box::pin(self.ask(request))
    }
}

/// What the server's answer at a door means.
fn token_of(door: Door, answer: &Response, secret: Option<&str>) -> Result<TokenAnswer> {
    let detail = || words(answer, secret);
    match (answer.status, door) {
        (200, _) => TokenAnswer::decode(&answer.body).map_err(|error| WildThingError::Protocol {
            problem: error.to_string(),
        }),
        (401, Door::Admin) => Err(WildThingError::WrongPassword),
        (401, Door::Refresh) => Err(WildThingError::NeedsAuth { status: 401 }),
        (401 | 403, _) => Err(WildThingError::NotAllowed { detail: detail() }),
        (404 | 405, _) => Err(WildThingError::Protocol {
            problem: "the server gives no tokens; ask its owner for one".into(),
        }),
        (429, _) => Err(WildThingError::RateLimited {
            retry_after: answer.retry_after.unwrap_or(UNSAID_WAIT),
        }),
        (status, _) => Err(WildThingError::Server {
            status,
            detail: detail(),
        }),
    }
}

/// The server's words, if they are words: a list of what is wrong with a message
/// repeats the message, and with it the secret.
fn words(answer: &Response, secret: Option<&str>) -> String {
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    body.as_ref()
        .and_then(|body| body.get("detail")?.as_str())
        .filter(|words| !secret.is_some_and(|secret| words.contains(secret)))
        .map(|words| words.chars().take(MAX_WORDS).collect())
        .unwrap_or_else(|| format!("it says {}", answer.status))
}
