//! The hub's decisions, without a network.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod hub_support;

use hub_support::*;
use serde_json::{Value, json};
use wildthing::conflict::Reason;
use wildthing::hub::{HubError, HubStore, Outcome};
use wildthing::model::Kind;
use wildthing::protocol::v1::{Delta, Operation, SyncRequest, Verdict};

// ---- decisions -------------------------------------------------------------

#[test]
fn a_new_record_is_applied_and_served_with_its_bases() {
    let mut hub = hub();
    let result = push(&mut hub, "a", &[edit("s1", 0, &[])]);
    assert_eq!(applied(&result), ["s1"]);
    assert_eq!(result.applied[0].client_sync_id.as_deref(), Some("entry of s1"));
    assert!(result.conflicts.is_empty() && result.rejected.is_empty());

    push(&mut hub, "a", &[edit("s2", 1, &["s1"])]);
    let delta = delta(&mut hub, "b", None);
    assert_eq!(sync_ids(&delta), ["s2"]);
    assert_eq!(delta.changes[0].bases, ["s1"]);
    assert_eq!(delta.changes[0].operation, Operation::Update);
    assert_eq!(
        hub.decided(&key("room", "r1"), "s1").unwrap(),
        Some(Outcome::Applied)
    );
}

#[test]
fn a_fast_forward_is_no_conflict_whatever_the_times_say() {
    let mut hub = hub();
    push(&mut hub, "a", &[edit("s1", 100, &[])]);
    // An older clock, a delete and an undelete: each made on what is current.
    for change in [
        edit("s2", -50, &["s1"]),
        delete("s3", -60, &["s2"]),
        edit("s4", -70, &["s3"]),
    ] {
        let result = push(&mut hub, "b", &[change]);
        assert_eq!(result.applied.len(), 1);
        assert_eq!(result.conflicts, []);
    }
    assert_eq!(current(&hub), "s4");
    assert!(hub.losers().unwrap().is_empty());
}

#[test]
fn a_delete_of_an_unknown_id_leaves_a_tombstone() {
    let mut hub = hub();
    let result = push(&mut hub, "a", &[delete("s1", 0, &["never-seen"])]);
    assert_eq!(applied(&result), ["s1"]);
    let (version, _) = &hub.versions().unwrap()[0];
    assert!(version.deleted);
    assert_eq!(delta(&mut hub, "b", None).changes[0].operation, Operation::Delete);
}

#[test]
fn a_pushed_loser_is_answered_with_both_versions_and_kept() {
    let mut hub = hub();
    push(&mut hub, "a", &[edit("s1", 10, &[])]);
    let before = delta(&mut hub, "b", None).server_time;
    let result = push(&mut hub, "b", &[edit("s0", 0, &[])]);
    assert!(result.applied.is_empty());
    let conflict = &result.conflicts[0];
    assert_eq!(conflict.verdict, Verdict::ServerWins);
    assert_eq!(conflict.reason, "newer_local");
    assert_eq!(conflict.server_version.as_ref().unwrap().sync_id, "s1");
    assert_eq!(conflict.client_version.as_ref().unwrap().sync_id, "s0");

    assert_eq!(current(&hub), "s1");
    let losers = hub.losers().unwrap();
    assert_eq!(losers.len(), 1);
    assert_eq!(losers[0].version.sync_id, "s0");
    assert_eq!(losers[0].version.name.as_deref(), Some("named by s0"));
    assert_eq!(losers[0].winner.sync_id, "s1");
    assert_eq!(losers[0].reason, Reason::NewerLocal);
    assert_eq!(losers[0].client_id, "b");
    assert!(!losers[0].displaced);
    assert_eq!(
        hub.decided(&key("room", "r1"), "s0").unwrap(),
        Some(Outcome::Lost)
    );
    // A loss changes nothing that others could see.
    assert_eq!(delta(&mut hub, "b", None).server_time, before);
}

#[test]
fn a_displaced_version_is_kept_with_its_author_and_told_to_it_alone() {
    let mut hub = hub();
    push(&mut hub, "a", &[edit("s1", 0, &[])]);
    let seen_by_a = delta(&mut hub, "a", None).server_time;
    let result = push(&mut hub, "b", &[edit("s2", 5, &[])]);
    assert_eq!(applied(&result), ["s2"]);
    assert_eq!(result.conflicts[0].verdict, Verdict::ClientWins);
    assert_eq!(result.conflicts[0].reason, "newer_remote");
    assert_eq!(result.conflicts[0].server_version.as_ref().unwrap().sync_id, "s1");

    let loser = &hub.losers().unwrap()[0];
    assert_eq!(
        (loser.version.sync_id.as_str(), loser.client_id.as_str()),
        ("s1", "a")
    );
    assert!(loser.displaced);

    let told = delta(&mut hub, "a", Some(seen_by_a));
    assert_eq!(sync_ids(&told), ["s2"]);
    assert_eq!(told.conflicts.len(), 1);
    assert_eq!(told.conflicts[0].verdict, Verdict::ServerWins);
    assert_eq!(told.conflicts[0].reason, "newer_remote");
    assert_eq!(told.conflicts[0].server_version.as_ref().unwrap().sync_id, "s2");
    assert_eq!(told.conflicts[0].client_version.as_ref().unwrap().sync_id, "s1");
    // Once told, not again; a full resync tells it again; nobody else hears it.
    assert!(delta(&mut hub, "a", Some(told.server_time)).conflicts.is_empty());
    assert_eq!(delta(&mut hub, "a", None).conflicts.len(), 1);
    assert!(delta(&mut hub, "b", None).conflicts.is_empty());
    let rooms_not_asked_for = SyncRequest {
        kinds: vec![Kind::House],
        ..ask("a", None)
    };
    assert!(hub.delta(&rooms_not_asked_for).unwrap().conflicts.is_empty());
}

#[test]
fn the_rule_decides_between_concurrent_edits() {
    for (theirs, ours, wins, reason) in [
        (edit("s1", 0, &[]), edit("s2", 1, &[]), true, "newer_remote"),
        (edit("s1", 1, &[]), edit("s2", 0, &[]), false, "newer_local"),
        (
            edit("s1", 0, &[]),
            edit("s2", 0, &[]),
            true,
            "sync_id_tiebreak_remote",
        ),
        (
            edit("s2", 0, &[]),
            edit("s1", 0, &[]),
            false,
            "sync_id_tiebreak_local",
        ),
        (edit("s1", 9, &[]), delete("s2", 0, &[]), true, "remote_deleted"),
        (delete("s1", 0, &[]), edit("s2", 9, &[]), false, "local_deleted"),
    ] {
        let mut hub = hub();
        push(&mut hub, "a", &[theirs]);
        let result = push(&mut hub, "b", &[ours]);
        assert_eq!(result.conflicts[0].reason, reason);
        assert_eq!(result.applied.len(), usize::from(wins), "{reason}");
    }
}

#[test]
fn a_repeated_edit_gets_its_answer_again() {
    let mut hub = hub();
    let first = push(&mut hub, "a", &[edit("s1", 0, &[])]);
    assert_eq!(push(&mut hub, "a", &[edit("s1", 0, &[])]), first);

    let won = push(&mut hub, "b", &[edit("s2", 5, &[])]);
    let lost = push(&mut hub, "c", &[edit("s0", -5, &[])]);
    push(&mut hub, "a", &[edit("s3", 6, &["s2"])]);
    let before = (hub.state_digest(&Kind::V1).unwrap(), hub.losers().unwrap());

    // The winner names again what it displaced, though it is no longer current.
    assert_eq!(push(&mut hub, "b", &[edit("s2", 5, &[])]), won);
    // The loser is told what is current now, not what it lost against.
    let again = push(&mut hub, "c", &[edit("s0", -5, &[])]);
    assert!(again.applied.is_empty());
    assert_eq!(
        again.conflicts[0].client_version,
        lost.conflicts[0].client_version
    );
    assert_eq!(again.conflicts[0].reason, lost.conflicts[0].reason);
    assert_eq!(again.conflicts[0].server_version.as_ref().unwrap().sync_id, "s3");
    assert_eq!(
        (hub.state_digest(&Kind::V1).unwrap(), hub.losers().unwrap()),
        before
    );
}

#[test]
fn a_repeat_within_one_push_is_decided_once() {
    let mut hub = hub();
    let result = push(
        &mut hub,
        "a",
        &[edit("s1", 0, &[]), edit("s1", 0, &[]), edit("s2", 1, &["s1"])],
    );
    assert_eq!(applied(&result), ["s1", "s1", "s2"]);
    assert!(result.conflicts.is_empty());
    assert_eq!(current(&hub), "s2");
}

/// A's delete X is delayed; A restores on bases B and X; B edits on top; X arrives.
#[test]
fn a_delayed_base_changes_nothing() {
    let mut hub = hub();
    push(&mut hub, "b", &[edit("B", 0, &[])]);
    assert_eq!(
        applied(&push(&mut hub, "a", &[edit("restore", 2, &["B", "X"])])),
        ["restore"]
    );
    assert_eq!(
        applied(&push(&mut hub, "b", &[edit("on-top", 3, &["restore"])])),
        ["on-top"]
    );
    let before = hub.versions().unwrap();
    let late = push(&mut hub, "a", &[delete("X", 1, &["B"])]);
    assert_eq!(applied(&late), ["X"]);
    assert!(late.conflicts.is_empty());
    assert_eq!(hub.versions().unwrap(), before);
    assert!(hub.losers().unwrap().is_empty());
    assert_eq!(
        hub.decided(&key("room", "r1"), "X").unwrap(),
        Some(Outcome::Superseded)
    );
}

#[test]
fn the_bases_of_a_loser_are_superseded_too() {
    let mut hub = hub();
    push(&mut hub, "b", &[edit("B", 100, &[])]);
    assert_eq!(push(&mut hub, "a", &[edit("a2", 50, &["a1"])]).conflicts.len(), 1);
    // Alone, this delete would have won against B.
    let late = push(&mut hub, "a", &[delete("a1", 40, &[])]);
    assert_eq!(applied(&late), ["a1"]);
    assert_eq!(current(&hub), "B");
}

#[test]
fn ids_are_apart_by_kind() {
    let mut hub = hub();
    push(&mut hub, "a", &[edit("s1", 5, &[])]);
    let result = push(&mut hub, "a", &[edit("s1", 0, &[]).of("house", "r1")]);
    assert_eq!(applied(&result), ["s1"]);
    assert!(result.conflicts.is_empty());
    assert_eq!(hub.len().unwrap(), 2);
}

#[test]
fn one_bad_change_does_not_stop_the_others() {
    let mut hub = hub();
    let mut mismatched = edit("s2", 0, &[]).of("room", "r2").wire();
    mismatched["data"]["id"] = "another".into();
    let mut nameless = edit("", 0, &[]).of("room", "r3").wire();
    nameless["data"]["sync_id"] = Value::Null;
    let mut operation = edit("s4", 0, &[]).wire();
    operation["operation"] = "upsert".into();
    let huge = edit("s6", 0, &[])
        .of("room", "r6")
        .with(json!({"settings_json": "x".repeat(1 << 20)}));
    let result = hub
        .push(
            "a",
            vec![
                mismatched,
                json!("not an object"),
                edit("s1", 0, &[]).wire(),
                nameless,
                operation,
                edit("s5", 0, &[]).with(json!({"floor": "first"})),
                huge,
                edit("s7", 0, &[]).of("room", "r7").wire(),
            ],
        )
        .unwrap();
    assert_eq!(applied(&result), ["s1", "s7"]);
    let rejected: Vec<_> = result
        .rejected
        .iter()
        .map(|entry| (entry.client_sync_id.as_deref(), entry.code.as_str()))
        .collect();
    assert_eq!(
        rejected,
        [
            (Some("entry of s2"), "id_mismatch"),
            (None, "malformed"),
            (Some("entry of "), "missing_sync_id"),
            (Some("entry of s4"), "unknown_operation"),
            (Some("entry of s5"), "malformed"),
            (Some("entry of s6"), "too_large"),
        ]
    );
    assert!(
        result.rejected[4].message.contains("data.floor"),
        "{:?}",
        result.rejected[4]
    );
    // A rejected edit was not decided: put right, it may come again.
    assert_eq!(hub.decided(&key("room", "r2"), "s2").unwrap(), None);
}

#[test]
fn what_the_hub_does_not_know_is_kept_word_for_word() {
    let mut hub = hub();
    let change = edit("s1", 0, &[])
        .of("zone", "z1")
        .with(serde_json::from_str(r#"{"shape": {"corners": [1, 2.50]}, "name": 7}"#).unwrap());
    let device = edit("s2", 0, &[]).of("device", "d1").wire();
    let text = device.to_string().replace(
        "\"is_deleted\"",
        "\"serial\": 123456789012345678901234567890, \"is_deleted\"",
    );
    hub.push("a", vec![change, serde_json::from_str(&text).unwrap()])
        .unwrap();
    let request = SyncRequest {
        kinds: vec![Kind::Other { name: "zone".into() }, Kind::Device],
        ..ask("b", None)
    };
    let page = Delta::decode(hub.delta(&request).unwrap().encode().to_string().as_bytes()).unwrap();
    assert_eq!(
        page.changes[0].version.body["shape"].to_string(),
        r#"{"corners":[1,2.50]}"#
    );
    assert_eq!(page.changes[0].version.body["name"].to_string(), "7");
    assert_eq!(
        page.changes[1].version.body["serial"].to_string(),
        "123456789012345678901234567890"
    );
}

#[test]
fn the_state_of_a_device_is_not_the_pushers_to_say() {
    let mut hub = hub();
    let device = |sync_id, seconds, bases| edit(sync_id, seconds, bases).of("device", "d1");
    let state_of = |hub: &HubStore| hub.versions().unwrap()[0].0.body.get("state_json").cloned();
    let pushed = json!({"state_json": "{\"power\":\"on\"}"});
    hub.push("a", vec![device("s1", 0, &[]).with(pushed.clone())])
        .unwrap();
    assert_eq!(state_of(&hub), None);

    let mut hub = HubStore::in_memory(FakeSeam::at(NOON)).unwrap();
    let recorded = json!({
        "type": "sync_delta", "server_time": "2026-06-01T00:00:00", "changes": [{
            "entity_type": "device", "entity_id": "d1", "operation": "update",
            "data": {"id": "d1", "sync_id": "s1", "name": "Lamp", "state_json": "{\"power\":\"off\"}"},
        }],
    });
    hub.import(recorded.to_string().as_bytes()).unwrap();
    hub.push("a", vec![device("s2", 0, &["s1"]).with(pushed)])
        .unwrap();
    assert_eq!(state_of(&hub), Some("{\"power\":\"off\"}".into()));
    hub.push("a", vec![device("s3", 0, &["s2"]).wire()]).unwrap();
    assert_eq!(state_of(&hub), Some("{\"power\":\"off\"}".into()));
}

#[test]
fn an_answer_too_large_to_read_is_cut_and_the_rest_comes_again() {
    let mut hub = hub();
    let filling = json!({"settings_json": "x".repeat(900_000)});
    let ids = ["r1", "r2", "r3", "r4", "r5", "r6"];
    let batch = |sync_id, seconds| {
        ids.map(|id| edit(sync_id, seconds, &[]).of("room", id).with(filling.clone()))
            .to_vec()
    };
    hub.push("a", batch("s1", 9)).unwrap();
    let first = hub.push("b", batch("s0", 0)).unwrap();
    assert_eq!(first.conflicts.len(), 3);
    assert!(first.encode().to_string().len() < wildthing::protocol::MAX_MESSAGE_BYTES);
    let rest = hub.push("b", batch("s0", 0).split_off(3)).unwrap();
    assert_eq!(rest.conflicts.len(), 3);
    assert_eq!(hub.losers().unwrap().len(), 6);
}

// ---- transactions ----------------------------------------------------------

#[test]
fn a_push_happens_whole_or_not_at_all() {
    let mut hub = hub();
    push(&mut hub, "a", &[edit("s1", 0, &[])]);
    let before = (delta(&mut hub, "a", None), hub.versions().unwrap());
    let (hook, asked) = striking("push");
    hub.set_fault(Some(hook));
    let changes = vec![
        edit("s2", 5, &[]).wire(),
        edit("s3", 0, &[]).of("room", "r2").wire(),
    ];
    let failed = hub.push("b", changes.clone());
    assert!(matches!(failed, Err(HubError::Injected { transaction: "push" })));
    assert_eq!(*asked.lock().unwrap(), ["push"]);
    assert_eq!((delta(&mut hub, "a", None), hub.versions().unwrap()), before);
    assert!(hub.losers().unwrap().is_empty());
    assert_eq!(hub.decided(&key("room", "r1"), "s2").unwrap(), None);

    hub.set_fault(None);
    assert_eq!(applied(&hub.push("b", changes).unwrap()), ["s2", "s3"]);
}
