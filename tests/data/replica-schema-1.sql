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

CREATE VIEW houses AS
SELECT id, name, body ->> 'address' AS address, body ->> 'latitude' AS latitude,
       body ->> 'longitude' AS longitude, body ->> 'timezone' AS timezone,
       body ->> 'room_count' AS room_count, body ->> 'device_count' AS device_count,
       body ->> 'user_count' AS user_count, body ->> 'settings_json' AS settings_json,
       body ->> 'metadata_json' AS metadata_json, body ->> 'version' AS version,
       created_at, updated_at, sync_id, sync_status, server_updated_at, last_sync_at, sync_error
FROM records WHERE kind = 'house' AND NOT deleted;

CREATE VIEW rooms AS
SELECT id, parent_id AS house_id, body ->> 'house_name' AS house_name, name,
       body ->> 'room_type' AS room_type, body ->> 'floor' AS floor,
       body ->> 'device_count' AS device_count, body ->> 'temperature' AS temperature,
       body ->> 'humidity' AS humidity, body ->> 'last_motion_at' AS last_motion_at,
       body ->> 'settings_json' AS settings_json, body ->> 'metadata_json' AS metadata_json,
       body ->> 'version' AS version,
       created_at, updated_at, sync_id, sync_status, server_updated_at, last_sync_at, sync_error
FROM records WHERE kind = 'room' AND NOT deleted;

CREATE VIEW devices AS
SELECT id, parent_id AS room_id, body ->> 'house_id' AS house_id, body ->> 'room_name' AS room_name,
       body ->> 'house_name' AS house_name, name, body ->> 'device_type' AS device_type,
       body ->> 'manufacturer' AS manufacturer, body ->> 'model' AS model,
       coalesce((SELECT state.body ->> 'state_json' FROM records AS state
                 WHERE state.kind = 'entity_state' AND state.parent_id = records.id AND NOT state.deleted
                 ORDER BY state.updated_at DESC, state.sync_id DESC LIMIT 1),
                body ->> 'state_json') AS state_json,
       body ->> 'capabilities_json' AS capabilities_json, body ->> 'ip_address' AS ip_address,
       body ->> 'mac_address' AS mac_address, body ->> 'metadata_json' AS metadata_json,
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

PRAGMA user_version = 1;

INSERT INTO sync_metadata (only_row, client_id, change_seq, edit_seq) VALUES (1, '00000000-0000-4000-8000-000000000001', 2, 1);
INSERT INTO records (kind, id, parent_id, name, body, created_at, updated_at, sync_id, deleted, sync_status,
                     last_sync_at, change_seq, last_change) VALUES
    ('house', 'h1', NULL, 'Cabin', '{"address":"1 Main Street","big":123456789012345678901234567890}',
     '2026-11-22T07:59:21.194774', '2026-11-22T07:59:21.194774', 'e1', 0, 'synced', '2026-11-22T08:00:00.000000', 1,
     'created remote'),
    ('room', 'r1', 'h1', 'Hall', '{"floor":2}', '2026-11-22T07:59:21.194774', '2026-11-22T08:59:21.194774', 'e2', 0,
     'pending', NULL, 2, 'updated local');
INSERT INTO outbox (kind, id, op, rank, edit_seq, state, bases) VALUES ('room', 'r1', 'create', 1, 1, 'queued', '[]');
