//! What a house is made of: kinds, ids, times, versions and records.
//!
//! Everything here is plain data with its own parsing and printing. Nothing in
//! this folder does I/O, reads a clock or knows of SQLite or HTTP.

mod id;
mod kind;
mod merge;
pub mod time;
mod uuids;
mod version;

pub use id::{InvalidId, Key, MAX_ID_BYTES, RecordId};
pub use kind::Kind;
pub use merge::merge_patch;
pub use time::{InvalidTimestamp, Timestamp};
pub use uuids::{device_state_id, uuid_v7, uuid_v7_millis};
pub use version::{Record, RecordStatus, Version};

/// A JSON object: the fields of a record beyond those every record has.
///
/// Numbers keep the text they came with, so integers beyond 64 bits survive.
pub type JsonObject = serde_json::Map<String, serde_json::Value>;

/// Any JSON value.
pub type Json = serde_json::Value;
