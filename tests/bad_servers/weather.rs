//! Servers that are busy, slow or gone: what is tried again, how often, and
//! after which wait.

use super::*;
use std::time::Duration;
use wildthing::client::Timeouts;

fn busy(status: u16, headers: &[(&str, &str)]) -> Canned {
    Canned::answer(status, headers, "busy")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_server_is_asked_again_after_the_wait_that_it_names() {
    let house = House::synced().await;
    for (index, status) in [429, 503].into_iter().enumerate() {
        for path in ["/request", "/push"] {
            let what = format!("{status} to {path}");
            house.rename(&what).await;
            house.seam.take_waits();
            house.front.take_requests();
            let seconds = 7 + index as u64;
            let header = seconds.to_string();
            house
                .front
                .plan(path, Trick::Say(busy(status, &[("Retry-After", &header)])));
            house.front.plan(path, Trick::Say(busy(status, &[])));
            house.goes_through(&what).await;
            let waits = house.seam.take_waits();
            assert_eq!(waits.len(), 2, "{what}: {waits:?}");
            assert!(waits[0] >= Duration::from_secs(seconds), "{what}: {waits:?}");
            assert!(waits[1] <= Duration::from_secs(2), "{what}: {waits:?}");
            let asked = house.front.take_requests();
            let bodies: Vec<_> = asked.iter().filter(|r| r.path.ends_with(path)).collect();
            assert_eq!(bodies.len(), 3, "{what}");
            assert!(
                bodies.iter().all(|request| request.body == bodies[0].body),
                "{what}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_five_tries_the_sync_fails_and_the_edit_waits() {
    let house = House::synced().await;
    for status in [429, 502, 503, 504] {
        house.front.take_requests();
        let what = format!("only {status}");
        let words = format!("{status}: busy");
        house
            .refuses(&what, &vec![busy(status, &[]); 5], "server", &words)
            .await;
    }
    // Nobody waits out an hour within one sync.
    let later = busy(503, &[("Retry-After", "3600")]);
    house.refuses("an hour", &[later], "server", "503").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_that_mean_nothing_here_are_told_and_not_repeated() {
    let house = House::synced().await;
    for status in [204, 301, 302, 400, 404, 405, 413, 418, 422, 501] {
        let what = format!("{status} to a request");
        let no = Canned::answer(status, &[], "<h1>No</h1>");
        house.refuses(&what, &[no], "server", &status.to_string()).await;
    }
    // 500 makes it ask kind by kind, and none of them answers.
    let broken = Canned::answer(500, &[], "Internal Server Error");
    house
        .refuses("500", &vec![broken; 7], "server", "Internal Server Error")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_cut_is_asked_for_again_and_never_used_by_half() {
    let house = House::synced().await;
    let whole = Canned::json(200, &delta());
    for (what, bytes) in [("in the head", 20), ("behind the head", 80), ("in the body", 300)] {
        house
            .refuses(
                &format!("cut {what}"),
                &vec![whole.clone().cut_after(bytes); 5],
                "offline",
                "connection",
            )
            .await;
    }
    house
        .refuses("closed", &vec![Canned::Close; 5], "offline", "connection")
        .await;
    let noise = Canned::Raw(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec());
    house
        .refuses("not HTTP", &vec![noise; 5], "offline", "connection")
        .await;
    // Once is no failure.
    house.rename("cut once").await;
    house.front.plan("/request", Trick::Say(whole.cut_after(200)));
    house.front.plan("/push", Trick::Say(Canned::Close));
    house.front.plan("/push", Trick::LoseAnswer);
    house.goes_through("cut once").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_is_given_up() {
    let house = House::synced().await;
    let options = ConnectOptions {
        timeouts: Some(Timeouts {
            idle: Duration::from_millis(20),
            ..Timeouts::default()
        }),
        ..ConnectOptions::default()
    };
    let connect = |options| {
        house
            .client
            .connect(house.front.url(), Some(TOKEN.into()), options)
    };
    connect(Some(options)).await.unwrap();
    house.rename("silence").await;
    let before = house.everything();
    for _ in 0..5 {
        house.front.plan("/request", Trick::Say(Canned::Silence));
    }
    let words = house.fails("silence", "offline").await;
    assert!(words.contains("in time"), "{words}");
    same(&before, &house.everything(), "silence");
    // With the patience that is usual, a slow machine is no silent one.
    connect(None).await.unwrap();
    house.recovers("silence").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_told_at_once() {
    let house = House::synced().await;
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let connect = |url: String| house.client.connect(url, Some(TOKEN.into()), None);
    connect(format!("http://{nobody}")).await.unwrap();
    house.rename("alone").await;
    let before = house.everything();
    house.seam.take_waits();
    let words = house.fails("alone", "offline").await;
    assert!(words.contains(&nobody), "{words}");
    assert!(house.seam.take_waits().is_empty());
    same(&before, &house.everything(), "alone");
    connect(house.front.url()).await.unwrap();
    house.recovers("alone").await;
}
