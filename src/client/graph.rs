//! The graph: entities of any type, what connects them, paths and search. Houses,
//! rooms and devices are entities too, with calls of their own in `read` and `write`.

use rusqlite::Connection;

use super::entities::{EntityReader, check_entity_type, new_entity, only_in_a_graph, patched, relationship};
use super::graph_types::{
    EdgeDirection, Entity, EntityPatch, GraphPath, Neighbour, NewEntity, Relationship, RelationshipFilter,
    SearchHit,
};
use super::patch::invalid;
use super::read::missing;
use super::{Result, WildThingClient, WildThingError};
use crate::model::{JsonObject, Key, Kind, Record, RecordId, Version};
use crate::protocol::Protocol;
use crate::protocol::v2::RELATIONSHIP_TYPES;
use crate::store::graph::{edges, search, walk};
use crate::store::{StoreError, metadata, rows};

/// What a look at the replica comes to, and what the caller did wrong.
type Looked<T> = std::result::Result<Result<T>, StoreError>;

/// How many relationships a path has at most, unless more are asked for.
const USUAL_DEPTH: u32 = 10;

#[uniffi::export]
impl WildThingClient {
    /// The entities of a type (`home`, `room`, `device`, `note`, …), or all, by
    /// type and name. People are there as `user`. Empty for a type of which there
    /// is none.
    #[uniffi::method(default(entity_type = None))]
    pub async fn get_entities(&self, entity_type: Option<String>) -> Result<Vec<Entity>> {
        self.inner
            .blocking(move |core| {
                Ok(core
                    .store
                    .read(|connection| super::entities::list(connection, entity_type.as_deref()))?)
            })
            .await
    }

    /// One entity. `NotFound` if it is not there. Without a graph ids may repeat
    /// across types: then `Invalid`, unless `entity_type` tells which.
    #[uniffi::method(default(entity_type = None))]
    pub async fn get_entity(&self, entity_id: RecordId, entity_type: Option<String>) -> Result<Entity> {
        self.look(move |connection| {
            let key = match one(connection, &entity_id, entity_type.as_deref())? {
                Ok(key) => key,
                Err(refusal) => return Ok(Err(refusal)),
            };
            Ok(EntityReader::new(connection)
                .at(&key)?
                .ok_or_else(|| missing(&key)))
        })
        .await
    }

    /// Makes an entity; it is connected to others by `connect_entities`. What has a
    /// place is better made by `create_room` and `create_device`.
    ///
    /// `Invalid` for a type that servers don't know, or a field that can't be used;
    /// `UnsupportedByServer` if the replica holds no graph, unless it is a house, or
    /// a room or device whose content says what it is in.
    pub async fn create_entity(&self, entity: NewEntity) -> Result<Entity> {
        check_entity_type(&entity.entity_type)?;
        self.inner
            .blocking(move |core| {
                let kind = Kind::of_entity_type(&entity.entity_type);
                let key = Key::new(kind, core.seam.new_id());
                let check = |connection: &Connection, _: Option<&Version>| {
                    let holds_graph = metadata::protocol(connection)? == Protocol::V2;
                    match new_entity(key.clone(), &entity, holds_graph) {
                        Ok(version) => placed(connection, version),
                        Err(refusal) => Ok(Err(refusal)),
                    }
                };
                core.store.edit_if(&key, check, shown)?
            })
            .await
    }

    /// Changes an entity: its name, and its content by a merge patch or as a whole.
    ///
    /// `NotFound` if it is not there; `Invalid` for a field that can't be used, or
    /// for an id that several types share, which can be so without a graph;
    /// `UnsupportedByServer` for what only a graph can hold, if the replica holds none.
    pub async fn update_entity(&self, entity_id: RecordId, patch: EntityPatch) -> Result<Entity> {
        self.inner
            .blocking(move |core| {
                let key = core
                    .store
                    .read(|connection| one(connection, &entity_id, None))??;
                let check = |connection: &Connection, current: Option<&Version>| {
                    let Some(version) = current.filter(|version| !version.deleted) else {
                        return Ok(Err(missing(&key)));
                    };
                    match patched(connection, version, &patch)? {
                        Ok(new) if new.parent_id == version.parent_id => Ok(Ok(new)),
                        Ok(new) => placed(connection, new),
                        Err(refusal) => Ok(Err(refusal)),
                    }
                };
                core.store.edit_if(&key, check, shown)?
            })
            .await
    }

    /// Deletes an entity; a house with its rooms, and a room with its devices. Its
    /// relationships are no longer shown. `NotFound` if it is not there, `Invalid`
    /// for an id that several types share.
    pub async fn delete_entity(&self, entity_id: RecordId) -> Result<()> {
        self.inner
            .blocking(move |core| {
                let key = core
                    .store
                    .read(|connection| one(connection, &entity_id, None))??;
                Ok(core.store.delete(&key)?)
            })
            .await
    }

    /// The relationships that fit a filter, or all, by id. One of an entity that is
    /// deleted is not among them; one to an entity that is not here is.
    #[uniffi::method(default(filter = None))]
    pub async fn get_relationships(&self, filter: Option<RelationshipFilter>) -> Result<Vec<Relationship>> {
        self.inner
            .blocking(move |core| {
                let filter = filter.unwrap_or_default();
                Ok(core.store.read(|connection| relationships(connection, &filter))?)
            })
            .await
    }

    /// Connects two entities: `from` is `located_in`, `controls`, … `to`. If they
    /// are connected just so, with the same properties, that relationship is given.
    ///
    /// It adds: to move a room or device, use `update_room` or `update_device`.
    /// `NotFound` if an entity is not there, `Invalid` for a type that servers don't
    /// know, a connection to itself or a property `deleted`, `UnsupportedByServer`
    /// if the replica holds no graph.
    #[uniffi::method(default(properties = None))]
    pub async fn connect_entities(
        &self,
        from_id: RecordId,
        to_id: RecordId,
        relationship_type: String,
        properties: Option<JsonObject>,
    ) -> Result<Relationship> {
        let properties = properties.unwrap_or_default();
        if !RELATIONSHIP_TYPES.contains(&relationship_type.as_str()) {
            let problem = format!("expected one of {}", RELATIONSHIP_TYPES.join(", "));
            return Err(invalid("relationship_type", problem));
        }
        if from_id == to_id {
            return Err(invalid("to_id", "is the entity that the relationship starts at"));
        }
        super::entities::check_content("properties", &properties)?;
        self.inner
            .blocking(move |core| {
                let check = |connection: &Connection| {
                    if metadata::protocol(connection)? != Protocol::V2 {
                        return Ok(Err(Unconnected::Refused(only_in_a_graph("a relationship"))));
                    }
                    let (from, to) = match (node(connection, &from_id)?, node(connection, &to_id)?) {
                        (Ok(from), Ok(to)) => (from, to),
                        (Err(refusal), _) | (_, Err(refusal)) => {
                            return Ok(Err(Unconnected::Refused(refusal)));
                        }
                    };
                    let same = |edge: &Record| {
                        edges::edge_type(&edge.version) == relationship_type
                            && edges::target(&edge.version).as_ref() == Some(&to_id)
                            && relationship_properties(edge) == properties
                    };
                    let there = edges::outgoing(connection, &from_id)?;
                    Ok(match there.into_iter().find(same) {
                        Some(edge) => Err(Unconnected::There(Box::new(edge))),
                        None => Ok((from, to)),
                    })
                };
                let done = core
                    .store
                    .connect_entities(check, &relationship_type, properties.clone())?;
                let edge = match done {
                    Ok(edge) => edge,
                    Err(Unconnected::There(edge)) => *edge,
                    Err(Unconnected::Refused(refusal)) => return Err(refusal),
                };
                Ok(relationship(edge, None))
            })
            .await
    }

    /// Takes a relationship away. Servers have no way to delete one: it is sent with
    /// the property `deleted`, which clients and hubs of this project honour, and
    /// does not come back here. `NotFound` if it is not there.
    pub async fn disconnect_entities(&self, relationship_id: RecordId) -> Result<()> {
        let key = Key::new(Kind::Relationship, relationship_id);
        self.inner
            .blocking(move |core| match core.store.disconnect_entities(&key)? {
                true => Ok(()),
                false => Err(missing(&key)),
            })
            .await
    }

    /// What is next to an entity: along the relationships that start at it, then
    /// along those that lead to it; of one type, or in one direction, if asked for.
    /// Without a graph nothing is.
    #[uniffi::method(default(relationship_type = None, direction = None))]
    pub async fn neighbours(
        &self,
        entity_id: RecordId,
        relationship_type: Option<String>,
        direction: Option<EdgeDirection>,
    ) -> Result<Vec<Neighbour>> {
        self.look(move |connection| {
            if let Err(refusal) = one(connection, &entity_id, None)? {
                return Ok(Err(refusal));
            }
            let mut reader = EntityReader::new(connection);
            let mut neighbours = Vec::new();
            for found in walk::neighbours(connection, &entity_id)? {
                let way = match found.outgoing {
                    true => EdgeDirection::Outgoing,
                    false => EdgeDirection::Incoming,
                };
                let edge_type = edges::edge_type(&found.edge.version);
                if relationship_type
                    .as_deref()
                    .is_some_and(|wanted| wanted != edge_type)
                    || direction.is_some_and(|wanted| wanted != way)
                {
                    continue;
                }
                if let Some(entity) = reader.at(&found.other)? {
                    neighbours.push(Neighbour {
                        entity,
                        relationship: relationship(found.edge, None),
                        direction: way,
                    });
                }
            }
            Ok(Ok(neighbours))
        })
        .await
    }

    /// A shortest way from one entity to another, along relationships in whichever
    /// direction they point, at most `max_depth` of them (10 when left out). `None`
    /// if there is no such way; `NotFound` if one of the two is not there.
    #[uniffi::method(default(max_depth = None))]
    pub async fn find_path(
        &self,
        from_id: RecordId,
        to_id: RecordId,
        max_depth: Option<u32>,
    ) -> Result<Option<GraphPath>> {
        self.look(move |connection| {
            let (start, _) = match (one(connection, &from_id, None)?, one(connection, &to_id, None)?) {
                (Ok(from), Ok(to)) => (from, to),
                (Err(refusal), _) | (_, Err(refusal)) => return Ok(Err(refusal)),
            };
            let max_depth = max_depth.unwrap_or(USUAL_DEPTH);
            let Some(steps) = walk::path(connection, &from_id, &to_id, max_depth)? else {
                return Ok(Ok(None));
            };
            let mut reader = EntityReader::new(connection);
            let mut entities = Vec::from_iter(reader.at(&start)?);
            let mut relationships = Vec::new();
            for step in steps {
                entities.extend(reader.at(&step.to)?);
                let edge = rows::get(connection, &step.edge)?;
                relationships.extend(edge.map(|edge| relationship(edge, None)));
            }
            Ok(Ok(Some(GraphPath {
                entities,
                relationships,
            })))
        })
        .await
    }

    /// The entities whose name or content has all the words of `query`, best first:
    /// words in the name weigh more. The last word may be the beginning of one;
    /// case and accents make no difference. Works offline, on every replica.
    ///
    /// `entity_types` narrows it down. What changed since the last search is
    /// indexed by this one, so that the first takes longer.
    #[uniffi::method(default(entity_types = None, limit = 20))]
    pub async fn search(
        &self,
        query: String,
        entity_types: Option<Vec<String>>,
        limit: u32,
    ) -> Result<Vec<SearchHit>> {
        self.inner
            .blocking(move |core| {
                let kinds: Option<Vec<Kind>> = entity_types.map(|types| {
                    let kinds = types.iter().map(|name| super::entities::kinds_of(name));
                    kinds.flatten().collect()
                });
                core.store.index_for_search()?;
                Ok(core.store.read(|connection| {
                    let mut reader = EntityReader::new(connection);
                    let mut found = Vec::new();
                    for hit in search::find(connection, &query, kinds.as_deref(), limit)? {
                        // It may have gone since the index was brought up to date.
                        if let Some(entity) = reader.at(&hit.key)? {
                            found.push(SearchHit {
                                entity,
                                score: hit.score,
                                snippet: hit.snippet,
                            });
                        }
                    }
                    Ok(found)
                })?)
            })
            .await
    }
}

impl WildThingClient {
    /// One read in which the caller may turn out to be wrong.
    async fn look<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Looked<T> + Send + 'static,
    ) -> Result<T> {
        self.inner.blocking(move |core| core.store.read(work)?).await
    }
}

/// Why two entities were not connected anew.
enum Unconnected {
    /// They can't be.
    Refused(WildThingError),
    /// They are.
    There(Box<Record>),
}

/// The one live entity with this id.
fn one(connection: &Connection, id: &RecordId, entity_type: Option<&str>) -> Looked<Key> {
    let mut found = walk::named(connection, id)?;
    if let Some(entity_type) = entity_type {
        let kinds = super::entities::kinds_of(entity_type);
        found.retain(|key| kinds.contains(&key.kind));
    }
    Ok(match (found.pop(), found.is_empty()) {
        (Some(key), true) => Ok(key),
        (Some(last), false) => {
            let kinds: Vec<&str> = found.iter().chain([&last]).map(|key| key.kind.as_str()).collect();
            Err(invalid(
                "entity_id",
                format!("is that of a {}", kinds.join(" and of a ")),
            ))
        }
        (None, _) => Err(WildThingError::NotFound {
            kind: entity_type.unwrap_or("entity").to_owned(),
            id: id.to_string(),
        }),
    })
}

/// The live entity of the graph with this id.
fn node(connection: &Connection, id: &RecordId) -> Looked<Key> {
    Ok(
        walk::node(connection, id)?.ok_or_else(|| WildThingError::NotFound {
            kind: "entity".into(),
            id: id.to_string(),
        }),
    )
}

/// A version, if what it is to be in is there.
fn placed(connection: &Connection, version: Version) -> Looked<Version> {
    if let (Some(kind), Some(parent)) = (version.key.kind.container(), &version.parent_id) {
        let parent = Key::new(kind, parent.clone());
        if !rows::is_live(connection, &parent)? {
            return Ok(Err(missing(&parent)));
        }
    }
    Ok(Ok(version))
}

fn shown(connection: &Connection, record: Record) -> std::result::Result<Entity, StoreError> {
    EntityReader::new(connection).read(record)
}

fn relationship_properties(edge: &Record) -> JsonObject {
    relationship(edge.clone(), None).properties
}

fn relationships(
    connection: &Connection,
    filter: &RelationshipFilter,
) -> std::result::Result<Vec<Relationship>, StoreError> {
    let mut found = match (&filter.from_id, &filter.to_id, &filter.entity_id) {
        (Some(from), _, _) => edges::outgoing(connection, from)?,
        (None, Some(to), _) => edges::incoming(connection, to)?,
        (None, None, Some(either)) => {
            let mut found = edges::outgoing(connection, either)?;
            found.extend(edges::incoming(connection, either)?);
            found.sort_by(|a, b| a.version.key.cmp(&b.version.key));
            found.dedup_by(|a, b| a.version.key == b.version.key);
            found
        }
        (None, None, None) => {
            let kind = Kind::Relationship;
            let all = rows::Filter {
                kind: Some(&kind),
                ..Default::default()
            };
            rows::list(connection, &all)?
        }
    };
    let mut gone = Gone::new(connection);
    let mut losses = crate::store::journal::open_losses(connection, &Kind::Relationship)?;
    let mut wanted = Vec::new();
    for edge in found.drain(..) {
        let (from, to) = (edge.version.parent_id.clone(), edges::target(&edge.version));
        let fits = filter.to_id.as_ref().is_none_or(|id| to.as_ref() == Some(id))
            && filter
                .entity_id
                .as_ref()
                .is_none_or(|id| from.as_ref() == Some(id) || to.as_ref() == Some(id))
            && filter
                .relationship_type
                .as_deref()
                .is_none_or(|name| name == edges::edge_type(&edge.version));
        if fits && !gone.any([from, to])? {
            let lost = losses.remove(&edge.version.key.id);
            wanted.push(relationship(edge, lost));
        }
    }
    Ok(wanted)
}

/// Which entities are deleted, each asked for once.
struct Gone<'a> {
    connection: &'a Connection,
    known: std::collections::HashMap<RecordId, bool>,
}

impl<'a> Gone<'a> {
    fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            known: std::collections::HashMap::new(),
        }
    }

    fn any(&mut self, ids: [Option<RecordId>; 2]) -> std::result::Result<bool, StoreError> {
        for id in ids.into_iter().flatten() {
            let gone = match self.known.get(&id) {
                Some(gone) => *gone,
                None => {
                    let gone = walk::is_gone(self.connection, &id)?;
                    self.known.insert(id, gone);
                    gone
                }
            };
            if gone {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
