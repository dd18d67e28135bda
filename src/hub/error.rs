//! What can go wrong in a hub, in words that say what to do about it.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::protocol::ProtocolError;

use super::sample::MIN_SAMPLE;

/// A hub operation that failed. A failed write changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// SQLite refused; its own words say whether the disk is full, the file
    /// locked or unreadable.
    #[error("the hub's database: {0}; check its folder, permissions and free space")]
    Storage(#[from] rusqlite::Error),
    /// A stored row can't be read as what it was written as.
    #[error("the hub's database holds an unreadable {what}: {problem}; restore it from a backup")]
    Damaged {
        /// Which row.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The file could not be made, opened or protected.
    #[error("can't open the hub database {path}: {problem}; check the path and its permissions")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        problem: std::io::Error,
    },
    /// The file is not a SQLite database. It was not touched.
    #[error("{path} is not a database; it was left as it is, give the hub a file of its own")]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is a database of another program. It was not touched.
    #[error("{path} is a database, but not a hub's; it was left as it is, give the hub a file of its own")]
    NotAHub {
        /// The file.
        path: PathBuf,
    },
    /// A newer program wrote the file. It was not touched.
    #[error(
        "{path} has hub schema {found}, this program knows up to {known}; update the program or use another file"
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The file's schema number.
        found: i64,
        /// The greatest schema number this program knows.
        known: i64,
    },
    /// The file speaks another protocol; a hub database has one for life.
    #[error(
        "{path} holds a hub of protocol {found}, this is {wanted}; serve it with --protocol {found} or use another file"
    )]
    OtherProtocol {
        /// The file.
        path: PathBuf,
        /// The protocol in the file.
        found: String,
        /// The protocol asked for.
        wanted: &'static str,
    },
    /// A message can't be used.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// A request that a v2 hub does not take, in the words of that protocol.
    #[error("{detail}")]
    Refused {
        /// What the client is told.
        detail: String,
    },
    /// Something that was asked for by its id is not there.
    #[error("{what} not found")]
    NotFound {
        /// What was asked for.
        what: &'static str,
    },
    /// The address can't be listened on.
    #[error("can't listen on {addr}: {problem}; choose another address or port")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        problem: std::io::Error,
    },
    /// The server's task ended before it was told to.
    #[error("the hub stopped serving: {problem}")]
    Stopped {
        /// What happened.
        problem: String,
    },
    /// What was given to import is not a recorded delta.
    #[error(
        "can't import: {problem}; expected a recorded answer of /api/v1/sync/request, \
         a JSON object with \"type\": \"sync_delta\" and its \"changes\""
    )]
    ImportFormat {
        /// What is wrong with it.
        problem: String,
    },
    /// What was given to a v2 hub to import is not a recording of one.
    #[error(
        "can't import: {problem}; expected a recorded answer of /api/v1/sync/ with its \"changes\", \
         or of /api/v1/graph/relationships"
    )]
    GraphImportFormat {
        /// What is wrong with it.
        problem: String,
    },
    /// No sample house is that small.
    #[error("a sample house has at least {MIN_SAMPLE} entities, {asked} were asked for")]
    SampleSize {
        /// How many were asked for.
        asked: usize,
    },
    /// A test made the transaction fail.
    #[error("the transaction {transaction:?} was made to fail by a test")]
    Injected {
        /// Which transaction.
        transaction: &'static str,
    },
}
