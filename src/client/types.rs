//! What the public API takes and gives: plain records, ready to cross into other languages.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;

use super::records::Freshness;
use crate::model::{JsonObject, Kind, RecordId, Timestamp};

pub use crate::observe::{ChangeEvent, Connection};
pub use crate::protocol::Protocol;
pub use crate::protocol::v1::Operation;
pub use crate::store::journal::Loser;
pub use crate::store::outbox::OutboxState;
pub use crate::transport::Timeouts;

/// How a client is opened.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct OpenOptions {
    /// How safe a local write is when its call returns; `Full` when left out.
    #[uniffi(default = None)]
    pub durability: Option<Durability>,
    /// Log every SQL statement, without its values, at debug level.
    #[uniffi(default = false)]
    pub echo: bool,
    /// Let a local write start a sync after 250 ms of quiet, while a background sync runs.
    #[uniffi(default = true)]
    pub sync_on_write: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            durability: None,
            echo: false,
            sync_on_write: true,
        }
    }
}

/// What survives a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, uniffi::Enum)]
pub enum Durability {
    /// Every acknowledged local write (`synchronous=FULL`).
    #[default]
    Full,
    /// The database stays sound, but a power cut may take the last local writes
    /// with it (`synchronous=NORMAL`). A crash of the program takes nothing.
    Fast,
}

/// The outcome of a sync that went through.
#[derive(Debug, Clone, PartialEq, Serialize, uniffi::Record)]
pub struct SyncResult {
    /// `pulled + pushed`.
    pub synced_entities: u64,
    /// Records that the server sent.
    pub pulled: u64,
    /// Edits that the server took or decided.
    pub pushed: u64,
    /// The conflicts met in this sync.
    pub conflicts: Vec<Conflict>,
    /// How many of them are decided.
    pub conflicts_resolved: u64,
    /// What could not be synced, one entry a record or kind; the rest went through.
    pub errors: Vec<SyncProblem>,
    /// How long it took.
    #[serde(rename = "duration_ms", serialize_with = "as_millis")]
    pub duration: Duration,
}

/// Something that could not be synced, while the rest was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, uniffi::Record)]
pub struct SyncProblem {
    /// The record's kind.
    pub kind: Kind,
    /// The record's id; `None` if it is about the whole kind.
    pub id: Option<RecordId>,
    /// A stable word.
    pub code: String,
    /// In words.
    pub detail: String,
}

/// An edit that lost or was refused, kept whole until it is dismissed.
#[derive(Debug, Clone, PartialEq, Serialize, uniffi::Record)]
pub struct Conflict {
    /// Number of the entry in this replica's journal.
    pub conflict_id: i64,
    /// The record's kind.
    pub kind: Kind,
    /// The record's id.
    pub id: RecordId,
    /// Why it lost: the rule's reason, or `rejected`, `discarded`, `absent_on_server`.
    pub reason: String,
    /// `local`: an edit made here lost. `remote`: an edit made here won over this one.
    pub loser: Loser,
    /// The losing version as it would have been shown.
    pub losing: JsonObject,
    /// The version that stayed, where known.
    pub winning: Option<JsonObject>,
    /// Edit time of the loser.
    pub losing_time: Option<Timestamp>,
    /// Edit time of the winner.
    pub winning_time: Option<Timestamp>,
    /// When it was recorded here.
    pub recorded_at: Timestamp,
}

/// Where the replica stands.
#[derive(Debug, Clone, PartialEq, Serialize, uniffi::Record)]
pub struct SyncStatus {
    /// The server, if `connect` was called.
    pub server_url: Option<String>,
    /// This replica's name to the server.
    pub client_id: String,
    /// What the server speaks; `Auto` before one was met.
    pub protocol: Protocol,
    /// The server's time up to which everything was pulled.
    pub last_sync_time: Option<Timestamp>,
    /// When the last sync went through, by our clock.
    pub last_sync_success: Option<Timestamp>,
    /// Why the last one did not.
    pub last_sync_error: Option<String>,
    /// Failures since the last success.
    pub sync_failures: u64,
    /// Syncs that went through.
    pub total_syncs: u64,
    /// Conflicts ever met.
    pub total_conflicts: u64,
    /// Whether a sync is running, here or in another process.
    pub sync_in_progress: bool,
    /// When the background loop tries next.
    pub next_retry_time: Option<Timestamp>,
    /// Edits waiting to be sent.
    pub pending: u64,
    /// Edits the server refused.
    pub failed: u64,
    /// Entries in the journal.
    pub conflicts: u64,
    /// Whether replica and server were found to hold the same when their digests
    /// were last compared; `None` if they never were, or the server has none.
    pub digest_agrees: Option<bool>,
    /// When that was.
    pub digest_checked_at: Option<Timestamp>,
    /// Live records by kind.
    pub counts: HashMap<String, u64>,
    /// How things stand with the server, as far as this client has tried.
    pub connection: Connection,
    /// Whether this client syncs in the background.
    pub background: bool,
    /// Whether this client is paused; the rest is then how things stood before.
    pub paused: bool,
}

/// A record as the API shows it: its fields in one flat object.
///
/// The object has `id`, `kind`, `name`, the parent under its own name
/// (`house_id`, `room_id`, `device_id`, `entity_id`), the kind's fields, `_json`
/// fields decoded and without their suffix, `created_at`, `updated_at`,
/// `sync_id`, `sync_status` and, where it applies, `sync_error`.
///
/// A house, room or device of a graph has the fields of its content among these,
/// and under `content` those whose name is taken; any other entity has its whole
/// content under `content`. Both have `source_type` and `user_id`.
pub type RecordObject = JsonObject;

/// An edit that the server has not got.
#[derive(Debug, Clone, PartialEq, Serialize, uniffi::Record)]
pub struct PendingChange {
    /// The record's kind.
    pub kind: Kind,
    /// The record's id.
    pub id: RecordId,
    /// The record's name, if it has one.
    pub name: Option<String>,
    /// What it does to the record.
    pub operation: Operation,
    /// Whether it waits, or was refused.
    pub state: OutboxState,
    /// How often it was sent.
    pub attempts: u64,
    /// What the server last said about it.
    pub last_error: Option<String>,
    /// When the edit was made.
    pub updated_at: Option<Timestamp>,
}

/// Everything the replica knows of a record's standing.
#[derive(Debug, Clone, PartialEq, Serialize, uniffi::Record)]
pub struct Explanation {
    /// In words, one sentence a line.
    pub words: Vec<String>,
    /// Where it stands.
    pub freshness: Freshness,
    /// The record as it is shown here.
    pub record: RecordObject,
    /// Its unsent edit.
    pub pending: Option<PendingChange>,
    /// The server's version where it differs from what is shown.
    pub server: Option<JsonObject>,
    /// Its entries in the journal.
    pub conflicts: Vec<Conflict>,
    /// Earlier versions kept here, newest first.
    pub history: Vec<HistoryEntry>,
}

/// A superseded version.
#[derive(Debug, Clone, PartialEq, Serialize, uniffi::Record)]
pub struct HistoryEntry {
    /// The version as it was shown.
    pub record: RecordObject,
    /// Its edit time.
    pub updated_at: Option<Timestamp>,
    /// When it was superseded here.
    pub superseded_at: Timestamp,
}

/// The two digests of what a replica shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, uniffi::Record)]
pub struct Digests {
    /// Over kinds, ids, edit ids and deletion, tombstones included: equal on
    /// replicas that hold the same versions.
    pub state: String,
    /// Over what live records say: equal on replicas that show the same house.
    pub content: String,
}

/// What became of a damaged database that was found on open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, uniffi::Record)]
pub struct Salvaged {
    /// Where the damaged file was moved to.
    pub set_aside: String,
    /// How many unsent edits were carried over.
    pub edits_saved: u64,
}

fn as_millis<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
