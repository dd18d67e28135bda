//! Looking after damage: what is healthy is never moved, one process at a time
//! does it, and a kill in the middle is made good by the next open.

use super::*;
use std::sync::Arc;
use std::sync::Barrier;

fn mark(place: &Place) -> PathBuf {
    place.file("replica.db.suspect")
}

fn set_aside(place: &Place) -> Vec<String> {
    let all = files(place.folder()).into_keys();
    all.filter(|name| name.contains(".damaged-") && !name.ends_with("-wal"))
        .collect()
}

/// A replica with ten unsent edits, whose history can't be read.
fn damaged() -> Place {
    let place = Place::new();
    let store = open(&place.db()).unwrap();
    for index in 0..10 {
        write(&store, &format!("room-{index}"), "Room").unwrap();
        write(&store, &format!("room-{index}"), "Renamed").unwrap();
    }
    store.close();
    let file = wildthing::store::test_connection(place.db()).unwrap();
    let page: i64 = file
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'history'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    drop(file);
    let mut bytes = std::fs::read(place.db()).unwrap();
    let start = usize::try_from(page - 1).unwrap() * 4_096;
    bytes[start..start + 4_096].fill(0xa5);
    std::fs::write(place.db(), bytes).unwrap();
    place
}

#[test]
fn a_healthy_file_under_suspicion_stays_where_it_is() {
    let place = Place::new();
    let store = open(&place.db()).unwrap();
    write(&store, "a", "Attic").unwrap();
    std::fs::write(mark(&place), "damage was seen").unwrap();
    // Even while another one has it open.
    let other = open(&place.db()).unwrap();
    assert_eq!(
        (other.salvage(), name(&other, "a").as_deref()),
        (None, Some("Attic"))
    );
    assert!(!mark(&place).exists() && set_aside(&place).is_empty());
}

#[test]
fn a_mark_without_a_file_keeps_nobody_from_starting_anew() {
    let place = Place::new();
    std::fs::write(mark(&place), "damage was seen").unwrap();
    let store = open(&place.db()).unwrap();
    write(&store, "a", "Attic").unwrap();
    assert_eq!(store.salvage(), None);
    assert!(!mark(&place).exists());
}

#[test]
fn a_mark_beside_a_strangers_file_changes_nothing_of_it() {
    let place = Place::new();
    std::fs::write(place.db(), "Dear diary").unwrap();
    std::fs::write(mark(&place), "damage was seen").unwrap();
    assert_eq!(open(&place.db()).unwrap_err().code(), "not_a_database");
    assert_eq!(std::fs::read(place.db()).unwrap(), b"Dear diary");
}

#[test]
fn a_wal_that_lost_its_database_is_set_aside_and_not_deleted() {
    let origin = Place::new();
    let store = open(&origin.db()).unwrap();
    write(&store, "a", "Attic").unwrap();
    for main_exists in [false, true] {
        let place = Place::new();
        copy_as_left(&origin.db(), &place.db());
        let wal = std::fs::read(place.file("replica.db-wal")).unwrap();
        std::fs::remove_file(place.db()).unwrap();
        if main_exists {
            std::fs::write(place.db(), "").unwrap();
        }
        let store = open(&place.db()).unwrap();
        let aside = store.salvage().unwrap().set_aside.display().to_string();
        assert_eq!(std::fs::read(format!("{aside}-wal")).unwrap(), wal);
        write(&store, "b", "Barn").unwrap();
    }
}

#[test]
fn of_many_that_open_a_damaged_file_at_once_one_sets_it_aside() {
    for _ in 0..5 {
        let place = Arc::new(damaged());
        std::fs::write(mark(&place), "damage was seen").unwrap();
        let start = Arc::new(Barrier::new(6));
        let threads: Vec<_> = (0..6)
            .map(|index| {
                let (place, start) = (place.clone(), start.clone());
                std::thread::spawn(move || {
                    start.wait();
                    let store = open(&place.db()).unwrap();
                    write(&store, &format!("new-{index}"), "New").unwrap();
                    store.salvage().is_some()
                })
            })
            .collect();
        let did = threads.into_iter().map(|thread| thread.join().unwrap());
        assert_eq!(did.filter(|did| *did).count(), 1);
        assert_eq!(set_aside(&place).len(), 1, "{:?}", set_aside(&place));
        // What was salvaged, and what was written since by each of them.
        let store = open(&place.db()).unwrap();
        assert_eq!(unsent(&store).len(), 16, "{:?}", unsent(&store));
        assert_eq!(name(&store, "room-3").as_deref(), Some("Renamed"));
    }
}

#[test]
fn a_damaged_file_that_another_one_has_open_is_not_moved_away_under_it() {
    let place = damaged();
    let other = open(&place.db()).unwrap();
    assert_eq!(other.salvage(), None, "what is damaged was not read yet");
    std::fs::write(mark(&place), "damage was seen").unwrap();
    let before = files(place.folder());
    assert_eq!(open(&place.db()).unwrap_err().code(), "busy");
    assert_eq!(files(place.folder()), before);
    drop(other);
    let store = open(&place.db()).unwrap();
    assert_eq!(store.salvage().unwrap().edits_saved, 10);
}

#[test]
fn a_repair_that_was_killed_is_finished_by_the_next_open() {
    let decided = "set aside as replica.db.damaged-then\n";
    let aside = |place: &Place, suffix: &str| place.file(&format!("replica.db.damaged-then{suffix}"));
    // Killed after the decision, after the first file was moved, and after a new one was made.
    for step in 0..3 {
        let place = damaged();
        std::fs::write(place.file("replica.db-wal"), "").unwrap();
        std::fs::write(mark(&place), decided).unwrap();
        if step > 0 {
            std::fs::rename(place.db(), aside(&place, "")).unwrap();
        }
        if step > 1 {
            std::fs::rename(place.file("replica.db-wal"), aside(&place, "-wal")).unwrap();
            let elsewhere = Place::new();
            open(&elsewhere.db()).unwrap().close();
            std::fs::copy(elsewhere.db(), place.db()).unwrap();
        }
        let store = open(&place.db()).unwrap();
        assert_eq!(store.salvage().unwrap().edits_saved, 10, "step {step}");
        assert_eq!(unsent(&store).len(), 10, "step {step}");
        assert!(
            aside(&place, "").exists() && !mark(&place).exists(),
            "step {step}"
        );
        drop(store);
        // Once is enough.
        let again = open(&place.db()).unwrap();
        assert_eq!((again.salvage(), unsent(&again).len()), (None, 10), "step {step}");
    }
}

#[test]
fn an_edit_whose_record_is_gone_is_carried_over_as_it_was_sent() {
    use wildthing::store::metadata::{self, LeaseOwner};
    let place = Place::new();
    let store = open(&place.db()).unwrap();
    let edit = write(&store, "a", "Attic").unwrap();
    let owner = LeaseOwner {
        id: "me".into(),
        pid: None,
    };
    store.begin_sync(&owner).unwrap().unwrap();
    let meta = store.read(metadata::get).unwrap();
    let sent = store
        .prepare_push(
            &owner,
            meta.generation,
            outbox::PushPosition {
                rank: -1,
                edit_seq: 0,
            },
            Some(meta.edit_seq),
        )
        .unwrap()
        .unwrap();
    assert_eq!(sent.items.len(), 1);
    store.close();
    let file = wildthing::store::test_connection(place.db()).unwrap();
    let page: i64 = file
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'records'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    drop(file);
    let mut bytes = std::fs::read(place.db()).unwrap();
    let start = usize::try_from(page - 1).unwrap() * 4_096;
    bytes[start..start + 4_096].fill(0xa5);
    std::fs::write(place.db(), bytes).unwrap();
    std::fs::write(mark(&place), "damage was seen").unwrap();
    let store = open(&place.db()).unwrap();
    assert_eq!(store.salvage().unwrap().edits_saved, 1);
    let carried = store
        .read(|connection| rows::get(connection, &room("a")))
        .unwrap()
        .unwrap();
    assert_eq!(carried.version.sync_id, edit.version.sync_id);
    assert_eq!(carried.version.name.as_deref(), Some("Attic"));
}
