//! Encrypting a replica, changing its key, and taking the encryption off again: all
//! of it is there afterwards, the old key opens nothing, and nobody else is in the way.

use super::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wildthing::client::{NewHouse, NewRoom, OpenOptions, WildThingClient};

/// Everything that is in the database, schema and statistics included.
fn everything(store: &Store) -> Vec<String> {
    let read = store.read(|connection| {
        let mut lines = Vec::new();
        let mut tables = connection.prepare(
            "SELECT name, coalesce(sql, ''), rootpage > 0 AND type = 'table' FROM sqlite_schema ORDER BY type, name",
        )?;
        let tables: Vec<(String, String, bool)> = tables
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<Result<_, _>>()?;
        for (table, sql, has_rows) in tables {
            lines.push(format!("{table}: {sql}"));
            if has_rows {
                let mut rows = connection.prepare(&format!("SELECT * FROM {table}"))?;
                let columns = rows.column_count();
                let rows = rows.query_map([], |row| {
                    let values = (0..columns).map(|column| row.get::<_, rusqlite::types::Value>(column));
                    Ok(format!("{table} {:?}", values.collect::<Result<Vec<_>, _>>()?))
                })?;
                let start = lines.len();
                for row in rows {
                    lines.push(row?);
                }
                lines[start..].sort();
            }
        }
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        lines.push(format!("version {version}"));
        Ok(lines)
    });
    read.unwrap()
}

/// The bytes of a key, if there is one.
type Bytes = Option<[u8; 32]>;

const WAYS: [(Bytes, Bytes); 5] = [
    (None, Some(ANN)),
    (Some(ANN), Some(BEN)),
    (Some(ANN), None),
    (Some(ANN), Some(ANN)),
    (None, None),
];

#[test]
fn all_of_it_is_there_afterwards_and_the_old_key_opens_it_no_more() {
    for (from, to) in WAYS {
        let place = Place::new();
        filled(&place.db(), from, 50);
        let store = open(&place.db(), from).unwrap();
        store
            .set_server(Some("http://hub.local"), Some("client-1"), false)
            .unwrap();
        let before = everything(&store);
        assert!(before.len() > 100, "{}", before.len());
        store.change_key(to.map(key)).unwrap();
        assert_eq!(everything(&store), before);
        write(&store, "after", "Works").unwrap();
        assert_eq!(unsent(&store), 51);
        store.close();
        assert_eq!(
            files(place.folder()).len(),
            1,
            "{:?}",
            files(place.folder()).keys()
        );
        if from != to {
            assert!(open(&place.db(), from).is_err());
        }
        let again = open(&place.db(), to).unwrap();
        assert_eq!((unsent(&again), again.salvage()), (51, None));
        let mode: String = again
            .read(|connection| Ok(connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?))
            .unwrap();
        assert_eq!(mode, "wal");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(place.db()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_goes_on_with_what_it_was_doing() {
    let place = Place::new();
    let client = WildThingClient::open(place.db(), OpenOptions::default())
        .await
        .unwrap();
    let house = NewHouse {
        name: "Cabin".into(),
        ..NewHouse::default()
    };
    let house = client.create_house(house).await.unwrap().id;
    let done = Arc::new(AtomicBool::new(false));
    // Others write and read meanwhile: they wait, and no call of theirs fails.
    let others: Vec<_> = (0..3)
        .map(|number| {
            let (client, house, done) = (client.clone(), house.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                let mut made = 0;
                while !done.load(Ordering::Relaxed) {
                    let room = NewRoom::new(house.clone(), format!("Room {number}.{made}"));
                    client.create_room(room).await.unwrap();
                    client.get_rooms(None).await.unwrap();
                    made += 1;
                }
                made
            })
        })
        .collect();
    for to in [Some(ANN), Some(BEN), None, Some(ANN)] {
        client.change_key(to.map(key)).await.unwrap();
        client.search("Room".into(), None, 20).await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    let mut made = 0;
    for other in others {
        made += other.await.unwrap();
    }
    assert_eq!(client.get_rooms(None).await.unwrap().len(), made);
    assert_eq!(client.pending_changes().await.unwrap().len(), made + 1);
    client.shutdown().await;
    let again = WildThingClient::open_encrypted(place.db(), key(ANN), OpenOptions::default())
        .await
        .unwrap();
    assert_eq!(again.get_rooms(None).await.unwrap().len(), made);
    again.shutdown().await;
}

#[test]
fn while_another_one_has_it_open_nothing_changes() {
    for (from, to) in WAYS {
        let place = Place::new();
        filled(&place.db(), from, 10);
        let store = open(&place.db(), from).unwrap();
        let other = open(&place.db(), from).unwrap();
        assert_eq!(store.change_key(to.map(key)).unwrap_err().code(), "busy");
        for (index, one) in [&store, &other].into_iter().enumerate() {
            write(one, &format!("after-{index}"), "Works").unwrap();
            assert_eq!(unsent(one), 11 + index);
        }
        assert!(!place.file("replica.db.rekeyed").exists());
        other.close();
        store.change_key(to.map(key)).unwrap();
        assert_eq!(unsent(&store), 12);
    }
}

#[test]
fn of_those_who_open_it_meanwhile_none_writes_into_the_old_file() {
    let place = Arc::new(Place::new());
    filled(&place.db(), Some(ANN), 10);
    let done = Arc::new(AtomicBool::new(false));
    let writer = {
        let (place, done) = (Arc::clone(&place), Arc::clone(&done));
        std::thread::spawn(move || {
            let mut made = 0;
            while !done.load(Ordering::Relaxed) {
                // One of the two is its key, as the other one says.
                for bytes in [ANN, BEN] {
                    if let Ok(store) = open(&place.db(), Some(bytes)) {
                        write(&store, &format!("beside-{made}"), "Beside").unwrap();
                        made += 1;
                    }
                }
            }
            made
        })
    };
    let mut changed = 0;
    for turn in 0..200 {
        let (from, to) = if changed % 2 == 0 { (ANN, BEN) } else { (BEN, ANN) };
        let store = open(&place.db(), Some(from)).unwrap_or_else(|error| panic!("{turn}: {error}"));
        match store.change_key(Some(key(to))) {
            Ok(()) => changed += 1,
            Err(error) => assert_eq!(error.code(), "busy", "{error}"),
        }
        if changed >= 10 {
            break;
        }
    }
    done.store(true, Ordering::Relaxed);
    let made = writer.join().unwrap();
    assert!(changed >= 3, "changed {changed} times");
    let store = open(&place.db(), Some(if changed % 2 == 0 { ANN } else { BEN })).unwrap();
    assert_eq!((unsent(&store), store.salvage()), (10 + made, None));
}

#[test]
fn what_a_killed_one_left_is_cleared_away_and_counts_for_nothing() {
    let place = Place::new();
    filled(&place.db(), Some(ANN), 10);
    std::fs::write(place.file("replica.db.rekeyed"), "half of it").unwrap();
    let store = open(&place.db(), Some(ANN)).unwrap();
    assert!(!place.file("replica.db.rekeyed").exists());
    std::fs::write(place.file("replica.db.rekeyed"), "half of it").unwrap();
    store.change_key(Some(key(BEN))).unwrap();
    assert_eq!(unsent(&store), 10);
}

#[test]
fn where_the_copy_can_not_be_made_everything_stays_as_it_was() {
    let place = Place::new();
    filled(&place.db(), Some(ANN), 10);
    let store = open(&place.db(), Some(ANN)).unwrap();
    // Something is in the way that can't be removed as a file.
    std::fs::create_dir(place.file("replica.db.rekeyed")).unwrap();
    assert_eq!(store.change_key(None).unwrap_err().code(), "cant_open");
    write(&store, "after", "Works").unwrap();
    assert_eq!(unsent(&store), 11);
    store.close();
    assert_eq!(open(&place.db(), None).unwrap_err().code(), "key_needed");
    assert_eq!(unsent(&open(&place.db(), Some(ANN)).unwrap()), 11);
}
