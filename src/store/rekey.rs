//! Another key for a replica, a first one, or none any more.
//!
//! All three are one thing: the database is written anew beside itself, with the key
//! it is to have, and takes the place of the old one by a rename. Whoever is killed on
//! the way leaves the old file or the new one, whole, with every unsent edit. Nobody
//! else has the file open meanwhile, and nobody opens it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use rusqlite::Connection;
#[cfg(feature = "sqlcipher")]
use rusqlite::OpenFlags;

use super::cipher::ReplicaKey;
#[cfg(feature = "sqlcipher")]
use super::cipher::unlock;
use super::open::{connect, with_suffix};
use super::{Store, StoreError, Writer, exit, lock, repair};

impl Store {
    /// Encrypts the replica with another key, for the first time, or (`None`) not any
    /// more. Calls wait meanwhile; if this fails nothing has changed.
    ///
    /// [`StoreError::Locked`] while another process has the file open. The storage
    /// below may keep the bytes of the old file, as flash does.
    pub fn change_key(&self, new: Option<ReplicaKey>) -> Result<(), StoreError> {
        if !cfg!(feature = "sqlcipher") {
            return Err(StoreError::NoEncryption);
        }
        let mut writer = lock(&self.writer);
        let _permit = exit::permit()?;
        let Some(path) = self.path() else {
            // What is in memory only is in no file.
            return Ok(());
        };
        self.connected(&mut writer)?;
        let _lock = repair::lock_folder(path)?;
        let old = writer.take().ok_or(StoreError::Closed)?.connection;
        let _no_reads = self.is_open.write().unwrap_or_else(PoisonError::into_inner);
        lock(&self.readers).clear();
        let mut key = lock(&self.key);
        let replaced = replace(path, old, key.as_ref(), new.as_ref());
        if replaced.is_ok() {
            *key = new;
        }
        // The new file; otherwise the old one, and its WAL anew. If it can't be had now
        // the next call tries again, and says why not.
        *writer = connect(path, &self.options, key.as_ref(), &self.seam)
            .ok()
            .map(Writer::from);
        self.writer_is_due.store(writer.is_none(), Ordering::Release);
        drop(key);
        replaced.map_err(|error| self.located(error))
    }
}

/// Where the new file is made.
fn copy_of(path: &Path) -> PathBuf {
    with_suffix(path, ".rekeyed")
}

/// Removes what a change of keys left that was killed, or failed.
pub(super) fn clear_away(path: &Path) {
    let copy = copy_of(path);
    if let Err(error) = fs::remove_file(&copy)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, copy = %copy.display(), "could not remove a copy of the database");
    }
}

/// Puts a copy with another key in the place of a database.
fn replace(
    path: &Path,
    connection: Connection,
    old: Option<&ReplicaKey>,
    new: Option<&ReplicaKey>,
) -> Result<(), StoreError> {
    let copy = copy_of(path);
    clear_away(path);
    let alone = be_alone(&connection);
    // Outside of the WAL it would not notice what others wrote into it before.
    drop(connection);
    let replaced = alone
        .and_then(|()| write_copy(path, old, &copy, new))
        .and_then(|()| {
            let synced = fs::File::open(&copy).and_then(|file| file.sync_all());
            synced.and_then(|()| fs::rename(&copy, path)).map_err(repair::io)
        });
    if replaced.is_err() {
        clear_away(path);
    } else if let Err(error) = repair::open_folder(path).and_then(|folder| folder.sync_all()) {
        // The new file is there for all to see: only a power cut could bring the old one back.
        tracing::warn!(%error, "could not make sure that the database keeps its new key in a power cut");
    }
    replaced
}

/// Leaves the WAL, whose content goes into the database: for as long as others have
/// the file open that can't be done.
fn be_alone(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    let mode: String = connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
    match mode.as_str() {
        "delete" => Ok(()),
        _ => Err(StoreError::Locked),
    }
}

/// Writes the whole database into another file. It needs no journal and no care for
/// its order: if this is not finished nobody will ever read it.
#[cfg(feature = "sqlcipher")]
fn write_copy(
    path: &Path,
    old: Option<&ReplicaKey>,
    copy: &Path,
    new: Option<&ReplicaKey>,
) -> Result<(), StoreError> {
    let source = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    unlock(&source, old)?;
    let name = copy.to_str().ok_or_else(|| StoreError::CantOpen {
        path: copy.display().to_string(),
        problem: "its name is no Unicode".to_owned(),
    })?;
    super::open::make_private(copy);
    source.execute(
        "ATTACH DATABASE ?1 AS copy KEY ?2",
        (name, new.map(ReplicaKey::literal).unwrap_or_default().as_str()),
    )?;
    source.execute_batch(
        "PRAGMA copy.journal_mode = OFF; PRAGMA copy.synchronous = OFF;
         BEGIN",
    )?;
    let exported = source.query_row("SELECT sqlcipher_export('copy')", [], |_| Ok(()));
    exported.map_err(in_words)?;
    source.execute_batch("COMMIT")?;
    let version: i64 = source.query_row("PRAGMA main.user_version", [], |row| row.get(0))?;
    source.pragma_update(Some("copy"), "user_version", version)?;
    source.execute_batch("DETACH DATABASE copy")?;

    let written = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    unlock(&written, new)?;
    let check: String = written.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if check != "ok" || census(&written)? != census(&source)? {
        return Err(StoreError::Io {
            problem: format!("the copy with another key is not like the database ({check})"),
        });
    }
    Ok(())
}

/// What goes wrong inside of the export is told by SQLite's words for it alone.
#[cfg(feature = "sqlcipher")]
fn in_words(error: rusqlite::Error) -> StoreError {
    let problem = error.to_string();
    let path = String::from("the database");
    let says = |words: &str| problem.contains(words);
    if says("disk is full") {
        StoreError::DiskFull
    } else if says("disk I/O error") {
        StoreError::Io { problem }
    } else if says("malformed") || says("not a database") {
        StoreError::Corrupt { path, problem }
    } else if says("unable to open") {
        StoreError::CantOpen { path, problem }
    } else {
        error.into()
    }
}

/// How much is in what nobody could bring back.
#[cfg(feature = "sqlcipher")]
fn census(connection: &Connection) -> Result<[i64; 5], StoreError> {
    Ok(connection.query_row(
        "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM outbox_sent), (SELECT count(*) FROM journal),
                (SELECT count(*) FROM records), (SELECT max(edit_seq) FROM sync_metadata)",
        [],
        |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]),
    )?)
}

#[cfg(not(feature = "sqlcipher"))]
fn write_copy(_: &Path, _: Option<&ReplicaKey>, _: &Path, _: Option<&ReplicaKey>) -> Result<(), StoreError> {
    Err(StoreError::NoEncryption)
}
