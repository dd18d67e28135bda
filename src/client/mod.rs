//! The public API: thin methods over the replica, the sync engine and observation.
//!
//! [`WildThingClient`] is the front door. Its methods are grouped by file:
//! `connect` (open to shutdown), `sync`, `read`, `write`, `care`. `types` and
//! `inputs` are what they give and take, `present` and `patch` turn records
//! into them and back. No rule of sync or conflict lives here.

mod care;
mod connect;
mod core;
mod error;
pub mod inputs;
mod patch;
mod present;
mod read;
mod sync;
pub mod types;
mod write;

use std::sync::Arc;

pub use self::connect::ConnectOptions;
pub use error::WildThingError;
pub use inputs::{NewDevice, NewEvent, NewHouse, NewRoom, NewUser, Patch};
pub use types::{
    ChangeEvent, Conflict, DeviceState, Durability, Explanation, HistoryEntry, OpenOptions, PendingChange,
    RecordObject, SyncProblem, SyncResult, SyncStatus, Timeouts,
};

pub use crate::observe::{ChangeStream, Observed};

/// What the calls of this API give.
pub type Result<T> = std::result::Result<T, WildThingError>;

/// A house that works offline. Cheap to clone; all clones are one client.
///
/// Calls that read or write the replica run on threads of the client's own, so
/// they may be made from any async runtime. When the last clone is dropped the
/// client ends in the background; [`WildThingClient::shutdown`] waits for it.
#[derive(Debug, Clone)]
pub struct WildThingClient {
    inner: Arc<core::Inner>,
}
