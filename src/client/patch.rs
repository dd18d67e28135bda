//! Patches: from the names and shapes of the API to a record's fields.

use std::collections::HashSet;

use serde_json::Value;

use super::inputs::{
    DevicePatch, HousePatch, NewDevice, NewEvent, NewHouse, NewRoom, NewUser, RoomPatch, UserPatch,
};
use super::records::{DeviceType, UserRole};
use super::{Result, WildThingError};
use crate::model::{JsonObject, Kind, RecordId, Version};
use crate::protocol::MAX_DEPTH;
use crate::protocol::decode::check_numbers;
use crate::protocol::v1::{embedded_field, first_mistyped, is_known_field};

/// Fields that only sync may write.
const RESERVED: [&str; 12] = [
    "id",
    "kind",
    "sync_id",
    "created_at",
    "updated_at",
    "sync_status",
    "sync_error",
    "deleted",
    "is_deleted",
    "version",
    "state",
    "state_json",
];

/// How deep a value may be: it travels within a message, which has a limit of
/// its own, and is kept within a version in the journal.
const MAX_VALUE_DEPTH: usize = MAX_DEPTH - 16;

pub(super) fn invalid(field: &str, problem: impl Into<String>) -> WildThingError {
    WildThingError::Invalid {
        field: field.to_owned(),
        problem: problem.into(),
    }
}

/// Fields of the wire that an entity of the graph has beside its content: other calls
/// set them, or none.
const RESERVED_IN_GRAPH: [&str; 4] = ["content", "source_type", "user_id", "checksum"];

/// The names that a field of the API goes by in the content of an entity: the
/// first that is there is read and written, and the first of all is made.
pub(super) fn graph_names(kind: &Kind, field: &str) -> &'static [&'static str] {
    match (kind, field) {
        (Kind::Device, "device_type") => &["type", "device_type"],
        // As recorded houses have it.
        (Kind::Device, "ip_address") => &["ip_address", "ip"],
        (Kind::Room, "room_type") => &["room_type", "type"],
        _ => &[],
    }
}

/// Checks a patch against the shape of `kind` and applies it.
pub(super) fn apply(version: &mut Version, patch: &JsonObject) -> Result<()> {
    if version.content().is_some() {
        return apply_to_entity(version, patch);
    }
    let mut written = HashSet::new();
    for (field, value) in patch {
        check(field, value)?;
        if !written.insert(stored_as(&version.key.kind, field)) {
            return Err(invalid(field, "is given twice"));
        }
        set(version, field, value)?;
    }
    match first_mistyped(&version.key.kind, &version.body) {
        Some((field, expected, found)) => Err(invalid(field, format!("expected {expected}, found {found}"))),
        None => Ok(()),
    }
}

/// The field of the body that holds what the API calls `field`.
fn stored_as(kind: &Kind, field: &str) -> String {
    match field {
        "configuration" if *kind == Kind::Device => "metadata_json".to_owned(),
        _ => embedded_field(kind, field).unwrap_or_else(|| field.to_owned()),
    }
}

/// What is wrong with a value that can't be kept or sent.
fn problem_of(value: &Value) -> Option<String> {
    if depth(value) > MAX_VALUE_DEPTH {
        return Some(format!("expected at most {MAX_VALUE_DEPTH} levels of nesting"));
    }
    let told = check_numbers(value).err()?.to_string();
    // The path within the value may be empty.
    Some(told.trim_start_matches(": ").to_owned())
}

fn check(field: &str, value: &Value) -> Result<()> {
    problem_of(value).map_or(Ok(()), |problem| Err(invalid(field, problem)))
}

/// The same for every member of an object.
pub(super) fn check_object(field: &str, object: &JsonObject) -> Result<()> {
    let mut problems = object
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}: {}", problem_of(value)?)));
    problems
        .next()
        .map_or(Ok(()), |problem| Err(invalid(field, problem)))
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(object) => 1 + object.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// A version's metadata, in which `field` is kept. What is no object can't take
/// it, and is not replaced.
pub(super) fn metadata(version: &Version, field: &str) -> Result<JsonObject> {
    match version.embedded_object("metadata_json") {
        Some(object) => Ok(object),
        None if version.body.get("metadata_json").is_none_or(Value::is_null) => Ok(JsonObject::new()),
        None => Err(invalid(
            field,
            "has no place: the metadata of this record is no object",
        )),
    }
}

/// Sets what records of every shape have; false if the field is none of that.
fn set_common(version: &mut Version, field: &str, value: &Value) -> Result<bool> {
    let kind = &version.key.kind;
    if RESERVED.contains(&field) {
        return Err(invalid(field, "can't be set"));
    }
    if field == "name" && kind.has_name() {
        version.name = Some(name(value)?);
        return Ok(true);
    }
    if kind.parent_field() == Some(field) {
        let text = value
            .as_str()
            .ok_or_else(|| invalid(field, "expected the id of a record"))?;
        version.parent_id = Some(id(field, text)?);
        return Ok(true);
    }
    Ok(false)
}

fn set(version: &mut Version, field: &str, value: &Value) -> Result<()> {
    if set_common(version, field, value)? {
        return Ok(());
    }
    let kind = version.key.kind.clone();
    if field == "configuration" && kind == Kind::Device {
        let mut metadata = metadata(version, field)?;
        match value {
            Value::Null => metadata.remove("configuration"),
            Value::Object(_) => metadata.insert("configuration".into(), value.clone()),
            _ => return Err(invalid(field, "expected an object")),
        };
        version
            .body
            .insert("metadata_json".into(), Value::Object(metadata).to_string().into());
        return Ok(());
    }
    if let Some(wire) = embedded_field(&kind, field) {
        let text = if value.is_null() {
            Value::Null
        } else {
            value.to_string().into()
        };
        version.body.insert(wire, text);
        return Ok(());
    }
    if !is_known_field(&kind, field) && !version.body.contains_key(field) {
        return Err(invalid(field, format!("a {kind} has no such field")));
    }
    version.body.insert(field.to_owned(), value.clone());
    Ok(())
}

/// The same for an entity of the graph, whose content takes any name. Fields that
/// the API knows keep their types.
fn apply_to_entity(version: &mut Version, patch: &JsonObject) -> Result<()> {
    let kind = version.key.kind.clone();
    if let Some((field, expected, found)) = first_mistyped(&kind, patch) {
        return Err(invalid(field, format!("expected {expected}, found {found}")));
    }
    let mut written = HashSet::new();
    for (field, value) in patch {
        check(field, value)?;
        if RESERVED_IN_GRAPH.contains(&field.as_str()) {
            return Err(invalid(field, "can't be set"));
        }
        if set_common(version, field, value)? {
            continue;
        }
        if field == "configuration" && !value.is_object() && !value.is_null() {
            return Err(invalid(field, "expected an object"));
        }
        let Some(content) = version.content_mut() else {
            continue;
        };
        let names = match graph_names(&kind, field) {
            [] => vec![field.as_str()],
            names => names.to_vec(),
        };
        let there = names.iter().find(|name| content.contains_key(**name));
        let name = there.or(names.first()).copied().unwrap_or(field).to_owned();
        if !written.insert(name.clone()) {
            return Err(invalid(field, "is given twice"));
        }
        if value.is_null() {
            // Under none of its names, or another would be read instead.
            names.iter().for_each(|name| drop(content.remove(*name)));
        } else {
            content.insert(name, value.clone());
        }
    }
    Ok(())
}

/// A name given by a caller.
pub(super) fn name(value: &Value) -> Result<String> {
    match value.as_str() {
        Some(text) if !text.trim().is_empty() => Ok(text.to_owned()),
        _ => Err(invalid("name", "expected a text that is not empty")),
    }
}

/// An id given by a caller.
pub(super) fn id(field: &str, text: &str) -> Result<RecordId> {
    RecordId::new(text).map_err(|error| invalid(field, error.to_string()))
}

/// The fields that were given, by their names in the API.
#[derive(Default)]
pub(super) struct Fields(pub(super) JsonObject);

impl Fields {
    fn set(mut self, field: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.0.insert(field.to_owned(), value.into());
        }
        self
    }

    /// A number that JSON can carry; NaN and infinities can't.
    fn number(self, field: &str, value: Option<f64>) -> Result<Self> {
        match value {
            None => Ok(self),
            Some(value) => match serde_json::Number::from_f64(value) {
                Some(number) => Ok(self.set(field, Some(Value::Number(number)))),
                None => Err(invalid(field, "expected a finite number")),
            },
        }
    }

    fn id(self, field: &str, id: Option<RecordId>) -> Self {
        self.set(field, id.map(|id| id.to_string()))
    }

    /// What a patch has besides its own fields. A field that is named twice is a
    /// mistake, and which of the two was meant can't be told.
    fn and(mut self, clear: Vec<String>, extra: Option<JsonObject>) -> Result<Self> {
        let cleared = clear.into_iter().map(|field| (field, Value::Null));
        for (field, value) in extra.unwrap_or_default().into_iter().chain(cleared) {
            if self.0.insert(field.clone(), value).is_some() {
                return Err(invalid(&field, "is given twice"));
            }
        }
        Ok(self)
    }
}

/// What a call was given, as fields.
pub(super) trait IntoFields {
    /// `Invalid` if a value has no place in JSON or a field is given twice.
    fn into_fields(self) -> Result<Fields>;
}

impl IntoFields for NewHouse {
    fn into_fields(self) -> Result<Fields> {
        HousePatch {
            name: Some(self.name),
            address: self.address,
            latitude: self.latitude,
            longitude: self.longitude,
            timezone: self.timezone,
            settings: self.settings,
            ..HousePatch::default()
        }
        .into_fields()
    }
}

impl IntoFields for HousePatch {
    fn into_fields(self) -> Result<Fields> {
        Fields::default()
            .set("name", self.name)
            .set("address", self.address)
            .number("latitude", self.latitude)?
            .number("longitude", self.longitude)?
            .set("timezone", self.timezone)
            .set("settings", self.settings)
            .and(self.clear, self.extra)
    }
}

impl IntoFields for NewRoom {
    fn into_fields(self) -> Result<Fields> {
        RoomPatch {
            house_id: Some(self.house_id),
            name: Some(self.name),
            floor: self.floor,
            room_type: self.room_type,
            settings: self.settings,
            ..RoomPatch::default()
        }
        .into_fields()
    }
}

impl IntoFields for RoomPatch {
    fn into_fields(self) -> Result<Fields> {
        Fields::default()
            .id("house_id", self.house_id)
            .set("name", self.name)
            .set("floor", self.floor)
            .set("room_type", self.room_type)
            .set("settings", self.settings)
            .and(self.clear, self.extra)
    }
}

impl IntoFields for NewDevice {
    fn into_fields(self) -> Result<Fields> {
        DevicePatch {
            room_id: Some(self.room_id),
            name: Some(self.name),
            device_type: Some(self.device_type.unwrap_or(DeviceType::Other)),
            manufacturer: self.manufacturer,
            model: self.model,
            capabilities: self.capabilities,
            configuration: self.configuration,
            ip_address: self.ip_address,
            mac_address: self.mac_address,
            ..DevicePatch::default()
        }
        .into_fields()
    }
}

impl IntoFields for DevicePatch {
    fn into_fields(self) -> Result<Fields> {
        Fields::default()
            .id("room_id", self.room_id)
            .set("name", self.name)
            .set("device_type", self.device_type.as_ref().map(DeviceType::as_str))
            .set("manufacturer", self.manufacturer)
            .set("model", self.model)
            .set("capabilities", self.capabilities)
            .set("configuration", self.configuration)
            .set("ip_address", self.ip_address)
            .set("mac_address", self.mac_address)
            .and(self.clear, self.extra)
    }
}

impl IntoFields for NewUser {
    fn into_fields(self) -> Result<Fields> {
        UserPatch {
            house_id: Some(self.house_id),
            name: Some(self.name),
            email: self.email,
            role: Some(self.role.unwrap_or(UserRole::Member)),
            preferences: self.preferences,
            ..UserPatch::default()
        }
        .into_fields()
    }
}

impl IntoFields for UserPatch {
    fn into_fields(self) -> Result<Fields> {
        Fields::default()
            .id("house_id", self.house_id)
            .set("name", self.name)
            .set("email", self.email)
            .set("role", self.role.as_ref().map(UserRole::as_str))
            .set("preferences", self.preferences)
            .and(self.clear, self.extra)
    }
}

impl IntoFields for NewEvent {
    fn into_fields(self) -> Result<Fields> {
        if self.event_type.trim().is_empty() {
            return Err(invalid("event_type", "expected a text that is not empty"));
        }
        Ok(Fields::default()
            .set("event_type", Some(self.event_type))
            .set("entity_type", Some(self.entity_type.as_str()))
            .id("entity_id", Some(self.entity_id))
            .set("description", self.description)
            .set("data", self.data)
            .set("source", self.source)
            .set("user_id", self.user_id))
    }
}
