//! The public API: thin methods over the replica, the sync engine and observation.
//!
//! [`WildThingClient`] is the front door. Its methods are grouped by file:
//! `connect` (open to shutdown), `auth`, `sync`, `wait`, `read`, `write`, `graph`,
//! `care`, `observe` and `watch` (live queries, by `live`). `records`, `types`,
//! `auth_types`, `graph_types` and `inputs` are what they give and take; `typed`,
//! `present`, `entities` and `patch` turn stored records into them and back;
//! `tokens` keeps the token of a `session` fresh. No rule of sync or conflict lives here.
//!
//! # Reading and writing
//!
//! Everything is there offline, from the first call on. A write is on the disk
//! when its call returns, and is sent by a later sync.
//!
//! ```no_run
//! # use wildthing::client::*;
//! # async fn example(client: WildThingClient) -> Result<()> {
//! let house = client.get_house(None).await?;
//! let room = client.create_room(NewRoom::new(house.id, "Kitchen")).await?;
//! let lamp = NewDevice {
//!     device_type: Some(DeviceType::Light),
//!     ..NewDevice::new(room.id.clone(), "Ceiling light")
//! };
//! let lamp = client.create_device(lamp).await?;
//! // Merged into the current state; `null` removes a key.
//! let state = serde_json::json!({"power": "on", "brightness": 80});
//! let state = state.as_object().cloned().unwrap_or_default();
//! client.update_device_state(lamp.id, state, None, false).await?;
//! // A patch changes what it names.
//! let patch = RoomPatch { floor: Some(1), clear: vec!["settings".into()], ..RoomPatch::default() };
//! client.update_room(room.id, patch).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Syncing
//!
//! [`WildThingClient::sync`] says what it did; one that could not finish is an
//! error that says why. [`WildThingClient::start_background_sync`] does it for
//! as long as the client lives.
//!
//! ```no_run
//! # use std::time::Duration;
//! # use wildthing::client::*;
//! # async fn example(client: WildThingClient, token: String) -> Result<()> {
//! client.connect("https://hub.local".into(), Some(token), None).await?;
//! match client.sync().await {
//!     Ok(result) => println!("{} in, {} out", result.pulled, result.pushed),
//!     Err(WildThingError::Offline { .. }) => println!("later, then"),
//!     Err(WildThingError::NeedsAuth { .. }) => client.set_auth_token(Some("another".into()))?,
//!     Err(error) => return Err(error),
//! }
//! client.start_background_sync(Duration::from_secs(30)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Observing
//!
//! A stream tells every change in commit order; a live query gives its answer
//! again whenever that is another; an observer is called back.
//!
//! ```no_run
//! # use wildthing::client::*;
//! # async fn example(client: WildThingClient) -> Result<()> {
//! let rooms = client.watch_rooms(None)?;
//! while let Some(rooms) = rooms.next().await? {
//!     println!("{} rooms", rooms.len());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What became of an edit
//!
//! Each record says where it stands ([`Freshness`]). An edit that lost a
//! conflict is kept until it is dismissed, and can be made the newest again.
//!
//! ```no_run
//! # use wildthing::client::*;
//! # async fn example(client: WildThingClient) -> Result<()> {
//! for device in client.get_devices(None).await? {
//!     match device.freshness {
//!         Freshness::Synced { as_of } => println!("{} is as of {as_of:?}", device.name),
//!         Freshness::Pending { since, .. } => println!("{} waits since {since:?}", device.name),
//!         Freshness::Failed { reason, .. } => println!("{} was refused: {reason}", device.name),
//!         Freshness::Superseded { conflict_id, .. } => {
//!             client.restore(conflict_id).await?;
//!         }
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod auth;
pub mod auth_types;
mod care;
mod connect;
mod core;
mod entities;
mod error;
mod graph;
pub mod graph_types;
pub mod inputs;
mod link;
mod live;
mod observe;
mod patch;
mod present;
mod read;
pub mod records;
mod session;
#[cfg(feature = "testing")]
pub mod staged;
mod standings;
mod sync;
mod tokens;
mod typed;
pub mod types;
mod wait;
mod watch;
mod write;

use std::sync::Arc;

pub use self::connect::ConnectOptions;
pub use auth_types::AuthSession;
pub use error::WildThingError;
pub use graph_types::{
    EdgeDirection, Entity, EntityPatch, GraphPath, Neighbour, NewEntity, Relationship, RelationshipFilter,
    SearchHit,
};
pub use inputs::{
    DevicePatch, HousePatch, NewDevice, NewEvent, NewHouse, NewRoom, NewUser, RoomPatch, UserPatch,
};
pub use records::{Device, DeviceState, DeviceType, Event, Freshness, House, Room, User, UserRole};
pub use types::{
    ChangeEvent, Conflict, Connection, Digests, Durability, Explanation, HistoryEntry, OpenOptions,
    PendingChange, Protocol, RecordObject, Salvaged, SyncProblem, SyncResult, SyncStatus, Timeouts,
};

pub use live::LiveQuery;
pub use watch::{DeviceStateQuery, DevicesQuery, HousesQuery, RoomsQuery, StatusQuery};

pub use crate::observe::{
    ChangeBatch, ChangeObserver, ChangeStream, ChangeSubscription, Events, Observed, ObserverError,
};
pub use crate::store::Origin;
pub use crate::store::ReplicaKey;
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
