//! What a page of a graph does beyond what a page of v1 does. Conflicts are the
//! server's to decide: a version that meets an unsent edit is set aside, and the
//! answer to the push tells what became of the two.

use std::borrow::Cow;

use rusqlite::{Connection, params};

use super::edges;
use crate::model::{Key, Kind, RecordStatus, Version};
use crate::protocol::v1::WireChange;
use crate::store::metadata::{self, GraphWatermark, Metadata};
use crate::store::mirror::ServerVersion;
use crate::store::outbox::OutboxEntry;
use crate::store::pull::{keep_if_set_back, settle_to, synced};
use crate::store::rows::json_column;
use crate::store::{Origin, StoreError, Tx, journal, mirror, outbox, rows};

/// What a page of a graph has besides its changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphPage {
    /// How far the graph is pulled with it.
    pub watermark: GraphWatermark,
    /// Whether the replica may hold entities of other kinds than the page says:
    /// not in the first loop of a new one.
    pub kinds_may_differ: bool,
}

/// A record without unsent edits takes the server's version, whatever it is.
/// `any_edges` tells whether there are edges that could place it. False if it had
/// that version: of the last minute everything comes again.
pub(in crate::store) fn take(
    tx: &Tx<'_>,
    change: &WireChange,
    graph: &GraphPage,
    meta: &Metadata,
    any_edges: bool,
) -> Result<bool, StoreError> {
    let key = &change.version.key;
    let current = rows::get(tx.connection, key)?;
    if current.is_none() && graph.kinds_may_differ {
        leave_other_kind(tx, key)?;
    }
    let parent = match (&current, &key.kind) {
        // While it was gone nobody placed it.
        (Some(record), _) if !record.version.deleted || change.version.deleted => {
            record.version.parent_id.clone()
        }
        (_, Kind::Room | Kind::Device) if any_edges => edges::parent(tx.connection, key)?,
        _ => None,
    };
    // In a first sync nothing is placed yet, and nothing is copied.
    let version = match parent == change.version.parent_id {
        true => Cow::Borrowed(&change.version),
        false => Cow::Owned(Version {
            parent_id: parent,
            ..change.version.clone()
        }),
    };
    let version = version.as_ref();
    let Some(old) = &current else {
        // Before the first listing, placing everything at once is the least work.
        tx.note_edges_due(if meta.edges_read_at.is_none() { 2 } else { 1 });
        tx.put(version, synced(version, tx.now), None, Origin::Remote)?;
        return Ok(true);
    };
    if old.version == *version && old.sync_status == RecordStatus::Synced {
        rows::set_seen(tx.connection, key, tx.resync()?)?;
        return Ok(false);
    }
    tx.note_edges_due(1);
    if old.version.sync_id != version.sync_id {
        note_displaced(tx, &old.version, version, &change.bases, &meta.client_id)?;
        if meta.resync_active && !change.bases.contains(&old.version.sync_id) {
            keep_if_set_back(tx, &old.version, version)?;
        }
        if state_of(&old.version) != state_of(version) {
            // Earlier states of a device are worth keeping, whoever set them.
            journal::supersede(tx.connection, &old.version, tx.now)?;
        }
    }
    tx.put(
        version,
        synced(version, tx.now),
        Some(&old.version),
        Origin::Remote,
    )?;
    Ok(true)
}

fn state_of(version: &Version) -> Option<&serde_json::Value> {
    match version.key.kind {
        Kind::Device => version.content()?.get("state"),
        _ => None,
    }
}

/// An entity that is of another kind now leaves its old place.
fn leave_other_kind(tx: &Tx<'_>, key: &Key) -> Result<(), StoreError> {
    let Some(other) = edges::find(tx.connection, &key.id)?.filter(|other| other.kind != key.kind) else {
        return Ok(());
    };
    if outbox::get(tx.connection, &other)?.is_some() {
        // Its edit is settled first; the old place goes with the next change.
        return Ok(());
    }
    rows::remove(tx.connection, &other)?;
    tx.change_seq()?;
    tx.emit_removed(&other, Origin::Remote);
    Ok(())
}

/// A version made here that the server took was replaced by one that does not name
/// it. Whether it is an ancestor all the same is asked of the server later; until
/// then it is kept.
fn note_displaced(
    tx: &Tx<'_>,
    old: &Version,
    new: &Version,
    bases: &[String],
    author: &str,
) -> Result<(), StoreError> {
    let ours = old.text("user_id") == Some(author);
    let both_gone = old.deleted && new.deleted;
    if !ours || both_gone || bases.contains(&old.sync_id) {
        return Ok(());
    }
    displace(tx, old)
}

/// Keeps a version made here until it is known whether the server's descends from it.
pub(in crate::store) fn displace(tx: &Tx<'_>, version: &Version) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached(
            "INSERT OR IGNORE INTO displaced (kind, id, sync_id, version) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            version.key.kind.as_str(),
            version.key.id.as_str(),
            version.sync_id,
            serde_json::to_string(version)?,
        ])?;
    Ok(())
}

/// Versions made here of which it is not known whether the server's descend from them.
pub(in crate::store) fn displaced(connection: &Connection) -> Result<Vec<Version>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT version FROM displaced ORDER BY kind, id, sync_id")?;
    let rows = statement.query_map([], |row| json_column(row, 0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The server's version of a record with unsent edits is set aside.
pub(in crate::store) fn set_aside(
    tx: &Tx<'_>,
    entry: &OutboxEntry,
    change: &WireChange,
) -> Result<(), StoreError> {
    let remote = &change.version;
    let key = &remote.key;
    tx.note_edges_due(1);
    let Some(record) = rows::get(tx.connection, key)? else {
        // Only damage leaves an entry without its record, and the rest of the
        // page must not wait for it.
        tracing::error!(%key, "an unsent edit has no record; the server's version is taken");
        return settle_to(tx, remote);
    };
    let local = &record.version;
    let server = ServerVersion {
        version: remote.clone(),
        bases: change.bases.clone(),
    };
    mirror::put(tx.connection, &server, tx.resync()?)?;
    if remote.sync_id == local.sync_id {
        // The server has the edit: an answer that was lost, told another way.
        journal::forget_rejection(tx.connection, key, &remote.sync_id)?;
        return settle_to(tx, remote);
    }
    if change.bases.contains(&local.sync_id) {
        // Somebody saw the edit and went on from it.
        journal::supersede(tx.connection, local, tx.now)?;
        return settle_to(tx, remote);
    }
    if !entry.bases.contains(&remote.sync_id) && record.sync_status == RecordStatus::Pending {
        tx.set_status(key, RecordStatus::Conflict, None)?;
    }
    Ok(())
}

/// Writes down how far the graph is pulled and what is to be asked next.
pub(in crate::store) fn finish(tx: &Tx<'_>, graph: &GraphPage) -> Result<(), StoreError> {
    metadata::set_graph_watermark(tx.connection, &graph.watermark)?;
    // Whatever it belonged to before, this is its server.
    let due = tx.edges_due();
    metadata::set(
        tx.connection,
        "edges_due = max(edges_due, ?1), rebind = 0",
        &[&due],
    )?;
    Ok(())
}
