//! A made-up house to try things with: the same for the same size, always.
//!
//! The plan of the house is drawn first (who contains whom, in a fixed order,
//! cut at the size asked for), then written out as versions, so that counts
//! such as `device_count` are right at every size.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::model::{JsonObject, Key, Kind, RecordId, Timestamp, Version, device_state_id, uuid_v7};

use super::core::count;
use super::decide::{Decision, Edit, decide};
use super::sample_names::{DEVICES, DeviceModel, PEOPLE, ROOMS, state_of};
use super::{HubError, HubStore};

/// The smallest sample house: one house, one room, one device.
pub const MIN_SAMPLE: usize = 3;

/// Namespace of the ids in the sample house.
const NAMESPACE: Uuid = Uuid::from_u128(0x5f0c_2a6e_9b1d_5e47_8c33_d1b4_07ae_62f9);
/// 2026-01-01T08:00:00, when the first thing of the house was set up.
const BEGINNING: i64 = 1_767_254_400_000_000;
const HOUSE_NAME: &str = "The Martinez Smart Home";
const TIME_ZONE: &str = "America/Los_Angeles";
/// The seed's ids, which its examples use.
const SEED_HOUSE: &str = "house-1";
const SEED_ROOM: &str = "room-123";
const SEED_DEVICE: &str = "device-123";

/// Something of the house before it is written out. Numbers count rooms and devices.
enum Plan {
    House,
    Room,
    User(usize),
    Device { room: usize, model: usize },
    State { device: usize },
    Event { device: usize },
}

/// The plan's order, without end: house, room and device of the seed, the rest
/// of the first room, people, then room after room.
fn plan() -> impl Iterator<Item = Plan> {
    let people = (0..PEOPLE.len()).map(Plan::User);
    let rooms = (0..).flat_map(|room| {
        std::iter::once(Plan::Room).chain((0..DEVICES.len()).flat_map(move |model| {
            let device = room * DEVICES.len() + model;
            // Now and then something happened.
            let event = device.is_multiple_of(5).then_some(Plan::Event { device });
            [Plan::Device { room, model }, Plan::State { device }]
                .into_iter()
                .chain(event)
        }))
    });
    let mut rooms = std::iter::once(Plan::House).chain(rooms);
    let first: Vec<Plan> = rooms.by_ref().take(4).collect();
    first.into_iter().chain(people).chain(rooms)
}

/// A house of exactly `n` entities: rooms, devices of many types, people, states
/// and a few events. House `house-1`, room `room-123` in it and device
/// `device-123` in that are always there; every other id is a UUID.
pub fn sample_house(n: usize) -> Result<Vec<Version>, HubError> {
    if n < MIN_SAMPLE {
        return Err(HubError::SampleSize { asked: n });
    }
    let plan: Vec<Plan> = plan().take(n).collect();
    let builder = Builder::new(&plan);
    let mut room = 0;
    Ok(plan
        .iter()
        .enumerate()
        .map(|(index, planned)| match planned {
            Plan::House => builder.house(index),
            Plan::Room => {
                room += 1;
                builder.room(index, room - 1)
            }
            Plan::User(person) => builder.user(index, *person),
            Plan::Device { room, model } => builder.device(index, *room, *model),
            Plan::State { device } => builder.state(index, *device),
            Plan::Event { device } => builder.event(index, *device),
        })
        .collect())
}

/// What the written-out versions need to know of each other.
struct Builder {
    /// How many devices each room has.
    devices_in: Vec<i64>,
    people: usize,
    /// Which devices have a state record.
    states: usize,
}

impl Builder {
    fn new(plan: &[Plan]) -> Self {
        let mut builder = Self {
            devices_in: Vec::new(),
            people: 0,
            states: 0,
        };
        for planned in plan {
            match planned {
                Plan::Room => builder.devices_in.push(0),
                Plan::User(_) => builder.people += 1,
                Plan::Device { room, .. } => {
                    if let Some(count) = builder.devices_in.get_mut(*room) {
                        *count += 1;
                    }
                }
                Plan::State { .. } => builder.states += 1,
                Plan::House | Plan::Event { .. } => {}
            }
        }
        builder
    }

    fn house(&self, index: usize) -> Version {
        let body = json!({
            "address": "456 Innovation Drive, Smart City, SC 90210",
            "latitude": 34.0522,
            "longitude": -118.2437,
            "timezone": TIME_ZONE,
            "room_count": self.devices_in.len(),
            "device_count": self.devices_in.iter().sum::<i64>(),
            "user_count": self.people,
            "settings_json": "{\"units\":\"metric\"}",
        });
        let id = text_id(SEED_HOUSE, index);
        version(
            index,
            Key::new(Kind::House, id),
            None,
            Some(HOUSE_NAME.into()),
            body,
        )
    }

    fn room(&self, index: usize, room: usize) -> Version {
        let (_, room_type, floor) = ROOMS[room % ROOMS.len()];
        let body = json!({
            "house_name": HOUSE_NAME,
            "room_type": room_type,
            "floor": floor,
            "device_count": self.devices_in.get(room),
            "temperature": 20.5,
            "humidity": 45,
            "last_motion_at": null,
            "settings_json": null,
        });
        let key = Key::new(Kind::Room, room_id(room));
        version(index, key, Some(house_id()), Some(room_name(room)), body)
    }

    fn user(&self, index: usize, person: usize) -> Version {
        let (name, email, role) = PEOPLE[person % PEOPLE.len()];
        let body = json!({
            "email": email,
            "role": role,
            "device_ids_json": null,
            "preferences_json": "{\"language\":\"en\"}",
        });
        let key = Key::new(Kind::User, user_id(person));
        version(index, key, Some(house_id()), Some(name.into()), body)
    }

    fn device(&self, index: usize, room: usize, model: usize) -> Version {
        let device = room * DEVICES.len() + model;
        let drawn = drawn(device);
        // Devices got their states in the order in which they were drawn.
        let state = (device < self.states).then(|| state_of(drawn.device_type, device).to_string());
        let body = json!({
            "house_id": SEED_HOUSE,
            "room_name": room_name(room),
            "house_name": HOUSE_NAME,
            "device_type": drawn.device_type,
            "manufacturer": drawn.manufacturer,
            "model": drawn.model,
            "state_json": state,
            "capabilities_json": json!(drawn.capabilities).to_string(),
            "ip_address": format!("192.168.{}.{}", 10 + device / 250 % 240, 2 + device % 250),
            "mac_address": mac_address(device),
        });
        let key = Key::new(Kind::Device, device_id(device));
        version(index, key, Some(room_id(room)), Some(drawn.name.into()), body)
    }

    fn state(&self, index: usize, device: usize) -> Version {
        let state = state_of(drawn(device).device_type, device);
        let body = json!({
            "state_type": "state",
            "state_value": state.get("power").and_then(Value::as_str).unwrap_or_default(),
            "state_json": state.to_string(),
            "source": "device",
            "user_id": null,
        });
        let id = device_id(device);
        let key = Key::new(Kind::EntityState, device_state_id(&id, "state"));
        version(index, key, Some(id), None, body)
    }

    fn event(&self, index: usize, device: usize) -> Version {
        let body = json!({
            "event_type": "device_online",
            "entity_type": "device",
            "description": format!("{} came online", drawn(device).name),
            "data_json": "{\"signal\":-52}",
            "source": "hub",
            "user_id": null,
        });
        let key = Key::new(Kind::Event, derived_id("event", device));
        version(index, key, Some(device_id(device)), None, body)
    }
}

/// Puts a version together; `index` gives it its times and edit id.
fn version(
    index: usize,
    key: Key,
    parent_id: Option<RecordId>,
    name: Option<String>,
    body: Value,
) -> Version {
    let mut fields = match body {
        Value::Object(fields) => fields,
        _ => JsonObject::new(),
    };
    fields.insert("version".into(), "1".into());
    fields.insert("metadata_json".into(), Value::Null);
    let seconds = i64::try_from(index).unwrap_or(0);
    let time = Timestamp::from_micros(BEGINNING).plus_micros(seconds * crate::model::time::SECOND);
    Version {
        key,
        parent_id,
        name,
        body: fields,
        created_at: Some(time),
        updated_at: Some(time),
        sync_id: uuid_v7(time, random_of(index)).hyphenated().to_string(),
        deleted: false,
    }
}

/// Ten bytes that look random and are always the same.
fn random_of(index: usize) -> [u8; 10] {
    let id = derived("edit", index).into_bytes();
    [
        id[0], id[1], id[2], id[3], id[4], id[5], id[9], id[10], id[11], id[12],
    ]
}

fn derived(what: &str, index: usize) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{what}\u{1f}{index}").as_bytes())
}

fn derived_id(what: &str, index: usize) -> RecordId {
    RecordId::from(derived(what, index))
}

/// An id of the seed; a UUID if it were no id at all.
fn text_id(text: &str, index: usize) -> RecordId {
    RecordId::new(text).unwrap_or_else(|_| derived_id(text, index))
}

fn house_id() -> RecordId {
    text_id(SEED_HOUSE, 0)
}

fn room_id(room: usize) -> RecordId {
    match room {
        0 => text_id(SEED_ROOM, 0),
        _ => derived_id("room", room),
    }
}

fn device_id(device: usize) -> RecordId {
    match device {
        0 => text_id(SEED_DEVICE, 0),
        _ => derived_id("device", device),
    }
}

fn user_id(person: usize) -> RecordId {
    derived_id("user", person)
}

fn drawn(device: usize) -> &'static DeviceModel {
    &DEVICES[device % DEVICES.len()]
}

/// Beyond one home's worth of rooms, the house has apartments to let.
fn room_name(room: usize) -> String {
    let (name, _, _) = ROOMS[room % ROOMS.len()];
    match room / ROOMS.len() {
        0 => name.to_owned(),
        apartment => format!("Apartment {apartment} {name}"),
    }
}

/// A locally administered address.
fn mac_address(device: usize) -> String {
    let id = derived("mac", device).into_bytes();
    let mut text = "02".to_owned();
    for byte in &id[..5] {
        text.push_str(&format!(":{byte:02x}"));
    }
    text
}

impl HubStore {
    /// Puts [`sample_house`] into an empty hub, in one transaction, and gives
    /// how many entities that were. A hub with anything in it stays as it is: 0.
    pub fn load_sample(&mut self, n: usize) -> Result<usize, HubError> {
        let house = sample_house(n)?;
        self.write("load_sample", |tx, arrivals| {
            if count(tx)? > 0 {
                return Ok(0);
            }
            let mut loaded = 0;
            for version in house {
                let edit = Edit {
                    version,
                    bases: Vec::new(),
                    client_id: "",
                    believe_state: true,
                };
                if let Decision::Applied { .. } = decide(tx, arrivals, edit)? {
                    loaded += 1;
                }
            }
            Ok(loaded)
        })
    }
}
