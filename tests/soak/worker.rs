//! One thread's worth of an app. A worker is the only one who edits its room and the
//! devices there, through a client that others pause, close and replace meanwhile:
//! so it knows exactly what must be in the room, at any time. What a call that
//! failed would have done is not there, and what one that returned did is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use wildthing::client::{
    Device, DevicePatch, EdgeDirection, NewDevice, NewRoom, RelationshipFilter, Result, RoomPatch,
    WildThingClient, WildThingError,
};
use wildthing::model::{JsonObject, Kind, RecordId};
use wildthing::protocol::Protocol;

use crate::house::{House, PATIENCE};
use crate::mix::{Act, Dice, Tally};
use crate::subscribing;

/// Devices that a room has from the beginning to the end.
const FURNITURE: usize = 4;
/// Devices that come and go.
const VISITING: usize = 3;

/// What a device must look like.
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) state: JsonObject,
}

/// A thread of the app.
pub(crate) struct Worker {
    pub(crate) house: Arc<House>,
    pub(crate) room: RecordId,
    pub(crate) floor: Option<i64>,
    pub(crate) devices: BTreeMap<RecordId, Known>,
    pub(crate) tally: Tally,
    /// The devices that stay.
    furniture: Vec<RecordId>,
    number: usize,
    edits: u64,
    dice: Dice,
}

impl Worker {
    /// A worker with a room of its own.
    pub(crate) async fn new(house: Arc<House>, number: usize, seed: u64) -> Self {
        let client = house.client().await;
        let room = NewRoom::new(house.id.clone(), format!("Room {number}"));
        let room = client.create_room(room).await.unwrap().id;
        let mut worker = Self {
            house,
            room,
            floor: None,
            devices: BTreeMap::new(),
            tally: Tally::default(),
            furniture: Vec::new(),
            number,
            edits: 0,
            dice: Dice::new(seed),
        };
        for _ in 0..FURNITURE {
            let id = worker.make_device(&client).await.unwrap();
            worker.set_state(&client, &id).await.unwrap();
            worker.furniture.push(id);
        }
        worker
    }

    /// Does so many things.
    pub(crate) async fn work(&mut self, operations: u64) {
        for _ in 0..operations {
            let act = self.dice.act();
            let done = tokio::time::timeout(PATIENCE, self.perform(act)).await;
            let done = done.unwrap_or_else(|_| panic!("{act:?} hangs"));
            if let Err(error) = &done {
                assert!(
                    ends_early(act, error),
                    "{act:?} in the house of {}: {error:?}",
                    self.house.protocol.as_str()
                );
            }
            self.tally.count(act, done.is_ok());
        }
    }

    async fn perform(&mut self, act: Act) -> Result<()> {
        let client = self.house.client().await;
        match act {
            Act::ReadDevice => {
                let id = self.any_device();
                let device = client.get_device(id).await?;
                self.assert_known(&device);
            }
            Act::ReadState => {
                let id = self.any_device();
                let state = client.get_device_state(id.clone()).await?;
                assert_eq!(state.state, self.devices[&id].state);
            }
            Act::ReadRoom => {
                let devices = client.get_devices(Some(self.room.clone())).await?;
                self.assert_all(&devices);
            }
            Act::ReadHouses => {
                assert!(
                    client
                        .get_houses()
                        .await?
                        .iter()
                        .any(|house| house.id == self.house.id)
                );
                let room = client.get_room(self.room.clone()).await?;
                assert_eq!(room.floor, self.floor);
            }
            Act::ReadEntity => {
                let id = self.any_device();
                let entity = client.get_entity(id.clone(), None).await?;
                assert_eq!(entity.name, self.devices[&id].name);
            }
            Act::ListEntities => {
                let all = client.get_entities(Some("device".into())).await?;
                assert!(self.devices.keys().all(|id| all.iter().any(|it| it.id == *id)));
            }
            Act::Walk => self.walk(&client).await?,
            Act::Search => {
                let id = self.any_device();
                let hits = client.search(self.devices[&id].name.clone(), None, 20).await?;
                assert!(hits.iter().any(|hit| hit.entity.id == id));
            }
            Act::FindIds => {
                let id = self.any_device();
                let found = client.find_ids(None, id.as_str()[..30].to_owned()).await?;
                assert!(found.iter().any(|key| key.id == id));
            }
            Act::History => {
                let id = self.any_device();
                client.get_device_history(id.clone(), 20).await?;
                client.history(Kind::Device, id).await?;
            }
            Act::Explain => {
                let explained = client.explain(Kind::Device, self.any_device()).await?;
                assert!(!explained.words.is_empty());
            }
            Act::Status => {
                client.get_sync_status().await?;
            }
            Act::Pending => {
                client.pending_changes().await?;
            }
            Act::Digests => {
                client.digests().await?;
            }
            Act::SetState => {
                let id = self.any_device();
                self.set_state(&client, &id).await?;
            }
            Act::Rename => self.rename(&client).await?,
            Act::FurnishRoom => {
                let floor = Some(self.next_edit() as i64);
                let patch = RoomPatch {
                    floor,
                    ..RoomPatch::default()
                };
                client.update_room(self.room.clone(), patch).await?;
                self.floor = floor;
            }
            Act::MakeDevice => {
                self.make_device(&client).await?;
                if self.devices.len() > FURNITURE + VISITING {
                    self.delete_device(&client).await?;
                }
            }
            Act::DeleteDevice => self.delete_device(&client).await?,
            Act::Link => self.link(&client).await?,
            Act::EditCommons => self.edit_commons(&client).await?,
            Act::NeighbourEdits => {
                let neighbour = self.house.neighbour.clone();
                self.edit_commons(&neighbour).await?;
            }
            Act::Journal => self.read_journal(&client).await?,
            Act::NeighboursJournal => {
                let neighbour = self.house.neighbour.clone();
                self.read_journal(&neighbour).await?;
            }
            Act::Discard => {
                let id = self.dice.one_of(&self.house.commons).clone();
                client.discard(Kind::Device, id).await?;
            }
            Act::Retry => {
                client.retry_failed(None, None).await?;
            }
            Act::Stream => {
                let id = self.any_device();
                let changes = client.changes();
                self.set_state(&client, &id).await?;
                subscribing::hears_of(&changes, &id).await;
                if self.dice.coin() {
                    changes.cancel();
                }
            }
            Act::Observe => {
                let id = self.any_device();
                let (ear, subscription) = subscribing::observe(&client, &id);
                self.set_state(&client, &id).await?;
                ear.hears_or_ends(&subscription).await;
                if self.dice.coin() {
                    subscription.cancel();
                }
            }
            Act::Watch => {
                let id = self.any_device();
                let query = client.watch_device_state(id.clone())?;
                let first = query.next().await?;
                assert!(first.is_none_or(|told| told.state == self.devices[&id].state));
                self.set_state(&client, &id).await?;
                let second = query.next().await?;
                assert!(second.is_none_or(|told| told.state == self.devices[&id].state));
            }
            Act::Glance => subscribing::glance(&client, &self.room)?,
            Act::Sync => {
                client.sync().await?;
            }
            Act::GiveUpSync => {
                let pause = Duration::from_micros(self.dice.below(3_000));
                // Given up in the middle, or not begun at all.
                let _ = tokio::time::timeout(pause, client.sync()).await;
            }
            Act::CancelSync => client.cancel_sync(),
            Act::WaitUntilSynced => {
                client.wait_until_synced(PATIENCE).await?;
            }
            Act::NeighbourSyncs => {
                self.house.neighbour.sync().await?;
            }
            Act::NeighbourStartsOver => {
                self.house.neighbour.reset(false).await?;
                self.house.neighbour.sync().await?;
            }
            Act::Background => {
                if client.get_sync_status().await?.background {
                    client.stop_background_sync().await;
                } else {
                    client.start_background_sync(Duration::from_secs(1)).await?;
                }
            }
            Act::NetworkAvailable => client.network_available(),
            Act::Probe => client.probe().await?,
            Act::Pause => {
                drop(client);
                self.pause().await?;
            }
            Act::Reopen => {
                drop(client);
                self.reopen().await?;
            }
            Act::Reconnect => {
                drop(client);
                let client = self.house.client.write().await;
                client.disconnect().await?;
                self.house.connect(&client).await?;
            }
            Act::SecondClient => {
                let second = self.house.open().await?;
                let devices = second.get_devices(Some(self.room.clone())).await?;
                self.assert_all(&devices);
                let id = self.any_device();
                self.set_state(&second, &id).await?;
                if self.dice.coin() {
                    second.shutdown().await;
                }
            }
            Act::Visitor => {
                let name = format!("visitor-{}.db", self.number);
                let visitor = self.house.fresh(&name).await?;
                visitor.sync().await?;
                assert!(visitor.get_houses().await?.len() > 1);
                visitor.shutdown().await;
                self.house.forget(&name);
            }
        }
        Ok(())
    }

    /// Nobody else edits it: whatever was done to the client, it is as this worker left it.
    fn assert_known(&self, device: &Device) {
        let known = &self.devices[&device.id];
        assert_eq!((&device.name, &device.state), (&known.name, &known.state));
    }

    fn assert_all(&self, devices: &[Device]) {
        assert_eq!(devices.len(), self.devices.len());
        devices.iter().for_each(|device| self.assert_known(device));
    }

    fn any_device(&mut self) -> RecordId {
        let at = self.dice.below(self.devices.len() as u64) as usize;
        self.devices.keys().nth(at).unwrap().clone()
    }

    fn next_edit(&mut self) -> u64 {
        self.edits += 1;
        self.edits
    }

    /// A name that nothing else has, of one word.
    fn new_name(&mut self) -> String {
        let edit = self.next_edit();
        format!("soak{}x{edit}", self.number)
    }

    async fn set_state(&mut self, client: &WildThingClient, id: &RecordId) -> Result<()> {
        let key = ["power", "level", "colour"][self.dice.below(3) as usize];
        let edit = json!({ key: self.next_edit(), "edit": self.edits });
        let edit = edit.as_object().unwrap().clone();
        client
            .update_device_state(id.clone(), edit.clone(), None, false)
            .await?;
        self.devices.get_mut(id).unwrap().state.extend(edit);
        Ok(())
    }

    async fn rename(&mut self, client: &WildThingClient) -> Result<()> {
        let (id, name) = (self.any_device(), self.new_name());
        let patch = DevicePatch {
            name: Some(name.clone()),
            ..DevicePatch::default()
        };
        client.update_device(id.clone(), patch).await?;
        self.devices.get_mut(&id).unwrap().name = name;
        Ok(())
    }

    async fn make_device(&mut self, client: &WildThingClient) -> Result<RecordId> {
        let name = self.new_name();
        let device = NewDevice::new(self.room.clone(), name.clone());
        let id = client.create_device(device).await?.id;
        let state = JsonObject::new();
        self.devices.insert(id.clone(), Known { name, state });
        Ok(id)
    }

    /// Deletes one of the devices that come and go, if there is one.
    async fn delete_device(&mut self, client: &WildThingClient) -> Result<()> {
        let visiting = |id: &&RecordId| !self.furniture.contains(id);
        let Some(id) = self.devices.keys().find(visiting).cloned() else {
            return Ok(());
        };
        client.delete_device(id.clone()).await?;
        self.devices.remove(&id);
        Ok(())
    }

    /// Around in the graph; a house of v1 is looked at as one.
    async fn walk(&mut self, client: &WildThingClient) -> Result<()> {
        let id = self.any_device();
        client.neighbours(id.clone(), None, None).await?;
        client.find_path(id.clone(), self.house.id.clone(), None).await?;
        let filter = RelationshipFilter {
            entity_id: Some(id),
            ..RelationshipFilter::default()
        };
        client.get_relationships(Some(filter)).await?;
        Ok(())
    }

    /// Connects two devices and takes the connection away again.
    async fn link(&mut self, client: &WildThingClient) -> Result<()> {
        if self.house.protocol != Protocol::V2 {
            return Ok(());
        }
        let (from, to) = (self.furniture[0].clone(), self.furniture[1].clone());
        let edge = client
            .connect_entities(from.clone(), to.clone(), "controls".into(), None)
            .await?;
        let next = client
            .neighbours(from, Some("controls".into()), Some(EdgeDirection::Outgoing))
            .await?;
        assert!(next.iter().any(|neighbour| neighbour.entity.id == to));
        client.disconnect_entities(edge.id).await
    }

    /// Edits what the other client edits as well.
    async fn edit_commons(&mut self, client: &WildThingClient) -> Result<()> {
        let id = self.dice.one_of(&self.house.commons).clone();
        let state = json!({ "edit": self.next_edit(), "by": self.number });
        let state = state.as_object().unwrap().clone();
        client.update_device_state(id, state, None, false).await?;
        Ok(())
    }

    /// Restores an edit that lost, or not, and dismisses all.
    async fn read_journal(&mut self, client: &WildThingClient) -> Result<()> {
        let conflicts = client.conflicts().await?;
        for conflict in &conflicts {
            // Of a device whose state is a record of its own, that is what conflicts.
            let about_a_room = self.devices.contains_key(&conflict.id);
            assert!(!about_a_room, "an edit that nobody disputed: {conflict:?}");
        }
        if let Some(newest) = conflicts.first().filter(|_| self.dice.coin()) {
            client.restore(newest.conflict_id).await?;
        }
        for conflict in conflicts {
            client.dismiss(conflict.conflict_id).await?;
        }
        Ok(())
    }

    async fn pause(&mut self) -> Result<()> {
        let client = self.house.client.write().await;
        client.pause().await?;
        assert!(client.get_sync_status().await?.paused);
        assert_eq!(client.get_houses().await, Err(WildThingError::Paused));
        client.resume().await
    }

    async fn reopen(&mut self) -> Result<()> {
        let mut client = self.house.client.write().await;
        if self.dice.coin() {
            client.shutdown().await;
            assert_eq!(client.get_houses().await, Err(WildThingError::Cancelled));
        }
        // Otherwise it ends with the last call under way.
        *client = self.house.open().await?;
        Ok(())
    }
}

/// Whether an act may end so, given what others do to the clients meanwhile.
fn ends_early(act: Act, error: &WildThingError) -> bool {
    let syncs = matches!(
        act,
        Act::Sync | Act::WaitUntilSynced | Act::NeighbourSyncs | Act::NeighbourStartsOver
    );
    match error {
        // Others pause and end the client, and cancel its syncs.
        WildThingError::Paused | WildThingError::Cancelled => act != Act::Pause && act != Act::Reopen,
        // A client that was dropped has the lease of its last sync for a moment.
        WildThingError::Busy => syncs,
        WildThingError::NotConnected => syncs || matches!(act, Act::Probe | Act::Background),
        WildThingError::UnsentEdits { .. } => act == Act::NeighbourStartsOver,
        // It was sent already; or the neighbour has just started over.
        WildThingError::NotFound { .. } => matches!(
            act,
            Act::Discard | Act::NeighbourEdits | Act::Journal | Act::NeighboursJournal
        ),
        _ => false,
    }
}
