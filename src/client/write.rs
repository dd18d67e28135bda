//! Writing: each call is one local transaction, and is sent by the next sync.

use serde_json::Value;

use super::core::Core;
use super::inputs::{
    DevicePatch, HousePatch, NewDevice, NewEvent, NewHouse, NewRoom, NewUser, RoomPatch, UserPatch,
};
use super::patch::{self, Fields, IntoFields};
use super::read::{
    STATE_ATTRIBUTES, STATE_TYPE, current_state, live, missing, newest_state, state_by, state_of, typed,
};
use super::records::{Device, DeviceState, Event, House, Room, User};
use super::typed::Typed;
use super::{Result, WildThingClient};
use crate::model::{JsonObject, Key, Kind, RecordId, Version, device_state_id, merge_patch};
use crate::protocol::Protocol;
use crate::store::graph::shape;
use crate::store::{StoreError, metadata, rows};

#[uniffi::export]
impl WildThingClient {
    /// Makes a house. `Invalid` if a field can't be used.
    pub async fn create_house(&self, house: NewHouse) -> Result<House> {
        self.create(house.into_fields()?).await
    }

    /// Makes a room. `NotFound` if the house is not there.
    pub async fn create_room(&self, room: NewRoom) -> Result<Room> {
        self.create(room.into_fields()?).await
    }

    /// Makes a device. `NotFound` if the room is not there.
    pub async fn create_device(&self, device: NewDevice) -> Result<Device> {
        self.create(device.into_fields()?).await
    }

    /// Makes a user. `NotFound` if the house is not there.
    pub async fn create_user(&self, user: NewUser) -> Result<User> {
        self.create(user.into_fields()?).await
    }

    /// Changes fields of a house.
    pub async fn update_house(&self, house_id: RecordId, patch: HousePatch) -> Result<House> {
        self.update(house_id, patch.into_fields()?).await
    }

    /// Changes fields of a room. `NotFound` if it is to move to a house that is not there.
    pub async fn update_room(&self, room_id: RecordId, patch: RoomPatch) -> Result<Room> {
        self.update(room_id, patch.into_fields()?).await
    }

    /// Changes fields of a device; its state has a call of its own. `NotFound`
    /// if it is to move to a room that is not there.
    pub async fn update_device(&self, device_id: RecordId, patch: DevicePatch) -> Result<Device> {
        self.update(device_id, patch.into_fields()?).await
    }

    /// Changes fields of a user. `NotFound` if they are to move to a house that is not there.
    pub async fn update_user(&self, user_id: RecordId, patch: UserPatch) -> Result<User> {
        self.update(user_id, patch.into_fields()?).await
    }

    /// Deletes a house with its rooms, devices and users.
    pub async fn delete_house(&self, house_id: RecordId) -> Result<()> {
        self.delete(Kind::House, house_id).await
    }

    /// Deletes a room with its devices.
    pub async fn delete_room(&self, room_id: RecordId) -> Result<()> {
        self.delete(Kind::Room, room_id).await
    }

    /// Deletes a device.
    pub async fn delete_device(&self, device_id: RecordId) -> Result<()> {
        self.delete(Kind::Device, device_id).await
    }

    /// Deletes a user.
    pub async fn delete_user(&self, user_id: RecordId) -> Result<()> {
        self.delete(Kind::User, user_id).await
    }

    /// Changes what a device is doing: `state` is merged into the current state
    /// (RFC 7386: `null` removes a key), or replaces it whole. `attributes` are
    /// merged likewise. With a server that has a graph the state is part of the
    /// device, `state` in its content and `state_attributes` beside it, and this
    /// makes a new version of the device. `NotFound` if the device is not there,
    /// `Invalid` if a field can't be used.
    #[uniffi::method(default(attributes = None, replace = false))]
    pub async fn update_device_state(
        &self,
        device_id: RecordId,
        state: JsonObject,
        attributes: Option<JsonObject>,
        replace: bool,
    ) -> Result<DeviceState> {
        let device = Key::new(Kind::Device, device_id);
        patch::check_object("state", &state)?;
        if let Some(attributes) = &attributes {
            patch::check_object("attributes", attributes)?;
        }
        self.inner
            .blocking(move |core| {
                let attributes = attributes.as_ref();
                if core.store.read(metadata::protocol)? != Protocol::V2
                    && let Some(done) = set_state(core, &device, &state, attributes, replace)?
                {
                    return Ok(done);
                }
                set_own_state(core, &device, &state, attributes, replace)
            })
            .await
    }

    /// Logs an event. What it is about need not be here. `Invalid` if a field can't
    /// be used.
    pub async fn log_event(&self, event: NewEvent) -> Result<Event> {
        self.create(event.into_fields()?).await
    }
}

impl WildThingClient {
    async fn create<T: Typed>(&self, fields: Fields) -> Result<T> {
        self.inner
            .blocking(move |core| {
                let key = Key::new(T::KIND, core.seam.new_id());
                let mut version = blank(key.clone());
                patch::apply(&mut version, &fields.0)?;
                let check = |connection: &_, _: Option<&_>| match new_container::<T>(&version) {
                    Some(parent) if !rows::is_live(connection, &parent)? => Ok(Err(missing(&parent))),
                    _ => Ok(Ok(version)),
                };
                core.store.edit_if(&key, check, typed)?
            })
            .await
    }

    async fn update<T: Typed>(&self, id: RecordId, fields: Fields) -> Result<T> {
        let key = Key::new(T::KIND, id);
        self.inner
            .blocking(move |core| {
                let check = |connection: &_, current: Option<&Version>| {
                    let Some(mut version) = current.filter(|version| !version.deleted).cloned() else {
                        return Ok(Err(missing(&key)));
                    };
                    to_graph_shape(connection, &mut version)?;
                    let before = version.parent_id.clone();
                    if let Err(error) = patch::apply(&mut version, &fields.0) {
                        return Ok(Err(error));
                    }
                    if version.parent_id != before
                        && let Some(parent) = new_container::<T>(&version)
                        && !rows::is_live(connection, &parent)?
                    {
                        return Ok(Err(missing(&parent)));
                    }
                    Ok(Ok(version))
                };
                core.store.edit_if(&key, check, typed)?
            })
            .await
    }

    async fn delete(&self, kind: Kind, id: RecordId) -> Result<()> {
        let key = Key::new(kind, id);
        self.inner
            .blocking(move |core| {
                if core.store.read(|connection| live(connection, &key))?.is_none() {
                    return Err(missing(&key));
                }
                Ok(core.store.delete(&key)?)
            })
            .await
    }
}

/// A version with nothing in it.
pub(super) fn blank(key: Key) -> Version {
    Version {
        key,
        parent_id: None,
        name: None,
        body: JsonObject::new(),
        created_at: None,
        updated_at: None,
        sync_id: String::new(),
        deleted: false,
    }
}

/// On a replica of a graph an entity that an older server left here takes its shape
/// with the first edit.
pub(super) fn to_graph_shape(
    connection: &rusqlite::Connection,
    version: &mut Version,
) -> std::result::Result<(), StoreError> {
    if metadata::protocol(connection)? == Protocol::V2 {
        // Who makes the version is filled in by the store.
        shape::as_entity(version, "");
    }
    Ok(())
}

/// The container that a new or moved record is to be in.
fn new_container<T: Typed>(version: &Version) -> Option<Key> {
    Some(Key::new(T::KIND.container()?, version.parent_id.clone()?))
}

/// `None` if the replica became one of a graph meanwhile: a state has another place there.
fn set_state(
    core: &Core,
    device: &Key,
    patch: &JsonObject,
    attributes: Option<&JsonObject>,
    replace: bool,
) -> Result<Option<DeviceState>> {
    let key = Key::new(Kind::EntityState, device_state_id(&device.id, STATE_TYPE));
    let check = |connection: &_, ours: Option<&Version>| {
        if metadata::protocol(connection)? == Protocol::V2 {
            return Ok(Err(None));
        }
        let Some(holder) = live(connection, device)? else {
            return Ok(Err(Some(missing(device))));
        };
        let newest = newest_state(connection, &device.id)?;
        let current = state_by(&holder, newest.as_ref());
        let mut state = if replace { JsonObject::new() } else { current.state };
        merge_patch(&mut state, patch);
        let mut version = ours.cloned().unwrap_or_else(|| blank(key.clone()));
        version.deleted = false;
        version.parent_id = Some(device.id.clone());
        // Rows of other programs count too: this edit is made on the newest of them.
        version.updated_at = newest
            .and_then(|row| row.version.updated_at)
            .map(|time| time.plus_micros(1));
        Ok(
            match fill_state(&mut version, &state, current.attributes, attributes) {
                Ok(()) => Ok(version),
                Err(refusal) => Err(Some(refusal)),
            },
        )
    };
    let done = core.store.edit_if(&key, check, |_, record| {
        Ok(DeviceState {
            sync_status: record.sync_status,
            ..state_of(&device.id, &record.version)
        })
    })?;
    match done {
        Ok(state) => Ok(Some(state)),
        Err(None) => Ok(None),
        Err(Some(refusal)) => Err(refusal),
    }
}

/// The same where a state is part of its device.
fn set_own_state(
    core: &Core,
    device: &Key,
    patch: &JsonObject,
    attributes: Option<&JsonObject>,
    replace: bool,
) -> Result<DeviceState> {
    let check = |connection: &_, current: Option<&Version>| {
        let Some(holder) = live(connection, device)?.filter(|_| current.is_some()) else {
            return Ok(Err(missing(device)));
        };
        let known = current_state(connection, &holder)?;
        let mut version = holder.version;
        to_graph_shape(connection, &mut version)?;
        // Rows of an older server count too: this edit is made on the newest of them.
        version.updated_at = known.updated_at.map(|time| time.plus_micros(1));
        let mut state = if replace { JsonObject::new() } else { known.state };
        merge_patch(&mut state, patch);
        let mut beside = known.attributes;
        if let Some(attributes) = attributes {
            merge_patch(&mut beside, attributes);
        }
        if let Some(content) = version.content_mut() {
            content.insert("state".into(), Value::Object(state));
            content.remove(STATE_ATTRIBUTES);
            if !beside.is_empty() {
                content.insert(STATE_ATTRIBUTES.into(), Value::Object(beside));
            }
        }
        Ok(Ok(version))
    };
    core.store.edit_if(device, check, |connection, record| {
        current_state(connection, &record)
    })?
}

fn fill_state(
    version: &mut Version,
    state: &JsonObject,
    known: JsonObject,
    attributes: Option<&JsonObject>,
) -> Result<()> {
    let body = &mut version.body;
    body.insert("state_type".into(), STATE_TYPE.into());
    body.insert("state_value".into(), summary(state).into());
    body.insert(
        "state_json".into(),
        Value::Object(state.clone()).to_string().into(),
    );
    body.insert("source".into(), "wildthing".into());
    let mut merged = known;
    if let Some(attributes) = attributes {
        merge_patch(&mut merged, attributes);
    }
    if !merged.is_empty() || body.contains_key("metadata_json") {
        let mut metadata = match patch::metadata(version, "attributes") {
            Ok(metadata) => metadata,
            // Of no concern to whoever gives none.
            Err(_) if attributes.is_none() => return Ok(()),
            Err(error) => return Err(error),
        };
        metadata.insert("attributes".into(), Value::Object(merged));
        version
            .body
            .insert("metadata_json".into(), Value::Object(metadata).to_string().into());
    }
    Ok(())
}

/// A short text of a state, as the protocol asks: the value of `power` or `on`.
fn summary(state: &JsonObject) -> String {
    match state.get("power").or_else(|| state.get("on")) {
        Some(Value::String(text)) => text.clone(),
        Some(value) if !value.is_object() && !value.is_array() && !value.is_null() => value.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_summary_is_power_or_on_or_nothing() {
        let of = |value: Value| summary(value.as_object().unwrap_or(&JsonObject::new()));
        assert_eq!(of(json!({"power": "on", "brightness": 80})), "on");
        assert_eq!(of(json!({"on": true})), "true");
        assert_eq!(of(json!({"temperature": 21})), "");
    }
}
