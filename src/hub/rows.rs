//! The hub's rows: versions, losers and decided edits in and out of SQLite.
//!
//! Every function works on the connection of a transaction that its caller
//! began. Which row to write is decided in `decide`.

use rusqlite::{Connection, OptionalExtension as _, Row};
use serde_json::Value;

use crate::conflict::Reason;
use crate::model::{Key, Kind, RecordId, Timestamp, Version};
use crate::protocol::v1::{decode_data, encode_data};

use super::HubError;

/// What became of an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It became the current version, which it may no longer be.
    Applied,
    /// It met a concurrent version and lost.
    Lost,
    /// A later edit named it as a base before it arrived itself.
    Superseded,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Outcome::Applied => "applied",
            Outcome::Lost => "lost",
            Outcome::Superseded => "superseded",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        match word {
            "applied" => Some(Outcome::Applied),
            "lost" => Some(Outcome::Lost),
            "superseded" => Some(Outcome::Superseded),
            _ => None,
        }
    }
}

/// A version that lost against a concurrent one, kept whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Loser {
    /// The version that lost.
    pub version: Version,
    /// The version it lost against.
    pub winner: Version,
    /// Why, with the hub's version as local and the pushed one as remote.
    pub reason: Reason,
    /// The client that pushed the loser; empty for imported and sample versions.
    pub client_id: String,
    /// Whether the loser had been applied before; otherwise it lost on arrival.
    pub displaced: bool,
    /// The winner's arrival stamp.
    pub arrival: Timestamp,
}

/// A current version with what the hub knows of it.
#[derive(Debug, Clone)]
pub(super) struct Current {
    pub(super) version: Version,
    pub(super) bases: Vec<String>,
    pub(super) client_id: String,
    pub(super) arrival: Timestamp,
}

/// The columns of `versions` that [`current_from`] reads, in its order.
pub(super) const CURRENT_COLUMNS: &str = "kind, id, data, bases, client_id, arrival";
const LOSER_COLUMNS: &str = "kind, id, data, winner, reason, client_id, displaced, arrival";

/// Reads a row of [`CURRENT_COLUMNS`].
pub(super) fn current_from(row: &Row<'_>) -> Result<Current, HubError> {
    let key = key_from(row)?;
    let bases: String = row.get(3)?;
    Ok(Current {
        bases: serde_json::from_str(&bases).map_err(|problem| damaged(&key, &problem))?,
        version: version_from(&key, row, 2)?,
        client_id: row.get(4)?,
        arrival: Timestamp::from_micros(row.get(5)?),
    })
}

fn loser_from(row: &Row<'_>) -> Result<Loser, HubError> {
    let key = key_from(row)?;
    let reason: String = row.get(4)?;
    Ok(Loser {
        version: version_from(&key, row, 2)?,
        winner: version_from(&key, row, 3)?,
        reason: serde_json::from_value(Value::String(reason)).map_err(|problem| damaged(&key, &problem))?,
        client_id: row.get(5)?,
        displaced: row.get(6)?,
        arrival: Timestamp::from_micros(row.get(7)?),
    })
}

fn key_from(row: &Row<'_>) -> Result<Key, HubError> {
    let kind: String = row.get(0)?;
    let id: String = row.get(1)?;
    let id = RecordId::new(id).map_err(|problem| HubError::Damaged {
        what: kind.clone(),
        problem: problem.to_string(),
    })?;
    Ok(Key::new(Kind::parse(&kind), id))
}

fn version_from(key: &Key, row: &Row<'_>, column: usize) -> Result<Version, HubError> {
    let text = row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?;
    let data = serde_json::from_str(text).map_err(|problem| damaged(key, &problem))?;
    decode_data(key.clone(), data).map_err(|problem| damaged(key, &problem))
}

fn damaged(key: &Key, problem: &dyn std::fmt::Display) -> HubError {
    HubError::Damaged {
        what: key.to_string(),
        problem: problem.to_string(),
    }
}

/// The `data` of a version as it is stored.
pub(super) fn data_text(version: &Version) -> String {
    Value::Object(encode_data(version)).to_string()
}

/// The current version of a record, tombstones included.
pub(super) fn current(conn: &Connection, key: &Key) -> Result<Option<Current>, HubError> {
    let sql = format!("SELECT {CURRENT_COLUMNS} FROM versions WHERE kind = ?1 AND id = ?2");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query((key.kind.as_str(), key.id.as_str()))?;
    rows.next()?.map(current_from).transpose()
}

/// All current versions in (kind, id) order, each handed to `take`.
pub(super) fn each_current(
    conn: &Connection,
    mut take: impl FnMut(Current) -> Result<(), HubError>,
) -> Result<(), HubError> {
    let sql = format!("SELECT {CURRENT_COLUMNS} FROM versions ORDER BY kind, id");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(current_from(row)?)?;
    }
    Ok(())
}

/// Makes `current` the current version of its record.
pub(super) fn put_current(conn: &Connection, current: &Current) -> Result<(), HubError> {
    let version = &current.version;
    conn.prepare_cached(
        "INSERT OR REPLACE INTO versions (kind, id, sync_id, deleted, data, bases, client_id, arrival)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute((
        version.key.kind.as_str(),
        version.key.id.as_str(),
        &version.sync_id,
        version.deleted,
        data_text(version),
        Value::from(current.bases.clone()).to_string(),
        &current.client_id,
        current.arrival.micros(),
    ))?;
    Ok(())
}

/// What became of an edit, if it was decided or named as a base.
pub(super) fn decided(conn: &Connection, key: &Key, sync_id: &str) -> Result<Option<Outcome>, HubError> {
    let word: Option<String> = conn
        .prepare_cached("SELECT outcome FROM decided WHERE kind = ?1 AND id = ?2 AND sync_id = ?3")?
        .query_row((key.kind.as_str(), key.id.as_str(), sync_id), |row| row.get(0))
        .optional()?;
    word.map(|word| Outcome::parse(&word).ok_or_else(|| damaged(key, &format!("outcome {word:?}"))))
        .transpose()
}

/// Notes what became of an edit, unless that is known already.
pub(super) fn note_decided(
    conn: &Connection,
    key: &Key,
    sync_id: &str,
    outcome: Outcome,
) -> Result<(), HubError> {
    // Nothing can name an edit without an id.
    if sync_id.is_empty() {
        return Ok(());
    }
    conn.prepare_cached(
        "INSERT OR IGNORE INTO decided (kind, id, sync_id, outcome) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute((key.kind.as_str(), key.id.as_str(), sync_id, outcome.as_str()))?;
    Ok(())
}

/// Keeps a version that lost.
pub(super) fn keep_loser(conn: &Connection, loser: &Loser) -> Result<(), HubError> {
    let key = &loser.version.key;
    conn.prepare_cached(
        "INSERT INTO losers (kind, id, sync_id, data, winner_sync_id, winner, reason, client_id, displaced, arrival)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute((
        key.kind.as_str(),
        key.id.as_str(),
        &loser.version.sync_id,
        data_text(&loser.version),
        &loser.winner.sync_id,
        data_text(&loser.winner),
        loser.reason.as_str(),
        &loser.client_id,
        loser.displaced,
        loser.arrival.micros(),
    ))?;
    Ok(())
}

/// The loss of the edit `sync_id`, if it lost on arrival.
pub(super) fn loss_of(conn: &Connection, key: &Key, sync_id: &str) -> Result<Option<Loser>, HubError> {
    one_loser(conn, "sync_id = ?3 AND NOT displaced", key, sync_id)
}

/// What the edit `sync_id` displaced, if it won against a concurrent version.
pub(super) fn displaced_by(conn: &Connection, key: &Key, sync_id: &str) -> Result<Option<Loser>, HubError> {
    one_loser(conn, "winner_sync_id = ?3 AND displaced", key, sync_id)
}

fn one_loser(
    conn: &Connection,
    condition: &str,
    key: &Key,
    sync_id: &str,
) -> Result<Option<Loser>, HubError> {
    let sql = format!(
        "SELECT {LOSER_COLUMNS} FROM losers WHERE kind = ?1 AND id = ?2 AND {condition} ORDER BY seq LIMIT 1"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query((key.kind.as_str(), key.id.as_str(), sync_id))?;
    rows.next()?.map(loser_from).transpose()
}

/// Every loser, in the order in which they lost.
pub(super) fn losers(conn: &Connection) -> Result<Vec<Loser>, HubError> {
    let sql = format!("SELECT {LOSER_COLUMNS} FROM losers ORDER BY seq");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut losers = Vec::new();
    while let Some(row) = rows.next()? {
        losers.push(loser_from(row)?);
    }
    Ok(losers)
}

/// Hands over the displaced versions of `client_id` whose winners arrived
/// within (`after`, `until`], in order of arrival, until `take` has enough.
pub(super) fn each_displaced(
    conn: &Connection,
    client_id: &str,
    after: i64,
    until: i64,
    mut take: impl FnMut(Loser, usize) -> bool,
) -> Result<(), HubError> {
    let sql = format!(
        "SELECT {LOSER_COLUMNS}, octet_length(data) + octet_length(winner) FROM losers
         WHERE displaced AND client_id = ?1 AND arrival > ?2 AND arrival <= ?3 ORDER BY arrival"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query((client_id, after, until))?;
    while let Some(row) = rows.next()? {
        let size = usize::try_from(row.get::<_, i64>(8)?).unwrap_or(usize::MAX);
        if !take(loser_from(row)?, size) {
            break;
        }
    }
    Ok(())
}
