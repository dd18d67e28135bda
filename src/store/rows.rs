//! Records as rows: reading, writing, listing. No rules here.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Origin, StoreError};
use crate::model::{JsonObject, Key, Kind, Record, RecordId, RecordStatus, Timestamp, Version};

pub(super) const COLUMNS: &str = "kind, id, parent_id, name, body, created_at, updated_at, sync_id, deleted, \
                       sync_status, server_updated_at, last_sync_at, sync_error";

/// A stored time that can't be read counts as missing: the rule knows what to do with that.
fn time(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Timestamp>> {
    let text: Option<String> = row.get(index)?;
    Ok(text.and_then(|text| Timestamp::parse(&text).ok()))
}

/// The text of an optional time, as stored.
pub(super) fn time_text(time: Option<Timestamp>) -> Option<String> {
    time.map(|time| time.to_string())
}

pub(super) fn unexpected(problem: impl Into<String>) -> StoreError {
    StoreError::Unexpected {
        problem: problem.into(),
    }
}

/// A conversion error that travels through rusqlite's row mapping.
fn bad_column(index: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, Box::new(error))
}

/// A column that holds JSON.
pub(super) fn json_column<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    index: usize,
) -> rusqlite::Result<T> {
    let text = row.get_ref(index)?.as_str()?;
    serde_json::from_str(text).map_err(|error| bad_column(index, error))
}

pub(super) fn key_from(row: &Row<'_>, kind: usize, id: usize) -> rusqlite::Result<Key> {
    let name: String = row.get(kind)?;
    let text: String = row.get(id)?;
    Ok(Key::new(
        Kind::parse(&name),
        RecordId::new(text).map_err(|error| bad_column(id, error))?,
    ))
}

pub(super) fn record_from(row: &Row<'_>) -> rusqlite::Result<Record> {
    let body: JsonObject = json_column(row, 4)?;
    let parent: Option<String> = row.get(2)?;
    let status: String = row.get(9)?;
    Ok(Record {
        version: Version {
            key: key_from(row, 0, 1)?,
            parent_id: parent.and_then(|id| RecordId::new(id).ok()),
            name: row.get(3)?,
            body,
            created_at: time(row, 5)?,
            updated_at: time(row, 6)?,
            sync_id: row.get(7)?,
            deleted: row.get(8)?,
        },
        sync_status: RecordStatus::parse(&status),
        server_updated_at: time(row, 10)?,
        last_sync_at: time(row, 11)?,
        sync_error: row.get(12)?,
    })
}

/// One record, tombstones included.
pub fn get(connection: &Connection, key: &Key) -> Result<Option<Record>, StoreError> {
    static SQL: LazyLock<String> =
        LazyLock::new(|| format!("SELECT {COLUMNS} FROM records WHERE kind = ?1 AND id = ?2"));
    Ok(connection
        .prepare_cached(&SQL)?
        .query_row(params![key.kind.as_str(), key.id.as_str()], record_from)
        .optional()?)
}

/// Whether there is no record, not even a tombstone.
pub fn is_empty(connection: &Connection) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT NOT EXISTS (SELECT 1 FROM records)")?
        .query_row([], |row| row.get(0))?)
}

/// Whether a record is here, be it a tombstone.
pub fn is_known(connection: &Connection, kind: &Kind, id: &RecordId) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM records WHERE kind = ?1 AND id = ?2)")?
        .query_row(params![kind.as_str(), id.as_str()], |row| row.get(0))?)
}

/// Whether a record is here and no tombstone.
pub fn is_live(connection: &Connection, key: &Key) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM records WHERE kind = ?1 AND id = ?2 AND NOT deleted)")?
        .query_row(params![key.kind.as_str(), key.id.as_str()], |row| row.get(0))?)
}

/// The ids of a kind's live records, or that of the one asked for if it is live.
pub fn live_ids(
    connection: &Connection,
    kind: &Kind,
    only: Option<&RecordId>,
) -> Result<HashSet<String>, StoreError> {
    let mut statement = connection.prepare_cached(match only {
        Some(_) => "SELECT id FROM records WHERE kind = ?1 AND id = ?2 AND NOT deleted",
        None => "SELECT id FROM records WHERE kind = ?1 AND ?2 IS NULL AND NOT deleted",
    })?;
    let rows = statement.query_map(params![kind.as_str(), only.map(RecordId::as_str)], |row| {
        row.get(0)
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The current state of every device, or of those in a room: of all its state
/// rows the one with the greatest (edit time, edit id). A device without a row
/// is not among them; a state that can't be read is empty.
pub fn newest_states(
    connection: &Connection,
    room: Option<&RecordId>,
) -> Result<HashMap<String, JsonObject>, StoreError> {
    const STATES: &str = "SELECT parent_id, updated_at, sync_id, body ->> 'state_json' FROM records
         WHERE kind = 'entity_state' AND NOT deleted";
    let sql = match room {
        Some(_) => format!(
            "{STATES} AND parent_id IN
                 (SELECT id FROM records WHERE kind = 'device' AND parent_id = ?1 AND NOT deleted)"
        ),
        None => format!("{STATES} AND parent_id IS NOT NULL AND ?1 IS NULL"),
    };
    // Of two alike the one with the greater id counts, as where one device is read.
    let mut statement = connection.prepare_cached(&format!("{sql} ORDER BY id"))?;
    let mut rows = statement.query([room.map(RecordId::as_str)])?;
    /// Edit time and edit id. Times are stored in one spelling whose order is theirs.
    type Age = (Option<String>, String);
    let mut newest: HashMap<String, (Age, Option<String>)> = HashMap::new();
    while let Some(row) = rows.next()? {
        let age: Age = (row.get(1)?, row.get(2)?);
        let device: String = row.get(0)?;
        if newest.get(&device).is_none_or(|(known, _)| *known <= age) {
            newest.insert(device, (age, row.get(3)?));
        }
    }
    let read = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
    Ok(newest
        .into_iter()
        .map(|(device, (_, state))| (device, read(state).unwrap_or_default()))
        .collect())
}

/// Which records to list.
#[derive(Debug, Clone, Default)]
pub struct Filter<'a> {
    /// Only this kind.
    pub kind: Option<&'a Kind>,
    /// Only those contained in this record.
    pub parent_id: Option<&'a str>,
    /// Tombstones too.
    pub include_deleted: bool,
}

/// Records in (kind, id) order.
pub fn list(connection: &Connection, filter: &Filter<'_>) -> Result<Vec<Record>, StoreError> {
    let mut sql = format!("SELECT {COLUMNS} FROM records WHERE true");
    let mut values: Vec<&str> = Vec::new();
    if let Some(kind) = filter.kind {
        values.push(kind.as_str());
        sql.push_str(&format!(" AND kind = ?{}", values.len()));
    }
    if let Some(parent) = filter.parent_id {
        values.push(parent);
        sql.push_str(&format!(" AND parent_id = ?{}", values.len()));
    }
    if !filter.include_deleted {
        sql.push_str(" AND deleted = 0");
    }
    sql.push_str(" ORDER BY kind, id");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(rusqlite::params_from_iter(values), record_from)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What the last change of a row was, for those who follow the file from another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastChange {
    /// The record appeared.
    Created(Origin),
    /// It says something else.
    Updated(Origin),
    /// A device that holds its state itself does something else, and is as it was.
    Restated(Origin),
    /// Both.
    UpdatedAndRestated(Origin),
    /// It became a tombstone.
    Deleted(Origin),
    /// It only stands elsewhere with the server.
    Status,
}

impl LastChange {
    fn as_str(self) -> &'static str {
        match self {
            LastChange::Created(Origin::Local) => "created local",
            LastChange::Created(Origin::Remote) => "created remote",
            LastChange::Updated(Origin::Local) => "updated local",
            LastChange::Updated(Origin::Remote) => "updated remote",
            LastChange::Restated(Origin::Local) => "restated local",
            LastChange::Restated(Origin::Remote) => "restated remote",
            LastChange::UpdatedAndRestated(Origin::Local) => "both local",
            LastChange::UpdatedAndRestated(Origin::Remote) => "both remote",
            LastChange::Deleted(Origin::Local) => "deleted local",
            LastChange::Deleted(Origin::Remote) => "deleted remote",
            LastChange::Status => "status",
        }
    }

    fn parse(text: &str) -> Self {
        let origin = if text.ends_with("local") {
            Origin::Local
        } else {
            Origin::Remote
        };
        match text.split(' ').next() {
            Some("created") => LastChange::Created(origin),
            Some("updated") => LastChange::Updated(origin),
            Some("restated") => LastChange::Restated(origin),
            Some("both") => LastChange::UpdatedAndRestated(origin),
            Some("deleted") => LastChange::Deleted(origin),
            _ => LastChange::Status,
        }
    }
}

/// Where a record stands with the server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing<'a> {
    pub(super) status: RecordStatus,
    pub(super) server_updated_at: Option<Timestamp>,
    pub(super) last_sync_at: Option<Timestamp>,
    pub(super) error: Option<&'a str>,
}

impl<'a> From<&'a Record> for Standing<'a> {
    fn from(record: &'a Record) -> Self {
        Self {
            status: record.sync_status,
            server_updated_at: record.server_updated_at,
            last_sync_at: record.last_sync_at,
            error: record.sync_error.as_deref(),
        }
    }
}

/// Writes a record whole, under the given change number. Not by `REPLACE`, which
/// deletes the old row first, and writes every index even where nothing changed.
pub(super) fn put(
    connection: &Connection,
    version: &Version,
    standing: Standing<'_>,
    change_seq: i64,
    last_change: LastChange,
    seen_resync: i64,
) -> Result<(), StoreError> {
    let updated = time_text(version.updated_at);
    // Mostly the same time, which is dear to write out.
    let at_server = match standing.server_updated_at == version.updated_at {
        true => updated.clone(),
        false => time_text(standing.server_updated_at),
    };
    connection
        .prepare_cached(
            "INSERT INTO records (kind, id, parent_id, name, body, created_at, updated_at, sync_id, deleted,
                 sync_status, server_updated_at, last_sync_at, sync_error, change_seq, last_change, seen_resync)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
             ON CONFLICT (kind, id) DO UPDATE SET parent_id = ?3, name = ?4, body = ?5, created_at = ?6,
                 updated_at = ?7, sync_id = ?8, deleted = ?9, sync_status = ?10, server_updated_at = ?11,
                 last_sync_at = ?12, sync_error = ?13, change_seq = ?14, last_change = ?15, seen_resync = ?16",
        )?
        .execute(params![
            version.key.kind.as_str(),
            version.key.id.as_str(),
            version.parent_id.as_ref().map(RecordId::as_str),
            version.name,
            serde_json::to_string(&version.body)?,
            time_text(version.created_at),
            updated,
            version.sync_id,
            version.deleted,
            standing.status.as_str(),
            at_server,
            time_text(standing.last_sync_at),
            standing.error,
            change_seq,
            last_change.as_str(),
            seen_resync,
        ])?;
    Ok(())
}

/// Changes only where a record stands, not what it says.
pub(super) fn set_status(
    connection: &Connection,
    key: &Key,
    status: RecordStatus,
    error: Option<&str>,
    change_seq: i64,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE records SET sync_status = ?3, sync_error = ?4, change_seq = ?5, last_change = 'status' WHERE kind = ?1 AND id = ?2",
        )?
        .execute(params![key.kind.as_str(), key.id.as_str(), status.as_str(), error, change_seq])?;
    Ok(())
}

/// What moving a record needs to know of it.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) name: Option<String>,
    pub(super) parent_id: Option<RecordId>,
    pub(super) deleted: bool,
    pub(super) status: RecordStatus,
}

/// Where a record is, tombstones included.
pub(super) fn place(connection: &Connection, key: &Key) -> Result<Option<Place>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT name, parent_id, deleted, sync_status FROM records WHERE kind = ?1 AND id = ?2",
        )?
        .query_row(params![key.kind.as_str(), key.id.as_str()], |row| {
            let parent: Option<String> = row.get(1)?;
            Ok(Place {
                name: row.get(0)?,
                parent_id: parent.and_then(|id| RecordId::new(id).ok()),
                deleted: row.get(2)?,
                status: RecordStatus::parse(row.get_ref(3)?.as_str()?),
            })
        })
        .optional()?)
}

/// Changes only what a record is in. What else this transaction did to it stays told;
/// and that the server has it is told by pages, not by edges.
pub(super) fn set_parent(
    connection: &Connection,
    key: &Key,
    parent: Option<&RecordId>,
    change_seq: i64,
    last_change: LastChange,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE records SET parent_id = ?3, change_seq = ?4,
                 last_change = CASE
                     WHEN change_seq <> ?4 OR last_change = 'status' THEN ?5
                     ELSE replace(last_change, 'restated', 'both') END
             WHERE kind = ?1 AND id = ?2",
        )?
        .execute(params![
            key.kind.as_str(),
            key.id.as_str(),
            parent.map(RecordId::as_str),
            change_seq,
            last_change.as_str(),
        ])?;
    Ok(())
}

/// Whether a record says exactly this. Compares what is stored, so that an edge
/// that is listed again and again is not read again and again.
pub(super) fn says(connection: &Connection, version: &Version, body: &str) -> Result<bool, StoreError> {
    let same: Option<bool> = connection
        .prepare_cached(
            "SELECT body = ?3 AND parent_id IS ?4 AND deleted = ?5 AND created_at IS ?6
             FROM records WHERE kind = ?1 AND id = ?2",
        )?
        .query_row(
            params![
                version.key.kind.as_str(),
                version.key.id.as_str(),
                body,
                version.parent_id.as_ref().map(RecordId::as_str),
                version.deleted,
                time_text(version.created_at),
            ],
            |row| row.get(0),
        )
        .optional()?;
    Ok(same == Some(true))
}

/// Marks a record as named by a complete answer.
pub(super) fn set_seen(connection: &Connection, key: &Key, resync: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE records SET seen_resync = ?3 WHERE kind = ?1 AND id = ?2")?
        .execute(params![key.kind.as_str(), key.id.as_str(), resync])?;
    Ok(())
}

pub(super) fn remove(connection: &Connection, key: &Key) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM records WHERE kind = ?1 AND id = ?2")?
        .execute(params![key.kind.as_str(), key.id.as_str()])?;
    Ok(())
}

/// Clean records that a complete answer did not name.
pub(super) fn clean_and_unseen(connection: &Connection, resync: i64) -> Result<Vec<Record>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM records WHERE seen_resync <> ?1
         AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.kind = records.kind AND outbox.id = records.id)"
    );
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([resync], record_from)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A record that changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// Number of the change.
    pub change_seq: i64,
    /// What it was.
    pub change: LastChange,
    /// The record, perhaps a tombstone.
    pub record: Record,
}

/// Records changed after the row (`change_seq`, `kind`, `id`), oldest change first.
pub fn changed_after(
    connection: &Connection,
    change_seq: i64,
    kind: &str,
    id: &str,
    limit: u32,
) -> Result<Vec<Changed>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, change_seq, last_change FROM records
         WHERE change_seq >= ?1 AND (change_seq, kind, id) > (?1, ?2, ?3)
         ORDER BY change_seq, kind, id LIMIT ?4"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![change_seq, kind, id, limit], |row| {
        let change: String = row.get(14)?;
        Ok(Changed {
            change_seq: row.get(13)?,
            change: LastChange::parse(&change),
            record: record_from(row)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
