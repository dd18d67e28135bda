//! The digests of the replica: what the server is known to have, and what is shown.

use rusqlite::Connection;

use super::{StoreError, metadata, rows};
use crate::model::Kind;
use crate::protocol::Protocol;
use crate::protocol::digest::{ContentDigest, StateDigest};
use crate::protocol::v2::EntityDigest;

/// Digest over the versions the server is known to have: the mirror where edits
/// are unsent, the record elsewhere.
pub fn server_known(connection: &Connection, kinds: &[Kind]) -> Result<String, StoreError> {
    let mut digest = StateDigest::default();
    let mut statement = connection.prepare_cached(
        "SELECT records.kind, records.id,
                CASE WHEN outbox.id IS NULL THEN records.sync_id ELSE mirror.sync_id END,
                CASE WHEN outbox.id IS NULL THEN records.deleted ELSE mirror.deleted END
         FROM records
         LEFT JOIN outbox ON outbox.kind = records.kind AND outbox.id = records.id
         LEFT JOIN mirror ON mirror.kind = records.kind AND mirror.id = records.id
         WHERE outbox.id IS NULL OR mirror.id IS NOT NULL
         ORDER BY records.kind, records.id",
    )?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        let kind: String = row.get(0)?;
        if !kinds.contains(&Kind::parse(&kind)) {
            continue;
        }
        let (id, sync_id, deleted): (String, String, bool) = (row.get(1)?, row.get(2)?, row.get(3)?);
        digest.add_row(&kind, &id, &sync_id, deleted);
    }
    Ok(digest.finish())
}

/// Digest of a graph over the versions its server is known to have. Edges have no part in it.
pub fn graph_known(connection: &Connection) -> Result<String, StoreError> {
    let mut digest = EntityDigest::default();
    let mut statement = connection.prepare_cached(
        "SELECT records.id, CASE WHEN outbox.id IS NULL THEN records.sync_id ELSE mirror.sync_id END AS version
         FROM records
         LEFT JOIN outbox ON outbox.kind = records.kind AND outbox.id = records.id
         LEFT JOIN mirror ON mirror.kind = records.kind AND mirror.id = records.id
         WHERE records.kind NOT IN ('user', 'entity_state', 'event', 'relationship')
           AND (outbox.id IS NULL OR mirror.id IS NOT NULL)
         ORDER BY records.id",
    )?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        let text = |column| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
        digest.add(text(0)?, text(1)?);
    }
    Ok(digest.finish())
}

/// State and content digest of what the replica shows. The state digest of a graph
/// is the one that its server gives, over what that is known to have.
pub fn shown(connection: &Connection) -> Result<(String, String), StoreError> {
    let mut state = StateDigest::default();
    let mut content = ContentDigest::default();
    for record in rows::list(
        connection,
        &rows::Filter {
            include_deleted: true,
            ..Default::default()
        },
    )? {
        state.add(
            &record.version.key,
            &record.version.sync_id,
            record.version.deleted,
        );
        content.add(&record.version);
    }
    let state = match metadata::protocol(connection)? {
        Protocol::V2 => graph_known(connection)?,
        _ => state.finish(),
    };
    Ok((state, content.finish()))
}
