//! What a push to a graph takes along: sent predecessors, and the versions that
//! an edge is pinned to. Which edits are due is decided in [`crate::store::push`].

use super::edges;
use crate::model::{Kind, RecordId, Version};
use crate::mutant::{self, Mutant};
use crate::store::outbox::{OutboxEntry, OutboxState, SentEdit};
use crate::store::{StoreError, Tx, mirror, outbox, rows};

/// What an edit of a graph is sent with.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Luggage {
    /// Edits of the record that were sent and not answered, oldest first: sent
    /// again before this one, so that a late copy of one finds its version known.
    pub before: Vec<SentEdit>,
    /// The versions that an edge is pinned to: of its start, and of its target.
    pub pins: Option<(String, String)>,
    /// Whether this very edit may have been sent before.
    pub again: bool,
}

/// What the edit of an entity is sent with.
pub(in crate::store) fn of_entity(tx: &Tx<'_>, entry: &OutboxEntry) -> Result<Luggage, StoreError> {
    let key = &entry.key;
    let sent = outbox::sent(tx.connection, key, entry.edit_seq)?.is_some();
    Ok(Luggage {
        before: predecessors(tx, entry)?,
        pins: None,
        // One that was saved from a damaged file has lost its attempts but not their count.
        again: sent || (entry.attempts > 0 && !outbox::ever_sent(tx.connection, key)?),
    })
}

fn predecessors(tx: &Tx<'_>, entry: &OutboxEntry) -> Result<Vec<SentEdit>, StoreError> {
    if mutant::active(Mutant::PredecessorLeftBehind) {
        return Ok(Vec::new());
    }
    outbox::sent_before(tx.connection, &entry.key, entry.edit_seq)
}

/// What an edge is sent with; `None` while an end of it has no version that the
/// server has or is about to get.
pub(in crate::store) fn of_edge(
    tx: &Tx<'_>,
    edge: &Version,
    last_edit: i64,
) -> Result<Option<Luggage>, StoreError> {
    let from = pin(
        tx,
        edge.parent_id.as_ref(),
        edge,
        "from_entity_version",
        last_edit,
    )?;
    let to = pin(
        tx,
        edges::target(edge).as_ref(),
        edge,
        "to_entity_version",
        last_edit,
    )?;
    Ok(from.zip(to).map(|pins| Luggage {
        pins: Some(pins),
        ..Luggage::default()
    }))
}

/// The version of an end: the one this push sends, else the server's, else the one
/// that the edge was pinned to before.
fn pin(
    tx: &Tx<'_>,
    id: Option<&RecordId>,
    edge: &Version,
    field: &str,
    last_edit: i64,
) -> Result<Option<String>, StoreError> {
    let before = || edge.text(field).map(str::to_owned);
    let Some(key) = id.map(|id| edges::find(tx.connection, id)).transpose()?.flatten() else {
        return Ok(before());
    };
    match outbox::get(tx.connection, &key)? {
        // Entities are sent before edges.
        Some(entry) if entry.state == OutboxState::Failed || entry.edit_seq > last_edit => {
            Ok(mirror::get(tx.connection, &key)?
                .map(|server| server.version.sync_id)
                .or_else(before))
        }
        _ => Ok(rows::get(tx.connection, &key)?
            .map(|record| record.version.sync_id)
            .or_else(before)),
    }
}

/// Why an edit stays here for good, where the graph has no place for it.
pub(in crate::store) fn no_place_for(kind: &Kind) -> Option<String> {
    (!kind.is_in_graph()).then(|| {
        format!(
            "this server has no place for {}; it stays on this device",
            kind.plural()
        )
    })
}
