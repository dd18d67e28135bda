//! One sync's frame: taking the lease, what it starts from, how it ends, and
//! the start of a full resync.

use super::metadata::{self, GraphWatermark, Lease, LeaseOwner};
use super::{StoreError, Tx, outbox, rows};
use crate::model::{Kind, Timestamp};
use crate::protocol::Protocol;

/// What a sync starts from.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// This replica's name to servers.
    pub client_id: String,
    /// The sync generation.
    pub generation: i64,
    /// The last local edit when the sync began. A sync that goes through has
    /// pushed, or named as a problem, every edit up to this one.
    pub last_edit: i64,
    /// Watermarks by kind.
    pub watermarks: Vec<(Kind, Timestamp)>,
    /// Which protocol the server speaks.
    pub protocol: Protocol,
    /// Which one was asked for.
    pub protocol_asked: Protocol,
    /// How far a graph was pulled.
    pub graph: GraphWatermark,
    /// Whether the edges of a graph are to be read.
    pub edges_due: bool,
    /// When they were last read.
    pub edges_read_at: Option<Timestamp>,
    /// Whether the replica holds no record at all.
    pub is_empty: bool,
    /// Kinds with deletes that may have taken effect, and since when to look for them.
    pub unsure: Vec<(Kind, Timestamp)>,
    /// The hub this replica belongs to.
    pub hub_id: Option<String>,
    /// The life of its database.
    pub epoch: Option<String>,
    /// Whether the replica may move to another hub.
    pub rebind: bool,
    /// Whether a full resync is going on.
    pub resync_active: bool,
    /// When the digest was last compared.
    pub digest_checked_at: Option<Timestamp>,
    /// Mismatches in a row.
    pub digest_mismatches: u64,
}

/// How a sync ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncEnd {
    /// It went through.
    Success,
    /// It did not; the words say why.
    Failure(String),
}

/// Takes the lease and reads what a sync starts from; `None` if somebody else syncs.
pub(super) fn begin(tx: &Tx<'_>, owner: &LeaseOwner) -> Result<Option<Session>, StoreError> {
    if metadata::take_lease(tx.connection, owner, tx.now)? == Lease::Held {
        return Ok(None);
    }
    let meta = metadata::get(tx.connection)?;
    Ok(Some(Session {
        client_id: meta.client_id,
        generation: meta.generation,
        last_edit: meta.edit_seq,
        watermarks: metadata::watermarks(tx.connection)?,
        protocol: meta.protocol,
        protocol_asked: meta.protocol_asked,
        graph: metadata::graph_watermark(tx.connection)?,
        edges_due: meta.edges_due > 0,
        edges_read_at: meta.edges_read_at,
        is_empty: rows::is_empty(tx.connection)?,
        unsure: match meta.hub_id {
            // Our hub repeats its answers.
            Some(_) => Vec::new(),
            None => outbox::unsure_deletes(tx.connection)?,
        },
        hub_id: meta.hub_id,
        epoch: meta.epoch,
        rebind: meta.rebind,
        resync_active: meta.resync_active,
        digest_checked_at: meta.digest_checked_at,
        digest_mismatches: meta.digest_mismatches,
    }))
}

/// Forgets the watermarks so that everything is asked for again; the outbox is
/// kept. Returns the new generation, or `None` if the replica moved on.
pub(super) fn start_resync(
    tx: &Tx<'_>,
    generation: i64,
    identity: Option<&(String, String)>,
) -> Result<Option<i64>, StoreError> {
    let meta = metadata::get(tx.connection)?;
    if meta.generation != generation {
        return Ok(None);
    }
    metadata::clear_watermarks(tx.connection)?;
    if meta.rebind {
        // Whoever answers next is the server of this replica.
        metadata::set(tx.connection, "hub_id = NULL, epoch = NULL", &[])?;
    }
    metadata::set(
        tx.connection,
        "resync = resync + 1, edges_due = 2, resync_active = 1, resync_at = ?1, rebind = 0, digest_mismatches = 0",
        &[&tx.now.to_string()],
    )?;
    if let Some((hub_id, epoch)) = identity {
        metadata::set(tx.connection, "hub_id = ?1, epoch = ?2", &[hub_id, epoch])?;
    }
    metadata::next_generation(tx.connection).map(Some)
}

/// Ends a sync and gives the lease back.
pub(super) fn finish(tx: &Tx<'_>, owner: &LeaseOwner, end: &SyncEnd) -> Result<(), StoreError> {
    if !metadata::holds_lease(tx.connection, owner)? {
        return Ok(());
    }
    match end {
        SyncEnd::Success => metadata::set(
            tx.connection,
            "last_sync_success = ?1, last_sync_error = NULL, sync_failures = 0, total_syncs = total_syncs + 1, \
             next_retry_time = NULL",
            &[&tx.now.to_string()],
        )?,
        SyncEnd::Failure(words) => metadata::set(
            tx.connection,
            "last_sync_error = ?1, sync_failures = sync_failures + 1",
            &[words],
        )?,
    }
    metadata::release_lease(tx.connection, owner)
}

/// Empties the replica; the journal and the history only if `all` is set.
pub(super) fn wipe(tx: &Tx<'_>, all: bool) -> Result<(), StoreError> {
    // Whoever follows the file from another process finds a number without a row.
    tx.change_seq()?;
    tx.touch(super::Kinds::ALL);
    tx.connection.execute_batch(
        "DELETE FROM records; DELETE FROM outbox; DELETE FROM outbox_sent; DELETE FROM mirror;
         DELETE FROM watermarks; DELETE FROM displaced;",
    )?;
    if all {
        tx.connection
            .execute_batch("DELETE FROM journal; DELETE FROM history;")?;
    }
    metadata::set(
        tx.connection,
        "last_sync_time = NULL, last_sync_success = NULL, last_sync_error = NULL, sync_failures = 0, \
         total_syncs = 0, total_conflicts = 0, sync_in_progress = 0, next_retry_time = NULL, hub_id = NULL, \
         epoch = NULL, rebind = 0, lease_owner = NULL, lease_pid = NULL, lease_expires = NULL, \
         generation = generation + 1, resync_active = 0, resync_at = NULL, digest_checked_at = NULL, \
         digest_mismatches = 0, journal_pruned = 0, edges_due = 1, edges_read_at = NULL, \
         protocol = protocol_asked",
        &[],
    )
}
