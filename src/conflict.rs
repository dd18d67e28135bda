//! The conflict rule, and nothing else. Pure: the client on pull and the hub on
//! push call this very function.
//!
//! Source: the seed, "Conflict Resolution", made precise by the design, "The
//! conflict rule". It is for *concurrent* versions; whether two versions are
//! concurrent at all is decided by their bases, elsewhere.

use serde::{Deserialize, Serialize};

use crate::model::time::SECOND;
use crate::model::{Timestamp, Version};
use crate::mutant::{self, Mutant};

/// What the rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edit<'a> {
    /// Edit time, if readable.
    pub updated_at: Option<Timestamp>,
    /// Id of the edit; may be empty.
    pub sync_id: &'a str,
    /// Whether the version is a tombstone.
    pub deleted: bool,
}

impl<'a> From<&'a Version> for Edit<'a> {
    fn from(version: &'a Version) -> Self {
        Edit {
            updated_at: version.updated_at,
            sync_id: &version.sync_id,
            deleted: version.deleted,
        }
    }
}

/// Which of the two versions stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Winner {
    /// The first argument.
    Local,
    /// The second argument.
    Remote,
}

/// Why a version won. The words are part of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The local version is a delete, the remote is not.
    LocalDeleted,
    /// The remote version is a delete, the local is not.
    RemoteDeleted,
    /// The local edit is newer by a second or more.
    NewerLocal,
    /// The remote edit is newer by a second or more.
    NewerRemote,
    /// Within a second; the local edit's id is greater.
    SyncIdTiebreakLocal,
    /// Within a second; the remote edit's id is greater.
    SyncIdTiebreakRemote,
    /// One version has no readable time; the other won.
    MissingTimestamp,
}

impl Reason {
    /// The word on the wire and in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::LocalDeleted => "local_deleted",
            Reason::RemoteDeleted => "remote_deleted",
            Reason::NewerLocal => "newer_local",
            Reason::NewerRemote => "newer_remote",
            Reason::SyncIdTiebreakLocal => "sync_id_tiebreak_local",
            Reason::SyncIdTiebreakRemote => "sync_id_tiebreak_remote",
            Reason::MissingTimestamp => "missing_timestamp",
        }
    }
}

/// The rule's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// Both are the same edit; there is no conflict.
    SameEdit,
    /// Two edits met; one stays.
    Conflict {
        /// The one that stays.
        winner: Winner,
        /// Why.
        reason: Reason,
    },
}

/// Decides between two concurrent versions of one record.
///
/// A delete wins over an update whatever the times. Otherwise the newer edit
/// wins; within one second (exactly one second is outside) the greater
/// `sync_id` by bytes does.
pub fn resolve(local: Edit<'_>, remote: Edit<'_>) -> Resolution {
    if local.deleted != remote.deleted {
        return if local.deleted {
            conflict(Winner::Local, Reason::LocalDeleted)
        } else {
            conflict(Winner::Remote, Reason::RemoteDeleted)
        };
    }
    if !local.sync_id.is_empty() && local.sync_id == remote.sync_id {
        return Resolution::SameEdit;
    }
    match (local.updated_at, remote.updated_at) {
        (Some(_), None) => conflict(Winner::Local, Reason::MissingTimestamp),
        (None, Some(_)) => conflict(Winner::Remote, Reason::MissingTimestamp),
        (None, None) => tiebreak(local, remote),
        (Some(ours), Some(theirs)) => {
            let ahead = ours.micros().saturating_sub(theirs.micros());
            if within_tiebreak_window(ahead) {
                tiebreak(local, remote)
            } else if ahead > 0 {
                conflict(Winner::Local, Reason::NewerLocal)
            } else {
                conflict(Winner::Remote, Reason::NewerRemote)
            }
        }
    }
}

fn within_tiebreak_window(difference: i64) -> bool {
    if mutant::active(Mutant::OneSecondInclusive) && difference.unsigned_abs() == SECOND.unsigned_abs() {
        return true;
    }
    difference.unsigned_abs() < SECOND.unsigned_abs()
}

/// The greater id by bytes wins. Equal ids (both empty) leave the remote one:
/// the side that asks can't tell them apart, and the server's is shared.
fn tiebreak(local: Edit<'_>, remote: Edit<'_>) -> Resolution {
    if local.sync_id.as_bytes() > remote.sync_id.as_bytes() {
        conflict(Winner::Local, Reason::SyncIdTiebreakLocal)
    } else {
        conflict(Winner::Remote, Reason::SyncIdTiebreakRemote)
    }
}

fn conflict(winner: Winner, reason: Reason) -> Resolution {
    Resolution::Conflict { winner, reason }
}
