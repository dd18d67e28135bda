//! The message of a sync and its answer: changes both ways in one exchange.
//!
//! What a server makes of the request is the server's to say; here are the
//! shapes, and what of them can't be done without.

use serde_json::{Value, json};

use super::fields::{bounded_list, into_object, list, optional_count, optional_object, texts};
use super::{Entity, PROTOCOL_VERSION, Relationship, wire_time};
use crate::model::{JsonObject, Timestamp};
use crate::protocol::decode::{message, message_within, optional_text, optional_time, required_text, wrong};
use crate::protocol::{MAX_LISTING_BYTES, ProtocolError};

/// How much is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncType {
    /// Everything, but never more than one page: cursor and `since` are ignored.
    Full,
    /// What arrived after the cursor or, without one, after `since`.
    Delta,
    /// Seen to be answered like a full one.
    Entities,
    /// Seen to be answered like a full one; relationships come with neither.
    Relationships,
}

impl SyncType {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            SyncType::Full => "full",
            SyncType::Delta => "delta",
            SyncType::Entities => "entities",
            SyncType::Relationships => "relationships",
        }
    }

    fn take(object: &mut JsonObject) -> Result<Self, ProtocolError> {
        let word = required_text(object, "sync_type")?;
        [Self::Full, Self::Delta, Self::Entities, Self::Relationships]
            .into_iter()
            .find(|sync_type| sync_type.as_str() == word)
            .ok_or_else(|| {
                wrong(
                    "sync_type",
                    "full, delta, entities or relationships",
                    Some(&word.into()),
                )
            })
    }
}

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeType {
    /// The entity is new.
    Create,
    /// The entity was there before; servers send every live entity as this.
    Update,
    /// The version is a tombstone.
    Delete,
}

impl ChangeType {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ChangeType::Create => "create",
            ChangeType::Update => "update",
            ChangeType::Delete => "delete",
        }
    }
}

/// An entity version with the edges that travel with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Create, update or delete. It speaks of the entity: edges are stored
    /// whatever it says.
    pub change_type: ChangeType,
    /// The version; none if only edges are sent.
    pub entity: Option<Entity>,
    /// Edges. Servers take them and never send them.
    pub relationships: Vec<Relationship>,
}

impl Change {
    /// Reads a change.
    pub fn decode(value: Value) -> Result<Self, ProtocolError> {
        let mut object = into_object(value)?;
        let word = required_text(&mut object, "change_type")?;
        let change_type = [ChangeType::Create, ChangeType::Update, ChangeType::Delete]
            .into_iter()
            .find(|change_type| change_type.as_str() == word)
            .ok_or_else(|| wrong("change_type", "create, update or delete", Some(&word.into())))?;
        let entity = match object.remove("entity") {
            None | Some(Value::Null) => None,
            Some(entity) => Some(Entity::decode(entity).map_err(|error| error.within("entity"))?),
        };
        Ok(Self {
            change_type,
            entity,
            relationships: list(&mut object, "relationships", Relationship::decode)?,
        })
    }

    /// Writes the change.
    pub fn encode(&self) -> Value {
        json!({
            "change_type": self.change_type.as_str(),
            "entity": self.entity.as_ref().map(Entity::encode),
            "relationships": self.relationships.iter().map(Relationship::encode).collect::<Vec<_>>(),
        })
    }
}

/// What of the answer is wanted. Empty lists mean everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filters {
    /// Only these entity types.
    pub entity_types: Vec<String>,
    /// Only what arrived at the server after this.
    pub since: Option<Timestamp>,
    /// Only versions by these users.
    pub modified_by: Vec<String>,
}

impl Filters {
    fn decode(mut object: JsonObject) -> Result<Self, ProtocolError> {
        Ok(Self {
            entity_types: texts(&mut object, "entity_types")?,
            since: optional_time(&mut object, "since")?,
            modified_by: texts(&mut object, "modified_by")?,
        })
    }

    fn encode(&self) -> Value {
        let mut object = JsonObject::new();
        if !self.entity_types.is_empty() {
            object.insert("entity_types".into(), self.entity_types.clone().into());
        }
        if let Some(since) = self.since {
            object.insert("since".into(), wire_time(since).into());
        }
        if !self.modified_by.is_empty() {
            object.insert("modified_by".into(), self.modified_by.clone().into());
        }
        Value::Object(object)
    }
}

/// Sends changes and asks for what changed.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncRequest {
    /// The sender's protocol; absent counts as ours.
    pub protocol_version: String,
    /// Which replica asks.
    pub device_id: String,
    /// Who asks.
    pub user_id: String,
    /// How much is asked for.
    pub sync_type: SyncType,
    /// What the sender changed.
    pub changes: Vec<Change>,
    /// What of the answer is wanted.
    pub filters: Filters,
    /// Where the last page ended; an empty one counts as none.
    pub cursor: Option<String>,
    /// Sent back as it came; nothing is decided by it.
    pub vector_clock: JsonObject,
}

impl SyncRequest {
    /// Reads the message, as a hub does.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let mut object = message(bytes)?;
        Ok(Self {
            protocol_version: optional_text(&mut object, "protocol_version")?
                .unwrap_or_else(|| PROTOCOL_VERSION.to_owned()),
            device_id: required_text(&mut object, "device_id")?,
            user_id: required_text(&mut object, "user_id")?,
            sync_type: SyncType::take(&mut object)?,
            changes: bounded_list(&mut object, "changes", Change::decode)?,
            filters: match optional_object(&mut object, "filters")? {
                Some(filters) => Filters::decode(filters).map_err(|error| error.within("filters"))?,
                None => Filters::default(),
            },
            cursor: optional_text(&mut object, "cursor")?.filter(|cursor| !cursor.is_empty()),
            vector_clock: optional_object(&mut object, "vector_clock")?.unwrap_or_else(empty_clock),
        })
    }

    /// Writes the message.
    pub fn encode(&self) -> Value {
        let mut object = json!({
            "protocol_version": self.protocol_version,
            "device_id": self.device_id,
            "user_id": self.user_id,
            "sync_type": self.sync_type.as_str(),
            "changes": self.changes.iter().map(Change::encode).collect::<Vec<_>>(),
            "cursor": self.cursor,
            "vector_clock": self.vector_clock,
        });
        if self.filters != Filters::default() {
            object["filters"] = self.filters.encode();
        }
        object
    }
}

impl SyncRequest {
    /// A vector clock that says nothing.
    pub fn empty_clock() -> JsonObject {
        empty_clock()
    }
}

/// A vector clock that says nothing: `{"clocks": {}}`.
fn empty_clock() -> JsonObject {
    let mut clock = JsonObject::new();
    clock.insert("clocks".into(), Value::Object(JsonObject::new()));
    clock
}

/// Why the server kept one of two versions, in the words it uses. "Local" is
/// the server's own version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strategy {
    /// The server's version arrived later than the pushed one was made.
    LocalNewer,
    /// The pushed version was made later than the server's arrived.
    RemoteNewer,
    /// Within a second; the server's version string is greater.
    LocalGreater,
    /// Within a second; the pushed version string is greater.
    RemoteGreater,
    /// Words of another server.
    Other(String),
}

impl Strategy {
    /// The words on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Strategy::LocalNewer => "local has newer timestamp",
            Strategy::RemoteNewer => "remote has newer timestamp",
            Strategy::LocalGreater => "timestamps within 1s, local has greater version",
            Strategy::RemoteGreater => "timestamps within 1s, remote has greater version",
            Strategy::Other(words) => words,
        }
    }

    /// Reads the words; unknown ones are kept.
    pub fn parse(words: &str) -> Self {
        [
            Self::LocalNewer,
            Self::RemoteNewer,
            Self::LocalGreater,
            Self::RemoteGreater,
        ]
        .into_iter()
        .find(|strategy| strategy.as_str() == words)
        .unwrap_or_else(|| Self::Other(words.to_owned()))
    }
}

/// Two concurrent versions that met at the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Which entity.
    pub entity_id: String,
    /// The server's version before the decision.
    pub local_version: String,
    /// The pushed version.
    pub remote_version: String,
    /// Why one of them stays.
    pub resolution_strategy: Strategy,
    /// The one that stays.
    pub resolved_version: String,
}

impl Conflict {
    fn decode(value: Value) -> Result<Self, ProtocolError> {
        let mut object = into_object(value)?;
        Ok(Self {
            entity_id: required_text(&mut object, "entity_id")?,
            local_version: required_text(&mut object, "local_version")?,
            remote_version: required_text(&mut object, "remote_version")?,
            resolution_strategy: Strategy::parse(
                &optional_text(&mut object, "resolution_strategy")?.unwrap_or_default(),
            ),
            resolved_version: required_text(&mut object, "resolved_version")?,
        })
    }

    fn encode(&self) -> Value {
        json!({
            "entity_id": self.entity_id,
            "local_version": self.local_version,
            "remote_version": self.remote_version,
            "resolution_strategy": self.resolution_strategy.as_str(),
            "resolved_version": self.resolved_version,
        })
    }
}

/// What a server counted while it answered.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SyncStats {
    /// Pushed entities that were acknowledged.
    pub entities_synced: u64,
    /// Pushed edges that were acknowledged.
    pub relationships_synced: u64,
    /// Conflicts that were decided.
    pub conflicts_resolved: u64,
    /// How long it took.
    pub duration_ms: f64,
}

impl SyncStats {
    fn decode(mut object: JsonObject) -> Result<Self, ProtocolError> {
        let mut count = |field| optional_count(&mut object, field).map(Option::unwrap_or_default);
        let (entities_synced, relationships_synced, conflicts_resolved) = (
            count("entities_synced")?,
            count("relationships_synced")?,
            count("conflicts_resolved")?,
        );
        Ok(Self {
            entities_synced,
            relationships_synced,
            conflicts_resolved,
            duration_ms: object
                .get("duration_ms")
                .and_then(Value::as_f64)
                .unwrap_or_default(),
        })
    }

    fn encode(self) -> Value {
        json!({
            "entities_synced": self.entities_synced,
            "relationships_synced": self.relationships_synced,
            "conflicts_resolved": self.conflicts_resolved,
            "duration_ms": self.duration_ms,
        })
    }
}

/// The answer to a sync.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncResponse {
    /// As it was asked for.
    pub sync_type: SyncType,
    /// A page of versions, in the order in which they came to the server.
    pub changes: Vec<Change>,
    /// Conflicts that pushed changes met.
    pub conflicts: Vec<Conflict>,
    /// Ids of pushed entities that reached a final state: taken, known, or lost.
    pub applied: Vec<String>,
    /// Ids of pushed edges that were stored.
    pub applied_relationships: Vec<String>,
    /// The server's time of this answer.
    pub server_time: Timestamp,
    /// Where the next page begins; none with the last.
    pub cursor: Option<String>,
    /// Digest of all entities; see [`super::EntityDigest`].
    pub state_digest: Option<String>,
    /// What was counted.
    pub sync_stats: SyncStats,
    /// As it was sent.
    pub vector_clock: JsonObject,
}

impl SyncResponse {
    /// Reads the message. One bad change refuses the page: it is applied whole or not
    /// at all. It may be larger than others: how many entities are on it is fixed, how
    /// large they are is not.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let mut object = message_within(bytes, MAX_LISTING_BYTES)?;
        match optional_text(&mut object, "protocol_version")? {
            Some(found) if found != PROTOCOL_VERSION => {
                return Err(wrong("protocol_version", PROTOCOL_VERSION, Some(&found.into())));
            }
            _ => {}
        }
        if !object.contains_key("changes") {
            return Err(wrong("changes", "an array", None));
        }
        Ok(Self {
            sync_type: SyncType::take(&mut object)?,
            changes: bounded_list(&mut object, "changes", Change::decode)?,
            conflicts: list(&mut object, "conflicts", Conflict::decode)?,
            applied: texts(&mut object, "applied")?,
            applied_relationships: texts(&mut object, "applied_relationships")?,
            server_time: optional_time(&mut object, "server_time")?
                .ok_or_else(|| wrong("server_time", "a time", None))?,
            cursor: optional_text(&mut object, "cursor")?.filter(|cursor| !cursor.is_empty()),
            state_digest: optional_text(&mut object, "state_digest")?,
            sync_stats: match optional_object(&mut object, "sync_stats")? {
                Some(stats) => SyncStats::decode(stats).map_err(|error| error.within("sync_stats"))?,
                None => SyncStats::default(),
            },
            vector_clock: optional_object(&mut object, "vector_clock")?.unwrap_or_else(empty_clock),
        })
    }

    /// Writes the message.
    pub fn encode(&self) -> Value {
        json!({
            "protocol_version": PROTOCOL_VERSION,
            "sync_type": self.sync_type.as_str(),
            "changes": self.changes.iter().map(Change::encode).collect::<Vec<_>>(),
            "conflicts": self.conflicts.iter().map(Conflict::encode).collect::<Vec<_>>(),
            "vector_clock": self.vector_clock,
            "cursor": self.cursor,
            "state_digest": self.state_digest,
            "sync_stats": self.sync_stats.encode(),
            "server_time": wire_time(self.server_time),
            "applied": self.applied,
            "applied_relationships": self.applied_relationships,
        })
    }
}
