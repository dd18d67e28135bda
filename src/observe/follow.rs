//! Finding what other processes committed to the same file.
//!
//! Every commit that changes a record takes the next change number, and records
//! carry the number of their last change. Numbers that are not ours are theirs.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::Broadcaster;
use crate::store::{Origin, Store, StoreError, metadata, rows};

/// The most rows read in one go.
const CHUNK: u32 = 1_000;

/// Keeps track of what was told.
#[derive(Debug, Default)]
pub struct Follower {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Changes up to here were told, by us or by their own commit.
    told: i64,
    /// The newest change seen at the last look. Only those are told now: by
    /// then every commit of our own up to it has reported itself.
    seen: i64,
    own: BTreeSet<i64>,
}

impl Follower {
    /// Begins at the replica's present.
    pub fn new(store: &Store) -> Result<Self, StoreError> {
        let now = store.read(metadata::get)?.change_seq;
        Ok(Self {
            state: Mutex::new(State {
                told: now,
                seen: now,
                own: BTreeSet::new(),
            }),
        })
    }

    /// A commit of our own, which tells of itself.
    pub fn own(&self, change_seq: i64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if change_seq > state.told {
            state.own.insert(change_seq);
        }
    }

    /// Looks for commits of others and tells of them. Call it at intervals.
    pub fn poll(&self, store: &Store, broadcaster: &Broadcaster) -> Result<(), StoreError> {
        let now = store.read(metadata::get)?.change_seq;
        let (told, until, own) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let until = std::mem::replace(&mut state.seen, now);
            (state.told, until, state.own.clone())
        };
        if until <= told {
            return Ok(());
        }
        let foreign = (told + 1..=until).any(|seq| !own.contains(&seq));
        let mut from = told;
        while foreign && from < until {
            let rows = store.read(|connection| rows::changed_since(connection, from, CHUNK))?;
            let Some((last, _)) = rows.last() else { break };
            let (last, full) = (*last, rows.len() == CHUNK as usize);
            for (seq, record) in rows {
                // A chunk may end in the middle of a commit: its rest comes with the next.
                if seq > until || own.contains(&seq) || (full && seq == last && last > from + 1) {
                    continue;
                }
                let what = if record.version.deleted {
                    "deleted"
                } else {
                    "updated"
                };
                let origin = match record.sync_status {
                    crate::model::SyncStatus::Synced => Origin::Remote,
                    _ => Origin::Local,
                };
                broadcaster.record(what, &record.version.key, origin);
            }
            from = if full && last > from + 1 { last - 1 } else { last };
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.told = state.told.max(until);
        state.own = state.own.split_off(&(until + 1));
        Ok(())
    }
}
