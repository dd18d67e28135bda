//! The mirror: the last server version of every record with unsent edits.
//!
//! Adjudication, digest and discard read it. Written only in the transaction
//! that learned of the version.

use rusqlite::{Connection, OptionalExtension, params};

use super::StoreError;
use crate::model::{Key, Version};

/// A version the server holds, and what it descends from.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerVersion {
    /// The version.
    pub version: Version,
    /// `sync_id`s it was made on, where the server tells.
    pub bases: Vec<String>,
}

/// The mirrored version of a record.
pub fn get(connection: &Connection, key: &Key) -> Result<Option<ServerVersion>, StoreError> {
    let row: Option<(String, String)> = connection
        .prepare_cached("SELECT version, bases FROM mirror WHERE kind = ?1 AND id = ?2")?
        .query_row(params![key.kind.as_str(), key.id.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    row.map(|(version, bases)| {
        Ok(ServerVersion {
            version: serde_json::from_str(&version)?,
            bases: serde_json::from_str(&bases)?,
        })
    })
    .transpose()
}

pub(super) fn put(
    connection: &Connection,
    server: &ServerVersion,
    seen_resync: i64,
) -> Result<(), StoreError> {
    let key = &server.version.key;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO mirror (kind, id, sync_id, deleted, version, bases, seen_resync)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            key.kind.as_str(),
            key.id.as_str(),
            server.version.sync_id,
            server.version.deleted,
            serde_json::to_string(&server.version)?,
            serde_json::to_string(&server.bases)?,
            seen_resync,
        ])?;
    Ok(())
}

pub(super) fn remove(connection: &Connection, key: &Key) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM mirror WHERE kind = ?1 AND id = ?2")?
        .execute(params![key.kind.as_str(), key.id.as_str()])?;
    Ok(())
}

/// Forgets mirrored versions that a complete answer did not name.
pub(super) fn remove_unseen(connection: &Connection, resync: i64) -> Result<(), StoreError> {
    connection.execute("DELETE FROM mirror WHERE seen_resync <> ?1", [resync])?;
    Ok(())
}
