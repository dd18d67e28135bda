//! Local edits: each one transaction of record, outbox and (first edit since
//! the record was clean) mirror. Invariant 1 lives here.
//!
//! What is written is up to the caller; when it sorts, what it descends from
//! and what it supersedes is decided here.

use super::graph::{edges, place, shape};
use super::mirror::ServerVersion;
use super::outbox::{OutboxEntry, OutboxState};
use super::{Origin, StoreError, Tx, journal, mirror, outbox, rows};
use crate::model::time::SECOND;
use crate::model::{Key, Kind, Record, RecordStatus, Timestamp, Version, uuid_v7, uuid_v7_millis};
use crate::mutant::{self, Mutant};
use crate::protocol::v1::Operation;

/// The last millisecond a UUIDv7 can carry.
const MAX_V7_MILLIS: i64 = (1 << 48) - 1;

/// Edit time and edit id for an edit made on `bases`, such that it sorts after
/// every one of them and wins against them under every branch of the rule,
/// whatever the clocks say.
pub fn stamp(now: Timestamp, random: [u8; 10], bases: &[&Version]) -> (Timestamp, String) {
    let mut updated_at = now;
    let mut id_time = now;
    for base in bases {
        if let Some(time) = base.updated_at {
            updated_at = updated_at.max(time.plus_micros(1));
        }
        if let Some(millis) = uuid_v7_millis(&base.sync_id).filter(|millis| *millis < MAX_V7_MILLIS) {
            id_time = id_time.max(Timestamp::from_micros((millis + 1).saturating_mul(1_000)));
        }
    }
    let sync_id = uuid_v7(id_time, random).hyphenated().to_string();
    for base in bases {
        // An id of another program may sort after any of ours: then time must decide.
        if base.sync_id.as_bytes() >= sync_id.as_bytes()
            && let Some(time) = base.updated_at
        {
            updated_at = updated_at.max(time.plus_micros(SECOND));
        }
    }
    (updated_at, sync_id)
}

/// Writes one local edit: `edit` gets the current version, tombstone or not,
/// and makes the new one of it. Stamps and bookkeeping are filled in here.
pub(super) fn apply(
    tx: &Tx<'_>,
    key: &Key,
    edit: impl FnOnce(Option<&Version>) -> Version,
    seen_by_author: Option<&Version>,
) -> Result<Record, StoreError> {
    let current = rows::get(tx.connection, key)?;
    let version = edit(current.as_ref().map(|record| &record.version));
    apply_on(tx, current.as_ref(), version, seen_by_author)
}

/// The same for a caller who has read the current record in this transaction.
pub(super) fn apply_on(
    tx: &Tx<'_>,
    current: Option<&Record>,
    mut version: Version,
    seen_by_author: Option<&Version>,
) -> Result<Record, StoreError> {
    let key = &version.key.clone();
    let current_version = current.map(|record| &record.version);
    let waiting = outbox::get(tx.connection, key)?;
    let discarded = match waiting {
        Some(_) => Vec::new(),
        // The server may have what was discarded on its way.
        None => outbox::sent_before(tx.connection, key, i64::MAX)?,
    };
    let also_seen = seen_by_author
        .into_iter()
        .chain(discarded.iter().map(|sent| &sent.version));
    let bases: Vec<&Version> = current_version.into_iter().chain(also_seen.clone()).collect();
    let mut entry = match waiting {
        Some(entry) => continue_entry(tx, entry, current_version)?,
        None => begin_entry(tx, key, current_version)?,
    };
    for seen in also_seen {
        add_base(&mut entry.bases, &seen.sync_id);
    }
    match tx.graph_author()?.filter(|_| key.kind.is_entity()) {
        Some(author) => {
            shape::as_entity(&mut version, &author);
            shape::stamp(&mut version, tx.now, entry.edit_seq, &author, &bases);
        }
        None => {
            let (updated_at, sync_id) = stamp(tx.now, tx.seam.random(), &bases);
            // A caller may know a time that the edit must not sort before.
            let updated_at = version.updated_at.map_or(updated_at, |time| time.max(updated_at));
            version.updated_at = Some(updated_at);
            version.sync_id = sync_id;
            version.created_at = version.created_at.or(Some(updated_at));
            count_version(&mut version, current_version);
        }
    }
    version.sync_id = edit_id(version.sync_id, current_version);
    entry.op = operation(tx, &version)?;
    outbox::put(tx.connection, &entry)?;
    if let Some(old) = current_version {
        journal::supersede(tx.connection, old, tx.now)?;
    }
    let record = Record {
        version,
        sync_status: RecordStatus::Pending,
        server_updated_at: current.and_then(|record| record.server_updated_at),
        last_sync_at: current.and_then(|record| record.last_sync_at),
        sync_error: None,
    };
    tx.put(&record.version, (&record).into(), current_version, Origin::Local)?;
    place::follow_edit(tx, current_version, &record.version)?;
    Ok(record)
}

fn edit_id(fresh: String, current: Option<&Version>) -> String {
    match current {
        Some(version) if mutant::active(Mutant::SyncIdReused) => version.sync_id.clone(),
        _ => fresh,
    }
}

/// `version` is a decimal string that counts edits, for the servers that show it.
fn count_version(version: &mut Version, current: Option<&Version>) {
    if matches!(
        version.key.kind,
        Kind::EntityState | Kind::Event | Kind::Relationship | Kind::Other { .. }
    ) {
        return;
    }
    let count = current
        .and_then(|old| old.text("version")?.parse::<u64>().ok())
        .unwrap_or(0);
    version
        .body
        .insert("version".into(), count.saturating_add(1).to_string().into());
}

/// The first edit since the record was clean: what the server has goes to the mirror.
fn begin_entry(tx: &Tx<'_>, key: &Key, current: Option<&Version>) -> Result<OutboxEntry, StoreError> {
    let mut bases = Vec::new();
    if let Some(version) = current {
        add_base(&mut bases, &version.sync_id);
        let server = ServerVersion {
            version: version.clone(),
            bases: Vec::new(),
        };
        mirror::put(tx.connection, &server, tx.resync()?)?;
    }
    let edit_seq = super::metadata::next_edit_seq(tx.connection)?;
    Ok(OutboxEntry {
        bases,
        ..OutboxEntry::first(key.clone(), Operation::Update, edit_seq)
    })
}

/// A further edit: a new number, so that an answer about the one in flight
/// can't acknowledge this one; and the one in flight becomes a base.
fn continue_entry(
    tx: &Tx<'_>,
    entry: OutboxEntry,
    current: Option<&Version>,
) -> Result<OutboxEntry, StoreError> {
    let mut bases = entry.bases.clone();
    // An entry that was saved from a damaged file has lost its attempts but not their count.
    let attempted = outbox::sent(tx.connection, &entry.key, entry.edit_seq)?.is_some()
        || (entry.attempts > 0 && !outbox::ever_sent(tx.connection, &entry.key)?);
    if let Some(version) = current
        && attempted
    {
        add_base(&mut bases, &version.sync_id);
    }
    Ok(OutboxEntry {
        edit_seq: following_edit(tx, entry.edit_seq)?,
        last_error: None,
        bases,
        ..entry.queued_again()
    })
}

fn following_edit(tx: &Tx<'_>, current: i64) -> Result<i64, StoreError> {
    if mutant::active(Mutant::LostEditSeq) {
        return Ok(current);
    }
    super::metadata::next_edit_seq(tx.connection)
}

fn add_base(bases: &mut Vec<String>, sync_id: &str) {
    if !sync_id.is_empty() && !bases.iter().any(|base| base == sync_id) {
        bases.push(sync_id.to_owned());
    }
}

/// What the edit amounts to for the server: it is a create while the server has nothing.
fn operation(tx: &Tx<'_>, version: &Version) -> Result<Operation, StoreError> {
    Ok(if version.deleted {
        Operation::Delete
    } else if mirror::get(tx.connection, &version.key)?.is_some() {
        Operation::Update
    } else {
        Operation::Create
    })
}

/// Deletes a record and, for a house or room, the rooms, devices and users in
/// it: once, here, as edits of their own. Nobody cascades on pull.
pub(super) fn delete(tx: &Tx<'_>, key: &Key) -> Result<(), StoreError> {
    let contents: &[Kind] = match key.kind {
        Kind::House => &[Kind::Room, Kind::User],
        Kind::Room => &[Kind::Device],
        _ => &[],
    };
    for kind in contents {
        let filter = rows::Filter {
            kind: Some(kind),
            parent_id: Some(key.id.as_str()),
            include_deleted: false,
        };
        for inner in rows::list(tx.connection, &filter)? {
            delete(tx, &inner.version.key)?;
        }
    }
    let Some(current) = rows::get(tx.connection, key)?.filter(|record| !record.version.deleted) else {
        return Ok(());
    };
    // All of it: an entry that was saved from a damaged file has no mirror and
    // no attempts on record, and may be known to the server all the same.
    let unknown_to_server = outbox::get(tx.connection, key)?
        .is_some_and(|entry| entry.op == Operation::Create && entry.attempts == 0 && entry.bases.is_empty())
        && mirror::get(tx.connection, key)?.is_none()
        && !outbox::ever_sent(tx.connection, key)?;
    if unknown_to_server {
        // Made and deleted before any attempt to send it: nobody else ever saw it.
        journal::supersede(tx.connection, &current.version, tx.now)?;
        outbox::clear(tx.connection, key)?;
        rows::remove(tx.connection, key)?;
        tx.change_seq()?;
        tx.emit_removed(key, Origin::Local);
        place::around_edge(tx, &current.version)?;
        if current.version.content().is_some() {
            // Edges that could never be sent.
            let touching = edges::outgoing(tx.connection, &key.id)?.into_iter();
            for edge in touching.chain(edges::incoming(tx.connection, &key.id)?) {
                delete(tx, &edge.version.key)?;
            }
        }
        return Ok(());
    }
    apply(
        tx,
        key,
        |_| Version {
            deleted: true,
            ..current.version.clone()
        },
        None,
    )?;
    Ok(())
}

/// Makes a journaled version the newest edit. Its author saw the version that
/// won, so that one is among the bases, and a delete can be undone. Any other
/// version in the mirror was not seen, and stays a concurrent one.
pub(super) fn restore(tx: &Tx<'_>, entry: &journal::JournalEntry) -> Result<Record, StoreError> {
    let key = entry.version.key.clone();
    let won = entry.winner.as_ref().map(|winner| winner.sync_id.as_str());
    let seen = mirror::get(tx.connection, &key)?
        .map(|server| server.version)
        .filter(|version| won == Some(version.sync_id.as_str()));
    let in_graph = tx.graph_author()?.is_some() && key.kind.is_entity();
    let parent_id = match in_graph {
        // What something is in is told by edges, which lost nothing.
        true => edges::parent(tx.connection, &key)?,
        false => entry.version.parent_id.clone(),
    };
    let record = apply(
        tx,
        &key,
        |_| Version {
            updated_at: None,
            parent_id,
            ..entry.version.clone()
        },
        seen.as_ref(),
    )?;
    journal::dismiss(tx.connection, entry.entry)?;
    Ok(record)
}

/// Drops an unsent edit on its owner's word: it goes to the journal and the
/// server's version, if there is one, comes back. If there is none, attempts to
/// send it stay on record until the server says what became of them.
pub(super) fn discard(tx: &Tx<'_>, key: &Key) -> Result<bool, StoreError> {
    if outbox::get(tx.connection, key)?.is_none() {
        return Ok(false);
    }
    let server = mirror::get(tx.connection, key)?;
    let current = rows::get(tx.connection, key)?;
    if let Some(current) = &current {
        let winner = server.as_ref().map(|server| &server.version);
        let loss = journal::Loss {
            version: &current.version,
            winner,
            reason: "discarded",
            loser: journal::Loser::Local,
        };
        journal::record(tx.connection, &loss, tx.now)?;
    }
    match server {
        Some(server) => super::pull::settle_to(tx, &server.version)?,
        None => {
            outbox::remove(tx.connection, key)?;
            rows::remove(tx.connection, key)?;
            tx.change_seq()?;
            tx.emit_removed(key, Origin::Local);
        }
    }
    if let Some(current) = current {
        place::follow_discard(tx, &current.version)?;
    }
    Ok(true)
}

/// Queues failed edits again. Returns how many.
pub(super) fn retry(tx: &Tx<'_>, only: Option<&Key>) -> Result<u64, StoreError> {
    let mut count = 0;
    for entry in outbox::list(tx.connection)? {
        if entry.state != OutboxState::Failed || only.is_some_and(|key| *key != entry.key) {
            continue;
        }
        let entry = entry.queued_again();
        outbox::put(tx.connection, &entry)?;
        tx.set_status(&entry.key, RecordStatus::Pending, None)?;
        count += 1;
    }
    Ok(count)
}
