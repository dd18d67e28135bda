//! What happens to a damaged file.
//!
//! Damage is believed only when SQLite said so and a quick check under an
//! exclusive lock agrees. Then the database, its WAL and its index are moved
//! aside together, never deleted, and unsent edits are carried over where they
//! can be read. All of it happens under a lock on the folder, and can be taken
//! up again where it was cut off: a mark beside the file says how far it got.
//!
//! A file that the key at hand is not that of is no damaged one, whatever SQLite
//! says of it, and none of this happens to it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::cipher::{self, ReplicaKey};
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
    key: Option<&ReplicaKey>,
    seam: &SharedSeam,
) -> Result<(Connection, Option<Salvage>), StoreError> {
    let _lock = lock_folder(path)?;
    let mark = suspect_mark(path);
    let decided = fs::read_to_string(&mark).ok().and_then(|text| {
        let name = text.trim_end().strip_prefix(DECIDED)?.to_owned();
        Some(path.with_file_name(name))
    });
    let moved = decided.as_deref().filter(|target| target.exists());
    cipher::check_key(moved.unwrap_or(path), key)?;
    let target = match decided {
        // Somebody was killed on the way: the rest is done now.
        Some(target) => target,
        None if has_only_its_wal(path) || (!is_empty(path) && is_damaged(path, key)?) => {
            let stamp = seam.now().to_string().replace(':', "-");
            let target = with_suffix(path, &format!(".damaged-{stamp}"));
            let name = target.file_name().unwrap_or_default().to_string_lossy();
            fs::write(&mark, format!("{DECIDED}{name}\n")).map_err(io)?;
            target
        }
        None => {
            // Healthy, or put in order by another process while this one waited.
            let connection = connect(path, options, key, seam)?;
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
    let connection = connect(path, options, key, seam)?;
    let edits_saved = carry_over(&connection, readable_edits(&target, key))?;
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

pub(super) fn io(error: std::io::Error) -> StoreError {
    StoreError::Io {
        problem: error.to_string(),
    }
}

/// One process at a time looks after damage: otherwise the second one would set
/// aside the new file of the first. `None` where folders can't be locked.
pub(super) fn lock_folder(path: &Path) -> Result<Option<File>, StoreError> {
    match open_folder(path) {
        Ok(folder) if cfg!(unix) => folder.lock().map(|()| Some(folder)).map_err(io),
        _ => Ok(None),
    }
}

/// Waits for one that puts another file in the place of this one, and keeps the next
/// from it. `None` where folders can't be locked.
pub(super) fn share_folder(path: &Path) -> Option<File> {
    let folder = open_folder(path).ok().filter(|_| cfg!(unix))?;
    folder.lock_shared().ok().map(|()| folder)
}

/// The folder of a file.
pub(super) fn open_folder(path: &Path) -> std::io::Result<File> {
    File::open(match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    })
}

/// Whether a quick check finds damage, and finds it again under an exclusive lock.
fn is_damaged(path: &Path, key: Option<&ReplicaKey>) -> Result<bool, StoreError> {
    // Other processes may be at work in a healthy file, and are not waited for.
    Ok(check(path, key, false)? && check(path, key, true)?)
}

fn check(path: &Path, key: Option<&ReplicaKey>, alone: bool) -> Result<bool, StoreError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    cipher::unlock(&connection, key)?;
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
    match answer.map_err(|error| cipher::damage(error.into(), key)) {
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
fn readable_edits(path: &Path, key: Option<&ReplicaKey>) -> Vec<(OutboxEntry, Record)> {
    if is_empty(path) {
        // Even a look at it would make SQLite delete the WAL beside it.
        return Vec::new();
    }
    let mut file = Wreck {
        path,
        key,
        connection: None,
    };
    let mut keys = BTreeSet::new();
    for order in ["ASC", "DESC"] {
        // A scan ends at the first page that can't be read: from both ends, the most is found.
        file.read(|connection| readable_keys(connection, order, &mut keys));
    }
    let mut found: Vec<_> = keys
        .iter()
        .filter_map(|key| readable_edit(&mut file, key))
        .collect();
    found.sort_by_key(|(entry, _)| entry.edit_seq);
    found
}

/// A damaged file that is read from. Once a page could not be decrypted a connection
/// reads nothing any more: after each failure there is a new one.
struct Wreck<'a> {
    path: &'a Path,
    key: Option<&'a ReplicaKey>,
    connection: Option<Connection>,
}

impl Wreck<'_> {
    fn read<T>(&mut self, look: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Option<T> {
        if self.connection.is_none() {
            self.connection = self.connect().ok();
        }
        let found = look(self.connection.as_ref()?);
        if found.is_err() {
            self.connection = None;
        }
        found.ok()
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        let connection = Connection::open_with_flags(self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        cipher::unlock(&connection, self.key)?;
        // Of a file whose end is missing SQLite reads nothing otherwise.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, true)?;
        Ok(connection)
    }
}

fn readable_keys(connection: &Connection, order: &str, keys: &mut BTreeSet<Key>) -> Result<(), StoreError> {
    let sql = format!("SELECT kind, id FROM outbox ORDER BY kind {order}, id {order}");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        keys.extend(rows::key_from(row, 0, 1));
    }
    Ok(())
}

/// An unsent edit with its record; if the record can't be read, as it was sent.
fn readable_edit(file: &mut Wreck<'_>, key: &Key) -> Option<(OutboxEntry, Record)> {
    let entry = file.read(|connection| outbox::get(connection, key))??;
    if let Some(Some(record)) = file.read(|connection| rows::get(connection, key)) {
        return Some((entry, record));
    }
    let sent = file.read(|connection| outbox::sent(connection, key, entry.edit_seq))??;
    let record = Record {
        version: sent.version,
        sync_status: RecordStatus::Pending,
        server_updated_at: None,
        last_sync_at: None,
        sync_error: None,
    };
    Some((entry, record))
}
