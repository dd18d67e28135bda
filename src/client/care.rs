//! Caring for edits: what waits, what lost, why, and what to do about it.

use super::patch::invalid;
use super::present;
use super::read::{missing, shown};
use super::typed::freshness;
use super::types::{Conflict, Digests, Explanation, HistoryEntry, PendingChange, RecordObject};
use super::{Result, WildThingClient, WildThingError};
use crate::model::{Key, Kind, Record, RecordId, RecordStatus};
use crate::store::outbox::{OutboxEntry, OutboxState};
use crate::store::{digest, journal, metadata, mirror, outbox, rows};

/// How many superseded versions `explain` and `history` show.
const HISTORY_SHOWN: u32 = 100;

#[uniffi::export]
impl WildThingClient {
    /// The edits that the server has not got, in the order they will be sent.
    pub async fn pending_changes(&self) -> Result<Vec<PendingChange>> {
        self.inner
            .blocking(|core| {
                Ok(core.store.read(|connection| {
                    outbox::list(connection)?
                        .iter()
                        .map(|entry| Ok(pending(entry, rows::get(connection, &entry.key)?.as_ref())))
                        .collect()
                })?)
            })
            .await
    }

    /// Everything the replica knows of a record's standing. Deleted records
    /// can be explained too.
    pub async fn explain(&self, kind: Kind, id: RecordId) -> Result<Explanation> {
        let key = Key::new(kind, id);
        self.inner
            .blocking(move |core| {
                let found = core.store.read(|connection| {
                    let Some(record) = rows::get(connection, &key)? else {
                        return Ok(None);
                    };
                    let entry = outbox::get(connection, &key)?;
                    let server = mirror::get(connection, &key)?.map(|server| server.version);
                    let conflicts = journal::list(connection, Some(&key), false)?;
                    let history = journal::history(connection, &key, HISTORY_SHOWN)?;
                    let meta = metadata::get(connection)?;
                    Ok(Some(Explanation {
                        freshness: freshness(&record, journal::open_loss(connection, &key)?),
                        words: words(&record, entry.as_ref(), server.is_some(), conflicts.len(), &meta),
                        record: shown(connection, &record)?,
                        pending: entry.as_ref().map(|entry| pending(entry, Some(&record))),
                        server: server.as_ref().map(present::version),
                        conflicts: conflicts.iter().map(present::conflict).collect(),
                        history: history.iter().map(present::history).collect(),
                    }))
                })?;
                found.ok_or_else(|| missing(&key))
            })
            .await
    }

    /// The edits that lost or were refused, newest first, until they are dismissed.
    pub async fn conflicts(&self) -> Result<Vec<Conflict>> {
        self.inner
            .blocking(|core| {
                let entries = core
                    .store
                    .read(|connection| journal::list(connection, None, false))?;
                Ok(entries.iter().map(present::conflict).collect())
            })
            .await
    }

    /// Makes a losing version a new edit, based on the version that won; a
    /// delete that won is undone so.
    pub async fn restore(&self, conflict_id: i64) -> Result<RecordObject> {
        self.inner
            .blocking(move |core| match core.store.restore(conflict_id)? {
                Some(record) => core.show(&record.version.key),
                None => Err(no_conflict(conflict_id)),
            })
            .await
    }

    /// Takes an entry off the list of conflicts.
    pub async fn dismiss(&self, conflict_id: i64) -> Result<()> {
        self.inner
            .blocking(move |core| match core.store.dismiss(conflict_id)? {
                true => Ok(()),
                false => Err(no_conflict(conflict_id)),
            })
            .await
    }

    /// Earlier versions of a record that are kept here, newest first.
    pub async fn history(&self, kind: Kind, id: RecordId) -> Result<Vec<HistoryEntry>> {
        let key = Key::new(kind, id);
        self.inner
            .blocking(move |core| {
                let found = core
                    .store
                    .read(|connection| journal::history(connection, &key, HISTORY_SHOWN))?;
                Ok(found.iter().map(present::history).collect())
            })
            .await
    }

    /// Queues failed edits again: all, or one record's. Returns how many.
    #[uniffi::method(default(kind = None, id = None))]
    pub async fn retry_failed(&self, kind: Option<Kind>, id: Option<RecordId>) -> Result<u64> {
        let key = match (kind, id) {
            (Some(kind), Some(id)) => Some(Key::new(kind, id)),
            (None, None) => None,
            (Some(_), None) => return Err(invalid("id", "a kind without an id names no record")),
            (None, Some(_)) => return Err(invalid("kind", "an id without a kind names no record")),
        };
        self.inner
            .blocking(move |core| Ok(core.store.retry_failed(key.as_ref())?))
            .await
    }

    /// Drops the unsent edit of a record: it goes to the journal, and the
    /// server's version, if there is one, comes back.
    pub async fn discard(&self, kind: Kind, id: RecordId) -> Result<()> {
        let key = Key::new(kind, id);
        self.inner
            .blocking(move |core| match core.store.discard(&key)? {
                true => Ok(()),
                false => Err(WildThingError::NotFound {
                    kind: format!("unsent edit of {}", key.kind),
                    id: key.id.to_string(),
                }),
            })
            .await
    }

    /// Empties the replica, also of the bytes that deleted rows leave in its file.
    /// `UnsentEdits` if the server has not got everything; `pending_changes` names
    /// what. With `force` those edits are dropped, and the list of conflicts with
    /// them; a hub of v1 tells again, at the next sync, of those it had taken before
    /// they lost. A damaged file that was set aside stays where it is.
    #[uniffi::method(default(force = false))]
    pub async fn reset(&self, force: bool) -> Result<()> {
        self.cancel_sync();
        self.inner.core.engine.idle().await;
        self.inner
            .blocking(move |core| {
                core.store
                    .wipe(force)?
                    .map_err(|count| WildThingError::UnsentEdits { count })?;
                // The words of what was here go with it.
                core.store.forget_search()?;
                Ok(core.store.scrub()?)
            })
            .await
    }

    /// Digests of what the replica shows.
    pub async fn digests(&self) -> Result<Digests> {
        self.inner
            .blocking(|core| {
                let (state, content) = core.store.read(digest::shown)?;
                Ok(Digests { state, content })
            })
            .await
    }
}

fn no_conflict(conflict_id: i64) -> WildThingError {
    WildThingError::NotFound {
        kind: "conflict".into(),
        id: conflict_id.to_string(),
    }
}

fn pending(entry: &OutboxEntry, record: Option<&Record>) -> PendingChange {
    PendingChange {
        kind: entry.key.kind.clone(),
        id: entry.key.id.clone(),
        name: record.and_then(|record| record.version.name.clone()),
        operation: entry.op,
        state: entry.state,
        attempts: entry.attempts,
        last_error: entry.last_error.clone(),
        updated_at: record.and_then(|record| record.version.updated_at),
    }
}

fn words(
    record: &Record,
    entry: Option<&OutboxEntry>,
    known_to_server: bool,
    conflicts: usize,
    meta: &metadata::Metadata,
) -> Vec<String> {
    let name = record
        .version
        .name
        .as_deref()
        .unwrap_or(record.version.key.id.as_str());
    let time = |time: Option<crate::model::Timestamp>| {
        time.map_or("an unknown time".to_owned(), |time| format!("{time} UTC"))
    };
    let mut words = vec![match record.sync_status {
        RecordStatus::Synced => format!(
            "{name} is as the server had it at the last sync, {}.",
            time(meta.last_sync_success)
        ),
        RecordStatus::Pending => format!(
            "{name} was edited here at {} and waits to be sent.",
            time(record.version.updated_at)
        ),
        RecordStatus::Conflict => format!(
            "{name} was edited here at {}; the server has another edit, which by the rule gives way when this one is sent.",
            time(record.version.updated_at)
        ),
        RecordStatus::Error => format!(
            "{name} was edited here at {}, and the server refused it.",
            time(record.version.updated_at)
        ),
    }];
    if record.version.deleted {
        words.push("It is deleted.".into());
    }
    if let Some(entry) = entry {
        if !known_to_server {
            words.push("The server has never had it, as far as is known here.".into());
        }
        match entry.attempts {
            0 => words.push("It was not sent yet.".into()),
            attempts => words.push(format!("It was sent {attempts} times without a final answer.")),
        }
        if let Some(error) = &entry.last_error {
            words.push(format!("The last answer was: {error}"));
        }
        if entry.state == OutboxState::Failed {
            words.push("It is not sent again by itself; retry it, edit it, or discard it.".into());
        }
    }
    if conflicts > 0 {
        words.push(format!(
            "{conflicts} earlier edits of it lost or were refused, and can be restored."
        ));
    }
    words
}
