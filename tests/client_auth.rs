//! Signing in to a server of v2, and a token that stays fresh while syncing.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod hub2_support;
mod hub_support;
#[path = "client_auth/refreshing.rs"]
mod refreshing;
#[path = "client_auth/secrets.rs"]
mod secrets;
mod support;

use std::sync::Arc;
use std::time::Duration;

use hub_support::{FakeSeam, NOON, SECOND};
use hub2_support::{PASSWORD, TOKEN, get, post, start, with_password, with_token};
use serde_json::{Value, json};
use support::raw_http::{Canned, CannedServer};
use support::tls::{ISSUED, ROOT_PEM, SELF_SIGNED, TlsFront};
use wildthing::client::{
    AuthSession, ConnectOptions, Connection, OpenOptions, UserRole, WildThingClient, WildThingError,
};
use wildthing::hub::Hub;
use wildthing::hub::v2::GraphStore;
use wildthing::model::Timestamp;

const ME: &str = "/api/v1/auth/me";
const WEEK: i64 = 604_800;

/// So many seconds after noon.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(NOON + seconds * SECOND)
}

/// A client on a clock that the test sets.
async fn opened(folder: &tempfile::TempDir, seam: &Arc<FakeSeam>) -> WildThingClient {
    let path = folder.path().join("replica.db");
    WildThingClient::open_on(path, OpenOptions::default(), Arc::clone(seam) as _)
        .await
        .unwrap()
}

/// A hub that knows the password, and a client that is connected to it without a token.
struct Place {
    hub: Hub<GraphStore>,
    seam: Arc<FakeSeam>,
    client: WildThingClient,
    _folder: tempfile::TempDir,
}

impl Place {
    async fn new() -> Self {
        let seam = FakeSeam::at(NOON);
        let folder = tempfile::tempdir().unwrap();
        let client = opened(&folder, &seam).await;
        let hub = start(with_password(), &seam).await;
        client.connect(hub.url(), None, None).await.unwrap();
        Self {
            hub,
            seam,
            client,
            _folder: folder,
        }
    }

    async fn login(&self, password: &str) -> Result<AuthSession, WildThingError> {
        self.client.login(password.to_owned()).await
    }

    /// What the hub says of the token in use.
    fn me(&self) -> Value {
        let session = self.client.auth_session().unwrap();
        with_token(self.hub.addr(), &session.auth_token, "GET", ME, &Value::Null).ok()
    }

    /// The text of an invitation for a day.
    fn invitation(&self) -> String {
        let made = post(self.hub.addr(), "/api/v1/auth/guest/generate-qr", &json!({})).ok();
        made["qr_data"].to_string()
    }

    async fn connection(&self) -> Connection {
        self.client.get_sync_status().await.unwrap().connection
    }
}

async fn connected_to(answers: Vec<Canned>) -> (CannedServer, WildThingClient, tempfile::TempDir) {
    let server = CannedServer::start(answers);
    let folder = tempfile::tempdir().unwrap();
    let client = opened(&folder, &FakeSeam::at(NOON)).await;
    client
        .connect(server.url(), Some("fixed".into()), None)
        .await
        .unwrap();
    (server, client, folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_gives_the_client_a_token_to_go_on_with() {
    let place = Place::new().await;
    assert_eq!(place.client.auth_session(), None);
    assert_eq!(place.connection().await, Connection::Unknown);
    let session = place.login(PASSWORD).await.unwrap();
    assert_eq!(session.role, Some(UserRole::Admin));
    assert_eq!(session.expires_at, Some(at(WEEK)));
    assert_eq!(place.client.auth_session(), Some(session.clone()));
    assert_eq!(place.me()["role"], "admin");
    assert_eq!(place.connection().await, Connection::Online);
    // It is shown to the server from now on: another is had for it.
    place.seam.set(NOON + 3_600 * SECOND);
    let fresh = place.client.refresh_session().await.unwrap();
    assert_eq!(fresh.expires_at, Some(at(WEEK + 3_600)));
    assert_ne!(fresh.auth_token, session.auth_token);
    assert_eq!(place.client.auth_session(), Some(fresh.clone()));
    // An app that kept it goes on with it, and knows as much.
    let kept = Some(fresh.auth_token.clone());
    place.client.connect(place.hub.url(), kept, None).await.unwrap();
    assert_eq!(place.client.auth_session(), Some(fresh));
    place.client.disconnect().await.unwrap();
    assert_eq!(place.client.auth_session(), None);
    assert_eq!(place.login(PASSWORD).await, Err(WildThingError::NotConnected));
    assert_eq!(
        place.client.refresh_session().await,
        Err(WildThingError::NotConnected)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixed_token_says_nothing_of_itself() {
    let place = Place::new().await;
    place.client.set_auth_token(Some(TOKEN.into())).unwrap();
    let session = place.client.auth_session().unwrap();
    assert_eq!(
        (session.role, session.expires_at, session.auth_token.as_str()),
        (None, None, TOKEN)
    );
    place.client.set_auth_token(None).unwrap();
    assert_eq!(place.client.auth_session(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_are_counted_and_then_nobody_is_asked_for_a_while() {
    let place = Place::new().await;
    place.client.set_auth_token(Some(TOKEN.into())).unwrap();
    let wait = |seconds| {
        Err(WildThingError::RateLimited {
            retry_after: Duration::from_secs(seconds),
        })
    };
    for _ in 0..5 {
        assert_eq!(place.login("nope").await, Err(WildThingError::WrongPassword));
    }
    assert_eq!(place.login(PASSWORD).await, wait(900));
    // The token that was in use is in use.
    assert_eq!(place.me()["role"], "admin");
    // Here it is known that the server takes none: it is asked nothing, and
    // another connection to it makes no difference.
    place.client.connect(place.hub.url(), None, None).await.unwrap();
    place.seam.set(NOON + 10 * SECOND + 1);
    let refused = place.login(PASSWORD).await.unwrap_err();
    assert_eq!(refused.to_string(), "too many attempts; try again in 890 s");
    assert_eq!(refused.code(), "rate_limited");
    // Guests have a door of their own.
    place.client.login_guest(place.invitation()).await.unwrap();
    place.seam.set(NOON + 900 * SECOND);
    place.login(PASSWORD).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_server_wants_to_be_left_alone_it_is() {
    let busy = Canned::answer(429, &[("Retry-After", "30")], "{}");
    let unsaid = Canned::answer(429, &[], "");
    let (server, client, _folder) = connected_to(vec![busy, unsaid]).await;
    for _ in 0..3 {
        let wait = Duration::from_secs(30);
        let refused = client.login("a".into()).await;
        assert_eq!(refused, Err(WildThingError::RateLimited { retry_after: wait }));
    }
    assert_eq!(server.requests().len(), 1);
    // Neither the token nor anything else of the session goes along.
    assert_eq!(server.requests()[0].header("authorization"), None);
    for _ in 0..2 {
        let wait = Duration::from_secs(60);
        let refused = client.refresh_session().await;
        assert_eq!(refused, Err(WildThingError::RateLimited { retry_after: wait }));
    }
    assert_eq!(server.requests().len(), 2);
    let refresh = &server.requests()[1];
    assert_eq!(
        (refresh.method.as_str(), refresh.path.as_str()),
        ("POST", "/api/v1/auth/refresh")
    );
    assert_eq!(refresh.header("authorization"), Some("Bearer fixed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_comes_in_with_an_invitation_and_gets_no_other_token() {
    let place = Place::new().await;
    let invitation = place.invitation();
    let session = place.client.login_guest(invitation.clone()).await.unwrap();
    assert_eq!(session.role, Some(UserRole::Guest));
    assert_eq!(session.expires_at, Some(at(3_600)));
    assert_eq!(place.me()["role"], "guest");
    let refused = place.client.refresh_session().await.unwrap_err();
    assert!(matches!(refused, WildThingError::NotAllowed { .. }), "{refused}");
    assert_eq!(place.client.auth_session(), Some(session));
    // Another server in the picture is not the one that is asked.
    let mut elsewhere: Value = serde_json::from_str(&invitation).unwrap();
    elsewhere["server"] = "elsewhere.example".into();
    place.client.login_guest(elsewhere.to_string()).await.unwrap();

    let mut wrong: Value = serde_json::from_str(&invitation).unwrap();
    wrong["token"] = "another".into();
    let refused = place.client.login_guest(wrong.to_string()).await;
    let detail = "Invalid or expired token".to_owned();
    assert_eq!(refused, Err(WildThingError::NotAllowed { detail }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_invitation_is_said_without_repeating_it() {
    let place = Place::new().await;
    for text in [
        "",
        "hush",
        r#""hush""#,
        r#"["hush"]"#,
        r#"{"type":"hush"}"#,
        r#"{"type":"guest_access","server":"s","port":1}"#,
        r#"{"type":"guest_access","server":"s","port":"hush","token":"hush"}"#,
        r#"{"type":"guest_access","server":{"hush":1},"port":1,"token":"hush"}"#,
    ] {
        let refused = place.client.login_guest(text.into()).await.unwrap_err();
        let shown = format!("{refused} {refused:?}");
        assert!(
            matches!(&refused, WildThingError::Invalid { field, .. } if field == "qr_data"),
            "{shown}"
        );
        assert!(!shown.contains("hush"), "{shown}");
    }
    let refused = place.login("").await.unwrap_err();
    assert!(
        matches!(&refused, WildThingError::Invalid { field, .. } if field == "password"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_logins_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(wildthing::hub::HubOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        db: None,
        auth_token: Some(TOKEN.into()),
        ..wildthing::hub::HubOptions::default()
    })
    .await
    .unwrap();
    let client = opened(&folder, &FakeSeam::at(NOON)).await;
    client.connect(hub.url(), None, None).await.unwrap();
    let refused = client.login("secret".into()).await.unwrap_err();
    assert!(matches!(refused, WildThingError::Protocol { .. }), "{refused}");
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    client.connect(nobody, None, None).await.unwrap();
    let refused = client.login("secret".into()).await.unwrap_err();
    assert!(matches!(refused, WildThingError::Offline { .. }), "{refused}");
    let status = client.get_sync_status().await.unwrap();
    assert_eq!(status.connection, Connection::Offline);
    client.pause().await.unwrap();
    assert_eq!(client.login("secret".into()).await, Err(WildThingError::Paused));
    client.shutdown().await;
    assert_eq!(
        client.login("secret".into()).await,
        Err(WildThingError::Cancelled)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_refresh_says_that_a_token_is_needed() {
    let place = Place::new().await;
    place.client.set_auth_token(Some("wrong".into())).unwrap();
    let refused = place.client.refresh_session().await;
    assert_eq!(refused, Err(WildThingError::NeedsAuth { status: 401 }));
    assert_eq!(place.connection().await, Connection::NeedsAuth);
    assert_eq!(get(place.hub.addr(), ME).status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_with_a_certificate_of_its_own_is_reached_safely() {
    let place = Place::new().await;
    let (issued, own) = (
        TlsFront::of(&place.hub.url(), ISSUED),
        TlsFront::of(&place.hub.url(), SELF_SIGNED),
    );
    let pin = ConnectOptions {
        pinned_certificate_sha256: Some(SELF_SIGNED.sha256()),
        ..ConnectOptions::default()
    };
    let root = ConnectOptions {
        root_certificate_pem: Some(ROOT_PEM.into()),
        ..ConnectOptions::default()
    };
    let connect = |url: String, options: &ConnectOptions| {
        let options = options.clone();
        async { place.client.connect(url, None, Some(options)).await }
    };
    for (front, options) in [(&issued, &root), (&own, &pin)] {
        connect(front.url(), options).await.unwrap();
        place.login(PASSWORD).await.unwrap();
    }
    connect(issued.url(), &pin).await.unwrap();
    let refused = place.login(PASSWORD).await.unwrap_err();
    assert!(
        matches!(&refused, WildThingError::Offline { reason } if reason.contains("another certificate")),
        "{refused}"
    );
    let bad = |root: Option<&str>, pin: Option<&str>| ConnectOptions {
        root_certificate_pem: root.map(str::to_owned),
        pinned_certificate_sha256: pin.map(str::to_owned),
        ..ConnectOptions::default()
    };
    for (options, name) in [
        (bad(Some("nonsense"), None), "root_certificate_pem"),
        (bad(None, Some("abc")), "pinned_certificate_sha256"),
    ] {
        let refused = connect(own.url(), &options).await.unwrap_err();
        assert!(
            matches!(&refused, WildThingError::Invalid { field, .. } if field == name),
            "{refused}"
        );
    }
}
