//! The flags of the commands that care for unsent edits and conflicts.

use clap::{Args, Subcommand};

/// Which record; ids may repeat across kinds.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Id, prefix of an id, or name
    pub(crate) id: String,
    /// Look only at records of this kind: house, room, device, user, entity_state, event
    #[arg(long)]
    pub(crate) kind: Option<String>,
}

/// `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) which: Which,
}

/// `retry`.
#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    /// Id, prefix of an id, or name of the record [default: all that failed]
    pub(crate) id: Option<String>,
    /// Look only at records of this kind
    #[arg(long, requires = "id")]
    pub(crate) kind: Option<String>,
}

/// `discard`.
#[derive(Debug, Args)]
pub(crate) struct DiscardArgs {
    #[command(flatten)]
    pub(crate) which: Which,
}

/// `reset`.
#[derive(Debug, Args)]
pub(crate) struct ResetArgs {
    /// Even if unsent edits are lost
    #[arg(long)]
    pub(crate) force: bool,
}

/// `conflicts …`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConflictsCommand {
    /// List edits that lost or were refused
    List,
    /// Show both sides of one
    Show {
        /// Number of the conflict, as `conflicts list` shows it
        conflict_id: i64,
    },
    /// Make the version that lost the current one again
    Restore {
        /// Number of the conflict, as `conflicts list` shows it
        conflict_id: i64,
    },
    /// Forget edits that lost
    Dismiss(DismissArgs),
}

/// `conflicts dismiss`.
#[derive(Debug, Args)]
pub(crate) struct DismissArgs {
    /// Numbers of the conflicts
    #[arg(required_unless_present = "all")]
    pub(crate) conflict_ids: Vec<i64>,
    /// All that are listed now
    #[arg(long, conflicts_with = "conflict_ids")]
    pub(crate) all: bool,
}
