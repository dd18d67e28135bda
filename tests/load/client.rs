//! One client of the house: it edits, syncs, and writes down what its calls said.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension as _};
use serde_json::json;
use wildthing::client::{
    DevicePatch, Durability, NewEvent, NewRoom, OpenOptions, WildThingClient, WildThingError,
};
use wildthing::model::{Key, Kind, RecordId, device_state_id};
use wildthing::protocol::Protocol;

use crate::hub::TOKEN;
use crate::ledger::{Made, look};
use crate::rng::Rng;

/// How many devices the clients quarrel about.
const SHARED_DEVICES: usize = 100;
/// How many rooms of its own a client has before it begins to take some away.
const OWN_ROOMS: usize = 3;

/// What the calls of a client came to.
#[derive(Debug, Default)]
pub struct Told {
    pub edits: Vec<Made>,
    /// Of syncs that went through, in microseconds.
    pub sync_micros: Vec<u64>,
    /// Calls that failed, by the error's word.
    pub failed_syncs: BTreeMap<String, u64>,
    pub failed_edits: BTreeMap<String, u64>,
    /// What syncs that went through could not sync, by its word.
    pub problems: BTreeMap<String, u64>,
    pub conflicts: u64,
}

impl Told {
    pub fn take(&mut self, other: Told) {
        self.edits.extend(other.edits);
        self.sync_micros.extend(other.sync_micros);
        self.conflicts += other.conflicts;
        for (ours, theirs) in [
            (&mut self.failed_syncs, other.failed_syncs),
            (&mut self.failed_edits, other.failed_edits),
            (&mut self.problems, other.problems),
        ] {
            for (word, count) in theirs {
                *ours.entry(word).or_default() += count;
            }
        }
    }
}

pub struct LoadClient {
    client: WildThingClient,
    protocol: Protocol,
    /// The replica's file, to see which version an edit made.
    replica: Connection,
    house: RecordId,
    devices: Vec<RecordId>,
    own_rooms: VecDeque<RecordId>,
    rng: Rng,
    pub told: Told,
}

impl LoadClient {
    /// A client with the house in its replica.
    pub async fn start(
        path: &Path,
        url: &str,
        protocol: Protocol,
        seed: u64,
    ) -> Result<Self, WildThingError> {
        let options = OpenOptions {
            // The clients' machines are not what is tested: one disk has to do for all.
            durability: Some(Durability::Fast),
            ..OpenOptions::default()
        };
        let client = WildThingClient::open(path, options).await?;
        client.connect(url.to_owned(), Some(TOKEN.into()), None).await?;
        client.sync().await?;
        let house = client.get_house(None).await?.id;
        let mut devices: Vec<RecordId> = client
            .get_devices(None)
            .await?
            .into_iter()
            .map(|device| device.id)
            .collect();
        devices.sort();
        devices.truncate(SHARED_DEVICES);
        Ok(Self {
            client,
            protocol,
            replica: look(path),
            house,
            devices,
            own_rooms: VecDeque::new(),
            rng: Rng::new(seed),
            told: Told::default(),
        })
    }

    /// Edits and syncs until it is over, with pauses of `pause` on average.
    pub async fn live(&mut self, pause: Duration, over: &Cell<bool>) {
        while !over.get() {
            for _ in 0..1 + self.rng.below(3) {
                if let Err(error) = self.edit().await {
                    count(&mut self.told.failed_edits, &error);
                }
            }
            // Failed syncs are counted; the edits wait for the next.
            let _ = self.sync().await;
            let millis = u64::try_from(pause.as_millis()).unwrap();
            tokio::time::sleep(Duration::from_millis(self.rng.below(2 * millis + 1))).await;
        }
    }

    pub async fn sync(&mut self) -> Result<(), WildThingError> {
        let start = Instant::now();
        match self.client.sync().await {
            Ok(done) => {
                let micros = u64::try_from(start.elapsed().as_micros()).unwrap();
                self.told.sync_micros.push(micros);
                self.told.conflicts += done.conflicts_resolved;
                for problem in done.errors {
                    *self.told.problems.entry(problem.code).or_default() += 1;
                }
                Ok(())
            }
            Err(error) => {
                count(&mut self.told.failed_syncs, &error);
                Err(error)
            }
        }
    }

    /// The state digest, if nothing is left to send.
    pub async fn settled(&self) -> Result<Option<String>, WildThingError> {
        let status = self.client.get_sync_status().await?;
        if status.pending > 0 || status.failed > 0 {
            return Ok(None);
        }
        Ok(Some(self.client.digests().await?.state))
    }

    /// The versions in the journal.
    pub async fn journal(&self) -> Result<HashSet<String>, WildThingError> {
        let lost = self.client.conflicts().await?.into_iter();
        Ok(lost
            .filter_map(|lost| lost.losing.get("sync_id")?.as_str().map(str::to_owned))
            .collect())
    }

    pub async fn shutdown(&self) {
        self.client.shutdown().await;
    }

    async fn edit(&mut self) -> Result<(), WildThingError> {
        let device = self.devices[self.rng.index(self.devices.len())].clone();
        match self.rng.below(20) {
            0..=11 => self.set_state(device).await,
            12..=16 => self.rename(device).await,
            17..=18 if self.own_rooms.len() < OWN_ROOMS => self.make_room().await,
            17..=18 => self.delete_room().await,
            // A graph has no events.
            _ if self.protocol == Protocol::V2 => self.rename(device).await,
            _ => self.log_event(device).await,
        }
    }

    async fn set_state(&mut self, device: RecordId) -> Result<(), WildThingError> {
        let key = match self.protocol {
            Protocol::V2 => Key::new(Kind::Device, device.clone()),
            _ => Key::new(Kind::EntityState, device_state_id(&device, "state")),
        };
        let state = json!({"power": "on", "level": self.rng.below(1 << 40)});
        let state = state.as_object().cloned().unwrap();
        let made_on = self.version(&key);
        self.client
            .update_device_state(device, state, None, false)
            .await?;
        self.made(&key, made_on);
        Ok(())
    }

    async fn rename(&mut self, device: RecordId) -> Result<(), WildThingError> {
        let key = Key::new(Kind::Device, device.clone());
        let patch = DevicePatch {
            name: Some(format!("Device {:x}", self.rng.bits())),
            ..DevicePatch::default()
        };
        let made_on = self.version(&key);
        self.client.update_device(device, patch).await?;
        self.made(&key, made_on);
        Ok(())
    }

    async fn make_room(&mut self) -> Result<(), WildThingError> {
        let room = NewRoom::new(self.house.clone(), format!("Room {:x}", self.rng.bits()));
        let room = self.client.create_room(room).await?;
        self.made(&Key::new(Kind::Room, room.id.clone()), None);
        self.own_rooms.push_back(room.id);
        Ok(())
    }

    /// Of a room that was never sent nothing is left, and nobody misses it.
    async fn delete_room(&mut self) -> Result<(), WildThingError> {
        let Some(room) = self.own_rooms.pop_front() else {
            return Ok(());
        };
        let key = Key::new(Kind::Room, room.clone());
        let made_on = self.version(&key);
        self.client.delete_room(room).await?;
        if self.version(&key).is_some() {
            self.made(&key, made_on);
        } else {
            self.told
                .edits
                .retain(|made| Some(&made.version) != made_on.as_ref());
        }
        Ok(())
    }

    async fn log_event(&mut self, device: RecordId) -> Result<(), WildThingError> {
        let event = NewEvent::new("seen", Kind::Device, device);
        let event = self.client.log_event(event).await?;
        self.made(&Key::new(Kind::Event, event.id), None);
        Ok(())
    }

    /// Writes down an edit whose call has returned.
    fn made(&mut self, key: &Key, made_on: Option<String>) {
        let version = self.version(key).unwrap();
        assert_ne!(Some(&version), made_on.as_ref(), "{key}: an edit left no version");
        self.told.edits.push(Made { version, made_on });
    }

    /// The version of a record in the replica.
    fn version(&self, key: &Key) -> Option<String> {
        let sql = "SELECT sync_id FROM records WHERE kind = ?1 AND id = ?2";
        let mut statement = self.replica.prepare_cached(sql).unwrap();
        let found = statement.query_row((key.kind.as_str(), key.id.as_str()), |row| row.get(0));
        found.optional().unwrap()
    }
}

fn count(errors: &mut BTreeMap<String, u64>, error: &WildThingError) {
    let word = match error {
        WildThingError::Server { status, .. } => format!("{} {status}", error.code()),
        _ => error.code().to_owned(),
    };
    *errors.entry(word).or_default() += 1;
}
