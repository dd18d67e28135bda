//! Servers that are not ours, tokens that are not theirs, and addresses that
//! are none.

use super::*;
use crate::support::raw_http::CannedServer;
use wildthing::client::{Events, Observed};

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_another_host_is_not_followed_and_the_token_stays_here() {
    let house = House::synced().await;
    let elsewhere = CannedServer::start(vec![]);
    for status in [301, 302, 303, 307, 308] {
        let away = Canned::answer(
            status,
            &[("Location", &format!("{}/api/v1/sync/request", elsewhere.url()))],
            "",
        );
        let what = format!("{status} away");
        house
            .refuses(&what, std::slice::from_ref(&away), "protocol", &elsewhere.url())
            .await;
        house.rename("pushed away").await;
        house.front.plan("/push", Trick::Say(away));
        let words = house.fails(&what, "protocol").await;
        assert!(words.contains("another host"), "{words}");
        house.recovers("pushed away").await;
    }
    assert_eq!(elsewhere.connections(), 0, "nobody so much as knocked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_used_once_and_the_right_one_goes_on() {
    let house = House::synced().await;
    for status in [401, 403] {
        for path in ["/request", "/push"] {
            let what = format!("{status} to {path}");
            house.rename(&what).await;
            house.front.take_requests();
            house
                .front
                .plan(path, Trick::Say(Canned::answer(status, &[], "no")));
            let error = house.client.sync().await.unwrap_err();
            assert_eq!(error, WildThingError::NeedsAuth { status }, "{what}");
            let asked = house.front.take_requests();
            let refused = asked.iter().filter(|request| request.path.ends_with(path));
            assert_eq!(refused.count(), 1, "{what}");
            assert!(house.seam.take_waits().is_empty(), "{what}");
            house.client.set_auth_token(Some(TOKEN.into())).unwrap();
            house.recovers(&what).await;
        }
    }
}

/// The next change of this name.
async fn hear(changes: &mut Events, event: &str) {
    loop {
        match changes.next().await.expect("the stream goes on") {
            Observed::Change(change) if change.word() == event => return,
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_background_sync_waits_for_another_token_whatever_else_happens() {
    let house = House::synced().await;
    house.client.set_auth_token(Some("wrong".into())).unwrap();
    let mut changes = house.client.changes().events();
    house
        .client
        .start_background_sync(std::time::Duration::from_secs(3_600))
        .await
        .unwrap();
    hear(&mut changes, "needs_auth").await;
    hear(&mut changes, "sync_failed").await;
    // A hint and a write: neither makes the token any better.
    house.client.network_available();
    house.rename("with another token").await;
    house.client.pause().await.unwrap();
    house.client.resume().await.unwrap();
    house.client.set_auth_token(Some(TOKEN.into())).unwrap();
    hear(&mut changes, "sync_completed").await;
    let requests = house.front.take_requests();
    let with_wrong = requests
        .iter()
        .filter(|request| request.header("authorization") == Some("Bearer wrong"));
    assert_eq!(with_wrong.count(), 1);
    house.client.stop_background_sync().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_and_tokens_that_are_none_are_refused_and_nothing_is_kept() {
    let house = House::synced().await;
    let before = house.everything();
    for url in [
        "",
        "   ",
        "hub",
        "hub:8000",
        "http://",
        "ftp://hub/",
        "file:///etc/passwd",
        "http://hub:99999",
        "http://[::1",
        "http://hub/?token=1",
        "http://hub/#part",
        "http://ada:p4ssw0rd@hub/",
    ] {
        let error = house
            .client
            .connect(url.into(), Some(TOKEN.into()), None)
            .await
            .expect_err(url);
        let words = error.to_string();
        assert_eq!(error.code(), "invalid", "{url:?}: {words}");
        assert!(words.starts_with("server_url: "), "{url:?}: {words}");
        assert!(!words.contains("p4ssw0rd") && !words.contains(TOKEN), "{words}");
    }
    for token in ["two words", "line\nbreak", "tab\t", "naïve"] {
        let error = house
            .client
            .connect(house.front.url(), Some(token.into()), None)
            .await
            .unwrap_err();
        assert_eq!(error.code(), "invalid");
        let words = error.to_string();
        assert!(
            words.starts_with("auth_token: ") && !words.contains(token),
            "{words}"
        );
    }
    same(&before, &house.everything(), "nothing is kept");
    let status = house.client.get_sync_status().await.unwrap();
    assert_eq!(status.server_url, Some(house.front.url()));
    // The server from before is still the one.
    house.rename("still here").await;
    house.recovers("still here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_tells_a_stranger_from_a_hub_and_changes_nothing() {
    let house = House::synced().await;
    let before = house.everything();
    let page = || Canned::answer(200, &[("Content-Type", "text/html")], "<html>Router");
    for (health, request, code) in [
        (page(), Some(page()), "protocol"),
        (page(), Some(Canned::answer(404, &[], "")), "protocol"),
        (page(), Some(Canned::answer(401, &[], "")), "needs_auth"),
        (page(), Some(Canned::answer(200, &[], "[]")), "protocol"),
        (Canned::answer(503, &[], ""), None, "server"),
        (Canned::Close, None, "offline"),
    ] {
        house.front.plan("/health", Trick::Say(health));
        if let Some(request) = request {
            house.front.plan("/request", Trick::Say(request));
        }
        assert_eq!(house.client.probe().await.unwrap_err().code(), code);
        assert!(house.front.is_through());
    }
    house.client.probe().await.unwrap();
    same(&before, &house.everything(), "nothing is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_says_of_a_record_that_is_not_there_is_kept_and_shown_as_unplaced() {
    // Dangling parents are real data, not an error.
    let house = House::synced().await;
    let mut odd = delta();
    odd["server_time"] = house.tables(&["SELECT DISTINCT server_time FROM watermarks"])[0]
        .clone()
        .into();
    house.sign(&mut odd);
    odd["changes"] = json!([
        {"entity_type": "device", "entity_id": 17, "operation": "update", "sync_id": null, "updated_at": null,
         "data": {"name": "Orphan", "room_id": "no-such-room", "whatever": {"deep": [1, 2, 3]},
                  "big": 123_456_789_012_345_678_901_234_567_890_u128.to_string()}},
    ]);
    house.front.plan("/request", Trick::Say(Canned::json(200, &odd)));
    let pulled = house.client.sync().await.unwrap();
    assert_eq!((pulled.pulled, pulled.errors), (1, vec![]));
    let device = house.client.get_device(id("17")).await.unwrap();
    assert_eq!(
        (device.name.as_str(), &device.extra["whatever"]["deep"]),
        ("Orphan", &json!([1, 2, 3]))
    );
}
