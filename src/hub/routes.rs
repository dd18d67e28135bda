//! The hub's paths: from an HTTP request to a call of the store and back.
//!
//! Limits, authentication and the shapes of errors are here; listening and
//! stopping are in `server`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::protocol::v1::{ACK_PATH, Ack, HEALTH_PATH, PUSH_PATH, PushRequest, REQUEST_PATH, SyncRequest};
use crate::protocol::{MAX_MESSAGE_BYTES, ProtocolError};
use crate::seam::SharedSeam;

use super::auth::{self, AuthToken, Denied};
use super::{HubError, HubStore};

/// How long a request may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// How much of a body that is too large is read and thrown away, so that its
/// sender gets to hear the answer instead of a broken connection.
const MAX_DISCARDED_BYTES: usize = 8 * MAX_MESSAGE_BYTES;

/// What every handler needs.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) store: Arc<Mutex<HubStore>>,
    pub(super) token: Option<Arc<AuthToken>>,
    pub(super) seam: SharedSeam,
}

pub(super) fn router(shared: Shared) -> Router {
    Router::new()
        .route(REQUEST_PATH, post(sync_request))
        .route(PUSH_PATH, post(sync_push))
        .route(ACK_PATH, post(sync_ack))
        .route(HEALTH_PATH, get(health))
        .route("/", get(about))
        .fallback(|| async { Problem::status(StatusCode::NOT_FOUND, "Not Found") })
        .method_not_allowed_fallback(|| async {
            Problem::status(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
        })
        .with_state(shared)
}

async fn health() -> Response {
    answer(StatusCode::OK, &json!({"status": "healthy"}))
}

async fn about() -> Response {
    let about = json!({
        "name": "WildThing reference hub",
        "version": env!("CARGO_PKG_VERSION"),
        "protocol": "inbetweenies-v1",
        "health": HEALTH_PATH,
    });
    answer(StatusCode::OK, &about)
}

async fn sync_request(State(shared): State<Shared>, message: Message) -> Result<Response, Problem> {
    blocking(shared.store, move |store| {
        let request = SyncRequest::decode(&message.0)?;
        let delta = lock(store).delta(&request)?;
        tracing::debug!(client = %request.client_id, changes = delta.changes.len(), more = delta.more, "delta");
        Ok(delta.encode().to_string())
    })
    .await
}

async fn sync_push(State(shared): State<Shared>, message: Message) -> Result<Response, Problem> {
    blocking(shared.store, move |store| {
        let (client_id, changes) = PushRequest::decode_frame(&message.0)?;
        let result = lock(store).push(&client_id, changes)?;
        tracing::debug!(
            client = %client_id,
            applied = result.applied.len(),
            conflicts = result.conflicts.len(),
            rejected = result.rejected.len(),
            "push"
        );
        Ok(result.encode().to_string())
    })
    .await
}

async fn sync_ack(State(shared): State<Shared>, message: Message) -> Result<Response, Problem> {
    let seam = shared.seam;
    blocking(shared.store, move |_| {
        Ack::check(&message.0)?;
        Ok(Ack::response(seam.now()).to_string())
    })
    .await
}

/// Runs work that reads a whole message or waits for the database off the async
/// threads. The store is locked for no longer than the work needs it.
async fn blocking(
    store: Arc<Mutex<HubStore>>,
    work: impl FnOnce(&Mutex<HubStore>) -> Result<String, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    match tokio::task::spawn_blocking(move || work(&store)).await {
        Ok(body) => Ok(json_text(StatusCode::OK, body?)),
        Err(stopped) => {
            tracing::error!(%stopped, "a request failed");
            Err(Problem::status(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Internal Server Error",
            ))
        }
    }
}

/// A panic inside a transaction rolls it back: the store is as good as before.
fn lock(store: &Mutex<HubStore>) -> MutexGuard<'_, HubStore> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The body of a request that was let in, whole and within the limit.
struct Message(Vec<u8>);

impl FromRequest<Shared> for Message {
    type Rejection = Problem;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Problem> {
        auth::check(shared.token.as_deref(), request.headers())?;
        match tokio::time::timeout(BODY_TIMEOUT, read(request.into_body())).await {
            Ok(message) => message.map(Message),
            Err(_) => Err(Problem::status(StatusCode::REQUEST_TIMEOUT, "Request Timeout")),
        }
    }
}

async fn read(body: Body) -> Result<Vec<u8>, Problem> {
    let mut stream = body.into_data_stream();
    let mut message = Vec::new();
    let mut total = 0usize;
    while let Some(chunk) = stream.next().await {
        let chunk: Bytes =
            chunk.map_err(|_| Problem::status(StatusCode::BAD_REQUEST, "The body ended early"))?;
        total = total.saturating_add(chunk.len());
        if total <= MAX_MESSAGE_BYTES {
            message.extend_from_slice(&chunk);
        } else if total <= MAX_DISCARDED_BYTES {
            message = Vec::new();
        } else {
            break;
        }
    }
    if total > MAX_MESSAGE_BYTES {
        return Err(ProtocolError::TooLarge {
            limit: MAX_MESSAGE_BYTES,
        }
        .into());
    }
    Ok(message)
}

/// An answer that is an error, with `detail` as FastAPI servers write it.
struct Problem {
    status: StatusCode,
    detail: Value,
}

impl Problem {
    fn status(status: StatusCode, detail: &str) -> Self {
        Self {
            status,
            detail: detail.into(),
        }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        Problem::status(StatusCode::UNAUTHORIZED, denied.detail())
    }
}

impl From<ProtocolError> for Problem {
    fn from(error: ProtocolError) -> Self {
        let kind = match &error {
            ProtocolError::TooLarge { .. } => {
                return Problem::status(StatusCode::PAYLOAD_TOO_LARGE, &error.to_string());
            }
            ProtocolError::NotUtf8 { .. } | ProtocolError::NotJson { .. } | ProtocolError::WebPage => {
                "json_invalid"
            }
            ProtocolError::TooDeep { .. } => "json_too_deep",
            ProtocolError::TooManyChanges { .. } => "too_long",
            ProtocolError::Field { found, .. } if found == "nothing" => "missing",
            ProtocolError::Field { .. } => "value_error",
        };
        let mut place = vec![Value::from("body")];
        if let ProtocolError::Field { path, .. } = &error {
            place.extend(path.split('.').filter(|part| !part.is_empty()).map(Value::from));
        }
        let message = match &error {
            ProtocolError::WebPage => "the message is not JSON".to_owned(),
            other => other.to_string(),
        };
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            detail: json!([{"type": kind, "loc": place, "msg": message}]),
        }
    }
}

impl From<HubError> for Problem {
    fn from(error: HubError) -> Self {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
        match error {
            HubError::Protocol(problem) => problem.into(),
            // Another process holds the file: it will be free again soon.
            HubError::Storage(error)
                if matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked)) =>
            {
                Problem::status(StatusCode::SERVICE_UNAVAILABLE, "The hub is busy, try again")
            }
            other => {
                tracing::error!(error = %other, "a request failed");
                Problem::status(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = answer(self.status, &json!({"detail": self.detail}));
        let header = match self.status {
            StatusCode::UNAUTHORIZED => Some((WWW_AUTHENTICATE, "Bearer")),
            StatusCode::SERVICE_UNAVAILABLE => Some((RETRY_AFTER, "1")),
            _ => None,
        };
        if let Some((name, value)) = header {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

fn answer(status: StatusCode, body: &Value) -> Response {
    json_text(status, body.to_string())
}

fn json_text(status: StatusCode, body: String) -> Response {
    let json = HeaderValue::from_static("application/json");
    (status, [(CONTENT_TYPE, json)], body).into_response()
}
