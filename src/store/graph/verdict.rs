//! Settling what a graph's server answered to a push. It acknowledges ids, decides
//! conflicts by itself, and does not always show what won: then it is asked.

use std::collections::{HashMap, HashSet};

use super::place;
use super::pull::displace;
use crate::model::{Key, Kind, RecordId, Version};
use crate::mutant::{self, Mutant};
use crate::protocol::v2::{Conflict, Strategy, SyncResponse};
use crate::store::journal::Loser;
use crate::store::mirror::ServerVersion;
use crate::store::outbox::OutboxEntry;
use crate::store::push::{Failure, PushItem, SettleReport, unnamed};
use crate::store::{Origin, StoreError, Tx, journal, metadata, mirror, outbox, pull, rows};

/// A question that an answer leaves open.
#[derive(Debug, Clone, PartialEq)]
pub enum Lookup {
    /// What the entity is now, to settle an edit that was acknowledged.
    Outcome {
        /// The edit.
        item: Box<PushItem>,
        /// Why it lost, if the answer said that.
        lost: Option<String>,
    },
    /// A version that an edit made here displaced, for the journal.
    Displaced {
        /// The edit that won.
        winner: Box<Version>,
        /// The version string of the one that lost.
        version: String,
        /// Why it did.
        reason: String,
    },
}

impl Lookup {
    /// Which entity it is about.
    pub fn key(&self) -> &Key {
        match self {
            Lookup::Outcome { item, .. } => &item.change.version.key,
            Lookup::Displaced { winner, .. } => &winner.key,
        }
    }
}

/// Settles an answer in one transaction, or `None` if the replica moved on: then
/// the edits stay sent and unanswered.
pub(in crate::store) fn settle(
    tx: &Tx<'_>,
    generation: i64,
    items: &[PushItem],
    answer: &SyncResponse,
) -> Result<Option<SettleReport>, StoreError> {
    if metadata::get(tx.connection)?.generation != generation {
        return Ok(None);
    }
    let mut report = SettleReport::default();
    for (index, item) in items.iter().enumerate() {
        match item.change.version.key.kind {
            Kind::Relationship => settle_edge(tx, item, answer, &mut report)?,
            _ => settle_entity(tx, index, item, answer, &mut report)?,
        }
    }
    report.generation = metadata::next_generation(tx.connection)?;
    pull::count_conflicts(tx, report.conflicts.len())?;
    Ok(Some(report))
}

fn is_acknowledged(index: usize, id: &RecordId, applied: &[String]) -> bool {
    if mutant::active(Mutant::AcknowledgeOnCount) {
        return index < applied.len();
    }
    applied.iter().any(|applied| id == applied.as_str())
}

/// Whether an answer without a conflict leaves open what became of an edit: it says
/// nothing of one that came before, nor whether a delete found anything where it is
/// not known that the server had it.
fn is_open(item: &PushItem, mirrored: Option<&ServerVersion>) -> bool {
    if mutant::active(Mutant::SettleOnSilence) {
        return false;
    }
    let edit = &item.change.version;
    let luggage = &item.luggage;
    // One that was made on something else and met no conflict did come before.
    let unmet = mirrored.is_some_and(|server| !is_base(item, server));
    luggage.again
        || if edit.deleted {
            !luggage.before.is_empty() || mirrored.is_none()
        } else {
            unmet
        }
}

fn settle_entity(
    tx: &Tx<'_>,
    index: usize,
    item: &PushItem,
    answer: &SyncResponse,
    report: &mut SettleReport,
) -> Result<(), StoreError> {
    let edit = &item.change.version;
    let key = &edit.key;
    if !is_acknowledged(index, &key.id, &answer.applied) {
        return unnamed(tx, item, report);
    }
    let about: Vec<&Conflict> = answer
        .conflicts
        .iter()
        .filter(|conflict| key.id == conflict.entity_id.as_str())
        .collect();
    let mirrored = mirror::get(tx.connection, key)?;
    for won in about
        .iter()
        .filter(|conflict| conflict.resolved_version == conflict.remote_version)
    {
        note_loser(tx, item, won, mirrored.as_ref(), report)?;
    }
    let decided = about
        .iter()
        .find(|conflict| conflict.remote_version == edit.sync_id);
    match decided {
        Some(conflict) if conflict.resolved_version != edit.sync_id => {
            let reason = words(&conflict.resolution_strategy);
            match mirrored.filter(|server| server.version.sync_id == conflict.resolved_version) {
                Some(server) => lost(tx, item, &server.version, &reason, report),
                None => {
                    report.lookups.push(Lookup::Outcome {
                        item: Box::new(item.clone()),
                        lost: Some(reason),
                    });
                    Ok(())
                }
            }
        }
        // Others may have come since.
        None if is_open(item, mirrored.as_ref()) => {
            report.lookups.push(Lookup::Outcome {
                item: Box::new(item.clone()),
                lost: None,
            });
            Ok(())
        }
        None if edit.deleted => deleted(tx, item, mirrored, report),
        _ => applied(tx, item, report),
    }
}

/// The server's words for why one of two versions stays, from this replica's side.
fn words(strategy: &Strategy) -> String {
    match strategy {
        Strategy::LocalNewer => "newer_remote".to_owned(),
        Strategy::LocalGreater => "sync_id_tiebreak_remote".to_owned(),
        // The server compares with the time its version came at, which is not the
        // time inside it: what it says decides, not what the rule makes of the two.
        Strategy::RemoteNewer => "newer_local".to_owned(),
        Strategy::RemoteGreater => "sync_id_tiebreak_local".to_owned(),
        other => other.as_str().to_owned(),
    }
}

/// A delete wins without a word, whatever it met; over another delete it leaves no trace.
fn deleted(
    tx: &Tx<'_>,
    item: &PushItem,
    mirrored: Option<ServerVersion>,
    report: &mut SettleReport,
) -> Result<(), StoreError> {
    match mirrored {
        // Also what was revived here and deleted again before anybody heard of it.
        Some(server) if server.version.deleted => {
            report.settled += 1;
            settle_edit(tx, item, &server)
        }
        Some(server) if !is_base(item, &server) => {
            pull::lose(
                tx,
                &server.version,
                &item.change.version,
                "local_deleted",
                Loser::Remote,
                &mut report.conflicts,
            )?;
            applied(tx, item, report)
        }
        _ => applied(tx, item, report),
    }
}

/// Whether an edit was made on what the server has.
fn is_base(item: &PushItem, server: &ServerVersion) -> bool {
    item.change.bases.contains(&server.version.sync_id)
}

/// A version of somebody else that gave way to an edit made here.
fn note_loser(
    tx: &Tx<'_>,
    item: &PushItem,
    conflict: &Conflict,
    mirrored: Option<&ServerVersion>,
    report: &mut SettleReport,
) -> Result<(), StoreError> {
    let edit = &item.change.version;
    let reason = words(&conflict.resolution_strategy);
    match mirrored.filter(|server| server.version.sync_id == conflict.local_version) {
        Some(server) => pull::lose(
            tx,
            &server.version,
            edit,
            &reason,
            Loser::Remote,
            &mut report.conflicts,
        ),
        None => {
            report.lookups.push(Lookup::Displaced {
                winner: Box::new(edit.clone()),
                version: conflict.local_version.clone(),
                reason,
            });
            Ok(())
        }
    }
}

/// The server took the edit.
fn applied(tx: &Tx<'_>, item: &PushItem, report: &mut SettleReport) -> Result<(), StoreError> {
    report.settled += 1;
    let server = ServerVersion {
        version: item.change.version.clone(),
        bases: item.change.bases.clone(),
    };
    settle_edit(tx, item, &server)
}

/// The server keeps another version.
fn lost(
    tx: &Tx<'_>,
    item: &PushItem,
    winner: &Version,
    reason: &str,
    report: &mut SettleReport,
) -> Result<(), StoreError> {
    report.settled += 1;
    pull::lose(
        tx,
        &item.change.version,
        winner,
        reason,
        Loser::Local,
        &mut report.conflicts,
    )?;
    let server = ServerVersion {
        version: winner.clone(),
        bases: Vec::new(),
    };
    settle_edit(tx, item, &server)
}

/// The edit has its final answer, and `server` is what the server has: the record
/// settles to it, unless a later edit waits.
fn settle_edit(tx: &Tx<'_>, item: &PushItem, server: &ServerVersion) -> Result<(), StoreError> {
    let edit = &item.change.version;
    let key = &edit.key;
    journal::forget_rejection(tx.connection, key, &edit.sync_id)?;
    let Some(entry) = outbox::get(tx.connection, key)? else {
        return Ok(());
    };
    let other_kind = server.version.key != *key;
    if entry.edit_seq == item.edit_seq {
        if other_kind {
            // The server has it as something else now: its place here was another.
            remove(tx, key)?;
        }
        return pull::settle_to(tx, &server.version);
    }
    let mut server = server.clone();
    // A later edit waits where it was made.
    server.version.key = key.clone();
    mirror::put(tx.connection, &server, tx.resync()?)?;
    outbox::clear_sent_until(tx.connection, key, item.edit_seq)?;
    if outbox::sent(tx.connection, key, entry.edit_seq)?.is_none() {
        outbox::put(tx.connection, &OutboxEntry { attempts: 0, ..entry })?;
    }
    Ok(())
}

/// An edge is stored or not: it has no versions that could conflict.
fn settle_edge(
    tx: &Tx<'_>,
    item: &PushItem,
    answer: &SyncResponse,
    report: &mut SettleReport,
) -> Result<(), StoreError> {
    let edge = &item.change.version;
    let key = &edge.key;
    if !is_acknowledged(0, &key.id, &answer.applied_relationships) {
        report.failures.push(Failure {
            key: key.clone(),
            code: "waits_for_entity".into(),
            detail: "the server lacks a version that this relationship joins; it stays queued".into(),
        });
        return Ok(());
    }
    report.settled += 1;
    let mut stored = edge.clone();
    if let Some((from, to)) = &item.luggage.pins {
        stored
            .body
            .insert("from_entity_version".into(), from.as_str().into());
        stored.body.insert("to_entity_version".into(), to.as_str().into());
    }
    let server = ServerVersion {
        version: stored,
        bases: Vec::new(),
    };
    settle_edit(tx, item, &server)?;
    // Of several edges that place something, one that waited to be sent counted first.
    place::around_edge(tx, edge)
}

/// Settles what was asked of one entity. `found` is what the server has, or nothing.
pub(in crate::store) fn resolve(
    tx: &Tx<'_>,
    generation: i64,
    lookup: &Lookup,
    found: Option<&ServerVersion>,
) -> Result<Option<SettleReport>, StoreError> {
    if metadata::get(tx.connection)?.generation != generation {
        return Ok(None);
    }
    let mut report = SettleReport::default();
    match lookup {
        Lookup::Outcome { item, lost } => outcome(tx, item, lost.as_deref(), found, &mut report)?,
        Lookup::Displaced { winner, reason, .. } => {
            if let Some(loser) = found {
                pull::lose(
                    tx,
                    &loser.version,
                    winner,
                    reason,
                    Loser::Remote,
                    &mut report.conflicts,
                )?;
            }
        }
    }
    report.generation = metadata::next_generation(tx.connection)?;
    pull::count_conflicts(tx, report.conflicts.len())?;
    Ok(Some(report))
}

fn outcome(
    tx: &Tx<'_>,
    item: &PushItem,
    told: Option<&str>,
    found: Option<&ServerVersion>,
    report: &mut SettleReport,
) -> Result<(), StoreError> {
    let edit = &item.change.version;
    match found {
        None if edit.deleted => gone(tx, item, report),
        // Acknowledged, and not there: it is sent again.
        None => unnamed(tx, item, report),
        Some(server) if server.version.sync_id == edit.sync_id => applied(tx, item, report),
        Some(server) if server.bases.contains(&edit.sync_id) => {
            report.settled += 1;
            journal::supersede(tx.connection, edit, tx.now)?;
            settle_edit(tx, item, server)
        }
        Some(server) => match told {
            Some(reason) => lost(tx, item, &server.version, reason, report),
            None => {
                report.settled += 1;
                if !(edit.deleted && server.version.deleted) {
                    displace(tx, edit)?;
                }
                settle_edit(tx, item, server)
            }
        },
    }
}

/// The server has nothing of what was deleted here, and never had.
fn gone(tx: &Tx<'_>, item: &PushItem, report: &mut SettleReport) -> Result<(), StoreError> {
    let key = &item.change.version.key;
    report.settled += 1;
    match outbox::get(tx.connection, key)? {
        Some(entry) if entry.edit_seq == item.edit_seq => remove(tx, key),
        _ => Ok(()),
    }
}

fn remove(tx: &Tx<'_>, key: &Key) -> Result<(), StoreError> {
    outbox::clear(tx.connection, key)?;
    mirror::remove(tx.connection, key)?;
    rows::remove(tx.connection, key)?;
    tx.change_seq()?;
    tx.emit_removed(key, Origin::Remote);
    Ok(())
}

/// Decides about a displaced version: is it an ancestor of what the server has?
/// `versions` are all that the server knows of the entity with what they were made
/// on; without them it counts as lost, since nothing is dropped on a guess.
pub(in crate::store) fn inspect(
    tx: &Tx<'_>,
    generation: i64,
    version: &Version,
    versions: Option<&[(String, Vec<String>)]>,
) -> Result<Option<SettleReport>, StoreError> {
    if metadata::get(tx.connection)?.generation != generation {
        return Ok(None);
    }
    let mut report = SettleReport {
        generation,
        ..SettleReport::default()
    };
    let key = &version.key;
    tx.connection
        .prepare_cached("DELETE FROM displaced WHERE kind = ?1 AND id = ?2 AND sync_id = ?3")?
        .execute(rusqlite::params![
            key.kind.as_str(),
            key.id.as_str(),
            version.sync_id
        ])?;
    let server = match mirror::get(tx.connection, key)? {
        Some(server) => Some(server.version),
        None => rows::get(tx.connection, key)?.map(|record| record.version),
    };
    let Some(server) = server else {
        return Ok(Some(report));
    };
    let descends = versions.is_some_and(|versions| descends(&server.sync_id, &version.sync_id, versions));
    if !descends && server.sync_id != version.sync_id {
        pull::lose(
            tx,
            version,
            &server,
            "replaced_on_server",
            Loser::Local,
            &mut report.conflicts,
        )?;
        pull::count_conflicts(tx, report.conflicts.len())?;
    }
    Ok(Some(report))
}

/// Whether `version` was made on `ancestor`, or on what was, and so on.
fn descends(version: &str, ancestor: &str, versions: &[(String, Vec<String>)]) -> bool {
    let made_on: HashMap<&str, &Vec<String>> = versions
        .iter()
        .map(|(version, parents)| (version.as_str(), parents))
        .collect();
    let mut seen = HashSet::from([version]);
    let mut waiting = vec![version];
    while let Some(version) = waiting.pop() {
        if version == ancestor {
            return true;
        }
        for parent in made_on.get(version).into_iter().copied().flatten() {
            if seen.insert(parent) {
                waiting.push(parent);
            }
        }
    }
    false
}
