//! The paths of a v2 hub: from an HTTP request to a call of the store and back.
//!
//! The paths of authentication are in `routes_auth`, those of the graph in
//! `routes_graph`; who may pass is decided in `gate`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{FromRequest, FromRequestParts, Query, Request, State};
use axum::http::header::{CONTENT_ENCODING, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use serde_json::{Value, json};

use crate::hub::http::{Problem, answer, blocking, lock};
use crate::hub::intake::{Intake, SMALL_BYTES, Taken};
use crate::protocol::MAX_MESSAGE_BYTES;
use crate::protocol::decode::wrong;
use crate::protocol::v1::HEALTH_PATH;
use crate::protocol::v2::{PROTOCOL_VERSION, STATUS_PATH, SYNC_PATH, SyncRequest, wire_time};
use crate::seam::SharedSeam;

use super::gate::{Caller, Gate};
use super::store::GraphStore;
use super::{routes_auth, routes_graph};

/// What every handler needs.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) store: Arc<Mutex<GraphStore>>,
    pub(super) gate: Arc<Gate>,
    pub(super) intake: Arc<Intake>,
    pub(super) seam: SharedSeam,
}

pub(super) fn router(shared: Shared) -> Router {
    Router::new()
        .route(SYNC_PATH, post(sync))
        .route(SYNC_PATH.trim_end_matches('/'), any(with_slash))
        .route(STATUS_PATH, get(status))
        .route("/api/v1/sync/conflicts", get(conflicts))
        .merge(routes_graph::routes())
        .merge(routes_auth::routes())
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
        "protocol": PROTOCOL_VERSION,
        "status": "ready",
    });
    answer(StatusCode::OK, &about)
}

/// The path without its last slash is somewhere else, as with FastAPI.
async fn with_slash(uri: Uri) -> Response {
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let place = HeaderValue::from_str(&format!("{SYNC_PATH}{query}"));
    let place = place.unwrap_or(HeaderValue::from_static(SYNC_PATH));
    (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, place)]).into_response()
}

async fn sync(State(shared): State<Shared>, message: Message) -> Result<Response, Problem> {
    blocking(shared.store, move |store| {
        let request = SyncRequest::decode(&message.body)?;
        let mut store = lock(store);
        message.caller.still_invited(&store)?;
        if !request.changes.is_empty() {
            message.caller.may_write()?;
        }
        let device = request.device_id.clone();
        let told = store.sync(request)?;
        drop(store);
        tracing::debug!(
            device = %device,
            changes = told.changes.len(),
            applied = told.applied.len(),
            conflicts = told.conflicts.len(),
            more = told.cursor.is_some(),
            "sync"
        );
        Ok(told.encode().to_string())
    })
    .await
}

async fn status(
    State(shared): State<Shared>,
    Asked(caller): Asked,
    Query(asked): Query<HashMap<String, String>>,
) -> Result<Response, Problem> {
    let Some(device_id) = asked.get("device_id").cloned() else {
        let place = ["query", "device_id"].map(Value::from);
        return Err(Problem::invalid("missing", &place, "Field required"));
    };
    blocking(shared.store, move |store| {
        let store = lock(store);
        caller.still_invited(&store)?;
        let status = json!({
            "device_id": device_id,
            "server_time": wire_time(store.now()),
            "protocol_version": PROTOCOL_VERSION,
        });
        Ok(status.to_string())
    })
    .await
}

/// Conflicts are decided and told in the answer to a push: none are ever open.
async fn conflicts(State(shared): State<Shared>, Asked(caller): Asked) -> Result<Response, Problem> {
    blocking(shared.store, move |store| {
        caller.still_invited(&lock(store))?;
        Ok(json!({"conflicts": []}).to_string())
    })
    .await
}

/// A caller with a good token. That a guest is still invited is asked later.
pub(super) struct Asked(pub(super) Caller);

impl FromRequestParts<Shared> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        shared.gate.caller(&parts.headers, shared.seam.now()).map(Asked)
    }
}

/// The body of a request that was let in, whole and within the limit.
pub(super) struct Message {
    pub(super) caller: Caller,
    pub(super) body: Taken,
}

impl FromRequest<Shared> for Message {
    type Rejection = Problem;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Problem> {
        let caller = shared.gate.caller(request.headers(), shared.seam.now())?;
        Ok(Self {
            caller,
            body: plain_body(&shared.intake, request, MAX_MESSAGE_BYTES).await?,
        })
    }
}

/// The body of a request of somebody who has no token yet.
pub(super) async fn strangers_body(intake: &Intake, request: Request) -> Result<Taken, Problem> {
    plain_body(intake, request, SMALL_BYTES).await
}

/// A body as it is: compressed ones are not taken, as FunkyGibbon takes none.
async fn plain_body(intake: &Intake, request: Request, limit: usize) -> Result<Taken, Problem> {
    match request.headers().get(CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => Err(Problem::status(
            StatusCode::BAD_REQUEST,
            "There was an error parsing the body",
        )),
        _ => intake.read_within(request.into_body(), limit).await,
    }
}

/// A field error of a body that is not a message of the protocol.
pub(super) fn field(path: &str, expected: &'static str, found: &Value) -> Problem {
    let found = match found {
        Value::Null => None,
        found => Some(found),
    };
    wrong(path, expected, found).into()
}
