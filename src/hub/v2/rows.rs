//! Entities and edges as rows, and back. What becomes of a pushed version is
//! decided in `decide`.

use rusqlite::{Connection, OptionalExtension as _, Row};
use serde_json::Value;

use crate::hub::HubError;
use crate::model::Timestamp;
use crate::protocol::v2::{Entity, Listed, Relationship};

/// Which version an entity stands at.
pub(super) struct Current {
    pub(super) version: String,
    pub(super) deleted: bool,
    pub(super) arrival: Timestamp,
}

pub(super) fn current(conn: &Connection, id: &str) -> Result<Option<Current>, HubError> {
    let mut statement =
        conn.prepare_cached("SELECT version, deleted, arrival FROM entities WHERE id = ?1")?;
    let current = statement.query_row([id], |row| {
        Ok(Current {
            version: row.get(0)?,
            deleted: row.get(1)?,
            arrival: Timestamp::from_micros(row.get(2)?),
        })
    });
    Ok(current.optional()?)
}

/// Whether the version is held, current or not.
pub(super) fn is_known(conn: &Connection, id: &str, version: &str) -> Result<bool, HubError> {
    Ok(conn
        .prepare_cached("SELECT 1 FROM entity_versions WHERE id = ?1 AND version = ?2")?
        .exists((id, version))?)
}

/// Keeps a version for good; it does not become current by that.
pub(super) fn keep(conn: &Connection, entity: &Entity, arrival: Timestamp) -> Result<i64, HubError> {
    let text = Value::Object(entity.encode()).to_string();
    conn.prepare_cached(
        "INSERT INTO entity_versions (id, version, entity, arrival, changed) VALUES (?1, ?2, ?3, ?4, ?4)",
    )?
    .execute((&entity.id, &entity.version, text, arrival.micros()))?;
    Ok(conn.last_insert_rowid())
}

/// Keeps a version and makes it current.
pub(super) fn make_current(conn: &Connection, entity: &Entity, arrival: Timestamp) -> Result<(), HubError> {
    conn.prepare_cached(
        "UPDATE entity_versions SET changed = ?2 WHERE seq = (SELECT seq FROM entities WHERE id = ?1)",
    )?
    .execute((&entity.id, arrival.micros()))?;
    let seq = keep(conn, entity, arrival)?;
    conn.prepare_cached(
        "INSERT INTO entities (id, version, seq, entity_type, user_id, deleted, arrival)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (id) DO UPDATE SET version = excluded.version, seq = excluded.seq,
             entity_type = excluded.entity_type, user_id = excluded.user_id,
             deleted = excluded.deleted, arrival = excluded.arrival",
    )?
    .execute((
        &entity.id,
        &entity.version,
        seq,
        &entity.entity_type,
        &entity.user_id,
        entity.is_deleted(),
        arrival.micros(),
    ))?;
    Ok(())
}

/// Stores an edge in the place of the one with its id, if there is one.
pub(super) fn put_edge(conn: &Connection, edge: &Relationship, arrival: Timestamp) -> Result<(), HubError> {
    let mut object = edge.encode();
    // A client that sends the server's own edge again sends its times too.
    object.remove("created_at");
    object.remove("updated_at");
    conn.prepare_cached(
        "INSERT INTO relationships (id, from_id, to_id, relationship_type, deleted, edge, created, changed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
         ON CONFLICT (id) DO UPDATE SET from_id = excluded.from_id, to_id = excluded.to_id,
             relationship_type = excluded.relationship_type, deleted = excluded.deleted,
             edge = excluded.edge, changed = excluded.changed",
    )?
    .execute((
        &edge.id,
        &edge.from_entity_id,
        &edge.to_entity_id,
        &edge.relationship_type,
        edge.is_deleted(),
        Value::Object(object).to_string(),
        arrival.micros(),
    ))?;
    Ok(())
}

/// Reads an entity from the text of its row.
pub(super) fn entity(text: &str) -> Result<Entity, HubError> {
    let value = serde_json::from_str(text).map_err(|problem| damaged("entity", &problem))?;
    Entity::decode(value).map_err(|problem| damaged("entity", &problem))
}

/// Entities with their times. `rest` follows `FROM entity_versions v`.
pub(super) fn entities(
    conn: &Connection,
    rest: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<Listed<Entity>>, HubError> {
    let sql = format!("SELECT v.entity, v.arrival, v.changed FROM entity_versions v {rest}");
    collect(conn, &sql, params, entity)
}

/// Edges with their times. `rest` follows `FROM relationships`.
pub(super) fn edges(
    conn: &Connection,
    rest: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<Listed<Relationship>>, HubError> {
    let sql = format!("SELECT edge, created, changed FROM relationships {rest} ORDER BY created, id");
    collect(conn, &sql, params, |text| {
        let value = serde_json::from_str(text).map_err(|problem| damaged("relationship", &problem))?;
        Relationship::decode(value).map_err(|problem| damaged("relationship", &problem))
    })
}

fn collect<T>(
    conn: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
    read: impl Fn(&str) -> Result<T, HubError>,
) -> Result<Vec<Listed<T>>, HubError> {
    let time = |row: &Row<'_>, column| row.get(column).map(|micros| Some(Timestamp::from_micros(micros)));
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Listed {
            item: read(&row.get::<_, String>(0)?)?,
            created_at: time(row, 1)?,
            updated_at: time(row, 2)?,
        });
    }
    Ok(found)
}

fn damaged(what: &str, problem: &impl ToString) -> HubError {
    HubError::Damaged {
        what: what.to_owned(),
        problem: problem.to_string(),
    }
}
