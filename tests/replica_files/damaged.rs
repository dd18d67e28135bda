//! Damage of every place and size: the damaged bytes are kept, what can be
//! read of the outbox is carried over, and what is healthy stays where it is.

use super::*;

/// A replica of some pages with unsent edits, closed.
fn filled(path: &Path, count: usize) {
    let store = open(path).unwrap();
    for index in 0..count {
        write(&store, &format!("room-{index:03}"), &format!("Room {index}")).unwrap();
    }
    store.close();
}

/// The files that were set aside, without their stamps, and the others.
fn set_aside(folder: &Path) -> Vec<Vec<u8>> {
    let all = files(folder);
    let aside = all
        .into_iter()
        .filter(|(name, _)| name.contains(".damaged-") && !name.ends_with("-wal"));
    aside.map(|(_, bytes)| bytes).collect()
}

#[test]
fn a_database_that_was_cut_is_refused_or_set_aside_and_never_lost() {
    let place = Place::new();
    filled(&place.db(), 60);
    let whole = std::fs::read(place.db()).unwrap();
    let (mut aside, mut saved) = (0, Vec::new());
    let lengths = [
        15, 16, 50, 99, 100, 101, 512, 1_024, 4_095, 4_096, 4_097, 8_192, 20_000,
    ];
    // Within its last page a file may be cut without SQLite noticing: it reads zeros there.
    let from_the_end = [4_096, 4_097, 12_288].map(|cut| whole.len() - cut);
    for length in lengths.into_iter().chain(from_the_end) {
        let place = Place::new();
        std::fs::write(place.db(), &whole[..length]).unwrap();
        match open(&place.db()) {
            Ok(store) => {
                let salvage = store
                    .salvage()
                    .unwrap_or_else(|| panic!("{length}: it seemed healthy"));
                assert_eq!(
                    std::fs::read(&salvage.set_aside).unwrap(),
                    whole[..length],
                    "{length}"
                );
                assert_eq!(unsent(&store).len() as u64, salvage.edits_saved, "{length}");
                saved.push(salvage.edits_saved);
                let left = files(place.folder())
                    .into_keys()
                    .find(|name| name.contains(".reading"));
                assert_eq!(left, None, "{length}");
                write(&store, "after", "Works").unwrap();
                aside += 1;
                drop(store);
                let again = open(&place.db()).unwrap();
                assert_eq!(
                    (again.salvage(), name(&again, "after").as_deref()),
                    (None, Some("Works"))
                );
            }
            Err(error) => {
                assert_eq!(error.code(), "not_a_database", "{length}: {error}");
                // Not even the head is left, so nobody can tell whose it was.
                assert!(length < 100, "{length}: {error}");
                assert_eq!(std::fs::read(place.db()).unwrap(), whole[..length], "{length}");
                assert!(set_aside(place.folder()).is_empty(), "{length}");
            }
        }
    }
    assert!(aside > 10, "{aside}");
    // Of 60: a page or three of many are missing.
    let at_the_end = &saved[saved.len() - from_the_end.len()..];
    assert!(at_the_end.iter().all(|saved| *saved >= 30), "{saved:?}");
}

#[test]
fn with_a_wal_beside_it_a_cut_database_keeps_every_edit_that_can_be_read() {
    let origin = Place::new();
    filled(&origin.db(), 60);
    let store = open(&origin.db()).unwrap();
    for index in 0..10 {
        write(&store, &format!("late-{index}"), "Late").unwrap();
    }
    let left = Place::new();
    copy_as_left(&origin.db(), &left.db());
    let (main, wal) = (
        std::fs::read(left.db()).unwrap(),
        std::fs::read(left.file("replica.db-wal")).unwrap(),
    );
    for length in [0, 1, 100, 4_096, 20_000, main.len() - 4_096, main.len()] {
        let place = Place::new();
        std::fs::write(place.db(), &main[..length]).unwrap();
        std::fs::write(place.file("replica.db-wal"), &wal).unwrap();
        let opened = open(&place.db());
        // Damage may show only when the page that lacks is read: then the next open sees to it.
        let seemed_healthy = opened.as_ref().is_ok_and(|store| store.salvage().is_none());
        let found = match opened {
            Ok(store) if seemed_healthy => match store.read(outbox::list) {
                Ok(_) => store,
                Err(error) => {
                    assert_eq!(error.code(), "corrupt", "{length}: {error}");
                    assert!(error.to_string().contains("open it again"), "{error}");
                    drop(store);
                    open(&place.db()).unwrap()
                }
            },
            other => other.unwrap(),
        };
        if length == main.len() {
            assert_eq!((found.salvage(), unsent(&found).len()), (None, 70));
            continue;
        }
        write(&found, "after", "Works").unwrap();
        let Some(salvage) = found.salvage() else {
            // What was cut off is in the WAL as well, or was not looked at yet.
            let check: String = found
                .read(|connection| Ok(connection.query_row("PRAGMA quick_check", [], |row| row.get(0))?))
                .unwrap();
            drop(found);
            let again = open_suspect(&place.db());
            assert_eq!(again.salvage().is_some(), check != "ok", "{length}: {check}");
            assert!(unsent(&again).contains(&"after".to_owned()), "{length}");
            continue;
        };
        let aside = PathBuf::from(format!("{}-wal", salvage.set_aside.display()));
        assert!(salvage.set_aside.exists() || length == 0, "{length}");
        if seemed_healthy {
            assert!(aside.exists() || salvage.set_aside.exists(), "{length}");
        } else {
            assert_eq!(std::fs::read(aside).unwrap(), wal, "{length}");
        }
    }
}

/// The first page of a table or index.
fn root(path: &Path, name: &str) -> usize {
    let file = wildthing::store::test_connection(path).unwrap();
    let page: i64 = file
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = ?1",
            [name],
            |row| row.get(0),
        )
        .unwrap();
    usize::try_from(page).unwrap() - 1
}

fn spoil(path: &Path, page: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[page * 4_096..(page + 1) * 4_096].fill(0xa5);
    std::fs::write(path, bytes).unwrap();
}

/// Opens a replica of which SQLite said that it is damaged.
fn open_suspect(path: &Path) -> Store {
    std::fs::write(format!("{}.suspect", path.display()), "damage was seen").unwrap();
    open(path).unwrap()
}

#[test]
fn damage_beside_the_outbox_costs_no_edit() {
    let place = Place::new();
    filled(&place.db(), 40);
    spoil(&place.db(), root(&place.db(), "history"));
    let store = open_suspect(&place.db());
    let salvage = store.salvage().expect("it was set aside");
    assert_eq!(salvage.edits_saved, 40);
    assert_eq!(unsent(&store).len(), 40);
    for index in 0..40 {
        let id = format!("room-{index:03}");
        assert_eq!(name(&store, &id), Some(format!("Room {index}")));
    }
    assert_eq!(set_aside(place.folder()).len(), 1);
}

#[test]
fn of_a_damaged_outbox_what_can_be_read_is_carried_over() {
    let place = Place::new();
    filled(&place.db(), 200);
    let file = wildthing::store::test_connection(place.db()).unwrap();
    let pages: i64 = file.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    drop(file);
    let whole = std::fs::read(place.db()).unwrap();
    let (mut some, mut all) = (0, 0);
    // Page 0 holds the schema; without it nothing is a table.
    for page in 1..usize::try_from(pages).unwrap() {
        std::fs::write(place.db(), &whole).unwrap();
        spoil(&place.db(), page);
        let store = open_suspect(&place.db());
        let Some(salvage) = store.salvage() else {
            panic!("page {page}: damage was not noticed");
        };
        let spoiled = std::fs::read(&salvage.set_aside).unwrap();
        assert_eq!(spoiled[page * 4_096], 0xa5);
        assert_eq!(unsent(&store).len() as u64, salvage.edits_saved);
        match salvage.edits_saved {
            200 => all += 1,
            // Its neighbours on both sides are read: only what was on the page itself is gone.
            saved @ 1..200 => {
                // Less fits on an encrypted page, and more is gone with one that leads to others.
                let least = if cfg!(feature = "sqlcipher") { 90 } else { 100 };
                assert!(saved > least, "page {page}: only {saved} edits saved");
                some += 1;
            }
            _ => {}
        }
        store.close();
    }
    assert!(
        some > 10 && all > 2,
        "of {pages} pages: {some} cost some edits, {all} none"
    );
}
