//! The listings beside the sync: the only place that edges come down by.

use serde_json::{Value, json};

use super::fields::{bounded_list, into_object, list, optional_count};
use super::{Entity, Relationship};
use crate::model::{JsonObject, Timestamp};
use crate::protocol::decode::{message, message_within, optional_time, required_text, wrong};
use crate::protocol::{MAX_LISTING_BYTES, ProtocolError};

/// Something with the times that listings add to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed<T> {
    /// The thing itself.
    pub item: T,
    /// When it came to the server.
    pub created_at: Option<Timestamp>,
    /// When the server last touched it.
    pub updated_at: Option<Timestamp>,
}

impl<T> Listed<T> {
    fn decode(
        value: Value,
        decode: impl Fn(Value) -> Result<T, ProtocolError>,
    ) -> Result<Self, ProtocolError> {
        let mut object = into_object(value)?;
        let created_at = optional_time(&mut object, "created_at")?;
        let updated_at = optional_time(&mut object, "updated_at")?;
        Ok(Self {
            item: decode(Value::Object(object))?,
            created_at,
            updated_at,
        })
    }

    fn encode(&self, mut object: JsonObject) -> Value {
        let text = |time: Option<Timestamp>| time.map_or(Value::Null, |time| time.to_string().into());
        object.insert("created_at".into(), text(self.created_at));
        object.insert("updated_at".into(), text(self.updated_at));
        Value::Object(object)
    }
}

impl Listed<Entity> {
    /// Reads an entity of a listing.
    pub fn decode_entity(value: Value) -> Result<Self, ProtocolError> {
        Self::decode(value, Entity::decode)
    }

    /// Writes it. Listings don't tell checksums.
    pub fn encode_entity(&self) -> Value {
        let mut object = self.item.encode();
        object.remove("checksum");
        self.encode(object)
    }
}

impl Listed<Relationship> {
    /// Reads an edge of a listing.
    pub fn decode_edge(value: Value) -> Result<Self, ProtocolError> {
        Self::decode(value, Relationship::decode)
    }

    /// Writes it.
    pub fn encode_edge(&self) -> Value {
        self.encode(self.item.encode())
    }
}

fn entities(items: &[Listed<Entity>]) -> Vec<Value> {
    items.iter().map(Listed::encode_entity).collect()
}

fn edges(items: &[Listed<Relationship>]) -> Vec<Value> {
    items.iter().map(Listed::encode_edge).collect()
}

/// A page of entities.
#[derive(Debug, Clone, PartialEq)]
pub struct EntityListing {
    /// Their current versions, tombstones included.
    pub entities: Vec<Listed<Entity>>,
    /// How many there are in all.
    pub total: u64,
    /// How many were asked for.
    pub limit: u64,
    /// How many were passed over.
    pub offset: u64,
}

impl EntityListing {
    /// Reads the message.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let mut object = message(bytes)?;
        require(&object, "entities")?;
        let mut count = |field| optional_count(&mut object, field).map(Option::unwrap_or_default);
        let (total, limit, offset) = (count("total")?, count("limit")?, count("offset")?);
        Ok(Self {
            entities: bounded_list(&mut object, "entities", Listed::decode_entity)?,
            total,
            limit,
            offset,
        })
    }

    /// Writes the message.
    pub fn encode(&self) -> Value {
        json!({
            "entities": entities(&self.entities),
            "total": self.total,
            "limit": self.limit,
            "offset": self.offset,
        })
    }
}

/// One entity with its edges.
#[derive(Debug, Clone, PartialEq)]
pub struct EntityAnswer {
    /// The version asked for, or the current one.
    pub entity: Listed<Entity>,
    /// Edges that start here.
    pub outgoing: Vec<Listed<Relationship>>,
    /// Edges that lead here.
    pub incoming: Vec<Listed<Relationship>>,
}

impl EntityAnswer {
    /// Reads the message. The answer to a new entity has no edges.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let mut object = message(bytes)?;
        let entity = object
            .remove("entity")
            .ok_or_else(|| wrong("entity", "an object", None))?;
        let mut around = match object.remove("relationships") {
            None | Some(Value::Null) => JsonObject::new(),
            Some(around) => into_object(around).map_err(|error| error.within("relationships"))?,
        };
        let mut edges = |field| {
            list(&mut around, field, Listed::decode_edge).map_err(|error| error.within("relationships"))
        };
        Ok(Self {
            entity: Listed::decode_entity(entity).map_err(|error| error.within("entity"))?,
            outgoing: edges("outgoing")?,
            incoming: edges("incoming")?,
        })
    }

    /// Writes the message.
    pub fn encode(&self) -> Value {
        json!({
            "entity": self.entity.encode_entity(),
            "relationships": {"outgoing": edges(&self.outgoing), "incoming": edges(&self.incoming)},
        })
    }
}

/// Every version of an entity, in the order in which they came.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionListing {
    /// Which entity.
    pub entity_id: String,
    /// Its versions, losers included.
    pub versions: Vec<Listed<Entity>>,
}

impl VersionListing {
    /// Reads the message. There may be any number of versions.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let mut object = message_within(bytes, MAX_LISTING_BYTES)?;
        require(&object, "versions")?;
        Ok(Self {
            entity_id: required_text(&mut object, "entity_id")?,
            versions: list(&mut object, "versions", Listed::decode_entity)?,
        })
    }

    /// Writes the message.
    pub fn encode(&self) -> Value {
        json!({
            "entity_id": self.entity_id,
            "versions": entities(&self.versions),
            "count": self.versions.len(),
        })
    }
}

/// All edges.
#[derive(Debug, Clone, PartialEq)]
pub struct RelationshipListing {
    /// The edges, deleted ones too.
    pub relationships: Vec<Listed<Relationship>>,
}

impl RelationshipListing {
    /// Reads the message. It may be larger than others, and hold any number of edges.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let mut object = message_within(bytes, MAX_LISTING_BYTES)?;
        require(&object, "relationships")?;
        Ok(Self {
            relationships: list(&mut object, "relationships", Listed::decode_edge)?,
        })
    }

    /// Writes the message.
    pub fn encode(&self) -> Value {
        json!({"relationships": edges(&self.relationships), "count": self.relationships.len()})
    }
}

/// A listing without its list is no listing, not an empty one.
fn require(object: &JsonObject, field: &'static str) -> Result<(), ProtocolError> {
    match object.get(field) {
        Some(Value::Array(_)) => Ok(()),
        other => Err(wrong(field, "an array", other)),
    }
}
