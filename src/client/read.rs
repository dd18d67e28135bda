//! Reading the replica: houses, rooms, devices, users, states, events.

use rusqlite::Connection;
use serde_json::Value;

use super::core::Core;
use super::records::{Device, DeviceState, Event, House, Room, User};
use super::standings::Standings;
use super::typed::{Standing, Typed};
use super::types::RecordObject;
use super::{Result, WildThingClient, WildThingError, present};
use crate::model::{JsonObject, Key, Kind, Record, RecordId, RecordStatus, Version, device_state_id};
use crate::store::graph::walk;
use crate::store::{StoreError, journal, rows};

/// The state type that `update_device_state` writes.
pub(super) const STATE_TYPE: &str = "state";
/// Where a device of a graph keeps what was given beside its state.
pub(super) const STATE_ATTRIBUTES: &str = "state_attributes";

#[uniffi::export]
impl WildThingClient {
    /// Every house, by name.
    pub async fn get_houses(&self) -> Result<Vec<House>> {
        self.list(None).await
    }

    /// One house: the one named, or the first by name. `NotFound` if there is none.
    #[uniffi::method(default(house_id = None))]
    pub async fn get_house(&self, house_id: Option<RecordId>) -> Result<House> {
        match house_id {
            Some(id) => self.get(id).await,
            None => self
                .get_houses()
                .await?
                .into_iter()
                .next()
                .ok_or_else(|| WildThingError::NotFound {
                    kind: "house".into(),
                    id: String::new(),
                }),
        }
    }

    /// The rooms of a house, or all, by name.
    #[uniffi::method(default(house_id = None))]
    pub async fn get_rooms(&self, house_id: Option<RecordId>) -> Result<Vec<Room>> {
        self.list(house_id).await
    }

    /// One room.
    pub async fn get_room(&self, room_id: RecordId) -> Result<Room> {
        self.get(room_id).await
    }

    /// The devices of a room, or all, by name. A device whose room is not here
    /// or deleted is *unplaced* and in no room.
    #[uniffi::method(default(room_id = None))]
    pub async fn get_devices(&self, room_id: Option<RecordId>) -> Result<Vec<Device>> {
        self.list(room_id).await
    }

    /// One device.
    pub async fn get_device(&self, device_id: RecordId) -> Result<Device> {
        self.get(device_id).await
    }

    /// The users of a house, or all, by name.
    #[uniffi::method(default(house_id = None))]
    pub async fn get_users(&self, house_id: Option<RecordId>) -> Result<Vec<User>> {
        self.list(house_id).await
    }

    /// One user.
    pub async fn get_user(&self, user_id: RecordId) -> Result<User> {
        self.get(user_id).await
    }

    /// What a device is doing. A device that never told has an empty state.
    pub async fn get_device_state(&self, device_id: RecordId) -> Result<DeviceState> {
        let key = Key::new(Kind::Device, device_id);
        self.inner
            .blocking(move |core| {
                let found = core.store.read(|connection| {
                    Ok(match live(connection, &key)? {
                        Some(device) => Some(current_state(connection, &device)?),
                        None => None,
                    })
                })?;
                found.ok_or_else(|| missing(&key))
            })
            .await
    }

    /// The states of a device that are remembered here, newest first. Where a state
    /// is part of its device these are the states of the device's versions, each
    /// with the time of the version that brought it.
    #[uniffi::method(default(limit = 100))]
    pub async fn get_device_history(&self, device_id: RecordId, limit: u32) -> Result<Vec<DeviceState>> {
        let key = Key::new(Kind::Device, device_id);
        self.inner
            .blocking(move |core| {
                let found = core.store.read(|connection| match live(connection, &key)? {
                    Some(device) => state_history(connection, &device, limit).map(Some),
                    None => Ok(None),
                })?;
                found.ok_or_else(|| missing(&key))
            })
            .await
    }

    /// Logged events, newest first: all, or those about one record.
    #[uniffi::method(default(entity_id = None, limit = 100))]
    pub async fn get_events(&self, entity_id: Option<RecordId>, limit: u32) -> Result<Vec<Event>> {
        self.inner
            .blocking(move |core| {
                Ok(core.store.read(|connection| {
                    let filter = rows::Filter {
                        kind: Some(&Kind::Event),
                        parent_id: entity_id.as_ref().map(RecordId::as_str),
                        ..Default::default()
                    };
                    let mut events = rows::list(connection, &filter)?;
                    events.sort_by_key(|event| std::cmp::Reverse(newest(&event.version)));
                    events.truncate(limit as usize);
                    let mut standings = Standings::of::<Event>(connection, None)?;
                    Ok(standings.typed(events))
                })?)
            })
            .await
    }
}

impl WildThingClient {
    /// The records that `text` names: the one with exactly this id, else those
    /// whose id begins with it, else those of this name.
    pub async fn find_ids(&self, kind: Option<Kind>, text: String) -> Result<Vec<Key>> {
        self.find(kind, |_| true, text).await
    }

    /// The same among the entities alone.
    pub async fn find_entity_ids(&self, text: String) -> Result<Vec<Key>> {
        self.find(None, walk::is_shown, text).await
    }

    async fn find(&self, kind: Option<Kind>, wanted: fn(&Kind) -> bool, text: String) -> Result<Vec<Key>> {
        self.inner
            .blocking(move |core| {
                Ok(core.store.read(|connection| {
                    // The usual case needs no look at the others.
                    if let (Some(kind), Ok(id)) = (&kind, RecordId::new(text.clone())) {
                        let key = Key::new(kind.clone(), id);
                        if live(connection, &key)?.is_some() {
                            return Ok(vec![key]);
                        }
                    }
                    let records = rows::list(
                        connection,
                        &rows::Filter {
                            kind: kind.as_ref(),
                            ..Default::default()
                        },
                    )?;
                    let name = text.to_lowercase();
                    let pick = |test: &dyn Fn(&Version) -> bool| -> Vec<Key> {
                        records
                            .iter()
                            .filter(|record| wanted(&record.version.key.kind) && test(&record.version))
                            .map(|record| record.version.key.clone())
                            .collect()
                    };
                    let exact = pick(&|version| version.key.id.as_str() == text);
                    if !exact.is_empty() {
                        return Ok(exact);
                    }
                    let begins =
                        pick(&|version| !text.is_empty() && version.key.id.as_str().starts_with(&text));
                    if !begins.is_empty() {
                        return Ok(begins);
                    }
                    Ok(pick(&|version| {
                        version
                            .name
                            .as_deref()
                            .is_some_and(|known| known.to_lowercase() == name)
                    }))
                })?)
            })
            .await
    }

    async fn get<T: Typed>(&self, id: RecordId) -> Result<T> {
        let key = Key::new(T::KIND, id);
        self.inner.blocking(move |core| core.get(&key)).await
    }

    async fn list<T: Typed>(&self, parent: Option<RecordId>) -> Result<Vec<T>> {
        self.inner
            .blocking(move |core| {
                Ok(core.store.read(|connection| {
                    let filter = rows::Filter {
                        kind: Some(&T::KIND),
                        parent_id: parent.as_ref().map(RecordId::as_str),
                        include_deleted: false,
                    };
                    let mut records = rows::list(connection, &filter)?;
                    records.sort_by(|a, b| {
                        (&a.version.name, &a.version.key.id).cmp(&(&b.version.name, &b.version.key.id))
                    });
                    let mut standings = Standings::of::<T>(connection, parent.as_ref())?;
                    Ok(standings.typed(records))
                })?)
            })
            .await
    }
}

/// A record as its type.
pub(super) fn typed<T: Typed>(connection: &Connection, record: Record) -> std::result::Result<T, StoreError> {
    let standing = Standing {
        lost: journal::open_loss(connection, &record.version.key)?,
        parent: container(connection, &record.version)?,
        state: match T::KIND {
            Kind::Device => current_state(connection, &record)?.state,
            _ => JsonObject::new(),
        },
    };
    Ok(T::new(record, standing))
}

/// The id of the container, if that is here.
fn container(
    connection: &Connection,
    version: &Version,
) -> std::result::Result<Option<RecordId>, StoreError> {
    let (Some(kind), Some(id)) = (version.key.kind.container(), &version.parent_id) else {
        return Ok(None);
    };
    let key = Key::new(kind, id.clone());
    Ok(rows::is_live(connection, &key)?.then_some(key.id))
}

/// The order that makes the newest of several versions the greatest.
fn newest(version: &Version) -> (Option<crate::model::Timestamp>, String) {
    (version.updated_at, version.sync_id.clone())
}

pub(super) fn missing(key: &Key) -> WildThingError {
    WildThingError::NotFound {
        kind: key.kind.to_string(),
        id: key.id.to_string(),
    }
}

/// A record that is not deleted.
pub(super) fn live(connection: &Connection, key: &Key) -> std::result::Result<Option<Record>, StoreError> {
    Ok(rows::get(connection, key)?.filter(|record| !record.version.deleted))
}

/// A record of any kind as it is shown, with what is derived: a device has its
/// state, and a record whose parent is not here says so.
pub(super) fn shown(
    connection: &Connection,
    record: &Record,
) -> std::result::Result<RecordObject, StoreError> {
    let version = &record.version;
    let mut object = present::record(record);
    if version.key.kind == Kind::Device {
        let state = current_state(connection, record)?.state;
        object.insert("state".into(), Value::Object(state));
    }
    if version.key.kind.container().is_some() {
        let parent = container(connection, version)?;
        object.insert("unplaced".into(), parent.is_none().into());
        if let (None, Some(field)) = (&parent, version.key.kind.parent_field()) {
            object.insert(field.into(), Value::Null);
        }
    }
    Ok(object)
}

/// The rows that hold states of a device: ours, updated in place, and those
/// that other programs append.
fn state_rows(connection: &Connection, device_id: &RecordId) -> std::result::Result<Vec<Record>, StoreError> {
    let kind = Kind::EntityState;
    let filter = rows::Filter {
        kind: Some(&kind),
        parent_id: Some(device_id.as_str()),
        include_deleted: false,
    };
    rows::list(connection, &filter)
}

/// The current state: what a device of a graph says itself, else of all rows the
/// greatest (edit time, edit id).
pub(super) fn current_state(
    connection: &Connection,
    device: &Record,
) -> std::result::Result<DeviceState, StoreError> {
    if let Some(own) = own_state(&device.version) {
        return Ok(DeviceState {
            sync_status: device.sync_status,
            ..own
        });
    }
    let newest = newest_state(connection, &device.version.key.id)?;
    Ok(state_by(device, newest.as_ref()))
}

/// The state that a device of a graph holds itself, if it does: `state` of its
/// content, and beside it `state_attributes`.
pub(super) fn own_state(device: &Version) -> Option<DeviceState> {
    let content = device.content()?;
    Some(DeviceState {
        device_id: device.key.id.clone(),
        state: content.get("state")?.as_object()?.clone(),
        attributes: match content.get(STATE_ATTRIBUTES) {
            Some(Value::Object(attributes)) => attributes.clone(),
            _ => JsonObject::new(),
        },
        updated_at: device.updated_at,
        sync_status: RecordStatus::Synced,
    })
}

/// A device's state by its newest state row, if it has one.
pub(super) fn state_by(device: &Record, newest: Option<&Record>) -> DeviceState {
    let device_id = &device.version.key.id;
    match newest {
        Some(row) => DeviceState {
            sync_status: row.sync_status,
            ..state_of(device_id, &row.version)
        },
        None => DeviceState {
            device_id: device_id.clone(),
            // What a server without state records says of the device itself.
            state: device.version.embedded_object("state_json").unwrap_or_default(),
            attributes: JsonObject::new(),
            updated_at: device.version.updated_at,
            sync_status: device.sync_status,
        },
    }
}

/// Of a device's state rows the newest.
pub(super) fn newest_state(
    connection: &Connection,
    device_id: &RecordId,
) -> std::result::Result<Option<Record>, StoreError> {
    let rows = state_rows(connection, device_id)?;
    Ok(rows
        .into_iter()
        .max_by(|a, b| newest(&a.version).cmp(&newest(&b.version))))
}

/// A version of a state record as a state.
pub(super) fn state_of(device_id: &RecordId, version: &Version) -> DeviceState {
    let attributes = version
        .embedded_object("metadata_json")
        .and_then(|metadata| metadata.get("attributes").and_then(Value::as_object).cloned());
    DeviceState {
        device_id: device_id.clone(),
        state: version.embedded_object("state_json").unwrap_or_default(),
        attributes: attributes.unwrap_or_default(),
        updated_at: version.updated_at,
        sync_status: RecordStatus::Synced,
    }
}

/// The states of a device's versions, each once for as long as it lasted.
fn own_states(
    connection: &Connection,
    device: &Record,
) -> std::result::Result<Vec<(Version, DeviceState)>, StoreError> {
    let mut states: Vec<(Version, DeviceState)> = Vec::new();
    let older = journal::history(connection, &device.version.key, journal::MAX_HISTORY as u32)?;
    let versions = older.into_iter().rev().map(|(version, _)| version);
    for version in versions.chain([device.version.clone()]) {
        let Some(state) = own_state(&version).filter(|_| !version.deleted) else {
            continue;
        };
        let same = |(_, last): &(Version, DeviceState)| {
            (&last.state, &last.attributes) == (&state.state, &state.attributes)
        };
        if !states.last().is_some_and(same) {
            states.push((version, state));
        }
    }
    if let Some((_, current)) = states.last_mut()
        && own_state(&device.version).is_some()
    {
        current.sync_status = device.sync_status;
    }
    Ok(states)
}

fn state_history(
    connection: &Connection,
    device: &Record,
    limit: u32,
) -> std::result::Result<Vec<DeviceState>, StoreError> {
    let device_id = &device.version.key.id;
    let mut states = own_states(connection, device)?;
    let mut keys = vec![Key::new(
        Kind::EntityState,
        device_state_id(device_id, STATE_TYPE),
    )];
    for row in state_rows(connection, device_id)? {
        let state = DeviceState {
            sync_status: row.sync_status,
            ..state_of(device_id, &row.version)
        };
        if !keys.contains(&row.version.key) {
            keys.push(row.version.key.clone());
        }
        states.push((row.version, state));
    }
    for key in keys {
        for (version, _) in journal::history(connection, &key, limit)? {
            let state = state_of(device_id, &version);
            states.push((version, state));
        }
    }
    states.sort_by_key(|(version, _)| std::cmp::Reverse(newest(version)));
    states.truncate(limit as usize);
    Ok(states.into_iter().map(|(_, state)| state).collect())
}

impl Core {
    /// A live record as its type.
    pub(super) fn get<T: Typed>(&self, key: &Key) -> Result<T> {
        let found = self.store.read(|connection| match live(connection, key)? {
            Some(record) => typed(connection, record).map(Some),
            None => Ok(None),
        })?;
        found.ok_or_else(|| missing(key))
    }

    /// A record of any kind as it is shown.
    pub(super) fn show(&self, key: &Key) -> Result<RecordObject> {
        let found = self.store.read(|connection| match rows::get(connection, key)? {
            Some(record) => shown(connection, &record).map(Some),
            None => Ok(None),
        })?;
        found.ok_or_else(|| missing(key))
    }
}
