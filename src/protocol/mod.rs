//! Inbetweenies: the messages of the wire and how records become them. Pure.
//!
//! `decode` reads bytes into JSON within limits, `v1` holds the five-step
//! protocol, `v2` the graph protocol, `digest` the fingerprints that replicas
//! compare. Who sends what when is decided in [`crate::sync`]; how bytes travel,
//! in [`crate::transport`].

pub mod decode;
pub mod digest;
mod error;
pub mod v1;
pub mod v2;

pub use error::ProtocolError;

/// Which protocol a replica's server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, uniffi::Enum)]
#[serde(rename_all = "snake_case")]
#[uniffi(name = "SyncProtocol")]
pub enum Protocol {
    /// Not known yet: the first sync asks the server.
    Auto,
    /// Inbetweenies v1: records of six kinds.
    V1,
    /// Inbetweenies v2: a graph of entities and relationships.
    V2,
}

impl Protocol {
    /// The word in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::Auto => "auto",
            Protocol::V1 => "v1",
            Protocol::V2 => "v2",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Protocol::Auto, Protocol::V1, Protocol::V2]
            .into_iter()
            .find(|protocol| protocol.as_str() == word)
    }
}

/// The largest message accepted, either way, in bytes after decompression.
pub const MAX_MESSAGE_BYTES: usize = 8 * 1024 * 1024;
/// The largest listing of edges taken: it comes whole, at about 490 bytes an edge.
pub const MAX_LISTING_BYTES: usize = 64 * 1024 * 1024;
/// How deeply a message may nest.
pub const MAX_DEPTH: usize = 64;
/// The most changes a page may hold.
pub const MAX_PAGE_CHANGES: usize = 10_000;
