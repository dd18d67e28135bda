//! The hub's paths: from an HTTP request to a call of the store and back.
//!
//! Who may pass is asked here; the shapes of errors are in `http`, limits in
//! `connections` and `intake`, starting and stopping in `server`.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::json;

use crate::protocol::v1::{ACK_PATH, Ack, HEALTH_PATH, PUSH_PATH, PushRequest, REQUEST_PATH, SyncRequest};
use crate::seam::SharedSeam;

use super::HubStore;
use super::auth::{self, AuthToken};
use super::http::{Problem, answer, blocking, lock};
use super::intake::{Intake, Taken};

/// What every handler needs.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) store: Arc<Mutex<HubStore>>,
    pub(super) token: Option<Arc<AuthToken>>,
    pub(super) intake: Arc<Intake>,
    pub(super) seam: SharedSeam,
}

/// What a hub of v1 over `store` serves, to be asked without a socket.
#[cfg(feature = "testing")]
pub fn app(store: Arc<Mutex<HubStore>>, token: Option<AuthToken>, seam: SharedSeam) -> Router {
    router(Shared {
        store,
        token: token.map(Arc::new),
        intake: Intake::new(super::server::PATIENCE),
        seam,
    })
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

/// The body of a request that was let in, whole and within the limit.
struct Message(Taken);

impl FromRequest<Shared> for Message {
    type Rejection = Problem;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Problem> {
        auth::check(shared.token.as_deref(), request.headers())?;
        shared.intake.read(request.into_body()).await.map(Message)
    }
}
