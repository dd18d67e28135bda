//! Taking in recordings of another v2 server, so that a hub starts with a house
//! that somebody lives in: the answer to a full sync, then the listing of edges.

use rusqlite::Connection;

use crate::hub::decide::Arrivals;
use crate::hub::{HubError, ImportReport};
use crate::protocol::decode::message_within;
use crate::protocol::v2::{
    Change, ChangeType, Entity, Listed, Relationship, RelationshipListing, SyncResponse,
};
use crate::protocol::{MAX_LISTING_BYTES, ProtocolError};

use super::decide::{check_edge, check_entity, decide, take_edge};
use super::rows;
use super::store::GraphStore;

impl GraphStore {
    /// Takes in a recorded answer of `/api/v1/sync/` or `/api/v1/graph/relationships`,
    /// in one transaction.
    ///
    /// Versions stay as recorded; arrival stamps are new. The same recording
    /// imported again changes nothing. An entity that the hub knows in another
    /// version is decided by the rule, as if it were pushed. Edges need the
    /// entity versions that they lead to: import those first.
    pub fn import(&mut self, bytes: &[u8]) -> Result<ImportReport, HubError> {
        let object = message_within(bytes, MAX_LISTING_BYTES).map_err(unreadable)?;
        if object.contains_key("changes") {
            let recorded = SyncResponse::decode(bytes).map_err(unreadable)?;
            return self.import_entities(recorded.changes);
        }
        if object.contains_key("relationships") {
            let recorded = RelationshipListing::decode(bytes).map_err(unreadable)?;
            return self.import_edges(recorded.relationships);
        }
        Err(bad("it has neither \"changes\" nor \"relationships\"".to_owned()))
    }

    fn import_entities(&mut self, changes: Vec<Change>) -> Result<ImportReport, HubError> {
        self.write(|tx, arrivals| {
            let mut report = ImportReport::default();
            for (index, change) in changes.into_iter().enumerate() {
                let Some(entity) = change.entity else { continue };
                check_entity(&entity)
                    .map_err(|error| unreadable(error.within(&format!("changes[{index}].entity"))))?;
                if rows::is_known(tx, &entity.id, &entity.version)? {
                    report.unchanged += 1;
                } else if take(tx, arrivals, entity)? {
                    report.imported += 1;
                } else {
                    report.lost += 1;
                }
            }
            Ok(report)
        })
    }

    fn import_edges(&mut self, edges: Vec<Listed<Relationship>>) -> Result<ImportReport, HubError> {
        self.write(|tx, arrivals| {
            let mut report = ImportReport::default();
            for Listed { item: mut edge, .. } in edges {
                check_edge(&edge).map_err(|error| bad(error.to_string()))?;
                let known = rows::edges(tx, "WHERE id = ?1", [&edge.id])?;
                if known.first().is_some_and(|known| known.item == edge) {
                    report.unchanged += 1;
                } else if take_edge(tx, arrivals, &mut edge, "import")? {
                    report.imported += 1;
                } else {
                    return Err(bad(format!(
                        "the edge {} leads from or to an entity version that is not here; \
                         import the entities first",
                        edge.id
                    )));
                }
            }
            Ok(report)
        })
    }
}

/// Whether the recorded version became current. An update, not a delete, even
/// for tombstones: a delete of what nobody knows would leave no trace.
fn take(conn: &Connection, arrivals: &mut Arrivals<'_>, entity: Entity) -> Result<bool, HubError> {
    let version = entity.version.clone();
    let conflict = decide(conn, arrivals, ChangeType::Update, entity)?;
    Ok(conflict.is_none_or(|conflict| conflict.resolved_version == version))
}

fn unreadable(problem: ProtocolError) -> HubError {
    bad(problem.to_string())
}

fn bad(problem: String) -> HubError {
    HubError::GraphImportFormat { problem }
}
