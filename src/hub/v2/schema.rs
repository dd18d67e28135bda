//! The tables of a v2 hub. What they hold is read and written in `rows`, what
//! is secret in them in `auth`.

use crate::hub::schema::Protocol;

/// The graph protocol.
pub(super) const V2: Protocol = Protocol {
    name: "v2",
    migrations: MIGRATIONS,
};

const MIGRATIONS: &[&str] = &["
    CREATE TABLE meta (
        one          INTEGER PRIMARY KEY CHECK (one = 1),
        hub_id       TEXT NOT NULL,
        epoch        TEXT NOT NULL,
        protocol     TEXT NOT NULL,
        -- The greatest arrival stamp ever given out, in microseconds since 1970.
        last_arrival INTEGER NOT NULL
    ) STRICT;
    -- Every version ever taken, losers included. Rows are never deleted, so
    -- that the numbers are a sequence over the hub's whole life.
    CREATE TABLE entity_versions (
        seq     INTEGER PRIMARY KEY,
        id      TEXT NOT NULL,
        version TEXT NOT NULL,
        -- The entity of the wire, whole.
        entity  TEXT NOT NULL CHECK (json_valid(entity)),
        -- When it came, and when something last happened to it.
        arrival INTEGER NOT NULL,
        changed INTEGER NOT NULL,
        UNIQUE (id, version)
    ) STRICT;
    CREATE UNIQUE INDEX entity_versions_by_arrival ON entity_versions (arrival);
    -- Which version every entity stands at, tombstones included.
    CREATE TABLE entities (
        id          TEXT PRIMARY KEY,
        version     TEXT NOT NULL,
        seq         INTEGER NOT NULL UNIQUE REFERENCES entity_versions (seq),
        entity_type TEXT NOT NULL,
        user_id     TEXT NOT NULL,
        deleted     INTEGER NOT NULL CHECK (deleted IN (0, 1)),
        arrival     INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE relationships (
        id                TEXT PRIMARY KEY,
        from_id           TEXT NOT NULL,
        to_id             TEXT NOT NULL,
        relationship_type TEXT NOT NULL,
        deleted           INTEGER NOT NULL CHECK (deleted IN (0, 1)),
        -- The relationship of the wire, whole.
        edge              TEXT NOT NULL CHECK (json_valid(edge)),
        created           INTEGER NOT NULL,
        changed           INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX relationships_by_from ON relationships (from_id);
    CREATE INDEX relationships_by_to ON relationships (to_id);
    -- The key that tokens are signed with, and the admin's password, hashed.
    CREATE TABLE secrets (
        one           INTEGER PRIMARY KEY CHECK (one = 1),
        signing_key   BLOB NOT NULL,
        password_salt BLOB,
        password_hash BLOB
    ) STRICT;
    -- Tokens for guests, hashed: who reads the file can't be a guest by it.
    CREATE TABLE guests (
        token_hash TEXT PRIMARY KEY,
        -- The token's first characters, to tell guests apart by.
        shown      TEXT NOT NULL,
        created    INTEGER NOT NULL,
        expires    INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
"];
