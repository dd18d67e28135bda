//! The hub's SQLite file: opening, recognising, creating and migrating it.
//!
//! What the tables hold is read and written in `rows`; nothing here knows of
//! versions or decisions.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::seam::SharedSeam;

use super::HubError;

/// Marks a SQLite file as a hub's: "WTHB".
const APPLICATION_ID: i64 = 0x5754_4842;
/// What a hub speaks, and the tables it speaks from. A database keeps the
/// protocol it was made with.
#[derive(Clone, Copy)]
pub(super) struct Protocol {
    pub(super) name: &'static str,
    /// Each leads from the schema number that is its index.
    pub(super) migrations: &'static [&'static str],
}

impl Protocol {
    /// The schema that this program writes.
    fn schema(self) -> i64 {
        self.migrations.len() as i64
    }
}

/// The five-step protocol.
pub(super) const V1: Protocol = Protocol {
    name: "v1",
    migrations: MIGRATIONS,
};

const MIGRATIONS: &[&str] = &["
    CREATE TABLE meta (
        one          INTEGER PRIMARY KEY CHECK (one = 1),
        hub_id       TEXT NOT NULL,
        epoch        TEXT NOT NULL,
        protocol     TEXT NOT NULL,
        -- The greatest arrival stamp ever given out, in microseconds since 1970.
        last_arrival INTEGER NOT NULL
    ) STRICT;
    -- The current version of every record, tombstones included.
    CREATE TABLE versions (
        kind      TEXT NOT NULL,
        id        TEXT NOT NULL,
        sync_id   TEXT NOT NULL,
        deleted   INTEGER NOT NULL CHECK (deleted IN (0, 1)),
        -- The `data` object of the wire, whole.
        data      TEXT NOT NULL CHECK (json_valid(data)),
        -- What the version was made on, as a JSON array of sync_ids.
        bases     TEXT NOT NULL CHECK (json_valid(bases)),
        -- Who pushed it.
        client_id TEXT NOT NULL,
        arrival   INTEGER NOT NULL,
        PRIMARY KEY (kind, id)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX versions_by_arrival ON versions (arrival);
    -- Every edit ever decided, so that a repeated one gets the same answer.
    CREATE TABLE decided (
        kind    TEXT NOT NULL,
        id      TEXT NOT NULL,
        sync_id TEXT NOT NULL,
        outcome TEXT NOT NULL CHECK (outcome IN ('applied', 'lost', 'superseded')),
        PRIMARY KEY (kind, id, sync_id)
    ) STRICT, WITHOUT ROWID;
    -- Every version that lost against a concurrent one, whole, with the winner.
    CREATE TABLE losers (
        seq            INTEGER PRIMARY KEY,
        kind           TEXT NOT NULL,
        id             TEXT NOT NULL,
        sync_id        TEXT NOT NULL,
        data           TEXT NOT NULL CHECK (json_valid(data)),
        winner_sync_id TEXT NOT NULL,
        winner         TEXT NOT NULL CHECK (json_valid(winner)),
        reason         TEXT NOT NULL,
        -- The loser's author.
        client_id      TEXT NOT NULL,
        -- Whether the loser had been applied before; its author believes so still.
        displaced      INTEGER NOT NULL CHECK (displaced IN (0, 1)),
        -- The winner's arrival stamp.
        arrival        INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX losers_by_edit ON losers (kind, id, sync_id);
    CREATE INDEX losers_by_winner ON losers (kind, id, winner_sync_id) WHERE displaced;
    CREATE INDEX losers_by_author ON losers (client_id, arrival) WHERE displaced;
"];

/// What identifies a hub.
pub(super) struct Identity {
    pub(super) hub_id: String,
    pub(super) epoch: String,
}

/// Opens or creates the hub database at `path`.
pub(super) fn open(
    path: &Path,
    protocol: Protocol,
    seam: &SharedSeam,
) -> Result<(Connection, Identity), HubError> {
    create_private(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags).map_err(|error| name_the_file(error, path))?;
    conn.busy_timeout(Duration::from_secs(5))?;
    recognise(&conn, path, protocol)?;
    protect(path)?;
    // An applied edit must survive a power cut once its client was told so.
    conn.pragma_update(None, "journal_mode", "wal")?;
    conn.pragma_update(None, "synchronous", "full")?;
    let identity = migrate(&mut conn, path, protocol, seam)?;
    Ok((conn, identity))
}

/// A hub database that lives as long as its connection.
pub(super) fn open_in_memory(
    protocol: Protocol,
    seam: &SharedSeam,
) -> Result<(Connection, Identity), HubError> {
    let mut conn = Connection::open_in_memory()?;
    let identity = migrate(&mut conn, Path::new(":memory:"), protocol, seam)?;
    Ok((conn, identity))
}

/// Makes the file, if there is none, so that only its owner ever could read it.
fn create_private(path: &Path) -> Result<(), HubError> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map(drop)
        .map_err(|problem| file_error(path, problem))
}

/// Takes the permissions of others away from a file that is known to be ours.
fn protect(path: &Path) -> Result<(), HubError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = std::fs::metadata(path).map_err(|problem| file_error(path, problem))?;
        if metadata.permissions().mode() & 0o777 != 0o600 {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
                .map_err(|problem| file_error(path, problem))?;
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Reads, without writing anything, whether the file is empty or a hub's.
fn recognise(conn: &Connection, path: &Path, protocol: Protocol) -> Result<(), HubError> {
    let tables: i64 = conn
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|error| name_the_file(error, path))?;
    let application: i64 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let found: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if application != APPLICATION_ID && (tables != 0 || application != 0 || found != 0) {
        return Err(HubError::NotAHub {
            path: path.to_owned(),
        });
    }
    if found > 0 {
        check_protocol(conn, path, protocol)?;
    }
    check_schema(found, path, protocol)
}

/// Asked before the schema number, which each protocol counts for itself.
fn check_protocol(conn: &Connection, path: &Path, wanted: Protocol) -> Result<(), HubError> {
    let found = match conn.query_row("SELECT protocol FROM meta", [], |row| row.get::<_, String>(0)) {
        Ok(found) => found,
        Err(rusqlite::Error::QueryReturnedNoRows) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if found != wanted.name {
        return Err(HubError::OtherProtocol {
            path: path.to_owned(),
            found,
            wanted: wanted.name,
        });
    }
    Ok(())
}

fn check_schema(found: i64, path: &Path, protocol: Protocol) -> Result<(), HubError> {
    if found > protocol.schema() {
        return Err(HubError::NewerSchema {
            path: path.to_owned(),
            found,
            known: protocol.schema(),
        });
    }
    Ok(())
}

/// Brings the schema up to date and reads who the hub is. The schema number is
/// read inside the transaction: another process may have been faster.
fn migrate(
    conn: &mut Connection,
    path: &Path,
    protocol: Protocol,
    seam: &SharedSeam,
) -> Result<Identity, HubError> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
    check_schema(found, path, protocol)?;
    for migration in protocol
        .migrations
        .iter()
        .skip(usize::try_from(found).unwrap_or(0))
    {
        tx.execute_batch(migration)?;
    }
    if found < protocol.schema() {
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", protocol.schema())?;
    }
    // The first stamp is the clock's, so that even an empty hub has a `server_time`.
    tx.execute(
        "INSERT OR IGNORE INTO meta (one, hub_id, epoch, protocol, last_arrival) VALUES (1, ?1, ?2, ?3, ?4)",
        (
            seam.new_id().as_str(),
            seam.new_id().as_str(),
            protocol.name,
            seam.now().micros(),
        ),
    )?;
    // Another process may have made the file for its own protocol just now.
    check_protocol(&tx, path, protocol)?;
    let (hub_id, epoch) = tx.query_row("SELECT hub_id, epoch FROM meta", [], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    tx.commit()?;
    Ok(Identity { hub_id, epoch })
}

fn file_error(path: &Path, problem: std::io::Error) -> HubError {
    HubError::File {
        path: path.to_owned(),
        problem,
    }
}

fn name_the_file(error: rusqlite::Error, path: &Path) -> HubError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => HubError::NotADatabase {
            path: path.to_owned(),
        },
        _ => HubError::Storage(error),
    }
}
