//! What is told: one event a change, one batch a commit.

use serde::Serialize;

use crate::model::{Json, Key, Kind, RecordId};
use crate::store::journal::Loser;
use crate::store::{Commit, Glimpse, Origin, StoreEvent};

/// A change, told after it was committed.
///
/// As JSON it is one flat object; `event` holds the word of
/// [`ChangeEvent::event_type`].
#[derive(Debug, Clone, PartialEq, Serialize, uniffi::Enum)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ChangeEvent {
    /// A record that was not there, or was deleted, is there.
    Created {
        /// What it is.
        kind: Kind,
        /// Its id within the kind.
        id: RecordId,
        /// Who made it.
        origin: Origin,
        /// Its name, if it has one.
        name: Option<String>,
    },
    /// A record says something else.
    Updated {
        /// What it is.
        kind: Kind,
        /// Its id within the kind.
        id: RecordId,
        /// Whose edit it is.
        origin: Origin,
        /// Its name, if it has one.
        name: Option<String>,
    },
    /// A record is gone.
    Deleted {
        /// What it was.
        kind: Kind,
        /// Its id within the kind.
        id: RecordId,
        /// Who deleted it.
        origin: Origin,
    },
    /// A device does something else. It is told so whether its state is a record of
    /// its own or part of the device: then `Updated` comes too only if the device
    /// says something else beside that.
    StateChanged {
        /// The device; `None` if the server did not say which.
        device_id: Option<RecordId>,
        /// The id of the state's own record, of kind `entity_state`; that of the
        /// device where the state is part of it.
        id: RecordId,
        /// Whose edit it is.
        origin: Origin,
        /// The whole state; null if there is none.
        state: Json,
    },
    /// An edit lost and is kept in the journal.
    Conflict {
        /// What the record is.
        kind: Kind,
        /// Its id within the kind.
        id: RecordId,
        /// Number of the entry in this replica's journal.
        conflict_id: i64,
        /// Why it lost: the rule's reason, or `rejected`, `absent_on_server` and the like.
        reason: String,
        /// Whose edit it was.
        loser: Loser,
    },
    /// A sync began. It ends in `SyncCompleted` or `SyncFailed`.
    SyncStarted,
    /// A sync got on.
    SyncProgress {
        /// Records pulled and edits pushed up to now.
        done: u64,
        /// How many there are, if that is known; servers of v1 do not tell.
        total: Option<u64>,
    },
    /// A sync went through.
    SyncCompleted {
        /// Records that the server sent.
        pulled: u64,
        /// Edits that the server took or decided.
        pushed: u64,
        /// Conflicts met.
        conflicts: u64,
        /// Records or kinds that could not be synced, while the rest was.
        problems: u64,
    },
    /// A sync did not go through; what it did before stays done.
    SyncFailed {
        /// The error's stable word.
        code: String,
        /// What happened.
        detail: String,
    },
    /// The server was found or lost.
    ConnectionChanged {
        /// How it stands now.
        connection: Connection,
    },
    /// The server refused the token; nothing is sent until another is given.
    NeedsAuth {
        /// The HTTP status, 401 or 403.
        status: u16,
    },
}

#[uniffi::export]
impl ChangeEvent {
    /// The event's word: `created`, `state_changed`, `sync_completed` and so on.
    pub fn event_type(&self) -> String {
        self.word().to_owned()
    }
}

impl ChangeEvent {
    /// [`ChangeEvent::event_type`] without a copy.
    pub fn word(&self) -> &'static str {
        match self {
            ChangeEvent::Created { .. } => "created",
            ChangeEvent::Updated { .. } => "updated",
            ChangeEvent::Deleted { .. } => "deleted",
            ChangeEvent::StateChanged { .. } => "state_changed",
            ChangeEvent::Conflict { .. } => "conflict",
            ChangeEvent::SyncStarted => "sync_started",
            ChangeEvent::SyncProgress { .. } => "sync_progress",
            ChangeEvent::SyncCompleted { .. } => "sync_completed",
            ChangeEvent::SyncFailed { .. } => "sync_failed",
            ChangeEvent::ConnectionChanged { .. } => "connection_changed",
            ChangeEvent::NeedsAuth { .. } => "needs_auth",
        }
    }

    /// A record that is there. A state is told as its device's.
    pub(super) fn record(created: bool, seen: Glimpse, origin: Origin) -> Self {
        let Key { kind, id } = seen.key;
        let name = seen.name;
        match kind {
            Kind::EntityState => Self::state(seen.parent_id, id, seen.state, origin),
            _ if created => ChangeEvent::Created {
                kind,
                id,
                origin,
                name,
            },
            _ => ChangeEvent::Updated {
                kind,
                id,
                origin,
                name,
            },
        }
    }

    /// A device of a graph whose state changed.
    pub(super) fn restated(seen: Glimpse, origin: Origin) -> Self {
        Self::state(Some(seen.key.id.clone()), seen.key.id, seen.state, origin)
    }

    fn state(device_id: Option<RecordId>, id: RecordId, state: Option<String>, origin: Origin) -> Self {
        ChangeEvent::StateChanged {
            device_id,
            id,
            origin,
            // What is no JSON is no state.
            state: state
                .and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or_default(),
        }
    }

    /// A record that is gone.
    pub(super) fn deleted(key: &Key, origin: Origin) -> Self {
        ChangeEvent::Deleted {
            kind: key.kind.clone(),
            id: key.id.clone(),
            origin,
        }
    }

    /// What a commit did, in order.
    pub(super) fn of(commit: &Commit) -> Vec<Self> {
        let event = |event: &StoreEvent| match event {
            StoreEvent::Created(seen, origin) => Self::record(true, seen.clone(), *origin),
            StoreEvent::Updated(seen, origin) => Self::record(false, seen.clone(), *origin),
            StoreEvent::Restated(seen, origin) => Self::restated(seen.clone(), *origin),
            StoreEvent::Deleted(key, origin) => Self::deleted(key, *origin),
            StoreEvent::Conflict(entry) => ChangeEvent::Conflict {
                kind: entry.version.key.kind.clone(),
                id: entry.version.key.id.clone(),
                conflict_id: entry.entry,
                reason: entry.reason.clone(),
                loser: entry.loser,
            },
        };
        commit.events.iter().map(event).collect()
    }
}

/// How things stand with the server, as far as this client has tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, serde::Deserialize, uniffi::Enum)]
#[serde(rename_all = "snake_case")]
pub enum Connection {
    /// No server is named.
    #[default]
    NotConnected,
    /// A server is named, and was not asked yet with this token.
    Unknown,
    /// It answered last time.
    Online,
    /// It could not be reached last time.
    Offline,
    /// It refused the token; another is needed.
    NeedsAuth,
}

/// The events of one commit, or one event about the sync or the connection.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct ChangeBatch {
    /// What happened, in order; never empty.
    pub events: Vec<ChangeEvent>,
    /// So many events were dropped just before these, because they were not
    /// taken in time. What is on show is then best read anew.
    pub missed: u64,
}
