//! What must hold after a process met its fault: its replica opens with a healthy
//! disk, nothing was set aside, every transaction is whole or not there, what was
//! confirmed is there, and the next sync brings it to the hub or to the journal.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;

use rusqlite::Connection;
use wildthing::client::{Durability, OpenOptions, WildThingClient};

use super::stage::{Fault, Remains, Scene, Stage, client};
use super::victim::Told;

/// The marks that are found.
type Marks = BTreeSet<String>;

pub(crate) async fn check(stage: &Stage, fault: Fault, at: u32, fired: bool, remains: Remains) {
    let what = format!("{:?}, {fault:?} at call {at}: {:?}", stage.scene, remains.told);
    assert_end(fault, fired, &remains, &what);
    let made = made(&remains.told);

    let path = remains.replica();
    let reopened = WildThingClient::open(path.clone(), OpenOptions::default())
        .await
        .unwrap_or_else(|error| panic!("{what}: it does not open: {error:?}"));
    assert_sound(&Connection::open(&path).unwrap(), &what);
    let here = marks(&Connection::open(&path).unwrap());
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
        converges(stage, &remains, &here, &what).await;
    }
    let Remains { hub, folder, .. } = remains;
    hub.shutdown().await.unwrap();
    drop(folder);
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

/// Marks in records and in the journal.
fn marks(connection: &Connection) -> Marks {
    let mut statement = connection
        .prepare(
            "SELECT coalesce(name, '') || ' ' || body FROM records UNION ALL SELECT version FROM journal
             UNION ALL SELECT version FROM history",
        )
        .unwrap();
    let texts = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    texts
        .flat_map(|text| {
            let text = text.unwrap();
            text.match_indices("mark-")
                .map(|(at, _)| text[at..at + 7].to_owned())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Transactions were whole or not at all.
fn assert_sound(connection: &Connection, what: &str) {
    let check: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok", "{what}");
    for (broken, sql) in [
        (
            "a pending record is not in the outbox",
            "SELECT count(*) FROM records AS r WHERE sync_status = 'pending' AND NOT EXISTS
                 (SELECT 1 FROM outbox AS o WHERE o.kind = r.kind AND o.id = r.id)",
        ),
        (
            "the outbox names a record that is not there or is clean",
            "SELECT count(*) FROM outbox AS o WHERE NOT EXISTS
                 (SELECT 1 FROM records AS r WHERE o.kind = r.kind AND o.id = r.id AND r.sync_status <> 'synced')",
        ),
    ] {
        let count: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(count, 0, "{what}: {broken}");
    }
}

/// The next sync goes through; then the hub has what the replica has, and every edit
/// that was there is still in one of them.
async fn converges(stage: &Stage, remains: &Remains, before: &Marks, what: &str) {
    let here = client(&remains.replica(), &remains.hub.url()).await;
    for _ in 0..2 {
        let synced = here.sync().await;
        synced.unwrap_or_else(|error| panic!("{what}: no sync any more: {error:?}"));
    }
    let content = here.digests().await.unwrap().content;
    let hub = remains.hub.store().lock().unwrap().content_digest().unwrap();
    assert_eq!(content, hub, "{what}: the digests differ");
    assert!(here.pending_changes().await.unwrap().is_empty(), "{what}");
    here.shutdown().await;
    let after = marks(&Connection::open(remains.replica()).unwrap());
    let gone: Vec<&String> = before.difference(&after).collect();
    assert!(gone.is_empty(), "{what}: gone in a sync: {gone:?}");
    if stage.scene == Scene::Settle {
        assert!(after.contains("mark-b3"), "{what}: the loser is in no journal");
    }
}
