//! What whoever finds the files can read in them, and in what is logged: nothing.

use super::*;
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span;
use wildthing::client::{NewHouse, NewRoom, OpenOptions, WildThingClient, WildThingError};

const HOUSE: &str = "Thornfield";
const ROOM: &str = "Conservatory";

/// Fails if any byte of the folder tells something.
fn assert_secret(folder: &Path, what: &str) -> usize {
    let all = files(folder);
    for (file, bytes) in &all {
        for word in [HOUSE, ROOM, "SQLite", "CREATE TABLE", "outbox", "room_type"] {
            assert!(!contains(bytes, word.as_bytes()), "{what}: {word:?} is in {file}");
        }
        for key in [ANN, BEN] {
            assert!(!contains(bytes, &key), "{what}: a key is in {file}");
        }
        // Of every byte there is as much as chance gives: 1/256, by more than 6 sigma.
        if bytes.len() >= 100_000 {
            let mut counts = [0_usize; 256];
            bytes.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
            let mean = bytes.len() / 256;
            let most = counts.iter().max().unwrap();
            assert!(*most < mean + mean / 2 + 64, "{what}: {file} is not by chance");
        }
    }
    all.len()
}

async fn furnish(client: &WildThingClient) {
    let house = NewHouse {
        name: HOUSE.into(),
        ..NewHouse::default()
    };
    let house = client.create_house(house).await.unwrap().id;
    for number in 0..60 {
        let room = NewRoom::new(house.clone(), format!("{ROOM} {number}"));
        client.create_room(room).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_in_no_byte_of_any_file_and_can_be_searched_for_all_the_same() {
    let place = Place::new();
    let client = WildThingClient::open_encrypted(place.db(), key(ANN), OpenOptions::default())
        .await
        .unwrap();
    furnish(&client).await;
    let found = client.search(ROOM.into(), None, 20).await.unwrap();
    assert!(found.len() > 10, "{}", found.len());
    assert_eq!(assert_secret(place.folder(), "open"), 2, "database and WAL");
    client.reset(true).await.unwrap();
    furnish(&client).await;
    client.shutdown().await;
    assert_eq!(assert_secret(place.folder(), "closed"), 1);

    // What was set aside as damaged tells nothing either, and nothing of it is left over.
    let mut bytes = std::fs::read(place.db()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4_096].fill_with({
        let mut byte = 0_u8;
        move || {
            byte = byte.wrapping_mul(5).wrapping_add(7);
            byte
        }
    });
    std::fs::write(place.db(), bytes).unwrap();
    std::fs::write(place.file("replica.db.suspect"), "damage was seen").unwrap();
    let again = WildThingClient::open_encrypted(place.db(), key(ANN), OpenOptions::default())
        .await
        .unwrap();
    assert!(again.salvaged().unwrap().edits_saved > 0);
    assert_secret(place.folder(), "set aside");
    again.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_plain_is_in_no_file_once_it_is_encrypted() {
    let place = Place::new();
    let client = WildThingClient::open(place.db(), OpenOptions::default())
        .await
        .unwrap();
    furnish(&client).await;
    assert!(
        files(place.folder())
            .values()
            .any(|bytes| contains(bytes, ROOM.as_bytes()))
    );
    client.change_key(Some(key(ANN))).await.unwrap();
    assert_secret(place.folder(), "encrypted");
    client.change_key(Some(key(BEN))).await.unwrap();
    furnish(&client).await;
    assert_secret(place.folder(), "encrypted anew");
    assert_eq!(client.pending_changes().await.unwrap().len(), 122);
    client.shutdown().await;
    assert_eq!(assert_secret(place.folder(), "closed"), 1);
}

/// Collects everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Visit for Log {
    fn record_debug(&mut self, _: &Field, value: &dyn std::fmt::Debug) {
        *self.0.lock().unwrap() += &format!("{value:?}\n");
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[test]
fn no_key_is_in_a_log_an_error_or_debug_output() {
    let place = Place::new();
    let log = Log::default();
    let mut told = tracing::subscriber::with_default(log.clone(), || {
        // Every statement is logged, as the library's users may ask for.
        let store = open(&place.db(), Some(ANN)).unwrap();
        write(&store, "a", "Attic").unwrap();
        let mut told = format!("{:?} {store:?}", key(ANN));
        store.change_key(Some(key(BEN))).unwrap();
        store.close();
        for wrong in [Some(ANN), None] {
            let error = open(&place.db(), wrong).unwrap_err();
            let public = WildThingError::from(error.clone());
            told += &format!("{error} {error:?} {public} {public:?}");
        }
        told
    });
    told += &log.0.lock().unwrap();
    assert!(told.contains("wal_checkpoint"), "statements are logged: {told}");
    let hex = |bytes: [u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for bytes in [ANN, BEN] {
        assert!(!contains(told.as_bytes(), &bytes));
        assert!(!told.to_lowercase().contains(&hex(bytes)[..16]), "{told}");
        assert!(!told.contains(&format!("{bytes:?}")[1..20]), "{told}");
    }
}
