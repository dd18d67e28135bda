//! The messages of a sync with a graph, and what the answers beside it say.

use serde_json::Value;

use crate::model::{Kind, Timestamp};
use crate::protocol::ProtocolError;
use crate::protocol::v2::{
    Change, ChangeType, EntityAnswer, Filters, Relationship, SyncRequest, SyncType, VersionListing,
    edge_message, entity_change, entity_record,
};
use crate::store::mirror::ServerVersion;
use crate::store::push::PushItem;
use crate::sync::planner::Frame;

/// Asks for a page.
pub(super) fn pull(frame: &Frame, cursor: Option<String>, since: Option<Timestamp>) -> Value {
    request(frame, Vec::new(), cursor, since)
}

/// Sends edits, and asks for nothing: what came from others is pulled by itself.
pub(in crate::sync) fn push(frame: &Frame, items: &[PushItem]) -> Value {
    request(frame, changes(items), None, far_ahead())
}

/// Sends edges as the server has them, pinned anew.
pub(super) fn repin(frame: &Frame, edges: Vec<Relationship>) -> Value {
    let edges = edges.into_iter().map(|edge| Change {
        change_type: ChangeType::Update,
        entity: None,
        relationships: vec![edge],
    });
    request(frame, edges.collect(), None, far_ahead())
}

/// A time that nothing arrived after.
fn far_ahead() -> Option<Timestamp> {
    Timestamp::parse("2099-01-01T00:00:00").ok()
}

fn request(frame: &Frame, changes: Vec<Change>, cursor: Option<String>, since: Option<Timestamp>) -> Value {
    let client_id = &frame.session.client_id;
    SyncRequest {
        protocol_version: crate::protocol::v2::PROTOCOL_VERSION.to_owned(),
        device_id: client_id.clone(),
        user_id: client_id.clone(),
        sync_type: SyncType::Delta,
        changes,
        filters: Filters {
            since,
            ..Filters::default()
        },
        cursor,
        vector_clock: SyncRequest::empty_clock(),
    }
    .encode()
}

/// Edits in their order, each after its unanswered predecessors. An edge travels
/// with the entity it starts at, or alone.
fn changes(items: &[PushItem]) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::with_capacity(items.len());
    for item in items {
        let version = &item.change.version;
        if version.key.kind == Kind::Relationship {
            let (from, to) = item.luggage.pins.clone().unwrap_or_default();
            let edge = edge_message(version, &from, &to);
            let start = changes.iter_mut().rev().find(|change| {
                change
                    .entity
                    .as_ref()
                    .is_some_and(|entity| entity.id == edge.from_entity_id)
            });
            match start {
                Some(change) => change.relationships.push(edge),
                None => changes.push(Change {
                    change_type: ChangeType::Update,
                    entity: None,
                    relationships: vec![edge],
                }),
            }
            continue;
        }
        for sent in &item.luggage.before {
            changes.extend(entity_change(&sent.version, &sent.bases));
        }
        changes.extend(entity_change(version, &item.change.bases));
    }
    changes
}

/// Reads an entity that was asked for.
pub(in crate::sync) fn entity(body: &[u8]) -> Result<ServerVersion, ProtocolError> {
    let answer = EntityAnswer::decode(body)?;
    let found = answer.entity.item.id.clone();
    let (version, bases) =
        entity_record(ChangeType::Update, answer.entity.item).map_err(|problem| ProtocolError::Field {
            path: "entity".into(),
            expected: "an entity that can be kept here",
            found: format!("{found}: {problem}"),
        })?;
    Ok(ServerVersion { version, bases })
}

/// Reads an entity's versions: each, and what it was made on.
pub(super) fn versions(body: &[u8]) -> Result<Vec<(String, Vec<String>)>, ProtocolError> {
    Ok(VersionListing::decode(body)?
        .versions
        .into_iter()
        .map(|listed| (listed.item.version, listed.item.parent_versions))
        .collect())
}
