//! What came of a sync: what it did, what could not be synced, why it did not finish.

use std::time::Duration;

use crate::model::{Key, Kind};
use crate::protocol::ProtocolError;
use crate::store::StoreError;
use crate::store::journal::JournalEntry;
use crate::store::push::Failure;
use crate::transport::TransportError;

/// What a sync that went through did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SyncReport {
    /// Changes pulled.
    pub pulled: u64,
    /// Edits that reached a final state at the server.
    pub pushed: u64,
    /// Conflicts that were decided.
    pub conflicts: Vec<JournalEntry>,
    /// What could not be synced.
    pub problems: Vec<Problem>,
}

/// Something that could not be synced while the rest was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The kind.
    pub kind: Kind,
    /// The record; `None` if it is about the whole kind.
    pub id: Option<String>,
    /// A stable word.
    pub code: String,
    /// In words.
    pub detail: String,
}

impl Problem {
    /// A question about a record that the server has no usable answer to.
    pub(super) fn unanswered(key: &Key, problem: &str) -> Self {
        Problem {
            kind: key.kind.clone(),
            id: Some(key.id.to_string()),
            code: "server_error".into(),
            detail: format!("what the server has of it can't be known: {problem}"),
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Problem {
            kind: failure.key.kind,
            id: Some(failure.key.id.to_string()),
            code: failure.code,
            detail: failure.detail,
        }
    }
}

/// Why a sync could not finish. What it had done until then stays done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyncError {
    /// The server can't be reached, or stays overloaded.
    #[error("{0}")]
    Offline(TransportError),
    /// The answer can't be trusted or is too large.
    #[error("{0}")]
    Transport(TransportError),
    /// The token was refused.
    #[error("the server refused the token (HTTP {status})")]
    NeedsAuth {
        /// 401 or 403.
        status: u16,
    },
    /// The server failed.
    #[error("the server answered {status}: {detail}")]
    Server {
        /// The HTTP status.
        status: u16,
        /// Its words, shortened.
        detail: String,
        /// How long it asked to be left alone, in milliseconds; 0 if it did not.
        retry_after: u64,
    },
    /// The server's message can't be used.
    #[error("the server's answer can't be used: {0}")]
    Protocol(ProtocolError),
    /// Another server answered.
    #[error("this replica belongs to hub {expected}, and {found} answered")]
    OtherServer {
        /// The hub of this replica.
        expected: String,
        /// The hub that answered.
        found: String,
    },
    /// The replica failed.
    #[error("{0}")]
    Store(StoreError),
    /// Another process syncs this replica, for too long.
    #[error("another process is syncing this replica")]
    Busy,
    /// The user cancelled.
    #[error("cancelled")]
    Cancelled,
    /// A fault of this library. What was committed before it stays, and the
    /// next sync goes on from there.
    #[error("the sync panicked; its transaction was rolled back")]
    Panicked,
}

impl SyncError {
    /// How long the server asked to be left alone.
    pub fn retry_after(&self) -> Duration {
        match self {
            SyncError::Server { retry_after, .. } => Duration::from_millis(*retry_after),
            _ => Duration::ZERO,
        }
    }
}
