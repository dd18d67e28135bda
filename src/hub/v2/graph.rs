//! The house as a graph: listings, and edits one at a time.
//!
//! Edges are looked up by entity, not by the versions they are pinned to:
//! FunkyGibbon's listings forget an edge once one of its ends was edited. Edges
//! with `properties.deleted` are passed over, except in the listing of all
//! edges, by which replicas learn that they are gone.

use serde_json::{Map, Value, json};

use crate::hub::HubError;
use crate::model::Timestamp;
use crate::protocol::decode::{message, optional_text, required_text, wrong};
use crate::protocol::v2::{
    ChangeType, Entity, EntityAnswer, EntityListing, Listed, RELATIONSHIP_TYPES, Relationship,
    RelationshipListing, VersionListing, VersionStamp,
};

use super::decide::{check_edge, check_entity, decide, known, take_edge};
use super::rows;
use super::store::GraphStore;

const CURRENT: &str = "JOIN entities e ON e.seq = v.seq";

impl GraphStore {
    /// A page of current entities by id, tombstones included.
    pub fn entities(
        &self,
        entity_type: Option<&str>,
        limit: u64,
        offset: u64,
    ) -> Result<EntityListing, HubError> {
        let tx = self.conn.unchecked_transaction()?;
        let total: i64 = tx.query_row(
            "SELECT count(*) FROM entities WHERE ?1 IS NULL OR entity_type = ?1",
            [entity_type],
            |row| row.get(0),
        )?;
        let rest =
            format!("{CURRENT} WHERE ?1 IS NULL OR e.entity_type = ?1 ORDER BY e.id LIMIT ?2 OFFSET ?3");
        let bound = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        Ok(EntityListing {
            entities: rows::entities(&tx, &rest, (entity_type, bound(limit), bound(offset)))?,
            total: u64::try_from(total).unwrap_or(0),
            limit,
            offset,
        })
    }

    /// An entity, as it is or as it was in `version`, with its live edges.
    pub fn entity(&self, id: &str, version: Option<&str>) -> Result<EntityAnswer, HubError> {
        let tx = self.conn.unchecked_transaction()?;
        let found = match version {
            Some(version) => rows::entities(&tx, "WHERE v.id = ?1 AND v.version = ?2", (id, version))?,
            None => rows::entities(&tx, &format!("{CURRENT} WHERE e.id = ?1"), [id])?,
        };
        Ok(EntityAnswer {
            entity: first(found)?,
            outgoing: rows::edges(&tx, "WHERE from_id = ?1 AND NOT deleted", [id])?,
            incoming: rows::edges(&tx, "WHERE to_id = ?1 AND NOT deleted", [id])?,
        })
    }

    /// Every version of an entity, in the order in which they came, losers included.
    pub fn entity_versions(&self, id: &str) -> Result<VersionListing, HubError> {
        let versions = rows::entities(&self.conn, "WHERE v.id = ?1 ORDER BY v.seq", [id])?;
        if versions.is_empty() {
            return Err(NO_ENTITY);
        }
        Ok(VersionListing {
            entity_id: id.to_owned(),
            versions,
        })
    }

    /// The edges between the given ends and of the given type; all of them,
    /// deleted ones included, if nothing is given.
    pub fn relationships(
        &self,
        from: Option<&str>,
        to: Option<&str>,
        relationship_type: Option<&str>,
    ) -> Result<RelationshipListing, HubError> {
        let rest = "WHERE (?1 IS NULL OR from_id = ?1) AND (?2 IS NULL OR to_id = ?2)
                    AND (?3 IS NULL OR relationship_type = ?3)";
        Ok(RelationshipListing {
            relationships: rows::edges(&self.conn, rest, (from, to, relationship_type))?,
        })
    }

    /// The live entities at the other ends of an entity's edges.
    pub fn connected(&self, id: &str) -> Result<Value, HubError> {
        let around = self.entity(id, None)?;
        let mut connected = Vec::new();
        for (direction, edges) in [("outgoing", around.outgoing), ("incoming", around.incoming)] {
            for edge in edges {
                let other = match direction {
                    "outgoing" => edge.item.to_entity_id.clone(),
                    _ => edge.item.from_entity_id.clone(),
                };
                let other = self.live("WHERE e.id = ?1 AND NOT e.deleted", [&other])?;
                connected.extend(other.iter().map(|other| {
                    json!({
                        "entity": other.encode_entity(),
                        "relationship": edge.encode_edge(),
                        "direction": direction,
                    })
                }));
            }
        }
        Ok(json!({"entity_id": id, "count": connected.len(), "connected": connected}))
    }

    /// Live entities of the same type whose names share words, most alike first.
    pub fn similar(&self, id: &str, limit: usize) -> Result<Value, HubError> {
        let this = self.entity(id, None)?.entity.item;
        let others = self.live(
            "WHERE e.entity_type = ?1 AND e.id <> ?2 AND NOT e.deleted ORDER BY e.id",
            (&this.entity_type, id),
        )?;
        let mut scored: Vec<(f64, Listed<Entity>)> = others
            .into_iter()
            .map(|other| (likeness(&this.name, &other.item.name), other))
            .filter(|(score, _)| *score > 0.0)
            .collect();
        scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let similar: Vec<Value> = scored
            .iter()
            .take(limit)
            .map(|(score, other)| json!({"entity": other.encode_entity(), "score": score}))
            .collect();
        Ok(json!({"entity_id": id, "count": similar.len(), "similar": similar}))
    }

    /// Live entities with the text in their name or content; names come first.
    pub fn search(
        &self,
        query: &str,
        entity_types: Option<&[String]>,
        limit: usize,
    ) -> Result<Value, HubError> {
        let wanted = query.to_lowercase();
        let types = entity_types.map(|types| Value::from(types.to_vec()).to_string());
        let all = self.live(
            "WHERE NOT e.deleted AND (?1 IS NULL OR e.entity_type IN (SELECT value FROM json_each(?1)))
             ORDER BY e.id",
            [types],
        )?;
        let score = |entity: &Entity| {
            let name = entity.name.to_lowercase();
            let content = || Value::Object(entity.content.clone()).to_string().to_lowercase();
            match () {
                () if name == wanted => 3.0,
                () if name.contains(&wanted) => 2.0,
                () if content().contains(&wanted) => 1.0,
                () => 0.0,
            }
        };
        let mut found: Vec<(f64, Listed<Entity>)> = all
            .into_iter()
            .map(|entity| (score(&entity.item), entity))
            .filter(|(score, _)| *score > 0.0)
            .collect();
        found.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let results: Vec<Value> = found
            .iter()
            .take(limit)
            .map(|(score, entity)| json!({"entity": entity.encode_entity(), "score": score}))
            .collect();
        Ok(json!({"query": query, "count": results.len(), "results": results}))
    }

    pub(super) fn live(
        &self,
        rest: &str,
        params: impl rusqlite::Params,
    ) -> Result<Vec<Listed<Entity>>, HubError> {
        rows::entities(&self.conn, &format!("{CURRENT} {rest}"), params)
    }

    /// Makes an entity from the body of a request.
    pub fn create_entity(&mut self, body: &[u8]) -> Result<Value, HubError> {
        let mut object = message(body)?;
        let entity_type = required_text(&mut object, "entity_type")?;
        let name = required_text(&mut object, "name")?;
        let entity = Entity {
            id: self.seam.new_id().as_str().to_owned(),
            version: String::new(),
            entity_type,
            name,
            content: content(&mut object)?.unwrap_or_default(),
            source_type: optional_text(&mut object, "source_type")?.unwrap_or_else(|| "manual".to_owned()),
            user_id: required_text(&mut object, "user_id")?,
            parent_versions: Vec::new(),
            checksum: None,
            extra: Map::new(),
        };
        self.take(entity)
    }

    /// Makes a new version of an entity from what the body of a request says of it.
    pub fn update_entity(&mut self, id: &str, body: &[u8]) -> Result<Value, HubError> {
        let mut object = message(body)?;
        let mut entity = self.entity(id, None)?.entity.item;
        entity.parent_versions = vec![std::mem::take(&mut entity.version)];
        entity.user_id = required_text(&mut object, "user_id")?;
        if let Some(name) = optional_text(&mut object, "name")? {
            entity.name = name;
        }
        if let Some(content) = content(&mut object)? {
            entity.content = content;
        }
        self.take(entity)
    }

    /// Takes an edit that the hub makes for somebody: it gets its version here.
    fn take(&mut self, mut entity: Entity) -> Result<Value, HubError> {
        let id = entity.id.clone();
        self.write(|tx, arrivals| {
            let taken: i64 =
                tx.query_row("SELECT coalesce(max(seq), 0) FROM entity_versions", [], |row| {
                    row.get(0)
                })?;
            let counter = u32::try_from(taken % 1_000_000).unwrap_or(0);
            let stamp = VersionStamp::new(arrivals.next(), counter, entity.user_id.as_str());
            entity.version = stamp.to_string();
            check_entity(&entity)?;
            decide(tx, arrivals, ChangeType::Update, entity).map(drop)
        })?;
        let taken = self.entity(&id, None)?.entity;
        Ok(json!({"entity": taken.encode_entity()}))
    }

    /// Stores an edge from the body of a request.
    pub fn create_relationship(&mut self, body: &[u8], user_id: &str) -> Result<Value, HubError> {
        let mut object = message(body)?;
        if !object.contains_key("id") {
            object.insert("id".into(), self.seam.new_id().as_str().into());
        }
        let mut edge = Relationship::decode(Value::Object(object))?;
        known(
            &edge.relationship_type,
            RELATIONSHIP_TYPES,
            "relationship_type",
            "a known relationship type",
        )?;
        check_edge(&edge)?;
        let id = edge.id.clone();
        let stored = self.write(|tx, arrivals| take_edge(tx, arrivals, &mut edge, user_id))?;
        if !stored {
            return Err(HubError::NotFound {
                what: "Entity version",
            });
        }
        let stored = first(rows::edges(&self.conn, "WHERE id = ?1", [&id])?)?;
        Ok(json!({"relationship": stored.encode_edge()}))
    }

    /// The hub's clock, as a version or an answer tells it.
    pub fn now(&self) -> Timestamp {
        self.seam.now()
    }
}

pub(super) const NO_ENTITY: HubError = HubError::NotFound { what: "Entity" };

fn first<T>(found: Vec<Listed<T>>) -> Result<Listed<T>, HubError> {
    found.into_iter().next().ok_or(NO_ENTITY)
}

fn content(object: &mut Map<String, Value>) -> Result<Option<Map<String, Value>>, HubError> {
    match object.remove("content") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(content)) => Ok(Some(content)),
        Some(other) => Err(wrong("content", "an object", Some(&other)).into()),
    }
}

/// The share of words that two names have in common.
fn likeness(a: &str, b: &str) -> f64 {
    let words = |name: &str| -> std::collections::BTreeSet<String> {
        name.split_whitespace().map(str::to_lowercase).collect()
    };
    let (a, b) = (words(a), words(b));
    let all = a.union(&b).count();
    if all == 0 {
        return 0.0;
    }
    a.intersection(&b).count() as f64 / all as f64
}
