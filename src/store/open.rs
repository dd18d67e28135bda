//! Opening the file: settings and migration. A file that is not ours, or
//! newer than this library, is refused and stays as it is; what happens to a
//! damaged one is in `repair`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::cipher::{self, ReplicaKey};
use super::repair::{self, Salvage};
use super::{StoreError, StoreOptions, metadata, rekey, schema};
use crate::seam::SharedSeam;

/// How long a write waits for another process.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How much of the file a connection keeps in memory, in KiB: what the screens
/// of a program look at over and over, of a house of any size. A hundred devices
/// of a graph are more than half of it, each with its edges on pages of their own.
const CACHE_KIB: i64 = 8_192;

/// How often turning the WAL on is tried while others do the same.
const MAX_WAL_TRIES: usize = 100;

/// Opens the writing connection, making or repairing the file as needed.
pub(super) fn writer(
    options: &StoreOptions,
    key: Option<&ReplicaKey>,
    seam: &SharedSeam,
) -> Result<(Connection, Option<Salvage>), StoreError> {
    cipher::supported(key)?;
    let Some(path) = &options.path else {
        return Ok((prepare(schema::in_memory()?, options, seam)?, None));
    };
    let place = path.display().to_string();
    let opened = if repair::is_wanted(path) {
        repair::run(path, options, key, seam)
    } else {
        match connect_beside_others(path, options, key, seam) {
            Err(StoreError::Corrupt { .. }) => {
                mark_suspect(path);
                repair::run(path, options, key, seam)
            }
            other => other.map(|connection| (connection, None)),
        }
    };
    opened.map_err(|error| error.at(&place))
}

/// Connects while nobody puts another file in the place of this one. From then on
/// nobody does, since the connection holds a lock of its own.
fn connect_beside_others(
    path: &Path,
    options: &StoreOptions,
    key: Option<&ReplicaKey>,
    seam: &SharedSeam,
) -> Result<Connection, StoreError> {
    let lock = repair::share_folder(path);
    let connection = connect(path, options, key, seam)?;
    if lock.is_some() {
        rekey::clear_away(path);
    }
    Ok(connection)
}

pub(super) fn connect(
    path: &Path,
    options: &StoreOptions,
    key: Option<&ReplicaKey>,
    seam: &SharedSeam,
) -> Result<Connection, StoreError> {
    make_private(path);
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // The last connection that closes moves the WAL into the database and
    // deletes it. In a file that is refused or damaged that is not ours to do.
    let leaves_wal = repair::size(&with_suffix(path, "-wal")) > 0;
    let connection = writable(path, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, leaves_wal)?;
    cipher::unlock(&connection, key)?;
    readable(&connection, path, key)?;
    let connection = prepare(connection, options, seam).map_err(|error| match error {
        error @ StoreError::Unexpected { .. } => cipher::damage(error, key),
        other => other,
    })?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(connection)
}

/// Reads for the first time. What can't be read for want of its key is told from what
/// is damaged.
fn readable(connection: &Connection, path: &Path, key: Option<&ReplicaKey>) -> Result<(), StoreError> {
    let looked = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
    match looked.map_err(StoreError::from) {
        Err(error @ StoreError::NotADatabase { .. }) => {
            cipher::check_key(path, key)?;
            Err(cipher::damage(error, key))
        }
        Err(error) => Err(cipher::damage(error, key)),
        Ok(()) => Ok(()),
    }
}

/// SQLite reads what it can't write, and says nothing: a client on such a connection
/// would take no edit for as long as it lives, perhaps for want of a file descriptor
/// at a bad moment.
fn writable(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, flags)?;
    if !connection.is_readonly("main")? {
        return Ok(connection);
    }
    let path = path.display().to_string();
    match std::fs::OpenOptions::new().write(true).open(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::PermissionDenied => Err(StoreError::CantOpen {
            path,
            problem: error.to_string(),
        }),
        Err(_) => Err(StoreError::ReadOnly { path }),
        // It was for a moment only.
        Ok(_) => Err(StoreError::CantOpen {
            path,
            problem: "it could not be opened for writing, but can be now".to_owned(),
        }),
    }
}

/// A replica is for its owner only: 0600 from the moment it exists.
#[cfg(unix)]
pub(super) fn make_private(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt as _;
    // If this fails, so will SQLite, and with a better word for it.
    let _ = std::fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path);
}

#[cfg(not(unix))]
pub(super) fn make_private(_: &Path) {}

fn prepare(
    mut connection: Connection,
    options: &StoreOptions,
    seam: &SharedSeam,
) -> Result<Connection, StoreError> {
    settings(&mut connection, options)?;
    // A first look before any setting is written: a file that is not ours stays as it is.
    // Any program may number its schemas: ours are known by a table. In one query,
    // since another process may be making the database meanwhile.
    let (version, tables, ours): (i64, i64, i64) = connection.query_row(
        "SELECT (SELECT user_version FROM pragma_user_version), count(*),
                count(*) FILTER (WHERE type = 'table' AND name = 'sync_metadata') FROM sqlite_schema",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    if (tables > 0 || version > 0) && (ours == 0 || version <= 0) {
        return Err(StoreError::NotADatabase { path: String::new() });
    }
    if version > schema::LATEST {
        return Err(StoreError::NewerSchema {
            path: String::new(),
            found: version,
            known: schema::LATEST,
        });
    }
    if options.path.is_some() {
        use_wal(&connection)?;
    }
    schema::migrate(&mut connection)?;
    metadata::ensure(&connection, seam.new_id().as_str())?;
    metadata::get(&connection)?;
    Ok(connection)
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// Turns the WAL on. SQLite does not wait for the lock that this needs: of
/// several processes that make a database at once, all but one are refused.
fn use_wal(connection: &Connection) -> Result<(), StoreError> {
    for _ in 0..MAX_WAL_TRIES {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error) if is_busy(&error) => {
                // For this lock it does wait; behind it the other one is done.
                connection.execute_batch("BEGIN IMMEDIATE; COMMIT")?;
            }
            other => return Ok(other?),
        }
    }
    Err(StoreError::Locked)
}

fn settings(connection: &mut Connection, options: &StoreOptions) -> Result<(), StoreError> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    // SQLite looks whether the value of `kind = ?1` is the one that the partial index
    // of edges has, and for that plans every such statement anew at each use. Plans
    // are to be made once: where that index is meant, the statement says so.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
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
pub(super) fn reader(options: &StoreOptions, key: Option<&ReplicaKey>) -> Result<Connection, StoreError> {
    let path = options.path.as_deref().ok_or(StoreError::Closed)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    cipher::unlock(&connection, key)?;
    settings(&mut connection, options)?;
    Ok(connection)
}

pub(super) fn suspect_mark(path: &Path) -> PathBuf {
    with_suffix(path, ".suspect")
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
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
