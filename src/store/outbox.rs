//! The outbox: what the server has not got, and every attempt to send it.
//!
//! One row a record. A row leaves only by the rules in `pull`, `settle` and
//! `edits`; this file only reads and writes rows.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::StoreError;
use super::rows::{json_column, key_from};
use crate::model::{Key, Kind, Timestamp, Version};
use crate::protocol::v1::Operation;

/// Whether an unsent edit will be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, uniffi::Enum)]
#[serde(rename_all = "snake_case")]
#[uniffi(name = "PendingState")]
pub enum OutboxState {
    /// It will, at the next sync.
    Queued,
    /// Not before it is retried or edited: the server refused it.
    Failed,
}

impl OutboxState {
    /// The word in the database and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            OutboxState::Queued => "queued",
            OutboxState::Failed => "failed",
        }
    }
}

/// The unsent edit of one record.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxEntry {
    /// Which record.
    pub key: Key,
    /// What the edit amounts to.
    pub op: Operation,
    /// Number of the edit, growing over the whole replica.
    pub edit_seq: i64,
    /// Queued or failed.
    pub state: OutboxState,
    /// How often an edit of this record was sent.
    pub attempts: u64,
    /// How many whole answers did not name it.
    pub unnamed: u64,
    /// In how many syncs it alone was answered 500.
    pub server_errors: u64,
    /// A word for why it failed.
    pub error_code: Option<String>,
    /// Why it failed, in words.
    pub last_error: Option<String>,
    /// When it failed.
    pub failed_at: Option<Timestamp>,
    /// The server version it was made on and every attempted predecessor.
    pub bases: Vec<String>,
}

impl OutboxEntry {
    /// An edit that was never sent, of a record that the server is not known to have.
    pub(super) fn first(key: Key, op: Operation, edit_seq: i64) -> Self {
        Self {
            key,
            op,
            edit_seq,
            state: OutboxState::Queued,
            attempts: 0,
            unnamed: 0,
            server_errors: 0,
            error_code: None,
            last_error: None,
            failed_at: None,
            bases: Vec::new(),
        }
    }

    /// Queued, with the counts and marks of failure gone. What the server last
    /// said stays, for whoever asks.
    pub(super) fn queued_again(self) -> Self {
        Self {
            state: OutboxState::Queued,
            unnamed: 0,
            server_errors: 0,
            error_code: None,
            failed_at: None,
            ..self
        }
    }
}

/// An attempted edit.
#[derive(Debug, Clone, PartialEq)]
pub struct SentEdit {
    /// Which record.
    pub key: Key,
    /// Which edit of it.
    pub edit_seq: i64,
    /// Names the edit in the server's answer.
    pub attempt_id: String,
    /// What was sent.
    pub version: Version,
    /// Its bases when it was first sent.
    pub bases: Vec<String>,
    /// `sync_id` of the version in the mirror then; empty if there was none.
    pub mirrored: String,
}

const COLUMNS: &str = "kind, id, op, edit_seq, state, attempts, unnamed, server_errors, error_code, last_error, \
                       failed_at, bases";

fn entry_from(row: &Row<'_>) -> rusqlite::Result<OutboxEntry> {
    let op: String = row.get(2)?;
    let state: String = row.get(4)?;
    let failed_at: Option<String> = row.get(10)?;
    Ok(OutboxEntry {
        key: key_from(row, 0, 1)?,
        op: Operation::parse(&op).unwrap_or(Operation::Update),
        edit_seq: row.get(3)?,
        state: if state == "failed" {
            OutboxState::Failed
        } else {
            OutboxState::Queued
        },
        attempts: row.get::<_, i64>(5)?.unsigned_abs(),
        unnamed: row.get::<_, i64>(6)?.unsigned_abs(),
        server_errors: row.get::<_, i64>(7)?.unsigned_abs(),
        error_code: row.get(8)?,
        last_error: row.get(9)?,
        failed_at: failed_at.and_then(|text| Timestamp::parse(&text).ok()),
        bases: json_column(row, 11)?,
    })
}

/// The unsent edit of a record, if it has one.
pub fn get(connection: &Connection, key: &Key) -> Result<Option<OutboxEntry>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM outbox WHERE kind = ?1 AND id = ?2");
    Ok(connection
        .prepare_cached(&sql)?
        .query_row(params![key.kind.as_str(), key.id.as_str()], entry_from)
        .optional()?)
}

/// Every unsent edit, in push order.
pub fn list(connection: &Connection) -> Result<Vec<OutboxEntry>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM outbox ORDER BY rank, edit_seq");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([], entry_from)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// (queued, failed).
pub fn counts(connection: &Connection) -> Result<(u64, u64), StoreError> {
    Ok(connection
        .prepare_cached("SELECT count(*) FILTER (WHERE state <> 'failed'), count(*) FILTER (WHERE state = 'failed') FROM outbox")?
        .query_row([], |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get::<_, i64>(1)?.unsigned_abs())))?)
}

/// Where a push has come to: rank and edit number of the last entry taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PushPosition {
    /// Rank of the kind in the push order.
    pub rank: i64,
    /// Edit number.
    pub edit_seq: i64,
}

/// The next entries to push, containers before contents: queued ones, and
/// failed ones for which `retry_before` has come (one that failed in the future
/// is from before a step back of the clock), up to edit `last_edit`.
pub(super) fn due(
    connection: &Connection,
    after: PushPosition,
    last_edit: i64,
    retry_before: Timestamp,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<OutboxEntry>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM outbox
         WHERE (rank, edit_seq) > (?1, ?2) AND edit_seq <= ?3
           AND (state = 'queued' OR (error_code = 'server_error' AND (failed_at IS NULL OR failed_at <= ?4 OR failed_at > ?6)))
         ORDER BY rank, edit_seq LIMIT ?5"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(
        params![
            after.rank,
            after.edit_seq,
            last_edit,
            retry_before.to_string(),
            limit,
            now.to_string()
        ],
        entry_from,
    )?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Deletes that FunkyGibbon 0.1 may have taken: the answer to the one sent as an
/// update was lost, and it breaks over a row that is deleted already. By kind,
/// with the time of the earliest.
pub(super) fn unsure_deletes(connection: &Connection) -> Result<Vec<(Kind, Timestamp)>, StoreError> {
    // Few edits wait at any time, and a planner without statistics does not know it.
    let mut statement = connection.prepare_cached(
        "SELECT outbox.kind, min(records.updated_at) FROM outbox CROSS JOIN records USING (kind, id)
         WHERE op = 'delete' AND unnamed > 0 AND server_errors > 0 GROUP BY outbox.kind",
    )?;
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?))
    })?;
    let mut found = Vec::new();
    for row in rows {
        let (kind, time) = row?;
        if let Some(time) = time.and_then(|text| Timestamp::parse(&text).ok()) {
            found.push((Kind::parse(&kind), time));
        }
    }
    Ok(found)
}

pub(super) fn put(connection: &Connection, entry: &OutboxEntry) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO outbox (kind, id, op, rank, edit_seq, state, attempts, unnamed, server_errors,
                 error_code, last_error, failed_at, bases)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            entry.key.kind.as_str(),
            entry.key.id.as_str(),
            entry.op.as_str(),
            entry.key.kind.push_rank(),
            entry.edit_seq,
            entry.state.as_str(),
            i64::try_from(entry.attempts).unwrap_or(i64::MAX),
            i64::try_from(entry.unnamed).unwrap_or(i64::MAX),
            i64::try_from(entry.server_errors).unwrap_or(i64::MAX),
            entry.error_code,
            entry.last_error,
            super::rows::time_text(entry.failed_at),
            serde_json::to_string(&entry.bases)?,
        ])?;
    Ok(())
}

/// Forgets the unsent edit and all attempts of a record.
pub(super) fn clear(connection: &Connection, key: &Key) -> Result<(), StoreError> {
    remove(connection, key)?;
    clear_sent(connection, key)
}

/// Forgets all attempts of a record: the server said what became of them.
pub(super) fn clear_sent(connection: &Connection, key: &Key) -> Result<(), StoreError> {
    clear_sent_until(connection, key, i64::MAX)
}

/// Forgets the unsent edit of a record, but not the attempts to send it.
pub(super) fn remove(connection: &Connection, key: &Key) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM outbox WHERE kind = ?1 AND id = ?2")?
        .execute(params![key.kind.as_str(), key.id.as_str()])?;
    Ok(())
}

/// Whether any attempt has no answer, also of an edit that is not waiting any more.
pub(super) fn any_sent(connection: &Connection) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM outbox_sent)")?
        .query_row([], |row| row.get(0))?)
}

/// Whether any edit of a record was ever sent since it was clean.
pub(super) fn ever_sent(connection: &Connection, key: &Key) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM outbox_sent WHERE kind = ?1 AND id = ?2)")?
        .query_row(params![key.kind.as_str(), key.id.as_str()], |row| row.get(0))?)
}

/// The attempts of a record's edits before `edit_seq` that have no answer, oldest first.
pub(super) fn sent_before(
    connection: &Connection,
    key: &Key,
    edit_seq: i64,
) -> Result<Vec<SentEdit>, StoreError> {
    let sql = format!("{SENT} AND edit_seq < ?3 ORDER BY edit_seq");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![key.kind.as_str(), key.id.as_str(), edit_seq], sent_from)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Forgets attempts that were answered.
pub(super) fn clear_sent_until(connection: &Connection, key: &Key, edit_seq: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM outbox_sent WHERE kind = ?1 AND id = ?2 AND edit_seq <= ?3")?
        .execute(params![key.kind.as_str(), key.id.as_str(), edit_seq])?;
    Ok(())
}

/// The attempt of one edit, if it was sent.
pub(super) fn sent(
    connection: &Connection,
    key: &Key,
    edit_seq: i64,
) -> Result<Option<SentEdit>, StoreError> {
    let sql = format!("{SENT} AND edit_seq = ?3");
    Ok(connection
        .prepare_cached(&sql)?
        .query_row(params![key.kind.as_str(), key.id.as_str(), edit_seq], sent_from)
        .optional()?)
}

const SENT: &str = "SELECT kind, id, edit_seq, attempt_id, payload, bases, mirrored FROM outbox_sent WHERE kind = ?1 AND id = ?2";

fn sent_from(row: &Row<'_>) -> rusqlite::Result<SentEdit> {
    Ok(SentEdit {
        key: key_from(row, 0, 1)?,
        edit_seq: row.get(2)?,
        attempt_id: row.get(3)?,
        version: json_column(row, 4)?,
        bases: json_column(row, 5)?,
        mirrored: row.get(6)?,
    })
}

pub(super) fn put_sent(connection: &Connection, sent: &SentEdit, now: Timestamp) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO outbox_sent (kind, id, edit_seq, sync_id, attempt_id, payload, bases, mirrored, sent_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            sent.key.kind.as_str(),
            sent.key.id.as_str(),
            sent.edit_seq,
            sent.version.sync_id,
            sent.attempt_id,
            serde_json::to_string(&sent.version)?,
            serde_json::to_string(&sent.bases)?,
            sent.mirrored,
            now.to_string(),
        ])?;
    Ok(())
}
