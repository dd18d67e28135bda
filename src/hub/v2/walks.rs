//! What needs the whole graph at once: the shortest way between two entities,
//! and the house in numbers. Only what is alive counts.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use serde_json::{Value, json};

use crate::hub::HubError;

use super::graph::NO_ENTITY;
use super::store::GraphStore;

impl GraphStore {
    /// The shortest way between two entities, whichever way the edges point, of
    /// at most `max_depth` edges.
    pub fn path(&self, from: &str, to: &str, max_depth: usize) -> Result<Value, HubError> {
        let tx = self.conn.unchecked_transaction()?;
        let mut neighbours: HashMap<String, Vec<String>> = HashMap::new();
        for (a, b, _) in self.live_edges()? {
            neighbours.entry(a.clone()).or_default().push(b.clone());
            neighbours.entry(b).or_default().push(a);
        }
        for end in [from, to] {
            if self.live("WHERE e.id = ?1 AND NOT e.deleted", [end])?.is_empty() {
                return Err(NO_ENTITY);
            }
        }
        let mut came_from: HashMap<&str, &str> = HashMap::new();
        let mut queue = VecDeque::from([(from, 0)]);
        while let Some((here, depth)) = queue.pop_front() {
            if here == to || depth >= max_depth {
                continue;
            }
            for next in neighbours.get(here).into_iter().flatten() {
                if next != from && !came_from.contains_key(next.as_str()) {
                    came_from.insert(next, here);
                    queue.push_back((next, depth + 1));
                }
            }
        }
        let mut steps = vec![to];
        while let Some(previous) = steps.last().and_then(|last| came_from.get(last)) {
            steps.push(previous);
        }
        steps.reverse();
        let found = steps.first() == Some(&from);
        let mut path = Vec::new();
        if found {
            for step in steps {
                let entity = self.live("WHERE e.id = ?1", [step])?;
                path.extend(entity.iter().map(|entity| entity.encode_entity()));
            }
        }
        drop(tx);
        Ok(json!({"found": found, "length": path.len().saturating_sub(1), "path": path}))
    }

    /// The house in numbers.
    pub fn statistics(&self) -> Result<Value, HubError> {
        let tx = self.conn.unchecked_transaction()?;
        let mut entity_types: BTreeMap<String, u64> = BTreeMap::new();
        let mut ids = HashSet::new();
        let mut statement = tx.prepare_cached("SELECT id, entity_type FROM entities WHERE NOT deleted")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            ids.insert(row.get::<_, String>(0)?);
            *entity_types.entry(row.get(1)?).or_default() += 1;
        }
        let edges = self.live_edges()?;
        let mut relationship_types: BTreeMap<&str, u64> = BTreeMap::new();
        let mut connected = HashSet::new();
        for (from, to, relationship_type) in &edges {
            *relationship_types.entry(relationship_type).or_default() += 1;
            connected.extend([from, to]);
        }
        let isolated = ids.iter().filter(|id| !connected.contains(id)).count();
        let average = match ids.len() {
            0 => 0.0,
            entities => 2.0 * edges.len() as f64 / entities as f64,
        };
        Ok(json!({
            "total_entities": ids.len(),
            "total_relationships": edges.len(),
            "entity_types": entity_types,
            "relationship_types": relationship_types,
            "average_degree": average,
            "isolated_entities": isolated,
        }))
    }

    /// From, to and type of every edge that is alive at both ends.
    fn live_edges(&self) -> Result<Vec<(String, String, String)>, HubError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT r.from_id, r.to_id, r.relationship_type FROM relationships r
             JOIN entities f ON f.id = r.from_id AND NOT f.deleted
             JOIN entities t ON t.id = r.to_id AND NOT t.deleted
             WHERE NOT r.deleted ORDER BY r.created, r.id",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
