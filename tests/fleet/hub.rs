//! The hub of a world: one of v1 or one of v2, each the one that ships. What
//! passes its door is in `plain_door` and `graph_door`.

use std::collections::BTreeMap;
use std::sync::Arc;

use wildthing::hub::HubStore;
use wildthing::hub::v2::GraphStore;
use wildthing::protocol::Protocol;
use wildthing::protocol::v2::{Entity, Relationship, entity_record};

use crate::clock::{SECOND, SimSeam};
use crate::model::Check;
use crate::network::Flight;
use crate::rng::Rng;
use crate::world::odd;

/// How long a transaction of a hub may take at most: what clients allow for is a minute.
const LONGEST_COMMIT: i64 = 50 * SECOND;

pub enum Hub {
    Plain(Box<HubStore>),
    Graph(Box<GraphHub>),
}

/// A v2 hub, and what its server does that the store alone does not.
pub struct GraphHub {
    pub store: GraphStore,
    /// Rows are stamped when their push comes and seen when it is committed, and
    /// answers tell the clock: as servers were seen to do.
    pub late: bool,
    /// A push that is stamped and not committed, and when it came.
    pub uncommitted: Option<(Flight, i64)>,
}

impl Hub {
    pub fn new(protocol: Protocol, seam: &Arc<SimSeam>, page: usize, rng: &mut Rng) -> Check<Self> {
        if protocol == Protocol::V2 {
            let mut store = GraphStore::in_memory(seam.clone()).map_err(odd)?;
            store.set_page_limit(page);
            return Ok(Hub::Graph(Box::new(GraphHub {
                store,
                late: rng.permille(500),
                uncommitted: None,
            })));
        }
        let mut store = HubStore::in_memory(seam.clone()).map_err(odd)?;
        store.set_page_limit(page);
        Ok(Hub::Plain(Box::new(store)))
    }

    pub fn plain(&self) -> Check<&HubStore> {
        match self {
            Hub::Plain(store) => Ok(store),
            Hub::Graph(_) => Err(odd("a graph, where records were expected")),
        }
    }

    pub fn plain_mut(&mut self) -> Check<&mut HubStore> {
        match self {
            Hub::Plain(store) => Ok(store),
            Hub::Graph(_) => Err(odd("a graph, where records were expected")),
        }
    }

    pub fn graph(&self) -> Check<&GraphHub> {
        match self {
            Hub::Graph(hub) => Ok(hub),
            Hub::Plain(_) => Err(odd("records, where a graph was expected")),
        }
    }

    pub fn graph_mut(&mut self) -> Check<&mut GraphHub> {
        match self {
            Hub::Graph(hub) => Ok(hub),
            Hub::Plain(_) => Err(odd("records, where a graph was expected")),
        }
    }

    /// Whether answers tell the clock: then it must not step, or what is stamped
    /// while it is back is passed over by whoever asks once it is right again.
    pub fn tells_its_clock(&self) -> bool {
        matches!(self, Hub::Graph(hub) if hub.late)
    }

    pub fn is_committing(&self) -> bool {
        matches!(self, Hub::Graph(hub) if hub.uncommitted.is_some())
    }

    /// The true time by which the push that is under way is committed.
    pub fn commits_by(&self) -> Option<i64> {
        match self {
            Hub::Graph(hub) => hub.uncommitted.as_ref().map(|(_, came)| came + LONGEST_COMMIT),
            Hub::Plain(_) => None,
        }
    }

    pub fn forget_uncommitted(&mut self) {
        if let Hub::Graph(hub) = self {
            hub.uncommitted = None;
        }
    }
}

impl GraphHub {
    /// Every entity's current version, by id.
    pub fn current(&self) -> Check<BTreeMap<String, Entity>> {
        let listing = self.store.entities(None, u64::MAX, 0).map_err(odd)?;
        Ok(listing
            .entities
            .into_iter()
            .map(|listed| (listed.item.id.clone(), listed.item))
            .collect())
    }

    /// Every version of an entity, in the order in which they came; none of one that never came.
    pub fn versions(&self, id: &str) -> Vec<Entity> {
        match self.store.entity_versions(id) {
            Ok(listing) => listing.versions.into_iter().map(|listed| listed.item).collect(),
            Err(_) => Vec::new(),
        }
    }

    /// Every edge, deleted ones included, by id.
    pub fn edges(&self) -> Check<BTreeMap<String, Relationship>> {
        let listing = self.store.relationships(None, None, None).map_err(odd)?;
        Ok(listing
            .relationships
            .into_iter()
            .map(|listed| (listed.item.id.clone(), listed.item))
            .collect())
    }
}

/// A version at the hub as the record that it is.
pub fn as_version(entity: Entity) -> Check<wildthing::model::Version> {
    let change_type = wildthing::protocol::v2::ChangeType::Update;
    entity_record(change_type, entity)
        .map(|(version, _)| version)
        .map_err(odd)
}
