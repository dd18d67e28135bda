//! The replica: a house in one SQLite file, with what the server has not got.
//!
//! [`Store`] is the door: it opens the file, runs each operation as one
//! transaction and tells a listener what was committed. The rest of the folder
//! is one idea a file: `rows`, `outbox`, `mirror` and `journal` read and write
//! tables; `edits`, `pull`, `push` and `session` hold the rules. Everything here
//! blocks: async callers use a blocking thread. When to sync is decided in
//! [`crate::sync`], not here.

mod cipher;
pub mod digest;
mod edits;
mod error;
mod exit;
pub mod graph;
pub mod journal;
pub mod metadata;
pub mod mirror;
mod open;
pub mod outbox;
mod process;
pub mod pull;
pub mod push;
mod rekey;
mod repair;
pub mod rows;
pub mod schema;
mod scrub;
pub mod session;
mod tx;

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use rusqlite::{Connection, TransactionBehavior};

use crate::model::{Key, Record, Version};
use crate::mutant::{self, Mutant};
use crate::protocol::v1::PushResult;
use crate::seam::SharedSeam;

pub use cipher::ReplicaKey;
#[cfg(feature = "testing")]
pub use cipher::test_connection;
pub use edits::stamp;
pub use error::StoreError;
pub use repair::Salvage;
pub use tx::{Commit, Glimpse, Kinds, Origin, StoreEvent, Tx};

use metadata::LeaseOwner;
use outbox::PushPosition;
use pull::{Page, PageReport};
use push::{Batch, PushItem, Refusal, SettleReport};
use session::{Session, SyncEnd};

/// How a replica is opened.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The file; `None` keeps everything in memory.
    pub path: Option<PathBuf>,
    /// Whether an acknowledged local write survives a power cut.
    pub full_sync: bool,
    /// Log every SQL statement, without its values.
    pub echo: bool,
}

/// Hears of commits, after them and with no lock held.
pub type Listener = Arc<dyn Fn(&Commit) + Send + Sync>;

/// What is told in turn.
enum Turn {
    /// A commit, to the listener.
    Commit(Commit),
    /// Something else that has its place among the commits.
    Other(Box<dyn FnOnce() + Send>),
}

/// Commits on their way to the listener.
#[derive(Default)]
struct Untold {
    turns: VecDeque<Turn>,
    being_told: bool,
}

/// Lets the next turn be told, however this one ended.
struct Telling<'a>(&'a Mutex<Untold>);

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        lock(self.0).being_told = false;
    }
}

/// Asked just before a commit; true makes the transaction roll back.
#[cfg(any(test, feature = "testing"))]
pub type Fault = Box<dyn FnMut(&'static str) -> bool + Send>;

/// How safe a transaction must be when its call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Safety {
    /// It must survive a power cut: local writes, and attempts before they leave.
    Local,
    /// It can be had again from the server.
    Repeatable,
}

/// The connection that writes.
struct Writer {
    connection: Connection,
    /// Whether it waits for the disk; `None` before it was told.
    full: Option<bool>,
}

impl From<Connection> for Writer {
    fn from(connection: Connection) -> Self {
        Self {
            connection,
            full: None,
        }
    }
}

/// The replica.
pub struct Store {
    options: StoreOptions,
    seam: SharedSeam,
    /// The key of the file, if it is encrypted.
    key: Mutex<Option<ReplicaKey>>,
    writer: Mutex<Option<Writer>>,
    /// Whether a change of keys left no writer, though the replica is open.
    writer_is_due: AtomicBool,
    /// Whether the replica is open. Held for reading while a read runs, so that
    /// a close waits for it; never by a write, for which no reader waits.
    is_open: RwLock<bool>,
    /// Commits that the listener has not heard of, in order.
    untold: Mutex<Untold>,
    readers: Mutex<Vec<Connection>>,
    listener: Mutex<Option<Listener>>,
    /// What could be saved from a damaged file that was set aside on open.
    salvage: Option<Salvage>,
    #[cfg(any(test, feature = "testing"))]
    fault: Mutex<Option<Fault>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.options.path)
            .finish_non_exhaustive()
    }
}

/// A poisoned lock guards a connection whose transaction was rolled back; it is usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Store {
    fn drop(&mut self) {
        let connections = (
            lock(&self.writer).take(),
            std::mem::take(&mut *lock(&self.readers)),
        );
        exit::close(connections, drop);
    }
}

impl Store {
    /// Opens or makes a replica.
    pub fn open(options: StoreOptions, seam: SharedSeam) -> Result<Self, StoreError> {
        Self::open_with_key(options, None, seam)
    }

    /// The same, where the file is encrypted if there is a key.
    pub fn open_with_key(
        mut options: StoreOptions,
        key: Option<ReplicaKey>,
        seam: SharedSeam,
    ) -> Result<Self, StoreError> {
        #[cfg(feature = "testing")]
        let key = key.or_else(cipher::key_of_tests);
        if let Some(path) = options.path.take() {
            // SQLite takes some names for databases in memory, and `file:` for a URL.
            let whole = std::path::absolute(&path).map_err(|error| StoreError::CantOpen {
                path: path.display().to_string(),
                problem: error.to_string(),
            })?;
            options.path = Some(whole);
        }
        let _permit = exit::permit()?;
        let (connection, salvage) = open::writer(&options, key.as_ref(), &seam)?;
        Ok(Self {
            options,
            seam,
            key: Mutex::new(key),
            writer: Mutex::new(Some(connection.into())),
            writer_is_due: AtomicBool::new(false),
            is_open: RwLock::new(true),
            untold: Mutex::new(Untold::default()),
            readers: Mutex::new(Vec::new()),
            listener: Mutex::new(None),
            salvage,
            #[cfg(any(test, feature = "testing"))]
            fault: Mutex::new(None),
        })
    }

    /// A replica in memory, for tests and simulation.
    pub fn in_memory(seam: SharedSeam) -> Result<Self, StoreError> {
        Self::open(
            StoreOptions {
                path: None,
                full_sync: false,
                echo: false,
            },
            seam,
        )
    }

    /// The file, if there is one.
    pub fn path(&self) -> Option<&Path> {
        self.options.path.as_deref()
    }

    fn key(&self) -> Option<ReplicaKey> {
        lock(&self.key).clone()
    }

    /// What happened to a damaged file that was found on open.
    pub fn salvage(&self) -> Option<&Salvage> {
        self.salvage.as_ref()
    }

    /// Sets who hears of commits.
    pub fn set_listener(&self, listener: Option<Listener>) {
        *lock(&self.listener) = listener;
    }

    /// Sets the fault hook.
    #[cfg(any(test, feature = "testing"))]
    pub fn set_fault(&self, fault: Option<Fault>) {
        *lock(&self.fault) = fault;
    }

    /// Lets the file grow to so many pages and no more, as on a full disk.
    #[cfg(any(test, feature = "testing"))]
    pub fn set_page_limit(&self, pages: u32) -> Result<(), StoreError> {
        let writer = lock(&self.writer);
        let connection = &writer.as_ref().ok_or(StoreError::Closed)?.connection;
        connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
        Ok(())
    }

    /// Closes every connection, so that no lock on the file is held. A write
    /// that runs is waited for; later calls fail with [`StoreError::Closed`].
    pub fn close(&self) {
        let mut held = lock(&self.writer);
        *self.is_open.write().unwrap_or_else(PoisonError::into_inner) = false;
        self.writer_is_due.store(false, Ordering::Release);
        let connections = (held.take(), std::mem::take(&mut *lock(&self.readers)));
        exit::close(connections, |(writer, readers)| {
            drop(readers);
            if let Some(Writer { connection, .. }) = writer {
                // Leaves a small file behind; if it fails the WAL is replayed on the next open.
                let _ = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
            }
        });
    }

    /// Opens again after [`Store::close`].
    pub fn reopen(&self) -> Result<(), StoreError> {
        let mut writer = lock(&self.writer);
        let _permit = exit::permit()?;
        if writer.is_none() {
            *writer = Some(
                open::writer(&self.options, self.key().as_ref(), &self.seam)?
                    .0
                    .into(),
            );
            *self.is_open.write().unwrap_or_else(PoisonError::into_inner) = true;
        }
        Ok(())
    }

    /// Runs a read. It sees one snapshot and never waits for a writer.
    pub fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let _permit = exit::permit()?;
        if self.options.path.is_none() {
            let writer = lock(&self.writer);
            return work(&writer.as_ref().ok_or(StoreError::Closed)?.connection);
        }
        if self.writer_is_due.load(Ordering::Acquire) {
            // Without it a reader can't be sure of its WAL.
            self.connected(&mut lock(&self.writer))?;
        }
        let is_open = self.is_open.read().unwrap_or_else(PoisonError::into_inner);
        if !*is_open {
            return Err(StoreError::Closed);
        }
        let connection = match lock(&self.readers).pop() {
            Some(connection) => connection,
            None => open::reader(&self.options, self.key().as_ref())?,
        };
        let result = (|| {
            let snapshot = connection.unchecked_transaction()?;
            let value = work(&snapshot)?;
            snapshot.finish()?;
            Ok(value)
        })();
        let result = result.map_err(|error| self.located(error));
        let mut readers = lock(&self.readers);
        // Of an encrypted file a connection reads nothing more once it met damage.
        if readers.len() < 4 && !matches!(result, Err(StoreError::Corrupt { .. })) {
            readers.push(connection);
        }
        result
    }

    /// The connection that writes, once more if it is due.
    fn connected<'a>(&self, writer: &'a mut Option<Writer>) -> Result<&'a mut Writer, StoreError> {
        if writer.is_none() && self.writer_is_due.load(Ordering::Acquire) {
            let (connection, _) = open::writer(&self.options, self.key().as_ref(), &self.seam)?;
            *writer = Some(connection.into());
            self.writer_is_due.store(false, Ordering::Release);
        }
        writer.as_mut().ok_or(StoreError::Closed)
    }

    fn write<T>(
        &self,
        name: &'static str,
        safety: Safety,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let value = {
            let mut writer = lock(&self.writer);
            let _permit = exit::permit()?;
            let writer = self.connected(&mut writer)?;
            let (value, commit) = self
                .transact(writer, name, safety, work)
                .map_err(|error| self.located(error))?;
            // Queued while the writer is held, so that the queue is in commit order.
            // One that changed no record is told too: it changed how things stand.
            lock(&self.untold).turns.push_back(Turn::Commit(commit));
            value
        };
        self.tell();
        Ok(value)
    }

    /// Runs `work` once every commit up to now has been told, on this or
    /// another thread, with no lock held.
    pub fn in_turn(&self, work: impl FnOnce() + Send + 'static) {
        self.queue_turn(work);
        self.tell();
    }

    /// The first half of [`Store::in_turn`], for callers that hold a lock of
    /// their own; [`Store::tell`] is the second.
    pub fn queue_turn(&self, work: impl FnOnce() + Send + 'static) {
        lock(&self.untold).turns.push_back(Turn::Other(Box::new(work)));
    }

    /// The same, but waits for a write that runs: what a reader saw before this
    /// call of our own commits has been told when `work` runs.
    pub fn after_writes(&self, work: impl FnOnce() + Send + 'static) {
        {
            let _writer = lock(&self.writer);
            lock(&self.untold).turns.push_back(Turn::Other(Box::new(work)));
        }
        self.tell();
    }

    /// Tells the listener of commits, in order and with no lock held: it may call back.
    pub fn tell(&self) {
        loop {
            let turn = {
                let mut untold = lock(&self.untold);
                if untold.being_told {
                    // Whoever tells just now goes on with ours.
                    return;
                }
                let Some(turn) = untold.turns.pop_front() else {
                    return;
                };
                untold.being_told = true;
                turn
            };
            let _telling = Telling(&self.untold);
            // Whoever writes just now tells of other commits too: what goes wrong
            // in telling is no failure of the write.
            let told = AssertUnwindSafe(|| match turn {
                Turn::Commit(commit) => {
                    let listener = lock(&self.listener).clone();
                    if let Some(listener) = listener {
                        listener(&commit);
                    }
                }
                Turn::Other(work) => work(),
            });
            if catch_unwind(told).is_err() {
                tracing::error!("telling of a commit panicked");
            }
        }
    }

    fn transact<T>(
        &self,
        writer: &mut Writer,
        name: &'static str,
        safety: Safety,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<(T, Commit), StoreError> {
        let full = self.options.full_sync && safety == Safety::Local;
        if writer.full != Some(full) {
            let level = if full { "FULL" } else { "NORMAL" };
            writer.connection.pragma_update(None, "synchronous", level)?;
            writer.full = Some(full);
        }
        let transaction = writer
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let tx = Tx::new(&transaction, &*self.seam);
        let value = work(&tx)?;
        graph::place::follow_presence(&tx)?;
        let commit = tx.into_commit();
        self.inject(name)?;
        transaction.commit()?;
        Ok((value, commit))
    }

    #[cfg(any(test, feature = "testing"))]
    fn inject(&self, transaction: &'static str) -> Result<(), StoreError> {
        let strikes = lock(&self.fault).as_mut().is_some_and(|fault| fault(transaction));
        if strikes {
            Err(StoreError::Injected { transaction })
        } else {
            Ok(())
        }
    }

    #[cfg(not(any(test, feature = "testing")))]
    fn inject(&self, _: &'static str) -> Result<(), StoreError> {
        Ok(())
    }

    /// Puts the path into an error, and leaves a mark beside a file that seems
    /// damaged, so that the next open looks closer.
    fn located(&self, error: StoreError) -> StoreError {
        let Some(path) = &self.options.path else {
            return error;
        };
        let error = cipher::damage(error, self.key().as_ref());
        if matches!(error, StoreError::Corrupt { .. }) {
            open::mark_suspect(path);
        }
        error.at(&path.display().to_string())
    }

    // ---- local edits -------------------------------------------------------

    /// Writes one local edit; `edit` makes the new version of the current one.
    pub fn edit(
        &self,
        key: &Key,
        edit: impl FnOnce(Option<&Version>) -> Version,
    ) -> Result<Record, StoreError> {
        self.write("edit", Safety::Local, |tx| edits::apply(tx, key, edit, None))
    }

    /// Writes a local edit if `check` finds the current version fit for it; what
    /// `check` returns otherwise comes back, and nothing changes. `show` makes of
    /// the new record what the caller wants to see, in the same transaction: an
    /// edit that was committed does not fail afterwards.
    pub fn edit_if<T, E>(
        &self,
        key: &Key,
        check: impl FnOnce(&Connection, Option<&Version>) -> Result<Result<Version, E>, StoreError>,
        show: impl FnOnce(&Connection, Record) -> Result<T, StoreError>,
    ) -> Result<Result<T, E>, StoreError> {
        self.write("edit", Safety::Local, |tx| {
            let current = rows::get(tx.connection, key)?;
            match check(tx.connection, current.as_ref().map(|record| &record.version))? {
                Ok(version) => {
                    let record = edits::apply_on(tx, current.as_ref(), version, None)?;
                    show(tx.connection, record).map(Ok)
                }
                Err(refusal) => Ok(Err(refusal)),
            }
        })
    }

    /// Deletes a record and what is in it.
    pub fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.write("delete", Safety::Local, |tx| edits::delete(tx, key))
    }

    /// Restores a journaled edit; `None` if there is no such entry.
    pub fn restore(&self, entry: i64) -> Result<Option<Record>, StoreError> {
        self.write("restore", Safety::Local, |tx| {
            match journal::get(tx.connection, entry)? {
                Some(entry) => edits::restore(tx, &entry).map(Some),
                None => Ok(None),
            }
        })
    }

    /// Marks a journal entry as seen to; false if there is none.
    pub fn dismiss(&self, entry: i64) -> Result<bool, StoreError> {
        self.write("dismiss", Safety::Local, |tx| {
            if let Some(entry) = journal::get(tx.connection, entry)? {
                tx.touch(Kinds::of(&entry.version.key.kind));
                // Other processes on the file see that something changed.
                tx.change_seq()?;
            }
            journal::dismiss(tx.connection, entry)
        })
    }

    /// Drops the unsent edit of a record; false if it has none.
    pub fn discard(&self, key: &Key) -> Result<bool, StoreError> {
        self.write("discard", Safety::Local, |tx| edits::discard(tx, key))
    }

    /// Queues failed edits again, of one record or of all. Returns how many.
    pub fn retry_failed(&self, only: Option<&Key>) -> Result<u64, StoreError> {
        self.write("retry", Safety::Local, |tx| edits::retry(tx, only))
    }

    // ---- one sync, step by step --------------------------------------------

    /// Takes the lease; `None` if another process syncs.
    pub fn begin_sync(&self, owner: &LeaseOwner) -> Result<Option<Session>, StoreError> {
        self.write("begin", Safety::Repeatable, |tx| session::begin(tx, owner))
    }

    /// Applies a page; `None` if the replica moved on since it was asked for.
    pub fn apply_page(&self, owner: &LeaseOwner, page: &Page) -> Result<Option<PageReport>, StoreError> {
        if mutant::active(Mutant::WatermarkEarly) || mutant::active(Mutant::CursorBeforePage) {
            self.watermark_early(page)?;
        }
        self.write("page", Safety::Repeatable, |tx| {
            if !tx.renew(owner)? {
                return Ok(None);
            }
            pull::apply(tx, page)
        })
    }

    /// A deliberate bug, where the watermark and the page are one transaction.
    fn watermark_early(&self, page: &Page) -> Result<(), StoreError> {
        self.write("watermark", Safety::Repeatable, |tx| match &page.graph {
            Some(graph) => metadata::set_graph_watermark(tx.connection, &graph.watermark),
            None => metadata::set_watermarks(tx.connection, &page.kinds, page.server_time),
        })
    }

    /// Forgets the watermarks; the new generation, or `None` if the replica moved on.
    pub fn start_resync(
        &self,
        owner: &LeaseOwner,
        generation: i64,
        identity: Option<&(String, String)>,
    ) -> Result<Option<i64>, StoreError> {
        self.write("resync", Safety::Repeatable, |tx| {
            if !tx.renew(owner)? {
                return Ok(None);
            }
            session::start_resync(tx, generation, identity)
        })
    }

    /// Takes the next edits to push, and writes down that they are being sent.
    pub fn prepare_push(
        &self,
        owner: &LeaseOwner,
        generation: i64,
        after: PushPosition,
        last_edit: Option<i64>,
    ) -> Result<Option<Batch>, StoreError> {
        let idle = self.read(|connection| {
            Ok(outbox::counts(connection)? == (0, 0) && metadata::holds_lease(connection, owner)?)
        })?;
        if idle {
            // Nothing to send: no reason to wait for the disk.
            return Ok(Some(Batch {
                generation,
                position: after,
                ..Batch::default()
            }));
        }
        self.write("prepare", Safety::Local, |tx| {
            if !tx.renew(owner)? {
                return Ok(None);
            }
            push::prepare(tx, generation, after, last_edit)
        })
    }

    /// Settles an answer to a push.
    pub fn settle(
        &self,
        owner: &LeaseOwner,
        generation: i64,
        items: &[PushItem],
        result: &PushResult,
    ) -> Result<Option<SettleReport>, StoreError> {
        self.write("settle", Safety::Repeatable, |tx| {
            if !tx.renew(owner)? {
                return Ok(None);
            }
            push::settle(tx, generation, items, result)
        })
    }

    /// Notes that one change alone was refused.
    pub fn refuse(
        &self,
        owner: &LeaseOwner,
        generation: i64,
        item: &PushItem,
        refusal: &Refusal,
    ) -> Result<Option<SettleReport>, StoreError> {
        self.write("refuse", Safety::Local, |tx| {
            if !tx.renew(owner)? {
                return Ok(None);
            }
            push::refuse(tx, generation, item, refusal)
        })
    }

    /// Ends a sync.
    pub fn finish_sync(&self, owner: &LeaseOwner, end: &SyncEnd) -> Result<(), StoreError> {
        self.write("finish", Safety::Repeatable, |tx| session::finish(tx, owner, end))
    }

    // ---- standing ----------------------------------------------------------

    /// Remembers the server, and whether the replica may move to it.
    pub fn set_server(
        &self,
        server_url: Option<&str>,
        client_id: Option<&str>,
        rebind: bool,
    ) -> Result<(), StoreError> {
        let known = self.read(metadata::get)?;
        let same_client = client_id.is_none_or(|client_id| client_id == known.client_id);
        if known.server_url.as_deref() == server_url && same_client && (known.rebind || !rebind) {
            return Ok(());
        }
        self.write("server", Safety::Local, |tx| {
            metadata::set(
                tx.connection,
                "server_url = ?1, rebind = max(rebind, ?2)",
                &[&server_url, &rebind],
            )?;
            match client_id {
                Some(client_id) => metadata::set(tx.connection, "client_id = ?1", &[&client_id]),
                None => Ok(()),
            }
        })
    }

    /// Says when the background loop tries next.
    pub fn set_next_retry(&self, at: Option<crate::model::Timestamp>) -> Result<(), StoreError> {
        self.write("retry_time", Safety::Repeatable, |tx| {
            metadata::set(tx.connection, "next_retry_time = ?1", &[&rows::time_text(at)])
        })
    }

    /// Empties the replica. Unless `force` is set the journal and the history
    /// stay, and while edits are unsent nothing happens but their count coming back.
    pub fn wipe(&self, force: bool) -> Result<Result<(), u64>, StoreError> {
        self.write("wipe", Safety::Local, |tx| {
            let (queued, failed) = outbox::counts(tx.connection)?;
            if !force && queued + failed > 0 {
                return Ok(Err(queued + failed));
            }
            session::wipe(tx, force).map(Ok)
        })
    }
}
