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

/// The largest message accepted, either way, in bytes after decompression.
pub const MAX_MESSAGE_BYTES: usize = 8 * 1024 * 1024;
/// How deeply a message may nest.
pub const MAX_DEPTH: usize = 64;
/// The most changes a page may hold.
pub const MAX_PAGE_CHANGES: usize = 10_000;
