//! Writing: each call is one local transaction, and is sent by the next sync.

use serde_json::Value;

use super::core::Core;
use super::inputs::{NewDevice, NewEvent, NewHouse, NewRoom, NewUser, Patch};
use super::patch::{self, Fields, id, invalid};
use super::read::{STATE_TYPE, live, missing, newest_state, state_of};
use super::types::{DeviceState, RecordObject};
use super::{Result, WildThingClient};
use crate::model::{JsonObject, Key, Kind, RecordStatus, Version, device_state_id, merge_patch};

impl WildThingClient {
    /// Makes a house. `Invalid` if a field can't be used.
    pub async fn create_house(&self, house: NewHouse) -> Result<RecordObject> {
        let fields = Fields::default()
            .set("name", Some(house.name))
            .set("address", house.address)
            .number("latitude", house.latitude)?
            .number("longitude", house.longitude)?
            .set("timezone", house.timezone)
            .object("settings", house.settings);
        self.create(Kind::House, None, fields).await
    }

    /// Makes a room. `NotFound` if the house is not there.
    pub async fn create_room(&self, room: NewRoom) -> Result<RecordObject> {
        let fields = Fields::default()
            .set("name", Some(room.name))
            .set("floor", room.floor)
            .set("room_type", room.room_type)
            .object("settings", room.settings);
        self.create(Kind::Room, Some((Kind::House, "house_id", room.house_id)), fields)
            .await
    }

    /// Makes a device. `NotFound` if the room is not there.
    pub async fn create_device(&self, device: NewDevice) -> Result<RecordObject> {
        let fields = Fields::default()
            .set("name", Some(device.name))
            .set(
                "device_type",
                Some(device.device_type.unwrap_or_else(|| "other".into())),
            )
            .set("manufacturer", device.manufacturer)
            .set("model", device.model)
            .object("capabilities", device.capabilities)
            .object("configuration", device.configuration)
            .set("ip_address", device.ip_address)
            .set("mac_address", device.mac_address);
        self.create(
            Kind::Device,
            Some((Kind::Room, "room_id", device.room_id)),
            fields,
        )
        .await
    }

    /// Makes a user. `NotFound` if the house is not there.
    pub async fn create_user(&self, user: NewUser) -> Result<RecordObject> {
        let fields = Fields::default()
            .set("name", Some(user.name))
            .set("email", user.email)
            .set("role", Some(user.role.unwrap_or_else(|| "member".into())))
            .object("preferences", user.preferences);
        self.create(Kind::User, Some((Kind::House, "house_id", user.house_id)), fields)
            .await
    }

    /// Changes fields of a house.
    pub async fn update_house(&self, id: String, patch: Patch) -> Result<RecordObject> {
        self.update(Kind::House, id, patch).await
    }

    /// Changes fields of a room.
    pub async fn update_room(&self, id: String, patch: Patch) -> Result<RecordObject> {
        self.update(Kind::Room, id, patch).await
    }

    /// Changes fields of a device; its state has a call of its own.
    pub async fn update_device(&self, id: String, patch: Patch) -> Result<RecordObject> {
        self.update(Kind::Device, id, patch).await
    }

    /// Changes fields of a user.
    pub async fn update_user(&self, id: String, patch: Patch) -> Result<RecordObject> {
        self.update(Kind::User, id, patch).await
    }

    /// Deletes a house with its rooms, devices and users.
    pub async fn delete_house(&self, id: String) -> Result<()> {
        self.delete(Kind::House, id).await
    }

    /// Deletes a room with its devices.
    pub async fn delete_room(&self, id: String) -> Result<()> {
        self.delete(Kind::Room, id).await
    }

    /// Deletes a device.
    pub async fn delete_device(&self, id: String) -> Result<()> {
        self.delete(Kind::Device, id).await
    }

    /// Deletes a user.
    pub async fn delete_user(&self, id: String) -> Result<()> {
        self.delete(Kind::User, id).await
    }

    /// Changes what a device is doing: `state` is merged into the current state
    /// (RFC 7386: `null` removes a key), or replaces it whole. `attributes` are
    /// merged likewise.
    pub async fn update_device_state(
        &self,
        device_id: String,
        state: JsonObject,
        attributes: Option<JsonObject>,
        replace: bool,
    ) -> Result<DeviceState> {
        let device = Key::new(Kind::Device, id("device_id", &device_id)?);
        crate::protocol::decode::check_numbers(&Value::Object(state.clone()))
            .map_err(|error| invalid("state", error.to_string()))?;
        self.inner
            .blocking(move |core| set_state(core, &device, &state, attributes.as_ref(), replace))
            .await
    }

    /// Logs an event. What it is about need not be here.
    pub async fn log_event(&self, event: NewEvent) -> Result<RecordObject> {
        if event.event_type.trim().is_empty() {
            return Err(invalid("event_type", "expected a text that is not empty"));
        }
        let about = id("entity_id", &event.entity_id)?;
        let fields = Fields::default()
            .set("event_type", Some(event.event_type))
            .set("entity_type", Some(event.entity_type))
            .set("entity_id", Some(about.to_string()))
            .set("description", event.description)
            .object("data", event.data)
            .set("source", event.source)
            .set("user_id", event.user_id);
        self.create(Kind::Event, None, fields).await
    }

    async fn create(
        &self,
        kind: Kind,
        parent: Option<(Kind, &'static str, String)>,
        fields: Fields,
    ) -> Result<RecordObject> {
        let parent = match parent {
            Some((kind, field, text)) => Some(Key::new(kind, id(field, &text)?)),
            None => None,
        };
        self.inner
            .blocking(move |core| {
                let key = Key::new(kind, core.seam.new_id());
                let mut version = blank(key.clone());
                version.parent_id = parent.as_ref().map(|parent| parent.id.clone());
                patch::apply(&mut version, &fields.0)?;
                core.store.edit_if(&key, |connection, _| match &parent {
                    Some(parent) if live(connection, parent)?.is_none() => Ok(Err(missing(parent))),
                    _ => Ok(Ok(version)),
                })??;
                core.show(&key)
            })
            .await
    }

    async fn update(&self, kind: Kind, text: String, patch: Patch) -> Result<RecordObject> {
        let key = Key::new(kind, id("id", &text)?);
        self.inner
            .blocking(move |core| {
                core.store.edit_if(&key, |connection, current| {
                    let Some(mut version) = current.filter(|version| !version.deleted).cloned() else {
                        return Ok(Err(missing(&key)));
                    };
                    let before = version.parent_id.clone();
                    if let Err(error) = patch::apply(&mut version, &patch) {
                        return Ok(Err(error));
                    }
                    if version.parent_id != before
                        && let Some(parent) = new_parent(&version)
                        && live(connection, &parent)?.is_none()
                    {
                        return Ok(Err(missing(&parent)));
                    }
                    Ok(Ok(version))
                })??;
                core.show(&key)
            })
            .await
    }

    async fn delete(&self, kind: Kind, text: String) -> Result<()> {
        let key = Key::new(kind, id("id", &text)?);
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
fn blank(key: Key) -> Version {
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

/// The container that a moved record is to be in.
fn new_parent(version: &Version) -> Option<Key> {
    let kind = match version.key.kind {
        Kind::Room | Kind::User => Kind::House,
        Kind::Device => Kind::Room,
        _ => return None,
    };
    version.parent_id.clone().map(|id| Key::new(kind, id))
}

fn set_state(
    core: &Core,
    device: &Key,
    patch: &JsonObject,
    attributes: Option<&JsonObject>,
    replace: bool,
) -> Result<DeviceState> {
    let key = Key::new(Kind::EntityState, device_state_id(&device.id, STATE_TYPE));
    let record = core.store.edit_if(&key, |connection, ours| {
        let Some(holder) = live(connection, device)? else {
            return Ok(Err(missing(device)));
        };
        let newest = newest_state(connection, &device.id)?;
        let current = match &newest {
            Some(version) => state_of(&device.id, version),
            None => DeviceState {
                device_id: device.id.to_string(),
                state: holder.version.embedded_object("state_json").unwrap_or_default(),
                attributes: JsonObject::new(),
                updated_at: None,
                sync_status: RecordStatus::Synced,
            },
        };
        let mut state = if replace { JsonObject::new() } else { current.state };
        merge_patch(&mut state, patch);
        let mut version = ours.cloned().unwrap_or_else(|| blank(key.clone()));
        version.deleted = false;
        version.parent_id = Some(device.id.clone());
        // Rows of other programs count too: this edit is made on the newest of them.
        version.updated_at = newest
            .and_then(|version| version.updated_at)
            .map(|time| time.plus_micros(1));
        fill_state(&mut version, &state, current.attributes, attributes);
        Ok(Ok(version))
    })??;
    Ok(DeviceState {
        sync_status: record.sync_status,
        ..state_of(&device.id, &record.version)
    })
}

fn fill_state(version: &mut Version, state: &JsonObject, known: JsonObject, attributes: Option<&JsonObject>) {
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
        let mut metadata = version.embedded_object("metadata_json").unwrap_or_default();
        metadata.insert("attributes".into(), Value::Object(merged));
        version
            .body
            .insert("metadata_json".into(), Value::Object(metadata).to_string().into());
    }
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
