//! One write transaction, and what its commit tells the listener.

use std::cell::{Cell, OnceCell, RefCell};

use rusqlite::Connection;
use serde_json::Value;

use super::metadata::{self, LeaseOwner};
use super::rows::{self, LastChange, Place, Standing};
use super::{StoreError, journal};
use crate::model::{JsonObject, Key, Kind, RecordId, RecordStatus, Timestamp, Version};
use crate::seam::Seam;

/// Where a change came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, uniffi::Enum)]
#[serde(rename_all = "snake_case")]
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
    Created(Glimpse, Origin),
    /// A record says something else.
    Updated(Glimpse, Origin),
    /// A device that holds its state itself does something else.
    Restated(Glimpse, Origin),
    /// A record is gone.
    Deleted(Key, Origin),
    /// An edit lost.
    Conflict(Box<journal::JournalEntry>),
}

/// What is told of a record that is there. Not the whole: a page of a first
/// sync would be copied for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glimpse {
    /// Which record.
    pub key: Key,
    /// Its name, for kinds that have one.
    pub name: Option<String>,
    /// What it is in or about.
    pub parent_id: Option<RecordId>,
    /// The state that a state record holds, or a device of a graph itself, as JSON text.
    pub state: Option<String>,
}

impl From<&Version> for Glimpse {
    fn from(version: &Version) -> Self {
        let state = match version.key.kind {
            Kind::EntityState => version.text("state_json").map(str::to_owned),
            Kind::Device => own_state(version).map(ToString::to_string),
            _ => None,
        };
        Self {
            key: version.key.clone(),
            name: version.name.clone(),
            parent_id: version.parent_id.clone(),
            state,
        }
    }
}

/// The state that a device of a graph holds itself.
fn own_state(version: &Version) -> Option<&Value> {
    version.content()?.get("state")
}

/// What an update changed of a record: the state that it holds itself, and the rest.
fn changed(before: &Version, after: &Version) -> (bool, bool) {
    let (Some(old), Some(new)) = (before.content(), after.content()) else {
        return (
            after.key.kind == Kind::Device && own_state(before) != own_state(after),
            true,
        );
    };
    if after.key.kind != Kind::Device || old.get("state") == new.get("state") {
        return (false, true);
    }
    let same = |old: &JsonObject, new: &JsonObject, but: &[&str]| {
        let left = |name: &str| !but.contains(&name);
        old.iter()
            .filter(|(name, _)| left(name))
            .eq(new.iter().filter(|(name, _)| left(name)))
    };
    let nothing_else = before.name == after.name
        && before.parent_id == after.parent_id
        && same(old, new, &["state", "state_attributes"])
        // Whoever made the version is no news of the device.
        && same(&before.body, &after.body, &["content", "user_id"]);
    (true, !nothing_else)
}

/// A set of kinds; those without a type of their own count as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kinds(u8);

impl Kinds {
    /// None of them.
    pub const NONE: Kinds = Kinds(0);
    /// Every kind.
    pub const ALL: Kinds = Kinds(0xff);

    /// One kind.
    pub fn of(kind: &Kind) -> Self {
        Kinds(1 << kind.push_rank().min(7))
    }

    /// Those of both.
    #[must_use]
    pub fn plus(self, other: Kinds) -> Self {
        Kinds(self.0 | other.0)
    }

    /// Whether they have one in common.
    pub fn meets(self, other: Kinds) -> bool {
        self.0 & other.0 != 0
    }
}

/// What a commit did, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Commit {
    /// Its change number, if it changed a record.
    pub change_seq: Option<i64>,
    /// The kinds of the records it changed, be it only where they stand.
    pub touched: Kinds,
    /// The things it did.
    pub events: Vec<StoreEvent>,
}

/// A write transaction in progress.
pub struct Tx<'a> {
    pub(super) connection: &'a Connection,
    pub(super) now: Timestamp,
    pub(super) seam: &'a dyn Seam,
    change_seq: Cell<Option<i64>>,
    touched: Cell<Kinds>,
    resync: Cell<Option<i64>>,
    graph_author: OnceCell<Option<String>>,
    edges_due: Cell<u8>,
    came_or_went: RefCell<Vec<RecordId>>,
    events: RefCell<Vec<StoreEvent>>,
}

impl<'a> Tx<'a> {
    pub(super) fn new(connection: &'a Connection, seam: &'a dyn Seam) -> Self {
        Self {
            connection,
            now: seam.now(),
            seam,
            change_seq: Cell::new(None),
            touched: Cell::new(Kinds::NONE),
            resync: Cell::new(None),
            graph_author: OnceCell::new(),
            edges_due: Cell::new(0),
            came_or_went: RefCell::new(Vec::new()),
            events: RefCell::new(Vec::new()),
        }
    }

    pub(super) fn into_commit(self) -> Commit {
        Commit {
            change_seq: self.change_seq.get(),
            touched: self.touched.get(),
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

    /// Notes that records of these kinds change.
    pub(super) fn touch(&self, kinds: Kinds) {
        self.touched.set(self.touched.get().plus(kinds));
    }

    /// Changes only where a record stands, not what it says.
    pub(super) fn set_status(
        &self,
        key: &Key,
        status: RecordStatus,
        error: Option<&str>,
    ) -> Result<(), StoreError> {
        self.touch(Kinds::of(&key.kind));
        rows::set_status(self.connection, key, status, error, self.change_seq()?)
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

    /// Who makes versions here, if the replica holds a graph: its name to servers.
    pub(super) fn graph_author(&self) -> Result<Option<String>, StoreError> {
        if let Some(author) = self.graph_author.get() {
            return Ok(author.clone());
        }
        let author = metadata::graph_author(self.connection)?;
        Ok(self.graph_author.get_or_init(|| author).clone())
    }

    /// Notes that edges are to be read: 1, or 2 if everything is to be placed anew.
    pub(super) fn note_edges_due(&self, due: u8) {
        self.edges_due.set(self.edges_due.get().max(due));
    }

    /// What was noted of edges.
    pub(super) fn edges_due(&self) -> u8 {
        self.edges_due.get()
    }

    fn note_came_or_went(&self, key: &Key) {
        if key.kind.is_entity() {
            self.came_or_went.borrow_mut().push(key.id.clone());
        }
    }

    /// Takes the entities of which there is a record now and was none, or the other
    /// way round: what is in them may be somewhere else by that.
    pub(super) fn take_came_or_went(&self) -> Vec<RecordId> {
        self.came_or_went.take()
    }

    /// Writes a record under this transaction's change number and tells of it.
    pub(super) fn put(
        &self,
        version: &Version,
        standing: Standing<'_>,
        before: Option<&Version>,
        origin: Origin,
    ) -> Result<(), StoreError> {
        self.touch(Kinds::of(&version.key.kind));
        if before.is_none() {
            self.note_came_or_went(&version.key);
        }
        let live_before = before.filter(|old| !old.deleted);
        let change = match (version.deleted, live_before) {
            _ if before == Some(version) => LastChange::Status,
            (true, Some(_)) => LastChange::Deleted(origin),
            (true, None) => LastChange::Status,
            (false, None) => LastChange::Created(origin),
            (false, Some(old)) => match changed(old, version) {
                (false, _) => LastChange::Updated(origin),
                (true, false) => LastChange::Restated(origin),
                (true, true) => LastChange::UpdatedAndRestated(origin),
            },
        };
        rows::put(
            self.connection,
            version,
            standing,
            self.change_seq()?,
            change,
            self.resync()?,
        )?;
        let mut events = self.events.borrow_mut();
        match change {
            LastChange::Created(_) => events.push(StoreEvent::Created(version.into(), origin)),
            LastChange::Updated(_) => events.push(StoreEvent::Updated(version.into(), origin)),
            LastChange::Restated(_) => events.push(StoreEvent::Restated(version.into(), origin)),
            LastChange::UpdatedAndRestated(_) => events.extend([
                StoreEvent::Updated(version.into(), origin),
                StoreEvent::Restated(version.into(), origin),
            ]),
            LastChange::Deleted(_) => events.push(StoreEvent::Deleted(version.key.clone(), origin)),
            LastChange::Status => {}
        }
        Ok(())
    }

    /// Writes what a room or device is in, and nothing else; tells of it like
    /// [`Tx::put`].
    pub(super) fn place(
        &self,
        key: &Key,
        before: Place,
        parent: Option<RecordId>,
        origin: Origin,
    ) -> Result<(), StoreError> {
        self.touch(Kinds::of(&key.kind));
        let change = match before.deleted {
            true => LastChange::Status,
            false => LastChange::Updated(origin),
        };
        rows::set_parent(self.connection, key, parent.as_ref(), self.change_seq()?, change)?;
        if !before.deleted {
            let glimpse = Glimpse {
                key: key.clone(),
                name: before.name,
                parent_id: parent,
                state: None,
            };
            self.events
                .borrow_mut()
                .push(StoreEvent::Updated(glimpse, origin));
        }
        Ok(())
    }

    /// Writes a record that says what it said: nobody hears of it.
    pub(super) fn put_quietly(&self, version: &Version, standing: Standing<'_>) -> Result<(), StoreError> {
        let (change, resync) = (LastChange::Status, self.resync()?);
        rows::put(
            self.connection,
            version,
            standing,
            self.change_seq()?,
            change,
            resync,
        )
    }

    /// Renews the lease; false if somebody else has it.
    pub(super) fn renew(&self, owner: &LeaseOwner) -> Result<bool, StoreError> {
        metadata::renew_lease(self.connection, owner, self.now)
    }

    /// Tells of a record that left no trace.
    pub(super) fn emit_removed(&self, key: &Key, origin: Origin) {
        self.touch(Kinds::of(&key.kind));
        self.note_came_or_went(key);
        self.events
            .borrow_mut()
            .push(StoreEvent::Deleted(key.clone(), origin));
    }

    pub(super) fn emit_conflict(&self, entry: &journal::JournalEntry) {
        // A record shows whether an edit of it lost.
        self.touch(Kinds::of(&entry.version.key.kind));
        self.events
            .borrow_mut()
            .push(StoreEvent::Conflict(Box::new(entry.clone())));
    }
}
