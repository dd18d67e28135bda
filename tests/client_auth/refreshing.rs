//! A token that ends is exchanged by whoever syncs. The house behind is a hub
//! of v1 that lets everybody in; who asks what is seen by the server before it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wildthing::client::{ChangeEvent, ConnectOptions, Events, NewHouse, Observed};
use wildthing::hub::HubOptions;
use wildthing::protocol::Protocol;

use super::support::front::{Front, Trick};
use super::*;

const REFRESH: &str = "/api/v1/auth/refresh";
const PULL: &str = "/sync/request";

/// An admin's token that was given at noon for a week, or whose life is told otherwise.
fn jwt(name: &str, role: &str, begins: i64, ends: i64) -> String {
    let noon = NOON / SECOND;
    let body = json!({"sub": name, "role": role, "iat": noon + begins, "exp": noon + ends});
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(body.to_string()))
}

fn weekly(name: &str) -> String {
    jwt(name, "admin", 0, WEEK)
}

fn fresh(token: &str) -> Trick {
    Trick::Say(Canned::json(
        200,
        &json!({"access_token": token, "token_type": "bearer", "expires_in": WEEK, "role": "admin"}),
    ))
}

fn says(status: u16) -> Trick {
    Trick::Say(Canned::json(
        status,
        &json!({"detail": "Invalid or expired token"}),
    ))
}

struct House {
    front: Front,
    client: WildThingClient,
    seam: Arc<FakeSeam>,
    events: Events,
    _hub: Hub,
    _folder: tempfile::TempDir,
}

impl House {
    async fn with(token: &str) -> Self {
        let hub = Hub::start(HubOptions {
            listen: "127.0.0.1:0".parse().unwrap(),
            db: None,
            auth_token: None,
            ..HubOptions::default()
        })
        .await
        .unwrap();
        let front = Front::of(hub.url());
        let seam = FakeSeam::at(NOON);
        let folder = tempfile::tempdir().unwrap();
        let client = opened(&folder, &seam).await;
        // Nothing is asked but what a sync of v1 asks.
        let options = ConnectOptions {
            protocol: Some(Protocol::V1),
            ..ConnectOptions::default()
        };
        client
            .connect(front.url(), Some(token.to_owned()), Some(options))
            .await
            .unwrap();
        let events = client.changes().events();
        Self {
            front,
            client,
            seam,
            events,
            _hub: hub,
            _folder: folder,
        }
    }

    /// The requests since last time: the end of the path, and the token.
    fn asked(&self) -> Vec<(String, String)> {
        let requests = self.front.take_requests();
        let seen = requests.iter().map(|request| {
            let token = request.header("authorization").unwrap_or_default();
            (request.path.clone(), token.replace("Bearer ", ""))
        });
        seen.collect()
    }

    fn refreshes(&self) -> usize {
        let asked = self.asked();
        asked.iter().filter(|(path, _)| path == REFRESH).count()
    }

    fn token(&self) -> String {
        self.client.auth_session().unwrap().auth_token
    }

    /// The words of the events up to the end of a sync.
    async fn told(&mut self) -> Vec<String> {
        let mut words = Vec::new();
        loop {
            let Some(Observed::Change(event)) = self.events.next().await else {
                panic!("the stream ended or lagged after {words:?}");
            };
            words.push(event.event_type().to_owned());
            if matches!(
                event,
                ChangeEvent::SyncCompleted { .. } | ChangeEvent::SyncFailed { .. }
            ) {
                return words;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_its_last_day_a_token_is_exchanged_before_the_sync_asks() {
    let (old, new) = (weekly("old"), weekly("new"));
    let house = House::with(&old).await;
    house.seam.set(NOON + (WEEK - 86_400) * SECOND);
    house.client.sync().await.unwrap();
    assert_eq!(house.refreshes(), 0, "a whole day is left");

    house.seam.set(NOON + (WEEK - 86_399) * SECOND);
    house.front.plan(REFRESH, fresh(&new));
    house.client.sync().await.unwrap();
    let asked = house.asked();
    assert_eq!(asked[0], (REFRESH.to_owned(), old));
    assert!(asked.len() > 1 && asked[1..].iter().all(|(_, token)| *token == new));
    // The new one lasts a week from now, by this device's clock.
    let session = house.client.auth_session().unwrap();
    assert_eq!(session.expires_at, Some(at(2 * WEEK - 86_399)));
    assert_eq!(session.role, Some(UserRole::Admin));
    house.client.sync().await.unwrap();
    assert_eq!(house.refreshes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_goes_on_with_the_old_token_when_no_other_is_had() {
    let old = weekly("old");
    let house = House::with(&old).await;
    house.seam.set(NOON + (WEEK - 60) * SECOND);
    let broken = Trick::Say(Canned::answer(500, &[], "oops"));
    for trick in [broken, Trick::LoseAnswer] {
        house.front.plan(REFRESH, trick);
        house.client.sync().await.unwrap();
        // Next time it is tried again.
        assert_eq!(house.refreshes(), 1);
    }
    let busy = Canned::answer(429, &[("Retry-After", "10")], "");
    house.front.plan(REFRESH, Trick::Say(busy));
    house.client.sync().await.unwrap();
    house.client.sync().await.unwrap();
    assert_eq!(house.refreshes(), 1, "the server wanted to be left alone");
    house.seam.set(NOON + (WEEK - 50) * SECOND);
    // A server that gives no tokens is asked once (the hub behind says 404).
    house.client.sync().await.unwrap();
    house.client.sync().await.unwrap();
    assert_eq!(house.refreshes(), 1);
    assert_eq!(house.token(), old);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_is_exchanged_once_and_nobody_notices() {
    let (old, new) = (weekly("old"), weekly("new"));
    let mut house = House::with(&old).await;
    house
        .client
        .create_house(NewHouse {
            name: "Cabin".into(),
            ..NewHouse::default()
        })
        .await
        .unwrap();
    house.front.plan(PULL, says(401));
    house.front.plan(REFRESH, fresh(&new));
    assert_eq!(house.client.sync().await.unwrap().pushed, 1);
    let asked = house.asked();
    assert!(asked[0].0.ends_with(PULL) && asked[0].1 == old);
    assert_eq!(asked[1], (REFRESH.to_owned(), old));
    assert!(asked[2].0.ends_with(PULL) && asked[2].1 == new);
    assert_eq!(house.token(), new);
    let told = house.told().await;
    assert!(!told.contains(&"needs_auth".to_owned()), "{told:?}");
    assert_eq!(told.last().map(String::as_str), Some("sync_completed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_has_no_successor_needs_another() {
    let old = weekly("old");
    let mut house = House::with(&old).await;
    house.front.plan(PULL, says(401));
    house.front.plan(REFRESH, says(401));
    let refused = house.client.sync().await.unwrap_err();
    assert_eq!(refused, WildThingError::NeedsAuth { status: 401 });
    assert_eq!(house.asked().len(), 2);
    assert!(house.told().await.contains(&"needs_auth".to_owned()));
    // Once for each token.
    house.front.plan(PULL, says(401));
    house.client.sync().await.unwrap_err();
    assert_eq!(house.refreshes(), 0);
    // The new token is refused too: it ends there, and does not go round.
    house.client.set_auth_token(Some(weekly("another"))).unwrap();
    house.front.plan(PULL, says(401));
    house.front.plan(REFRESH, fresh(&weekly("new")));
    house.front.plan(PULL, says(401));
    let refused = house.client.sync().await.unwrap_err();
    assert_eq!(refused, WildThingError::NeedsAuth { status: 401 });
    assert_eq!(house.asked().len(), 3);
    let status = house.client.get_sync_status().await.unwrap();
    assert_eq!(status.connection, Connection::NeedsAuth);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_token_is_asked_for_where_there_is_none() {
    let guests = jwt("guest", "guest", 0, 3_600);
    for (token, status) in [("fixed", 401), (&guests, 401), (&weekly("old"), 403)] {
        let house = House::with(token).await;
        house.seam.set(NOON + 3_599 * SECOND);
        house.front.plan(PULL, says(status));
        let refused = house.client.sync().await.unwrap_err();
        assert_eq!(refused, WildThingError::NeedsAuth { status });
        assert_eq!(house.asked().len(), 1, "{token}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_background_sync_exchanges_its_token_too() {
    let (old, new) = (weekly("old"), weekly("new"));
    let mut house = House::with(&old).await;
    house.front.plan(PULL, says(401));
    house.front.plan(REFRESH, fresh(&new));
    let interval = Duration::from_secs(3_600);
    house.client.start_background_sync(interval).await.unwrap();
    let told = house.told().await;
    assert_eq!(
        told.last().map(String::as_str),
        Some("sync_completed"),
        "{told:?}"
    );
    house.client.stop_background_sync().await;
    assert_eq!(house.token(), new);
    assert_eq!(house.refreshes(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_background_sync_that_waits_for_a_token_goes_on_after_a_login() {
    let mut house = House::with("wrong").await;
    house.front.plan(PULL, says(401));
    let interval = Duration::from_secs(3_600);
    house.client.start_background_sync(interval).await.unwrap();
    assert!(house.told().await.contains(&"needs_auth".to_owned()));
    house.front.plan("/admin/login", fresh(&weekly("new")));
    house.client.login("right".into()).await.unwrap();
    let told = house.told().await;
    assert_eq!(
        told.last().map(String::as_str),
        Some("sync_completed"),
        "{told:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_given_meanwhile_is_not_overwritten_by_an_exchange() {
    let house = House::with(&weekly("old")).await;
    let client = house.client.clone();
    // The server's answer is on its way while another token is given.
    let server = support::raw_http::RawServer::start(move |_| {
        client.set_auth_token(Some("theirs".into())).unwrap();
        let Trick::Say(answer) = fresh("ours") else {
            unreachable!()
        };
        answer
    });
    let old = Some(weekly("old"));
    house.client.connect(server.url(), old, None).await.unwrap();
    let refreshed = house.client.refresh_session().await;
    assert_eq!(refreshed, Err(WildThingError::Cancelled));
    assert_eq!(house.token(), "theirs");
}
