//! Reading edges: from an entity, to it, and what of them says where it is.

use rusqlite::{Connection, OptionalExtension, params};

use crate::model::{Key, Kind, Record, RecordId, RecordStatus, Timestamp, Version};
use crate::protocol::v2::TO_FIELD;
use crate::store::StoreError;
use crate::store::rows::{self, COLUMNS, record_from};

/// Edges that say what something is in.
pub const CONTAINMENT: [&str; 3] = ["located_in", "part_of", "contained_in"];
/// How deeply zones may lie in each other.
const MAX_ZONES: usize = 16;

/// Where an edge leads.
pub fn target(edge: &Version) -> Option<RecordId> {
    RecordId::new(edge.text(TO_FIELD)?).ok()
}

/// What an edge says of its ends.
pub fn edge_type(edge: &Version) -> &str {
    edge.text("relationship_type").unwrap_or_default()
}

/// Whether an edge says what something is in.
pub fn is_containment(edge: &Version) -> bool {
    CONTAINMENT.contains(&edge_type(edge))
}

/// The live edges that start at an entity, in the order of their ids.
pub fn outgoing(connection: &Connection, id: &RecordId) -> Result<Vec<Record>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM records WHERE kind = 'relationship' AND parent_id = ?1 AND NOT deleted ORDER BY id"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([id.as_str()], record_from)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The live edges that lead to an entity, in the order of their ids.
pub fn incoming(connection: &Connection, id: &RecordId) -> Result<Vec<Record>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM records WHERE kind = 'relationship' AND body ->> 'to_entity_id' = ?1 AND NOT deleted ORDER BY id"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([id.as_str()], record_from)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What live edges say is in an entity.
pub fn within(connection: &Connection, id: &RecordId) -> Result<Vec<RecordId>, StoreError> {
    let edges = incoming(connection, id)?.into_iter().map(|edge| edge.version);
    let edges = edges.filter(is_containment);
    Ok(edges.filter_map(|edge| edge.parent_id).collect())
}

/// Walks the kinds that are there, of which there are few, and asks each for an id.
const BY_ID: &str = "WITH RECURSIVE kinds(kind) AS (
         SELECT min(kind) FROM records
         UNION ALL
         SELECT (SELECT min(kind) FROM records WHERE kind > kinds.kind) FROM kinds WHERE kinds.kind IS NOT NULL)
     SELECT records.kind FROM kinds CROSS JOIN records ON records.kind = kinds.kind AND records.id = ?1
     WHERE kinds.kind NOT IN ('user', 'entity_state', 'event', 'relationship')
     ORDER BY records.deleted, records.kind LIMIT 1";

/// The key of the entity with this id, whatever its kind; a live one first.
pub fn find(connection: &Connection, id: &RecordId) -> Result<Option<Key>, StoreError> {
    let kind: Option<String> = connection
        .prepare_cached(BY_ID)?
        .query_row(params![id.as_str()], |row| row.get(0))
        .optional()?;
    Ok(kind.map(|kind| Key::new(Kind::parse(&kind), id.clone())))
}

/// What placing looks at of an edge. Not the whole: every record of a first sync
/// is placed, and bodies are long.
struct End {
    id: RecordId,
    target: Option<RecordId>,
    relationship_type: String,
    /// Whether an edit of it is unsent.
    pending: bool,
    made: Option<Timestamp>,
}

impl End {
    fn is_containment(&self) -> bool {
        CONTAINMENT.contains(&self.relationship_type.as_str())
    }
}

/// The live edges that start at an entity, in the order of their ids.
fn ends(connection: &Connection, id: &RecordId) -> Result<Vec<End>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, body ->> 'to_entity_id', body ->> 'relationship_type', sync_status, created_at
         FROM records WHERE kind = 'relationship' AND parent_id = ?1 AND NOT deleted ORDER BY id",
    )?;
    let mut rows = statement.query([id.as_str()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let text = |column: usize| Ok::<_, StoreError>(row.get_ref(column)?.as_str().ok());
        let Some(id) = text(0)?.and_then(|id| RecordId::new(id).ok()) else {
            continue;
        };
        found.push(End {
            id,
            target: text(1)?.and_then(|id| RecordId::new(id).ok()),
            relationship_type: text(2)?.unwrap_or_default().to_owned(),
            pending: text(3)? != Some(RecordStatus::Synced.as_str()),
            made: text(4)?.and_then(|time| Timestamp::parse(time).ok()),
        });
    }
    Ok(found)
}

/// Of several edges that place something, the one that counts: one edited here
/// before one that was not, then the one made last, then the greatest id. Not the
/// one changed last: pinning an edge anew changes it too, and moves nothing.
fn preferred(edges: Vec<End>) -> Option<End> {
    edges.into_iter().max_by(|a, b| {
        let rank = |edge: &End| (edge.pending, edge.made);
        rank(a).cmp(&rank(b)).then_with(|| a.id.cmp(&b.id))
    })
}

/// The edge that says directly what a room or device is in: a room in a house, a
/// device in a room, or in something else where there is no such edge.
fn placing_end(connection: &Connection, key: &Key) -> Result<Option<End>, StoreError> {
    let Some(container) = key.kind.container().filter(|_| key.kind.is_entity()) else {
        return Ok(None);
    };
    let mut edges = ends(connection, &key.id)?;
    match key.kind {
        Kind::Device => edges.retain(|edge| edge.relationship_type == "located_in"),
        _ => edges.retain(End::is_containment),
    }
    if key.kind == Kind::Device && edges.len() <= 1 {
        // Wherever it leads, it is the only one.
        return Ok(edges.pop());
    }
    let (mut proper, mut other) = (Vec::new(), Vec::new());
    for edge in edges {
        let leads_home = match &edge.target {
            Some(id) => rows::is_known(connection, &container, id)?,
            None => false,
        };
        if leads_home { &mut proper } else { &mut other }.push(edge);
    }
    Ok(preferred(proper).or_else(|| match key.kind {
        Kind::Device => preferred(other),
        _ => None,
    }))
}

/// That edge whole.
pub fn placing(connection: &Connection, key: &Key) -> Result<Option<Record>, StoreError> {
    match placing_end(connection, key)? {
        Some(edge) => rows::get(connection, &Key::new(Kind::Relationship, edge.id)),
        None => Ok(None),
    }
}

/// What a room or device is in, by its edges: a room in a house, directly or
/// through zones, and a device where it is located.
pub fn parent(connection: &Connection, key: &Key) -> Result<Option<RecordId>, StoreError> {
    if let Some(edge) = placing_end(connection, key)? {
        return Ok(edge.target);
    }
    match key.kind {
        Kind::Room => house_through_zones(connection, &key.id),
        _ => Ok(None),
    }
}

/// Whether there is any edge, be it a tombstone.
pub fn any(connection: &Connection) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM records WHERE kind = 'relationship')")?
        .query_row([], |row| row.get(0))?)
}

/// The house that the zones around something are in.
fn house_through_zones(connection: &Connection, id: &RecordId) -> Result<Option<RecordId>, StoreError> {
    let mut seen: Vec<RecordId> = vec![id.clone()];
    let mut layer = vec![id.clone()];
    for _ in 0..MAX_ZONES {
        let mut around = Vec::new();
        for inner in &layer {
            let edges = ends(connection, inner)?;
            for outer in edges.into_iter().filter(End::is_containment) {
                let Some(outer) = outer.target else {
                    continue;
                };
                if rows::is_known(connection, &Kind::House, &outer)? {
                    return Ok(Some(outer));
                }
                if !seen.contains(&outer) {
                    seen.push(outer.clone());
                    around.push(outer);
                }
            }
        }
        layer = around;
    }
    Ok(None)
}
