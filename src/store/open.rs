//! Opening the file: settings, migration, and what happens to a damaged one.
//!
//! Damage is believed only when SQLite said so and a quick check under an
//! exclusive lock agrees. Then the database, its WAL and its index are moved
//! aside together, never deleted, and unsent edits are saved where they can be
//! read. Anything else that goes wrong is an error and touches nothing.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::{Connection, OpenFlags};

use super::outbox::{self, OutboxEntry};
use super::{StoreError, StoreOptions, metadata, rows, schema};
use crate::model::Record;
use crate::seam::SharedSeam;

/// How long a write waits for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// What became of a damaged file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvage {
    /// Where the damaged database is now.
    pub set_aside: PathBuf,
    /// How many unsent edits were carried over.
    pub edits_saved: u64,
}

/// Opens the writing connection, making or repairing the file as needed.
pub(super) fn writer(
    options: &StoreOptions,
    seam: &SharedSeam,
) -> Result<(Connection, Option<Salvage>), StoreError> {
    let Some(path) = &options.path else {
        return Ok((prepare(Connection::open_in_memory()?, options, seam)?, None));
    };
    let place = path.display().to_string();
    let suspect = suspect_mark(path).exists();
    let opened = if suspect {
        Err(suspected())
    } else {
        connect(path, options, seam)
    };
    let result = match opened {
        Err(StoreError::Corrupt { problem, .. }) => {
            if confirm_damage(path)? {
                set_aside(path, options, seam).map(|(connection, salvage)| (connection, Some(salvage)))
            } else {
                let _ = std::fs::remove_file(suspect_mark(path));
                match connect(path, options, seam) {
                    Ok(connection) => Ok((connection, None)),
                    Err(_) => Err(StoreError::Corrupt {
                        path: place.clone(),
                        problem,
                    }),
                }
            }
        }
        other => other.map(|connection| (connection, None)),
    };
    result.map_err(|error| error.at(&place))
}

fn suspected() -> StoreError {
    StoreError::Corrupt {
        path: String::new(),
        problem: "damage was seen earlier".into(),
    }
}

fn connect(path: &Path, options: &StoreOptions, seam: &SharedSeam) -> Result<Connection, StoreError> {
    make_private(path);
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    prepare(Connection::open_with_flags(path, flags)?, options, seam)
}

/// A replica is for its owner only: 0600 from the moment it exists.
#[cfg(unix)]
fn make_private(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt as _;
    // If this fails, so will SQLite, and with a better word for it.
    let _ = std::fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path);
}

#[cfg(not(unix))]
fn make_private(_: &Path) {}

fn prepare(
    mut connection: Connection,
    options: &StoreOptions,
    seam: &SharedSeam,
) -> Result<Connection, StoreError> {
    settings(&mut connection, options)?;
    // A first look before any setting is written: a file that is not ours stays as it is.
    // It is one snapshot: read apart, the number may be from before and the tables from
    // after another process made them.
    let look = connection.transaction()?;
    let version: i64 = look.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let tables: i64 = look.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    look.finish()?;
    if version > schema::LATEST {
        return Err(StoreError::NewerSchema {
            path: String::new(),
            found: version,
            known: schema::LATEST,
        });
    }
    if version == 0 && tables > 0 {
        return Err(StoreError::NotADatabase { path: String::new() });
    }
    if options.path.is_some() {
        use_wal(&connection)?;
    }
    schema::migrate(&mut connection)?;
    metadata::ensure(&connection, seam.new_id().as_str())?;
    metadata::get(&connection)?;
    Ok(connection)
}

/// Switches a new file to WAL, and finds an old one in it.
///
/// SQLite does not wait for other processes here, since two that switch at once
/// would wait for each other; so this tries again until the other one has.
fn use_wal(connection: &Connection) -> Result<(), StoreError> {
    let begun = Instant::now();
    loop {
        let switched = connection.pragma_update(None, "journal_mode", "WAL");
        match switched.map_err(StoreError::from) {
            Err(StoreError::Locked) if begun.elapsed() < BUSY_TIMEOUT => {
                std::thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
}

fn settings(connection: &mut Connection, options: &StoreOptions) -> Result<(), StoreError> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(64);
    if options.echo {
        connection.trace_v2(
            TraceEventCodes::SQLITE_TRACE_STMT,
            Some(|event: TraceEvent<'_>| {
                if let TraceEvent::Stmt(_, sql) = event {
                    // The statement as written, with `?1` for its values: a log of it holds no secrets.
                    tracing::debug!(target: "wildthing::sql", "{sql}");
                }
            }),
        )?;
    }
    Ok(())
}

/// Opens a reading connection.
pub(super) fn reader(options: &StoreOptions) -> Result<Connection, StoreError> {
    let path = options.path.as_deref().ok_or(StoreError::Closed)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    settings(&mut connection, options)?;
    Ok(connection)
}

fn suspect_mark(path: &Path) -> PathBuf {
    with_suffix(path, ".suspect")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Leaves a mark that the next open should check the file.
pub(super) fn mark_suspect(path: &Path) {
    if let Err(error) = std::fs::write(
        suspect_mark(path),
        b"SQLite reported damage; the next open checks.\n",
    ) {
        tracing::warn!(%error, "could not leave a mark beside a damaged database");
    }
}

/// Whether a quick check under an exclusive lock finds damage.
fn confirm_damage(path: &Path) -> Result<bool, StoreError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    match connection
        .execute_batch("BEGIN EXCLUSIVE")
        .map_err(StoreError::from)
    {
        Ok(()) => {}
        Err(StoreError::Corrupt { .. }) => return Ok(true),
        Err(other) => return Err(other),
    }
    match connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0)) {
        Ok(answer) => Ok(answer != "ok"),
        Err(error) => match StoreError::from(error) {
            StoreError::Corrupt { .. } => Ok(true),
            other => Err(other),
        },
    }
}

/// Moves the damaged files aside and starts anew with what could be read of the outbox.
fn set_aside(
    path: &Path,
    options: &StoreOptions,
    seam: &SharedSeam,
) -> Result<(Connection, Salvage), StoreError> {
    let saved = readable_edits(path);
    let stamp = seam.now().to_string().replace(':', "-");
    let target = with_suffix(path, &format!(".damaged-{stamp}"));
    for suffix in ["", "-wal", "-shm"] {
        let from = with_suffix(path, suffix);
        if from.exists() {
            std::fs::rename(&from, with_suffix(&target, suffix)).map_err(|error| StoreError::Io {
                problem: error.to_string(),
            })?;
        }
    }
    let connection = connect(path, options, seam)?;
    let count = saved.len() as u64;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    for (entry, record) in saved {
        let edit_seq = metadata::next_edit_seq(&connection)?;
        outbox::put(&connection, &OutboxEntry { edit_seq, ..entry })?;
        rows::put(
            &connection,
            &record,
            metadata::next_change_seq(&connection)?,
            rows::LastChange::Status,
            0,
        )?;
    }
    connection.execute_batch("COMMIT")?;
    let _ = std::fs::remove_file(suspect_mark(path));
    tracing::error!(set_aside = %target.display(), edits_saved = count, "the database was damaged and set aside");
    Ok((
        connection,
        Salvage {
            set_aside: target,
            edits_saved: count,
        },
    ))
}

/// Every unsent edit that can still be read, one by one.
fn readable_edits(path: &Path) -> Vec<(OutboxEntry, Record)> {
    let Ok(connection) = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY) else {
        return Vec::new();
    };
    let entries = outbox::list(&connection).unwrap_or_default();
    entries
        .into_iter()
        .filter_map(|entry| match rows::get(&connection, &entry.key) {
            Ok(Some(record)) => Some((entry, record)),
            _ => None,
        })
        .collect()
}
