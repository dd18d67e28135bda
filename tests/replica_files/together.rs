//! Several processes on one file, here as stores of their own: opening at
//! once, reading beside a writer, and taking turns to sync.

use super::*;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;
use wildthing::model::Timestamp;
use wildthing::seam::{BoxFuture, Seam};
use wildthing::store::metadata::{self, LEASE_MICROS, LeaseOwner};
use wildthing::store::session::SyncEnd;

#[test]
fn many_may_make_the_database_at_once() {
    for _ in 0..20 {
        let place = Arc::new(Place::new());
        let start = Arc::new(Barrier::new(8));
        let threads: Vec<_> = (0..8)
            .map(|index| {
                let (place, start) = (place.clone(), start.clone());
                std::thread::spawn(move || {
                    start.wait();
                    let store = open(&place.db()).unwrap();
                    write(&store, &format!("room-{index}"), "Room").unwrap();
                    store.read(metadata::get).unwrap().client_id
                })
            })
            .collect();
        let mut names: Vec<String> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        names.dedup();
        assert_eq!(names.len(), 1, "one replica has one name");
        let store = open(&place.db()).unwrap();
        assert_eq!(unsent(&store).len(), 8);
        assert_eq!(store.salvage(), None);
    }
}

#[test]
fn opening_again_changes_nothing() {
    let place = Place::new();
    let store = open(&place.db()).unwrap();
    write(&store, "a", "Attic").unwrap();
    store.close();
    let before = files(place.folder());
    for _ in 0..3 {
        open(&place.db()).unwrap().close();
    }
    assert!(files(place.folder()) == before);
}

#[test]
fn readers_do_not_wait_for_a_writer_and_see_what_was_before() {
    let place = Place::new();
    let store = open(&place.db()).unwrap();
    write(&store, "a", "Attic").unwrap();
    let other = wildthing::store::test_connection(place.db()).unwrap();
    other
        .execute_batch("BEGIN IMMEDIATE; UPDATE records SET name = 'Half done'")
        .unwrap();
    // A reader that waited would wait for ever: nobody ends that transaction.
    assert_eq!(name(&store, "a").as_deref(), Some("Attic"));
    assert_eq!(unsent(&store), ["a"]);
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(name(&store, "a").as_deref(), Some("Half done"));
}

/// A clock that is set by hand.
#[derive(Debug)]
struct Clock(AtomicI64);

impl Clock {
    fn advance(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Seam for Clock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }

    fn random(&self) -> [u8; 10] {
        RealSeam.random()
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

fn owner(id: &str, pid: Option<u32>) -> LeaseOwner {
    LeaseOwner { id: id.into(), pid }
}

/// Two stores on one file and one clock.
fn two() -> (Place, Arc<Clock>, Store, Store) {
    let place = Place::new();
    let clock = Arc::new(Clock(AtomicI64::new(1_800_000_000_000_000)));
    let open = || {
        let options = StoreOptions {
            path: Some(place.db()),
            full_sync: false,
            echo: false,
        };
        Store::open(options, clock.clone()).unwrap()
    };
    let (a, b) = (open(), open());
    (place, clock, a, b)
}

#[test]
fn a_lease_keeps_others_out_until_it_is_given_back_or_runs_out() {
    let (_place, clock, a, b) = two();
    let (one, two) = (owner("one", Some(std::process::id())), owner("two", None));
    assert!(a.begin_sync(&one).unwrap().is_some());
    assert!(a.begin_sync(&one).unwrap().is_some(), "it is one's own");
    assert!(b.begin_sync(&two).unwrap().is_none());
    a.finish_sync(&one, &SyncEnd::Success).unwrap();
    assert!(b.begin_sync(&two).unwrap().is_some());
    assert!(a.begin_sync(&one).unwrap().is_none());
    // Not a microsecond before its end.
    clock.advance(LEASE_MICROS - 1);
    assert!(a.begin_sync(&one).unwrap().is_none());
    clock.advance(1);
    assert!(a.begin_sync(&one).unwrap().is_some());
    // The former owner notices, and its end is not the other's.
    b.finish_sync(&two, &SyncEnd::Failure("late".into())).unwrap();
    let meta = a.read(metadata::get).unwrap();
    assert!(meta.sync_in_progress && meta.last_sync_error.is_none());
    let generation = meta.generation;
    let position = outbox::PushPosition {
        rank: -1,
        edit_seq: 0,
    };
    assert_eq!(b.prepare_push(&two, generation, position, Some(9)).unwrap(), None);
    assert!(
        a.prepare_push(&one, generation, position, Some(9))
            .unwrap()
            .is_some()
    );
}

#[test]
fn a_lease_from_before_a_step_back_of_the_clock_does_not_last_for_days() {
    let (_place, clock, a, b) = two();
    let (one, two) = (owner("one", Some(std::process::id())), owner("two", None));
    assert!(a.begin_sync(&one).unwrap().is_some());
    // A small step makes it last a little longer, which nobody can tell from a fresh one.
    clock.advance(-3 * 86_400_000_000);
    assert!(b.begin_sync(&two).unwrap().is_some());
    assert!(a.begin_sync(&one).unwrap().is_none());
}

#[cfg(unix)]
#[test]
fn a_lease_of_a_process_that_is_gone_is_taken_over_at_once() {
    let (_place, _clock, a, b) = two();
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let gone = child.id();
    child.wait().unwrap();
    assert!(a.begin_sync(&owner("dead", Some(gone))).unwrap().is_some());
    assert!(b.begin_sync(&owner("two", None)).unwrap().is_some());
    // One that can't be looked up is waited for.
    assert!(
        a.begin_sync(&owner("one", Some(std::process::id())))
            .unwrap()
            .is_none()
    );
}

#[test]
fn edits_in_flight_of_a_crashed_owner_are_sent_again_as_they_were() {
    let (_place, clock, a, b) = two();
    write(&a, "a", "Attic").unwrap();
    let (one, two) = (owner("one", None), owner("two", None));
    let prepare = |store: &Store, who: &LeaseOwner| {
        let session = store.begin_sync(who).unwrap().unwrap();
        let position = outbox::PushPosition {
            rank: -1,
            edit_seq: 0,
        };
        store
            .prepare_push(who, session.generation, position, Some(session.last_edit))
            .unwrap()
            .unwrap()
    };
    let first = prepare(&a, &one);
    clock.advance(LEASE_MICROS);
    let again = prepare(&b, &two);
    assert_eq!(first.items[0].change, again.items[0].change);
}
