//! The journal of edits that lost or were refused, and the history of
//! superseded versions. Nothing here decides who loses.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::StoreError;
use super::rows::{json_column, time_text};
use crate::model::{Key, Kind, RecordId, Timestamp, Version};
use crate::mutant::{self, Mutant};

/// How many entries the journal keeps before it prunes those older than [`MIN_DAYS`].
pub const MAX_ENTRIES: i64 = 10_000;
/// Entries younger than this many days are never pruned.
pub const MIN_DAYS: i64 = 90;
/// The journal is looked over once in so many entries: counting it is work.
const PRUNE_EVERY: i64 = 100;
/// How many superseded versions are kept.
pub const MAX_HISTORY: i64 = 1_000;

/// Whose edit lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, uniffi::Enum)]
#[serde(rename_all = "snake_case")]
pub enum Loser {
    /// An edit made on this replica.
    Local,
    /// A server version that an edit made here won over.
    Remote,
}

impl Loser {
    /// The word in the database and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Loser::Local => "local",
            Loser::Remote => "remote",
        }
    }
}

/// What is to be journaled.
#[derive(Debug, Clone)]
pub(super) struct Loss<'a> {
    pub version: &'a Version,
    pub winner: Option<&'a Version>,
    pub reason: &'a str,
    pub loser: Loser,
}

/// A journaled edit.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalEntry {
    /// Number of the entry.
    pub entry: i64,
    /// The edit that lost, whole.
    pub version: Version,
    /// The version that stayed.
    pub winner: Option<Version>,
    /// The rule's reason, or `replaced_on_server`, `rejected`, `discarded`, `absent_on_server`.
    pub reason: String,
    /// Whose edit it was.
    pub loser: Loser,
    /// When it was recorded here.
    pub recorded_at: Timestamp,
    /// Whether the user has seen to it.
    pub dismissed: bool,
}

/// Records a loss; the same edit is recorded once. Gives the entry if it is news.
pub(super) fn record(
    connection: &Connection,
    loss: &Loss<'_>,
    now: Timestamp,
) -> Result<Option<JournalEntry>, StoreError> {
    if mutant::active(Mutant::NoJournal) {
        return Ok(Some(loss.entry(0, now)));
    }
    let key = &loss.version.key;
    let known: Option<String> = connection
        .prepare_cached(
            "SELECT reason FROM journal WHERE kind = ?1 AND id = ?2 AND sync_id = ?3 AND sync_id <> ''",
        )?
        .query_row(
            params![key.kind.as_str(), key.id.as_str(), loss.version.sync_id],
            |row| row.get(0),
        )
        .optional()?;
    // A refused edit that is sent again and then loses is news; the rest is repetition.
    if known.is_some_and(|reason| reason == loss.reason || reason != "rejected") {
        return Ok(None);
    }
    let entry = connection
        .prepare_cached(
            "INSERT INTO journal (kind, id, sync_id, reason, loser, version, winner, losing_time, winning_time,
                 recorded_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (kind, id, sync_id) WHERE sync_id <> '' DO UPDATE SET reason = excluded.reason,
                 loser = excluded.loser, version = excluded.version, winner = excluded.winner,
                 losing_time = excluded.losing_time, winning_time = excluded.winning_time,
                 recorded_at = excluded.recorded_at, dismissed = 0
             RETURNING entry",
        )?
        .query_row(
            params![
                key.kind.as_str(),
                key.id.as_str(),
                loss.version.sync_id,
                loss.reason,
                loss.loser.as_str(),
                serde_json::to_string(loss.version)?,
                loss.winner.map(serde_json::to_string).transpose()?,
                time_text(loss.version.updated_at),
                time_text(loss.winner.and_then(|winner| winner.updated_at)),
                now.to_string(),
            ],
            |row| row.get(0),
        )?;
    if entry % PRUNE_EVERY == 0 {
        prune(connection, now)?;
    }
    Ok(Some(loss.entry(entry, now)))
}

impl Loss<'_> {
    fn entry(&self, entry: i64, now: Timestamp) -> JournalEntry {
        JournalEntry {
            entry,
            version: self.version.clone(),
            winner: self.winner.cloned(),
            reason: self.reason.to_owned(),
            loser: self.loser,
            recorded_at: now,
            dismissed: false,
        }
    }
}

fn prune(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM journal")?
        .query_row([], |row| row.get(0))?;
    if count <= MAX_ENTRIES {
        return Ok(());
    }
    let before = now.plus_micros(-MIN_DAYS * 86_400 * crate::model::time::SECOND);
    let pruned = connection.execute(
        "DELETE FROM journal WHERE entry IN
             (SELECT entry FROM journal WHERE recorded_at < ?1 ORDER BY dismissed DESC, entry LIMIT ?2)",
        params![before.to_string(), count - MAX_ENTRIES],
    )?;
    if pruned > 0 {
        tracing::warn!(pruned, "old journal entries were pruned");
        connection.execute(
            "UPDATE sync_metadata SET journal_pruned = journal_pruned + ?1",
            [pruned as i64],
        )?;
    }
    Ok(())
}

/// Takes back a refusal: the edit got through after all.
pub(super) fn forget_rejection(connection: &Connection, key: &Key, sync_id: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM journal WHERE kind = ?1 AND id = ?2 AND sync_id = ?3 AND reason = 'rejected'",
        )?
        .execute(params![key.kind.as_str(), key.id.as_str(), sync_id])?;
    Ok(())
}

const ENTRY: &str = "SELECT entry, version, winner, reason, loser, recorded_at, dismissed FROM journal";

fn entry_from(row: &Row<'_>) -> rusqlite::Result<JournalEntry> {
    let loser: String = row.get(4)?;
    let recorded_at: String = row.get(5)?;
    let winner: Option<Version> = match row.get_ref(2)? {
        rusqlite::types::ValueRef::Null => None,
        _ => Some(json_column(row, 2)?),
    };
    Ok(JournalEntry {
        entry: row.get(0)?,
        version: json_column(row, 1)?,
        winner,
        reason: row.get(3)?,
        loser: if loser == "remote" {
            Loser::Remote
        } else {
            Loser::Local
        },
        recorded_at: Timestamp::parse(&recorded_at).unwrap_or(Timestamp::from_micros(0)),
        dismissed: row.get(6)?,
    })
}

/// Entries, newest first: those not dismissed, or all; of one record, or of all.
pub fn list(
    connection: &Connection,
    key: Option<&Key>,
    with_dismissed: bool,
) -> Result<Vec<JournalEntry>, StoreError> {
    let rows = match key {
        Some(key) => {
            let sql =
                format!("{ENTRY} WHERE kind = ?1 AND id = ?2 AND (?3 OR NOT dismissed) ORDER BY entry DESC");
            let values = params![key.kind.as_str(), key.id.as_str(), with_dismissed];
            connection
                .prepare_cached(&sql)?
                .query_map(values, entry_from)?
                .collect::<rusqlite::Result<_>>()
        }
        None => {
            let sql = format!("{ENTRY} WHERE (?1 OR NOT dismissed) ORDER BY entry DESC");
            connection
                .prepare_cached(&sql)?
                .query_map([with_dismissed], entry_from)?
                .collect::<rusqlite::Result<_>>()
        }
    };
    Ok(rows?)
}

/// One entry by number.
pub fn get(connection: &Connection, entry: i64) -> Result<Option<JournalEntry>, StoreError> {
    let sql = format!("{ENTRY} WHERE entry = ?1");
    Ok(connection
        .prepare_cached(&sql)?
        .query_row([entry], entry_from)
        .optional()?)
}

/// Marks an entry as seen to. Returns whether there was one.
pub(super) fn dismiss(connection: &Connection, entry: i64) -> Result<bool, StoreError> {
    Ok(connection.execute("UPDATE journal SET dismissed = 1 WHERE entry = ?1", [entry])? > 0)
}

/// Keeps a version that was superseded.
pub(super) fn supersede(
    connection: &Connection,
    version: &Version,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO history (kind, id, version, superseded_at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            version.key.kind.as_str(),
            version.key.id.as_str(),
            serde_json::to_string(version)?,
            now.to_string()
        ])?;
    let newest = connection.last_insert_rowid();
    connection
        .prepare_cached("DELETE FROM history WHERE entry <= ?1")?
        .execute([newest - MAX_HISTORY])?;
    Ok(())
}

/// Superseded versions of a record with the time they were superseded, newest first.
pub fn history(
    connection: &Connection,
    key: &Key,
    limit: u32,
) -> Result<Vec<(Version, Timestamp)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT version, superseded_at FROM history WHERE kind = ?1 AND id = ?2 ORDER BY entry DESC LIMIT ?3",
    )?;
    let rows = statement.query_map(params![key.kind.as_str(), key.id.as_str(), limit], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    rows.map(|row| {
        let (version, at) = row?;
        Ok((
            serde_json::from_str(&version)?,
            Timestamp::parse(&at).unwrap_or(Timestamp::from_micros(0)),
        ))
    })
    .collect()
}

/// An edit made here that lost and was not seen to yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenLoss {
    /// Number of the entry.
    pub entry: i64,
    /// Why it lost.
    pub reason: String,
}

/// The newest of a record's open losses. What its author discarded is none, and
/// what the server refused is told by the record itself.
pub fn open_loss(connection: &Connection, key: &Key) -> Result<Option<OpenLoss>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT entry, reason FROM journal
             WHERE kind = ?1 AND id = ?2 AND NOT dismissed AND loser = 'local'
                 AND reason NOT IN ('discarded', 'rejected')
             ORDER BY entry DESC LIMIT 1",
        )?
        .query_row(params![key.kind.as_str(), key.id.as_str()], |row| {
            Ok(OpenLoss {
                entry: row.get(0)?,
                reason: row.get(1)?,
            })
        })
        .optional()?)
}

/// The newest open loss of every record of a kind that has one.
pub fn open_losses(connection: &Connection, kind: &Kind) -> Result<HashMap<RecordId, OpenLoss>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, entry, reason FROM journal
         WHERE kind = ?1 AND NOT dismissed AND loser = 'local' AND reason NOT IN ('discarded', 'rejected')
         ORDER BY entry",
    )?;
    let rows = statement.query_map([kind.as_str()], |row| {
        let loss = OpenLoss {
            entry: row.get(1)?,
            reason: row.get(2)?,
        };
        Ok((row.get::<_, String>(0)?, loss))
    })?;
    let mut losses = HashMap::new();
    for row in rows {
        let (id, loss) = row?;
        if let Ok(id) = RecordId::new(id) {
            losses.insert(id, loss);
        }
    }
    Ok(losses)
}

/// How many entries are not dismissed.
pub fn count(connection: &Connection) -> Result<u64, StoreError> {
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM journal WHERE NOT dismissed")?
        .query_row([], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}
