//! Directed schedules over the real store, planner, executor and hub core: the
//! ones that broke earlier drafts of the rules, one for each invariant of the
//! design, and the defects that made this project necessary. What chance finds
//! is the fleet's (`tests/fleet`).

// A test binary has no outside for which `pub` could be too much.
#![allow(unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "replica_schedules/bench.rs"]
mod bench;

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use serde_json::Value;

use wildthing::conflict::{Edit, Resolution, Winner, resolve};
use wildthing::hub::Outcome;
use wildthing::model::{Kind, RecordStatus, Timestamp, Version};
use wildthing::protocol::v1::{Operation, PUSH_PATH, PushChange};
use wildthing::store::outbox::OutboxState;
use wildthing::store::{mirror, rows, stamp};
use wildthing::sync::execute::Outward;
use wildthing::sync::{Event, SyncError};

use bench::{
    Ask, DAY, Replica, SECOND, broken_off, current, hub, key, lamp, replica, response, serve, settle_all,
    two_with_a_lamp,
};

// ---- the schedules that broke earlier drafts ---------------------------------

#[test]
fn a_delete_whose_reply_was_lost_does_not_bury_the_restore() {
    // The restorer's version names the delete as its base directly, or is a
    // later edit whose delta names only the restore.
    for edits_after in 0..3 {
        let (mut hub, a, b) = two_with_a_lamp();
        let deleted = a.delete(&lamp());
        let mut run = a.start("first");
        let push = run.go_to_push(&mut hub);
        serve(&mut hub, &push);
        drop(run);
        b.sync(&mut hub);
        assert!(b.get(&lamp()).version.deleted);
        b.name(&lamp(), "restored");
        b.sync(&mut hub);
        for _ in 0..edits_after {
            b.name(&lamp(), "restored and edited");
            b.sync(&mut hub);
        }
        a.clock.turn(200 * SECOND);
        a.sync(&mut hub);
        assert!(
            !a.get(&lamp()).version.deleted,
            "settled on the tombstone, the watermark past the restore"
        );
        assert_eq!(a.get(&lamp()).version.sync_id, current(&hub, &lamp()).sync_id);
        settle_all(&mut hub, &[&a, &b]);
        assert!(!current(&hub, &lamp()).deleted);
        assert!(hub.decided(&lamp(), &deleted.sync_id).unwrap() == Some(Outcome::Applied));
    }
}

#[test]
fn a_delayed_delete_does_not_kill_its_descendants() {
    let (mut hub, a, b) = two_with_a_lamp();
    let base = a.get(&lamp()).version.sync_id;
    let deleted = a.delete(&lamp()).sync_id;
    let mut run = a.start("first");
    let delayed = run.go_to_push(&mut hub);
    drop(run);
    a.name(&lamp(), "restored");
    assert_eq!(a.unsent()[0].bases, [base, deleted.clone()]);
    a.clock.turn(200 * SECOND);
    a.sync(&mut hub);
    b.sync(&mut hub);
    let on_top = b.name(&lamp(), "edited on top");
    b.sync(&mut hub);
    let answer = serve(&mut hub, &delayed);
    let text = String::from_utf8(answer.body).unwrap();
    assert!(
        text.contains("\"applied\"") && !text.contains("server_wins"),
        "{text}"
    );
    assert_eq!(hub.decided(&lamp(), &deleted).unwrap(), Some(Outcome::Superseded));
    assert_eq!(current(&hub, &lamp()).sync_id, on_top.sync_id);
    settle_all(&mut hub, &[&a, &b]);
    assert_eq!(a.get(&lamp()).version.sync_id, on_top.sync_id);
}

#[test]
fn a_concurrent_version_in_the_mirror_is_not_a_base() {
    let (mut hub, a, b) = two_with_a_lamp();
    let base = a.get(&lamp()).version.sync_id;
    let theirs = b.name(&lamp(), "b");
    b.sync(&mut hub);
    a.clock.turn(5 * SECOND);
    let ours = a.name(&lamp(), "a");
    let mut run = a.start("first");
    let push = run.go_to_push(&mut hub);
    let seen = a
        .store
        .read(|connection| mirror::get(connection, &lamp()))
        .unwrap()
        .unwrap();
    assert_eq!(seen.version.sync_id, theirs.sync_id);
    assert_eq!(a.get(&lamp()).sync_status, RecordStatus::Conflict);
    let sent: Value = serde_json::from_slice(&push.bytes).unwrap();
    assert_eq!(sent["changes"][0]["bases"], serde_json::json!([base]));
    let answered = serve(&mut hub, &push);
    run.finish(Event::Response(answered), &mut hub).unwrap();
    settle_all(&mut hub, &[&a, &b]);
    assert_eq!(current(&hub, &lamp()).sync_id, ours.sync_id);
    assert!(b.lost().contains(&theirs.sync_id));
}

#[test]
fn a_page_asked_for_before_a_settlement_is_not_applied_after_it() {
    // The lease tells the processes apart; where one owner runs twice, the
    // generation must.
    for quick in ["quick", "slow"] {
        let (mut hub, a, b) = two_with_a_lamp();
        b.name(&lamp(), "ancestor");
        b.sync(&mut hub);
        let mut slow = a.start("slow");
        let ask = slow.go(Event::Start).unwrap();
        let stale = serve(&mut hub, &ask);
        // The slow process's lease runs out; another syncs an edit on top meanwhile.
        a.clock.turn(200 * SECOND);
        a.start(quick).finish(Event::Start, &mut hub).unwrap();
        let newer = a.name(&lamp(), "on top");
        a.start(quick).finish(Event::Start, &mut hub).unwrap();
        let watermark = a.watermark();
        // A third sync of the same owner holds the lease again.
        let _held = a.start(quick).go(Event::Start);
        let Ok(event) = slow.step(Event::Response(stale)) else {
            panic!("a page is for the store");
        };
        assert!(matches!(event, Event::Overtaken), "{event:?}");
        assert_eq!(a.get(&lamp()).version.sync_id, newer.sync_id);
        assert_eq!(a.watermark(), watermark);
    }
}

#[test]
fn a_push_answer_that_comes_after_newer_pages_is_dropped() {
    for quick in ["quick", "slow"] {
        let (mut hub, a, b) = two_with_a_lamp();
        a.name(&lamp(), "a");
        let mut slow = a.start("slow");
        let push = slow.go_to_push(&mut hub);
        let late = serve(&mut hub, &push);
        b.sync(&mut hub);
        let newer = b.name(&lamp(), "b on top");
        b.sync(&mut hub);
        a.clock.turn(200 * SECOND);
        a.start(quick).finish(Event::Start, &mut hub).unwrap();
        assert_eq!(a.get(&lamp()).version.sync_id, newer.sync_id);
        let _held = a.start(quick).go(Event::Start);
        let Ok(event) = slow.step(Event::Response(late)) else {
            panic!("an answer is for the store");
        };
        assert!(matches!(event, Event::Overtaken), "{event:?}");
        assert_eq!(a.get(&lamp()).version.sync_id, newer.sync_id);
        settle_all(&mut hub, &[&a, &b]);
    }
}

#[test]
fn what_a_winner_displaced_is_kept_and_its_author_told() {
    let (mut hub, a, b) = two_with_a_lamp();
    let displaced = b.name(&lamp(), "b");
    b.sync(&mut hub);
    a.clock.turn(5 * SECOND);
    let winner = a.name(&lamp(), "a");
    a.sync(&mut hub);
    let losers = hub.losers().unwrap();
    assert_eq!(losers.len(), 1);
    assert_eq!(
        (&losers[0].version.sync_id, losers[0].displaced),
        (&displaced.sync_id, true)
    );
    b.sync(&mut hub);
    assert_eq!(b.get(&lamp()).version.sync_id, winner.sync_id);
    let told = b.journal();
    assert_eq!(
        (told[0].version.clone(), told[0].reason.as_str()),
        (displaced, "newer_remote")
    );
}

#[test]
fn a_dead_owners_lease_does_not_outlive_a_clock_that_steps_back() {
    let (mut hub, a, _) = two_with_a_lamp();
    let mut dead = a.start("dead");
    dead.go(Event::Start).unwrap();
    drop(dead);
    assert_eq!(
        a.start("next")
            .step(Event::Start)
            .map(|event| matches!(event, Event::LeaseHeld))
            .ok(),
        Some(true)
    );
    a.clock.turn(-3 * DAY);
    a.start("next").finish(Event::Start, &mut hub).unwrap();
}

#[test]
fn an_edit_that_won_is_not_journaled_for_a_version_it_never_lost_to() {
    // A pulls B's version and wins against it; before A's push arrives, B has
    // gone on from its own. The answer names a version A never saw.
    let (mut hub, a, b) = two_with_a_lamp();
    b.name(&lamp(), "b one");
    b.sync(&mut hub);
    let ours = a.delete(&lamp());
    let mut run = a.start("first");
    let push = run.go_to_push(&mut hub);
    let second = b.name(&lamp(), "b two");
    b.sync(&mut hub);
    let answer = serve(&mut hub, &push);
    run.finish(Event::Response(answer), &mut hub).unwrap();
    assert_eq!(
        a.get(&lamp()).version.sync_id,
        ours.sync_id,
        "fell back to what it had won against"
    );
    assert_eq!(a.lost(), std::slice::from_ref(&second.sync_id));
    settle_all(&mut hub, &[&a, &b]);
    assert!(b.lost().contains(&second.sync_id));
}

#[test]
fn a_refused_edit_that_the_server_has_after_all_is_no_loss() {
    let (mut hub, a, b) = two_with_a_lamp();
    let edit = a.name(&lamp(), "a");
    let mut run = a.start("main");
    let push = run.go_to_push(&mut hub);
    // Refused by something on the way, while a copy of it still travels.
    let refused = response(413, &serde_json::json!({"detail": "too large"}));
    run.finish(Event::Response(refused), &mut hub).unwrap();
    assert_eq!(a.journal()[0].reason, "rejected");
    serve(&mut hub, &push);
    settle_all(&mut hub, &[&a, &b]);
    assert_eq!(b.get(&lamp()).version.sync_id, edit.sync_id);
    assert_eq!(a.journal(), [], "a live edit listed as refused");
}

// ---- the defects that made this project necessary ----------------------------

#[test]
fn a_pull_that_meets_an_unsent_edit_then_a_push_that_fails_once() {
    let (mut hub, a, b) = two_with_a_lamp();
    b.name(&lamp(), "b");
    b.sync(&mut hub);
    a.clock.turn(5 * SECOND);
    let edit = a.name(&lamp(), "a");
    let mut run = a.start("first");
    let _never_arrives = run.go_to_push(&mut hub);
    assert_eq!(a.get(&lamp()).version, edit, "the pull replaced an unsent edit");
    run.finish(Event::Cancel, &mut hub).unwrap_err();
    assert_eq!(a.get(&lamp()).version, edit);
    assert_eq!(a.unsent().len(), 1);
    settle_all(&mut hub, &[&a, &b]);
    assert_eq!(b.get(&lamp()).version.sync_id, edit.sync_id);
}

#[test]
fn of_two_edits_300_ms_apart_the_second_wins_everywhere() {
    for (acknowledged_late, second_first) in [(true, false), (false, false), (false, true)] {
        let (mut hub, a, b) = two_with_a_lamp();
        a.name(&lamp(), "first");
        let mut run = a.start("one");
        let push = run.go_to_push(&mut hub);
        a.clock.turn(300_000);
        let second = a.name(&lamp(), "second");
        if acknowledged_late {
            let answer = serve(&mut hub, &push);
            run.finish(Event::Response(answer), &mut hub).unwrap();
            assert_eq!(
                a.unsent().len(),
                1,
                "the answer to the first acknowledged the second"
            );
        } else if second_first {
            drop(run);
            a.clock.turn(200 * SECOND);
            a.sync(&mut hub);
            serve(&mut hub, &push);
        } else {
            serve(&mut hub, &push);
            drop(run);
        }
        settle_all(&mut hub, &[&a, &b]);
        for version in [
            current(&hub, &lamp()),
            a.get(&lamp()).version,
            b.get(&lamp()).version,
        ] {
            assert_eq!(version.sync_id, second.sync_id);
            assert_eq!(version.name.as_deref(), Some("second"));
        }
        assert_eq!(hub.losers().unwrap(), [], "a successor is no conflict");
    }
}

// ---- the invariants ----------------------------------------------------------

#[test]
fn invariant_1_a_write_and_its_outbox_entry_are_one_transaction() {
    let a = replica(1);
    a.store.set_fault(Some(Box::new(|name| name == "edit")));
    assert!(a.store.edit(&lamp(), |_| unreachable_lamp()).is_err());
    assert!(
        a.store
            .read(|connection| rows::get(connection, &lamp()))
            .unwrap()
            .is_none()
    );
    assert_eq!(a.unsent(), []);
    a.store.set_fault(None);
    a.name(&lamp(), "lamp");
    assert_eq!(a.get(&lamp()).sync_status, RecordStatus::Pending);
    assert_eq!(a.unsent().len(), 1);
}

fn unreachable_lamp() -> Version {
    let scratch = replica(7);
    scratch.name(&lamp(), "lamp")
}

#[test]
fn invariant_2_a_pull_keeps_unsent_edits_and_overwrites_everything_else() {
    let (mut hub, a, b) = two_with_a_lamp();
    let fan = key(Kind::Device, "fan");
    b.name(&fan, "fan");
    b.sync(&mut hub);
    a.sync(&mut hub);
    b.name(&lamp(), "theirs");
    b.sync(&mut hub);
    a.clock.turn(5 * SECOND);
    let ours = a.name(&lamp(), "ours");
    // The fan's record here is newer by a year, but clean: the server's is taken.
    let known = a.get(&fan).version;
    let older = PushChange {
        operation: Operation::Update,
        client_sync_id: "older".into(),
        bases: vec![known.sync_id.clone()],
        version: Version {
            name: Some("older".into()),
            sync_id: "an older edit".into(),
            updated_at: known.updated_at.map(|time| time.plus_micros(-365 * DAY)),
            ..known
        },
    };
    hub.push("another program", vec![older.encode()]).unwrap();
    a.start("first").go_to_push(&mut hub);
    assert_eq!(a.get(&lamp()).version, ours);
    assert_eq!(a.get(&fan).version.name.as_deref(), Some("older"));
    let mirrored = a
        .store
        .read(|connection| mirror::get(connection, &lamp()))
        .unwrap()
        .unwrap();
    assert_eq!(mirrored.version, current(&hub, &lamp()));
}

#[test]
fn invariant_3_an_entry_leaves_only_when_the_server_named_it() {
    let (mut hub, a, _) = two_with_a_lamp();
    let fan = key(Kind::Device, "fan");
    let first = a.name(&lamp(), "lamp two");
    a.name(&fan, "fan");
    let mut run = a.start("first");
    let push = run.go_to_push(&mut hub);
    // The hub takes one and says nothing of the other.
    let mut part: Value = serde_json::from_slice(&push.bytes).unwrap();
    part["changes"].as_array_mut().unwrap().truncate(1);
    let bytes = serde_json::to_vec(&part).unwrap();
    let answer = serve(
        &mut hub,
        &Ask {
            path: PUSH_PATH.into(),
            bytes,
        },
    );
    let report = run.finish(Event::Response(answer), &mut hub).unwrap();
    assert_eq!(report.problems[0].code, "not_acknowledged");
    let left = a.unsent();
    assert_eq!((left.len(), &left[0].key), (1, &fan));
    assert_eq!(current(&hub, &lamp()).sync_id, first.sync_id);
    // An empty 200 names nothing; after five of them the entry is failed, not gone.
    for _ in 0..4 {
        let mut run = a.start("first");
        run.go_to_push(&mut hub);
        let empty = serde_json::json!({"type": "sync_result", "applied": [], "conflicts": []});
        run.finish(Event::Response(response(200, &empty)), &mut hub)
            .unwrap();
    }
    assert_eq!(a.unsent()[0].state, OutboxState::Failed);
    assert_eq!(a.store.retry_failed(None).unwrap(), 1);
    a.sync(&mut hub);
    assert_eq!(a.unsent(), []);
}

#[test]
fn invariant_4_a_watermark_moves_only_with_its_page() {
    let (mut hub, a, b) = two_with_a_lamp();
    b.name(&lamp(), "b");
    b.sync(&mut hub);
    let before = a.watermark();
    a.store.set_fault(Some(Box::new(|name| name == "page")));
    a.start("main").finish(Event::Start, &mut hub).unwrap_err();
    assert_eq!(a.watermark(), before);
    a.store.set_fault(None);
    let mut run = a.start("main");
    let ask = run.go(Event::Start).unwrap();
    let mut cut = serve(&mut hub, &ask);
    cut.body.truncate(cut.body.len() / 2);
    run.finish(Event::Response(cut), &mut hub).unwrap_err();
    assert_eq!(a.watermark(), before);
    a.sync(&mut hub);
    assert!(a.watermark() > before);
    assert_eq!(a.get(&lamp()).version.name.as_deref(), Some("b"));
}

#[test]
fn invariant_5_a_loser_is_journaled_whole_and_restoring_it_undeletes() {
    let (mut hub, a, b) = two_with_a_lamp();
    b.delete(&lamp());
    b.sync(&mut hub);
    let lost = a.name(&lamp(), "lost");
    a.sync(&mut hub);
    assert!(a.get(&lamp()).version.deleted);
    let entry = a.journal().remove(0);
    assert_eq!((&entry.version, entry.reason.as_str()), (&lost, "remote_deleted"));
    a.store.restore(entry.entry).unwrap().unwrap();
    settle_all(&mut hub, &[&a, &b]);
    assert_eq!(b.get(&lamp()).version.name.as_deref(), Some("lost"));
    assert!(!current(&hub, &lamp()).deleted);
}

#[test]
fn what_is_restored_after_a_discard_on_its_way_can_be_deleted() {
    // Whether what was made had come to the server, and whether it comes (again) later.
    for (arrived, late) in [(false, false), (false, true), (true, false), (true, true)] {
        let (mut hub, a, b) = (hub(), replica(1), replica(2));
        a.name(&lamp(), "made");
        let mut run = a.start("first");
        let made = run.go_to_push(&mut hub);
        if arrived {
            serve(&mut hub, &made);
        }
        drop(run);
        assert!(a.store.discard(&lamp()).unwrap());
        let entry = a.journal().remove(0);
        a.store.restore(entry.entry).unwrap().unwrap();
        assert!(a.delete(&lamp()).deleted);
        a.clock.turn(200 * SECOND);
        a.sync(&mut hub);
        if late {
            serve(&mut hub, &made);
        }
        settle_all(&mut hub, &[&a, &b]);
        assert!(current(&hub, &lamp()).deleted);
        assert!(a.get(&lamp()).version.deleted);
    }
}

#[test]
fn what_was_discarded_on_its_way_comes_back_if_the_server_took_it() {
    let (mut hub, a, b) = (hub(), replica(1), replica(2));
    a.name(&lamp(), "made");
    let mut run = a.start("first");
    let made = run.go_to_push(&mut hub);
    serve(&mut hub, &made);
    drop(run);
    assert!(a.store.discard(&lamp()).unwrap());
    settle_all(&mut hub, &[&a, &b]);
    assert_eq!(a.get(&lamp()).version.name.as_deref(), Some("made"));
    // It is the server's now, and a further edit is made on that.
    a.name(&lamp(), "renamed");
    settle_all(&mut hub, &[&a, &b]);
    assert_eq!(b.get(&lamp()).version.name.as_deref(), Some("renamed"));
    assert_eq!(a.lost().len(), 1, "the discarded one alone");
}

#[test]
fn invariant_6_messages_may_be_repeated_reordered_and_cut() {
    let (mut hub, a, b) = two_with_a_lamp();
    b.name(&lamp(), "b");
    b.sync(&mut hub);
    a.clock.turn(5 * SECOND);
    a.name(&lamp(), "a");
    let mut run = a.start("main");
    let push = run.go_to_push(&mut hub);
    let once = serve(&mut hub, &push).body;
    let state = hub.state_digest(&Kind::V1).unwrap();
    assert_eq!(
        serve(&mut hub, &push).body,
        once,
        "a repeated push gets the same answer"
    );
    assert_eq!(hub.state_digest(&Kind::V1).unwrap(), state);
    let again = run.go(broken_off()).unwrap();
    assert_eq!(again.bytes, push.bytes, "an edit is sent again byte for byte");
    let mut cut = serve(&mut hub, &again);
    cut.body.pop();
    assert!(matches!(
        run.finish(Event::Response(cut), &mut hub),
        Err(SyncError::Protocol(_))
    ));
    settle_all(&mut hub, &[&a, &b]);
    assert_eq!(hub.losers().unwrap().len(), 1);
}

#[test]
fn invariant_7_finitely_many_syncs_bring_every_replica_to_the_hub() {
    let mut hub = hub();
    hub.set_page_limit(2);
    let replicas: Vec<Replica> = (1..=4).map(replica).collect();
    for (number, replica) in replicas.iter().enumerate() {
        replica.clock.turn(number as i64 * 2 * DAY);
        for id in ["one", "two", "three"] {
            replica.name(&key(Kind::Room, id), &format!("{id} by {number}"));
        }
        if number == 2 {
            replica.sync(&mut hub);
            replica.delete(&key(Kind::Room, "two"));
        }
    }
    settle_all(&mut hub, &replicas.iter().collect::<Vec<_>>());
}

#[test]
fn invariant_8_one_bad_entry_never_stops_the_others() {
    let (mut hub, a, b) = two_with_a_lamp();
    for id in ["one", "two", "poison", "four", "five"] {
        a.name(&key(Kind::Room, id), id);
    }
    let mut run = a.start("main");
    let mut ask = Some(run.go_to_push(&mut hub));
    while let Some(message) = ask {
        let poisoned =
            message.path == PUSH_PATH && String::from_utf8_lossy(&message.bytes).contains("poison");
        let answer = if poisoned {
            response(422, &serde_json::json!({"detail": "no"}))
        } else {
            serve(&mut hub, &message)
        };
        ask = run.go(Event::Response(answer));
    }
    let report = run.over.unwrap().unwrap();
    assert_eq!((report.pushed, report.problems[0].code.as_str()), (4, "http_422"));
    let left = a.unsent();
    assert_eq!((left.len(), left[0].state), (1, OutboxState::Failed));
    assert_eq!(a.get(&key(Kind::Room, "poison")).sync_status, RecordStatus::Error);
    assert!(a.store.discard(&key(Kind::Room, "poison")).unwrap());
    assert_eq!(a.journal()[0].version.name.as_deref(), Some("poison"));
    settle_all(&mut hub, &[&a, &b]);
}

#[test]
fn invariant_9_killed_at_any_commit_the_next_start_continues() {
    for deadly in 0..40 {
        let (mut hub, a, b) = two_with_a_lamp();
        let fan = key(Kind::Device, "fan");
        b.name(&lamp(), "theirs");
        b.name(&fan, "fan");
        b.sync(&mut hub);
        a.clock.turn(5 * SECOND);
        let won = a.name(&lamp(), "ours");
        let commits = Arc::new(Mutex::new(0));
        let count = commits.clone();
        a.store.set_fault(Some(Box::new(move |_| {
            let mut commits = count.lock().unwrap();
            *commits += 1;
            *commits == deadly + 1
        })));
        let mut run = a.start("killed");
        let mut event = Event::Start;
        // The process is gone with its first failed commit.
        loop {
            event = match run.step(event) {
                Ok(Event::StoreFailed(_)) | Err(Outward::Over(_)) => break,
                Ok(next) => next,
                Err(Outward::Request(ask)) => {
                    let bytes = serde_json::to_vec(&ask.body).unwrap();
                    let path = ask.path;
                    Event::Response(serve(&mut hub, &Ask { path, bytes }))
                }
                Err(Outward::Wait(_)) => Event::Timer,
            };
        }
        drop(run);
        a.store.set_fault(None);
        let survived = *commits.lock().unwrap() <= deadly;
        settle_all(&mut hub, &[&a, &b]);
        assert_eq!(current(&hub, &lamp()).sync_id, won.sync_id);
        assert_eq!(hub.losers().unwrap().len(), 1);
        if survived {
            assert!(deadly >= 5, "a sync has more commits than {deadly}");
            return;
        }
    }
    panic!("a sync that never ends");
}

// ---- stamps ------------------------------------------------------------------

fn some_id() -> impl Strategy<Value = String> {
    prop_oneof![
        (0i64..4_000_000_000_000, any::<[u8; 10]>()).prop_map(|(millis, random)| {
            wildthing::model::uuid_v7(Timestamp::from_micros(millis * 1_000), random).to_string()
        }),
        any::<u128>().prop_map(|bits| uuid::Builder::from_u128(bits)
            .with_version(uuid::Version::Random)
            .into_uuid()
            .to_string()),
        any::<u128>().prop_map(|bits| format!("{bits:X}")),
        "\\PC{0,12}",
        Just("ÿÿÿÿ".to_owned()),
        Just("ffffffff-ffff-7fff-bfff-ffffffffffff".to_owned()),
        Just(String::new()),
    ]
}

/// A digest makes a hub look at every record: it is asked for when it will be
/// compared, and a server that has not named itself is not troubled with the word.
#[test]
fn the_digest_is_declined_until_it_is_due() {
    let (mut hub, a) = (hub(), replica(1));
    let mut sync = |tamper: bool| {
        let mut run = a.start("main");
        let ask = run.go(Event::Start).unwrap();
        let asked: Value = serde_json::from_slice(&ask.bytes).unwrap();
        let mut answer = serve(&mut hub, &ask);
        if tamper {
            let mut delta: Value = serde_json::from_slice(&answer.body).unwrap();
            delta["state_digest"] = "another".into();
            answer.body = serde_json::to_vec(&delta).unwrap();
        }
        run.finish(Event::Response(answer), &mut hub).unwrap();
        asked.get("state_digest").cloned()
    };
    let declined = Some(Value::Bool(false));
    assert_eq!(sync(false), None, "a hub that is not known yet");
    assert_eq!(sync(false), declined);
    a.clock.turn(599 * SECOND);
    assert_eq!(sync(false), declined);
    a.clock.turn(SECOND);
    assert_eq!(sync(true), None, "ten minutes after the last comparison");
    assert_eq!(
        sync(false),
        None,
        "once they differed it is compared again at once"
    );
    assert_eq!(sync(false), declined);
}

proptest! {
    #[test]
    fn an_edit_always_beats_the_edit_it_was_made_on(
        now in -2_000_000_000_000_000i64..4_000_000_000_000_000,
        steps in prop::collection::vec(-5 * DAY..5 * DAY, 1..6),
        random in any::<[u8; 10]>(),
        base_id in some_id(),
        base_time in prop::option::of(-2_000_000_000_000_000i64..4_000_000_000_000_000),
        deleted in any::<bool>(),
    ) {
        let mut base = Version {
            key: lamp(),
            parent_id: None,
            name: None,
            body: serde_json::Map::new(),
            created_at: None,
            updated_at: base_time.map(Timestamp::from_micros),
            sync_id: base_id,
            deleted,
        };
        let mut clock = now;
        for step in steps {
            let (updated_at, sync_id) = stamp(Timestamp::from_micros(clock), random, &[&base]);
            prop_assert!(base.updated_at.is_none_or(|time| updated_at > time));
            let edit = Version { updated_at: Some(updated_at), sync_id, ..base.clone() };
            for (local, remote, winner) in [(&edit, &base, Winner::Local), (&base, &edit, Winner::Remote)] {
                match resolve(Edit::from(local), Edit::from(remote)) {
                    Resolution::Conflict { winner: found, .. } => prop_assert_eq!(found, winner),
                    Resolution::SameEdit => prop_assert!(false, "a new edit has a new id"),
                }
            }
            base = edit;
            clock += step;
        }
    }
}
