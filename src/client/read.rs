//! Reading the replica: houses, rooms, devices, users, states, events.

use rusqlite::Connection;
use serde_json::Value;

use super::core::Core;
use super::patch::id;
use super::types::{DeviceState, RecordObject};
use super::{Result, WildThingClient, WildThingError, present};
use crate::model::{JsonObject, Key, Kind, Record, RecordId, Version, device_state_id};
use crate::store::{StoreError, journal, rows};

/// The state type that `update_device_state` writes.
pub(super) const STATE_TYPE: &str = "state";

impl WildThingClient {
    /// Every house, by name.
    pub async fn get_houses(&self) -> Result<Vec<RecordObject>> {
        self.list(Kind::House, None).await
    }

    /// One house: the one named, or the first by name. `NotFound` if there is none.
    pub async fn get_house(&self, id: Option<String>) -> Result<RecordObject> {
        match id {
            Some(id) => self.get(Kind::House, id).await,
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
    pub async fn get_rooms(&self, house_id: Option<String>) -> Result<Vec<RecordObject>> {
        self.list(Kind::Room, house_id).await
    }

    /// One room.
    pub async fn get_room(&self, id: String) -> Result<RecordObject> {
        self.get(Kind::Room, id).await
    }

    /// The devices of a room, or all, by name. A device whose room is not here
    /// or deleted is *unplaced*: its `room_id` is null and `unplaced` true.
    pub async fn get_devices(&self, room_id: Option<String>) -> Result<Vec<RecordObject>> {
        self.list(Kind::Device, room_id).await
    }

    /// One device.
    pub async fn get_device(&self, id: String) -> Result<RecordObject> {
        self.get(Kind::Device, id).await
    }

    /// The users of a house, or all, by name.
    pub async fn get_users(&self, house_id: Option<String>) -> Result<Vec<RecordObject>> {
        self.list(Kind::User, house_id).await
    }

    /// One user.
    pub async fn get_user(&self, id: String) -> Result<RecordObject> {
        self.get(Kind::User, id).await
    }

    /// What a device is doing. A device that never told has an empty state.
    pub async fn get_device_state(&self, device_id: String) -> Result<DeviceState> {
        let key = Key::new(Kind::Device, id("device_id", &device_id)?);
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

    /// The states of a device that are remembered here, newest first.
    pub async fn get_device_history(&self, device_id: String, limit: u32) -> Result<Vec<DeviceState>> {
        let key = Key::new(Kind::Device, id("device_id", &device_id)?);
        self.inner
            .blocking(move |core| {
                let found = core.store.read(|connection| {
                    if live(connection, &key)?.is_none() {
                        return Ok(None);
                    }
                    state_history(connection, &key.id, limit).map(Some)
                })?;
                found.ok_or_else(|| missing(&key))
            })
            .await
    }

    /// Logged events, newest first: all, or those about one record.
    pub async fn get_events(&self, entity_id: Option<String>, limit: u32) -> Result<Vec<RecordObject>> {
        self.inner
            .blocking(move |core| {
                Ok(core.store.read(|connection| {
                    let filter = rows::Filter {
                        kind: Some(&Kind::Event),
                        parent_id: entity_id.as_deref(),
                        ..Default::default()
                    };
                    let mut events = rows::list(connection, &filter)?;
                    events.sort_by_key(|event| std::cmp::Reverse(newest(&event.version)));
                    events.truncate(limit as usize);
                    Ok(events.iter().map(present::record).collect())
                })?)
            })
            .await
    }

    /// The records that `text` names, as (kind, id): the one with exactly this
    /// id, else those whose id begins with it, else those of this name.
    pub async fn find_ids(&self, kind: Option<String>, text: String) -> Result<Vec<(String, String)>> {
        self.inner
            .blocking(move |core| {
                Ok(core.store.read(|connection| {
                    let kind = kind.as_deref().map(Kind::parse);
                    // The usual case needs no look at the others.
                    if let (Some(kind), Ok(id)) = (&kind, RecordId::new(text.clone()))
                        && live(connection, &Key::new(kind.clone(), id))?.is_some()
                    {
                        return Ok(vec![(kind.to_string(), text)]);
                    }
                    let records = rows::list(
                        connection,
                        &rows::Filter {
                            kind: kind.as_ref(),
                            ..Default::default()
                        },
                    )?;
                    let wanted = text.to_lowercase();
                    let pick = |test: &dyn Fn(&Version) -> bool| -> Vec<(String, String)> {
                        records
                            .iter()
                            .filter(|record| test(&record.version))
                            .map(|record| {
                                (
                                    record.version.key.kind.to_string(),
                                    record.version.key.id.to_string(),
                                )
                            })
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
                            .is_some_and(|name| name.to_lowercase() == wanted)
                    }))
                })?)
            })
            .await
    }

    async fn get(&self, kind: Kind, text: String) -> Result<RecordObject> {
        let key = Key::new(kind, id("id", &text)?);
        self.inner
            .blocking(move |core| {
                let found = core.store.read(|connection| match live(connection, &key)? {
                    Some(record) => shown(connection, &record).map(Some),
                    None => Ok(None),
                })?;
                found.ok_or_else(|| missing(&key))
            })
            .await
    }

    async fn list(&self, kind: Kind, parent: Option<String>) -> Result<Vec<RecordObject>> {
        self.inner
            .blocking(move |core| {
                Ok(core.store.read(|connection| {
                    let filter = rows::Filter {
                        kind: Some(&kind),
                        parent_id: parent.as_deref(),
                        include_deleted: false,
                    };
                    let mut records = rows::list(connection, &filter)?;
                    records.sort_by(|a, b| {
                        (&a.version.name, &a.version.key.id).cmp(&(&b.version.name, &b.version.key.id))
                    });
                    records.iter().map(|record| shown(connection, record)).collect()
                })?)
            })
            .await
    }
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

/// A record as it is shown, with what is derived: a device has its state, and a
/// record whose parent is not here says so.
pub(super) fn shown(
    connection: &Connection,
    record: &Record,
) -> std::result::Result<RecordObject, StoreError> {
    let mut object = present::record(record);
    if record.version.key.kind == Kind::Device {
        let state = current_state(connection, record)?.state;
        object.insert("state".into(), Value::Object(state));
    }
    let container = match record.version.key.kind {
        Kind::Room | Kind::User => Some(Kind::House),
        Kind::Device => Some(Kind::Room),
        _ => None,
    };
    if let Some(kind) = container {
        let parent = match &record.version.parent_id {
            Some(id) => live(connection, &Key::new(kind, id.clone()))?,
            None => None,
        };
        object.insert("unplaced".into(), parent.is_none().into());
        if let (None, Some(field)) = (&parent, record.version.key.kind.parent_field()) {
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

/// The current state: of all rows the greatest (edit time, edit id).
pub(super) fn current_state(
    connection: &Connection,
    device: &Record,
) -> std::result::Result<DeviceState, StoreError> {
    let device_id = &device.version.key.id;
    let newest_row = state_rows(connection, device_id)?
        .into_iter()
        .max_by(|a, b| newest(&a.version).cmp(&newest(&b.version)));
    Ok(match newest_row {
        Some(row) => DeviceState {
            sync_status: row.sync_status,
            ..state_of(device_id, &row.version)
        },
        None => DeviceState {
            device_id: device_id.to_string(),
            // What a server without state records says of the device itself.
            state: device.version.embedded_object("state_json").unwrap_or_default(),
            attributes: JsonObject::new(),
            updated_at: device.version.updated_at,
            sync_status: device.sync_status,
        },
    })
}

/// The newest edit time among a device's states.
pub(super) fn newest_state(
    connection: &Connection,
    device_id: &RecordId,
) -> std::result::Result<Option<Version>, StoreError> {
    let rows = state_rows(connection, device_id)?;
    Ok(rows
        .into_iter()
        .map(|row| row.version)
        .max_by(|a, b| newest(a).cmp(&newest(b))))
}

/// A version of a state record as a state.
pub(super) fn state_of(device_id: &RecordId, version: &Version) -> DeviceState {
    let attributes = version
        .embedded_object("metadata_json")
        .and_then(|metadata| metadata.get("attributes").and_then(Value::as_object).cloned());
    DeviceState {
        device_id: device_id.to_string(),
        state: version.embedded_object("state_json").unwrap_or_default(),
        attributes: attributes.unwrap_or_default(),
        updated_at: version.updated_at,
        sync_status: crate::model::RecordStatus::Synced,
    }
}

fn state_history(
    connection: &Connection,
    device_id: &RecordId,
    limit: u32,
) -> std::result::Result<Vec<DeviceState>, StoreError> {
    let mut states: Vec<(Version, DeviceState)> = Vec::new();
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
    /// A live record as it is shown.
    pub(super) fn show(&self, key: &Key) -> Result<RecordObject> {
        let found = self.store.read(|connection| match rows::get(connection, key)? {
            Some(record) => shown(connection, &record).map(Some),
            None => Ok(None),
        })?;
        found.ok_or_else(|| missing(key))
    }
}
