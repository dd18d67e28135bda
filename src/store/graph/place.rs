//! Placing: keeping the edges of a room or device and what its record says it is
//! in the same, after an edit of either.

use std::collections::HashSet;

use super::edges;
use crate::model::{JsonObject, Key, Kind, Record, RecordId, RecordStatus, Version};
use crate::protocol::v2::{TO_FIELD, edge_body};
use crate::store::edits;
use crate::store::{Origin, StoreError, Tx, rows};

/// Sees to the edges of an edited entity, and to the ends of an edited edge. An
/// edit that says nothing new of where the entity is moves nothing: what the record
/// said may be older than what the edges say.
pub(in crate::store) fn follow_edit(
    tx: &Tx<'_>,
    before: Option<&Version>,
    version: &Version,
) -> Result<(), StoreError> {
    if version.content().is_none() {
        return around_edge(tx, version);
    }
    match before {
        Some(before) if before.deleted || before.parent_id == version.parent_id => refresh(tx, &version.key),
        _ => follow_version(tx, version),
    }
}

/// Sees to the edges of an entity whose edit was discarded: a move goes with it, and
/// what joins something that is no more can't be sent.
pub(in crate::store) fn follow_discard(tx: &Tx<'_>, version: &Version) -> Result<(), StoreError> {
    let key = &version.key;
    if version.content().is_none() {
        return around_edge(tx, version);
    }
    let gone = rows::get(tx.connection, key)?.is_none();
    let mut touching = edges::outgoing(tx.connection, &key.id)?;
    if gone {
        touching.extend(edges::incoming(tx.connection, &key.id)?);
    }
    for edge in touching {
        let unsent = edge.sync_status != RecordStatus::Synced;
        if unsent && (gone || edges::is_containment(&edge.version)) {
            edits::discard(tx, &edge.version.key)?;
        }
    }
    refresh(tx, key)
}

/// Places anew what an edge placed or places. Any other record is let be.
pub(in crate::store) fn around_edge(tx: &Tx<'_>, edge: &Version) -> Result<(), StoreError> {
    match (&edge.key.kind, &edge.parent_id) {
        (Kind::Relationship, Some(from)) if edges::is_containment(edge) => refresh_around(tx, from),
        _ => Ok(()),
    }
}

/// Changes edges so that they say what a version made here says it is in. A move
/// leads the same edge elsewhere: others then see one edge, not two.
pub(in crate::store) fn follow_version(tx: &Tx<'_>, version: &Version) -> Result<(), StoreError> {
    let key = &version.key;
    if version.deleted || !matches!(key.kind, Kind::Room | Kind::Device) {
        return Ok(());
    }
    if edges::parent(tx.connection, key)? == version.parent_id {
        return Ok(());
    }
    let placing = edges::placing(tx.connection, key)?;
    match (&version.parent_id, placing) {
        (Some(parent), Some(edge)) => {
            edits::apply(tx, &edge.version.key, |_| led_to(&edge.version, parent), None)?;
        }
        (Some(parent), None) => {
            let relationship_type = match key.kind {
                Kind::Room => "part_of",
                _ => "located_in",
            };
            put_edge(tx, &key.id, parent, relationship_type, JsonObject::new())?;
        }
        (None, Some(edge)) => {
            remove_edge(tx, &edge.version)?;
        }
        // In a house through a zone: that it is not to be any more can't be said.
        (None, None) => {}
    }
    refresh(tx, key)
}

fn led_to(edge: &Version, target: &RecordId) -> Version {
    let mut moved = edge.clone();
    moved.body.insert(TO_FIELD.into(), target.as_str().into());
    moved.updated_at = None;
    moved
}

/// Makes an edge; its start has to become a new version by itself.
pub(in crate::store) fn put_edge(
    tx: &Tx<'_>,
    from: &RecordId,
    to: &RecordId,
    relationship_type: &str,
    properties: JsonObject,
) -> Result<Record, StoreError> {
    let key = Key::new(Kind::Relationship, tx.seam.new_id());
    let edge = Version {
        key: key.clone(),
        parent_id: Some(from.clone()),
        name: None,
        body: edge_body(to, relationship_type, properties),
        created_at: None,
        updated_at: None,
        sync_id: String::new(),
        deleted: false,
    };
    edits::apply(tx, &key, |_| edge, None)
}

/// Takes an edge away: a tombstone, since servers of the graph delete no edges.
pub(in crate::store) fn remove_edge(tx: &Tx<'_>, edge: &Version) -> Result<(), StoreError> {
    edits::delete(tx, &edge.key)
}

/// Joins two entities. The start becomes a new version: an edge alone changes no
/// entity, and nobody would look for it.
pub(in crate::store) fn connect(
    tx: &Tx<'_>,
    from: &Key,
    to: &Key,
    relationship_type: &str,
    properties: JsonObject,
) -> Result<Record, StoreError> {
    let edge = put_edge(tx, &from.id, &to.id, relationship_type, properties)?;
    touch(tx, from)?;
    Ok(edge)
}

/// Takes an edge away, and makes a new version of its start.
pub(in crate::store) fn disconnect(tx: &Tx<'_>, edge: &Version) -> Result<(), StoreError> {
    remove_edge(tx, edge)?;
    match edge
        .parent_id
        .as_ref()
        .map(|from| edges::find(tx.connection, from))
        .transpose()?
        .flatten()
    {
        Some(from) => touch(tx, &from),
        None => Ok(()),
    }
}

/// A new version of an entity that says what the one before says.
fn touch(tx: &Tx<'_>, key: &Key) -> Result<(), StoreError> {
    let Some(record) = rows::get(tx.connection, key)?.filter(|record| !record.version.deleted) else {
        return Ok(());
    };
    let version = Version {
        updated_at: None,
        parent_id: edges::parent(tx.connection, key)?,
        ..record.version.clone()
    };
    edits::apply_on(tx, Some(&record), version, None)?;
    Ok(())
}

/// Makes a room or device say that it is where its edges say.
pub(in crate::store) fn refresh(tx: &Tx<'_>, key: &Key) -> Result<(), StoreError> {
    if !matches!(key.kind, Kind::Room | Kind::Device) {
        return Ok(());
    }
    let Some(place) = rows::place(tx.connection, key)? else {
        return Ok(());
    };
    let parent = edges::parent(tx.connection, key)?;
    if place.parent_id == parent {
        return Ok(());
    }
    // As an edit of the edge it was told already.
    let origin = match place.status {
        RecordStatus::Synced => Origin::Remote,
        _ => Origin::Local,
    };
    tx.place(key, place, parent, origin)
}

/// The same for an entity whose edges changed, and for the rooms that are
/// somewhere through it: through zones, or whatever else a server says they are in.
pub(in crate::store) fn refresh_around(tx: &Tx<'_>, id: &RecordId) -> Result<(), StoreError> {
    let mut seen: HashSet<RecordId> = HashSet::new();
    let mut waiting = vec![id.clone()];
    while let Some(id) = waiting.pop() {
        // Something may lie between that is not here yet: what is in it is walked to.
        if let Some(key) = edges::find(tx.connection, &id)? {
            refresh(tx, &key)?;
            if key.kind == Kind::House {
                // What is in a house is not moved by edges of that.
                continue;
            }
        }
        for inner in edges::within(tx.connection, &id)? {
            if seen.insert(inner.clone()) {
                waiting.push(inner);
            }
        }
    }
    Ok(())
}

/// Places anew what is in entities that came or went with this transaction: of
/// several edges one that leads to a record counts before one that does not, and
/// an edge may be here before what it leads to.
pub(in crate::store) fn follow_presence(tx: &Tx<'_>) -> Result<(), StoreError> {
    let changed = tx.take_came_or_went();
    if changed.is_empty() || tx.graph_author()?.is_none() || !edges::any(tx.connection)? {
        return Ok(());
    }
    for id in changed {
        for inner in edges::within(tx.connection, &id)? {
            refresh_around(tx, &inner)?;
        }
    }
    Ok(())
}

/// Makes every room and device say that it is where its edges say.
pub(in crate::store) fn refresh_all(tx: &Tx<'_>) -> Result<(), StoreError> {
    for kind in [Kind::Room, Kind::Device] {
        // In order, so that neighbours in the table follow each other.
        let mut ids: Vec<String> = rows::live_ids(tx.connection, &kind, None)?.into_iter().collect();
        ids.sort_unstable();
        for id in ids {
            if let Ok(id) = RecordId::new(id) {
                refresh(tx, &Key::new(kind.clone(), id))?;
            }
        }
    }
    Ok(())
}
