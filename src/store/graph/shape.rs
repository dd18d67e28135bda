//! Shapes: how an entity made here is stamped, and how a record in the shape of
//! v1 says the same as an entity. No edges here.

use serde_json::Value;

use crate::model::{JsonObject, Kind, Timestamp, Version};
use crate::protocol::v2::{VersionStamp, entity_body, version_time};

/// Stamps a version made here on `bases`. Its version string sorts after theirs,
/// whatever the clocks say. `counter` tells two edits of one moment apart, and the
/// author is this replica, so that no other writes the same string.
pub fn stamp(version: &mut Version, now: Timestamp, counter: i64, author: &str, bases: &[&Version]) {
    let mut time = version.updated_at.map_or(now, |least| least.max(now));
    for base in bases {
        if let Some(made) = version_time(&base.sync_id).or(base.updated_at) {
            time = time.max(made.plus_micros(1));
        }
    }
    let counter = u32::try_from(counter.rem_euclid(1_000_000)).unwrap_or(0);
    version.updated_at = Some(time);
    version.created_at = None;
    version.sync_id = VersionStamp::new(time, counter, author).to_string();
    version.body.insert("user_id".into(), author.into());
}

/// Gives a version in the shape of v1 that of an entity; any other stays.
pub fn as_entity(version: &mut Version, author: &str) {
    if version.content().is_some() || !version.key.kind.is_entity() {
        return;
    }
    let mut content = JsonObject::new();
    for (field, value) in std::mem::take(&mut version.body) {
        if value.is_null() || DERIVED.contains(&field.as_str()) {
            continue;
        }
        let (name, value) = match field.strip_suffix("_json") {
            Some(bare) => match value.as_str().and_then(|text| serde_json::from_str(text).ok()) {
                Some(inner) => (bare.to_owned(), inner),
                None => (field, value),
            },
            None if field == "device_type" && version.key.kind == Kind::Device => ("type".to_owned(), value),
            None => (field, value),
        };
        content.entry(name).or_insert(value);
    }
    if version.key.kind == Kind::Device {
        lift_configuration(&mut content);
    }
    version.body = entity_body(content, author);
}

/// Fields of v1 that repeat what other records say.
pub const DERIVED: [&str; 7] = [
    "version",
    "house_id",
    "house_name",
    "room_name",
    "room_count",
    "device_count",
    "user_count",
];

/// In v1 a device's configuration is kept within its metadata.
fn lift_configuration(content: &mut JsonObject) {
    let Some(Value::Object(metadata)) = content.get_mut("metadata") else {
        return;
    };
    let configuration = metadata.remove("configuration");
    if metadata.is_empty() {
        content.remove("metadata");
    }
    if let Some(configuration) = configuration {
        content.insert("configuration".into(), configuration);
    }
}
