//! From a stored record to the type of its kind. What is derived (a device's
//! state, whether a container is here, an edit that lost) is found by `read`.

use serde_json::Value;

use super::patch::graph_names;
use super::present;
use super::records::{Device, DeviceType, Event, Freshness, House, Room, User, UserRole};
use crate::model::{Json, JsonObject, Kind, Record, RecordId, RecordStatus};
use crate::store::journal::OpenLoss;

/// What is known of a record beside what it says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standing {
    /// The newest edit made here that lost to this record.
    pub(super) lost: Option<OpenLoss>,
    /// The container, if it is here.
    pub(super) parent: Option<RecordId>,
    /// What a device is doing.
    pub(super) state: JsonObject,
}

/// A record that has a type of its own.
pub(super) trait Typed: Sized + Send + 'static {
    /// Its kind.
    const KIND: Kind;
    /// Makes one.
    fn new(record: Record, standing: Standing) -> Self;
}

/// Where a record stands with the server.
pub(super) fn freshness(record: &Record, lost: Option<OpenLoss>) -> Freshness {
    let since = record.version.updated_at;
    match record.sync_status {
        RecordStatus::Pending => Freshness::Pending {
            since,
            contested: false,
        },
        RecordStatus::Conflict => Freshness::Pending {
            since,
            contested: true,
        },
        RecordStatus::Error => Freshness::Failed {
            since,
            reason: record.sync_error.clone().unwrap_or_default(),
        },
        RecordStatus::Synced => match lost {
            Some(loss) => Freshness::Superseded {
                as_of: record.last_sync_at,
                conflict_id: loss.entry,
                reason: loss.reason,
            },
            None => Freshness::Synced {
                as_of: record.last_sync_at,
            },
        },
    }
}

/// Takes a record's fields out one by one; one of another type than expected
/// stays, so that it is shown among the rest.
struct Fields(JsonObject);

impl Fields {
    fn of(record: &Record) -> Self {
        Self(present::body(&record.version))
    }

    fn take<T>(&mut self, field: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
        let found = self.0.get(field)?;
        let value = read(found);
        if value.is_some() || found.is_null() {
            self.0.remove(field);
        }
        value
    }

    fn text(&mut self, field: &str) -> Option<String> {
        self.take(field, |value| value.as_str().map(str::to_owned))
    }

    /// A text that goes by several names in a graph; the first that is there counts.
    fn text_named(&mut self, kind: &Kind, field: &str) -> Option<String> {
        let names = graph_names(kind, field);
        names.iter().find_map(|name| self.text(name))
    }

    fn integer(&mut self, field: &str) -> Option<i64> {
        self.take(field, Value::as_i64)
    }

    fn number(&mut self, field: &str) -> Option<f64> {
        self.take(field, |value| value.as_f64().filter(|number| number.is_finite()))
    }

    fn json(&mut self, field: &str) -> Option<Json> {
        self.0.remove(field).filter(|value| !value.is_null())
    }

    fn rest(self) -> JsonObject {
        self.0
    }
}

/// How a text of a record is read: in a graph it may go by another name.
fn text_of(record: &Record) -> impl Fn(&mut Fields, &str) -> Option<String> + use<> {
    let entity = record.version.content().map(|_| record.version.key.kind.clone());
    move |fields, field| match &entity {
        Some(kind) => fields.text_named(kind, field),
        None => fields.text(field),
    }
}

impl Typed for House {
    const KIND: Kind = Kind::House;

    fn new(record: Record, standing: Standing) -> Self {
        let mut fields = Fields::of(&record);
        let freshness = freshness(&record, standing.lost);
        Self {
            id: record.version.key.id,
            name: record.version.name.unwrap_or_default(),
            address: fields.text("address"),
            latitude: fields.number("latitude"),
            longitude: fields.number("longitude"),
            timezone: fields.text("timezone"),
            settings: fields.json("settings"),
            created_at: record.version.created_at,
            updated_at: record.version.updated_at,
            sync_id: record.version.sync_id,
            sync_status: record.sync_status,
            freshness,
            extra: fields.rest(),
        }
    }
}

impl Typed for Room {
    const KIND: Kind = Kind::Room;

    fn new(record: Record, standing: Standing) -> Self {
        let mut fields = Fields::of(&record);
        let text = text_of(&record);
        let freshness = freshness(&record, standing.lost);
        Self {
            id: record.version.key.id,
            unplaced: standing.parent.is_none(),
            house_id: standing.parent,
            name: record.version.name.unwrap_or_default(),
            floor: fields.integer("floor"),
            room_type: text(&mut fields, "room_type"),
            temperature: fields.number("temperature"),
            humidity: fields.number("humidity"),
            settings: fields.json("settings"),
            created_at: record.version.created_at,
            updated_at: record.version.updated_at,
            sync_id: record.version.sync_id,
            sync_status: record.sync_status,
            freshness,
            extra: fields.rest(),
        }
    }
}

impl Typed for Device {
    const KIND: Kind = Kind::Device;

    fn new(record: Record, standing: Standing) -> Self {
        let mut fields = Fields::of(&record);
        let text = text_of(&record);
        let freshness = freshness(&record, standing.lost);
        // What it says of its state is derived; the state itself is asked for.
        fields.json("state");
        Self {
            id: record.version.key.id,
            unplaced: standing.parent.is_none(),
            room_id: standing.parent,
            name: record.version.name.unwrap_or_default(),
            device_type: text(&mut fields, "device_type")
                .map_or(DeviceType::Other, |word| DeviceType::parse(&word)),
            manufacturer: fields.text("manufacturer"),
            model: fields.text("model"),
            capabilities: fields.json("capabilities"),
            configuration: fields.json("configuration"),
            ip_address: text(&mut fields, "ip_address"),
            mac_address: fields.text("mac_address"),
            state: standing.state,
            created_at: record.version.created_at,
            updated_at: record.version.updated_at,
            sync_id: record.version.sync_id,
            sync_status: record.sync_status,
            freshness,
            extra: fields.rest(),
        }
    }
}

impl Typed for User {
    const KIND: Kind = Kind::User;

    fn new(record: Record, standing: Standing) -> Self {
        let mut fields = Fields::of(&record);
        let freshness = freshness(&record, standing.lost);
        Self {
            id: record.version.key.id,
            unplaced: standing.parent.is_none(),
            house_id: standing.parent,
            name: record.version.name.unwrap_or_default(),
            email: fields.text("email"),
            role: fields.text("role").map(|word| UserRole::parse(&word)),
            preferences: fields.json("preferences"),
            created_at: record.version.created_at,
            updated_at: record.version.updated_at,
            sync_id: record.version.sync_id,
            sync_status: record.sync_status,
            freshness,
            extra: fields.rest(),
        }
    }
}

impl Typed for Event {
    const KIND: Kind = Kind::Event;

    fn new(record: Record, standing: Standing) -> Self {
        let mut fields = Fields::of(&record);
        let freshness = freshness(&record, standing.lost);
        Self {
            id: record.version.key.id,
            event_type: fields.text("event_type").unwrap_or_default(),
            entity_type: Kind::parse(&fields.text("entity_type").unwrap_or_default()),
            entity_id: record.version.parent_id,
            description: fields.text("description"),
            data: fields.json("data"),
            source: fields.text("source"),
            user_id: fields.text("user_id"),
            created_at: record.version.created_at,
            updated_at: record.version.updated_at,
            sync_id: record.version.sync_id,
            sync_status: record.sync_status,
            freshness,
            extra: fields.rest(),
        }
    }
}
