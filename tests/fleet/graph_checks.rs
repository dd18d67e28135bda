//! What must hold in a house that is a graph, where that is not what holds in v1:
//! what may leave an outbox, what a watermark is, and where everything ends.

use std::collections::{BTreeMap, BTreeSet};

use wildthing::model::{Key, Kind, Record, RecordId, Version};
use wildthing::protocol::v2::{Entity, EntityDigest, Relationship};
use wildthing::store::{metadata, mirror, outbox, rows};

use crate::client::Unsent;
use crate::edits::Shelf;
use crate::ending::check_reason;
use crate::graph_model::{EdgeSays, is_edge};
use crate::hub::as_version;
use crate::model::{Author, Check, broken, essence};
use crate::network::{MANGLED, POISON};
use crate::world::{World, odd};

/// A type of entity that no server of the graph takes.
pub const UNHEARD_OF: &str = "gizmo";

impl World {
    /// Why an edit left the outbox: the hub has it, or had no use for it; and if
    /// something else is shown now, its author saw to that or keeps it.
    pub fn check_left_graph(&mut self, client: usize, key: &Key, sync_id: &str) -> Check {
        let Some(made) = self.model.edits.get(sync_id) else {
            return broken(
                "1 only confirmed edits are unsent",
                format!("client {client}, {key}: {sync_id}"),
            );
        };
        let version = made.version.clone();
        let shown = self.record(client, key)?;
        let shown_id = shown.as_ref().map(|record| record.version.sync_id.as_str());
        if is_edge(&version) {
            return self.check_edge_left(client, &version);
        }
        let hub = self.hub.graph()?;
        let kept = hub
            .versions(key.id.as_str())
            .iter()
            .any(|known| known.version == sync_id);
        if !kept && !self.model.graph.moot.contains(sync_id) {
            return broken(
                "3 an entry leaves the outbox only when the server named it",
                format!("client {client}, {key}: edit {sync_id} left, and the hub never had it"),
            );
        }
        if shown_id == Some(sync_id) {
            return Ok(());
        }
        if shown_id.is_some_and(|shown| self.model.descends(shown, sync_id)) {
            self.cover.hit("pull: superseded by somebody who saw the edit");
            return Ok(());
        }
        let both_gone = version.deleted && shown.is_none_or(|record| record.version.deleted);
        if both_gone || self.is_displaced(client, sync_id)? {
            return Ok(());
        }
        self.journal_keeps(client, &version)
    }

    /// The client has learnt what its server speaks. In a graph unsent edits are
    /// written anew: the oracle hears how, and that they say what they said.
    pub fn adopted(&mut self, client: usize, before: &Unsent) -> Check {
        let after = self.clients[client].unsent()?;
        if !self.is_graph() {
            return match after == *before {
                true => Ok(()),
                false => broken("2 unsent edits stay as they are", format!("client {client}")),
            };
        }
        self.cover.hit("edit: made before the protocol was known");
        for (key, (_, sync_id)) in &after {
            let Some(record) = self.record(client, key)? else {
                return broken("1 an outbox row has its record", key.to_string());
            };
            let old = before.get(key).map(|(_, old)| old.clone());
            if old.as_ref() == Some(sync_id) {
                continue;
            }
            let said = old.as_ref().and_then(|old| self.model.edits.get(old));
            let version = &record.version;
            if said.is_some_and(|said| {
                (&said.version.name, said.version.deleted) != (&version.name, version.deleted)
            }) {
                return broken(
                    "2 unsent edits stay as they are",
                    format!("client {client}, {key}"),
                );
            }
            self.model
                .confirm(Author::Client(client), version, old.into_iter().collect())?;
        }
        match before.keys().find(|key| !after.contains_key(*key)) {
            Some(gone) => broken(
                "3 an entry leaves the outbox only when the server named it",
                format!("client {client}, {gone}"),
            ),
            None => Ok(()),
        }
    }

    /// Whether the client still has to ask what became of an edit.
    fn is_displaced(&self, client: usize, sync_id: &str) -> Check<bool> {
        self.clients[client]
            .store
            .read(|connection| {
                Ok(connection
                    .prepare_cached("SELECT 1 FROM displaced WHERE sync_id = ?1")?
                    .exists([sync_id])?)
            })
            .map_err(odd)
    }

    fn check_edge_left(&mut self, client: usize, edge: &Version) -> Check {
        let says = EdgeSays::of_version(edge);
        if self.model.graph.edge_was(edge.key.id.as_str(), &says) {
            return Ok(());
        }
        broken(
            "3 an entry leaves the outbox only when the server named it",
            format!(
                "client {client}, {}: {says:?} left, and the hub never had it",
                edge.key
            ),
        )
    }

    /// What is pinned anew after a reading of edges says what the server's says: an
    /// edge leads elsewhere only where somebody moved something.
    pub fn check_pinned_anew(&self, client: usize, changes: &[serde_json::Value]) -> Check {
        let unsent = self.clients[client].unsent()?;
        let edges = changes
            .iter()
            .filter_map(|change| change["relationships"].as_array());
        for edge in edges.flatten() {
            let sent = Relationship::decode(edge.clone()).map_err(odd)?;
            let key = Key::new(Kind::Relationship, RecordId::new(sent.id.as_str()).map_err(odd)?);
            let held = self.record(client, &key)?;
            let says = held.map(|record| EdgeSays::of_version(&record.version));
            if !unsent.contains_key(&key) && says != Some(EdgeSays::of(&sent)) {
                return broken(
                    "an edge is pinned anew as the server has it",
                    format!("client {client}: {sent:?}, the server has {says:?}"),
                );
            }
        }
        Ok(())
    }

    /// Rows of the watermarks table, as they stand.
    pub fn graph_watermarks(&self, client: usize) -> Check<Vec<String>> {
        self.clients[client]
            .store
            .read(|connection| {
                let mut statement = connection
                    .prepare_cached("SELECT kind, server_time, cursor FROM watermarks ORDER BY kind")?;
                let rows = statement.query_map([], |row| {
                    let (kind, time, cursor): (String, Option<String>, Option<String>) =
                        (row.get(0)?, row.get(1)?, row.get(2)?);
                    Ok(format!("{kind} {time:?} {cursor:?}"))
                })?;
                Ok(rows.collect::<Result<Vec<_>, _>>()?)
            })
            .map_err(odd)
    }

    /// A watermark moves with a page, or goes when everything is asked for anew.
    pub fn check_graph_watermarks(&mut self, client: usize, may_move: bool) -> Check {
        let found = self.graph_watermarks(client)?;
        if !may_move && found != self.clients[client].marks {
            return broken(
                "4 a watermark moves only with the page it covers",
                format!(
                    "client {client}: {:?} became {found:?}",
                    self.clients[client].marks
                ),
            );
        }
        self.clients[client].marks = found;
        if may_move {
            let meta = self.clients[client].store.read(metadata::get).map_err(odd)?;
            if meta.digest_mismatches > 0 {
                let (ours, hub) = (self.known(client)?, self.hub.graph()?.current()?);
                let mut ids: BTreeSet<&String> = ours.keys().collect();
                ids.extend(hub.keys());
                let pairs = ids.into_iter().map(|id| (id, ours.get(id), hub.get(id)));
                let other: Vec<_> = pairs
                    .map(|(id, ours, hub)| (id, ours, hub.map(|entity| &entity.version)))
                    .filter(|(_, ours, hub)| ours != hub)
                    .collect();
                return broken(
                    "7 digests agree after a whole pull",
                    format!("client {client} knows, and the hub has by now: {other:?}"),
                );
            }
        }
        Ok(())
    }

    /// At rest: what is left unsent is failed, with a reason, or waits for what is.
    pub fn check_failed_graph_entries(&mut self, retried: bool) -> Check {
        let current = self.hub.graph()?.current()?;
        for client in 0..self.clients.len() {
            for entry in self.entries(client)? {
                let Some(record) = self.record(client, &entry.key)? else {
                    return broken("1 an outbox row has its record", format!("{}", entry.key));
                };
                let version = &record.version;
                let refused = matches!(version.name.as_deref(), Some(POISON | MANGLED))
                    || matches!(&entry.key.kind, Kind::Other { name } if name == UNHEARD_OF);
                let says = EdgeSays::of_version(version);
                let waits = is_edge(version)
                    && [&says.from, &says.to].into_iter().any(|end| {
                        !current.contains_key(end) || self.failed_end(client, end).unwrap_or(false)
                    });
                let failed = entry.state == outbox::OutboxState::Failed;
                if waits || (failed && (refused || !retried)) {
                    continue;
                }
                return broken(
                    "8 one bad entry never stops the others",
                    format!(
                        "client {client}, {}: {:?} {:?}",
                        entry.key, entry.state, entry.last_error
                    ),
                );
            }
        }
        Ok(())
    }

    /// Whether an entity has an unsent edit here.
    fn failed_end(&self, client: usize, id: &str) -> Check<bool> {
        Ok(self
            .entries(client)?
            .iter()
            .any(|entry| entry.key.id.as_str() == id))
    }

    pub fn check_graph_end(&mut self) -> Check {
        let current = self.hub.graph()?.current()?;
        let mut safe = self.check_displaced(&current)?;
        safe.extend(self.model.graph.moot.iter().cloned());
        for client in 0..self.clients.len() {
            for entry in self.journal(client)? {
                check_reason(client, &entry)?;
                if !is_edge(&entry.version) {
                    self.check_whole(&entry.version)?;
                }
                safe.insert(entry.version.sync_id);
            }
            for entry in self.entries(client)? {
                if let Some(record) = self.record(client, &entry.key)? {
                    safe.insert(record.version.sync_id);
                }
            }
        }
        self.with_ancestors(&mut safe);
        for (id, made) in &self.model.edits {
            // Of an edge the last word counts: it has no versions. And what was to be
            // gone is gone, whoever's delete it was.
            let gone = made.version.deleted
                && current
                    .get(made.version.key.id.as_str())
                    .is_none_or(Entity::is_deleted);
            if !safe.contains(id) && !made.dropped && !is_edge(&made.version) && !gone {
                return broken(
                    "no edit is lost",
                    format!(
                        "{} edit {id} of {:?}, made on {:?}",
                        made.version.key, made.author, made.made_on
                    ),
                );
            }
        }
        self.check_graph_convergence(&current)
    }

    /// What the hub keeps as history only, and nobody saw and went on from, its
    /// author keeps in the journal. Gives what is safe at the hub.
    fn check_displaced(&mut self, current: &BTreeMap<String, Entity>) -> Check<BTreeSet<String>> {
        let mut kept = Vec::new();
        let mut seen = BTreeSet::new();
        let mut safe = BTreeSet::new();
        for (id, entity) in current {
            safe.insert(entity.version.clone());
            for version in self.hub.graph()?.versions(id) {
                let version = as_version(version)?;
                self.check_whole(&version)?;
                let made = self.model.edits.get(&version.sync_id);
                if made.is_some_and(|made| made.author == Author::Foreign) {
                    safe.insert(version.sync_id.clone());
                }
                seen.extend(made.into_iter().flat_map(|made| made.made_on.iter().cloned()));
                kept.push((version, entity.is_deleted()));
            }
        }
        self.with_ancestors(&mut seen);
        for (version, gone) in kept {
            let id = &version.sync_id;
            let both_gone = version.deleted && gone;
            if !(both_gone || seen.contains(id) || safe.contains(id)) {
                self.cover.hit("end: a version that lost");
                self.check_author_knows(&version)?;
            }
        }
        Ok(safe)
    }

    fn check_graph_convergence(&mut self, hub: &BTreeMap<String, Entity>) -> Check {
        let digest = self.hub.graph()?.store.state_digest().map_err(odd)?;
        let edges = self.hub.graph()?.edges()?;
        let mut placed: BTreeMap<Key, Option<String>> = BTreeMap::new();
        for client in 0..self.clients.len() {
            let shelf = self.shelf(client)?;
            self.check_entities(client, &shelf, hub)?;
            if self.graph_digest(client)? != digest {
                return broken("7 equal state digests", format!("client {client}"));
            }
            let unsent: BTreeSet<String> = self.clients[client]
                .unsent()?
                .into_keys()
                .map(|key| key.id.to_string())
                .collect();
            let live: BTreeMap<String, EdgeSays> = shelf
                .values()
                .filter(|record| is_edge(&record.version) && !record.version.deleted)
                .map(|record| {
                    (
                        record.version.key.id.to_string(),
                        EdgeSays::of_version(&record.version),
                    )
                })
                .filter(|(id, _)| !unsent.contains(id))
                .collect();
            let theirs: BTreeMap<String, EdgeSays> = edges
                .values()
                .filter(|edge| !edge.is_deleted() && !unsent.contains(&edge.id))
                .map(|edge| (edge.id.clone(), EdgeSays::of(edge)))
                .collect();
            if live != theirs {
                return broken(
                    "7 equal edges",
                    format!("client {client}: {live:#?}, the hub has {theirs:#?}"),
                );
            }
            self.check_places(client, &shelf, &unsent, &mut placed)?;
        }
        Ok(())
    }

    fn check_entities(&self, client: usize, shelf: &Shelf, hub: &BTreeMap<String, Entity>) -> Check {
        let unsent = self.clients[client].unsent()?;
        for entity in hub.values() {
            let theirs = as_version(entity.clone())?;
            let ours = shelf.get(&theirs.key).map(|record| &record.version);
            if !unsent.contains_key(&theirs.key) && ours.map(essence) != Some(essence(&theirs)) {
                return broken(
                    "7 every replica comes to the hub's state",
                    format!("client {client}: {ours:?}, the hub has {theirs:?}"),
                );
            }
        }
        let extra = shelf.keys().find(|key| {
            key.kind.is_entity() && !unsent.contains_key(*key) && !hub.contains_key(key.id.as_str())
        });
        match extra {
            Some(extra) => broken(
                "7 every replica comes to the hub's state",
                format!("client {client}: {extra} is not at the hub"),
            ),
            None => Ok(()),
        }
    }

    /// Which version of every entity a client knows the hub to have.
    fn known(&self, client: usize) -> Check<BTreeMap<String, String>> {
        let shelf = self.shelf(client)?;
        let unsent = self.clients[client].unsent()?;
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        for (key, record) in shelf.iter().filter(|(key, _)| key.kind.is_entity()) {
            let version = if unsent.contains_key(key) {
                let set_aside = self.clients[client]
                    .store
                    .read(|connection| mirror::get(connection, key))
                    .map_err(odd)?;
                set_aside.map(|server| server.version.sync_id)
            } else {
                Some(record.version.sync_id.clone())
            };
            known.extend(version.map(|version| (key.id.to_string(), version)));
        }
        Ok(known)
    }

    fn graph_digest(&self, client: usize) -> Check<String> {
        let mut digest = EntityDigest::default();
        for (id, version) in &self.known(client)? {
            digest.add(id, version);
        }
        Ok(digest.finish())
    }

    /// Every replica shows rooms and devices in the same place, and where its edges say.
    fn check_places(
        &self,
        client: usize,
        shelf: &Shelf,
        unsent: &BTreeSet<String>,
        placed: &mut BTreeMap<Key, Option<String>>,
    ) -> Check {
        // What hangs on unsent edges may be somewhere else here.
        if !unsent.is_empty() {
            return Ok(());
        }
        let movable = |record: &&Record| {
            matches!(record.version.key.kind, Kind::Room | Kind::Device) && !record.version.deleted
        };
        for record in shelf.values().filter(movable) {
            let version = &record.version;
            let parent = version.parent_id.as_ref().map(ToString::to_string);
            let told = self.clients[client]
                .store
                .read(|connection| wildthing::store::graph::edges::parent(connection, &version.key))
                .map_err(odd)?
                .map(|parent| parent.to_string());
            if told != parent {
                return broken(
                    "what is where is told by edges",
                    format!(
                        "client {client}, {}: in {parent:?}, its edges say {told:?}",
                        version.key
                    ),
                );
            }
            let known = placed
                .entry(version.key.clone())
                .or_insert_with(|| parent.clone());
            if *known != parent {
                return broken(
                    "7 everything is in the same place everywhere",
                    format!(
                        "client {client}, {}: in {parent:?}, elsewhere in {known:?}",
                        version.key
                    ),
                );
            }
        }
        Ok(())
    }

    /// How far every replica has come; equal before and after a round: rest.
    pub fn graph_standing(&self) -> Check<Vec<(Vec<String>, usize)>> {
        (0..self.clients.len())
            .map(|client| {
                let store = &self.clients[client].store;
                let queued = store.read(outbox::counts).map_err(odd)?.0;
                let records = store
                    .read(|connection| rows::list(connection, &everything()))
                    .map_err(odd)?;
                let shown = records
                    .iter()
                    .map(|record| {
                        let version = &record.version;
                        format!("{} {} {:?}", version.key, version.sync_id, version.parent_id)
                    })
                    .collect();
                Ok((shown, queued as usize))
            })
            .collect()
    }
}

fn everything() -> rows::Filter<'static> {
    rows::Filter {
        include_deleted: true,
        ..rows::Filter::default()
    }
}
