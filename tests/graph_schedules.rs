//! Directed schedules over the real store, planner, executor and v2 hub: those
//! that broke earlier drafts of the graph's rules. What chance finds is the
//! fleet's (`tests/fleet`); what v1 has of this is in `replica_schedules`.

// A test binary has no outside for which `pub` could be too much.
#![allow(unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "graph_schedules/bench.rs"]
mod bench;
#[allow(dead_code)]
#[path = "replica_schedules/bench.rs"]
mod plain;
#[path = "support/unescaped.rs"]
mod unescaped;

use std::sync::{Arc, Mutex};

use serde_json::json;

use wildthing::model::{Key, Kind, RecordStatus};
use wildthing::store::{StoreEvent, mirror, rows};
use wildthing::sync::Event;

use bench::{hub, parents, pass, replica, settle_all, two_with_a_lamp};
use plain::{DAY, Replica, SECOND, broken_off, key, lamp, response, serve};

/// The lamp's version at a replica.
fn shown(replica: &Replica) -> String {
    replica.get(&lamp()).version.sync_id
}

#[test]
fn the_second_of_two_edits_wins_though_the_first_was_never_acknowledged() {
    let (mut hub, a, b) = two_with_a_lamp();
    // The server compares when a version came with when another was made.
    hub.clock.turn(3_600 * SECOND);
    a.name(&lamp(), "first");
    let mut run = a.start("first");
    let push = run.go_to_push(&mut hub);
    serve(&mut hub, &push);
    drop(run);
    let second = a.name(&lamp(), "second");
    a.clock.turn(200 * SECOND);
    let report = a.sync(&mut hub);
    assert_eq!(hub.current("lamp").version, second.sync_id);
    assert_eq!(report.conflicts, []);
    settle_all(&mut hub, &[&a, &b]);
    assert_eq!((a.lost(), shown(&b)), (Vec::new(), second.sync_id));
}

#[test]
fn a_retry_within_a_sync_does_not_take_a_loser_for_applied() {
    let (mut hub, a, b) = two_with_a_lamp();
    hub.clock.turn(3_600 * SECOND);
    let theirs = b.name(&lamp(), "b");
    b.sync(&mut hub);
    let ours = a.name(&lamp(), "a");
    let mut run = a.start("main");
    let push = run.go_to_push(&mut hub);
    // It loses, the answer is lost, and the same message is answered without a conflict.
    let answer = String::from_utf8(serve(&mut hub, &push).body).unwrap();
    assert!(answer.contains("local has newer timestamp"), "{answer}");
    let again = run.go(broken_off()).unwrap();
    assert_eq!(again.bytes, push.bytes);
    let answered = serve(&mut hub, &again);
    run.finish(Event::Response(answered), &mut hub).unwrap();
    assert_eq!(shown(&a), theirs.sync_id);
    settle_all(&mut hub, &[&a, &b]);
    assert_eq!(a.lost(), [ours.sync_id]);
}

#[test]
fn a_late_delete_harms_no_descendant() {
    // Whether the delete came the first time or not, and whoever edits on top.
    for arrived in [false, true] {
        let (mut hub, a, b) = two_with_a_lamp();
        a.delete(&lamp());
        let mut run = a.start("first");
        let delayed = run.go_to_push(&mut hub);
        if arrived {
            serve(&mut hub, &delayed);
        }
        drop(run);
        let restored = a.name(&lamp(), "restored");
        pass(&hub, &[&a, &b], 200);
        a.sync(&mut hub);
        assert_eq!(hub.current("lamp").version, restored.sync_id);
        serve(&mut hub, &delayed);
        assert_eq!(hub.current("lamp").version, restored.sync_id);
        b.sync(&mut hub);
        let on_top = b.name(&lamp(), "edited on top");
        b.sync(&mut hub);
        serve(&mut hub, &delayed);
        assert_eq!(hub.current("lamp").version, on_top.sync_id);
        settle_all(&mut hub, &[&a, &b]);
        assert_eq!(shown(&a), on_top.sync_id);
        assert_eq!((a.lost(), b.lost()), (Vec::new(), Vec::new()));
    }
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
        pass(&hub, &[&a, &b], 200);
        a.sync(&mut hub);
        if late {
            serve(&mut hub, &made);
        }
        settle_all(&mut hub, &[&a, &b]);
        assert!(hub.current("lamp").is_deleted());
        assert!(a.get(&lamp()).version.deleted);
    }
}

#[test]
fn what_was_refused_after_it_was_discarded_leaves_nothing_once_deleted() {
    let (mut hub, a, b) = (hub(), replica(1), replica(2));
    a.name(&lamp(), "made");
    let mut run = a.start("first");
    run.go_to_push(&mut hub);
    assert!(a.store.discard(&lamp()).unwrap());
    let entry = a.journal().remove(0);
    a.store.restore(entry.entry).unwrap().unwrap();
    a.delete(&lamp());
    // The server takes no such thing, so that the delete finds nothing.
    let refused = response(422, &json!({"detail": "no lamps"}));
    run.finish(Event::Response(refused), &mut hub).unwrap();
    pass(&hub, &[&a, &b], 400);
    a.sync(&mut hub);
    let left = a.store.read(|connection| rows::get(connection, &lamp()));
    assert_eq!(left.unwrap(), None);
    settle_all(&mut hub, &[&a, &b]);
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
fn an_own_version_that_is_displaced_without_a_word_is_journaled_at_its_author() {
    let (mut hub, a, b) = two_with_a_lamp();
    let ours = a.name(&lamp(), "a");
    a.sync(&mut hub);
    // Deletes bypass the server's rule, and b had not seen a's edit.
    b.delete(&lamp());
    b.sync(&mut hub);
    assert!(hub.current("lamp").is_deleted());
    assert_eq!(a.lost(), Vec::<String>::new());
    let report = a.sync(&mut hub);
    assert_eq!(a.lost(), std::slice::from_ref(&ours.sync_id));
    assert_eq!(report.conflicts.len(), 1);
    assert_eq!(report.conflicts[0].version.sync_id, ours.sync_id);
    settle_all(&mut hub, &[&a, &b]);
}

#[test]
fn an_own_version_that_others_went_on_from_is_not_lost() {
    let (mut hub, a, b) = two_with_a_lamp();
    a.name(&lamp(), "a");
    a.sync(&mut hub);
    b.sync(&mut hub);
    // The second names only the first as its parent.
    for name in ["b", "b again"] {
        b.clock.turn(SECOND);
        b.name(&lamp(), name);
        b.sync(&mut hub);
    }
    let report = a.sync(&mut hub);
    assert_eq!((report.conflicts, a.lost()), (Vec::new(), Vec::new()));
    assert_eq!(shown(&a), hub.current("lamp").version);
    settle_all(&mut hub, &[&a, &b]);
}

#[test]
fn a_delete_whose_reply_was_lost_does_not_bury_the_restore() {
    for edits_after in 0..3 {
        let (mut hub, a, b) = two_with_a_lamp();
        a.delete(&lamp());
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
        assert!(!a.get(&lamp()).version.deleted, "settled on the tombstone");
        assert_eq!(shown(&a), hub.current("lamp").version);
        settle_all(&mut hub, &[&a, &b]);
        assert!(!hub.current("lamp").is_deleted());
    }
}

#[test]
fn a_concurrent_version_in_the_mirror_is_not_a_base() {
    let (mut hub, a, b) = two_with_a_lamp();
    let base = shown(&a);
    let theirs = b.name(&lamp(), "b");
    b.sync(&mut hub);
    a.clock.turn(10 * SECOND);
    let ours = a.name(&lamp(), "a");
    let mut run = a.start("first");
    let push = run.go_to_push(&mut hub);
    let seen = a.store.read(|connection| mirror::get(connection, &lamp()));
    assert_eq!(seen.unwrap().unwrap().version.sync_id, theirs.sync_id);
    assert_eq!(a.get(&lamp()).sync_status, RecordStatus::Conflict);
    assert_eq!(parents(&push), [json!([base])]);
    let answered = serve(&mut hub, &push);
    run.finish(Event::Response(answered), &mut hub).unwrap();
    settle_all(&mut hub, &[&a, &b]);
    assert_eq!(hub.current("lamp").version, ours.sync_id);
    assert_eq!(b.lost(), [theirs.sync_id]);
}

#[test]
fn a_page_asked_for_before_a_settlement_is_not_applied_after_it() {
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
        assert_eq!(shown(&a), newer.sync_id);
        assert_eq!(a.watermark(), watermark);
    }
}

#[test]
fn a_lease_of_the_dead_ends_though_the_clock_steps_back_by_days() {
    let (mut hub, a, b) = two_with_a_lamp();
    let edit = a.name(&lamp(), "a");
    let mut dead = a.start("dead");
    dead.go_to_push(&mut hub);
    drop(dead);
    a.clock.turn(-3 * DAY);
    a.sync(&mut hub);
    assert_eq!(hub.current("lamp").version, edit.sync_id);
    settle_all(&mut hub, &[&a, &b]);
}

/// Says by an edge of its own what something is in.
fn locate(replica: &Replica, what: &Key, place: &Key) {
    let joined = replica.store.connect_entities(
        |_| Ok(Ok::<_, ()>((what.clone(), place.clone()))),
        "located_in",
        serde_json::Map::new(),
    );
    joined.unwrap().unwrap();
}

#[test]
fn a_room_that_comes_after_the_edge_to_it_shows_what_is_in_it() {
    let (mut hub, a, b) = two_with_a_lamp();
    let [old, new] = ["old", "new"].map(|id| key(Kind::Room, id));
    b.name(&old, "old");
    locate(&b, &lamp(), &old);
    settle_all(&mut hub, &[&a, &b]);
    assert_eq!(a.get(&lamp()).version.parent_id.as_ref(), Some(&old.id));
    // Between the pull of a sync and its listing of edges the lamp is put into a room
    // that is made just then, by an edge beside the old one.
    a.name(&lamp(), "edited");
    let mut run = a.start("main");
    let mut ask = run.go(Event::Start).unwrap();
    while !ask.path.ends_with("/relationships") {
        ask = run.go(Event::Response(serve(&mut hub, &ask))).unwrap();
    }
    pass(&hub, &[&a, &b], 1);
    b.name(&new, "new");
    locate(&b, &lamp(), &new);
    b.sync(&mut hub);
    run.finish(Event::Response(serve(&mut hub, &ask)), &mut hub)
        .unwrap();
    settle_all(&mut hub, &[&a, &b]);
    for replica in [&a, &b] {
        assert_eq!(replica.get(&lamp()).version.parent_id.as_ref(), Some(&new.id));
    }
}

/// How many entities the large house has, and how many come with a page.
const LARGE: usize = 1_500;
const PAGE: usize = 500;

#[test]
fn a_first_sync_that_is_killed_after_any_page_goes_on_from_there() {
    for killed_after in 1..=3 {
        let mut hub = hub();
        for page in 0..LARGE / PAGE {
            let changes: Vec<_> = (0..PAGE).map(|index| note(page * PAGE + index)).collect();
            let request = json!({"protocol_version": "inbetweenies-v2", "device_id": "x", "user_id": "x",
                                 "sync_type": "delta", "changes": changes});
            hub.sync(request.to_string().as_bytes());
            // More than the minute that a time is not believed for.
            hub.clock.turn(100 * SECOND);
        }
        hub.served = 0;
        let a = replica(1);
        let told = Arc::new(Mutex::new(0));
        let count = Arc::clone(&told);
        a.store.set_listener(Some(Arc::new(move |commit| {
            let news = commit.events.iter();
            let news =
                news.filter(|event| matches!(event, StoreEvent::Created(..) | StoreEvent::Updated(..)));
            *count.lock().unwrap() += news.count();
        })));
        let mut dying = a.start("dying");
        let mut ask = dying.go(Event::Start).unwrap();
        for page in 1..=killed_after {
            let mut event = Event::Response(serve(&mut hub, &ask));
            if page == killed_after {
                // The page is applied, and the process dies before it asks for the next.
                event = dying.step(event).unwrap();
                assert!(matches!(event, Event::Applied(_)), "{event:?}");
                break;
            }
            ask = dying.go(event).unwrap();
        }
        drop(dying);
        a.clock.turn(200 * SECOND);
        a.sync(&mut hub);
        assert_eq!(
            *told.lock().unwrap(),
            LARGE,
            "something is missing, or was told twice"
        );
        // The last page comes again if the loop was complete: it came within the minute.
        let again = if killed_after == 3 { PAGE } else { 0 };
        assert_eq!(hub.served, LARGE + again, "killed after page {killed_after}");
        settle_all(&mut hub, &[&a]);
    }
}

fn note(number: usize) -> serde_json::Value {
    json!({
        "change_type": "create",
        "entity": {
            "id": format!("note-{number}"),
            "version": format!("2026-06-15T09:41:02.{number:06}+00:00-{number:06}-x"),
            "entity_type": "note",
            "name": format!("note {number}"),
            "content": {},
            "source_type": "manual",
            "user_id": "x",
            "parent_versions": [],
            "checksum": null,
        },
        "relationships": [],
    })
}
