//! Finding what other processes committed to the same file.
//!
//! Every commit that changes a record takes the next change number, and records
//! carry the number of their last change. Numbers that are not ours are theirs.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::Broadcaster;
use crate::store::rows::{self, Changed, LastChange};
use crate::store::{Store, StoreError, metadata};

/// The most rows read at one look; the rest comes with the next.
const CHUNK: u32 = 1_000;

/// Keeps track of what was told.
#[derive(Debug, Default)]
pub struct Follower {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Where the next look begins: number, kind and id of the last row read.
    read: (i64, String, String),
    /// Rows read at the last look. They are told at the next one: by then every
    /// commit of our own among them has reported itself.
    held: Vec<Changed>,
    /// Commits of our own since the oldest row that is held.
    own: BTreeSet<i64>,
}

impl Follower {
    /// Begins at the replica's present.
    pub fn new(store: &Store) -> Result<Self, StoreError> {
        let now = store.read(metadata::get)?.change_seq;
        let state = State {
            read: (now + 1, String::new(), String::new()),
            ..State::default()
        };
        Ok(Self {
            state: Mutex::new(state),
        })
    }

    /// A commit of our own, which tells of itself.
    pub fn own(&self, change_seq: i64) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .own
            .insert(change_seq);
    }

    /// Looks for commits of others and tells of them. Call it at intervals.
    pub fn poll(&self, store: &Store, broadcaster: &Broadcaster) -> Result<(), StoreError> {
        let after = self
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .read
            .clone();
        let found =
            store.read(|connection| rows::changed_after(connection, after.0, &after.1, &after.2, CHUNK))?;
        let theirs = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(last) = found.last() {
                let key = &last.record.version.key;
                state.read = (last.change_seq, key.kind.to_string(), key.id.to_string());
            }
            let mut told = std::mem::replace(&mut state.held, found);
            told.retain(|row| !state.own.contains(&row.change_seq));
            let oldest = state.held.first().map_or(state.read.0, |row| row.change_seq);
            state.own = state.own.split_off(&oldest);
            told
        };
        for Changed { change, record, .. } in theirs {
            let version = &record.version;
            match change {
                LastChange::Created(origin) => broadcaster.record("created", version, origin),
                LastChange::Updated(origin) => broadcaster.record("updated", version, origin),
                LastChange::Deleted(origin) => broadcaster.deleted(&version.key, origin),
                LastChange::Status => {}
            }
        }
        Ok(())
    }
}
