//! One write transaction, and what its commit tells the listener.

use std::cell::{Cell, RefCell};

use rusqlite::Connection;

use super::metadata::{self, LeaseOwner};
use super::rows::{self, LastChange, Standing};
use super::{StoreError, journal};
use crate::model::{Key, Timestamp, Version};
use crate::seam::Seam;

/// Where a change came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// An edit made on this replica.
    Local,
    /// The server.
    Remote,
}

/// One thing that a commit did.
#[derive(Debug, Clone, PartialEq)]
pub enum StoreEvent {
    /// A record that was not there, or was deleted, is there.
    Created(Version, Origin),
    /// A record says something else.
    Updated(Version, Origin),
    /// A record is gone.
    Deleted(Key, Origin),
    /// An edit lost.
    Conflict(Box<journal::JournalEntry>),
}

/// What a commit did, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Commit {
    /// Its change number, if it changed a record.
    pub change_seq: Option<i64>,
    /// The things it did.
    pub events: Vec<StoreEvent>,
}

impl Commit {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.change_seq.is_none() && self.events.is_empty()
    }
}

/// A write transaction in progress.
pub struct Tx<'a> {
    pub(super) connection: &'a Connection,
    pub(super) now: Timestamp,
    pub(super) seam: &'a dyn Seam,
    change_seq: Cell<Option<i64>>,
    resync: Cell<Option<i64>>,
    events: RefCell<Vec<StoreEvent>>,
}

impl<'a> Tx<'a> {
    pub(super) fn new(connection: &'a Connection, seam: &'a dyn Seam) -> Self {
        Self {
            connection,
            now: seam.now(),
            seam,
            change_seq: Cell::new(None),
            resync: Cell::new(None),
            events: RefCell::new(Vec::new()),
        }
    }

    pub(super) fn into_commit(self) -> Commit {
        Commit {
            change_seq: self.change_seq.get(),
            events: self.events.into_inner(),
        }
    }

    /// The change number of this transaction, taken when it is first needed.
    pub(super) fn change_seq(&self) -> Result<i64, StoreError> {
        if let Some(seq) = self.change_seq.get() {
            return Ok(seq);
        }
        let seq = metadata::next_change_seq(self.connection)?;
        self.change_seq.set(Some(seq));
        Ok(seq)
    }

    /// The number of the last full resync.
    pub(super) fn resync(&self) -> Result<i64, StoreError> {
        if let Some(resync) = self.resync.get() {
            return Ok(resync);
        }
        let resync = metadata::get(self.connection)?.resync;
        self.resync.set(Some(resync));
        Ok(resync)
    }

    /// Writes a record under this transaction's change number and tells of it.
    pub(super) fn put(
        &self,
        version: &Version,
        standing: Standing<'_>,
        before: Option<&Version>,
        origin: Origin,
    ) -> Result<(), StoreError> {
        let was_live = before.is_some_and(|old| !old.deleted);
        let (change, event) = match (version.deleted, was_live) {
            _ if before == Some(version) => (LastChange::Status, None),
            (true, true) => (
                LastChange::Deleted(origin),
                Some(StoreEvent::Deleted(version.key.clone(), origin)),
            ),
            (true, false) => (LastChange::Status, None),
            (false, false) => (
                LastChange::Created(origin),
                Some(StoreEvent::Created(version.clone(), origin)),
            ),
            (false, true) => (
                LastChange::Updated(origin),
                Some(StoreEvent::Updated(version.clone(), origin)),
            ),
        };
        rows::put(
            self.connection,
            version,
            standing,
            self.change_seq()?,
            change,
            self.resync()?,
        )?;
        self.events.borrow_mut().extend(event);
        Ok(())
    }

    /// Renews the lease; false if somebody else has it.
    pub(super) fn renew(&self, owner: &LeaseOwner) -> Result<bool, StoreError> {
        metadata::renew_lease(self.connection, owner, self.now)
    }

    pub(super) fn emit_removed(&self, key: &Key, origin: Origin) {
        self.events
            .borrow_mut()
            .push(StoreEvent::Deleted(key.clone(), origin));
    }

    pub(super) fn emit_conflict(&self, entry: &journal::JournalEntry) {
        self.events
            .borrow_mut()
            .push(StoreEvent::Conflict(Box::new(entry.clone())));
    }
}
