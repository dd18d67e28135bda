//! Reading all edges of the server, and finding those that are pinned to versions
//! of ours that are no longer current.
//!
//! A listing is complete or it is none: what it does not name is gone, unless an
//! edit of it waits here.

use std::collections::{BTreeSet, HashMap, HashSet};

use rusqlite::Connection;

use super::{edges, place};
use crate::model::{Key, Kind, RecordId, Version};
use crate::mutant::{self, Mutant};
use crate::protocol::ProtocolError;
use crate::protocol::v2::{Relationship, TO_FIELD, edge_message, edge_record, for_each_edge};
use crate::store::mirror::ServerVersion;
use crate::store::pull::synced;
use crate::store::{Origin, StoreError, Tx, metadata, mirror, outbox, rows};

/// What a listing of edges did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EdgeReport {
    /// The generation after it.
    pub generation: i64,
    /// Edges that are new, other or gone.
    pub changed: u64,
    /// Edges that can't be kept here, and why.
    pub unusable: Vec<(String, String)>,
    /// The server's edges that have to be pinned to the current versions, so that
    /// its own listings of rooms find what is in them.
    pub stale: Vec<Relationship>,
}

/// Why a listing was not taken.
#[derive(Debug)]
pub(in crate::store) enum Refused {
    /// It can't be read.
    Garbled(ProtocolError),
    /// The replica failed.
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Refused::Store(error)
    }
}

/// Applies a listing, or `None` if the replica moved on since it was asked for.
pub(in crate::store) fn apply(
    tx: &Tx<'_>,
    generation: i64,
    listing: Vec<u8>,
) -> Result<Option<EdgeReport>, Refused> {
    let meta = metadata::get(tx.connection)?;
    if meta.generation != generation {
        return Ok(None);
    }
    let mut round = Round {
        any_pending: outbox::counts(tx.connection)? != (0, 0),
        any_sent: outbox::any_sent(tx.connection)?,
        any_before: edges::any(tx.connection)?,
        places_all: meta.edges_due >= 2,
        pins: Pins {
            ours: versions_by(tx.connection, &meta.client_id)?,
            author: meta.client_id.clone(),
        },
        named: HashSet::new(),
        moved: BTreeSet::new(),
        report: EdgeReport::default(),
    };
    for_each_edge(&listing, |edge| round.take(tx, edge))
        .map_err(Refused::Garbled)?
        .map_err(Refused::Store)?;
    // It is as large as the house, and what the commit will tell grows from here on.
    drop(listing);
    round.drop_unnamed(tx)?;
    round.named = HashSet::new();
    if round.places_all {
        place::refresh_all(tx)?;
    } else {
        for id in &round.moved {
            place::refresh_around(tx, id)?;
        }
    }
    metadata::set(
        tx.connection,
        "edges_due = 0, edges_read_at = ?1",
        &[&tx.now.to_string()],
    )?;
    let mut report = round.report;
    report.generation = metadata::next_generation(tx.connection)?;
    Ok(Some(report))
}

struct Round {
    any_pending: bool,
    any_sent: bool,
    /// Whether the replica held any edge.
    any_before: bool,
    /// Whether everything is placed anew when the edges are in.
    places_all: bool,
    pins: Pins,
    named: HashSet<String>,
    /// Entities of which an edge changed, in the order in which that is told.
    moved: BTreeSet<RecordId>,
    report: EdgeReport,
}

impl Round {
    fn take(&mut self, tx: &Tx<'_>, edge: Relationship) -> Result<(), StoreError> {
        let id = edge.id.clone();
        let edge = match edge_record(edge) {
            Ok(edge) => edge,
            Err(problem) => {
                self.report.unusable.push((id, problem.to_string()));
                return Ok(());
            }
        };
        // Looked for only where it can be: edges of before, or one that is named twice.
        let may_be_here = !self.named.insert(id) || self.any_before;
        self.pins.check(tx, &edge, &mut self.report.stale)?;
        let key = &edge.key;
        if self.any_pending && guard_pending(outbox::get(tx.connection, key)?.is_some()) {
            let server = ServerVersion {
                version: edge,
                bases: Vec::new(),
            };
            return mirror::put(tx.connection, &server, tx.resync()?);
        }
        if self.any_sent {
            outbox::clear_sent(tx.connection, key)?;
        }
        let mut current = None;
        if may_be_here {
            if rows::says(tx.connection, &edge, &serde_json::to_string(&edge.body)?)? {
                return Ok(());
            }
            current = rows::get(tx.connection, key)?.map(|record| record.version);
        }
        match &current {
            Some(known) if says_the_same(known, &edge) => {
                if known.created_at != edge.created_at {
                    // Of two that place something the one made last counts.
                    self.moved.extend(edge.parent_id.clone());
                }
                if known.body != edge.body || known.created_at != edge.created_at {
                    // Pinned anew: that is between the server and us.
                    tx.put_quietly(&edge, synced(&edge, tx.now))?;
                }
                return Ok(());
            }
            None if edge.deleted => {}
            _ => self.report.changed += 1,
        }
        if !self.places_all {
            self.moved
                .extend(current.as_ref().and_then(|edge| edge.parent_id.clone()));
            self.moved.extend(edge.parent_id.clone());
        }
        tx.put(&edge, synced(&edge, tx.now), current.as_ref(), Origin::Remote)
    }

    /// An edge that a complete answer does not name, and that no edit here speaks of, is gone.
    fn drop_unnamed(&mut self, tx: &Tx<'_>) -> Result<(), StoreError> {
        if !self.any_before {
            return Ok(());
        }
        for (id, from, deleted) in clean_edges(tx.connection, &self.named)? {
            let Ok(id) = RecordId::new(id) else { continue };
            let key = Key::new(Kind::Relationship, id);
            rows::remove(tx.connection, &key)?;
            tx.change_seq()?;
            if !deleted {
                self.report.changed += 1;
                tx.emit_removed(&key, Origin::Remote);
            }
            self.moved.extend(from.and_then(|id| RecordId::new(id).ok()));
        }
        Ok(())
    }
}

fn guard_pending(pending: bool) -> bool {
    pending && !mutant::active(Mutant::PullOverPending)
}

/// Whether two records of an edge mean the same, whatever versions they are pinned to.
fn says_the_same(a: &Version, b: &Version) -> bool {
    a.deleted == b.deleted
        && a.parent_id == b.parent_id
        && ["to_entity_id", "relationship_type", "properties"]
            .iter()
            .all(|field| a.body.get(*field) == b.body.get(*field))
}

const CLEAN: &str =
    "AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.kind = 'relationship' AND outbox.id = records.id)";

/// The edges without unsent edits that are not among `named`: id, start, whether
/// it is a tombstone.
fn clean_edges(
    connection: &Connection,
    named: &HashSet<String>,
) -> Result<Vec<(String, Option<String>, bool)>, StoreError> {
    let clean = match mutant::active(Mutant::EdgeDroppedWhilePending) {
        true => "",
        false => CLEAN,
    };
    let sql = format!("SELECT id, parent_id, deleted FROM records WHERE kind = 'relationship' {clean}");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        if !named.contains(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?) {
            found.push((row.get(0)?, row.get(1)?, row.get(2)?));
        }
    }
    Ok(found)
}

/// The entities without unsent edits whose version was made by `author`.
fn versions_by(connection: &Connection, author: &str) -> Result<HashMap<String, String>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, sync_id FROM records
         WHERE kind NOT IN ('user', 'entity_state', 'event', 'relationship') AND sync_status = 'synced'
             AND sync_id LIKE '%-' || ?1",
    )?;
    let rows = statement.query_map([author], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What is pinned anew is the server's edge: this replica's may lead to where
/// another client has moved it from.
fn as_served(tx: &Tx<'_>, edge: &Version) -> Result<Version, StoreError> {
    if mutant::active(Mutant::RepinMovesTarget)
        && let Some(record) = rows::get(tx.connection, &edge.key)?
    {
        return Ok(record.version);
    }
    Ok(edge.clone())
}

/// Which edges this replica has to pin anew: the server forgets what is in a room
/// once the room or what is in it was edited, and whoever edited sees to it.
struct Pins {
    /// Entities whose current version was made here.
    ours: HashMap<String, String>,
    author: String,
}

impl Pins {
    fn check(&self, tx: &Tx<'_>, edge: &Version, stale: &mut Vec<Relationship>) -> Result<(), StoreError> {
        if edge.deleted || !edges::is_containment(edge) {
            return Ok(());
        }
        let from = edge.parent_id.as_ref().map(RecordId::as_str);
        let from = self.fresh(tx, from, edge.text("from_entity_version"))?;
        let to = self.fresh(tx, edge.text(TO_FIELD), edge.text("to_entity_version"))?;
        if from.is_none() && to.is_none() {
            return Ok(());
        }
        let pinned = |fresh: Option<String>, field: &str| {
            fresh.unwrap_or_else(|| edge.text(field).unwrap_or_default().to_owned())
        };
        let from = pinned(from, "from_entity_version");
        let to = pinned(to, "to_entity_version");
        stale.push(edge_message(&as_served(tx, edge)?, &from, &to));
        Ok(())
    }

    /// The version that an end is to be pinned to, if that is ours to say: it is
    /// newer and was made here, or the old one was made here and is not current.
    fn fresh(
        &self,
        tx: &Tx<'_>,
        id: Option<&str>,
        pinned: Option<&str>,
    ) -> Result<Option<String>, StoreError> {
        let (Some(id), Some(pinned)) = (id, pinned) else {
            return Ok(None);
        };
        if let Some(current) = self.ours.get(id) {
            return Ok((current.as_str() > pinned).then(|| current.clone()));
        }
        if !pinned.ends_with(&self.author) {
            return Ok(None);
        }
        let Ok(id) = RecordId::new(id) else {
            return Ok(None);
        };
        let Some(key) = edges::find(tx.connection, &id)? else {
            return Ok(None);
        };
        if outbox::get(tx.connection, &key)?.is_some() {
            // Settled by the next push, and seen to after it.
            return Ok(None);
        }
        let current = rows::get(tx.connection, &key)?.map(|record| record.version.sync_id);
        Ok(current.filter(|current| current != pinned))
    }
}
