//! What people do to a house that is a graph: things are moved, joined and
//! parted, and a device's state is a part of the device. The rest is in `edits`.

use wildthing::model::{JsonObject, Key, Kind, Record, RecordId, Version};

use crate::edits::{Shelf, Wish, blank};
use crate::graph_checks::UNHEARD_OF;
use crate::graph_model::{EdgeSays, is_edge};
use crate::model::{Author, Check, broken};
use crate::world::{World, odd};

/// Few entities, so that edits meet.
const MOST_ENTITIES: usize = 14;

impl World {
    /// Something of the graph's own that somebody wants to do.
    pub fn graph_wish(&mut self, knows: bool, shelf: &Shelf, chosen: Option<&Version>) -> Option<Wish> {
        match self.rng.below(10) {
            // Who does not know of the graph yet has no edges.
            0..3 if knows => self.connect(shelf),
            3..5 if knows => self.disconnect(shelf),
            5..8 => self.move_elsewhere(shelf, chosen),
            _ => self.set_device_state(shelf),
        }
    }

    pub fn make_new_entity(&mut self, shelf: &Shelf) -> Option<Wish> {
        let entities = shelf.keys().filter(|key| key.kind.is_entity()).count();
        if entities >= MOST_ENTITIES {
            return self.set_device_state(shelf);
        }
        let word = match self.rng.below(100) {
            0..10 => "house",
            10..45 => "room",
            45..80 => "device",
            80..96 => "note",
            _ => UNHEARD_OF,
        };
        let id = if self.rng.permille(400) {
            RecordId::new(format!("{word}-{}", self.rng.below(2))).ok()?
        } else {
            RecordId::new(format!("{word}-{:016x}", self.rng.bits())).ok()?
        };
        let key = Key::new(Kind::parse(word), id);
        if shelf.contains_key(&key) {
            return self.set_device_state(shelf);
        }
        let version = Version {
            name: Some(self.fresh_name()),
            parent_id: self.a_container(shelf, &key.kind),
            body: JsonObject::from_iter([(
                "metadata_json".to_owned(),
                format!("{{\"n\":{}}}", self.names).into(),
            )]),
            ..blank(key.clone())
        };
        Some(Wish::Put(key, Box::new(version)))
    }

    /// Somewhere to put a thing of this kind; at times it is gone.
    fn a_container(&mut self, shelf: &Shelf, kind: &Kind) -> Option<RecordId> {
        let container = kind.container()?;
        let homes: Vec<&Key> = shelf.keys().filter(|key| key.kind == container).collect();
        self.rng.pick(&homes).map(|key| key.id.clone())
    }

    fn move_elsewhere(&mut self, shelf: &Shelf, chosen: Option<&Version>) -> Option<Wish> {
        let movable = |version: &&Version| matches!(version.key.kind, Kind::Room | Kind::Device);
        let all: Vec<&Version> = shelf
            .values()
            .map(|record| &record.version)
            .filter(|version| movable(version) && !version.deleted)
            .collect();
        let version = chosen.filter(movable).or_else(|| self.rng.pick(&all).copied())?;
        let mut moved = version.clone();
        moved.parent_id = match self.rng.permille(100) {
            true => None,
            false => self.a_container(shelf, &version.key.kind),
        };
        if moved.parent_id == version.parent_id {
            return None;
        }
        self.cover.hit("edit: moved");
        Some(Wish::Put(moved.key.clone(), Box::new(moved)))
    }

    fn set_device_state(&mut self, shelf: &Shelf) -> Option<Wish> {
        let devices: Vec<&Record> = shelf
            .values()
            .filter(|record| record.version.key.kind == Kind::Device && !record.version.deleted)
            .collect();
        let mut version = self.rng.pick(&devices)?.version.clone();
        self.names += 1;
        let state = serde_json::json!({"brightness": self.names});
        match version.content_mut() {
            Some(content) => {
                content.insert("state".into(), state);
            }
            None => {
                version.body.insert("state_json".into(), state.to_string().into());
            }
        }
        self.cover.hit("edit: state of a device");
        Some(Wish::Put(version.key.clone(), Box::new(version)))
    }

    fn connect(&mut self, shelf: &Shelf) -> Option<Wish> {
        let live: Vec<&Key> = shelf
            .iter()
            .filter(|(key, record)| key.kind.is_entity() && !record.version.deleted)
            .map(|(key, _)| key)
            .collect();
        let from = (*self.rng.pick(&live)?).clone();
        let to = (*self.rng.pick(&live)?).clone();
        let word = match self.rng.below(10) {
            0..6 => *self.rng.pick(&["controls", "monitors", "documented_by"])?,
            6..8 => "located_in",
            _ => "part_of",
        };
        (from != to).then_some(Wish::Connect(from, to, word))
    }

    fn disconnect(&mut self, shelf: &Shelf) -> Option<Wish> {
        let edges: Vec<&Key> = shelf
            .values()
            .filter(|record| is_edge(&record.version) && !record.version.deleted)
            .map(|record| &record.version.key)
            .collect();
        self.rng
            .pick(&edges)
            .map(|edge| Wish::Disconnect((*edge).clone()))
    }

    /// Tells the oracle what was confirmed, by looking at what changed.
    pub fn confirm_graph(
        &mut self,
        client: usize,
        wish: &Wish,
        before: &Shelf,
        after: &Shelf,
        seen: Option<String>,
    ) -> Check {
        let mut entities = Vec::new();
        let mut edges = Vec::new();
        for (key, record) in after {
            let old = before.get(key).map(|record| &record.version);
            // Where something is follows from edges, and is no edit of it.
            if old.is_some_and(|old| old.sync_id == record.version.sync_id) {
                continue;
            }
            let restored = matches!(wish, Wish::Restore(_)) && key.kind.is_entity();
            let made_on = old
                .map(|version| version.sync_id.clone())
                .into_iter()
                .chain(seen.clone().filter(|_| restored))
                .collect();
            self.model
                .confirm(Author::Client(client), &record.version, made_on)?;
            if is_edge(&record.version) {
                edges.push(key);
            } else {
                self.hot = Some(key.clone());
                entities.push(key);
            }
        }
        for (key, record) in before {
            if !after.contains_key(key) {
                self.cover.hit("edit: create and delete dropped");
                if key.kind == Kind::Relationship {
                    self.model.drop_unsent_edge(&record.version)?;
                } else {
                    self.model.drop_unsent(&record.version.sync_id)?;
                }
            }
        }
        let right = match wish {
            Wish::Put(key, wanted) => {
                let made = after.get(key).map(|record| &record.version);
                if !edges.is_empty() {
                    self.cover.hit("edit: edges follow");
                }
                entities == [key]
                    && made.map(|made| (&made.name, made.deleted, &made.parent_id))
                        == Some((
                            &wanted.name,
                            wanted.deleted,
                            &self.derived(client, before.get(key), wanted)?,
                        ))
            }
            Wish::Connect(from, to, word) => {
                self.cover.hit("edit: connected");
                let says = edges
                    .first()
                    .and_then(|key| after.get(*key))
                    .map(|edge| EdgeSays::of_version(&edge.version));
                entities == [from]
                    && says.is_some_and(|says| {
                        says.to == to.id.as_str() && says.relationship_type == *word && !says.deleted
                    })
            }
            Wish::Disconnect(key) => {
                self.cover.hit("edit: disconnected");
                after.get(key).is_none_or(|edge| edge.version.deleted)
            }
            Wish::Delete(_) => {
                if entities.len() > 1 {
                    self.cover.hit("edit: cascading delete");
                }
                true
            }
            _ => true,
        };
        if right {
            return Ok(());
        }
        broken(
            "1 a write is what was asked for",
            format!("{wish:?} made {entities:?} and {edges:?}"),
        )
    }

    /// Where a written version is: for rooms and devices what its edges say, which
    /// is what was asked for where anything can be in anything.
    fn derived(&self, client: usize, before: Option<&Record>, wanted: &Version) -> Check<Option<RecordId>> {
        let key = &wanted.key;
        // Of one that is made again its edges tell: they may have changed since it was deleted.
        let is_again = before.is_some_and(|record| record.version.deleted);
        if wanted.deleted || !is_again && wanted.parent_id.is_some() && key.kind.container().is_some() {
            return Ok(wanted.parent_id.clone());
        }
        self.clients[client]
            .store
            .read(|connection| wildthing::store::graph::edges::parent(connection, key))
            .map_err(odd)
    }
}
