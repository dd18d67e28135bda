//! The one error type of the public API, a variant per thing a caller can act on.

use std::time::Duration;

/// Why a call did not do what was asked. Nothing was half done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum WildThingError {
    /// The server can't be reached; edits wait in the outbox.
    #[error("offline: {reason}")]
    Offline {
        /// What the network said.
        reason: String,
    },
    /// The server refused the token. Work goes on after `set_auth_token` or `login`.
    #[error("the server refused the token (HTTP {status})")]
    NeedsAuth {
        /// 401 or 403.
        status: u16,
    },
    /// The server does not know the password.
    #[error("the password is wrong")]
    WrongPassword,
    /// The server takes no more guesses for now, and not even the right one.
    #[error("too many attempts; try again in {} s", whole_seconds(retry_after))]
    RateLimited {
        /// For how long. Whoever asks before that is told the rest of it,
        /// without the server being asked.
        retry_after: Duration,
    },
    /// The server knows who asks, and does not allow it; or the invitation is
    /// not, or no longer, good.
    #[error("not allowed: {detail}")]
    NotAllowed {
        /// The server's words, shortened.
        detail: String,
    },
    /// The server failed.
    #[error("the server answered {status}: {detail}")]
    Server {
        /// The HTTP status.
        status: u16,
        /// The server's words, shortened.
        detail: String,
    },
    /// The server's answer can't be used; nothing of it was applied.
    #[error("the server's answer can't be used: {problem}")]
    Protocol {
        /// What is wrong with it, and where.
        problem: String,
    },
    /// The local database failed.
    #[error("the local database failed: {problem}")]
    Storage {
        /// A word: `corrupt`, `disk_full`, `not_a_database`, `newer_schema`,
        /// `permission`, `cant_open`, `busy`, `io`, `other`; of encryption
        /// `key_needed`, `wrong_key`, `not_encrypted`, `no_encryption`.
        code: String,
        /// What happened and what to do.
        problem: String,
    },
    /// The client is paused.
    #[error("the client is paused; call resume first")]
    Paused,
    /// `cancel_sync` or `shutdown` ended the call.
    #[error("cancelled")]
    Cancelled,
    /// There is no server yet.
    #[error("not connected to a server; call connect first")]
    NotConnected,
    /// The replica belongs to another server.
    #[error("this replica belongs to server {expected}, not to {found}; ask for rebind to move it")]
    OtherServer {
        /// The hub the replica was synced with.
        expected: String,
        /// The hub that answered.
        found: String,
    },
    /// Another process has been syncing this replica for too long.
    #[error("another process is syncing this replica")]
    Busy,
    /// There is no such record.
    #[error("there is no {kind} {id:?}")]
    NotFound {
        /// The kind, or `record`.
        kind: String,
        /// What was asked for.
        id: String,
    },
    /// An argument is not acceptable.
    #[error("{field}: {problem}")]
    Invalid {
        /// The argument's name, or that of a field within it, as JSON and `extra`
        /// have it in every language: `server_url`, `max_depth`.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The server of this replica has no place for what was asked for, or is not
    /// known to have one: graphs need a server that speaks v2, or
    /// `ConnectOptions.protocol` to say that there is one.
    #[error("{what}: only a server that speaks v2 takes that, and this replica has none")]
    UnsupportedByServer {
        /// What it would have to take.
        what: String,
    },
    /// What was asked for would drop edits that the server has not got.
    #[error("{count} unsent edits would be lost")]
    UnsentEdits {
        /// How many.
        count: u64,
    },
    /// It took longer than was allowed; work goes on in the background, if it did before.
    #[error("not done after {waited_ms} ms; {pending} edits wait to be sent")]
    Timeout {
        /// How long it was waited for, in milliseconds.
        waited_ms: u64,
        /// Edits that the server has not answered.
        pending: u64,
    },
    /// A fault of this library. Please report it.
    #[error("internal error: {detail}")]
    Internal {
        /// What went wrong.
        detail: String,
    },
}

impl WildThingError {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            WildThingError::Offline { .. } => "offline",
            WildThingError::NeedsAuth { .. } => "needs_auth",
            WildThingError::WrongPassword => "wrong_password",
            WildThingError::RateLimited { .. } => "rate_limited",
            WildThingError::NotAllowed { .. } => "not_allowed",
            WildThingError::Server { .. } => "server",
            WildThingError::Protocol { .. } => "protocol",
            WildThingError::Storage { .. } => "storage",
            WildThingError::Paused => "paused",
            WildThingError::Cancelled => "cancelled",
            WildThingError::NotConnected => "not_connected",
            WildThingError::OtherServer { .. } => "other_server",
            WildThingError::Busy => "busy",
            WildThingError::NotFound { .. } => "not_found",
            WildThingError::Invalid { .. } => "invalid",
            WildThingError::UnsupportedByServer { .. } => "unsupported_by_server",
            WildThingError::UnsentEdits { .. } => "unsent_edits",
            WildThingError::Timeout { .. } => "timeout",
            WildThingError::Internal { .. } => "internal",
        }
    }
}

/// Rounded up: whoever waits so long has waited long enough.
fn whole_seconds(duration: &Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
