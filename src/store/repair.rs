//! What happens to a damaged file.
//!
//! Damage is believed only when SQLite said so and a quick check under an
//! exclusive lock agrees. Then the database, its WAL and its index are moved
//! aside together, never deleted, and unsent edits are carried over where they
//! can be read. All of it happens under a lock on the folder, and can be taken
//! up again where it was cut off: a mark beside the file says how far it got.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::open::{BUSY_TIMEOUT, connect, suspect_mark, with_suffix};
use super::outbox::{self, OutboxEntry};
use super::{StoreError, StoreOptions, metadata, rows};
use crate::model::{Key, Record, RecordStatus};
use crate::seam::SharedSeam;

/// The files of a database.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];
/// How the mark begins once it is decided where the damaged file goes.
const DECIDED: &str = "set aside as ";

/// What became of a damaged file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvage {
    /// Where the damaged database is now.
    pub set_aside: PathBuf,
    /// How many unsent edits were carried over.
    pub edits_saved: u64,
}

/// The size of a file; 0 if it is not there.
pub(super) fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |found| found.len())
}

/// Whether the file must be looked at before it is opened.
pub(super) fn is_wanted(path: &Path) -> bool {
    suspect_mark(path).exists() || has_only_its_wal(path)
}

/// A WAL without its database, or with an empty one: SQLite would delete the
/// WAL, and with it the last edits.
fn has_only_its_wal(path: &Path) -> bool {
    size(&with_suffix(path, "-wal")) > 0 && is_empty(path)
}

/// SQLite takes a file of one byte for an empty one, too.
fn is_empty(path: &Path) -> bool {
    size(path) <= 1
}

/// Looks at a file that seems damaged, and sets it aside if it is.
pub(super) fn run(
    path: &Path,
    options: &StoreOptions,
    seam: &SharedSeam,
) -> Result<(Connection, Option<Salvage>), StoreError> {
    let _lock = lock_folder(path)?;
    let mark = suspect_mark(path);
    let decided = fs::read_to_string(&mark).ok().and_then(|text| {
        let name = text.trim_end().strip_prefix(DECIDED)?.to_owned();
        Some(path.with_file_name(name))
    });
    let target = match decided {
        // Somebody was killed on the way: the rest is done now.
        Some(target) => target,
        None if has_only_its_wal(path) || (!is_empty(path) && is_damaged(path)?) => {
            let stamp = seam.now().to_string().replace(':', "-");
            let target = with_suffix(path, &format!(".damaged-{stamp}"));
            let name = target.file_name().unwrap_or_default().to_string_lossy();
            fs::write(&mark, format!("{DECIDED}{name}\n")).map_err(io)?;
            target
        }
        None => {
            // Healthy, or put in order by another process while this one waited.
            let connection = connect(path, options, seam)?;
            let _ = fs::remove_file(mark);
            return Ok((connection, None));
        }
    };
    for suffix in SUFFIXES {
        let (from, to) = (with_suffix(path, suffix), with_suffix(&target, suffix));
        if from.exists() && !to.exists() {
            fs::rename(&from, &to).map_err(io)?;
        }
    }
    let connection = connect(path, options, seam)?;
    let edits_saved = carry_over(&connection, readable_edits(&target))?;
    let _ = fs::remove_file(mark);
    tracing::error!(set_aside = %target.display(), edits_saved, "the database was damaged and set aside");
    Ok((
        connection,
        Some(Salvage {
            set_aside: target,
            edits_saved,
        }),
    ))
}

fn io(error: std::io::Error) -> StoreError {
    StoreError::Io {
        problem: error.to_string(),
    }
}

/// One process at a time looks after damage: otherwise the second one would set
/// aside the new file of the first. `None` where folders can't be locked.
fn lock_folder(path: &Path) -> Result<Option<File>, StoreError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match File::open(folder) {
        Ok(folder) if cfg!(unix) => folder.lock().map(|()| Some(folder)).map_err(io),
        _ => Ok(None),
    }
}

/// Whether a quick check finds damage, and finds it again under an exclusive lock.
fn is_damaged(path: &Path) -> Result<bool, StoreError> {
    // Other processes may be at work in a healthy file, and are not waited for.
    Ok(check(path, false)? && check(path, true)?)
}

fn check(path: &Path, alone: bool) -> Result<bool, StoreError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Its WAL is part of what is looked at, and must outlive the look.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let answer = (|| {
        if alone {
            // With this setting the lock keeps other connections out altogether: a
            // process that still writes to the file must not have it moved away.
            connection.query_row("PRAGMA locking_mode = EXCLUSIVE", [], |_| Ok(()))?;
            connection.execute_batch("BEGIN EXCLUSIVE")?;
        }
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
    })();
    match answer.map_err(StoreError::from) {
        Ok(answer) => Ok(answer != "ok"),
        Err(StoreError::Corrupt { .. }) => Ok(true),
        Err(other) => Err(other),
    }
}

/// Writes salvaged edits into the new database, in one transaction. One that is
/// there already was carried over before, or is newer.
fn carry_over(connection: &Connection, saved: Vec<(OutboxEntry, Record)>) -> Result<u64, StoreError> {
    let mut count = 0;
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    if saved.iter().any(|(_, record)| record.version.content().is_some()) {
        // Their bases are versions of a graph, and still are what they were made on.
        metadata::set(&transaction, "protocol = 'v2'", &[])?;
    }
    for (entry, record) in saved {
        if outbox::get(&transaction, &entry.key)?.is_some() {
            continue;
        }
        let edit_seq = metadata::next_edit_seq(&transaction)?;
        outbox::put(&transaction, &OutboxEntry { edit_seq, ..entry })?;
        rows::put(
            &transaction,
            &record.version,
            (&record).into(),
            metadata::next_change_seq(&transaction)?,
            rows::LastChange::Status,
            0,
        )?;
        count += 1;
    }
    transaction.commit()?;
    Ok(count)
}

/// Every unsent edit that can still be read, in the order they were made.
fn readable_edits(path: &Path) -> Vec<(OutboxEntry, Record)> {
    if is_empty(path) {
        // Even a look at it would make SQLite delete the WAL beside it.
        return Vec::new();
    }
    let Some(length) = cut_from(path) else {
        return edits_of(path);
    };
    let whole = with_suffix(path, ".reading");
    let made = fs::copy(path, &whole)
        .and_then(|_| OpenOptions::new().write(true).open(&whole))
        .and_then(|file| file.set_len(length));
    let found = match made {
        Ok(()) => edits_of(&whole),
        // Without room for a copy there is only what SQLite makes of the file itself.
        Err(_) => edits_of(path),
    };
    for suffix in SUFFIXES {
        let _ = fs::remove_file(with_suffix(&whole, suffix));
    }
    found
}

/// The length that a file had, if its end is missing. SQLite reads nothing of such a
/// file, and with zeros for its end all but that. Where there is a WAL, that says how
/// long the file is.
fn cut_from(path: &Path) -> Option<u64> {
    if size(&with_suffix(path, "-wal")) > 0 {
        return None;
    }
    let mut head = [0; 100];
    File::open(path).ok()?.read_exact(&mut head).ok()?;
    let page = match u64::from(u16::from_be_bytes([head[16], head[17]])) {
        1 => 65_536,
        size => size,
    };
    let pages = u64::from(u32::from_be_bytes([head[28], head[29], head[30], head[31]]));
    Some(page * pages).filter(|length| *length > size(path))
}

fn edits_of(path: &Path) -> Vec<(OutboxEntry, Record)> {
    let Ok(connection) = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY) else {
        return Vec::new();
    };
    let mut keys = BTreeSet::new();
    for order in ["ASC", "DESC"] {
        // A scan ends at the first page that can't be read: from both ends, the most is found.
        keys.extend(readable_keys(&connection, order));
    }
    let mut found: Vec<_> = keys
        .iter()
        .filter_map(|key| readable_edit(&connection, key))
        .collect();
    found.sort_by_key(|(entry, _)| entry.edit_seq);
    found
}

fn readable_keys(connection: &Connection, order: &str) -> Vec<Key> {
    let mut keys = Vec::new();
    let sql = format!("SELECT kind, id FROM outbox ORDER BY kind {order}, id {order}");
    let Ok(mut statement) = connection.prepare(&sql) else {
        return keys;
    };
    let Ok(mut rows) = statement.query([]) else {
        return keys;
    };
    while let Ok(Some(row)) = rows.next() {
        keys.extend(rows::key_from(row, 0, 1));
    }
    keys
}

/// An unsent edit with its record; if the record can't be read, as it was sent.
fn readable_edit(connection: &Connection, key: &Key) -> Option<(OutboxEntry, Record)> {
    let entry = outbox::get(connection, key).ok()??;
    if let Ok(Some(record)) = rows::get(connection, key) {
        return Some((entry, record));
    }
    let sent = outbox::sent(connection, key, entry.edit_seq).ok()??;
    let record = Record {
        version: sent.version,
        sync_status: RecordStatus::Pending,
        server_updated_at: None,
        last_sync_at: None,
        sync_error: None,
    };
    Some((entry, record))
}
