//! The paths by which a token is had, kept fresh and taken away.

use std::collections::HashMap;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::hub::auth::Denied;
use crate::hub::http::{Problem, answer, blocking, lock};
use crate::protocol::decode::message;
use crate::protocol::v2::{AUTH_PATH, GuestTokenRequest, LoginRequest, QrAnswer, QrData};

use super::gate::guess;
use super::guests::GUEST_PERMISSIONS;
use super::routes::{Asked, Message, Shared, field, strangers_body};

/// For how many hours a guest is invited, unless told; and at most.
const GUEST_HOURS: u64 = 24;
const MAX_GUEST_HOURS: u64 = 168;

pub(super) fn routes() -> Router<Shared> {
    let path = |end: &str| format!("{AUTH_PATH}/{end}");
    Router::new()
        .route(&path("admin/login"), post(log_in))
        .route(&path("refresh"), post(refresh))
        .route(&path("me"), get(me))
        .route(&path("guest/generate-qr"), post(invite))
        .route(&path("guest/verify"), post(verify))
        .route(&path("guest/list"), get(guests))
        .route(&path("guest/revoke"), post(revoke))
}

async fn log_in(
    State(shared): State<Shared>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
) -> Result<Response, Problem> {
    let body = strangers_body(&shared.intake, request).await?;
    let (gate, now) = (shared.gate, shared.seam.now());
    blocking(shared.store, move |_| {
        let asked = LoginRequest::decode(&body)?;
        let token = gate.log_in(from.ip(), &asked.password, now)?;
        Ok(token.encode().to_string())
    })
    .await
}

async fn refresh(State(shared): State<Shared>, Asked(caller): Asked) -> Result<Response, Problem> {
    caller.is_admin("Only admin tokens can be refreshed")?;
    let token = shared.gate.admin_token(shared.seam.now())?;
    Ok(answer(StatusCode::OK, &token.encode()))
}

async fn me(State(shared): State<Shared>, Asked(caller): Asked) -> Result<Response, Problem> {
    blocking(shared.store, move |store| {
        caller.still_invited(&lock(store))?;
        Ok(caller.me().encode().to_string())
    })
    .await
}

async fn invite(
    State(shared): State<Shared>,
    headers: HeaderMap,
    message: Message,
) -> Result<Response, Problem> {
    message.caller.is_admin("Admin access required")?;
    let (server, port) = reached_at(&headers);
    blocking(shared.store, move |store| {
        let hours = hours(&message.body)?;
        let (token, guest) = lock(store).invite(hours)?;
        let invitation = QrAnswer {
            // No picture: whoever shows the code draws it from the data.
            qr_code: None,
            qr_data: QrData {
                server,
                port,
                token,
                expires: Some(guest.expires),
                permissions: GUEST_PERMISSIONS.map(str::to_owned).to_vec(),
            },
            expires_in: hours * 3_600,
        };
        Ok(invitation.encode().to_string())
    })
    .await
}

fn hours(body: &[u8]) -> Result<u64, Problem> {
    match message(body)?.remove("duration_hours") {
        None | Some(Value::Null) => Ok(GUEST_HOURS),
        Some(asked) => match asked.as_u64() {
            Some(hours) if (1..=MAX_GUEST_HOURS).contains(&hours) => Ok(hours),
            _ => Err(field("duration_hours", "a whole number of 1 to 168", &asked)),
        },
    }
}

/// By what name and port the admin reached the hub: so will the guest.
fn reached_at(headers: &HeaderMap) -> (String, u16) {
    const HTTP: u16 = 80;
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    match host.rsplit_once(':') {
        Some((server, port)) => match port.parse() {
            Ok(port) => (server.to_owned(), port),
            Err(_) => (host.to_owned(), HTTP),
        },
        None => (host.to_owned(), HTTP),
    }
}

async fn verify(
    State(shared): State<Shared>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
) -> Result<Response, Problem> {
    let body = strangers_body(&shared.intake, request).await?;
    let (gate, now) = (shared.gate, shared.seam.now());
    blocking(shared.store, move |store| {
        let asked = GuestTokenRequest::decode(&body)?;
        guess(&gate.invitations, from.ip(), now)?;
        let guest = lock(store).guest_by_token(&asked.token)?.ok_or(Denied::Wrong)?;
        lock(&gate.invitations).forgive(from.ip());
        Ok(gate.guest_token(&guest, now)?.encode().to_string())
    })
    .await
}

async fn guests(State(shared): State<Shared>, Asked(caller): Asked) -> Result<Response, Problem> {
    caller.is_admin("Admin access required")?;
    blocking(shared.store, move |store| Ok(lock(store).guests()?.to_string())).await
}

async fn revoke(
    State(shared): State<Shared>,
    Asked(caller): Asked,
    Query(asked): Query<HashMap<String, String>>,
) -> Result<Response, Problem> {
    caller.is_admin("Admin access required")?;
    let token = asked.get("token").cloned().unwrap_or_default();
    blocking(shared.store, move |store| match lock(store).revoke(&token)? {
        true => Ok(json!({"message": "Token revoked successfully"}).to_string()),
        false => Err(Problem::status(StatusCode::NOT_FOUND, "Token not found")),
    })
    .await
}
