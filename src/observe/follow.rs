//! Finding what other processes committed to the same file.
//!
//! Every commit that changes a record takes the next change number, and records
//! carry the number of their last change. Numbers that are not ours are theirs.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

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
    /// Whether anybody listens. Until then nothing is kept.
    following: bool,
    /// Where the next look begins: number, kind and id of the last row read.
    /// `None` before the first look, which only finds where the present is.
    read: Option<(i64, String, String)>,
    /// Rows read at the last look. They are told at the next one: by then every
    /// commit of our own among them has reported itself.
    held: Vec<Changed>,
    /// Commits of our own since the oldest row that is held.
    own: BTreeSet<i64>,
}

impl Follower {
    /// Somebody listens from now on.
    pub fn begin(&self) {
        self.state().following = true;
    }

    /// A commit of our own, which tells of itself.
    pub fn own(&self, change_seq: i64) {
        let mut state = self.state();
        if state.following {
            state.own.insert(change_seq);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks for commits of others and tells of them. Call it at intervals.
    pub fn poll(&self, store: &Store, broadcaster: &Broadcaster) -> Result<(), StoreError> {
        let after = self.state().read.clone();
        let Some((change_seq, kind, id)) = after else {
            let present = store.read(metadata::get)?.change_seq;
            self.state().read = Some((present + 1, String::new(), String::new()));
            return Ok(());
        };
        let found =
            store.read(|connection| rows::changed_after(connection, change_seq, &kind, &id, CHUNK))?;
        let theirs = {
            let mut state = self.state();
            let mut next = change_seq;
            if let Some(last) = found.last() {
                let key = &last.record.version.key;
                next = last.change_seq;
                state.read = Some((next, key.kind.to_string(), key.id.to_string()));
            }
            let mut told = std::mem::replace(&mut state.held, found);
            told.retain(|row| !state.own.contains(&row.change_seq));
            let oldest = state.held.first().map_or(next, |row| row.change_seq);
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
