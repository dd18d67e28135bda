//! What goes wrong on the way, and at the server: answers that are lost, tokens
//! that end, versions that give way without a word.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use wildthing::client::{Connection, DevicePatch, WildThingClient, WildThingError};
use wildthing::hub::v2::GraphOptions;
use wildthing::model::RecordStatus;

use super::support::front::pass_on;
use super::support::raw_http::{Canned, RawServer, Received};
use super::traps::{fill, named};
use super::{agree, client, hub, hub_digest, id, offline};
use crate::hub_support::{FakeSeam, NOON, SECOND};
use crate::hub2_support::{self, PASSWORD, TOKEN, change, device, post, push, version};

/// What stands between a client and the hub does to the next requests.
type Plan = Arc<Mutex<Vec<Act>>>;

enum Act {
    /// Passes it on.
    Pass,
    /// Passes it on; the answer is lost.
    Lose,
    /// The hub is not reached.
    Shut,
    /// Passes it on, and then this happens.
    Then(Box<dyn FnOnce() + Send>),
}

/// Ends a sync at once: nobody waits out an hour.
fn busy() -> Canned {
    Canned::answer(503, &[("Retry-After", "3600")], "busy")
}

/// Stands before a hub. Acts are for syncs of the graph in their order; `pushes`
/// says whether for those with changes or for those without.
fn between(hub: String, pushes: bool, plan: &Plan) -> RawServer {
    let plan = Arc::clone(plan);
    RawServer::start(move |request: Received| {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let changes = body["changes"].as_array().map(Vec::len);
        let meant = changes.is_some_and(|count| (count > 0) == pushes);
        let act = match meant && !plan.lock().unwrap().is_empty() {
            true => plan.lock().unwrap().remove(0),
            false => Act::Pass,
        };
        match act {
            Act::Pass => pass_on(&hub, &request),
            Act::Shut => busy(),
            Act::Lose => {
                pass_on(&hub, &request);
                busy()
            }
            Act::Then(work) => {
                let answer = pass_on(&hub, &request);
                work();
                answer
            }
        }
    })
}

async fn behind(front: &RawServer, client: &WildThingClient) {
    client
        .connect(front.url(), Some(TOKEN.into()), None)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_edits_the_second_wins_although_the_first_ones_answer_was_lost() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    fill(&hub, 1);
    let plan = Plan::default();
    let front = between(hub.url(), true, &plan);
    let ann = offline(&folder, "ann.db").await;
    behind(&front, &ann).await;
    ann.sync().await.unwrap();
    let lamp = id("device-00000");
    ann.update_device(lamp.clone(), named("first")).await.unwrap();
    plan.lock().unwrap().push(Act::Lose);
    ann.sync().await.unwrap_err();
    // The hub has the first; when it came there is later than when the second is made
    // by a clock that runs behind, and the second names the first all the same.
    ann.update_device(lamp.clone(), named("second")).await.unwrap();
    let result = ann.sync().await.unwrap();
    assert!(result.conflicts.is_empty(), "{:?}", result.conflicts);
    let ben = client(&folder, "ben.db", &hub).await;
    agree(&hub, &[&ann, &ben]).await;
    assert_eq!(ben.get_device(lamp).await.unwrap().name, "second");
    assert_eq!(ann.conflicts().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_that_was_given_up_and_comes_late_costs_no_edit() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    fill(&hub, 1);
    let (plan, late) = (Plan::default(), Arc::new(Mutex::new(None)));
    let keep = Arc::clone(&late);
    let (url, acts) = (hub.url(), Arc::clone(&plan));
    // The delete is stuck on the way, and its sender hears nothing.
    let front = RawServer::start(move |request: Received| {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let is_push = body["changes"]
            .as_array()
            .is_some_and(|changes| !changes.is_empty());
        if is_push && acts.lock().unwrap().pop().is_some() {
            *keep.lock().unwrap() = Some(body);
            return busy();
        }
        pass_on(&url, &request)
    });
    let ann = offline(&folder, "ann.db").await;
    behind(&front, &ann).await;
    ann.sync().await.unwrap();
    let lamp = id("device-00000");
    ann.delete_device(lamp.clone()).await.unwrap();
    plan.lock().unwrap().push(Act::Lose);
    ann.sync().await.unwrap_err();
    // Ann discards her delete, and edits.
    ann.discard(wildthing::model::Kind::Device, lamp.clone())
        .await
        .unwrap();
    let discarded = ann.conflicts().await.unwrap();
    ann.update_device(lamp.clone(), named("alive")).await.unwrap();
    ann.sync().await.unwrap();
    let stuck = late.lock().unwrap().take().unwrap();
    post(hub.addr(), "/api/v1/sync/", &stuck).ok();
    let ben = client(&folder, "ben.db", &hub).await;
    agree(&hub, &[&ann, &ben]).await;
    // What was sent can't be called back: it wins, and her edit is kept.
    let alive = ben.get_device(lamp).await.is_ok();
    assert!(alive || ann.conflicts().await.unwrap().len() > discarded.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_was_taken_and_gave_way_without_a_word_is_kept_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    fill(&hub, 1);
    let ann = client(&folder, "ann.db", &hub).await;
    ann.sync().await.unwrap();
    let lamp = id("device-00000");
    ann.update_device(lamp.clone(), named("Ann's")).await.unwrap();
    ann.sync().await.unwrap();
    assert_eq!(
        ann.get_device(lamp.clone()).await.unwrap().sync_status,
        RecordStatus::Synced
    );
    // Made on the version before hers, and later by its author's clock.
    let theirs = "2098-01-01T00:00:00.000000+00:00-000001-other";
    push(
        hub.addr(),
        &[change(
            "update",
            device("device-00000", theirs, &[&version(0, 0, "other")]),
            &[],
        )],
    );
    let result = ann.sync().await.unwrap();
    let [conflict] = result.conflicts.as_slice() else {
        panic!("{:?}", result.conflicts)
    };
    assert_eq!(conflict.losing["name"], "Ann's");
    // She may have it back, and everybody sees it.
    ann.restore(conflict.conflict_id).await.unwrap();
    let ben = client(&folder, "ben.db", &hub).await;
    agree(&hub, &[&ann, &ben]).await;
    assert_eq!(ben.get_device(lamp).await.unwrap().name, "Ann's");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_made_of_an_edit_is_no_conflict_however_often_they_did() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    fill(&hub, 1);
    let (ann, ben) = (
        client(&folder, "ann.db", &hub).await,
        client(&folder, "ben.db", &hub).await,
    );
    agree(&hub, &[&ann, &ben]).await;
    let lamp = id("device-00000");
    ann.update_device(lamp.clone(), named("Ann's")).await.unwrap();
    ann.sync().await.unwrap();
    for name in ["one", "two", "three"] {
        ben.sync().await.unwrap();
        ben.update_device(lamp.clone(), named(name)).await.unwrap();
        ben.sync().await.unwrap();
    }
    agree(&hub, &[&ann, &ben]).await;
    assert_eq!(ann.get_device(lamp).await.unwrap().name, "three");
    assert_eq!(ann.conflicts().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loser_of_a_conflict_is_kept_also_where_the_answer_does_not_show_the_winner() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    fill(&hub, 1);
    let plan = Plan::default();
    let front = between(hub.url(), false, &plan);
    let ann = offline(&folder, "ann.db").await;
    behind(&front, &ann).await;
    ann.sync().await.unwrap();
    let lamp = id("device-00000");
    ann.update_device(lamp.clone(), named("Ann's")).await.unwrap();
    // Right after Ann's pull somebody else pushes what will win.
    let addr = hub.addr();
    plan.lock().unwrap().push(Act::Then(Box::new(move || {
        let theirs = "2098-01-01T00:00:00.000000+00:00-000001-other";
        let parent = version(0, 0, "other");
        push(
            addr,
            &[change("update", device("device-00000", theirs, &[&parent]), &[])],
        );
    })));
    let result = ann.sync().await.unwrap();
    let [conflict] = result.conflicts.as_slice() else {
        panic!("{:?}", result.conflicts)
    };
    assert_eq!(conflict.losing["name"], "Ann's");
    assert!(conflict.winning.is_some());
    assert_ne!(ann.get_device(lamp).await.unwrap().name, "Ann's");
    assert_eq!(ann.digests().await.unwrap().state, hub_digest(&hub));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_house_of_three_pages_is_whole_although_the_client_died_after_each() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    fill(&hub, 1_500);
    let plan = Plan::default();
    let front = between(hub.url(), false, &plan);
    let mut counts = Vec::new();
    for _ in 0..2 {
        plan.lock().unwrap().extend([Act::Pass, Act::Shut]);
        let ann = offline(&folder, "ann.db").await;
        behind(&front, &ann).await;
        ann.sync().await.unwrap_err();
        counts.push(ann.get_devices(None).await.unwrap().len());
        ann.shutdown().await;
    }
    let ann = offline(&folder, "ann.db").await;
    behind(&front, &ann).await;
    let result = ann.sync().await.unwrap();
    assert_eq!(result.pulled, 500);
    counts.push(ann.get_devices(None).await.unwrap().len());
    assert_eq!(counts, [500, 1_000, 1_500]);
    assert_eq!(ann.digests().await.unwrap().state, hub_digest(&hub));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ends_in_the_middle_of_a_sync_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let seam = FakeSeam::at(NOON);
    let options = GraphOptions {
        auth_token: None,
        ..hub2_support::with_password()
    };
    let hub = hub2_support::start(options, &seam).await;
    let login = |addr| {
        let body = json!({"password": PASSWORD}).to_string();
        let answer = hub2_support::send(
            addr,
            "POST",
            "/api/v1/auth/admin/login",
            &["Content-Type: application/json"],
            body.as_bytes(),
        );
        answer.ok()["access_token"].as_str().unwrap().to_owned()
    };
    let token = login(hub.addr());
    let changes: Vec<_> = (0..700)
        .map(|n| {
            change(
                "create",
                device(&format!("device-{n:05}"), &version(0, n, "other"), &[]),
                &[],
            )
        })
        .collect();
    hub2_support::with_token(
        hub.addr(),
        &token,
        "POST",
        "/api/v1/sync/",
        &hub2_support::pushing(&changes),
    )
    .ok();

    let plan = Plan::default();
    let front = between(hub.url(), false, &plan);
    let ann = offline(&folder, "ann.db").await;
    ann.connect(front.url(), Some(token), None).await.unwrap();
    ann.sync().await.unwrap();
    ann.reset(true).await.unwrap();
    let home = ann
        .create_house(wildthing::client::NewHouse {
            name: "Made here".into(),
            ..Default::default()
        })
        .await
        .unwrap();
    // After the first page eight days pass: tokens last seven.
    let clock = Arc::clone(&seam);
    plan.lock()
        .unwrap()
        .push(Act::Then(Box::new(move || clock.set(NOON + 8 * 86_400 * SECOND))));
    let error = ann.sync().await.unwrap_err();
    assert!(
        matches!(error, WildThingError::NeedsAuth { status: 401 }),
        "{error:?}"
    );
    assert_eq!(
        ann.get_sync_status().await.unwrap().connection,
        Connection::NeedsAuth
    );
    assert_eq!(ann.get_devices(None).await.unwrap().len(), 500);
    assert_eq!(ann.pending_changes().await.unwrap().len(), 1);

    ann.set_auth_token(Some(login(hub.addr()))).unwrap();
    let result = ann.sync().await.unwrap();
    assert_eq!((result.pulled, result.pushed), (200, 1));
    assert_eq!(ann.get_devices(None).await.unwrap().len(), 700);
    assert_eq!(
        ann.get_house(Some(home.id)).await.unwrap().sync_status,
        RecordStatus::Synced
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_entity_that_the_server_refuses_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    fill(&hub, 5);
    let ann = client(&folder, "ann.db", &hub).await;
    ann.sync().await.unwrap();
    for n in 0..5 {
        let name = match n {
            // More than the hub takes of one entity.
            2 => "x".repeat(1_100_000),
            n => format!("renamed {n}"),
        };
        let patch = DevicePatch {
            name: Some(name),
            ..DevicePatch::default()
        };
        ann.update_device(id(&format!("device-{n:05}")), patch)
            .await
            .unwrap();
    }
    let result = ann.sync().await.unwrap();
    assert_eq!(
        (result.pushed, result.errors.len()),
        (4, 1),
        "{:?}",
        result.errors
    );
    let waiting = ann.pending_changes().await.unwrap();
    assert_eq!((waiting.len(), waiting[0].id.as_str()), (1, "device-00002"));
    // Made smaller, it goes through, and what was refused is not sent with it.
    ann.update_device(id("device-00002"), named("short"))
        .await
        .unwrap();
    assert!(ann.sync().await.unwrap().errors.is_empty());
    assert_eq!(ann.digests().await.unwrap().state, hub_digest(&hub));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_the_server_always_fails_at_does_not_hold_the_mended_one() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub().await;
    fill(&hub, 2);
    let url = hub.url();
    let front = RawServer::start(move |request: Received| {
        match String::from_utf8_lossy(&request.body).contains("poison") {
            true => Canned::answer(500, &[], "Internal Server Error"),
            false => pass_on(&url, &request),
        }
    });
    let ann = offline(&folder, "ann.db").await;
    behind(&front, &ann).await;
    ann.sync().await.unwrap();
    let lamp = id("device-00000");
    ann.update_device(lamp.clone(), named("poison")).await.unwrap();
    let result = ann.sync().await.unwrap();
    assert_eq!(
        (result.pushed, result.errors.len()),
        (0, 1),
        "{:?}",
        result.errors
    );
    ann.update_device(lamp, named("mended")).await.unwrap();
    let result = ann.sync().await.unwrap();
    assert_eq!(
        (result.pushed, result.errors.len()),
        (1, 0),
        "{:?}",
        result.errors
    );
    assert_eq!(ann.digests().await.unwrap().state, hub_digest(&hub));
}
