//! The words of the sample house: rooms, devices, people. Only tables.

use serde_json::{Value, json};

/// A room as it is drawn: name, type, floor.
pub(super) const ROOMS: [(&str, &str, i64); 18] = [
    ("Living Room", "living_room", 0),
    ("Kitchen", "kitchen", 0),
    ("Dining Room", "dining_room", 0),
    ("Hallway", "hallway", 0),
    ("Master Bedroom", "bedroom", 1),
    ("Bathroom", "bathroom", 1),
    ("Home Office", "office", 1),
    ("Nursery", "bedroom", 1),
    ("Garage", "garage", 0),
    ("Guest Bedroom", "bedroom", 1),
    ("Guest Bathroom", "bathroom", 1),
    ("Laundry Room", "laundry", -1),
    ("Workshop", "workshop", -1),
    ("Basement", "basement", -1),
    ("Attic", "attic", 2),
    ("Library", "library", 1),
    ("Sunroom", "sunroom", 0),
    ("Garden", "outdoor", 0),
];

/// A device as it is drawn.
pub(super) struct DeviceModel {
    pub(super) name: &'static str,
    pub(super) device_type: &'static str,
    pub(super) manufacturer: &'static str,
    pub(super) model: &'static str,
    pub(super) capabilities: &'static [&'static str],
}

const fn device(
    name: &'static str,
    device_type: &'static str,
    manufacturer: &'static str,
    model: &'static str,
    capabilities: &'static [&'static str],
) -> DeviceModel {
    DeviceModel {
        name,
        device_type,
        manufacturer,
        model,
        capabilities,
    }
}

/// The devices of a room, in the order in which they were bought. Names differ,
/// so that they are unique in a room that has each once.
pub(super) const DEVICES: [DeviceModel; 14] = [
    device(
        "Ceiling Light",
        "light",
        "Philips",
        "Hue White Ambiance",
        &["power", "brightness", "color_temperature"],
    ),
    device("Wall Switch", "switch", "Lutron", "Caseta PD-6WCL", &["power"]),
    device(
        "Thermostat",
        "thermostat",
        "Ecobee",
        "Smart Thermostat Premium",
        &["mode", "target_temperature"],
    ),
    device("Motion Sensor", "sensor", "Aqara", "P1", &["motion", "battery"]),
    device(
        "Floor Lamp",
        "light",
        "IKEA",
        "TRADFRI LED1836G9",
        &["power", "brightness"],
    ),
    device("Speaker", "speaker", "Sonos", "Era 100", &["power", "volume"]),
    device("Window Lock", "lock", "Yale", "Assure 2", &["locked"]),
    device(
        "Camera",
        "camera",
        "Arlo",
        "Essential Indoor",
        &["power", "recording"],
    ),
    device(
        "Smart Plug",
        "switch",
        "TP-Link",
        "Kasa HS110",
        &["power", "energy"],
    ),
    device(
        "Climate Sensor",
        "sensor",
        "Netatmo",
        "NWS01-EC",
        &["temperature", "humidity"],
    ),
    device("Blinds", "other", "Somfy", "Sunea io", &["position"]),
    device(
        "Reading Light",
        "light",
        "Nanoleaf",
        "Essentials A19",
        &["power", "brightness", "color"],
    ),
    device(
        "Leak Sensor",
        "sensor",
        "Fibaro",
        "FGFS-101",
        &["leak", "battery"],
    ),
    device(
        "Television",
        "entertainment",
        "Samsung",
        "QN90A",
        &["power", "volume", "input"],
    ),
];

/// Who lives in the house: name, email, role.
pub(super) const PEOPLE: [(&str, &str, &str); 4] = [
    ("Ana Martinez", "ana@example.org", "admin"),
    ("Luis Martinez", "luis@example.org", "member"),
    ("Sofia Martinez", "sofia@example.org", "member"),
    ("Tom Baker", "tom@example.org", "guest"),
];

/// What a device of that type is doing; `turn` varies it.
pub(super) fn state_of(device_type: &str, turn: usize) -> Value {
    let on = if turn.is_multiple_of(3) { "on" } else { "off" };
    match device_type {
        "light" => json!({"power": on, "brightness": 20 + turn * 7 % 80}),
        "switch" => json!({"power": on}),
        "thermostat" => json!({"mode": "heat", "target_temperature": 19.5, "temperature": 20.5}),
        "sensor" => json!({"active": turn.is_multiple_of(4), "battery": 100 - turn % 60}),
        "lock" => json!({"locked": !turn.is_multiple_of(5)}),
        "camera" => json!({"power": "on", "recording": false}),
        "speaker" | "entertainment" => json!({"power": on, "volume": 10 + turn % 40}),
        _ => json!({"position": turn * 10 % 100}),
    }
}
