//! The digests of the replica: what the server is known to have, and what is shown.

use rusqlite::Connection;

use super::{StoreError, rows};
use crate::model::Kind;
use crate::protocol::digest::{ContentDigest, StateDigest};

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

/// State and content digest of what the replica shows.
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
    Ok((state.finish(), content.finish()))
}
