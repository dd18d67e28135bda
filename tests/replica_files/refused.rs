//! Files that are not ours to use, and places where none can be: a typed
//! error, and nothing is touched.

use super::*;
use rusqlite::Connection;

#[track_caller]
fn refuses(place: &Place, path: &Path, code: &str, words: &[&str]) {
    let before = files(place.folder());
    for _ in 0..2 {
        let error = open(path).expect_err("it is refused");
        assert_eq!(error.code(), code, "{error}");
        for part in words {
            assert!(error.to_string().contains(part), "{part:?} is not in {error}");
        }
        let after = files(place.folder());
        assert!(before == after, "{:?} became {:?}", before.keys(), after.keys());
    }
}

#[test]
fn a_file_of_another_kind_is_not_a_database() {
    for bytes in [
        b"hello".to_vec(),
        b"SQLite format".to_vec(),
        "Dear diary, ".repeat(9_000).into_bytes(),
        json!({"server_url": "http://hub"}).to_string().into_bytes(),
        vec![0; 8_192],
        b"\x89PNG\r\n\x1a\n".repeat(200),
    ] {
        let place = Place::new();
        std::fs::write(place.db(), bytes).unwrap();
        refuses(
            &place,
            &place.db(),
            "not_a_database",
            &["replica.db", "move the file away"],
        );
    }
}

/// Another program's database, whose schema has any number.
fn foreign(path: &Path, version: i64, wal: bool) -> Connection {
    let other = wildthing::store::test_connection(path).unwrap();
    if wal {
        other.pragma_update(None, "journal_mode", "WAL").unwrap();
    }
    other
        .execute_batch(
            "CREATE TABLE records (id TEXT, song TEXT); INSERT INTO records VALUES ('1', 'Yesterday')",
        )
        .unwrap();
    other.pragma_update(None, "user_version", version).unwrap();
    other
}

#[test]
fn another_programs_database_is_left_alone_whatever_its_number_and_mode() {
    for version in [0, 1, 2, 999, -1] {
        for wal in [false, true] {
            let place = Place::new();
            drop(foreign(&place.db(), version, wal));
            refuses(&place, &place.db(), "not_a_database", &["replica.db"]);
            // As a kill leaves it: what it wrote last is in its WAL only.
            let killed = Place::new();
            let running = foreign(&place.file("other.db"), version, wal);
            copy_as_left(&place.file("other.db"), &killed.db());
            drop(running);
            refuses(&killed, &killed.db(), "not_a_database", &["replica.db"]);
            assert_eq!(killed.file("replica.db-wal").exists(), wal);
        }
    }
}

#[test]
fn a_newer_schema_of_ours_is_refused_and_says_to_update() {
    let place = Place::new();
    drop(open(&place.db()).unwrap());
    let newer = wildthing::store::test_connection(place.db()).unwrap();
    newer.pragma_update(None, "user_version", 999).unwrap();
    // With the change in the WAL, and then in the file.
    let killed = Place::new();
    copy_as_left(&place.db(), &killed.db());
    drop(newer);
    for place in [&place, &killed] {
        let words = ["schema 999", "update this program", "replica.db"];
        refuses(place, &place.db(), "newer_schema", &words);
    }
}

#[test]
fn where_no_file_can_be_the_error_names_the_place() {
    // Root may write anywhere, so permissions prove nothing here: these hold for everybody.
    let place = Place::new();
    std::fs::write(place.file("plain"), "a file").unwrap();
    std::fs::create_dir(place.file("folder.db")).unwrap();
    refuses(
        &place,
        &place.file("missing/replica.db"),
        "cant_open",
        &["missing", "folder exist"],
    );
    refuses(
        &place,
        &place.file("plain/replica.db"),
        "cant_open",
        &["plain/replica.db"],
    );
    refuses(&place, &place.file("folder.db"), "cant_open", &["folder.db"]);
    refuses(&place, &place.file(&"x".repeat(300)), "cant_open", &["xxx"]);
    let error = open(Path::new("")).unwrap_err();
    assert_eq!(error.code(), "cant_open", "{error}");
}

#[cfg(unix)]
#[test]
fn a_file_and_a_folder_that_are_read_only_are_told_from_other_faults() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    drop(open(&place.db()).unwrap());
    std::fs::set_permissions(place.db(), std::fs::Permissions::from_mode(0o400)).unwrap();
    if std::fs::OpenOptions::new().write(true).open(place.db()).is_ok() {
        // Root may write to it all the same, and must not be kept from it.
        drop(open(&place.db()).unwrap());
        return;
    }
    refuses(&place, &place.db(), "permission", &["replica.db", "permissions"]);
}

#[test]
fn names_that_sqlite_takes_for_something_else_are_plain_files() {
    let folder = tempfile::tempdir().unwrap();
    for name in [":memory:", "file:replica?mode=memory", "file:replica.db"] {
        // Joined by hand: relative names would depend on the working directory of all tests.
        let path = folder.path().join(name);
        let store = open(&path).unwrap();
        write(&store, "a", "Attic").unwrap();
        assert_eq!(super::name(&store, "a").as_deref(), Some("Attic"));
        drop(store);
        assert_eq!(super::name(&open(&path).unwrap(), "a").as_deref(), Some("Attic"));
    }
}

#[test]
fn a_relative_name_that_means_memory_to_sqlite_is_a_file_too() {
    // In a child with a working directory of its own.
    if let Ok(name) = std::env::var("REPLICA_FILES_RELATIVE") {
        write(&open(Path::new(&name)).unwrap(), "a", "Attic").unwrap();
        let again = open(Path::new(&name)).unwrap();
        assert_eq!(super::name(&again, "a").as_deref(), Some("Attic"));
        return;
    }
    let place = Place::new();
    for name in [":memory:", "file:replica?mode=memory", "plain.db"] {
        let test = "refused::a_relative_name_that_means_memory_to_sqlite_is_a_file_too";
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--quiet"])
            .env("REPLICA_FILES_RELATIVE", name)
            .current_dir(place.folder())
            .status()
            .unwrap();
        assert!(status.success(), "{name}");
        assert!(place.file(name).exists(), "{name}");
    }
}

#[test]
fn an_empty_file_becomes_a_replica() {
    let place = Place::new();
    std::fs::write(place.db(), "").unwrap();
    let store = open(&place.db()).unwrap();
    assert_eq!(store.salvage(), None);
    write(&store, "a", "Attic").unwrap();
    drop(store);
    assert_eq!(name(&open(&place.db()).unwrap(), "a").as_deref(), Some("Attic"));
}

/// What an app must not do unknowingly: go on with a file that is not encrypted.
#[cfg(not(feature = "sqlcipher"))]
#[test]
fn without_encryption_a_key_is_refused_and_no_file_is_made() {
    use wildthing::store::ReplicaKey;
    let place = Place::new();
    let with_key = || {
        let options = StoreOptions {
            path: Some(place.db()),
            full_sync: false,
            echo: false,
        };
        Store::open_with_key(options, ReplicaKey::new(&[7; 32]), RealSeam::shared())
    };
    assert_eq!(with_key().unwrap_err().code(), "no_encryption");
    assert!(files(place.folder()).is_empty());
    let store = open(&place.db()).unwrap();
    write(&store, "a", "Attic").unwrap();
    let refused = store.change_key(ReplicaKey::new(&[7; 32])).unwrap_err();
    assert!(refused.to_string().contains("`sqlcipher`"), "{refused}");
    assert_eq!(with_key().unwrap_err().code(), "no_encryption");
    assert_eq!(super::name(&store, "a").as_deref(), Some("Attic"));
}

#[test]
fn what_looks_encrypted_is_told_from_what_is_no_database() {
    // As far as statistics go, a page of an encrypted file: each byte 16 times.
    let bytes: Vec<u8> = (0..8_192_u32)
        .map(|at| ((at * 167) >> 4) as u8 ^ at as u8)
        .collect();
    let place = Place::new();
    std::fs::write(place.db(), &bytes).unwrap();
    if std::env::var_os("WILDTHING_TEST_KEY").is_some() {
        refuses(&place, &place.db(), "wrong_key", &["replica.db"]);
        return;
    }
    refuses(&place, &place.db(), "key_needed", &["replica.db", "encrypted"]);
    // A mark beside it, or none.
    std::fs::write(place.file("replica.db.suspect"), "damage was seen").unwrap();
    refuses(&place, &place.db(), "key_needed", &["replica.db"]);
}
