//! Applying a page of the server's changes. Invariants 2, 4 and 5 live here.
//!
//! A page is one transaction with its watermark. A record without unsent edits
//! takes the server's version unconditionally; one with unsent edits keeps
//! them, the server's version goes to the mirror, and the two are adjudicated.

use super::graph::pull::GraphPage;
use super::mirror::ServerVersion;
use super::outbox::OutboxEntry;
use super::rows::Standing;
use super::{Origin, StoreError, Tx, graph, journal, metadata, mirror, outbox, rows};
use crate::conflict::{Edit, Reason, Resolution, Winner, resolve};
use crate::model::{Kind, RecordStatus, Timestamp, Version};
use crate::mutant::{self, Mutant};
use crate::protocol::v1::{Conflict, Verdict, WireChange};

/// A page, and what it covers.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The sync generation when the page was asked for.
    pub generation: i64,
    /// The kinds that were asked for, and whose watermarks it moves.
    pub kinds: Vec<Kind>,
    /// The watermark once it is applied.
    pub server_time: Timestamp,
    /// The changes.
    pub changes: Vec<WireChange>,
    /// Applied edits of this client that were displaced since.
    pub conflicts: Vec<Conflict>,
    /// The hub and the life of its database, where the server tells.
    pub identity: Option<(String, String)>,
    /// Whether this page completes the answer to a question for everything.
    pub completes_resync: bool,
    /// The server's digest, on a last page, if it is to be compared.
    pub digest: Option<String>,
    /// Least time between two comparisons, in microseconds.
    pub digest_interval: i64,
    /// What a page of a graph has besides; `None` for v1.
    pub graph: Option<GraphPage>,
}

/// What applying a page did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PageReport {
    /// The generation after it.
    pub generation: i64,
    /// Changes in the page; of a graph those that were news.
    pub pulled: u64,
    /// Conflicts that were decided by it.
    pub conflicts: Vec<journal::JournalEntry>,
    /// Whether the digests are known to differ, for the second time in a row.
    pub wants_resync: bool,
    /// Whether it changed something of a graph, so that the edges are to be read.
    pub edges_due: bool,
}

/// Applies a page, or `None` if the replica moved on since it was asked for.
pub(super) fn apply(tx: &Tx<'_>, page: &Page) -> Result<Option<PageReport>, StoreError> {
    let meta = metadata::get(tx.connection)?;
    if meta.generation != page.generation {
        return Ok(None);
    }
    let mut report = PageReport {
        pulled: page.changes.len() as u64,
        ..PageReport::default()
    };
    let any_pending = outbox::counts(tx.connection)? != (0, 0);
    let any_sent = outbox::any_sent(tx.connection)?;
    let any_edges = page.graph.is_some() && graph::edges::any(tx.connection)?;
    let mut changes: Vec<&WireChange> = page.changes.iter().collect();
    // Sorted insertion is what makes a large first sync quick. Stable: of two
    // versions of one record the later in the page stays.
    changes.sort_by(|a, b| a.version.key.cmp(&b.version.key));
    for change in changes {
        if forget_tombstone(change) {
            continue;
        }
        let entry = if any_pending {
            outbox::get(tx.connection, &change.version.key)?
        } else {
            None
        };
        if any_sent && entry.is_none() {
            // What became of an edit that was discarded on its way.
            outbox::clear_sent(tx.connection, &change.version.key)?;
        }
        match (guard_pending(entry), &page.graph) {
            (None, None) => take(tx, &change.version, meta.resync_active)?,
            (None, Some(graph)) => {
                if !graph::pull::take(tx, change, graph, &meta, any_edges)? {
                    report.pulled -= 1;
                }
            }
            (Some(entry), None) => adjudicate(tx, &entry, change, &mut report)?,
            (Some(entry), Some(_)) => graph::pull::set_aside(tx, &entry, change)?,
        }
    }
    for conflict in &page.conflicts {
        note_displaced(tx, conflict, &mut report)?;
    }
    if page.completes_resync && meta.resync_active {
        complete_resync(tx, meta.resync, page.graph.is_some())?;
    }
    match &page.graph {
        Some(graph) => graph::pull::finish(tx, graph)?,
        None => metadata::set_watermarks(tx.connection, &page.kinds, page.server_time)?,
    }
    if let Some((hub_id, epoch)) = &page.identity {
        metadata::set(
            tx.connection,
            "hub_id = ?1, epoch = ?2, rebind = 0",
            &[hub_id, epoch],
        )?;
    }
    report.edges_due = tx.edges_due() > 0;
    report.wants_resync = compare_digest(tx, page, &meta)?;
    report.generation = metadata::next_generation(tx.connection)?;
    count_conflicts(tx, report.conflicts.len())?;
    Ok(Some(report))
}

fn forget_tombstone(change: &WireChange) -> bool {
    mutant::active(Mutant::ForgottenTombstone) && change.version.deleted
}

fn guard_pending(entry: Option<OutboxEntry>) -> Option<OutboxEntry> {
    entry.filter(|_| !mutant::active(Mutant::PullOverPending))
}

pub(super) fn count_conflicts(tx: &Tx<'_>, count: usize) -> Result<(), StoreError> {
    if count > 0 {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        metadata::set(tx.connection, "total_conflicts = total_conflicts + ?1", &[&count])?;
    }
    Ok(())
}

/// A record without unsent edits takes the server's version, whatever it is.
fn take(tx: &Tx<'_>, version: &Version, resyncing: bool) -> Result<(), StoreError> {
    let current = rows::get(tx.connection, &version.key)?;
    let unchanged = current.as_ref().is_some_and(|record| record.version == *version);
    if let Some(old) = &current {
        // Earlier states of a device are worth keeping, whoever set them.
        if version.key.kind == Kind::EntityState && old.version.sync_id != version.sync_id {
            journal::supersede(tx.connection, &old.version, tx.now)?;
        }
        if resyncing {
            keep_if_set_back(tx, &old.version, version)?;
        }
    }
    if unchanged
        && current
            .as_ref()
            .is_some_and(|record| record.sync_status == RecordStatus::Synced)
    {
        return rows::set_seen(tx.connection, &version.key, tx.resync()?);
    }
    tx.put(
        version,
        synced(version, tx.now),
        current.as_ref().map(|record| &record.version),
        Origin::Remote,
    )
}

/// A hub that was restored from a backup may hold an ancestor of what this
/// replica holds, perhaps as the only one. No edit is earlier than the one it was
/// made on, so an earlier version is not its successor.
pub(super) fn keep_if_set_back(tx: &Tx<'_>, old: &Version, new: &Version) -> Result<(), StoreError> {
    if old.sync_id == new.sync_id || old.updated_at <= new.updated_at {
        return Ok(());
    }
    let loss = journal::Loss {
        version: old,
        winner: Some(new),
        reason: "replaced_on_server",
        loser: journal::Loser::Local,
    };
    if let Some(entry) = journal::record(tx.connection, &loss, tx.now)? {
        tx.emit_conflict(&entry);
    }
    Ok(())
}

pub(super) fn synced(version: &Version, now: Timestamp) -> Standing<'static> {
    Standing {
        status: RecordStatus::Synced,
        server_updated_at: version.updated_at,
        last_sync_at: Some(now),
        error: None,
    }
}

/// Makes `version` what the record says, with nothing left to send.
pub(super) fn settle_to(tx: &Tx<'_>, version: &Version) -> Result<(), StoreError> {
    let key = &version.key;
    outbox::clear(tx.connection, key)?;
    mirror::remove(tx.connection, key)?;
    let current = rows::get(tx.connection, key)?;
    let placed;
    let version = match version.content() {
        // Where an entity is in is told by edges, not by versions.
        Some(_) => {
            placed = Version {
                parent_id: graph::edges::parent(tx.connection, key)?,
                ..version.clone()
            };
            &placed
        }
        None => version,
    };
    tx.put(
        version,
        synced(version, tx.now),
        current.as_ref().map(|record| &record.version),
        Origin::Remote,
    )
}

/// The server's version of a record with unsent edits.
fn adjudicate(
    tx: &Tx<'_>,
    entry: &OutboxEntry,
    change: &WireChange,
    report: &mut PageReport,
) -> Result<(), StoreError> {
    let remote = &change.version;
    let key = &remote.key;
    let Some(record) = rows::get(tx.connection, key)? else {
        // Only damage leaves an entry without its record. There is nothing to
        // compare, and the rest of the page must not wait for it.
        tracing::error!(%key, "an unsent edit has no record; the server's version is taken");
        return settle_to(tx, remote);
    };
    let local = &record.version;
    let before = mirror::get(tx.connection, key)?;
    mirror::put(
        tx.connection,
        &ServerVersion {
            version: remote.clone(),
            bases: change.bases.clone(),
        },
        tx.resync()?,
    )?;
    if !remote.sync_id.is_empty() {
        if remote.sync_id == local.sync_id {
            // The server has the edit: an answer that was lost, told another way.
            // A refusal noted since (a 500 that came after the commit) is void.
            journal::forget_rejection(tx.connection, key, &remote.sync_id)?;
            return settle_to(tx, remote);
        }
        // FunkyGibbon 0.1 keeps the edit id when its own REST interface edits a
        // record: then it is not what the edit was made on.
        let edited_since = before.is_some_and(|known| {
            known.version.sync_id == remote.sync_id && known.version.updated_at < remote.updated_at
        });
        if entry.bases.contains(&remote.sync_id) && !edited_since {
            // What the edit was made on.
            return Ok(());
        }
    }
    if change.bases.contains(&local.sync_id) {
        // Somebody saw the edit and went on from it.
        journal::supersede(tx.connection, local, tx.now)?;
        return settle_to(tx, remote);
    }
    match resolve(Edit::from(local), Edit::from(remote)) {
        Resolution::SameEdit => settle_to(tx, remote),
        Resolution::Conflict {
            winner: Winner::Local,
            ..
        } => {
            if record.sync_status == RecordStatus::Pending {
                tx.set_status(key, RecordStatus::Conflict, None)?;
            }
            Ok(())
        }
        Resolution::Conflict {
            winner: Winner::Remote,
            reason,
        } => {
            lose(
                tx,
                local,
                remote,
                reason.as_str(),
                journal::Loser::Local,
                &mut report.conflicts,
            )?;
            settle_to(tx, remote)
        }
    }
}

/// Journals a loss and reports it, once.
pub(super) fn lose(
    tx: &Tx<'_>,
    loser: &Version,
    winner: &Version,
    reason: &str,
    whose: journal::Loser,
    conflicts: &mut Vec<journal::JournalEntry>,
) -> Result<(), StoreError> {
    let loss = journal::Loss {
        version: loser,
        winner: Some(winner),
        reason,
        loser: whose,
    };
    if let Some(entry) = journal::record(tx.connection, &loss, tx.now)? {
        tx.emit_conflict(&entry);
        conflicts.push(entry);
    }
    Ok(())
}

/// An edit of ours that had been applied lost to one that came later: its
/// author hears of it, and keeps it.
fn note_displaced(tx: &Tx<'_>, conflict: &Conflict, report: &mut PageReport) -> Result<(), StoreError> {
    let (Some(winner), Some(loser)) = (&conflict.server_version, &conflict.client_version) else {
        return Ok(());
    };
    if conflict.verdict != Verdict::ServerWins || winner.sync_id == loser.sync_id {
        return Ok(());
    }
    let reason = reason_of_loss(loser, winner, &conflict.reason);
    lose(
        tx,
        loser,
        winner,
        &reason,
        journal::Loser::Local,
        &mut report.conflicts,
    )
}

/// The rule's reason from this replica's side: the hub's `local` is our `remote`.
/// A server with words of its own for it is quoted.
pub(super) fn reason_seen_here(local: &Version, remote: &Version, told: &str) -> String {
    let known = [
        Reason::LocalDeleted,
        Reason::RemoteDeleted,
        Reason::NewerLocal,
        Reason::NewerRemote,
        Reason::SyncIdTiebreakLocal,
        Reason::SyncIdTiebreakRemote,
        Reason::MissingTimestamp,
    ];
    if !told.is_empty() && !known.iter().any(|reason| reason.as_str() == told) {
        return told.to_owned();
    }
    match resolve(Edit::from(local), Edit::from(remote)) {
        Resolution::Conflict { reason, .. } => reason.as_str().to_owned(),
        Resolution::SameEdit => told.to_owned(),
    }
}

/// Why an edit of ours lost. `winner` is what the server has now, which may be a
/// descendant of what won: where the rule would not choose it, the rule's word
/// for that would name the wrong side.
pub(super) fn reason_of_loss(loser: &Version, winner: &Version, told: &str) -> String {
    let reason = reason_seen_here(loser, winner, told);
    match reason.as_str() {
        "local_deleted" | "newer_local" | "sync_id_tiebreak_local" => "replaced_on_server".to_owned(),
        _ => reason,
    }
}

/// A complete answer did not name these clean records: the server no longer has them.
fn complete_resync(tx: &Tx<'_>, resync: i64, is_graph: bool) -> Result<(), StoreError> {
    for record in rows::clean_and_unseen(tx.connection, resync)? {
        let version = &record.version;
        if is_graph && !version.key.kind.is_entity() {
            // Edges come another way, and what the graph has no place for stays here.
            continue;
        }
        if !version.deleted {
            let loss = journal::Loss {
                version,
                winner: None,
                reason: "absent_on_server",
                loser: journal::Loser::Local,
            };
            journal::record(tx.connection, &loss, tx.now)?;
        }
        rows::remove(tx.connection, &version.key)?;
        tx.change_seq()?;
        tx.emit_removed(&version.key, Origin::Remote);
    }
    mirror::remove_unseen(tx.connection, resync)?;
    metadata::set(tx.connection, "resync_active = 0, digest_mismatches = 0", &[])
}

/// Whether digests are to be compared: it is time, or they differed when they
/// were last. Times are in microseconds.
pub fn digest_is_due(checked_at: Option<Timestamp>, mismatches: u64, interval: i64, now: Timestamp) -> bool {
    mismatches > 0
        || checked_at.is_none_or(|last| {
            let since = now.micros().saturating_sub(last.micros());
            // A negative span is a clock that stepped back.
            since < 0 || since >= interval
        })
}

/// Compares digests when it is time. True if they differed twice in a row.
fn compare_digest(tx: &Tx<'_>, page: &Page, meta: &metadata::Metadata) -> Result<bool, StoreError> {
    let Some(theirs) = &page.digest else {
        return Ok(false);
    };
    let (checked_at, mismatches) = (meta.digest_checked_at, meta.digest_mismatches);
    if !digest_is_due(checked_at, mismatches, page.digest_interval, tx.now) {
        return Ok(false);
    }
    let ours = match &page.graph {
        Some(_) => super::digest::graph_known(tx.connection)?,
        None => super::digest::server_known(tx.connection, &page.kinds)?,
    };
    let mismatches = if ours == *theirs {
        0
    } else {
        meta.digest_mismatches + 1
    };
    let count = i64::try_from(mismatches).unwrap_or(i64::MAX);
    metadata::set(
        tx.connection,
        "digest_checked_at = ?1, digest_mismatches = ?2",
        &[&tx.now.to_string(), &count],
    )?;
    if mismatches > 0 {
        tracing::warn!(mismatches, "this replica and the server differ");
    }
    let hour = 3_600 * crate::model::time::SECOND;
    let recently = meta.resync_at.is_some_and(|at| {
        let since = tx.now.micros().saturating_sub(at.micros());
        (0..hour).contains(&since)
    });
    Ok(mismatches >= 2 && !recently)
}
