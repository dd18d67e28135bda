//! A disk without room: the write fails, says so, changes nothing, and works
//! once there is room again.

use super::*;
use wildthing::client::{NewHouse, OpenOptions, WildThingClient, WildThingError};

/// A large edit, so that it needs pages of its own.
fn large(store: &Store, id: &str) -> Result<Record, StoreError> {
    write(store, id, &"y".repeat(100_000))
}

#[test]
fn a_database_that_may_not_grow_refuses_the_write_and_nothing_of_it_stays() {
    let place = Place::new();
    let store = open(&place.db()).unwrap();
    write(&store, "a", "Attic").unwrap();
    let look = |store: &Store| {
        let names: Vec<Option<String>> = ["a", "b"].map(|id| name(store, id)).into();
        (
            names,
            unsent(store),
            store.read(wildthing::store::metadata::get).unwrap(),
        )
    };
    let before = look(&store);
    store.set_page_limit(1).unwrap();
    for _ in 0..3 {
        let error = large(&store, "b").unwrap_err();
        assert_eq!(error, StoreError::DiskFull);
        assert!(error.to_string().contains("free some space"), "{error}");
        assert!(large(&store, "a").is_err());
        assert_eq!(look(&store), before);
    }
    store.set_page_limit(1_000_000).unwrap();
    large(&store, "b").unwrap();
    assert_eq!(unsent(&store), ["a", "b"]);
}

/// What runs on a file system of half a megabyte, in a process of its own.
async fn on_a_small_disk(folder: &Path) {
    let client = WildThingClient::open(folder.join("replica.db"), OpenOptions::default())
        .await
        .unwrap();
    let house = |address: String| NewHouse {
        name: "Cabin".into(),
        address: Some(address),
        ..NewHouse::default()
    };
    client.create_house(house("1 Elm St".into())).await.unwrap();
    // The rest of the disk, but for the odd page, goes to somebody else.
    let ballast = folder.join("ballast");
    let mut size = 1 << 20;
    let mut filler = Vec::new();
    while size > 0 {
        filler.resize(filler.len() + size, b'.');
        if std::fs::write(&ballast, &filler).is_err() {
            filler.truncate(filler.len() - size);
            size /= 2;
        }
    }
    let mut made = 1;
    let error = loop {
        match client.create_house(house("z".repeat(20_000))).await {
            Ok(_) => made += 1,
            Err(error) => break error,
        }
    };
    let WildThingError::Storage { code, problem } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(code, "disk_full", "{problem}");
    assert!(problem.contains("free some space"), "{problem}");
    assert_eq!(client.get_houses().await.unwrap().len(), made);
    assert_eq!(client.pending_changes().await.unwrap().len(), made);
    std::fs::remove_file(ballast).unwrap();
    client.create_house(house("2 Elm St".into())).await.unwrap();
    client.shutdown().await;
    let again = WildThingClient::open(folder.join("replica.db"), OpenOptions::default())
        .await
        .unwrap();
    assert_eq!(again.get_houses().await.unwrap().len(), made + 1);
    assert_eq!(again.salvaged(), None);
}

/// On a real full disk, where a user may mount one: in a mount namespace of its own.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn so_it_is_on_a_real_disk_without_room() {
    const FOLDER: &str = "REPLICA_FILES_SMALL_DISK";
    if let Some(folder) = std::env::var_os(FOLDER) {
        return on_a_small_disk(Path::new(&folder)).await;
    }
    let place = Place::new();
    let script = "mount -t tmpfs -o size=512k tmpfs \"$0\" || exit 99; exec \"$@\"";
    let ran = std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(place.folder())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "full_disk::so_it_is_on_a_real_disk_without_room"])
        .env(FOLDER, place.folder())
        .output();
    let Ok(ran) = ran else {
        eprintln!("no `unshare` here: only the test with the limited database ran");
        return;
    };
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    if said.contains("test result") {
        assert!(ran.status.success(), "{said}");
        assert!(said.contains("1 passed"), "{said}");
    } else {
        eprintln!("nothing can be mounted here: only the test with the limited database ran ({said})");
    }
}
