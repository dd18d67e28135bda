//! What must hold after a process met its fault: its replica opens with a healthy
//! disk, nothing was set aside, every transaction is whole or not there, what was
//! confirmed is there, and the next sync brings it to the hub or to the journal.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use wildthing::client::{Durability, OpenOptions, ReplicaKey, WildThingClient};

use super::fault_support::{LOSER, assert_converges, assert_sound, marks};
use super::stage::{Fault, Remains, Stage};
use super::victim::{REKEY, Told};

pub(crate) async fn check(stage: &Stage, fault: Fault, at: u32, fired: bool, remains: Remains) {
    let what = format!("{:?}, {fault:?} at call {at}: {:?}", stage.scene, remains.told);
    assert_end(fault, fired, &remains, &what);
    let made = made(&remains.told);

    let path = remains.replica();
    let reopened = match stage.scene.keys() {
        Some(keys) => decrypted(&path, keys, &remains.told, &what).await,
        None => WildThingClient::open(path.clone(), OpenOptions::default())
            .await
            .unwrap_or_else(|error| panic!("{what}: it does not open: {error:?}")),
    };
    assert_sound(&path, &what);
    let here = marks(&path);
    let lost: Vec<&String> = made.iter().filter(|mark| !here.contains(*mark)).collect();
    let may_lose = matches!(fault, Fault::PowerCut(_)) && stage.durability == Durability::Fast;
    if may_lose {
        // The last ones, and no other.
        let kept = made.iter().take_while(|mark| here.contains(*mark)).count();
        assert_eq!(kept + lost.len(), made.len(), "{what}: a hole, {lost:?}");
    } else {
        assert!(lost.is_empty(), "{what}: lost {lost:?}, there are {here:?}");
    }
    for mark in &stage.before {
        assert!(here.contains(mark), "{what}: {mark}, made before, is lost");
    }
    // What was refused changed nothing; of a failed fsync nobody can tell.
    if !matches!(fault, Fault::Error("sync")) {
        for told in &remains.told {
            if let Told::Failed(mark, code, problem) = told {
                assert!(
                    !here.contains(mark),
                    "{what}: {mark} was refused ({code}: {problem})"
                );
            }
        }
    }
    reopened.shutdown().await;

    let aside: Vec<String> = std::fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !["house.db", "house.db-wal", "house.db-shm"].contains(&name.as_str()))
        .collect();
    assert!(aside.is_empty(), "{what}: beside the replica there is {aside:?}");

    if stage.scene.has_hub() {
        assert_converges(&path, &remains.hub, &what).await;
        if stage.scene.settles() {
            assert!(marks(&path).contains(LOSER), "{what}: the loser is in no journal");
        }
    }
    let Remains { hub, folder, .. } = remains;
    hub.shutdown().await;
    drop(folder);
}

/// Opens what a change of keys left: with the one key or the other, and with that which
/// the process was told of. From then on it is not encrypted, for all who look at it.
async fn decrypted(path: &Path, keys: [Option<ReplicaKey>; 2], told: &[Told], what: &str) -> WildThingClient {
    let changed = told.contains(&Told::Rekeyed);
    let failed = told
        .iter()
        .any(|told| matches!(told, Told::Failed(what, ..) if what == REKEY));
    let [old, new] = keys;
    let mut problems = Vec::new();
    for (key, may_be) in [(old, !changed), (new, !failed)] {
        let options = OpenOptions::default();
        let opened = match key {
            Some(key) => WildThingClient::open_encrypted(path, key, options).await,
            None => WildThingClient::open(path, options).await,
        };
        match opened {
            Ok(client) => {
                assert!(may_be, "{what}: it has the other key");
                assert_eq!(client.salvaged(), None, "{what}");
                client.change_key(None).await.unwrap();
                return client;
            }
            Err(error) => problems.push(error),
        }
    }
    panic!("{what}: neither key opens it: {problems:?}");
}

/// It died of what it was meant to die of, or went on and told of every failure
/// what a program can act on.
fn assert_end(fault: Fault, fired: bool, remains: &Remains, what: &str) {
    let status = remains.status;
    if fired && fault.is_deadly() {
        assert_eq!(status.signal(), Some(9), "{what}");
        return;
    }
    assert!(status.success(), "{what}: {status}\n{}", remains.stderr);
    assert_eq!(remains.told.last(), Some(&Told::Done), "{what}");
    for told in &remains.told {
        if let Told::Failed(_, code, problem) = told {
            let expected: &[&str] = match fault {
                Fault::Full(_) => &["disk_full"],
                // SQLite takes a sector that can't be read for damage. What the next
                // open finds healthy stays where it is.
                Fault::Error("read") => &["io", "corrupt", "cant_open"],
                // The index beside the WAL can't grow: mostly that is for want of room.
                Fault::Error("write" | "resize") => &["io", "disk_full"],
                _ => &["io", "busy", "cant_open"],
            };
            assert!(expected.contains(&code.as_str()), "{what}: {code}: {problem}");
            assert!(fired, "{what}: it failed without a fault");
        }
    }
}

fn made(told: &[Told]) -> Vec<String> {
    told.iter()
        .filter_map(|told| match told {
            Told::Made(mark) => Some(mark.clone()),
            _ => None,
        })
        .collect()
}
