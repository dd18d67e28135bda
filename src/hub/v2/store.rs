//! [`GraphStore`]: a hub of v2 without a network.
//!
//! The API of a sync and its transactions are here; what a transaction does to
//! single rows is in `decide` and `rows`, the listings beside the sync in `graph`.

use std::cell::RefCell;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior};

use crate::hub::HubError;
use crate::hub::decide::{Arrivals, greatest_arrival};
use crate::hub::delta::PageLimit;
use crate::hub::schema::{self, Identity};
use crate::model::Timestamp;
use crate::protocol::v2::{
    Change, ChangeType, ENTITY_TYPES, EntityDigest, Filters, PAGE_CHANGES, PROTOCOL_VERSION, SyncRequest,
    SyncResponse, SyncStats, SyncType,
};
use crate::seam::SharedSeam;

use super::decide::{self, Pushed};
use super::rows;
use super::schema::V2;

/// A v2 hub's house and its memory of every version, over a SQLite file of its own.
///
/// Blocking. Every method is one transaction: a write happens whole or not at
/// all, a read sees one snapshot.
pub struct GraphStore {
    pub(super) conn: Connection,
    pub(super) seam: SharedSeam,
    identity: Identity,
    page: PageLimit,
    /// The digest, good until another version comes, and that sequence number.
    digest: RefCell<Option<(i64, String)>>,
}

impl std::fmt::Debug for GraphStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GraphStore")
            .field("hub_id", &self.identity.hub_id)
            .finish_non_exhaustive()
    }
}

impl GraphStore {
    /// Opens the hub database at `path`, or creates it, readable by its owner only.
    ///
    /// A file that is not a hub's, that speaks another protocol, or that a newer
    /// program wrote, is refused and left as it is.
    pub fn open(path: &Path, seam: SharedSeam) -> Result<GraphStore, HubError> {
        let opened = schema::open(path, V2, &seam)?;
        Self::with(opened, seam)
    }

    /// A hub that is forgotten when it is dropped.
    pub fn in_memory(seam: SharedSeam) -> Result<GraphStore, HubError> {
        let opened = schema::open_in_memory(V2, &seam)?;
        Self::with(opened, seam)
    }

    fn with((conn, identity): (Connection, Identity), seam: SharedSeam) -> Result<Self, HubError> {
        conn.set_prepared_statement_cache_capacity(32);
        let mut store = Self {
            conn,
            seam,
            identity,
            page: PageLimit {
                changes: PAGE_CHANGES,
                ..PageLimit::default()
            },
            digest: RefCell::default(),
        };
        store.ensure_signing_key()?;
        Ok(store)
    }

    /// Which hub this is, for as long as its database lives.
    pub fn hub_id(&self) -> &str {
        &self.identity.hub_id
    }

    /// Answers a sync: decides what was pushed, all of it or nothing, and tells
    /// what changed.
    pub fn sync(&mut self, request: SyncRequest) -> Result<SyncResponse, HubError> {
        if request.protocol_version != PROTOCOL_VERSION {
            return Err(HubError::Refused {
                detail: "Unsupported protocol version".to_owned(),
            });
        }
        let started = self.seam.now();
        let SyncRequest {
            user_id,
            sync_type,
            changes,
            filters,
            cursor,
            vector_clock,
            ..
        } = request;
        let window = Window::of(sync_type, cursor.as_deref(), &filters)?;
        let limit = self.page;
        let (pushed, page, digest, server_time) = if changes.is_empty() {
            let tx = self.conn.unchecked_transaction()?;
            let digest = digest(&tx, &mut self.digest.borrow_mut())?;
            (
                Pushed::default(),
                page(&tx, &window, &filters, limit)?,
                digest,
                greatest_arrival(&tx)?,
            )
        } else {
            let cache = self.digest.take();
            let (answer, cache) = self.write(|tx, arrivals| {
                let pushed = decide::push(tx, arrivals, &user_id, changes)?;
                let mut cache = cache;
                let digest = digest(tx, &mut cache)?;
                let page = page(tx, &window, &filters, limit)?;
                Ok(((pushed, page, digest, arrivals.greatest()), cache))
            })?;
            self.digest.replace(cache);
            answer
        };
        let took = self.seam.now().micros().saturating_sub(started.micros());
        Ok(SyncResponse {
            sync_type,
            changes: page.changes,
            sync_stats: SyncStats {
                entities_synced: pushed.applied.len() as u64,
                relationships_synced: pushed.applied_relationships.len() as u64,
                conflicts_resolved: pushed.conflicts.len() as u64,
                duration_ms: took.max(0) as f64 / 1_000.0,
            },
            conflicts: pushed.conflicts,
            applied: pushed.applied,
            applied_relationships: pushed.applied_relationships,
            // FunkyGibbon tells its clock, which a push under way may already
            // have read. The greatest stamp of the snapshot skips nothing, and
            // never steps back.
            server_time: Timestamp::from_micros(server_time),
            cursor: page.cursor.map(|seq| seq.to_string()),
            state_digest: Some(digest),
            vector_clock,
        })
    }

    /// The state digest, tombstones included.
    pub fn state_digest(&self) -> Result<String, HubError> {
        let tx = self.conn.unchecked_transaction()?;
        digest(&tx, &mut self.digest.borrow_mut())
    }

    /// How many changes a page of an answer holds at most; 500 unless told.
    /// At least 1.
    pub fn set_page_limit(&mut self, changes: usize) {
        self.page.changes = changes.max(1);
    }

    /// How many entities there are, tombstones included.
    pub fn len(&self) -> Result<usize, HubError> {
        count(&self.conn)
    }

    /// Whether there is no entity, not even a tombstone.
    pub fn is_empty(&self) -> Result<bool, HubError> {
        Ok(self.len()? == 0)
    }

    /// Everything in the database as text, secrets too, to see whether anything changed.
    #[cfg(feature = "testing")]
    pub fn dump(&self) -> Result<String, HubError> {
        crate::hub::dump::dump(&self.conn)
    }

    /// Runs `work` in one write transaction with arrival stamps to give out.
    pub(super) fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>, &mut Arrivals<'_>) -> Result<T, HubError>,
    ) -> Result<T, HubError> {
        let tx = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut arrivals = Arrivals::resume(&tx, &self.seam)?;
        let result = work(&tx, &mut arrivals)?;
        arrivals.persist(&tx)?;
        tx.commit()?;
        Ok(result)
    }
}

/// How many entities there are, tombstones included.
pub(super) fn count(conn: &Connection) -> Result<usize, HubError> {
    let count: i64 = conn.query_row("SELECT count(*) FROM entities", [], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// From where an answer tells.
struct Window {
    after_seq: i64,
    since: i64,
}

impl Window {
    fn of(sync_type: SyncType, cursor: Option<&str>, filters: &Filters) -> Result<Self, HubError> {
        for (index, word) in filters.entity_types.iter().enumerate() {
            // FunkyGibbon answers 500.
            let field = format!("filters.entity_types[{index}]");
            decide::known(word, ENTITY_TYPES, &field, "a known entity type")?;
        }
        let everything = Self {
            after_seq: 0,
            since: i64::MIN,
        };
        if sync_type != SyncType::Delta {
            return Ok(everything);
        }
        match cursor {
            // The cursor comes first: what follows it came after `since` too.
            Some(cursor) => match cursor.parse() {
                Ok(after_seq) => Ok(Self {
                    after_seq,
                    ..everything
                }),
                Err(_) => Err(HubError::Refused {
                    detail: format!("cursor must be a server_seq integer, got '{cursor}'"),
                }),
            },
            None => Ok(Self {
                since: filters.since.map_or(i64::MIN, Timestamp::micros),
                ..everything
            }),
        }
    }
}

struct Page {
    changes: Vec<Change>,
    /// Where the next one begins, if there is more.
    cursor: Option<i64>,
}

/// The first versions in the window, in order of arrival, as many as `limit` lets.
fn page(conn: &Connection, window: &Window, filters: &Filters, limit: PageLimit) -> Result<Page, HubError> {
    // Sequence and arrival are one order, so that one index serves both.
    let arrived: Option<i64> = conn
        .prepare_cached("SELECT seq FROM entity_versions WHERE arrival <= ?1 ORDER BY arrival DESC LIMIT 1")?
        .query_row([window.since], |row| row.get(0))
        .optional()?;
    let after = window.after_seq.max(arrived.unwrap_or(0));
    let mut statement = conn.prepare_cached(
        "SELECT e.seq, v.entity FROM entities e JOIN entity_versions v ON v.seq = e.seq
         WHERE e.seq > ?1
             AND (?2 IS NULL OR e.entity_type IN (SELECT value FROM json_each(?2)))
             AND (?3 IS NULL OR e.user_id IN (SELECT value FROM json_each(?3)))
         ORDER BY e.seq",
    )?;
    let mut rows = statement.query((after, any_of(&filters.entity_types), any_of(&filters.modified_by)))?;
    let mut page = Page {
        changes: Vec::new(),
        cursor: None,
    };
    let (mut bytes, mut last) = (0usize, after);
    while let Some(row) = rows.next()? {
        let text: String = row.get(1)?;
        bytes = bytes.saturating_add(text.len());
        if !page.changes.is_empty() && (page.changes.len() >= limit.changes || bytes > limit.bytes) {
            page.cursor = Some(last);
            break;
        }
        last = row.get(0)?;
        let entity = rows::entity(&text)?;
        page.changes.push(Change {
            change_type: match entity.is_deleted() {
                true => ChangeType::Delete,
                false => ChangeType::Update,
            },
            entity: Some(entity),
            // Edges never come down the stream: clients ask for their listing.
            relationships: Vec::new(),
        });
    }
    Ok(page)
}

/// A filter as a JSON array; none if it is empty.
fn any_of(words: &[String]) -> Option<String> {
    (!words.is_empty()).then(|| serde_json::Value::from(words.to_vec()).to_string())
}

fn digest(conn: &Connection, cache: &mut Option<(i64, String)>) -> Result<String, HubError> {
    let seq: i64 = conn
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM entity_versions")?
        .query_row([], |row| row.get(0))?;
    if let Some((known, digest)) = cache
        && *known == seq
    {
        return Ok(digest.clone());
    }
    let mut statement = conn.prepare_cached("SELECT id, version FROM entities ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut digest = EntityDigest::default();
    while let Some(row) = rows.next()? {
        let text = |column| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
        digest.add(text(0)?, text(1)?);
    }
    let digest = digest.finish();
    *cache = Some((seq, digest.clone()));
    Ok(digest)
}
