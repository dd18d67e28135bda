//! What it can list arrives, what it can't is reported, and the times that
//! are sent are ones it can read.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_kinds_it_can_list_arrive_and_the_others_are_reported_one_by_one() {
    let (server, a) = (server(), Opened::at("http://127.0.0.1:1").await);
    a.client.connect(server.url(), None, None).await.unwrap();
    let first = a.sync().await;
    assert_eq!((first.pulled, first.pushed), (4, 0));
    assert_eq!(problems(&first), UNLISTED);
    for problem in &first.errors {
        assert!(problem.detail.contains("500"), "{problem:?}");
    }
    assert_eq!(a.watermarks(), ["device", "house", "room", "user"]);
    let device = a.client.get_device(id("device-1")).await.unwrap();
    assert_eq!(
        (device.name.as_str(), device.sync_status),
        ("Lamp", RecordStatus::Synced)
    );
    let state = a.client.get_device_state(id("device-1")).await.unwrap();
    assert_eq!(state.state["power"], "off");
    // The whole set, then each kind alone.
    let asked: Vec<usize> = asked(&server).iter().map(|(kinds, _)| kinds.len()).collect();
    assert_eq!(asked, [6, 1, 1, 1, 1, 1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn later_syncs_ask_together_for_what_has_a_watermark_with_times_it_can_read() {
    let server = server();
    let a = Opened::at(&server.url()).await;
    a.sync().await;
    let known = asked(&server).len();
    server.put_row("room", json!({"id": "room-1", "name": "Entrance"}));
    let second = a.sync().await;
    assert_eq!((second.pulled, problems(&second)), (1, UNLISTED.to_vec()));
    assert_eq!(a.client.get_room(id("room-1")).await.unwrap().name, "Entrance");
    let later = asked(&server).split_off(known);
    let kinds: Vec<usize> = later.iter().map(|(kinds, _)| kinds.len()).collect();
    assert_eq!(kinds, [4, 2, 1, 1]);
    let since = later[0].1.as_str().unwrap();
    // The stub answers 500 to a time with an offset as soon as it has something to list.
    assert!(!since.contains(['Z', '+']), "{since}");
    assert_eq!(since.len(), "2026-01-02T03:04:05.000006".len());
    assert!(later[1..].iter().all(|(_, since)| since.is_null()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_over_its_rest_interface_arrives_though_its_sync_id_is_the_old_one() {
    let server = server();
    let a = Opened::at(&server.url()).await;
    a.sync().await;
    let before = a.client.get_device(id("device-1")).await.unwrap();
    server.put_row(
        "device",
        json!({"id": "device-1", "name": "Floor lamp", "state_json": "{\"power\":\"on\"}"}),
    );
    a.sync().await;
    let after = a.client.get_device(id("device-1")).await.unwrap();
    assert_eq!(after.name, "Floor lamp");
    assert_eq!(after.sync_id, before.sync_id);
    let state = a.client.get_device_state(id("device-1")).await.unwrap();
    assert_eq!(state.state["power"], "on");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_nothing_can_be_listed_the_sync_fails_and_says_so() {
    // Even one whole answer makes it a sync; none does not.
    let broken = support::raw_http::RawServer::start(|_| {
        support::raw_http::Canned::answer(500, &[], "Internal Server Error")
    });
    let a = Opened::at(&broken.url()).await;
    let error = a.client.sync().await.unwrap_err();
    assert_eq!(error.code(), "server");
    assert!(error.to_string().contains("500"), "{error}");
    assert!(a.watermarks().is_empty());
}

/// What every sync request asked for: kinds, and since when.
fn asked(server: &Funky01) -> Vec<(Vec<Value>, Value)> {
    let requests = server.requests();
    let asking = requests.iter().filter(|(path, _)| path.ends_with("/request"));
    asking
        .map(|(_, body)| {
            (
                body["entity_types"].as_array().unwrap().clone(),
                body["last_sync"].clone(),
            )
        })
        .collect()
}
