//! The tables of the replica and the numbered migrations that lead to them.
//!
//! Records are documents in one table; the views give the sqlite3 shell the
//! typed tables that the seed describes. One apply path, one outbox, and no
//! migration when a server adds a field.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

/// Each entry leads from the schema of its index to the next.
const MIGRATIONS: &[&[&str]] = &[&[V1, VIEWS], &[V2, VIEWS], &[V3, VIEWS, GRAPH_VIEWS], &[V4]];

/// The newest schema this library knows.
pub const LATEST: i64 = MIGRATIONS.len() as i64;

/// Brings the database to the newest schema, each migration in a transaction of its own.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    loop {
        let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if found == LATEST {
            return Ok(());
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have migrated while this one waited for the lock.
        let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let Some(migration) = usize::try_from(found)
            .ok()
            .and_then(|index| MIGRATIONS.get(index))
        else {
            if found == LATEST {
                continue;
            }
            return Err(StoreError::NewerSchema {
                path: String::new(),
                found,
                known: LATEST,
            });
        };
        if found == 0 && has_foreign_tables(&transaction)? {
            return Err(StoreError::NotADatabase { path: String::new() });
        }
        for script in *migration {
            transaction.execute_batch(script)?;
        }
        transaction.pragma_update(None, "user_version", found + 1)?;
        transaction.commit()?;
    }
}

/// A database in memory with the latest schema. It is migrated once in a process
/// and copied from then on: tests open many.
pub(super) fn in_memory() -> Result<Connection, StoreError> {
    static TEMPLATE: Mutex<Option<Connection>> = Mutex::new(None);
    let mut template = TEMPLATE.lock().unwrap_or_else(PoisonError::into_inner);
    let migrated = match template.take() {
        Some(connection) => connection,
        None => {
            let mut connection = Connection::open_in_memory()?;
            migrate(&mut connection)?;
            connection
        }
    };
    let mut copy = Connection::open_in_memory()?;
    Backup::new(&migrated, &mut copy)?.run_to_completion(i32::MAX, Duration::ZERO, None)?;
    *template = Some(migrated);
    Ok(copy)
}

/// A database of schema 0 that has tables belongs to some other program.
fn has_foreign_tables(connection: &Connection) -> Result<bool, StoreError> {
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(tables > 0)
}

const V1: &str = r"
CREATE TABLE records (
    kind              TEXT NOT NULL,
    id                TEXT NOT NULL,
    parent_id         TEXT,
    name              TEXT,
    body              TEXT NOT NULL CHECK (json_valid(body)),
    created_at        TEXT,
    updated_at        TEXT,
    sync_id           TEXT NOT NULL,
    deleted           INTEGER NOT NULL,
    sync_status       TEXT NOT NULL,
    server_updated_at TEXT,
    last_sync_at      TEXT,
    sync_error        TEXT,
    change_seq        INTEGER NOT NULL,
    last_change       TEXT NOT NULL,
    seen_resync       INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX records_by_parent ON records (kind, parent_id);
CREATE INDEX records_by_change ON records (change_seq);

-- One row a record with unsent edits.
CREATE TABLE outbox (
    kind          TEXT NOT NULL,
    id            TEXT NOT NULL,
    op            TEXT NOT NULL,
    rank          INTEGER NOT NULL,
    edit_seq      INTEGER NOT NULL,
    state         TEXT NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    unnamed       INTEGER NOT NULL DEFAULT 0,
    server_errors INTEGER NOT NULL DEFAULT 0,
    error_code    TEXT,
    last_error    TEXT,
    failed_at     TEXT,
    bases         TEXT NOT NULL CHECK (json_valid(bases)),
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX outbox_in_push_order ON outbox (rank, edit_seq);

-- Every attempted edit, written before the request leaves.
CREATE TABLE outbox_sent (
    kind       TEXT NOT NULL,
    id         TEXT NOT NULL,
    edit_seq   INTEGER NOT NULL,
    sync_id    TEXT NOT NULL,
    attempt_id TEXT NOT NULL,
    payload    TEXT NOT NULL CHECK (json_valid(payload)),
    bases      TEXT NOT NULL CHECK (json_valid(bases)),
    -- sync_id of the version that was in the mirror when it was first sent.
    mirrored   TEXT NOT NULL DEFAULT '',
    sent_at    TEXT NOT NULL,
    PRIMARY KEY (kind, id, edit_seq)
) STRICT, WITHOUT ROWID;

-- The last server version of every record with unsent edits.
CREATE TABLE mirror (
    kind        TEXT NOT NULL,
    id          TEXT NOT NULL,
    sync_id     TEXT NOT NULL,
    deleted     INTEGER NOT NULL,
    version     TEXT NOT NULL CHECK (json_valid(version)),
    bases       TEXT NOT NULL CHECK (json_valid(bases)),
    seen_resync INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- Every edit that lost or was refused, whole.
CREATE TABLE journal (
    entry        INTEGER PRIMARY KEY,
    kind         TEXT NOT NULL,
    id           TEXT NOT NULL,
    sync_id      TEXT NOT NULL,
    reason       TEXT NOT NULL,
    loser        TEXT NOT NULL,
    version      TEXT NOT NULL CHECK (json_valid(version)),
    winner       TEXT CHECK (winner IS NULL OR json_valid(winner)),
    losing_time  TEXT,
    winning_time TEXT,
    recorded_at  TEXT NOT NULL,
    dismissed    INTEGER NOT NULL DEFAULT 0
) STRICT;
-- An edit is journaled once; versions without an edit id can't be told apart.
CREATE UNIQUE INDEX journal_by_edit ON journal (kind, id, sync_id) WHERE sync_id <> '';

-- Superseded versions: of local edits, and of device states.
CREATE TABLE history (
    entry         INTEGER PRIMARY KEY,
    kind          TEXT NOT NULL,
    id            TEXT NOT NULL,
    version       TEXT NOT NULL CHECK (json_valid(version)),
    superseded_at TEXT NOT NULL
) STRICT;
CREATE INDEX history_by_record ON history (kind, id);

CREATE TABLE watermarks (
    kind        TEXT PRIMARY KEY,
    server_time TEXT,
    cursor      TEXT
) STRICT, WITHOUT ROWID;

-- One row. No credentials.
CREATE TABLE sync_metadata (
    only_row          INTEGER PRIMARY KEY CHECK (only_row = 1),
    client_id         TEXT NOT NULL,
    server_url        TEXT,
    protocol          TEXT NOT NULL DEFAULT 'v1',
    last_sync_time    TEXT,
    last_sync_success TEXT,
    last_sync_error   TEXT,
    sync_failures     INTEGER NOT NULL DEFAULT 0,
    total_syncs       INTEGER NOT NULL DEFAULT 0,
    total_conflicts   INTEGER NOT NULL DEFAULT 0,
    sync_in_progress  INTEGER NOT NULL DEFAULT 0,
    next_retry_time   TEXT,
    hub_id            TEXT,
    epoch             TEXT,
    rebind            INTEGER NOT NULL DEFAULT 0,
    lease_owner       TEXT,
    lease_pid         INTEGER,
    lease_expires     TEXT,
    generation        INTEGER NOT NULL DEFAULT 0,
    change_seq        INTEGER NOT NULL DEFAULT 0,
    edit_seq          INTEGER NOT NULL DEFAULT 0,
    resync            INTEGER NOT NULL DEFAULT 0,
    resync_active     INTEGER NOT NULL DEFAULT 0,
    resync_at         TEXT,
    digest_checked_at TEXT,
    digest_mismatches INTEGER NOT NULL DEFAULT 0,
    journal_pruned    INTEGER NOT NULL DEFAULT 0
) STRICT;
";

/// What the sqlite3 shell shows: the house, typed, without tombstones.
const VIEWS: &str = r"
CREATE VIEW houses AS
SELECT id, name, coalesce(body ->> 'address', body ->> '$.content.address') AS address, coalesce(body ->> 'latitude', body ->> '$.content.latitude') AS latitude,
       coalesce(body ->> 'longitude', body ->> '$.content.longitude') AS longitude, coalesce(body ->> 'timezone', body ->> '$.content.timezone') AS timezone,
       body ->> 'room_count' AS room_count, body ->> 'device_count' AS device_count,
       body ->> 'user_count' AS user_count, body ->> 'settings_json' AS settings_json,
       body ->> 'metadata_json' AS metadata_json, body ->> 'version' AS version,
       created_at, updated_at, sync_id, sync_status, server_updated_at, last_sync_at, sync_error
FROM records WHERE kind = 'house' AND NOT deleted;

CREATE VIEW rooms AS
SELECT id, parent_id AS house_id, body ->> 'house_name' AS house_name, name,
       coalesce(body ->> 'room_type', body ->> '$.content.room_type') AS room_type, coalesce(body ->> 'floor', body ->> '$.content.floor') AS floor,
       body ->> 'device_count' AS device_count, coalesce(body ->> 'temperature', body ->> '$.content.temperature') AS temperature,
       coalesce(body ->> 'humidity', body ->> '$.content.humidity') AS humidity, body ->> 'last_motion_at' AS last_motion_at,
       body ->> 'settings_json' AS settings_json, body ->> 'metadata_json' AS metadata_json,
       body ->> 'version' AS version,
       created_at, updated_at, sync_id, sync_status, server_updated_at, last_sync_at, sync_error
FROM records WHERE kind = 'room' AND NOT deleted;

CREATE VIEW devices AS
SELECT id, parent_id AS room_id, body ->> 'house_id' AS house_id, body ->> 'room_name' AS room_name,
       body ->> 'house_name' AS house_name, name, coalesce(body ->> 'device_type', body ->> '$.content.type') AS device_type,
       coalesce(body ->> 'manufacturer', body ->> '$.content.manufacturer') AS manufacturer, coalesce(body ->> 'model', body ->> '$.content.model') AS model,
       coalesce((SELECT state.body ->> 'state_json' FROM records AS state
                 WHERE state.kind = 'entity_state' AND state.parent_id = records.id AND NOT state.deleted
                 ORDER BY state.updated_at DESC, state.sync_id DESC LIMIT 1),
                body ->> 'state_json', body ->> '$.content.state') AS state_json,
       coalesce(body ->> 'capabilities_json', body ->> '$.content.capabilities') AS capabilities_json, coalesce(body ->> 'ip_address', body ->> '$.content.ip_address') AS ip_address,
       coalesce(body ->> 'mac_address', body ->> '$.content.mac_address') AS mac_address, body ->> 'metadata_json' AS metadata_json,
       body ->> 'version' AS version,
       created_at, updated_at, sync_id, sync_status, server_updated_at, last_sync_at, sync_error
FROM records WHERE kind = 'device' AND NOT deleted;

CREATE VIEW users AS
SELECT id, parent_id AS house_id, name, body ->> 'email' AS email, body ->> 'role' AS role,
       body ->> 'device_ids_json' AS device_ids_json, body ->> 'preferences_json' AS preferences_json,
       body ->> 'metadata_json' AS metadata_json, body ->> 'version' AS version,
       created_at, updated_at, sync_id, sync_status, server_updated_at, last_sync_at, sync_error
FROM records WHERE kind = 'user' AND NOT deleted;

CREATE VIEW entity_states AS
SELECT id, parent_id AS device_id, body ->> 'state_type' AS state_type,
       body ->> 'state_value' AS state_value, body ->> 'state_json' AS state_json,
       body ->> 'source' AS source, body ->> 'user_id' AS user_id,
       body ->> 'metadata_json' AS metadata_json,
       created_at, updated_at, sync_id, sync_status, server_updated_at, last_sync_at, sync_error
FROM records WHERE kind = 'entity_state' AND NOT deleted;

CREATE VIEW events AS
SELECT id, body ->> 'event_type' AS event_type, body ->> 'entity_type' AS entity_type,
       parent_id AS entity_id, body ->> 'description' AS description,
       body ->> 'data_json' AS data_json, body ->> 'source' AS source, body ->> 'user_id' AS user_id,
       body ->> 'metadata_json' AS metadata_json,
       created_at, updated_at, sync_id, sync_status, server_updated_at, last_sync_at, sync_error
FROM records WHERE kind = 'event' AND NOT deleted;
";

/// Records become a table with row numbers. Without them a tree holds whole
/// records in its inner pages too, and one of 300,000 is deep.
///
/// Without statistics SQLite takes any two conditions for about equally good, and
/// looks for what is in a room by reading every record of the kind. These are of
/// a large house; only their proportions matter, and they need no upkeep.
const V2: &str = r"
DROP VIEW houses; DROP VIEW rooms; DROP VIEW devices; DROP VIEW users; DROP VIEW entity_states; DROP VIEW events;
DROP INDEX records_by_parent;
DROP INDEX records_by_change;
ALTER TABLE records RENAME TO old_records;

CREATE TABLE records (
    kind              TEXT NOT NULL,
    id                TEXT NOT NULL,
    parent_id         TEXT,
    name              TEXT,
    body              TEXT NOT NULL CHECK (json_valid(body)),
    created_at        TEXT,
    updated_at        TEXT,
    sync_id           TEXT NOT NULL,
    deleted           INTEGER NOT NULL,
    sync_status       TEXT NOT NULL,
    server_updated_at TEXT,
    last_sync_at      TEXT,
    sync_error        TEXT,
    change_seq        INTEGER NOT NULL,
    last_change       TEXT NOT NULL,
    seen_resync       INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, id)
) STRICT;
INSERT INTO records (kind, id, parent_id, name, body, created_at, updated_at, sync_id, deleted, sync_status,
                     server_updated_at, last_sync_at, sync_error, change_seq, last_change, seen_resync)
SELECT kind, id, parent_id, name, body, created_at, updated_at, sync_id, deleted, sync_status,
       server_updated_at, last_sync_at, sync_error, change_seq, last_change, seen_resync
FROM old_records ORDER BY kind, id;
DROP TABLE old_records;
-- With `deleted` the live records of each kind are counted in the index alone.
CREATE INDEX records_by_parent ON records (kind, parent_id, deleted);
CREATE INDEX records_by_change ON records (change_seq);

-- Every record that is read is asked whether an edit of it lost.
CREATE INDEX journal_of_open_losses ON journal (kind, id, entry) WHERE NOT dismissed AND loser = 'local';

ANALYZE sqlite_schema;
DELETE FROM sqlite_stat1 WHERE tbl = 'records';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('records', 'sqlite_autoindex_records_1', '100000 20000 1'),
    ('records', 'records_by_parent', '100000 20000 3 3'),
    ('records', 'records_by_change', '100000 1');
ANALYZE sqlite_schema;
";

/// A server with a graph: edges are found from both ends, and the sync of one
/// that was interrupted goes on where it was.
const V3: &str = r"
DROP VIEW houses; DROP VIEW rooms; DROP VIEW devices; DROP VIEW users; DROP VIEW entity_states; DROP VIEW events;
CREATE INDEX edges_by_target ON records (body ->> 'to_entity_id') WHERE kind = 'relationship';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('records', 'edges_by_target', '30000 3');
ANALYZE sqlite_schema;

-- Versions made here that the server took and then replaced by one that does not
-- name them. Whether they are its ancestors is still to be asked.
CREATE TABLE displaced (
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    sync_id TEXT NOT NULL,
    version TEXT NOT NULL CHECK (json_valid(version)),
    PRIMARY KEY (kind, id, sync_id)
) STRICT, WITHOUT ROWID;

-- 1: entities changed since the edges were last read; 2: what rooms may be in did.
ALTER TABLE sync_metadata ADD COLUMN edges_due INTEGER NOT NULL DEFAULT 1;
ALTER TABLE sync_metadata ADD COLUMN edges_read_at TEXT;
-- What `connect` was asked for, where `protocol` is what was found.
ALTER TABLE sync_metadata ADD COLUMN protocol_asked TEXT NOT NULL DEFAULT 'auto';
UPDATE sync_metadata SET protocol = 'auto'
WHERE total_syncs = 0 AND hub_id IS NULL AND NOT EXISTS (SELECT 1 FROM watermarks);
";

/// What `search` looks into. It is filled when something is searched for, so that
/// nothing else pays for it.
const V4: &str = r"
-- Row numbers of the text by record: those of records may change.
CREATE TABLE search_entries (
    entry INTEGER PRIMARY KEY,
    kind  TEXT NOT NULL,
    id    TEXT NOT NULL,
    UNIQUE (kind, id)
) STRICT;
CREATE VIRTUAL TABLE search_text USING fts5 (name, text, tokenize = 'unicode61 remove_diacritics 2');
-- One row: which rules the text was made by, and the row of `records`, by change,
-- kind and id, up to which it is there.
CREATE TABLE search_state (
    only_row   INTEGER PRIMARY KEY CHECK (only_row = 1),
    rules      INTEGER NOT NULL,
    change_seq INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    id         TEXT NOT NULL
) STRICT;
INSERT INTO search_state (only_row, rules, change_seq, kind, id) VALUES (1, 0, 0, '', '');
";

const GRAPH_VIEWS: &str = r"
CREATE VIEW entities AS
SELECT id, CASE kind WHEN 'house' THEN 'home' ELSE kind END AS entity_type, name, body -> '$.content' AS content,
       body ->> 'source_type' AS source_type, body ->> 'user_id' AS user_id, sync_id AS version, parent_id,
       updated_at, sync_status, last_sync_at, sync_error
FROM records WHERE body ->> 'source_type' IS NOT NULL AND kind <> 'relationship' AND NOT deleted;

CREATE VIEW relationships AS
SELECT id, body ->> 'relationship_type' AS relationship_type, parent_id AS from_entity_id,
       body ->> 'to_entity_id' AS to_entity_id, body -> 'properties' AS properties,
       body ->> 'from_entity_version' AS from_entity_version, body ->> 'to_entity_version' AS to_entity_version,
       updated_at, sync_status, last_sync_at, sync_error
FROM records WHERE kind = 'relationship' AND NOT deleted;
";
