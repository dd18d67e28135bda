//! What both protocols' paths are made of: work off the async threads, and
//! answers, errors in FastAPI's shape among them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::protocol::ProtocolError;

use super::HubError;
use super::auth::Denied;

/// How many requests are worked on at once. They mostly wait for the one store, and
/// what each has read and is about to say takes memory.
const AT_ONCE: usize = 8;
static WORK: Semaphore = Semaphore::const_new(AT_ONCE);

/// Runs work that reads a whole message or waits for the database off the async
/// threads. The store is locked for no longer than the work needs it.
pub(super) async fn blocking<S: Send + 'static>(
    store: Arc<Mutex<S>>,
    work: impl FnOnce(&Mutex<S>) -> Result<String, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    // It fails only if the semaphore is closed, which nobody does.
    let _turn = WORK.acquire().await;
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
pub(super) fn lock<S>(store: &Mutex<S>) -> MutexGuard<'_, S> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An answer that is an error, with `detail` as FastAPI servers write it.
pub(super) struct Problem {
    status: StatusCode,
    detail: Value,
    /// In how many seconds to try again.
    retry_after: Option<u64>,
}

impl Problem {
    pub(super) fn status(status: StatusCode, detail: &str) -> Self {
        Self {
            status,
            detail: detail.into(),
            retry_after: (status == StatusCode::SERVICE_UNAVAILABLE).then_some(1),
        }
    }

    /// The same with the time when to try again.
    pub(super) fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// One thing that is wrong with a request, and where.
    pub(super) fn invalid(kind: &str, place: &[Value], message: &str) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            detail: json!([{"type": kind, "loc": place, "msg": message}]),
            retry_after: None,
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
            place.extend(steps(path));
        }
        let message = match &error {
            ProtocolError::WebPage => "the message is not JSON".to_owned(),
            other => other.to_string(),
        };
        Self::invalid(kind, &place, &message)
    }
}

/// The steps of a path such as `changes[0].entity`: names, and places in lists.
fn steps(path: &str) -> impl Iterator<Item = Value> {
    path.split(['.', '[', ']'])
        .filter(|step| !step.is_empty())
        .map(|step| step.parse::<u64>().map_or_else(|_| step.into(), Value::from))
}

impl From<HubError> for Problem {
    fn from(error: HubError) -> Self {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
        match error {
            HubError::Protocol(problem) => problem.into(),
            HubError::Refused { detail } => Problem::status(StatusCode::BAD_REQUEST, &detail),
            HubError::NotFound { .. } => Problem::status(StatusCode::NOT_FOUND, &error.to_string()),
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
        if self.status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

pub(super) fn answer(status: StatusCode, body: &Value) -> Response {
    json_text(status, body.to_string())
}

pub(super) fn json_text(status: StatusCode, body: String) -> Response {
    let json = HeaderValue::from_static("application/json");
    (status, [(CONTENT_TYPE, json)], body).into_response()
}
