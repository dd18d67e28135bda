//! Who a v2 hub lets in, for how long, and to do what.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod hub2_support;
mod hub_support;

use std::net::SocketAddr;

use hub_support::{FakeSeam, NOON, SECOND};
use hub2_support::*;
use serde_json::{Value, json};
use wildthing::hub::v2::{AdminPassword, GraphOptions};

const ME: &str = "/api/v1/auth/me";

fn log_in(addr: SocketAddr, password: &str) -> Answer {
    let body = json!({"password": password}).to_string();
    send(addr, "POST", "/api/v1/auth/admin/login", &[], body.as_bytes())
}

fn token(answer: &Value) -> String {
    answer["access_token"].as_str().unwrap().to_owned()
}

/// Whether the token still opens.
fn opens(addr: SocketAddr, token: &str) -> bool {
    with_token(addr, token, "GET", ME, &Value::Null).status == 200
}

/// A guest's code, and the token that it is good for.
fn invite(addr: SocketAddr, hours: u64) -> (String, String) {
    let made = post(
        addr,
        "/api/v1/auth/guest/generate-qr",
        &json!({"duration_hours": hours}),
    )
    .ok();
    let code = made["qr_data"]["token"].as_str().unwrap().to_owned();
    (code.clone(), token(&show(addr, &code).ok()))
}

fn show(addr: SocketAddr, code: &str) -> Answer {
    let body = json!({"token": code}).to_string();
    send(addr, "POST", "/api/v1/auth/guest/verify", &[], body.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_passwords_and_then_a_wait() {
    let seam = FakeSeam::at(NOON);
    let hub = start(with_password(), &seam).await;
    let addr = hub.addr();
    for _ in 0..5 {
        let refused = log_in(addr, "nope");
        assert_eq!(
            (refused.status, refused.json()),
            (401, json!({"detail": "Invalid password"}))
        );
    }
    // Now even the right one waits.
    seam.set(NOON + 10 * SECOND);
    let refused = log_in(addr, PASSWORD);
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (429, Some("890"))
    );
    assert_eq!(
        refused.json()["detail"],
        "Too many attempts. Try again in 890 seconds."
    );
    seam.set(NOON + 900 * SECOND);
    assert_eq!(log_in(addr, PASSWORD).status, 200);
    // Having logged in, all five guesses are there again.
    for _ in 0..5 {
        assert_eq!(log_in(addr, "nope").status, 401);
    }
    assert_eq!(log_in(addr, "nope").status, 429);
    hub.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_token_lasts_a_week() {
    let seam = FakeSeam::at(NOON);
    let hub = start(with_password(), &seam).await;
    let addr = hub.addr();
    let first = token(&log_in(addr, PASSWORD).ok());
    let me = with_token(addr, &first, "GET", ME, &Value::Null).ok();
    assert_eq!(me["expires_at"], json!(NOON / SECOND + 604_800));
    seam.set(NOON + 604_799 * SECOND);
    let fresh = with_token(addr, &first, "POST", "/api/v1/auth/refresh", &Value::Null).ok();
    seam.set(NOON + 604_800 * SECOND);
    assert!(!opens(addr, &first));
    assert!(opens(addr, &token(&fresh)));
    // The fixed token is the admin's too, and has no end.
    assert_eq!(get(addr, ME).ok()["expires_at"], Value::Null);
    assert_eq!(get(addr, ME).ok()["role"], "admin");
    hub.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_tampered_with_opens_nothing() {
    let hub = start(with_password(), &FakeSeam::at(NOON)).await;
    let addr = hub.addr();
    let good = token(&log_in(addr, PASSWORD).ok());
    let parts: Vec<&str> = good.split('.').collect();
    let (_, guest) = invite(addr, 1);
    let guests: Vec<&str> = guest.split('.').collect();
    // {"alg":"none","typ":"JWT"}
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    for bad in [
        format!("{}.{}.", parts[0], parts[1]),
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        format!("{}.{}.{}", parts[0], parts[1], guests[2]),
        format!("{}.{}.{}", parts[0], guests[1], parts[2]),
        format!("{good}x"),
        good[..good.len() - 1].to_owned(),
        "..".to_owned(),
        format!("{TOKEN}x"),
    ] {
        assert!(!opens(addr, &bad), "{bad}");
    }
    assert!(opens(addr, &good));
    // Another hub's tokens are another hub's.
    let other = start(with_password(), &FakeSeam::at(NOON + 1)).await;
    hub.shutdown().await.unwrap();
    other.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_outlive_restarts_but_not_another_password() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hub.db");
    let seam = FakeSeam::at(NOON);
    let opened = |password: Option<&str>| GraphOptions {
        admin_password: password.map(AdminPassword::new),
        ..on_file(&file)
    };
    let hub = start(opened(Some(PASSWORD)), &seam).await;
    let first = token(&log_in(hub.addr(), PASSWORD).ok());
    hub.shutdown().await.unwrap();

    // Given again or not, the password and its tokens are good.
    for password in [None, Some(PASSWORD)] {
        let hub = start(opened(password), &seam).await;
        assert!(opens(hub.addr(), &first));
        assert_eq!(log_in(hub.addr(), PASSWORD).status, 200);
        hub.shutdown().await.unwrap();
    }
    let hub = start(opened(Some("another")), &seam).await;
    assert!(!opens(hub.addr(), &first));
    assert_eq!(log_in(hub.addr(), PASSWORD).status, 401);
    assert_eq!(log_in(hub.addr(), "another").status, 200);
    hub.shutdown().await.unwrap();
    // The file tells nobody the password.
    let stored = std::fs::read(&file).unwrap();
    assert!(
        !stored
            .windows(PASSWORD.len())
            .any(|window| window == PASSWORD.as_bytes())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_password_there_is_no_login() {
    let hub = hub().await;
    let refused = log_in(hub.addr(), "anything");
    assert_eq!(refused.status, 403);
    hub.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_token_nobody_gets_in() {
    let seam = FakeSeam::at(NOON);
    let nothing = GraphOptions {
        auth_token: None,
        ..options()
    };
    let hub = start(nothing, &seam).await;
    let addr = hub.addr();
    for headers in [&[][..], &["Authorization: Bearer x"], &["Authorization: Bearer "]] {
        assert_eq!(send(addr, "GET", ME, headers, b"").status, 401);
    }
    assert_eq!(send(addr, "GET", "/health", &[], b"").status, 200);
    hub.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_may_look_and_not_touch() {
    let hub = hub().await;
    let addr = hub.addr();
    let v1 = version(0, 1, "u");
    push(addr, &[change("create", device("d", &v1, &[]), &[])]);
    let (_, guest) = invite(addr, 1);
    let ask = |method: &str, path: &str, body: Value| with_token(addr, &guest, method, path, &body).status;
    let mut reading = after("0");
    assert_eq!(ask("POST", "/api/v1/sync/", reading.clone()), 200);
    reading["changes"] = json!([change("update", device("d", &version(1, 2, "u"), &[&v1]), &[])]);
    assert_eq!(ask("POST", "/api/v1/sync/", reading.clone()), 403);
    reading["changes"] = json!([change(
        "update",
        Value::Null,
        &[edge("e", ("d", &v1), ("d", &v1))]
    )]);
    assert_eq!(ask("POST", "/api/v1/sync/", reading), 403);
    for (method, path, expected) in [
        ("GET", "/api/v1/sync/status?device_id=x", 200),
        ("GET", "/api/v1/graph/entities", 200),
        ("GET", "/api/v1/graph/entities/d", 200),
        ("GET", "/api/v1/graph/relationships", 200),
        ("GET", "/api/v1/graph/statistics", 200),
        ("POST", "/api/v1/graph/entities", 403),
        ("PUT", "/api/v1/graph/entities/d", 403),
        ("POST", "/api/v1/graph/relationships", 403),
        ("POST", "/api/v1/auth/refresh", 403),
        ("POST", "/api/v1/auth/guest/generate-qr", 403),
        ("GET", "/api/v1/auth/guest/list", 403),
        ("POST", "/api/v1/auth/guest/revoke?token=x", 403),
    ] {
        assert_eq!(ask(method, path, json!({})), expected, "{method} {path}");
    }
    assert_eq!(ask("POST", "/api/v1/graph/search", json!({"query": "d"})), 200);
    assert_eq!(current(addr, "d"), json!(v1));
    hub.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_ends_by_time_or_by_the_admin() {
    let seam = FakeSeam::at(NOON);
    let hub = start(options(), &seam).await;
    let addr = hub.addr();
    let (code, guest) = invite(addr, 3);
    let listed = get(addr, "/api/v1/auth/guest/list").ok();
    assert_eq!(listed["count"], 1);
    assert!(!listed.to_string().contains(&code));
    // An hour later the token is over, the code is not.
    seam.set(NOON + 3_600 * SECOND);
    assert!(!opens(addr, &guest));
    let again = token(&show(addr, &code).ok());
    assert!(opens(addr, &again));
    // A token ends with its code.
    seam.set(NOON + 3 * 3_600 * SECOND - 60 * SECOND);
    assert_eq!(show(addr, &code).ok()["expires_in"], 60);
    seam.set(NOON + 3 * 3_600 * SECOND);
    assert_eq!(show(addr, &code).status, 401);

    let (code, guest) = invite(addr, 24);
    assert!(opens(addr, &guest));
    let path = format!("/api/v1/auth/guest/revoke?token={code}");
    assert_eq!(post(addr, &path, &Value::Null).status, 200);
    assert!(!opens(addr, &guest));
    let conflicts = with_token(addr, &guest, "GET", "/api/v1/sync/conflicts", &Value::Null);
    assert_eq!(conflicts.status, 401);
    assert_eq!(
        with_token(addr, &guest, "POST", "/api/v1/sync/", &after("0")).status,
        401
    );
    assert_eq!(show(addr, &code).status, 401);
    assert_eq!(post(addr, &path, &Value::Null).status, 404);
    // Codes are not to be guessed either.
    for _ in 0..4 {
        show(addr, "guess");
    }
    assert_eq!(show(addr, "guess").status, 429);
    for hours in [json!(0), json!(169), json!("1"), json!(-1)] {
        let refused = post(
            addr,
            "/api/v1/auth/guest/generate-qr",
            &json!({"duration_hours": hours}),
        );
        assert_eq!(refused.status, 422);
    }
    hub.shutdown().await.unwrap();
}

#[test]
fn a_password_does_not_show() {
    let shown = format!("{:?}", with_password());
    assert!(!shown.contains(PASSWORD) && !shown.contains(TOKEN), "{shown}");
}
