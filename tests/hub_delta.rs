//! What the hub tells: pages, conflicts of displaced edits, digests.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod hub_support;

use hub_support::*;
use wildthing::hub::HubStore;
use wildthing::model::{Kind, Timestamp};
use wildthing::protocol::v1::{Delta, SyncRequest};

#[test]
fn an_empty_hub_has_a_time_and_a_digest() {
    let mut hub = hub();
    let delta = delta(&mut hub, "a", None);
    assert_eq!(delta.server_time, Timestamp::from_micros(NOON));
    assert!(delta.changes.is_empty() && !delta.more);
    assert_eq!(delta.hub_id.as_deref(), Some(hub.hub_id()));
    assert_eq!(delta.epoch.as_deref(), Some(hub.epoch()));
    assert_eq!(delta.state_digest, Some(hub.state_digest(&Kind::V1).unwrap()));
    let later = hub.delta(&ask("a", Some(delta.server_time))).unwrap();
    assert_eq!(later.server_time, delta.server_time);
}

#[test]
fn an_edit_made_yesterday_and_pushed_today_reaches_everyone() {
    let mut hub = hub();
    push(&mut hub, "a", &[edit("s1", 0, &[])]);
    let watermark = delta(&mut hub, "b", None).server_time;
    push(&mut hub, "a", &[edit("s2", -86_400, &[]).of("room", "r2")]);
    assert_eq!(sync_ids(&delta(&mut hub, "b", Some(watermark))), ["s2"]);
}

#[test]
fn pages_skip_and_repeat_nothing() {
    const ROOMS: [&str; 7] = ["r1", "r2", "r3", "r4", "r5", "r6", "r7"];
    const IDS: [&str; 7] = ["s1", "s2", "s3", "s4", "s5", "s6", "s7"];
    for limit in [1, 2, 3, 7, 8] {
        let mut hub = hub();
        let edits: Vec<_> = (0..7)
            .map(|n| edit(IDS[n], 0, &[]).of("room", ROOMS[n]))
            .collect();
        push(&mut hub, "a", &edits);
        hub.set_page_limit(limit);
        let (mut seen, mut watermark) = (Vec::new(), None);
        loop {
            let page = delta(&mut hub, "b", watermark);
            assert!(page.changes.len() <= limit);
            assert!(Some(page.server_time) > watermark);
            assert_eq!(page.state_digest.is_some(), !page.more);
            seen.extend(sync_ids(&page).into_iter().map(str::to_owned));
            watermark = Some(page.server_time);
            if !page.more {
                break;
            }
        }
        assert_eq!(seen, IDS, "{limit} a page");
    }
}

/// A record that changes while its reader is between two pages comes in a later
/// page; nothing else is lost.
#[test]
fn a_change_between_two_pages_is_not_missed() {
    let mut hub = hub();
    hub.set_page_limit(1);
    push(
        &mut hub,
        "a",
        &[edit("s1", 0, &[]), edit("s2", 0, &[]).of("room", "r2")],
    );
    let first = delta(&mut hub, "b", None);
    assert_eq!((sync_ids(&first), first.more), (vec!["s1"], true));
    push(&mut hub, "a", &[edit("s3", 1, &["s1"])]);
    let second = delta(&mut hub, "b", Some(first.server_time));
    assert_eq!((sync_ids(&second), second.more), (vec!["s2"], true));
    let third = delta(&mut hub, "b", Some(second.server_time));
    assert_eq!((sync_ids(&third), third.more), (vec!["s3"], false));
}

#[test]
fn a_page_is_bounded_in_bytes_and_still_moves_on() {
    let mut hub = hub();
    hub.set_page_bytes(1);
    push(
        &mut hub,
        "a",
        &[edit("s1", 0, &[]), edit("s2", 0, &[]).of("room", "r2")],
    );
    let first = delta(&mut hub, "b", None);
    assert_eq!((sync_ids(&first), first.more), (vec!["s1"], true));
    let second = delta(&mut hub, "b", Some(first.server_time));
    assert_eq!((sync_ids(&second), second.more), (vec!["s2"], false));
}

#[test]
fn conflicts_too_many_for_one_page_are_told_over_several() {
    let mut hub = hub();
    push(
        &mut hub,
        "a",
        &[edit("s1", 0, &[]), edit("s1", 0, &[]).of("room", "r2")],
    );
    push(
        &mut hub,
        "b",
        &[edit("s2", 5, &[]), edit("s2", 5, &[]).of("room", "r2")],
    );
    // What displaced A's edits has itself been replaced: only the conflicts tell of it.
    push(
        &mut hub,
        "b",
        &[edit("s3", 6, &["s2"]), edit("s3", 6, &["s2"]).of("room", "r2")],
    );
    hub.set_page_limit(1);
    let (mut told, mut changes, mut watermark) = (Vec::new(), 0, None);
    loop {
        let page = delta(&mut hub, "a", watermark);
        told.extend(page.conflicts.iter().map(|conflict| conflict.key.id.to_string()));
        changes += page.changes.len();
        assert!(Some(page.server_time) > watermark);
        watermark = Some(page.server_time);
        if !page.more {
            break;
        }
    }
    assert_eq!((told, changes), (vec!["r1".to_owned(), "r2".to_owned()], 2));
}

#[test]
fn without_tombstones_there_is_no_digest() {
    let mut hub = hub();
    push(
        &mut hub,
        "a",
        &[edit("s1", 0, &[]), delete("s2", 0, &[]).of("room", "r2")],
    );
    let request = SyncRequest {
        include_deleted: false,
        ..ask("b", None)
    };
    let live = hub.delta(&request).unwrap();
    assert_eq!(sync_ids(&live), ["s1"]);
    assert_eq!(live.state_digest, None);
    // The watermark is past the tombstone all the same.
    assert_eq!(live.server_time, delta(&mut hub, "b", None).server_time);
}

#[test]
fn a_digest_that_is_not_wanted_does_not_come() {
    let mut hub = hub();
    push(&mut hub, "a", &[edit("s1", 0, &[])]);
    let request = SyncRequest {
        state_digest: false,
        ..ask("b", None)
    };
    let page = hub.delta(&request).unwrap();
    let digested = hub.delta(&ask("b", None)).unwrap();
    assert!(digested.state_digest.is_some());
    // In all else the answer is the same.
    assert_eq!(
        page,
        Delta {
            state_digest: None,
            ..digested
        }
    );
}

#[test]
fn only_the_kinds_asked_for_come_and_are_digested() {
    let mut hub = hub();
    push(
        &mut hub,
        "a",
        &[edit("s1", 0, &[]), edit("s2", 0, &[]).of("house", "h1")],
    );
    let houses = SyncRequest {
        kinds: vec![Kind::House, Kind::House],
        ..ask("b", None)
    };
    let page = hub.delta(&houses).unwrap();
    assert_eq!(sync_ids(&page), ["s2"]);
    assert_eq!(page.state_digest, Some(hub.state_digest(&[Kind::House]).unwrap()));
    assert_ne!(page.state_digest, Some(hub.state_digest(&Kind::V1).unwrap()));
    let none = SyncRequest {
        kinds: Vec::new(),
        ..ask("b", None)
    };
    assert!(hub.delta(&none).unwrap().changes.is_empty());
}

#[test]
fn digests_follow_every_change() {
    let mut hub = hub();
    let mut seen = Vec::new();
    for change in [
        edit("s1", 0, &[]),
        edit("s2", 1, &["s1"]),
        delete("s3", 2, &["s2"]),
    ] {
        push(&mut hub, "a", &[change]);
        let digest = hub.state_digest(&Kind::V1).unwrap();
        assert_eq!(digest, hub.state_digest(&Kind::V1).unwrap());
        assert!(!seen.contains(&digest));
        seen.push(digest);
    }
    let empty = HubStore::in_memory(FakeSeam::at(NOON)).unwrap();
    assert_eq!(hub.content_digest().unwrap(), empty.content_digest().unwrap());
}
