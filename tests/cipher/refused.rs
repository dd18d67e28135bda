//! The wrong key, a key too many, a key too few: a typed error each, and no byte of
//! any file changes, in whatever state the file was left.

use super::*;

/// A replica with ten unsent edits in every state that a program can leave it in, by name.
fn states(bytes: Option<[u8; 32]>) -> Vec<(&'static str, Place)> {
    let closed = Place::new();
    filled(&closed.db(), bytes, 10);

    // The last edits are in the WAL only; in a new file all of them, and most pages.
    let running = closed.as_left();
    let store = open(&running.db(), bytes).unwrap();
    write(&store, "late", "Late").unwrap();
    let killed = running.as_left();
    store.close();
    let new = Place::new();
    let store = open(&new.db(), bytes).unwrap();
    write(&store, "late", "Late").unwrap();
    let new_and_killed = new.as_left();
    store.close();

    let suspect = |place: &Place, text: &str| {
        let place = place.as_left();
        std::fs::write(place.file("replica.db.suspect"), text).unwrap();
        place
    };
    // Somebody was killed when it was decided to set the file aside, or a little later.
    let decided = "set aside as replica.db.damaged-then\n";
    let half_aside = suspect(&closed, decided);
    std::fs::rename(half_aside.db(), half_aside.file("replica.db.damaged-then")).unwrap();
    // The database is gone, or nothing is left of it but its name.
    let without = new_and_killed.as_left();
    std::fs::remove_file(without.db()).unwrap();
    let emptied = new_and_killed.as_left();
    std::fs::write(emptied.db(), "").unwrap();
    let cut = closed.as_left();
    let whole = std::fs::read(cut.db()).unwrap();
    std::fs::write(cut.db(), &whole[..whole.len() / 8_192 * 4_096]).unwrap();
    // Somebody was killed when the key was changed: a copy is left that nobody needs.
    let rekeying = closed.as_left();
    std::fs::write(rekeying.file("replica.db.rekeyed"), "half of it").unwrap();

    vec![
        ("suspect", suspect(&closed, "damage was seen")),
        ("killed and suspect", suspect(&killed, "damage was seen")),
        (
            "new, killed, suspect",
            suspect(&new_and_killed, "damage was seen"),
        ),
        ("to be set aside", suspect(&killed, decided)),
        ("half set aside", half_aside),
        ("only its WAL", without),
        ("emptied, with its WAL", emptied),
        ("cut", cut),
        ("killed while rekeying", rekeying),
        ("new and killed", new_and_killed),
        ("killed", killed),
        ("closed", closed),
    ]
}

#[track_caller]
fn refuses(what: &str, place: &Place, bytes: Option<[u8; 32]>, code: &str) {
    let before = files(place.folder());
    for _ in 0..2 {
        let error = match open(&place.db(), bytes) {
            Err(error) => error,
            Ok(store) => panic!("{what}: it opened; {:?}", store.salvage()),
        };
        assert_eq!(error.code(), code, "{what}: {error}");
        assert!(error.to_string().contains("replica.db"), "{what}: {error}");
        let after = files(place.folder());
        assert!(
            after == before,
            "{what}: {:?} became {:?}",
            before.keys(),
            after.keys()
        );
    }
}

#[test]
fn a_replica_that_the_key_does_not_open_is_never_touched() {
    for (what, place) in states(Some(ANN)) {
        refuses(what, &place, Some(BEN), "wrong_key");
        refuses(what, &place, None, "key_needed");
        // With its key it is as it was.
        let store = open(&place.db(), Some(ANN)).unwrap();
        let saved = store.salvage().map(|salvage| salvage.edits_saved);
        match what {
            "only its WAL" | "emptied, with its WAL" => assert_eq!(saved, Some(0), "{what}"),
            "to be set aside" => assert_eq!((saved, unsent(&store)), (Some(11), 11), "{what}"),
            "half set aside" => assert_eq!((saved, unsent(&store)), (Some(10), 10), "{what}"),
            "cut" => assert!(saved.is_some(), "{what}"),
            "new and killed" | "new, killed, suspect" => {
                assert_eq!((saved, unsent(&store)), (None, 1), "{what}");
            }
            "killed" | "killed and suspect" => {
                assert_eq!((saved, unsent(&store)), (None, 11), "{what}");
                assert_eq!(name(&store, "late").as_deref(), Some("Late"), "{what}");
            }
            _ => assert_eq!((saved, unsent(&store)), (None, 10), "{what}"),
        }
    }
}

#[test]
fn a_replica_without_encryption_is_refused_to_whoever_thinks_it_encrypted() {
    for (what, place) in states(None) {
        refuses(what, &place, Some(ANN), "not_encrypted");
        drop(open(&place.db(), None).unwrap());
    }
}

#[test]
fn whoever_has_it_open_is_not_disturbed_by_one_with_the_wrong_key() {
    let place = Place::new();
    let store = open(&place.db(), Some(ANN)).unwrap();
    write(&store, "a", "Attic").unwrap();
    for wrong in [Some(BEN), None] {
        assert!(open(&place.db(), wrong).is_err());
        assert!(!place.file("replica.db.suspect").exists());
        write(&store, "b", "Barn").unwrap();
        assert_eq!((unsent(&store), name(&store, "a").as_deref()), (2, Some("Attic")));
    }
    // Its locks are still there: to another process it looks as open as before.
    if let Some(path) = std::env::var_os("CIPHER_CHANGE") {
        let store = open(Path::new(&path), Some(ANN)).unwrap();
        assert_eq!(store.change_key(None).unwrap_err().code(), "busy");
        return;
    }
    let test = "refused::whoever_has_it_open_is_not_disturbed_by_one_with_the_wrong_key";
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--quiet"])
        .env("CIPHER_CHANGE", place.db())
        .status()
        .unwrap();
    assert!(status.success());
    let other = open(&place.db(), Some(ANN)).unwrap();
    assert_eq!((unsent(&other), other.salvage()), (2, None));
}

#[test]
fn a_file_of_another_kind_is_no_replica_with_a_key_either() {
    for bytes in [
        b"hello".to_vec(),
        "Dear diary, ".repeat(9_000).into_bytes(),
        vec![0; 8_192],
    ] {
        let place = Place::new();
        std::fs::write(place.db(), bytes).unwrap();
        refuses("a stranger", &place, Some(ANN), "not_a_database");
    }
}

#[test]
fn after_a_pause_it_is_opened_with_the_key_it_had() {
    let place = Place::new();
    let store = open(&place.db(), Some(ANN)).unwrap();
    write(&store, "a", "Attic").unwrap();
    store.close();
    store.reopen().unwrap();
    assert_eq!(name(&store, "a").as_deref(), Some("Attic"));
    store.change_key(Some(key(BEN))).unwrap();
    store.close();
    store.reopen().unwrap();
    assert_eq!(unsent(&store), 1);
}

#[test]
fn a_key_has_thirty_two_bytes() {
    for length in [0, 16, 31, 33, 64] {
        assert!(ReplicaKey::new(&vec![7; length]).is_none(), "{length}");
    }
}
