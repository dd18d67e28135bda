//! Arguments of a call, from JSON to the API's types. What a call does not take is an
//! error of the scenario.

use std::time::Duration;

use wildthing::client::{
    ConnectOptions, DevicePatch, DeviceType, EdgeDirection, EntityPatch, HousePatch, NewDevice, NewEntity,
    NewEvent, NewHouse, NewRoom, NewUser, Protocol, RelationshipFilter, RoomPatch, UserPatch, UserRole,
    WildThingError,
};
use wildthing::model::{Json, JsonObject, Kind, RecordId};

/// Why a call could not be made, or what it failed with.
#[derive(Debug)]
pub(crate) enum Problem {
    /// The scenario asks for what there is not.
    Scenario(String),
    /// The API says no.
    Api(WildThingError),
}

impl From<WildThingError> for Problem {
    fn from(error: WildThingError) -> Self {
        Problem::Api(error)
    }
}

/// A value that an argument can be read as.
pub(crate) trait Read: Sized {
    /// `None` if it is something else.
    fn read(value: Json) -> Result<Option<Self>, Problem>;
}

/// The arguments that were not taken yet.
pub(crate) struct Arguments(pub(crate) JsonObject);

impl Arguments {
    /// One that may be left out.
    pub(crate) fn may<T: Read>(&mut self, name: &str) -> Result<Option<T>, Problem> {
        match self.0.remove(name) {
            None | Some(Json::Null) => Ok(None),
            Some(value) => {
                let shown = value.to_string();
                let wrong = || Problem::Scenario(format!("{name}: can't use {shown}"));
                T::read(value)?.ok_or_else(wrong).map(Some)
            }
        }
    }

    /// One that is needed.
    pub(crate) fn need<T: Read>(&mut self, name: &str) -> Result<T, Problem> {
        let found = self.may(name)?;
        found.ok_or_else(|| Problem::Scenario(format!("the argument {name:?} is missing")))
    }

    /// Nothing may be left.
    pub(crate) fn end(&self) -> Result<(), Problem> {
        match self.0.keys().next() {
            Some(name) => Err(Problem::Scenario(format!("there is no argument {name:?}"))),
            None => Ok(()),
        }
    }
}

macro_rules! read {
    ($($name:ty: $value:ident => $read:expr;)*) => { $(
        impl Read for $name {
            fn read($value: Json) -> Result<Option<Self>, Problem> {
                Ok($read)
            }
        }
    )* };
}

read! {
    String: value => value.as_str().map(str::to_owned);
    bool: value => value.as_bool();
    i64: value => value.as_i64();
    u32: value => value.as_u64().and_then(|number| u32::try_from(number).ok());
    f64: value => value.as_f64();
    Json: value => Some(value);
    JsonObject: value => match value { Json::Object(fields) => Some(fields), _ => None };
    Duration: value => value.as_u64().map(Duration::from_millis);
    Kind: value => value.as_str().map(Kind::parse);
    DeviceType: value => value.as_str().map(DeviceType::parse);
    UserRole: value => value.as_str().map(UserRole::parse);
    Protocol: value => value.as_str().and_then(Protocol::parse);
    EdgeDirection: value => match value.as_str() {
        Some("outgoing") => Some(EdgeDirection::Outgoing),
        Some("incoming") => Some(EdgeDirection::Incoming),
        _ => None,
    };
    Vec<String>: value => value.as_array().and_then(|items| {
        items.iter().map(|item| item.as_str().map(str::to_owned)).collect()
    });
}

impl Read for RecordId {
    /// An id that is none is refused as other languages are refused it.
    fn read(value: Json) -> Result<Option<Self>, Problem> {
        let Some(text) = value.as_str() else {
            return Ok(None);
        };
        RecordId::new(text).map(Some).map_err(|error| {
            Problem::Api(WildThingError::Invalid {
                field: "id".to_owned(),
                problem: error.to_string(),
            })
        })
    }
}

/// A record that a call takes, every field by its name.
macro_rules! record {
    ($name:ident { $($needed:ident)* } { $($field:ident)* } $(, $rest:ident)?) => {
        impl Read for $name {
            fn read(value: Json) -> Result<Option<Self>, Problem> {
                let Json::Object(fields) = value else { return Ok(None) };
                let mut fields = Arguments(fields);
                let record = $name {
                    $($needed: fields.need(stringify!($needed))?,)*
                    $($field: fields.may(stringify!($field))?,)*
                    $($rest: fields.may(stringify!($rest))?.unwrap_or_default(),)?
                };
                fields.end()?;
                Ok(Some(record))
            }
        }
    };
}

record! { NewHouse { name } { address latitude longitude timezone settings } }
record! { HousePatch { } { name address latitude longitude timezone settings extra }, clear }
record! { NewRoom { house_id name } { floor room_type settings } }
record! { RoomPatch { } { house_id name floor room_type settings extra }, clear }
record! { NewDevice { room_id name } { device_type manufacturer model capabilities configuration ip_address mac_address } }
record! { DevicePatch { } { room_id name device_type manufacturer model capabilities configuration ip_address mac_address extra }, clear }
record! { NewUser { house_id name } { email role preferences } }
record! { UserPatch { } { house_id name email role preferences extra }, clear }
record! { NewEvent { event_type entity_type entity_id } { description data source user_id } }
record! { NewEntity { entity_type name } { content source_type } }
record! { EntityPatch { } { name content source_type }, replace }
record! { RelationshipFilter { } { from_id to_id entity_id relationship_type } }

impl Read for ConnectOptions {
    fn read(value: Json) -> Result<Option<Self>, Problem> {
        let Json::Object(fields) = value else {
            return Ok(None);
        };
        let mut fields = Arguments(fields);
        let options = ConnectOptions {
            client_id: fields.may("client_id")?,
            rebind: fields.may("rebind")?.unwrap_or_default(),
            protocol: fields.may("protocol")?,
            ..ConnectOptions::default()
        };
        fields.end()?;
        Ok(Some(options))
    }
}
