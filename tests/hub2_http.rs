//! A v2 hub over a real socket: pages, pushes side by side, edges, restarts.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod hub2_support;
mod hub_support;

use std::collections::BTreeSet;

use hub_support::{FakeSeam, NOON, SECOND};
use hub2_support::*;
use serde_json::{Value, json};

fn ids(changes: &[Value]) -> Vec<&str> {
    changes
        .iter()
        .map(|change| change["entity"]["id"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn fifteen_hundred_entities_come_in_pages() {
    let hub = hub().await;
    let addr = hub.addr();
    let made = version(0, 1, "u");
    for batch in 0..3 {
        let changes: Vec<Value> = (batch * 500..batch * 500 + 500)
            .map(|n| change("create", device(&format!("d{n:04}"), &made, &[]), &[]))
            .collect();
        let told = push(addr, &changes);
        assert_eq!(told["applied"].as_array().unwrap().len(), 500);
    }
    let whole = pull_all(addr);
    let expected: Vec<String> = (0..1_500).map(|n| format!("d{n:04}")).collect();
    assert_eq!(ids(&whole), expected);

    // A full sync ends after one page, whatever the cursor.
    let mut full = after("500");
    full["sync_type"] = "full".into();
    let first = post(addr, "/api/v1/sync/", &full).ok();
    assert_eq!(ids(first["changes"].as_array().unwrap()), expected[..500]);
    assert_eq!(first["cursor"], "500");

    // An edit moves an entity to the end; a loop that is under way meets it there.
    let second = post(addr, "/api/v1/sync/", &after("500")).ok();
    push(
        addr,
        &[change(
            "update",
            device("d1400", &version(5, 2, "u"), &[&made]),
            &[],
        )],
    );
    let third = post(addr, "/api/v1/sync/", &after(second["cursor"].as_str().unwrap())).ok();
    let third_ids = ids(third["changes"].as_array().unwrap());
    assert_eq!((third_ids.len(), third_ids.last()), (500, Some(&"d1400")));
    assert_eq!(third["cursor"], Value::Null);

    // The watermark of an answer excludes what was in it.
    let mut since = after("");
    since["filters"] = json!({"since": third["server_time"]});
    assert_eq!(post(addr, "/api/v1/sync/", &since).ok()["changes"], json!([]));
    since["filters"] = json!({"since": first["server_time"]});
    let told = post(addr, "/api/v1/sync/", &since).ok();
    assert_eq!(ids(told["changes"].as_array().unwrap()), ["d1400"]);
    hub.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_side_by_side_lose_nothing() {
    let hub = hub().await;
    let addr = hub.addr();
    let pushers: Vec<_> = (0..8)
        .map(|pusher| {
            std::thread::spawn(move || {
                for push_number in 0..4 {
                    let changes: Vec<Value> = (0..20)
                        .map(|n| {
                            let id = format!("{pusher}-{push_number}-{n}");
                            change("create", device(&id, &version(0, n, "u"), &[]), &[])
                        })
                        .collect();
                    let told = push(addr, &changes);
                    assert_eq!(told["applied"].as_array().unwrap().len(), 20);
                }
            })
        })
        .collect();
    // Somebody who pulls by watermark meanwhile, without any overlap.
    let puller = std::thread::spawn(move || {
        let (mut seen, mut since) = (BTreeSet::new(), "2000-01-01T00:00:00Z".to_owned());
        while seen.len() < 640 {
            let mut request = after("");
            request["filters"] = json!({"since": since});
            let mut page = post(addr, "/api/v1/sync/", &request).ok();
            since = page["server_time"].as_str().unwrap().to_owned();
            loop {
                for id in ids(page["changes"].as_array().unwrap()) {
                    seen.insert(id.to_owned());
                }
                let Some(cursor) = page["cursor"].as_str() else {
                    break;
                };
                page = post(addr, "/api/v1/sync/", &after(cursor)).ok();
            }
        }
    });
    for thread in pushers {
        thread.join().unwrap();
    }
    puller.join().unwrap();
    assert_eq!(hub.store().lock().unwrap().len().unwrap(), 640);
    hub.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_taken_whole_or_not_at_all() {
    let hub = hub().await;
    let addr = hub.addr();
    let v1 = version(0, 1, "u");
    let good = change("create", device("good", &v1, &[]), &[]);
    let mut bad_edge = edge("e", ("good", &v1), ("good", &v1));
    bad_edge["relationship_type"] = "likes".into();
    let mut widget = device("w", &v1, &[]);
    widget["entity_type"] = "widget".into();
    for (bad, status) in [
        (change("update", Value::Null, &[bad_edge]), 400),
        (change("create", widget, &[]), 422),
        (change("create", device("", &v1, &[]), &[]), 422),
        (change("create", device(&"i".repeat(65), &v1, &[]), &[]), 422),
        (change("create", device("v", "", &[]), &[]), 422),
    ] {
        let refused = post(addr, "/api/v1/sync/", &pushing(&[good.clone(), bad]));
        assert_eq!(refused.status, status);
        assert_eq!(get(addr, "/api/v1/graph/entities").ok()["total"], 0);
    }
    hub.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_bypasses_the_rule_and_only_its_child_revives() {
    let hub = hub().await;
    let addr = hub.addr();
    let (v1, v2, v3) = (version(0, 1, "a"), version(5_000, 2, "a"), version(9_000, 3, "b"));
    push(addr, &[change("create", device("d", &v1, &[]), &[])]);
    // An old delete of a stale version wins all the same.
    let old = version(-100_000, 9, "c");
    let told = push(addr, &[change("delete", device("d", &old, &["elsewhere"]), &[])]);
    assert_eq!(
        (told["applied"].clone(), told["conflicts"].clone()),
        (json!(["d"]), json!([]))
    );
    let held = get(addr, "/api/v1/graph/entities/d").ok();
    assert_eq!(held["entity"]["content"], json!({"deleted": true}));
    // What it was made on is kept as it was told: it did not descend from v1.
    assert_eq!(held["entity"]["parent_versions"], json!(["elsewhere"]));

    // A newer update that does not know of it loses, and stays in the history.
    let told = push(addr, &[change("update", device("d", &v2, &[&v1]), &[])]);
    assert_eq!(told["conflicts"][0]["resolved_version"], json!(old));
    assert_eq!(told["applied"], json!(["d"]));
    let told = push(addr, &[change("update", device("d", &v3, &[&old]), &[])]);
    assert_eq!(told["conflicts"], json!([]));
    assert_eq!(current(addr, "d"), json!(v3));
    let history = get(addr, "/api/v1/graph/entities/d/versions").ok();
    let versions: Vec<&Value> = history["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| &v["version"])
        .collect();
    assert_eq!(versions, [&json!(v1), &json!(old), &json!(v2), &json!(v3)]);
    let lost = get(
        addr,
        &format!("/api/v1/graph/entities/d?version={}", escaped(&v2)),
    )
    .ok();
    assert_eq!(lost["entity"]["version"], json!(v2));
    hub.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rule_compares_arrival_with_the_pushed_time() {
    let seam = FakeSeam::at(NOON);
    let hub = start(options(), &seam).await;
    let addr = hub.addr();
    let base = version(-50_000, 1, "u");
    push(addr, &[change("create", device("d", &base, &[]), &[])]);
    for (seconds, user, strategy, wins) in [
        // The hub's version arrived at noon, though it was made long before.
        (-2, "z", "local has newer timestamp", false),
        (2, "a", "remote has newer timestamp", true),
    ] {
        let pushed = version(seconds, 5, user);
        let told = push(addr, &[change("update", device("d", &pushed, &[]), &[])]);
        assert_eq!(told["conflicts"][0]["resolution_strategy"], strategy);
        assert_eq!(current(addr, "d") == json!(pushed), wins, "{pushed}");
        assert_eq!(told["conflicts"][0]["resolved_version"] == json!(pushed), wins);
    }
    // Less than a second apart, the greater version string wins.
    for (pushed, strategy) in [
        (
            version(0, 1, "u"),
            "timestamps within 1s, local has greater version",
        ),
        (
            "zzz".to_owned(),
            "timestamps within 1s, remote has greater version",
        ),
    ] {
        let told = push(addr, &[change("update", device("d", &pushed, &[]), &[])]);
        assert_eq!(told["conflicts"][0]["resolution_strategy"], strategy);
        // Sent again it is known, and there is nothing to tell.
        let again = push(addr, &[change("update", device("d", &pushed, &[]), &[])]);
        assert_eq!(
            (again["applied"].clone(), again["conflicts"].clone()),
            (json!(["d"]), json!([]))
        );
    }
    assert_eq!(current(addr, "d"), "zzz");
    hub.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn edges_are_listed_after_edits_until_they_are_deleted() {
    let hub = hub().await;
    let addr = hub.addr();
    let v1 = version(0, 1, "u");
    let mut room = device("r", &v1, &[]);
    room["entity_type"] = "room".into();
    let e1 = edge("e1", ("d", &v1), ("r", &v1));
    let told = push(
        addr,
        &[
            change("create", device("d", &v1, &[]), &[e1]),
            change("create", room, &[]),
        ],
    );
    assert_eq!(told["applied_relationships"], json!(["e1"]));
    // An edge to a version that is not here is not acknowledged.
    let dangling = edge("e2", ("d", "nope"), ("r", &v1));
    let told = push(addr, &[change("update", Value::Null, &[dangling])]);
    assert_eq!(told["applied_relationships"], json!([]));

    // What a change did speaks of its entity: an edge with a delete is stored.
    let with_delete = edge("e3", ("r", &v1), ("d", &v1));
    let told = push(
        addr,
        &[change("delete", Value::Null, std::slice::from_ref(&with_delete))],
    );
    assert_eq!(told["applied_relationships"], json!(["e3"]));
    let mut gone = with_delete;
    gone["properties"] = json!({"deleted": true});
    push(addr, &[change("update", Value::Null, &[gone])]);

    // After an edit the edge is still there for whoever looks by entity.
    push(
        addr,
        &[change("update", device("d", &version(1, 2, "u"), &[&v1]), &[])],
    );
    let looked = get(addr, "/api/v1/graph/entities/d").ok();
    assert_eq!(looked["relationships"]["outgoing"][0]["id"], "e1");
    let looked = get(addr, "/api/v1/graph/entities/r").ok();
    assert_eq!(looked["relationships"]["incoming"][0]["user_id"], "u");
    let around = get(addr, "/api/v1/graph/entities/r/connected").ok();
    assert_eq!(
        (&around["count"], &around["connected"][0]["entity"]["id"]),
        (&json!(1), &json!("d"))
    );
    let path = json!({"from_id": "r", "to_id": "d"});
    let found = post(addr, "/api/v1/graph/path", &path).ok();
    assert_eq!((&found["found"], &found["length"]), (&json!(true), &json!(1)));
    assert!(
        pull_all(addr)
            .iter()
            .all(|change| change["relationships"] == json!([]))
    );

    // Deleted, only the listing of all edges still tells of it.
    let mut gone = edge("e1", ("d", &v1), ("r", &v1));
    gone["properties"] = json!({"deleted": true});
    push(addr, &[change("update", Value::Null, &[gone])]);
    let looked = get(addr, "/api/v1/graph/entities/d").ok();
    assert_eq!(looked["relationships"], json!({"outgoing": [], "incoming": []}));
    assert_eq!(get(addr, "/api/v1/graph/entities/r/connected").ok()["count"], 0);
    assert_eq!(post(addr, "/api/v1/graph/path", &path).ok()["found"], false);
    let numbers = get(addr, "/api/v1/graph/statistics").ok();
    assert_eq!(
        (&numbers["total_relationships"], &numbers["isolated_entities"]),
        (&json!(0), &json!(2))
    );
    let all = get(addr, "/api/v1/graph/relationships").ok();
    assert_eq!(all["count"], 2);
    for edge in all["relationships"].as_array().unwrap() {
        assert_eq!(edge["properties"], json!({"deleted": true}));
    }
    hub.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn single_entities_and_edges_are_made_and_changed() {
    let hub = hub().await;
    let addr = hub.addr();
    let body = json!({"entity_type": "room", "name": "Blue Room", "content": {"floor": 1}, "user_id": "me"});
    let room = post(addr, "/api/v1/graph/entities", &body).ok()["entity"].clone();
    let body = json!({"entity_type": "room", "name": "Red Room", "user_id": "me"});
    let other = post(addr, "/api/v1/graph/entities", &body).ok()["entity"].clone();
    let path = format!("/api/v1/graph/entities/{}", room["id"].as_str().unwrap());
    let changed = with_token(
        addr,
        TOKEN,
        "PUT",
        &path,
        &json!({"name": "Green Room", "user_id": "you"}),
    )
    .ok();
    assert_eq!(changed["entity"]["name"], "Green Room");
    assert_eq!(changed["entity"]["content"], json!({"floor": 1}));
    assert_eq!(changed["entity"]["parent_versions"], json!([room["version"]]));
    assert!(changed["entity"]["version"].as_str().unwrap().ends_with("-you"));
    let similar = get(addr, &format!("{path}/similar")).ok();
    assert_eq!(similar["similar"][0]["entity"]["id"], other["id"]);
    let found = post(addr, "/api/v1/graph/search", &json!({"query": "green"})).ok();
    assert_eq!(
        (&found["count"], &found["results"][0]["entity"]["id"]),
        (&json!(1), &room["id"])
    );

    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (from, to) = (
        (text(&room["id"]), text(&room["version"])),
        (text(&other["id"]), text(&other["version"])),
    );
    let mut body = edge("?", (&from.0, &from.1), (&to.0, &to.1));
    body.as_object_mut().unwrap().remove("id");
    let made = post(addr, "/api/v1/graph/relationships", &body).ok()["relationship"].clone();
    let listed = get(addr, &format!("/api/v1/graph/relationships?from_id={}", from.0)).ok();
    assert_eq!(listed["relationships"], json!([made]));
    let listed = get(addr, &format!("/api/v1/graph/relationships?to_id={}", from.0)).ok();
    assert_eq!(listed["count"], 0);

    // What can't be done is said with the place.
    body["to_entity_version"] = "nope".into();
    assert_eq!(post(addr, "/api/v1/graph/relationships", &body).status, 404);
    body["relationship_type"] = "likes".into();
    let refused = post(addr, "/api/v1/graph/relationships", &body);
    assert_eq!(
        refused.json()["detail"][0]["loc"],
        json!(["body", "relationship_type"])
    );
    let refused = post(
        addr,
        "/api/v1/graph/entities",
        &json!({"entity_type": "widget", "name": "x", "user_id": "u"}),
    );
    assert_eq!(
        (refused.status, &refused.json()["detail"][0]["loc"]),
        (422, &json!(["body", "entity_type"]))
    );
    for path in [
        "entities/nobody",
        "entities/nobody/versions",
        "entities/nobody/connected",
    ] {
        let missing = get(addr, &format!("/api/v1/graph/{path}"));
        assert_eq!(
            (missing.status, missing.json()),
            (404, json!({"detail": "Entity not found"}))
        );
    }
    hub.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_no_text_names_nothing() {
    let hub = hub().await;
    let addr = hub.addr();
    for end in ["", "/versions", "/connected", "/similar"] {
        let path = format!("/api/v1/graph/entities/%FF{end}");
        let answer = get(addr, &path);
        assert_eq!(
            (answer.status, answer.json()),
            (404, json!({"detail": "Entity not found"}))
        );
    }
    // Whoever has no token is told that first.
    let path = "/api/v1/graph/entities/%FF";
    let edit = json!({"user_id": "u"});
    assert_eq!(with_token(addr, TOKEN, "PUT", path, &edit).status, 404);
    assert_eq!(with_token(addr, "no", "PUT", path, &edit).status, 401);
    hub.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_body_is_refused() {
    let hub = hub().await;
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let refused = send(
        hub.addr(),
        "POST",
        "/api/v1/sync/",
        &[&bearer, "Content-Encoding: gzip"],
        b"\x1f\x8b",
    );
    assert_eq!(refused.status, 400);
    hub.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_house_outlives_restarts_and_its_stamps_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hub.db");
    let seam = FakeSeam::at(NOON);
    let hub = start(on_file(&file), &seam).await;
    let v1 = version(0, 1, "u");
    let told = push(hub.addr(), &[change("create", device("d1", &v1, &[]), &[])]);
    let (time, digest) = (told["server_time"].clone(), told["state_digest"].clone());
    hub.shutdown().await.unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    // The clock stepped back while the hub was away.
    seam.set(NOON - 3_600 * SECOND);
    let hub = start(on_file(&file), &seam).await;
    let told = post(hub.addr(), "/api/v1/sync/", &after("0")).ok();
    assert_eq!((&told["server_time"], &told["state_digest"]), (&time, &digest));
    let later = push(hub.addr(), &[change("create", device("d2", &v1, &[]), &[])]);
    assert!(later["server_time"].as_str().unwrap() > time.as_str().unwrap());
    let mut since = after("");
    since["filters"] = json!({"since": time});
    let told = post(hub.addr(), "/api/v1/sync/", &since).ok();
    assert_eq!(ids(told["changes"].as_array().unwrap()), ["d2"]);
    hub.shutdown().await.unwrap();
}
