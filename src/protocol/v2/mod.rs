//! Inbetweenies v2, the graph protocol: entities in immutable versions, and
//! relationships between versions.
//!
//! `sync` is the one message of a sync and its answer; `entity` and
//! `relationship` are what it carries, `record` what they are here; `version`
//! reads version strings; `graph` and `listing` are the listings beside the sync,
//! `paths` where they are; `auth` how a token is had; `digest` the fingerprint of
//! all entities. Types that a newer server may add stay text here: what a hub
//! takes and what a client shows is theirs to say.

mod auth;
mod digest;
mod entity;
mod fields;
mod graph;
mod listing;
mod paths;
mod record;
mod relationship;
mod sync;
mod version;

pub use auth::{GuestTokenRequest, LoginRequest, Me, QrAnswer, QrData, Role, TokenAnswer};
pub use digest::EntityDigest;
pub use entity::{ENTITY_TYPES, Entity, SOURCE_TYPES};
pub use graph::{EntityAnswer, EntityListing, Listed, RelationshipListing, VersionListing};
pub use listing::for_each_edge;
pub use paths::{entity_path, relationships_path, status_path, version_path, versions_path};
pub use record::{
    TO_FIELD, Unusable, edge_body, edge_message, edge_record, entity_body, entity_change, entity_record,
};
pub use relationship::{RELATIONSHIP_TYPES, Relationship};
pub use sync::{
    Change, ChangeType, Conflict, Filters, Strategy, SyncRequest, SyncResponse, SyncStats, SyncType,
};
pub use version::{InvalidVersion, VersionStamp, version_time};

use crate::model::Timestamp;

/// What a v2 server calls its protocol.
pub const PROTOCOL_VERSION: &str = "inbetweenies-v2";
/// Path of a sync. Without the last slash it is answered by a redirect.
pub const SYNC_PATH: &str = "/api/v1/sync/";
/// Path of the probe that tells a v2 server.
pub const STATUS_PATH: &str = "/api/v1/sync/status";
/// What the paths of the graph begin with.
pub const GRAPH_PATH: &str = "/api/v1/graph";
/// What the paths of authentication begin with.
pub const AUTH_PATH: &str = "/api/v1/auth";
/// How many changes a server puts on a page.
pub const PAGE_CHANGES: usize = 500;

/// A time as v2 writes it: six digits of fraction and `+00:00`.
pub fn wire_time(time: Timestamp) -> String {
    format!("{time}+00:00")
}
