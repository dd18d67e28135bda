//! Walking the graph: what an id names, what is next to it, and the way from one
//! thing to another. Only live things are walked over.

use std::collections::{HashMap, VecDeque};

use rusqlite::{Connection, params};

use super::edges;
use crate::model::{Key, Kind, Record, RecordId};
use crate::store::StoreError;
use crate::store::rows;

/// The kinds that are there, of which there are few: found without reading records.
const KINDS: &str = "WITH RECURSIVE kinds(kind) AS (
         SELECT min(kind) FROM records
         UNION ALL
         SELECT (SELECT min(kind) FROM records WHERE kind > kinds.kind) FROM kinds WHERE kinds.kind IS NOT NULL)";

/// Whether records of a kind are shown among the entities: those of the graph, and people.
pub fn is_shown(kind: &Kind) -> bool {
    kind.is_entity() || *kind == Kind::User
}

/// The kinds of entities of which there are records, in order.
pub fn kinds(connection: &Connection) -> Result<Vec<Kind>, StoreError> {
    let sql = format!("{KINDS} SELECT kind FROM kinds WHERE kind IS NOT NULL ORDER BY kind");
    let mut statement = connection.prepare_cached(&sql)?;
    let kinds = statement.query_map([], |row| row.get::<_, String>(0))?;
    let kinds: Vec<String> = kinds.collect::<rusqlite::Result<_>>()?;
    Ok(kinds
        .iter()
        .map(|kind| Kind::parse(kind))
        .filter(is_shown)
        .collect())
}

/// The live entities with this id. In a graph there is at most one; old servers
/// repeat ids across kinds.
pub fn named(connection: &Connection, id: &RecordId) -> Result<Vec<Key>, StoreError> {
    let sql = format!(
        "{KINDS} SELECT records.kind FROM kinds CROSS JOIN records ON records.kind = kinds.kind AND records.id = ?1
         WHERE NOT records.deleted ORDER BY records.kind"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_map([id.as_str()], |row| row.get::<_, String>(0))?;
    let found: Vec<String> = found.collect::<rusqlite::Result<_>>()?;
    Ok(found
        .iter()
        .map(|kind| Kind::parse(kind))
        .filter(is_shown)
        .map(|kind| Key::new(kind, id.clone()))
        .collect())
}

/// The live entity of the graph with this id.
pub fn node(connection: &Connection, id: &RecordId) -> Result<Option<Key>, StoreError> {
    let found = named(connection, id)?;
    Ok(found.into_iter().find(|key| key.kind.is_entity()))
}

/// Whether an entity was here and is deleted. One that never was here may still come.
pub fn is_gone(connection: &Connection, id: &RecordId) -> Result<bool, StoreError> {
    match edges::find(connection, id)? {
        Some(key) => Ok(!rows::is_live(connection, &key)?),
        None => Ok(false),
    }
}

/// An edge between two live entities, seen from one of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbour {
    /// The edge.
    pub edge: Record,
    /// Whether it starts here.
    pub outgoing: bool,
    /// The entity at its other end.
    pub other: Key,
}

/// What is next to an entity: along the edges that start at it, then along those
/// that lead to it, each in the order of their ids.
pub fn neighbours(connection: &Connection, id: &RecordId) -> Result<Vec<Neighbour>, StoreError> {
    let mut found = Vec::new();
    for edge in edges::outgoing(connection, id)? {
        if let Some(other) = edges::target(&edge.version)
            && let Some(other) = node(connection, &other)?
        {
            found.push(Neighbour {
                edge,
                outgoing: true,
                other,
            });
        }
    }
    for edge in edges::incoming(connection, id)? {
        if let Some(other) = &edge.version.parent_id
            && let Some(other) = node(connection, other)?
        {
            found.push(Neighbour {
                edge,
                outgoing: false,
                other,
            });
        }
    }
    Ok(found)
}

/// A step of a path: along an edge, to an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The edge.
    pub edge: Key,
    /// Where it leads on this way.
    pub to: Key,
}

/// A shortest way from one live entity to another, along at most `max_depth` edges
/// in whichever direction they point. Of several the one is taken whose edges have
/// the least ids. `None` if there is none; no step at all if the two are one.
pub fn path(
    connection: &Connection,
    from: &RecordId,
    to: &RecordId,
    max_depth: u32,
) -> Result<Option<Vec<Step>>, StoreError> {
    // How each entity was come to: the step, and from where.
    let mut reached: HashMap<RecordId, Option<(Step, RecordId)>> = HashMap::from([(from.clone(), None)]);
    let mut waiting = VecDeque::from([(from.clone(), 0)]);
    while let Some((here, depth)) = waiting.pop_front() {
        if here == *to {
            return Ok(Some(steps_to(&reached, here)));
        }
        if depth == max_depth {
            continue;
        }
        for (edge, other) in touching(connection, &here)? {
            if reached.contains_key(&other) {
                continue;
            }
            let Some(key) = node(connection, &other)? else {
                continue;
            };
            let edge = Key::new(Kind::Relationship, edge);
            reached.insert(other.clone(), Some((Step { edge, to: key }, here.clone())));
            waiting.push_back((other, depth + 1));
        }
    }
    Ok(None)
}

fn steps_to(reached: &HashMap<RecordId, Option<(Step, RecordId)>>, end: RecordId) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut here = end;
    while let Some(Some((step, before))) = reached.get(&here) {
        steps.push(step.clone());
        here = before.clone();
    }
    steps.reverse();
    steps
}

/// The live edges at an entity and what is at their other ends, in the order of the
/// edges' ids.
fn touching(connection: &Connection, id: &RecordId) -> Result<Vec<(RecordId, RecordId)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, body ->> 'to_entity_id' FROM records
         WHERE kind = 'relationship' AND parent_id = ?1 AND NOT deleted
         UNION ALL
         SELECT id, parent_id FROM records
         WHERE kind = 'relationship' AND body ->> 'to_entity_id' = ?1 AND NOT deleted
         ORDER BY 1",
    )?;
    let rows = statement.query_map(params![id.as_str()], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?))
    })?;
    let mut found = Vec::new();
    for row in rows {
        let (edge, other) = row?;
        // Edges are checked when they come; one that leads nowhere leads nowhere.
        if let (Ok(edge), Some(Ok(other))) = (RecordId::new(edge), other.map(RecordId::new)) {
            found.push((edge, other));
        }
    }
    Ok(found)
}
