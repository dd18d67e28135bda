//! The one row of `sync_metadata`, the watermarks, and the lease that lets one
//! process at a time sync a replica.

use rusqlite::{Connection, OptionalExtension, params};

use super::StoreError;
use super::rows::unexpected;
use crate::model::{Kind, Timestamp};
use crate::protocol::Protocol;

/// How long a lease lasts without a sign of life, in microseconds: longer than
/// the longest request may take.
pub const LEASE_MICROS: i64 = 150 * crate::model::time::SECOND;

/// Who syncs: one client object of one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseOwner {
    /// Random id of the client object.
    pub id: String,
    /// The process, where its death can be noticed.
    pub pid: Option<u32>,
}

/// The row of `sync_metadata`.
#[derive(Debug, Clone, PartialEq)]
pub struct Metadata {
    /// This replica's name to servers.
    pub client_id: String,
    /// The server, if any.
    pub server_url: Option<String>,
    /// Which protocol the server speaks.
    pub protocol: Protocol,
    /// The least watermark.
    pub last_sync_time: Option<Timestamp>,
    /// When the last sync went through.
    pub last_sync_success: Option<Timestamp>,
    /// Why the last one did not.
    pub last_sync_error: Option<String>,
    /// Failures since the last success.
    pub sync_failures: u64,
    /// Syncs that went through.
    pub total_syncs: u64,
    /// Conflicts ever met.
    pub total_conflicts: u64,
    /// Whether a sync is running.
    pub sync_in_progress: bool,
    /// When the background loop tries next.
    pub next_retry_time: Option<Timestamp>,
    /// The hub this replica belongs to.
    pub hub_id: Option<String>,
    /// The life of the hub's database that it was synced with.
    pub epoch: Option<String>,
    /// Whether the replica may move to another hub at the next sync.
    pub rebind: bool,
    /// Bumped by every page and every settlement.
    pub generation: i64,
    /// Bumped by every commit that changes a record.
    pub change_seq: i64,
    /// Number of the last local edit.
    pub edit_seq: i64,
    /// Number of the last full resync.
    pub resync: i64,
    /// Whether that resync is still going on.
    pub resync_active: bool,
    /// When it began.
    pub resync_at: Option<Timestamp>,
    /// When the digest was last compared.
    pub digest_checked_at: Option<Timestamp>,
    /// Mismatches in a row.
    pub digest_mismatches: u64,
    /// Which one was asked for.
    pub protocol_asked: Protocol,
    /// Whether edges are to be read: 0 no, 1 yes, 2 and everything placed anew.
    pub edges_due: u8,
    /// When they were last read.
    pub edges_read_at: Option<Timestamp>,
    lease_owner: Option<String>,
    lease_pid: Option<u32>,
    lease_expires: Option<Timestamp>,
}

/// The row.
pub fn get(connection: &Connection) -> Result<Metadata, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT client_id, server_url, protocol, last_sync_time, last_sync_success, last_sync_error, sync_failures,
                total_syncs, total_conflicts, sync_in_progress, next_retry_time, hub_id, epoch, rebind, generation,
                change_seq, edit_seq, resync, resync_active, resync_at, digest_checked_at, digest_mismatches,
                lease_owner, lease_pid, lease_expires, edges_due, edges_read_at,
                protocol_asked
         FROM sync_metadata",
    )?;
    Ok(statement.query_row([], |row| {
        let time = |index: usize| -> rusqlite::Result<Option<Timestamp>> {
            Ok(row
                .get::<_, Option<String>>(index)?
                .and_then(|text| Timestamp::parse(&text).ok()))
        };
        let count = |index: usize| -> rusqlite::Result<u64> { Ok(row.get::<_, i64>(index)?.unsigned_abs()) };
        Ok(Metadata {
            client_id: row.get(0)?,
            server_url: row.get(1)?,
            // A word of a newer version can't be here: its schema would be refused.
            protocol: Protocol::parse(&row.get::<_, String>(2)?).unwrap_or(Protocol::Auto),
            last_sync_time: time(3)?,
            last_sync_success: time(4)?,
            last_sync_error: row.get(5)?,
            sync_failures: count(6)?,
            total_syncs: count(7)?,
            total_conflicts: count(8)?,
            sync_in_progress: row.get(9)?,
            next_retry_time: time(10)?,
            hub_id: row.get(11)?,
            epoch: row.get(12)?,
            rebind: row.get(13)?,
            generation: row.get(14)?,
            change_seq: row.get(15)?,
            edit_seq: row.get(16)?,
            resync: row.get(17)?,
            resync_active: row.get(18)?,
            resync_at: time(19)?,
            digest_checked_at: time(20)?,
            digest_mismatches: count(21)?,
            lease_owner: row.get(22)?,
            lease_pid: row.get(23)?,
            lease_expires: time(24)?,
            edges_due: row.get(25)?,
            edges_read_at: time(26)?,
            protocol_asked: Protocol::parse(&row.get::<_, String>(27)?).unwrap_or(Protocol::Auto),
        })
    })?)
}

/// Which protocol the server speaks: what shape records that are made here have.
pub fn protocol(connection: &Connection) -> Result<Protocol, StoreError> {
    let word: String = connection
        .prepare_cached("SELECT protocol FROM sync_metadata")?
        .query_row([], |row| row.get(0))?;
    Ok(Protocol::parse(&word).unwrap_or(Protocol::Auto))
}

/// Who makes versions of a graph here; `None` if the replica holds none.
pub(super) fn graph_author(connection: &Connection) -> Result<Option<String>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT iif(protocol = 'v2', client_id, NULL) FROM sync_metadata")?
        .query_row([], |row| row.get(0))?)
}

/// Sets columns of the row. `assignments` is SQL of ours, never of a user.
pub(super) fn set(
    connection: &Connection,
    assignments: &str,
    values: &[&dyn rusqlite::ToSql],
) -> Result<(), StoreError> {
    let changed = connection
        .prepare_cached(&format!("UPDATE sync_metadata SET {assignments}"))?
        .execute(values)?;
    if changed == 1 {
        Ok(())
    } else {
        Err(unexpected("sync_metadata has no row"))
    }
}

/// Makes the row if it is not there. Looks first: whoever only reads does not
/// wait for a writer.
pub(super) fn ensure(connection: &Connection, client_id: &str) -> Result<(), StoreError> {
    let there: bool = connection.query_row("SELECT EXISTS (SELECT 1 FROM sync_metadata)", [], |row| {
        row.get(0)
    })?;
    if there {
        return Ok(());
    }
    connection.execute(
        "INSERT INTO sync_metadata (only_row, client_id, protocol) VALUES (1, ?1, 'auto') ON CONFLICT (only_row) DO NOTHING",
        [client_id],
    )?;
    Ok(())
}

/// The next number of a counter column.
fn next(connection: &Connection, sql: &str) -> Result<i64, StoreError> {
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

pub(super) fn next_edit_seq(connection: &Connection) -> Result<i64, StoreError> {
    next(
        connection,
        "UPDATE sync_metadata SET edit_seq = edit_seq + 1 RETURNING edit_seq",
    )
}

pub(super) fn next_change_seq(connection: &Connection) -> Result<i64, StoreError> {
    next(
        connection,
        "UPDATE sync_metadata SET change_seq = change_seq + 1 RETURNING change_seq",
    )
}

pub(super) fn next_generation(connection: &Connection) -> Result<i64, StoreError> {
    next(
        connection,
        "UPDATE sync_metadata SET generation = generation + 1 RETURNING generation",
    )
}

/// How taking the lease went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// It is ours.
    Taken,
    /// Somebody else syncs.
    Held,
}

/// Takes the lease.
///
/// Somebody else's is respected until it expires or its process is gone. One
/// that expires later than it could have been taken is from before a step back
/// of the clock, and counts as expired.
pub(super) fn take_lease(
    connection: &Connection,
    owner: &LeaseOwner,
    now: Timestamp,
) -> Result<Lease, StoreError> {
    let found = get(connection)?;
    if let Some(expires) = found.lease_expires {
        let theirs = found
            .lease_owner
            .as_deref()
            .is_some_and(|holder| holder != owner.id);
        let running = expires > now && expires <= now.plus_micros(LEASE_MICROS);
        if theirs && running && found.lease_pid.is_none_or(super::process::is_alive) {
            return Ok(Lease::Held);
        }
    }
    let expires = now.plus_micros(LEASE_MICROS).to_string();
    set(
        connection,
        "lease_owner = ?1, lease_pid = ?2, lease_expires = ?3, sync_in_progress = 1",
        &[&owner.id, &owner.pid, &expires],
    )?;
    Ok(Lease::Taken)
}

/// Renews the lease; false if it is not ours any more.
pub(super) fn renew_lease(
    connection: &Connection,
    owner: &LeaseOwner,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let expires = now.plus_micros(LEASE_MICROS).to_string();
    let renewed = connection
        .prepare_cached("UPDATE sync_metadata SET lease_expires = ?1 WHERE lease_owner = ?2")?
        .execute(params![expires, owner.id])?;
    Ok(renewed > 0)
}

/// Whether the lease is still ours.
pub(super) fn holds_lease(connection: &Connection, owner: &LeaseOwner) -> Result<bool, StoreError> {
    Ok(get(connection)?.lease_owner.as_deref() == Some(owner.id.as_str()))
}

/// Gives the lease back, if it is ours.
pub(super) fn release_lease(connection: &Connection, owner: &LeaseOwner) -> Result<(), StoreError> {
    connection.execute(
        "UPDATE sync_metadata SET lease_owner = NULL, lease_pid = NULL, lease_expires = NULL, sync_in_progress = 0
         WHERE lease_owner = ?1",
        [&owner.id],
    )?;
    Ok(())
}

/// The watermark of every kind that has one.
pub fn watermarks(connection: &Connection) -> Result<Vec<(Kind, Timestamp)>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT kind, server_time FROM watermarks WHERE kind <> 'graph' ORDER BY kind")?;
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

pub(super) fn set_watermarks(
    connection: &Connection,
    kinds: &[Kind],
    server_time: Timestamp,
) -> Result<(), StoreError> {
    let text = server_time.to_string();
    let mut statement =
        connection.prepare_cached("INSERT OR REPLACE INTO watermarks (kind, server_time) VALUES (?1, ?2)")?;
    for kind in kinds {
        statement.execute(params![kind.as_str(), text])?;
    }
    connection.execute(
        "UPDATE sync_metadata SET last_sync_time = (SELECT min(server_time) FROM watermarks)",
        [],
    )?;
    Ok(())
}

/// How far a graph was pulled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GraphWatermark {
    /// The server's time of the first page of the last loop, or of the one that goes on.
    pub server_time: Option<Timestamp>,
    /// Where that loop goes on; `None` when it is complete.
    pub cursor: Option<String>,
}

/// How far the graph was pulled.
pub fn graph_watermark(connection: &Connection) -> Result<GraphWatermark, StoreError> {
    let row = connection
        .prepare_cached("SELECT server_time, cursor FROM watermarks WHERE kind = 'graph'")?
        .query_row([], |row| {
            Ok((row.get::<_, Option<String>>(0)?, row.get::<_, Option<String>>(1)?))
        })
        .optional()?;
    Ok(
        row.map_or_else(GraphWatermark::default, |(time, cursor)| GraphWatermark {
            server_time: time.and_then(|text| Timestamp::parse(&text).ok()),
            cursor,
        }),
    )
}

pub(super) fn set_graph_watermark(connection: &Connection, mark: &GraphWatermark) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO watermarks (kind, server_time, cursor) VALUES ('graph', ?1, ?2)",
        )?
        .execute(params![
            mark.server_time.map(|time| time.to_string()),
            mark.cursor
        ])?;
    connection.execute(
        "UPDATE sync_metadata SET last_sync_time = (SELECT min(server_time) FROM watermarks)",
        [],
    )?;
    Ok(())
}

pub(super) fn clear_watermarks(connection: &Connection) -> Result<(), StoreError> {
    connection.execute("DELETE FROM watermarks", [])?;
    connection.execute("UPDATE sync_metadata SET last_sync_time = NULL", [])?;
    Ok(())
}
