//! The five messages and their answers.

use serde_json::{Value, json};

use super::change::{
    Operation, WireChange, decode_bases, decode_data, decode_head, encode_data, encode_head, into_object,
};
use crate::model::{JsonObject, Key, Kind, Timestamp, Version};
use crate::protocol::decode::{
    message, optional_array, optional_bool, optional_text, optional_time, required_text, wrong,
};
use crate::protocol::{MAX_PAGE_CHANGES, ProtocolError};

/// Step 1: ask for what changed.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncRequest {
    /// Who asks.
    pub client_id: String,
    /// The `server_time` of the last delta applied whole; `None` for everything.
    pub last_sync: Option<Timestamp>,
    /// The kinds wanted.
    pub kinds: Vec<Kind>,
    /// Whether tombstones are wanted.
    pub include_deleted: bool,
    /// Our hub: whether the answer is to carry `state_digest`, which costs a hub
    /// a look at every record. Only a no is on the wire, and only a hub that has
    /// named itself is to be told it: others need not know the field.
    pub state_digest: bool,
}

impl SyncRequest {
    /// Writes the message.
    pub fn encode(&self) -> Value {
        let mut message = json!({
            "type": "sync_request",
            "client_id": self.client_id,
            "last_sync": self.last_sync.map(|time| time.to_string()),
            "entity_types": self.kinds.iter().map(Kind::plural).collect::<Vec<_>>(),
            "include_deleted": self.include_deleted,
        });
        if !self.state_digest {
            message["state_digest"] = false.into();
        }
        message
    }

    /// Reads the message, as a hub does.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let mut object = message(bytes)?;
        let kinds = match object.remove("entity_types") {
            None | Some(Value::Null) => Kind::V1.to_vec(),
            Some(Value::Array(names)) => names
                .iter()
                .map(|name| {
                    name.as_str()
                        .map(Kind::from_plural)
                        .ok_or_else(|| wrong("entity_types", "an array of texts", Some(name)))
                })
                .collect::<Result<_, _>>()?,
            Some(other) => return Err(wrong("entity_types", "an array of texts", Some(&other))),
        };
        Ok(Self {
            client_id: required_text(&mut object, "client_id")?,
            last_sync: optional_time(&mut object, "last_sync")?,
            kinds,
            include_deleted: match object.get("include_deleted") {
                None | Some(Value::Null) => true,
                Some(_) => optional_bool(&mut object, "include_deleted")?,
            },
            state_digest: match object.get("state_digest") {
                None | Some(Value::Null) => true,
                Some(_) => optional_bool(&mut object, "state_digest")?,
            },
        })
    }
}

/// Step 2: what changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Delta {
    /// The watermark to keep once this page is applied.
    pub server_time: Timestamp,
    /// The versions, in order of arrival.
    pub changes: Vec<WireChange>,
    /// Conflicts that edits of the asking client lost after they had been
    /// applied (our hub); other servers leave it empty.
    pub conflicts: Vec<Conflict>,
    /// Whether more pages follow.
    pub more: bool,
    /// Our hub: which hub this is.
    pub hub_id: Option<String>,
    /// Our hub: which life of its database this is.
    pub epoch: Option<String>,
    /// Our hub: digest of the requested kinds at `server_time`.
    pub state_digest: Option<String>,
}

impl Delta {
    /// Reads the message. One bad change refuses the page: it is applied whole or not at all.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let mut object = message(bytes)?;
        expect_type(&mut object, "sync_delta")?;
        let changes = match object.remove("changes") {
            Some(Value::Array(items)) => items,
            other => return Err(wrong("changes", "an array", other.as_ref())),
        };
        check_count(&changes)?;
        let server_time =
            optional_time(&mut object, "server_time")?.ok_or_else(|| wrong("server_time", "a time", None))?;
        Ok(Self {
            server_time,
            changes: decode_list(changes, "changes", WireChange::decode)?,
            conflicts: decode_conflicts(&mut object)?,
            more: optional_bool(&mut object, "more")?,
            hub_id: optional_text(&mut object, "hub_id")?,
            epoch: optional_text(&mut object, "epoch")?,
            state_digest: optional_text(&mut object, "state_digest")?,
        })
    }

    /// Writes the message.
    pub fn encode(&self) -> Value {
        json!({
            "type": "sync_delta",
            "server_time": self.server_time.to_string(),
            "changes": self.changes.iter().map(WireChange::encode).collect::<Vec<_>>(),
            "conflicts": self.conflicts.iter().map(Conflict::encode).collect::<Vec<_>>(),
            "more": self.more,
            "hub_id": self.hub_id,
            "epoch": self.epoch,
            "state_digest": self.state_digest,
        })
    }
}

/// One change of a push.
#[derive(Debug, Clone, PartialEq)]
pub struct PushChange {
    /// The edit.
    pub version: Version,
    /// Create, update or delete.
    pub operation: Operation,
    /// Names this edit's entry in the answer.
    pub client_sync_id: String,
    /// The server version the edit was made on and every attempted predecessor.
    pub bases: Vec<String>,
}

impl PushChange {
    /// Writes the change.
    pub fn encode(&self) -> Value {
        let mut object = encode_head(&self.version.key, self.operation);
        object.insert("data".into(), Value::Object(encode_data(&self.version)));
        object.insert("client_sync_id".into(), self.client_sync_id.clone().into());
        object.insert("bases".into(), self.bases.clone().into());
        Value::Object(object)
    }

    /// Reads a change, as a hub does. A change that can't be read names itself
    /// by the `client_sync_id` it came with, where that much was readable.
    pub fn decode(value: Value) -> Result<Self, (Option<String>, ProtocolError)> {
        let client_sync_id = value
            .get("client_sync_id")
            .and_then(Value::as_str)
            .map(str::to_owned);
        Self::decode_parts(value, client_sync_id.clone()).map_err(|error| (client_sync_id, error))
    }

    fn decode_parts(value: Value, client_sync_id: Option<String>) -> Result<Self, ProtocolError> {
        let mut object = into_object(value, "")?;
        let (key, operation) = decode_head(&mut object)?;
        let bases = decode_bases(&mut object)?;
        let data = into_object(object.remove("data").unwrap_or(Value::Null), "data")?;
        if let Some(inner) = data.get("id").filter(|id| !id.is_null()) {
            let inner = crate::protocol::decode::id_value(Some(inner), "data.id")?;
            if inner != key.id {
                return Err(wrong("data.id", "the same id as entity_id", data.get("id")));
            }
        }
        let mut version = decode_data(key, data).map_err(|error| error.within("data"))?;
        version.deleted |= operation == Operation::Delete;
        if version.sync_id.is_empty() {
            return Err(wrong("data.sync_id", "the id of the edit", None));
        }
        Ok(Self {
            version,
            operation,
            client_sync_id: client_sync_id.unwrap_or_default(),
            bases,
        })
    }
}

/// Step 3: send local edits.
#[derive(Debug, Clone, PartialEq)]
pub struct PushRequest {
    /// Who sends.
    pub client_id: String,
    /// The edits, containers before contents.
    pub changes: Vec<PushChange>,
}

impl PushRequest {
    /// Writes the message.
    pub fn encode(&self) -> Value {
        json!({
            "type": "sync_push",
            "client_id": self.client_id,
            "changes": self.changes.iter().map(PushChange::encode).collect::<Vec<_>>(),
        })
    }

    /// Reads the frame of the message, as a hub does; the changes stay raw, so
    /// that a malformed one does not stop the others.
    pub fn decode_frame(bytes: &[u8]) -> Result<(String, Vec<Value>), ProtocolError> {
        let mut object = message(bytes)?;
        let client_id = required_text(&mut object, "client_id")?;
        match object.remove("changes") {
            Some(Value::Array(changes)) => {
                check_count(&changes)?;
                Ok((client_id, changes))
            }
            other => Err(wrong("changes", "an array", other.as_ref())),
        }
    }
}

/// A change the server took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The `client_sync_id` of the change; old servers may send null.
    pub client_sync_id: Option<String>,
    /// What the server calls it.
    pub server_sync_id: Option<String>,
}

impl Applied {
    fn decode(value: Value) -> Result<Self, ProtocolError> {
        let mut entry = into_object(value, "")?;
        Ok(Self {
            client_sync_id: optional_text(&mut entry, "client_sync_id")?,
            server_sync_id: optional_text(&mut entry, "server_sync_id")?,
        })
    }
}

/// Who won, as the server tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The server's version stays.
    ServerWins,
    /// The client's version replaced the server's.
    ClientWins,
}

/// Two concurrent edits that met at the server.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// Which record.
    pub key: Key,
    /// The rule's reason, or an old server's words.
    pub reason: String,
    /// The server's version before the decision.
    pub server_version: Option<Version>,
    /// The pushed version.
    pub client_version: Option<Version>,
    /// Which stays.
    pub verdict: Verdict,
}

impl Conflict {
    /// Writes the entry.
    pub fn encode(&self) -> Value {
        let version = |version: &Option<Version>| {
            version
                .as_ref()
                .map(|version| Value::Object(encode_data(version)))
        };
        json!({
            "entity_type": self.key.kind.as_str(),
            "entity_id": self.key.id.as_str(),
            "reason": self.reason,
            "server_version": version(&self.server_version),
            "client_version": version(&self.client_version),
            "resolution": match self.verdict {
                Verdict::ServerWins => "server_wins",
                Verdict::ClientWins => "client_wins",
            },
        })
    }

    fn decode(value: Value) -> Result<Self, ProtocolError> {
        let mut object = into_object(value, "")?;
        let kind = Kind::parse(&required_text(&mut object, "entity_type")?);
        let id = crate::protocol::decode::id_value(object.remove("entity_id").as_ref(), "entity_id")?;
        let key = Key::new(kind, id);
        let mut version = |field: &'static str| {
            match object.remove(field) {
                None | Some(Value::Null) => Ok(None),
                Some(value) => into_object(value, "")
                    .and_then(|data| decode_data(key.clone(), data))
                    .map(Some),
            }
            .map_err(|error: ProtocolError| error.within(field))
        };
        let server_version = version("server_version")?;
        let client_version = version("client_version")?;
        let verdict = match required_text(&mut object, "resolution")?.as_str() {
            "server_wins" => Verdict::ServerWins,
            "client_wins" => Verdict::ClientWins,
            other => {
                return Err(wrong(
                    "resolution",
                    "server_wins or client_wins",
                    Some(&other.into()),
                ));
            }
        };
        let reason = optional_text(&mut object, "reason")?.unwrap_or_default();
        Ok(Self {
            key,
            reason,
            server_version,
            client_version,
            verdict,
        })
    }
}

/// A change the server could not read or take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The `client_sync_id` of the change.
    pub client_sync_id: Option<String>,
    /// A word for the kind of problem.
    pub code: String,
    /// The problem in words.
    pub message: String,
}

impl Rejected {
    fn decode(value: Value) -> Result<Self, ProtocolError> {
        let mut entry = into_object(value, "")?;
        Ok(Self {
            client_sync_id: optional_text(&mut entry, "client_sync_id")?,
            code: optional_text(&mut entry, "code")?.unwrap_or_default(),
            message: optional_text(&mut entry, "message")?.unwrap_or_default(),
        })
    }
}

/// Step 4: what became of the edits. What is in no list was not processed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PushResult {
    /// Taken.
    pub applied: Vec<Applied>,
    /// Met a concurrent edit.
    pub conflicts: Vec<Conflict>,
    /// Refused (our hub).
    pub rejected: Vec<Rejected>,
    /// Our hub: which hub this is.
    pub hub_id: Option<String>,
}

impl PushResult {
    /// Writes the message.
    pub fn encode(&self) -> Value {
        json!({
            "type": "sync_result",
            "applied": self.applied.iter().map(|applied| json!({
                "client_sync_id": applied.client_sync_id,
                "server_sync_id": applied.server_sync_id,
                "status": "applied",
            })).collect::<Vec<_>>(),
            "conflicts": self.conflicts.iter().map(Conflict::encode).collect::<Vec<_>>(),
            "rejected": self.rejected.iter().map(|rejected| json!({
                "client_sync_id": rejected.client_sync_id,
                "code": rejected.code,
                "message": rejected.message,
            })).collect::<Vec<_>>(),
            "hub_id": self.hub_id,
        })
    }

    /// Reads the message.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let mut object = message(bytes)?;
        expect_type(&mut object, "sync_result")?;
        Ok(Self {
            applied: decode_list(
                optional_array(&mut object, "applied")?,
                "applied",
                Applied::decode,
            )?,
            conflicts: decode_conflicts(&mut object)?,
            rejected: decode_list(
                optional_array(&mut object, "rejected")?,
                "rejected",
                Rejected::decode,
            )?,
            hub_id: optional_text(&mut object, "hub_id")?,
        })
    }
}

/// Step 5: say that the sync is complete.
#[derive(Debug, Clone, PartialEq)]
pub struct Ack {
    /// Who says so.
    pub client_id: String,
    /// When, by the client's clock.
    pub sync_completed_at: Timestamp,
}

impl Ack {
    /// Writes the message.
    pub fn encode(&self) -> Value {
        json!({
            "type": "sync_ack",
            "client_id": self.client_id,
            "sync_completed_at": self.sync_completed_at.to_string(),
        })
    }

    /// Writes the server's answer.
    pub fn response(server_time: Timestamp) -> Value {
        json!({
            "type": "sync_ack_response",
            "status": "acknowledged",
            "server_time": server_time.to_string(),
        })
    }

    /// Reads the message, as a hub does: only that its fields are there.
    pub fn check(bytes: &[u8]) -> Result<(), ProtocolError> {
        let mut object = message(bytes)?;
        required_text(&mut object, "client_id")?;
        required_text(&mut object, "sync_completed_at")?;
        Ok(())
    }
}

/// A list as long as a message may hold makes many times its size of answers.
fn check_count(changes: &[Value]) -> Result<(), ProtocolError> {
    match changes.len() {
        count if count > MAX_PAGE_CHANGES => Err(ProtocolError::TooManyChanges {
            count,
            limit: MAX_PAGE_CHANGES,
        }),
        _ => Ok(()),
    }
}

fn decode_conflicts(object: &mut JsonObject) -> Result<Vec<Conflict>, ProtocolError> {
    decode_list(
        optional_array(object, "conflicts")?,
        "conflicts",
        Conflict::decode,
    )
}

/// Reads every entry of a list; an error names the entry's place.
fn decode_list<T>(
    items: Vec<Value>,
    field: &str,
    decode: impl Fn(Value) -> Result<T, ProtocolError>,
) -> Result<Vec<T>, ProtocolError> {
    items
        .into_iter()
        .enumerate()
        .map(|(index, item)| decode(item).map_err(|error| error.within(&format!("{field}[{index}]"))))
        .collect()
}

fn expect_type(object: &mut JsonObject, expected: &'static str) -> Result<(), ProtocolError> {
    match object.remove("type") {
        Some(Value::String(found)) if found == expected => Ok(()),
        other => Err(wrong("type", expected, other.as_ref())),
    }
}
