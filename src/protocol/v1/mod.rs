//! Inbetweenies v1, the five-step protocol over typed records.
//!
//! `messages` are the five messages and their answers; `change` turns versions
//! into wire changes and back; `fields` says which fields a kind is known to have.

mod change;
mod fields;
mod messages;

pub use change::{Operation, WireChange, decode_data, encode_data};
pub use fields::{embedded_field, first_mistyped, is_known_field};
pub use messages::{
    Ack, Applied, Conflict, Delta, PushChange, PushRequest, PushResult, Rejected, SyncRequest, Verdict,
};

/// Path of step 1.
pub const REQUEST_PATH: &str = "/api/v1/sync/request";
/// Path of step 3.
pub const PUSH_PATH: &str = "/api/v1/sync/push";
/// Path of step 5.
pub const ACK_PATH: &str = "/api/v1/sync/ack";
/// Path of the liveness probe.
pub const HEALTH_PATH: &str = "/health";
