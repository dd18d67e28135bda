//! A hub and the replicas of a test, and what their files say: read with SQL,
//! so that the code under test is not asked about itself.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::writer::{Told, marks};
use crate::cli_support::{Running, Shell, TOKEN};

/// `blowing-off serve` with a database that can be looked into.
pub(crate) struct Hub {
    shell: Shell,
    running: Option<Running>,
    pub(crate) url: String,
}

impl Hub {
    /// A hub with a sample house.
    pub(crate) fn start(entities: &str) -> Self {
        let shell = Shell::new();
        let running = shell.start(&[
            "serve",
            "--sample",
            entities,
            "--listen",
            "127.0.0.1:0",
            "--db",
            "hub.db",
            "--auth-token",
            TOKEN,
        ]);
        let line = running.line();
        let url = line.strip_prefix("listening on ").unwrap().to_owned();
        Self {
            shell,
            running: Some(running),
            url,
        }
    }

    /// Connects a replica to it.
    pub(crate) fn connect(&self, shell: &Shell) {
        shell
            .run(&["connect", "--server-url", &self.url, "--auth-token", TOKEN])
            .ok();
    }

    /// Stops it; the file stays.
    pub(crate) fn stop(&mut self) {
        let code = self.running.take().unwrap().stop("TERM");
        assert_eq!(code, Some(0));
    }

    /// Its database.
    pub(crate) fn database(&self) -> PathBuf {
        self.shell.path("hub.db")
    }
}

/// The database of a shell.
pub(crate) fn database(shell: &Shell) -> PathBuf {
    shell.path("blowing-off.db")
}

/// Opens a file for looking only: it is neither recovered nor tidied by us.
fn look(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// How far the syncs of a replica have come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The process that has begun a sync and not ended it.
    pub(crate) syncing: Option<u32>,
    /// Moves with every page and every settlement.
    pub(crate) generation: i64,
    /// Attempts to send edits that still wait, written before they leave.
    pub(crate) attempts: i64,
    /// Edits that wait.
    pub(crate) waiting: i64,
    /// Edits ever made.
    pub(crate) edits: i64,
}

/// Looks at a replica again and again.
pub(crate) struct Observer(Connection);

impl Observer {
    pub(crate) fn of(path: &Path) -> Self {
        Self(look(path).unwrap())
    }

    pub(crate) fn standing(&self) -> Standing {
        let sql = "SELECT lease_pid, generation, (SELECT coalesce(sum(attempts), 0) FROM outbox), \
                   (SELECT count(*) FROM outbox), edit_seq FROM sync_metadata";
        let mut statement = self.0.prepare_cached(sql).unwrap();
        statement
            .query_row([], |row| {
                Ok(Standing {
                    syncing: row.get(0)?,
                    generation: row.get(1)?,
                    attempts: row.get(2)?,
                    waiting: row.get(3)?,
                    edits: row.get(4)?,
                })
            })
            .unwrap()
    }
}

/// How far the syncs of a replica have come.
pub(crate) fn standing(path: &Path) -> Standing {
    Observer::of(path).standing()
}

/// Lets a new process open what a killed one left behind.
pub(crate) fn reopen(shell: &Shell) {
    let path = database(shell);
    let before = standing(&path);
    let status = shell.json(&["status"]);
    assert_sound(&path);
    // A daemon may be at work; what it changes meanwhile can't be compared.
    if before == standing(&path) {
        let counted = status["pending"].as_i64().unwrap() + status["failed"].as_i64().unwrap();
        assert_eq!(counted, before.waiting);
    }
}

fn number(connection: &Connection, sql: &str) -> i64 {
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// What must hold in a replica whenever it is looked at: transactions were
/// whole or not at all.
pub(crate) fn assert_sound(path: &Path) {
    let connection = look(path).unwrap();
    let check: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    let broken = [
        (
            "a pending record is not in the outbox",
            "SELECT count(*) FROM records AS r WHERE sync_status = 'pending' AND NOT EXISTS \
             (SELECT 1 FROM outbox AS o WHERE o.kind = r.kind AND o.id = r.id)",
        ),
        (
            "the outbox names a record that is not there or is clean",
            "SELECT count(*) FROM outbox AS o WHERE NOT EXISTS (SELECT 1 FROM records AS r \
             WHERE o.kind = r.kind AND o.id = r.id AND r.sync_status <> 'synced')",
        ),
        (
            "an attempt was counted and not written down",
            "SELECT count(*) FROM outbox AS o WHERE attempts > 0 AND NOT EXISTS \
             (SELECT 1 FROM outbox_sent AS s WHERE s.kind = o.kind AND s.id = o.id)",
        ),
        (
            "a room went without a device in it",
            "SELECT count(*) FROM records AS d WHERE kind = 'device' AND NOT deleted AND name LIKE 'mark-%' \
             AND NOT EXISTS (SELECT 1 FROM records AS r WHERE r.kind = 'room' AND r.id = d.parent_id AND NOT r.deleted)",
        ),
    ];
    for (what, sql) in broken {
        assert_eq!(number(&connection, sql), 0, "{what}");
    }
}

/// Every mark in a column of texts.
fn marks_in(path: &Path, sql: &str) -> HashSet<String> {
    let connection = look(path).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let texts = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    texts
        .flat_map(|text| marks(&text.unwrap()).map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// Marks in a replica's records, tombstones included, and in its journal.
pub(crate) fn marks_here(path: &Path) -> HashSet<String> {
    marks_in(
        path,
        "SELECT coalesce(name, '') || ' ' || body FROM records UNION ALL SELECT version FROM journal",
    )
}

/// Kind, id and edit of everything that is there.
fn live(path: &Path, sql: &str) -> BTreeMap<(String, String), String> {
    let connection = look(path).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement
        .query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))
        .unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

/// Where the confirmed edits are in the end.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) confirmed: usize,
    /// In the hub's current version of the record.
    pub(crate) on_the_hub: usize,
    /// In the journal of a replica.
    pub(crate) in_a_journal: usize,
    /// In a record that its author has deleted since, perhaps before any sync.
    pub(crate) deleted_since: usize,
    pub(crate) missing: Vec<String>,
}

/// Looks for every confirmed edit in the hub's file and in the journals.
pub(crate) fn account(hub: &Path, replicas: &[PathBuf], told: &[Told]) -> Account {
    let on_the_hub = marks_in(hub, "SELECT data FROM versions");
    let journals: HashSet<String> = replicas
        .iter()
        .flat_map(|path| marks_in(path, "SELECT version FROM journal"))
        .collect();
    let doomed: HashSet<&String> = told.iter().flat_map(|told| &told.doomed).collect();
    let live_rooms = live(hub, "SELECT kind, id, sync_id FROM versions WHERE NOT deleted");
    let mut account = Account::default();
    for mark in told.iter().flat_map(|told| &told.made) {
        account.confirmed += 1;
        if on_the_hub.contains(mark) {
            account.on_the_hub += 1;
        } else if journals.contains(mark) {
            account.in_a_journal += 1;
        } else if doomed.contains(mark) {
            account.deleted_since += 1;
        } else {
            account.missing.push(mark.clone());
        }
    }
    for room in told.iter().flat_map(|told| &told.deleted) {
        account.confirmed += 1;
        if live_rooms.contains_key(&("room".to_owned(), room.clone())) {
            account.missing.push(format!("the deletion of {room}"));
        } else {
            account.on_the_hub += 1;
        }
    }
    account
}

/// A replica must have what the hub has, and nothing unsent.
pub(crate) fn assert_agree(hub: &Path, replica: &Path) {
    let theirs = live(hub, "SELECT kind, id, sync_id FROM versions WHERE NOT deleted");
    let ours = live(replica, "SELECT kind, id, sync_id FROM records WHERE NOT deleted");
    assert!(ours == theirs, "hub and replica differ");
    assert_eq!(standing(replica).waiting, 0, "edits are left in the outbox");
}
