//! The sample house as a graph: one home, its rooms, their devices, and an edge
//! from each to what contains it. The same for the same size, always.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::hub::HubError;
use crate::hub::sample::MIN_SAMPLE;
use crate::hub::sample_names::{DEVICES, ROOMS, state_of};
use crate::model::Timestamp;
use crate::model::time::SECOND;
use crate::protocol::v2::{Change, ChangeType, Entity, Relationship, VersionStamp};

use super::decide;
use super::store::{GraphStore, count};

/// Namespace of the ids in the sample house.
const NAMESPACE: Uuid = Uuid::from_u128(0x7b1e_93c4_2d60_5a18_9f47_6c0a_e3d5_1b82);
/// 2026-01-01T08:00:00, when the first thing of the house was set up.
const BEGINNING: i64 = 1_767_254_400_000_000;
const AUTHOR: &str = "sample";

/// A house of exactly `n` entities, and `n - 1` edges. `house-1`, `room-123` and
/// `device-123` are always there; every other id is a UUID.
pub fn sample_graph(n: usize) -> Result<Vec<Change>, HubError> {
    if n < MIN_SAMPLE {
        return Err(HubError::SampleSize { asked: n });
    }
    let home = json!({
        "address": "456 Innovation Drive, Smart City, SC 90210",
        "timezone": "America/Los_Angeles",
        "is_primary": true,
    });
    let mut changes = vec![change(
        0,
        "house-1".into(),
        "home",
        "The Martinez Smart Home",
        home,
        None,
    )];
    for room in 0.. {
        let (name, room_type, floor) = ROOMS[room % ROOMS.len()];
        let name = match room / ROOMS.len() {
            0 => name.to_owned(),
            apartment => format!("Apartment {apartment} {name}"),
        };
        let content = json!({"room_type": room_type, "floor": floor});
        let id = id("room", room, "room-123");
        let home = changes.first().and_then(|home| home.entity.clone());
        let room_change = change(changes.len(), id, "room", &name, content, home.as_ref());
        let this_room = room_change.entity.clone();
        changes.push(room_change);
        for (model, drawn) in DEVICES.iter().enumerate() {
            let device = room * DEVICES.len() + model;
            let content = json!({
                "device_type": drawn.device_type,
                "manufacturer": drawn.manufacturer,
                "model": drawn.model,
                "capabilities": drawn.capabilities,
                "state": state_of(drawn.device_type, device),
            });
            let id = self::id("device", device, "device-123");
            let device = change(
                changes.len(),
                id,
                "device",
                drawn.name,
                content,
                this_room.as_ref(),
            );
            changes.push(device);
        }
        if changes.len() >= n {
            break;
        }
    }
    changes.truncate(n);
    Ok(changes)
}

/// The seed's id for the first of a kind, UUIDs for the others.
fn id(what: &str, index: usize, first: &str) -> String {
    match index {
        0 => first.to_owned(),
        _ => derived(what, index),
    }
}

fn derived(what: &str, index: usize) -> String {
    Uuid::new_v5(&NAMESPACE, format!("{what}\u{1f}{index}").as_bytes())
        .hyphenated()
        .to_string()
}

/// An entity in something; `index` gives it its time and version.
fn change(
    index: usize,
    id: String,
    entity_type: &str,
    name: &str,
    content: Value,
    within: Option<&Entity>,
) -> Change {
    let seconds = i64::try_from(index).unwrap_or(0);
    let time = Timestamp::from_micros(BEGINNING).plus_micros(seconds.saturating_mul(SECOND));
    let counter = u32::try_from(index % 1_000_000).unwrap_or(0);
    let version = VersionStamp::new(time, counter, AUTHOR).to_string();
    let edge = within.map(|container| Relationship {
        id: derived("edge", index),
        from_entity_id: id.clone(),
        from_entity_version: version.clone(),
        to_entity_id: container.id.clone(),
        to_entity_version: container.version.clone(),
        relationship_type: "located_in".to_owned(),
        properties: Map::new(),
        user_id: Some(AUTHOR.to_owned()),
        extra: Map::new(),
    });
    let content = match content {
        Value::Object(content) => content,
        _ => Map::new(),
    };
    Change {
        change_type: ChangeType::Create,
        entity: Some(Entity {
            id,
            version,
            entity_type: entity_type.to_owned(),
            name: name.to_owned(),
            content,
            source_type: "generated".to_owned(),
            user_id: AUTHOR.to_owned(),
            parent_versions: Vec::new(),
            checksum: None,
            extra: Map::new(),
        }),
        relationships: edge.into_iter().collect(),
    }
}

impl GraphStore {
    /// Puts [`sample_graph`] into an empty hub, in one transaction, and gives how
    /// many entities that were. A hub with anything in it stays as it is: 0.
    pub fn load_sample(&mut self, n: usize) -> Result<usize, HubError> {
        let house = sample_graph(n)?;
        self.write(|tx, arrivals| {
            if count(tx)? > 0 {
                return Ok(0);
            }
            decide::push(tx, arrivals, AUTHOR, house).map(|pushed| pushed.applied.len())
        })
    }
}
