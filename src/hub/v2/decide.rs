//! What becomes of a pushed version or edge. Runs inside a transaction of its
//! caller, in the order in which changes came.
//!
//! The order of the questions is FunkyGibbon's, as recorded. The comparison
//! itself is [`crate::conflict`]'s, asked about the *arrival* of the hub's
//! version and the time inside the pushed one, as that server compares.

use std::collections::HashSet;

use rusqlite::Connection;
use serde_json::Value;

use crate::conflict::{Edit, Reason, Resolution, Winner, resolve};
use crate::hub::HubError;
use crate::hub::decide::Arrivals;
use crate::protocol::ProtocolError;
use crate::protocol::decode::wrong;
use crate::protocol::v2::{
    Change, ChangeType, Conflict, ENTITY_TYPES, Entity, RELATIONSHIP_TYPES, Relationship, SOURCE_TYPES,
    Strategy, version_time,
};

use super::rows::{self, Current};

/// The largest entity or edge taken: small enough that any page with it is a
/// message that a client takes.
const MAX_ITEM_BYTES: usize = 1024 * 1024;

/// What a push came to.
#[derive(Debug, Default)]
pub(super) struct Pushed {
    pub(super) applied: Vec<String>,
    pub(super) applied_relationships: Vec<String>,
    pub(super) conflicts: Vec<Conflict>,
}

/// Decides the changes of a push; the caller's transaction holds all of them or none.
pub(super) fn push(
    conn: &Connection,
    arrivals: &mut Arrivals<'_>,
    user_id: &str,
    changes: Vec<Change>,
) -> Result<Pushed, HubError> {
    for (index, change) in changes.iter().enumerate() {
        check(change).map_err(|error| match error {
            HubError::Protocol(problem) => problem.within(&format!("changes[{index}]")).into(),
            other => other,
        })?;
    }
    let (mut applied, mut applied_relationships) = (Named::default(), Named::default());
    let mut conflicts = Vec::new();
    let mut edges = Vec::new();
    for change in changes {
        edges.extend(change.relationships);
        if let Some(entity) = change.entity {
            let id = entity.id.clone();
            let conflict = decide(conn, arrivals, change.change_type, entity)?;
            conflicts.extend(conflict);
            applied.add(id);
        }
    }
    // Edges come after every entity of the push: one may lead to a later one.
    // They are stored whatever the change type: that speaks of the entity.
    for mut edge in edges {
        if take_edge(conn, arrivals, &mut edge, user_id)? {
            applied_relationships.add(edge.id);
        }
    }
    Ok(Pushed {
        applied: applied.ids,
        applied_relationships: applied_relationships.ids,
        conflicts,
    })
}

/// Ids, each once, in the order in which they were first named.
#[derive(Default)]
struct Named {
    ids: Vec<String>,
    seen: HashSet<String>,
}

impl Named {
    fn add(&mut self, id: String) {
        if self.seen.insert(id.clone()) {
            self.ids.push(id);
        }
    }
}

/// Stores an edge, unless a version it is pinned to is not here: then it is not
/// acknowledged, and its sender tries again.
pub(super) fn take_edge(
    conn: &Connection,
    arrivals: &mut Arrivals<'_>,
    edge: &mut Relationship,
    user_id: &str,
) -> Result<bool, HubError> {
    if !rows::is_known(conn, &edge.from_entity_id, &edge.from_entity_version)?
        || !rows::is_known(conn, &edge.to_entity_id, &edge.to_entity_version)?
    {
        return Ok(false);
    }
    edge.user_id.get_or_insert_with(|| user_id.to_owned());
    rows::put_edge(conn, edge, arrivals.next())?;
    Ok(true)
}

/// Decides one version. Whatever becomes of it, it is acknowledged.
pub(super) fn decide(
    conn: &Connection,
    arrivals: &mut Arrivals<'_>,
    change_type: ChangeType,
    mut entity: Entity,
) -> Result<Option<Conflict>, HubError> {
    // Versions are immutable: the same one again, even with other content, or
    // as a delete, says nothing new.
    if rows::is_known(conn, &entity.id, &entity.version)? {
        return Ok(None);
    }
    let current = rows::current(conn, &entity.id)?;
    if change_type == ChangeType::Delete {
        // A delete of nothing, or of what is deleted, leaves no trace. Any other
        // bypasses the rule and wins whatever its stamp.
        if current.is_some_and(|current| !current.deleted) {
            entity.content.insert("deleted".into(), Value::Bool(true));
            rows::make_current(conn, &entity, arrivals.next())?;
        }
        return Ok(None);
    }
    let against = current.filter(|current| !entity.parent_versions.contains(&current.version));
    let Some(current) = against else {
        rows::make_current(conn, &entity, arrivals.next())?;
        return Ok(None);
    };
    let (winner, resolution_strategy) = concurrent(&current, &entity);
    let conflict = Conflict {
        entity_id: entity.id.clone(),
        resolved_version: match winner {
            Winner::Local => current.version.clone(),
            Winner::Remote => entity.version.clone(),
        },
        local_version: current.version,
        remote_version: entity.version.clone(),
        resolution_strategy,
    };
    // FunkyGibbon writes the version it held into an empty `parent_versions`.
    // Here they stay as pushed: else a version that displaced another would
    // claim to descend from it, and the other's author would never hear of it.
    match winner {
        Winner::Remote => rows::make_current(conn, &entity, arrivals.next())?,
        // The loser stays in the history.
        Winner::Local => {
            rows::keep(conn, &entity, arrivals.next())?;
        }
    }
    Ok(Some(conflict))
}

/// Which of two concurrent versions stays, and why, in the protocol's words.
fn concurrent(current: &Current, entity: &Entity) -> (Winner, Strategy) {
    // Only an update that names the tombstone revives what was deleted.
    if current.deleted && !entity.is_deleted() {
        return (Winner::Local, Strategy::Other("local was deleted".to_owned()));
    }
    let local = Edit {
        updated_at: Some(current.arrival),
        sync_id: &current.version,
        deleted: false,
    };
    let remote = Edit {
        // A version string without a time is compared as a string.
        updated_at: version_time(&entity.version).or(Some(current.arrival)),
        sync_id: &entity.version,
        deleted: false,
    };
    match resolve(local, remote) {
        Resolution::Conflict { winner, reason } => {
            let strategy = match (winner, reason) {
                (Winner::Local, Reason::NewerLocal) => Strategy::LocalNewer,
                (Winner::Remote, Reason::NewerRemote) => Strategy::RemoteNewer,
                (Winner::Local, _) => Strategy::LocalGreater,
                (Winner::Remote, _) => Strategy::RemoteGreater,
            };
            (winner, strategy)
        }
        // The same version was recognised before; the hub's stays.
        Resolution::SameEdit => (Winner::Local, Strategy::LocalGreater),
    }
}

/// Refuses what a house can't hold. FunkyGibbon answers 500 to unknown types of
/// entities and sources and takes an empty id; here the field is named, 422. An
/// unknown type of relationship is its own 400.
fn check(change: &Change) -> Result<(), HubError> {
    if let Some(entity) = &change.entity {
        check_entity(entity).map_err(|error| error.within("entity"))?;
    }
    for (index, edge) in change.relationships.iter().enumerate() {
        check_edge(edge).map_err(|error| match error {
            HubError::Protocol(problem) => problem.within(&format!("relationships[{index}]")).into(),
            other => other,
        })?;
    }
    Ok(())
}

pub(super) fn check_entity(entity: &Entity) -> Result<(), ProtocolError> {
    check_id(&entity.id, "id")?;
    check_version(&entity.version, "version")?;
    known(
        &entity.entity_type,
        ENTITY_TYPES,
        "entity_type",
        "a known entity type",
    )?;
    known(
        &entity.source_type,
        SOURCE_TYPES,
        "source_type",
        "a known source type",
    )?;
    check_size(&Value::Object(entity.encode()))
}

pub(super) fn check_edge(edge: &Relationship) -> Result<(), HubError> {
    check_id(&edge.id, "id")?;
    if !RELATIONSHIP_TYPES.contains(&edge.relationship_type.as_str()) {
        return Err(HubError::Refused {
            detail: format!("Unknown relationship_type: {}", edge.relationship_type),
        });
    }
    Ok(check_size(&Value::Object(edge.encode()))?)
}

/// Clients hold ids of 1 to 64 bytes.
fn check_id(id: &str, field: &str) -> Result<(), ProtocolError> {
    if id.is_empty() || id.len() > crate::model::MAX_ID_BYTES {
        return Err(wrong(field, "an id of 1 to 64 bytes", Some(&id.into())));
    }
    Ok(())
}

fn check_version(version: &str, field: &str) -> Result<(), ProtocolError> {
    if version.is_empty() || version.len() > 1_000 {
        return Err(wrong(
            field,
            "a version of 1 to 1000 bytes",
            Some(&version.into()),
        ));
    }
    Ok(())
}

pub(super) fn known(
    word: &str,
    words: &[&str],
    field: &str,
    expected: &'static str,
) -> Result<(), ProtocolError> {
    if words.contains(&word) {
        return Ok(());
    }
    Err(wrong(field, expected, Some(&word.into())))
}

fn check_size(item: &Value) -> Result<(), ProtocolError> {
    if item.to_string().len() > MAX_ITEM_BYTES {
        return Err(wrong("", "at most 1 MiB", Some(item)));
    }
    Ok(())
}
