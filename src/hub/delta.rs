//! What the hub tells: pages of what arrived, and digests of what is there.
//!
//! Everything is by *arrival*, never by edit time, so that an edit made offline
//! yesterday and pushed today reaches everyone.

use std::collections::HashMap;

use rusqlite::Connection;

use crate::model::{Kind, Timestamp};
use crate::protocol::digest::{ContentDigest, StateDigest};
use crate::protocol::v1::{Conflict, Delta, Operation, SyncRequest, Verdict, WireChange};

use super::HubError;
use super::decide::greatest_arrival;
use super::rows::{self, CURRENT_COLUMNS, Current};

/// How much a page holds. It always holds at least one change.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageLimit {
    pub(super) changes: usize,
    /// Of stored data: half of what a message may have, which leaves room for
    /// what every change has around its data.
    pub(super) bytes: usize,
}

impl Default for PageLimit {
    fn default() -> Self {
        Self {
            changes: 1_000,
            bytes: crate::protocol::MAX_MESSAGE_BYTES / 2,
        }
    }
}

/// State digests, each good for as long as nothing new arrived. Every change of
/// a record has an arrival stamp, so the greatest one names the contents.
#[derive(Debug, Default)]
pub(super) struct DigestCache {
    arrival: i64,
    by_kinds: HashMap<String, String>,
}

/// Room for digests of different sets of kinds; clients ask for one or two.
const CACHED_DIGESTS: usize = 16;

/// A page of the delta that `request` asks for. `conn` is in a transaction.
pub(super) fn delta(
    conn: &Connection,
    request: &SyncRequest,
    limit: PageLimit,
    digests: &mut DigestCache,
) -> Result<Delta, HubError> {
    let (hub_id, epoch) = conn.query_row("SELECT hub_id, epoch FROM meta", [], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    let snapshot = greatest_arrival(conn)?;
    let kinds = sorted(&request.kinds);
    let after = request.last_sync.map_or(i64::MIN, Timestamp::micros);
    let page = page(conn, &kinds, after, request.include_deleted, limit)?;
    let until = if page.more {
        page.changes.last().map_or(snapshot, |last| last.arrival.micros())
    } else {
        snapshot
    };
    let told = conflicts(conn, request, &kinds, after, until, limit)?;
    let (until, more) = match told.cut_at {
        Some(cut) => (cut, true),
        None => (until, page.more),
    };
    let changes = page
        .changes
        .into_iter()
        .filter(|change| change.arrival.micros() <= until)
        .map(wire_change)
        .collect();
    let state_digest = if more || !request.include_deleted || !request.state_digest {
        None
    } else {
        Some(state_digest(conn, &kinds, digests)?)
    };
    Ok(Delta {
        server_time: Timestamp::from_micros(until),
        changes,
        conflicts: told.conflicts,
        more,
        hub_id: Some(hub_id),
        epoch: Some(epoch),
        state_digest,
    })
}

struct Page {
    changes: Vec<Current>,
    more: bool,
}

/// The first changes that arrived after `after`, as many as `limit` lets.
fn page(
    conn: &Connection,
    kinds: &[Kind],
    after: i64,
    include_deleted: bool,
    limit: PageLimit,
) -> Result<Page, HubError> {
    // The plus keeps the primary key out of it: rows come by arrival, a page is cut.
    let sql = format!(
        "SELECT {CURRENT_COLUMNS}, octet_length(data) + octet_length(bases) FROM versions
         WHERE arrival > ?1 AND deleted <= ?2 AND +kind IN (SELECT value FROM json_each(?3)) ORDER BY arrival"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut found = statement.query((after, include_deleted, names(kinds)))?;
    let mut page = Page {
        changes: Vec::new(),
        more: false,
    };
    let mut bytes = 0usize;
    while let Some(row) = found.next()? {
        bytes = bytes.saturating_add(usize::try_from(row.get::<_, i64>(6)?).unwrap_or(usize::MAX));
        if !page.changes.is_empty() && (page.changes.len() >= limit.changes || bytes > limit.bytes) {
            page.more = true;
            break;
        }
        page.changes.push(rows::current_from(row)?);
    }
    Ok(page)
}

struct Told {
    conflicts: Vec<Conflict>,
    /// Where the page must end because its conflicts are too large for one.
    cut_at: Option<i64>,
}

/// What edits of the asking client lost, after they had been applied, against
/// winners that arrived within (`after`, `until`].
fn conflicts(
    conn: &Connection,
    request: &SyncRequest,
    kinds: &[Kind],
    after: i64,
    until: i64,
    limit: PageLimit,
) -> Result<Told, HubError> {
    let mut told = Told {
        conflicts: Vec::new(),
        cut_at: None,
    };
    let mut bytes = 0usize;
    let mut last = after;
    rows::each_displaced(conn, &request.client_id, after, until, |loser, size| {
        if !kinds.contains(&loser.version.key.kind) {
            return true;
        }
        bytes = bytes.saturating_add(size);
        if !told.conflicts.is_empty() && (told.conflicts.len() >= limit.changes || bytes > limit.bytes / 2) {
            told.cut_at = Some(last);
            return false;
        }
        last = loser.arrival.micros();
        told.conflicts.push(Conflict {
            key: loser.version.key.clone(),
            reason: loser.reason.as_str().to_owned(),
            server_version: Some(loser.winner),
            client_version: Some(loser.version),
            verdict: Verdict::ServerWins,
        });
        true
    })?;
    Ok(told)
}

fn wire_change(current: Current) -> WireChange {
    WireChange {
        operation: if current.version.deleted {
            Operation::Delete
        } else if current.bases.is_empty() {
            Operation::Create
        } else {
            Operation::Update
        },
        version: current.version,
        bases: current.bases,
    }
}

/// The state digest of `kinds`, from the cache where nothing arrived since.
/// `conn` is in a transaction.
pub(super) fn state_digest(
    conn: &Connection,
    kinds: &[Kind],
    digests: &mut DigestCache,
) -> Result<String, HubError> {
    let names = names(&sorted(kinds));
    let arrival = greatest_arrival(conn)?;
    if digests.arrival != arrival || digests.by_kinds.len() >= CACHED_DIGESTS {
        digests.by_kinds.clear();
        digests.arrival = arrival;
    }
    if let Some(digest) = digests.by_kinds.get(&names) {
        return Ok(digest.clone());
    }
    let mut statement = conn.prepare_cached(
        "SELECT kind, id, sync_id, deleted FROM versions
         WHERE kind IN (SELECT value FROM json_each(?1)) ORDER BY kind, id",
    )?;
    let mut found = statement.query([&names])?;
    let mut digest = StateDigest::default();
    while let Some(row) = found.next()? {
        let text = |column| {
            row.get_ref(column)
                .and_then(|value| value.as_str().map_err(rusqlite::Error::from))
        };
        digest.add_row(text(0)?, text(1)?, text(2)?, row.get(3)?);
    }
    let digest = digest.finish();
    digests.by_kinds.insert(names, digest.clone());
    Ok(digest)
}

/// The content digest of all live records.
pub(super) fn content_digest(conn: &Connection) -> Result<String, HubError> {
    let mut digest = ContentDigest::default();
    rows::each_current(conn, |current| {
        digest.add(&current.version);
        Ok(())
    })?;
    Ok(digest.finish())
}

fn sorted(kinds: &[Kind]) -> Vec<Kind> {
    let mut kinds = kinds.to_vec();
    kinds.sort();
    kinds.dedup();
    kinds
}

/// The kinds as a JSON array, for SQL and for the cache.
fn names(kinds: &[Kind]) -> String {
    serde_json::Value::from(kinds.iter().map(Kind::as_str).collect::<Vec<_>>()).to_string()
}
