//! The live queries: what each asks, and of which kinds its answer depends.
//!
//! A class each, since foreign languages have no use for a generic one.

use std::sync::Arc;

use super::live::LiveQuery;
use super::records::{Device, DeviceState, House, Room};
use super::types::SyncStatus;
use super::{Result, WildThingClient};
use crate::model::{Kind, RecordId};
use crate::observe::Interest;
use crate::store::Kinds;

/// Makes the class of a live query.
macro_rules! live_query {
    ($(#[$doc:meta])* $name:ident -> $answer:ty) => {
        $(#[$doc])*
        ///
        /// Dropping it cancels it. It does not keep its client alive.
        #[derive(Debug, uniffi::Object)]
        pub struct $name(LiveQuery<$answer>);

        #[uniffi::export]
        impl $name {
            /// The answer now; from the second call on, the answer once it is
            /// another than the last one given. Changes within 30 ms make one
            /// answer.
            ///
            /// While the client is paused this waits. An error is an answer
            /// too: it is given once, and the next call waits for another
            /// answer. `None` after `cancel` and after the end of the client.
            pub async fn next(&self) -> Result<Option<$answer>> {
                self.0.next().await
            }

            /// Ends the query at once: a waiting `next` gives `None`. May be
            /// called again.
            pub fn cancel(&self) {
                self.0.cancel();
            }
        }
    };
}

live_query! {
    /// Every house, by name, as it changes.
    HousesQuery -> Vec<House>
}
live_query! {
    /// The rooms of a house, or all, by name, as they change.
    RoomsQuery -> Vec<Room>
}
live_query! {
    /// The devices of a room, or all, by name, as they change.
    DevicesQuery -> Vec<Device>
}
live_query! {
    /// What a device is doing, as it changes.
    DeviceStateQuery -> DeviceState
}
live_query! {
    /// Where the replica stands, as it changes.
    StatusQuery -> SyncStatus
}

#[uniffi::export]
impl WildThingClient {
    /// Every house, now and whenever that changes.
    pub fn watch_houses(&self) -> Arc<HousesQuery> {
        let query = LiveQuery::new(self, of(&[Kind::House]), |client| async move {
            client.get_houses().await
        });
        Arc::new(HousesQuery(query))
    }

    /// The rooms of a house, or all, now and whenever that changes. `Invalid` if
    /// other languages give what is no id.
    #[uniffi::method(default(house_id = None))]
    pub fn watch_rooms(&self, house_id: Option<RecordId>) -> Result<Arc<RoomsQuery>> {
        // Whether a room is unplaced depends on its house.
        let query = LiveQuery::new(self, of(&[Kind::Room, Kind::House]), move |client| {
            let house_id = house_id.clone();
            async move { client.get_rooms(house_id).await }
        });
        Ok(Arc::new(RoomsQuery(query)))
    }

    /// The devices of a room, or all, now and whenever that changes. `Invalid` if
    /// other languages give what is no id.
    #[uniffi::method(default(room_id = None))]
    pub fn watch_devices(&self, room_id: Option<RecordId>) -> Result<Arc<DevicesQuery>> {
        // Whether a device is unplaced depends on its room, and it shows its state.
        let interest = of(&[Kind::Device, Kind::Room, Kind::EntityState]);
        let query = LiveQuery::new(self, interest, move |client| {
            let room_id = room_id.clone();
            async move { client.get_devices(room_id).await }
        });
        Ok(Arc::new(DevicesQuery(query)))
    }

    /// What a device is doing, now and whenever that changes. A device that is
    /// not here, or is deleted, makes `next` fail with `NotFound` once; if it
    /// comes, or comes back, its state is the next answer. `Invalid` if other
    /// languages give what is no id.
    pub fn watch_device_state(&self, device_id: RecordId) -> Result<Arc<DeviceStateQuery>> {
        let query = LiveQuery::new(self, of(&[Kind::EntityState, Kind::Device]), move |client| {
            let device_id = device_id.clone();
            async move { client.get_device_state(device_id).await }
        });
        Ok(Arc::new(DeviceStateQuery(query)))
    }

    /// Where the replica stands, now and whenever that changes. A pause is an
    /// answer too, with `paused` set.
    pub fn watch_status(&self) -> Arc<StatusQuery> {
        let query = LiveQuery::new(self, Interest::STATUS, |client| async move {
            client.get_sync_status().await
        });
        Arc::new(StatusQuery(query))
    }
}

/// Records of these kinds.
fn of(kinds: &[Kind]) -> Interest {
    Interest {
        kinds: kinds.iter().map(Kinds::of).fold(Kinds::NONE, Kinds::plus),
        status: false,
    }
}
