//! [`HubStore`]: the hub without a network.
//!
//! The API and its transactions are here; what a transaction does to single
//! rows is in `decide`, `delta` and `rows`.

use std::cell::RefCell;
use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::model::{Key, Kind, Version};
use crate::protocol::v1::{Delta, PushResult, SyncRequest};
use crate::seam::SharedSeam;

use super::HubError;
use super::decide::{self, Arrivals};
use super::delta::{DigestCache, PageLimit};
use super::rows::{self, Loser, Outcome};
use super::schema::{self, Identity};

/// Asked just before a transaction commits, with its name; true rolls it back.
#[cfg(any(test, feature = "testing"))]
pub type FaultHook = Box<dyn FnMut(&'static str) -> bool + Send>;

/// Where tests break in. In a release there is nothing to break.
#[derive(Default)]
struct Fault {
    #[cfg(any(test, feature = "testing"))]
    hook: Option<FaultHook>,
}

impl Fault {
    #[cfg(any(test, feature = "testing"))]
    fn strikes(&mut self, transaction: &'static str) -> bool {
        self.hook.as_mut().is_some_and(|hook| hook(transaction))
    }

    #[cfg(not(any(test, feature = "testing")))]
    fn strikes(&mut self, _transaction: &'static str) -> bool {
        false
    }
}

/// A hub's house and its memory of every edit, over a SQLite file of its own.
///
/// Blocking. Every method is one transaction: a write happens whole or not at
/// all, a read sees one snapshot.
pub struct HubStore {
    conn: Connection,
    seam: SharedSeam,
    identity: Identity,
    page: PageLimit,
    digests: RefCell<DigestCache>,
    fault: Fault,
}

impl std::fmt::Debug for HubStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HubStore")
            .field("hub_id", &self.identity.hub_id)
            .field("epoch", &self.identity.epoch)
            .finish_non_exhaustive()
    }
}

impl HubStore {
    /// Opens the hub database at `path`, or creates it, readable by its owner only.
    ///
    /// A file that is not a hub's, or that a newer program wrote, is refused
    /// and left as it is.
    pub fn open(path: &Path, seam: SharedSeam) -> Result<HubStore, HubError> {
        let opened = schema::open(path, schema::V1, &seam)?;
        Ok(Self::with(opened, seam))
    }

    /// A hub that is forgotten when it is dropped.
    pub fn in_memory(seam: SharedSeam) -> Result<HubStore, HubError> {
        let opened = schema::open_in_memory(schema::V1, &seam)?;
        Ok(Self::with(opened, seam))
    }

    fn with((conn, identity): (Connection, Identity), seam: SharedSeam) -> Self {
        conn.set_prepared_statement_cache_capacity(32);
        Self {
            conn,
            seam,
            identity,
            page: PageLimit::default(),
            digests: RefCell::default(),
            fault: Fault::default(),
        }
    }

    /// Which hub this is, for as long as its database lives.
    pub fn hub_id(&self) -> &str {
        &self.identity.hub_id
    }

    /// Which life of its database this is.
    pub fn epoch(&self) -> &str {
        &self.identity.epoch
    }

    /// Begins a new life, as after a backup was put back: every client asks for
    /// everything again and keeps its unsent edits. Gives the new epoch.
    pub fn new_epoch(&mut self) -> Result<String, HubError> {
        let epoch = self.seam.new_id().as_str().to_owned();
        self.write("new_epoch", |tx, _| {
            tx.execute("UPDATE meta SET epoch = ?1", [&epoch])?;
            Ok(())
        })?;
        self.identity.epoch.clone_from(&epoch);
        Ok(epoch)
    }

    /// Answers step 1: a page of what arrived after `last_sync`.
    pub fn delta(&mut self, request: &SyncRequest) -> Result<Delta, HubError> {
        let tx = self.conn.unchecked_transaction()?;
        super::delta::delta(&tx, request, self.page, &mut self.digests.borrow_mut())
    }

    /// Answers step 3: decides the changes in order, in one transaction.
    ///
    /// The changes are as they came on the wire. One that can't be read is
    /// rejected and does not stop the others.
    pub fn push(&mut self, client_id: &str, changes: Vec<serde_json::Value>) -> Result<PushResult, HubError> {
        let result = self.write("push", |tx, arrivals| {
            decide::push(tx, arrivals, client_id, changes)
        })?;
        Ok(PushResult {
            hub_id: Some(self.identity.hub_id.clone()),
            ..result
        })
    }

    /// The state digest of `kinds`, tombstones included.
    pub fn state_digest(&self, kinds: &[Kind]) -> Result<String, HubError> {
        let tx = self.conn.unchecked_transaction()?;
        super::delta::state_digest(&tx, kinds, &mut self.digests.borrow_mut())
    }

    /// The content digest of all live records of all kinds.
    pub fn content_digest(&self) -> Result<String, HubError> {
        super::delta::content_digest(&self.conn)
    }

    /// All current versions in (kind, id) order, tombstones included, with the
    /// bases they were pushed with.
    pub fn versions(&self) -> Result<Vec<(Version, Vec<String>)>, HubError> {
        let mut versions = Vec::new();
        rows::each_current(&self.conn, |current| {
            versions.push((current.version, current.bases));
            Ok(())
        })?;
        Ok(versions)
    }

    /// Every version that lost, pushed or displaced, in the order in which they lost.
    pub fn losers(&self) -> Result<Vec<Loser>, HubError> {
        rows::losers(&self.conn)
    }

    /// What became of an edit; `None` if the hub never heard of it.
    pub fn decided(&self, key: &Key, sync_id: &str) -> Result<Option<Outcome>, HubError> {
        rows::decided(&self.conn, key, sync_id)
    }

    /// How many records there are, tombstones included.
    pub fn len(&self) -> Result<usize, HubError> {
        count(&self.conn)
    }

    /// Whether there is no record, not even a tombstone.
    pub fn is_empty(&self) -> Result<bool, HubError> {
        Ok(self.len()? == 0)
    }

    /// How many changes a page of a delta holds at most; 1,000 unless told.
    /// At least 1.
    pub fn set_page_limit(&mut self, changes: usize) {
        self.page.changes = changes.max(1);
    }

    /// How many bytes of data a page of a delta holds at most, except that it
    /// always holds one change; 4 MiB unless told.
    pub fn set_page_bytes(&mut self, bytes: usize) {
        self.page.bytes = bytes;
    }

    /// Makes transactions fail just before they commit.
    #[cfg(any(test, feature = "testing"))]
    pub fn set_fault(&mut self, hook: Option<FaultHook>) {
        self.fault.hook = hook;
    }

    /// Everything in the database as text, to see whether anything changed.
    #[cfg(feature = "testing")]
    pub fn dump(&self) -> Result<String, HubError> {
        super::dump::dump(&self.conn)
    }

    /// Runs `work` in one write transaction with arrival stamps to give out.
    pub(super) fn write<T>(
        &mut self,
        name: &'static str,
        work: impl FnOnce(&Transaction<'_>, &mut Arrivals<'_>) -> Result<T, HubError>,
    ) -> Result<T, HubError> {
        let tx = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut arrivals = Arrivals::resume(&tx, &self.seam)?;
        let result = work(&tx, &mut arrivals)?;
        arrivals.persist(&tx)?;
        if self.fault.strikes(name) {
            return Err(HubError::Injected { transaction: name });
        }
        tx.commit()?;
        Ok(result)
    }
}

/// How many records there are, tombstones included.
pub(super) fn count(conn: &Connection) -> Result<usize, HubError> {
    let count: i64 = conn.query_row("SELECT count(*) FROM versions", [], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(0))
}
