//! Taking edits out of the outbox for a push, and settling the answers.
//! Invariant 3 lives here: an entry leaves only when the server named it.

use super::graph::push::Luggage;
use super::graph::verdict::Lookup;
use super::mirror::ServerVersion;
use super::outbox::{OutboxEntry, OutboxState, PushPosition, SentEdit};
use super::{StoreError, Tx, graph, journal, metadata, mirror, outbox, pull, rows};
use crate::model::{Key, Kind, RecordId, RecordStatus, Version};
use crate::mutant::{self, Mutant};
use crate::protocol::v1::{Conflict, Operation, PushChange, PushResult, Verdict, encode_data};

/// The most changes in one push.
pub const MAX_BATCH: usize = 500;
/// About how large a push may grow, in bytes.
pub const MAX_BATCH_BYTES: usize = 1024 * 1024;
/// An edit larger than this can't be sent at all: a server takes 8 MiB a message.
const MAX_EDIT_BYTES: usize = crate::protocol::MAX_MESSAGE_BYTES - 64 * 1024;
/// The same for an entity: 500 of them come on one page, whatever they weigh.
const MAX_ENTITY_BYTES: usize = 1024 * 1024;
/// How many whole answers may leave an edit unnamed before it is failed.
const MAX_UNNAMED: u64 = 5;
/// In how many syncs an edit may alone be answered 500 before it is failed.
const MAX_SERVER_ERRORS: u64 = 3;
/// How long an edit that fails with 500 rests, in microseconds.
const SERVER_ERROR_REST: i64 = 86_400 * crate::model::time::SECOND;

/// An edit on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct PushItem {
    /// Which edit of the record.
    pub edit_seq: i64,
    /// What is sent.
    pub change: PushChange,
    /// What it is sent with to a graph.
    pub luggage: Luggage,
}

/// Edits to push together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// The generation when they were taken.
    pub generation: i64,
    /// The edits, containers before contents. Empty: nothing is left to push.
    pub items: Vec<PushItem>,
    /// Where the next batch begins.
    pub position: PushPosition,
    /// The last edit that this push takes: later ones wait for the next sync.
    pub last_edit: i64,
    /// Edits that can't be sent at all, marked failed on the way.
    pub failures: Vec<Failure>,
}

/// An edit that was marked failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which record.
    pub key: Key,
    /// A word.
    pub code: String,
    /// In words.
    pub detail: String,
}

/// What a settlement did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SettleReport {
    /// The generation after it.
    pub generation: i64,
    /// Edits that reached a final state.
    pub settled: u64,
    /// Conflicts that the server decided.
    pub conflicts: Vec<journal::JournalEntry>,
    /// Edits that were marked failed, or that the answer did not name.
    pub failures: Vec<Failure>,
    /// What is still to be asked of a graph's server.
    pub lookups: Vec<Lookup>,
}

/// Takes the next edits and writes down that they are being sent. `None` if the
/// replica moved on.
pub(super) fn prepare(
    tx: &Tx<'_>,
    generation: i64,
    after: PushPosition,
    last_edit: Option<i64>,
) -> Result<Option<Batch>, StoreError> {
    let meta = metadata::get(tx.connection)?;
    if meta.generation != generation {
        return Ok(None);
    }
    // Fixed by the first batch, so that a push ends however fast edits are made.
    let last_edit = last_edit.unwrap_or(meta.edit_seq);
    let mut batch = Batch {
        generation,
        position: after,
        last_edit,
        ..Batch::default()
    };
    let (mut bytes, mut changes) = (0, 0);
    let in_graph = tx.graph_author()?.is_some();
    let rested = tx.now.plus_micros(-SERVER_ERROR_REST);
    for entry in outbox::due(tx.connection, after, last_edit, rested, tx.now, MAX_BATCH)? {
        let position = PushPosition {
            rank: entry.key.kind.push_rank().into(),
            edit_seq: entry.edit_seq,
        };
        if let Some(detail) = in_graph
            .then(|| graph::push::no_place_for(&entry.key.kind))
            .flatten()
        {
            give_up(tx, &entry, "unsupported_by_server", &detail, &mut batch.failures)?;
            batch.position = position;
            continue;
        }
        let luggage = match luggage(tx, &entry, last_edit)? {
            Some(luggage) => luggage,
            None => {
                batch.failures.push(Failure {
                    key: entry.key.clone(),
                    code: "waits_for_entity".into(),
                    detail: "what this relationship joins is not at the server yet; it stays queued".into(),
                });
                batch.position = position;
                continue;
            }
        };
        let Some((sent, is_new)) = attempt(tx, &entry)? else {
            let detail = "the replica has no record for this edit; discard it";
            fail(tx, &entry, "no_record", detail, &mut batch.failures)?;
            batch.position = position;
            continue;
        };
        let mut size = serde_json::to_string(&encode_data(&sent.version))?.len();
        let most = if in_graph {
            MAX_ENTITY_BYTES
        } else {
            MAX_EDIT_BYTES
        };
        if size > most {
            let detail = format!("the edit has {size} bytes, a server takes at most {most}; make it smaller");
            fail(tx, &entry, "too_large", &detail, &mut batch.failures)?;
            batch.position = position;
            continue;
        }
        for before in &luggage.before {
            size += serde_json::to_string(&encode_data(&before.version))?.len();
        }
        let together = 1 + luggage.before.len();
        if !batch.items.is_empty() && (bytes + size > MAX_BATCH_BYTES || changes + together > MAX_BATCH) {
            break;
        }
        if is_new {
            outbox::put_sent(tx.connection, &sent, tx.now)?;
        }
        bytes += size;
        changes += together;
        batch.position = position;
        let attempts = entry.attempts + 1;
        outbox::put(
            tx.connection,
            &OutboxEntry {
                attempts,
                ..entry.clone()
            },
        )?;
        batch.items.push(PushItem {
            edit_seq: entry.edit_seq,
            change: PushChange {
                operation: wire_operation(&entry),
                client_sync_id: sent.attempt_id,
                bases: sent.bases,
                version: sent.version,
            },
            luggage,
        });
        if mutant::active(Mutant::OutboxClearedBeforeAnswer) {
            clear_early(tx, &entry.key)?;
        }
    }
    Ok(Some(batch))
}

/// A deliberate bug: an edit waits in the outbox until the server named it.
fn clear_early(tx: &Tx<'_>, key: &Key) -> Result<(), StoreError> {
    outbox::clear(tx.connection, key)?;
    tx.set_status(key, RecordStatus::Synced, None)
}

/// FunkyGibbon 0.1 ignores every delete, but takes an update that says so.
fn wire_operation(entry: &OutboxEntry) -> Operation {
    if entry.op == Operation::Delete && entry.unnamed > 0 {
        Operation::Update
    } else {
        entry.op
    }
}

/// What an edit is sent with to a graph, and nothing to another server; `None` if
/// it can't be sent yet.
fn luggage(tx: &Tx<'_>, entry: &OutboxEntry, last_edit: i64) -> Result<Option<Luggage>, StoreError> {
    if tx.graph_author()?.is_none() {
        return Ok(Some(Luggage::default()));
    }
    match entry.key.kind {
        Kind::Relationship => match rows::get(tx.connection, &entry.key)? {
            Some(edge) => graph::push::of_edge(tx, &edge.version, last_edit),
            None => Ok(Some(Luggage::default())),
        },
        _ => graph::push::of_entity(tx, entry).map(Some),
    }
}

/// The attempt of an edit: the same bytes and the same name however often it is
/// sent, so that the server can recognise it. And whether it is a first one, which
/// is still to be written down.
fn attempt(tx: &Tx<'_>, entry: &OutboxEntry) -> Result<Option<(SentEdit, bool)>, StoreError> {
    if let Some(sent) = outbox::sent(tx.connection, &entry.key, entry.edit_seq)? {
        return Ok(Some((sent, false)));
    }
    let Some(record) = rows::get(tx.connection, &entry.key)? else {
        return Ok(None);
    };
    let mut version = record.version;
    if tx.graph_author()?.is_none() {
        fill_copied_names(tx, &mut version)?;
    }
    let sent = SentEdit {
        key: entry.key.clone(),
        edit_seq: entry.edit_seq,
        attempt_id: tx.seam.new_id().to_string(),
        version,
        bases: bases(tx, entry)?,
        mirrored: mirror::get(tx.connection, &entry.key)?
            .map(|server| server.version.sync_id)
            .unwrap_or_default(),
    };
    Ok(Some((sent, true)))
}

/// What an edit was made on. What the server has beside that was not seen by its author.
fn bases(tx: &Tx<'_>, entry: &OutboxEntry) -> Result<Vec<String>, StoreError> {
    let mut bases = entry.bases.clone();
    if mutant::active(Mutant::MirrorAsBase) {
        let server = mirror::get(tx.connection, &entry.key)?;
        bases.extend(server.map(|server| server.version.sync_id));
    }
    Ok(bases)
}

/// Servers require denormalised copies of the parents' names.
fn fill_copied_names(tx: &Tx<'_>, version: &mut Version) -> Result<(), StoreError> {
    let parent = |kind: Kind, id: Option<&RecordId>| match id {
        Some(id) => rows::get(tx.connection, &Key::new(kind, id.clone())),
        None => Ok(None),
    };
    let set = |version: &mut Version, field: &str, value: Option<String>| {
        if let Some(value) = value {
            version.body.insert(field.to_owned(), value.into());
        }
    };
    match version.key.kind {
        Kind::Room => {
            let house = parent(Kind::House, version.parent_id.as_ref())?;
            set(version, "house_name", house.and_then(|house| house.version.name));
        }
        Kind::Device => {
            if let Some(room) = parent(Kind::Room, version.parent_id.as_ref())? {
                let house = parent(Kind::House, room.version.parent_id.as_ref())?;
                set(version, "room_name", room.version.name);
                set(
                    version,
                    "house_id",
                    room.version.parent_id.map(|id| id.to_string()),
                );
                set(version, "house_name", house.and_then(|house| house.version.name));
            }
        }
        _ => {}
    }
    Ok(())
}

/// Settles a whole answer in one transaction, or `None` if the replica moved on:
/// then the edits stay sent and unanswered.
pub(super) fn settle(
    tx: &Tx<'_>,
    generation: i64,
    items: &[PushItem],
    result: &PushResult,
) -> Result<Option<SettleReport>, StoreError> {
    if metadata::get(tx.connection)?.generation != generation {
        return Ok(None);
    }
    let mut report = SettleReport::default();
    for (index, item) in items.iter().enumerate() {
        match verdict(index, item, result) {
            Answer::Applied { displaced } => applied(tx, item, displaced, &mut report)?,
            Answer::Lost { winner, reason } => lost(tx, item, winner, reason, &mut report)?,
            Answer::Rejected { code, message } => {
                with_entry(tx, item, |entry| {
                    fail(tx, entry, code, message, &mut report.failures)
                })?;
            }
            Answer::Unnamed => unnamed(tx, item, &mut report)?,
        }
    }
    report.generation = metadata::next_generation(tx.connection)?;
    pull::count_conflicts(tx, report.conflicts.len())?;
    Ok(Some(report))
}

/// What the server said of one edit.
enum Answer<'a> {
    Applied {
        displaced: Option<(&'a Version, &'a str)>,
    },
    Lost {
        winner: &'a Version,
        reason: &'a str,
    },
    Rejected {
        code: &'a str,
        message: &'a str,
    },
    Unnamed,
}

fn verdict<'a>(index: usize, item: &PushItem, result: &'a PushResult) -> Answer<'a> {
    if mutant::active(Mutant::AcknowledgeOnCount) {
        return match index < result.applied.len() + result.conflicts.len() {
            true => Answer::Applied { displaced: None },
            false => Answer::Unnamed,
        };
    }
    let change = &item.change;
    let ours = |name: &Option<String>| name.as_deref() == Some(change.client_sync_id.as_str());
    let conflict: Option<&Conflict> = result.conflicts.iter().find(|conflict| {
        conflict.key == change.version.key
            // An answer that quotes the edit is about that edit only.
            && conflict.client_version.as_ref().is_none_or(|quoted| {
                quoted.sync_id.is_empty() || quoted.sync_id == change.version.sync_id
            })
    });
    match conflict {
        Some(Conflict {
            verdict: Verdict::ServerWins,
            server_version: Some(winner),
            reason,
            ..
        }) => {
            if winner.sync_id == change.version.sync_id {
                // FunkyGibbon 0.1 answers a winning update so.
                return Answer::Applied { displaced: None };
            }
            return Answer::Lost { winner, reason };
        }
        Some(Conflict {
            verdict: Verdict::ClientWins,
            server_version,
            reason,
            ..
        }) => {
            return Answer::Applied {
                displaced: server_version.as_ref().map(|version| (version, reason.as_str())),
            };
        }
        _ => {}
    }
    if result.applied.iter().any(|applied| ours(&applied.client_sync_id)) {
        return Answer::Applied { displaced: None };
    }
    if let Some(rejected) = result
        .rejected
        .iter()
        .find(|rejected| ours(&rejected.client_sync_id))
    {
        return Answer::Rejected {
            code: &rejected.code,
            message: &rejected.message,
        };
    }
    Answer::Unnamed
}

/// Runs `then` if the edit is still the one in the outbox.
fn with_entry(
    tx: &Tx<'_>,
    item: &PushItem,
    then: impl FnOnce(&OutboxEntry) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    match outbox::get(tx.connection, &item.change.version.key)? {
        Some(entry) if entry.edit_seq == item.edit_seq => then(&entry),
        _ => Ok(()),
    }
}

/// The server took the edit: settle to it, unless the mirror is known to be newer.
fn applied(
    tx: &Tx<'_>,
    item: &PushItem,
    displaced: Option<(&Version, &str)>,
    report: &mut SettleReport,
) -> Result<(), StoreError> {
    let edit = &item.change.version;
    let key = &edit.key;
    report.settled += 1;
    if let Some((version, told)) = displaced {
        let reason = pull::reason_seen_here(edit, version, told);
        pull::lose(
            tx,
            version,
            edit,
            &reason,
            journal::Loser::Remote,
            &mut report.conflicts,
        )?;
    }
    journal::forget_rejection(tx.connection, key, &edit.sync_id)?;
    let Some(entry) = outbox::get(tx.connection, key)? else {
        return Ok(());
    };
    let mirrored = mirror::get(tx.connection, key)?;
    // A version that was here before the edit first left is older than the
    // edit's being applied, even where the answer names one in between as
    // displaced: without this, an edit that won would be journaled as lost.
    let known_before = outbox::sent(tx.connection, key, item.edit_seq)?.map(|sent| sent.mirrored);
    let newer = mirrored.filter(|server| {
        let sync_id = &server.version.sync_id;
        *sync_id != edit.sync_id
            && known_before.as_ref() != Some(sync_id)
            && !item.change.bases.contains(sync_id)
            && displaced.is_none_or(|(version, _)| version.sync_id != *sync_id)
            && !sync_id.is_empty()
    });
    if entry.edit_seq == item.edit_seq {
        return match newer {
            None => pull::settle_to(tx, edit),
            Some(server) => {
                if server.bases.contains(&edit.sync_id) {
                    journal::supersede(tx.connection, edit, tx.now)?;
                } else {
                    let reason = pull::reason_of_loss(edit, &server.version, "");
                    pull::lose(
                        tx,
                        edit,
                        &server.version,
                        &reason,
                        journal::Loser::Local,
                        &mut report.conflicts,
                    )?;
                }
                pull::settle_to(tx, &server.version)
            }
        };
    }
    if newer.is_none() {
        let server = ServerVersion {
            version: edit.clone(),
            bases: item.change.bases.clone(),
        };
        mirror::put(tx.connection, &server, tx.resync()?)?;
    }
    Ok(())
}

/// The server keeps another version: the edit goes to the journal, and the
/// record settles to the winner unless a later edit of it waits.
fn lost(
    tx: &Tx<'_>,
    item: &PushItem,
    winner: &Version,
    told: &str,
    report: &mut SettleReport,
) -> Result<(), StoreError> {
    let edit = &item.change.version;
    report.settled += 1;
    let reason = pull::reason_of_loss(edit, winner, told);
    pull::lose(
        tx,
        edit,
        winner,
        &reason,
        journal::Loser::Local,
        &mut report.conflicts,
    )?;
    let Some(entry) = outbox::get(tx.connection, &edit.key)? else {
        return Ok(());
    };
    if entry.edit_seq == item.edit_seq {
        return pull::settle_to(tx, winner);
    }
    let server = ServerVersion {
        version: winner.clone(),
        bases: Vec::new(),
    };
    mirror::put(tx.connection, &server, tx.resync()?)
}

/// A whole answer said nothing of the edit: it stays, and is failed in the end.
pub(super) fn unnamed(tx: &Tx<'_>, item: &PushItem, report: &mut SettleReport) -> Result<(), StoreError> {
    with_entry(tx, item, |entry| {
        let unnamed = entry.unnamed + 1;
        let entry = OutboxEntry {
            unnamed,
            ..entry.clone()
        };
        if unnamed >= MAX_UNNAMED {
            let detail = format!("the server answered {unnamed} pushes without a word about this edit");
            return fail(tx, &entry, "not_acknowledged", &detail, &mut report.failures);
        }
        outbox::put(tx.connection, &entry)?;
        report.failures.push(Failure {
            key: entry.key.clone(),
            code: "not_acknowledged".into(),
            detail: format!("the server's answer did not name this edit ({unnamed} of {MAX_UNNAMED} times); it stays queued"),
        });
        Ok(())
    })
}

/// What a change alone was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The server's words.
    pub detail: String,
}

/// Marks one edit failed for an answer that it got alone.
pub(super) fn refuse(
    tx: &Tx<'_>,
    generation: i64,
    item: &PushItem,
    refusal: &Refusal,
) -> Result<Option<SettleReport>, StoreError> {
    if metadata::get(tx.connection)?.generation != generation {
        return Ok(None);
    }
    let mut report = SettleReport {
        generation,
        ..SettleReport::default()
    };
    let detail = format!("the server answered {}: {}", refusal.status, refusal.detail);
    if refusal.status != 500 && tx.graph_author()?.is_some() {
        // No server takes it: it would be sent with every later edit, and have that
        // refused too.
        outbox::clear_sent_until(tx.connection, &item.change.version.key, item.edit_seq)?;
    }
    with_entry(tx, item, |entry| {
        if refusal.status != 500 {
            return fail(
                tx,
                entry,
                &format!("http_{}", refusal.status),
                &detail,
                &mut report.failures,
            );
        }
        // A 500 proves nothing about the change until it repeats.
        let server_errors = entry.server_errors + 1;
        let entry = OutboxEntry {
            server_errors,
            ..entry.clone()
        };
        if server_errors >= MAX_SERVER_ERRORS {
            return fail(tx, &entry, "server_error", &detail, &mut report.failures);
        }
        outbox::put(
            tx.connection,
            &OutboxEntry {
                last_error: Some(detail.clone()),
                ..entry
            },
        )?;
        report.failures.push(Failure {
            key: item.change.version.key.clone(),
            code: "server_error".into(),
            detail: format!("{detail} ({server_errors} of {MAX_SERVER_ERRORS} times); it stays queued"),
        });
        Ok(())
    })?;
    Ok(Some(report))
}

fn fail(
    tx: &Tx<'_>,
    entry: &OutboxEntry,
    code: &str,
    detail: &str,
    failures: &mut Vec<Failure>,
) -> Result<(), StoreError> {
    if let Some(record) = rows::get(tx.connection, &entry.key)? {
        let loss = journal::Loss {
            version: &record.version,
            winner: None,
            reason: "rejected",
            loser: journal::Loser::Local,
        };
        journal::record(tx.connection, &loss, tx.now)?;
    }
    give_up(tx, entry, code, detail, failures)
}

/// Marks an edit failed. It was not refused: there is nothing to journal.
fn give_up(
    tx: &Tx<'_>,
    entry: &OutboxEntry,
    code: &str,
    detail: &str,
    failures: &mut Vec<Failure>,
) -> Result<(), StoreError> {
    let failed = OutboxEntry {
        state: OutboxState::Failed,
        error_code: Some(code.to_owned()),
        last_error: Some(detail.to_owned()),
        failed_at: Some(tx.now),
        ..entry.clone()
    };
    outbox::put(tx.connection, &failed)?;
    tx.set_status(&entry.key, RecordStatus::Error, Some(detail))?;
    failures.push(Failure {
        key: entry.key.clone(),
        code: code.to_owned(),
        detail: detail.to_owned(),
    });
    Ok(())
}
