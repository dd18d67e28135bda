//! The public API: thin methods over the replica, the sync engine and observation.
//!
//! [`WildThingClient`] is the front door. Its methods are grouped by file:
//! `connect` (open to shutdown), `sync`, `wait`, `read`, `write`, `care`,
//! `observe` and `watch` (live queries, by `live`). `records`, `types` and
//! `inputs` are what they give and take; `typed`, `present` and `patch` turn
//! stored records into them and back. No rule of sync or conflict lives here.

mod care;
mod connect;
mod core;
mod error;
pub mod inputs;
mod link;
mod live;
mod observe;
mod patch;
mod present;
mod read;
pub mod records;
mod standings;
mod sync;
mod typed;
pub mod types;
mod wait;
mod watch;
mod write;

use std::sync::Arc;

pub use self::connect::ConnectOptions;
pub use error::WildThingError;
pub use inputs::{
    DevicePatch, HousePatch, NewDevice, NewEvent, NewHouse, NewRoom, NewUser, RoomPatch, UserPatch,
};
pub use records::{Device, DeviceState, DeviceType, Event, Freshness, House, Room, User, UserRole};
pub use types::{
    ChangeEvent, Conflict, Connection, Digests, Durability, Explanation, HistoryEntry, OpenOptions,
    PendingChange, RecordObject, Salvaged, SyncProblem, SyncResult, SyncStatus, Timeouts,
};

pub use live::LiveQuery;
pub use watch::{DeviceStateQuery, DevicesQuery, HousesQuery, RoomsQuery, StatusQuery};

pub use crate::observe::{
    ChangeBatch, ChangeObserver, ChangeStream, ChangeSubscription, Events, Observed, ObserverError,
};
pub use crate::store::Origin;
pub use crate::store::journal::Loser;

/// What the calls of this API give.
pub type Result<T> = std::result::Result<T, WildThingError>;

/// A house that works offline. Cheap to clone; all clones are one client.
///
/// Calls that read or write the replica run on threads of the client's own, so
/// they may be made from any async runtime. When the last clone is dropped the
/// client ends in the background; [`WildThingClient::shutdown`] waits for it.
#[derive(Debug, Clone, uniffi::Object)]
pub struct WildThingClient {
    inner: Arc<core::Inner>,
}
