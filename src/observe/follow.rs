//! Finding what other processes committed to the same file.
//!
//! Every commit that changes a record takes the next change number, and records
//! carry the number of their last change. Numbers that are not ours are theirs.
//! A number that no record carries is of a record that left no trace, or was
//! changed again since: live queries look anew, and no event tells of it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Broadcaster, ChangeEvent, Interest};
use crate::store::metadata::{self, Metadata};
use crate::store::rows::{self, Changed, LastChange};
use crate::store::{Kinds, Store, StoreError};

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
    /// Where the last look ended; `None` while the present could not be read.
    seen: Option<Seen>,
    /// Commits of our own that may not have been looked at.
    own: BTreeSet<i64>,
}

#[derive(Debug, Clone, PartialEq)]
struct Seen {
    /// Number, kind and id of the row after which the next look begins.
    row: (i64, String, String),
    /// Every change up to this number was accounted for.
    up_to: i64,
    /// How things stood.
    standing: Metadata,
}

impl Seen {
    fn present(standing: Metadata) -> Self {
        Self {
            row: (standing.change_seq + 1, String::new(), String::new()),
            up_to: standing.change_seq,
            standing,
        }
    }
}

impl Follower {
    /// Somebody listens from now on: what others commit after this call is
    /// told. Reads one row, unless it follows already.
    pub fn begin(&self, store: &Store) {
        let mut state = self.state();
        if state.following {
            return;
        }
        // Under the lock, so that no commit of our own falls between.
        *state = State {
            following: true,
            // Paused or failing: the next look finds the present.
            seen: store.read(metadata::get).ok().map(Seen::present),
            own: BTreeSet::new(),
        };
    }

    /// Stops if nobody listens; true if it did.
    pub fn stop(&self, broadcaster: &Broadcaster) -> bool {
        let mut state = self.state();
        // Whoever comes after this look finds that nobody follows, and begins.
        if broadcaster.listeners() > 0 {
            return false;
        }
        *state = State::default();
        true
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

    /// Looks for commits of others and has them told. Call it at intervals.
    pub fn poll(self: &Arc<Self>, store: &Store, broadcaster: &Arc<Broadcaster>) -> Result<(), StoreError> {
        let seen = self.state().seen.clone();
        let Some(seen) = seen else {
            let present = store.read(metadata::get)?;
            self.state().seen = Some(Seen::present(present));
            broadcaster.anything();
            return Ok(());
        };
        let (number, kind, id) = &seen.row;
        let (standing, found) = store.read(|connection| {
            Ok((
                metadata::get(connection)?,
                rows::changed_after(connection, *number, kind, id, CHUNK)?,
            ))
        })?;
        if found.is_empty() && standing == seen.standing {
            return Ok(());
        }
        let (follower, broadcaster) = (Arc::clone(self), Arc::clone(broadcaster));
        // By then every commit of our own among them has reported itself.
        store.after_writes(move || follower.tell(&seen, standing, found, &broadcaster));
        Ok(())
    }

    fn tell(&self, before: &Seen, standing: Metadata, found: Vec<Changed>, broadcaster: &Broadcaster) {
        let restated = standing != before.standing;
        let (theirs, unexplained) = {
            let mut state = self.state();
            if state.seen.as_ref() != Some(before) {
                // It stopped and began anew in the meantime.
                return;
            }
            let last = found.last().filter(|_| found.len() >= CHUNK as usize);
            let after = match last {
                Some(last) => Seen {
                    row: (
                        last.change_seq,
                        last.record.version.key.kind.to_string(),
                        last.record.version.key.id.to_string(),
                    ),
                    up_to: last.change_seq - 1,
                    standing,
                },
                None => Seen::present(standing),
            };
            let numbers = (before.up_to + 1)..=after.up_to;
            let known: BTreeSet<i64> = found
                .iter()
                .map(|row| row.change_seq)
                .chain(state.own.iter().copied())
                .filter(|number| numbers.contains(number))
                .collect();
            let unexplained = (known.len() as i64) < after.up_to - before.up_to;
            let mut theirs = found;
            theirs.retain(|row| !state.own.contains(&row.change_seq));
            state.own = state.own.split_off(&(after.up_to + 1));
            state.seen = Some(after);
            (theirs, unexplained)
        };
        for commit in theirs.chunk_by(|one, next| one.change_seq == next.change_seq) {
            let kinds = commit.iter().map(|row| Kinds::of(&row.record.version.key.kind));
            let changed = Interest {
                kinds: kinds.fold(Kinds::NONE, Kinds::plus),
                status: true,
            };
            broadcaster.batch(commit.iter().flat_map(events).collect(), changed);
        }
        if unexplained {
            broadcaster.anything();
        } else if restated {
            broadcaster.batch(Vec::new(), Interest::STATUS);
        }
    }
}

fn events(row: &Changed) -> Vec<ChangeEvent> {
    let version = &row.record.version;
    match row.change {
        LastChange::Created(origin) => vec![ChangeEvent::record(true, version.into(), origin)],
        LastChange::Updated(origin) => vec![ChangeEvent::record(false, version.into(), origin)],
        LastChange::Restated(origin) => vec![ChangeEvent::restated(version.into(), origin)],
        LastChange::UpdatedAndRestated(origin) => vec![
            ChangeEvent::record(false, version.into(), origin),
            ChangeEvent::restated(version.into(), origin),
        ],
        LastChange::Deleted(origin) => vec![ChangeEvent::deleted(&version.key, origin)],
        LastChange::Status => Vec::new(),
    }
}
