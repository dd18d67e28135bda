//! What people do to their houses: local edits of every kind, on any client,
//! often of the record that somebody else just edited. Every confirmed edit is told to the oracle.

use std::collections::BTreeMap;

use wildthing::model::{Key, Kind, Record, RecordId, Version, device_state_id};
use wildthing::protocol::Protocol;
use wildthing::seam::Seam as _;
use wildthing::store::outbox::OutboxState;
use wildthing::store::{StoreError, journal, mirror, outbox, rows};

use crate::clock::SECOND;
use crate::model::{Author, Check, broken, essence};
use crate::network::{MANGLED, POISON};
use crate::world::{World, odd};

pub type Shelf = BTreeMap<Key, Record>;

/// A thing that somebody wants to do.
#[derive(Debug)]
pub enum Wish {
    Put(Key, Box<Version>),
    /// Join two entities of a graph.
    Connect(Key, Key, &'static str),
    /// Take an edge of a graph away.
    Disconnect(Key),
    Delete(Key),
    Restore(i64),
    Dismiss(i64),
    Discard(Key),
    Retry,
}

/// Few kinds of few records, so that edits meet.
const MOST_RECORDS: usize = 16;

impl World {
    pub fn shelf(&self, client: usize) -> Check<Shelf> {
        let filter = rows::Filter {
            include_deleted: true,
            ..rows::Filter::default()
        };
        let records = self.clients[client]
            .store
            .read(|connection| rows::list(connection, &filter))
            .map_err(odd)?;
        Ok(records
            .into_iter()
            .map(|record| (record.version.key.clone(), record))
            .collect())
    }

    pub fn local_edit(&mut self) -> Check {
        let client = self.rng.index(self.clients.len());
        let before = self.shelf(client)?;
        let Some(wish) = self.wish(client, &before)? else {
            return Ok(());
        };
        self.count_wish(client, &wish, &before)?;
        let seen = match &wish {
            Wish::Restore(entry) => self.seen_by_restorer(client, *entry)?,
            _ => None,
        };
        let draw = Some(self.rng.below(1_000));
        let (outcome, _) = self.clients[client].sabotaged(draw, |store| match &wish {
            Wish::Put(key, version) => store.edit(key, |_| (**version).clone()).map(drop),
            Wish::Connect(from, to, word) => store
                .connect_entities(
                    |_| Ok(Ok::<_, ()>((from.clone(), to.clone()))),
                    word,
                    serde_json::Map::new(),
                )
                .map(drop),
            Wish::Disconnect(edge) => store.disconnect_entities(edge).map(drop),
            Wish::Delete(key) => store.delete(key),
            Wish::Restore(entry) => store.restore(*entry).map(drop),
            Wish::Dismiss(entry) => store.dismiss(*entry).map(drop),
            Wish::Discard(key) => store.discard(key).map(drop),
            Wish::Retry => store.retry_failed(None).map(drop),
        });
        let after = self.shelf(client)?;
        self.note(format_args!(
            "c{client} {wish:?} {}",
            if outcome.is_ok() { "ok" } else { "failed" }
        ));
        match outcome {
            Ok(()) => self.confirm(client, &wish, &before, &after, seen)?,
            Err(StoreError::Injected { transaction }) => {
                self.cover.hit(&format!("kill in {transaction}"));
                if before != after {
                    return broken(
                        "1 a write is one transaction",
                        format!("half of {wish:?} is there"),
                    );
                }
                // The process that wrote is the one that died.
                if self.rng.permille(500) {
                    self.kill(client, 0);
                }
            }
            Err(error) => return Err(odd(format!("{wish:?}: {error}"))),
        }
        self.check_tables(client)
    }

    /// Two people edit one record within moments of each other, as their clocks
    /// show it: the other's clock is put right for that, as clocks are at times.
    pub fn rival_edit(&mut self) -> Check {
        let Some(key) = self.hot.clone() else {
            return Ok(());
        };
        let mut authors: Vec<usize> = (0..self.clients.len()).collect();
        self.rng.shuffle(&mut authors);
        let mut first: Option<i64> = None;
        for client in authors.into_iter().take(2) {
            let before = self.shelf(client)?;
            let Some(record) = before.get(&key).filter(|record| !record.version.deleted) else {
                continue;
            };
            if let Some(first) = first {
                let apart = *self
                    .rng
                    .pick(&[
                        -SECOND,
                        -999_999,
                        0,
                        300_000,
                        999_999,
                        SECOND,
                        SECOND,
                        SECOND + 1,
                        1_500_000,
                    ])
                    .unwrap_or(&0);
                let by = first + apart - self.clients[client].seam.now().micros();
                if (0..5 * SECOND).contains(&by) {
                    self.pass(by)?;
                } else {
                    self.clients[client].seam.step(by);
                }
            }
            let wish = self.change(record.version.clone());
            let Wish::Put(_, version) = &wish else {
                continue;
            };
            let (outcome, _) =
                self.clients[client].sabotaged(None, |store| store.edit(&key, |_| (**version).clone()));
            let made = outcome.map_err(odd)?;
            first = made.version.updated_at.map(wildthing::model::Timestamp::micros);
            let after = self.shelf(client)?;
            self.note(format_args!("c{client} rival {wish:?}"));
            self.confirm(client, &wish, &before, &after, None)?;
            self.check_tables(client)?;
        }
        Ok(())
    }

    fn wish(&mut self, client: usize, shelf: &Shelf) -> Check<Option<Wish>> {
        let hot = match self.rng.below(10) {
            0..6 => self.hot.clone(),
            // Edits on their way attract further edits.
            6 => {
                let unsent: Vec<Key> = self.clients[client].unsent()?.into_keys().collect();
                self.rng.pick(&unsent).cloned()
            }
            _ => None,
        };
        let live: Vec<&Record> = shelf
            .values()
            .filter(|record| !record.version.deleted && record.version.key.kind != Kind::Relationship)
            .collect();
        let chosen = hot
            .and_then(|key| shelf.get(&key))
            .filter(|record| !record.version.deleted && record.version.key.kind != Kind::Relationship)
            .or_else(|| self.rng.pick(&live).copied())
            .map(|record| record.version.clone());
        Ok(match self.rng.below(100) {
            0..14 if self.is_graph() => self.make_new_entity(shelf),
            14..26 | 58..68 if self.is_graph() => {
                let knows = self.clients[client].protocol()? == Protocol::V2;
                self.graph_wish(knows, shelf, chosen.as_ref())
            }
            0..14 if shelf.len() < MOST_RECORDS => self.make_new(shelf),
            0..58 => chosen.map(|version| self.change(version)),
            58..68 => self.set_state(shelf),
            68..77 => chosen.map(|version| Wish::Delete(version.key)),
            77..82 => self.undelete(shelf),
            82..92 => self.journal_wish(client)?,
            92..95 => {
                let unsent: Vec<Key> = self.clients[client].unsent()?.into_keys().collect();
                self.rng.pick(&unsent).cloned().map(Wish::Discard)
            }
            _ => {
                let entries = self.clients[client].store.read(outbox::list).map_err(odd)?;
                let failed = entries.iter().any(|entry| entry.state == OutboxState::Failed);
                (failed || self.rng.permille(100)).then_some(Wish::Retry)
            }
        })
    }

    fn journal_wish(&mut self, client: usize) -> Check<Option<Wish>> {
        let all = self.rng.permille(200);
        let entries = self.clients[client]
            .store
            .read(|connection| journal::list(connection, None, all))
            .map_err(odd)?;
        let entry = self.rng.pick(&entries).map(|entry| entry.entry);
        let dismiss = self.rng.permille(100);
        Ok(entry.map(|entry| {
            if dismiss {
                Wish::Dismiss(entry)
            } else {
                Wish::Restore(entry)
            }
        }))
    }

    pub fn fresh_name(&mut self) -> String {
        self.names += 1;
        match self.rng.below(100) {
            0..4 => POISON.to_owned(),
            4..7 => MANGLED.to_owned(),
            _ => format!("name {}", self.names),
        }
    }

    fn make_new(&mut self, shelf: &Shelf) -> Option<Wish> {
        let kind = Kind::V1[self.rng.index(6)].clone();
        let id = if self.rng.permille(400) {
            RecordId::new(format!("{kind}-{}", self.rng.below(2))).ok()?
        } else {
            RecordId::new(format!("{kind}-{:016x}", self.rng.bits())).ok()?
        };
        if kind == Kind::EntityState || shelf.contains_key(&Key::new(kind.clone(), id.clone())) {
            return self.set_state(shelf);
        }
        let key = Key::new(kind.clone(), id);
        let container = match kind {
            Kind::Room | Kind::User => Some(Kind::House),
            Kind::Device => Some(Kind::Room),
            Kind::Event => Some(Kind::Device),
            _ => None,
        };
        let homes: Vec<&Key> = shelf
            .keys()
            .filter(|key| Some(&key.kind) == container.as_ref())
            .collect();
        let parent = self.rng.pick(&homes).map(|key| key.id.clone());
        let name = self.fresh_name();
        let version = Version {
            name: key.kind.has_name().then_some(name.clone()),
            parent_id: parent,
            body: serde_json::Map::from_iter([match kind {
                Kind::Event => ("description".to_owned(), name.into()),
                _ => (
                    "metadata_json".to_owned(),
                    format!("{{\"n\":{}}}", self.names).into(),
                ),
            }]),
            ..blank(key.clone())
        };
        Some(Wish::Put(key, Box::new(version)))
    }

    /// Somebody who sees that a record is gone makes it again under its id.
    fn undelete(&mut self, shelf: &Shelf) -> Option<Wish> {
        let gone: Vec<&Record> = shelf
            .values()
            .filter(|record| record.version.deleted && record.version.key.kind != Kind::Relationship)
            .collect();
        let hot = self
            .hot
            .as_ref()
            .and_then(|key| shelf.get(key))
            .filter(|record| record.version.deleted);
        let version = hot.or_else(|| self.rng.pick(&gone).copied())?.version.clone();
        self.cover.hit("edit: undelete");
        Some(self.change(Version {
            deleted: false,
            ..version
        }))
    }

    fn change(&mut self, mut version: Version) -> Wish {
        let text = self.fresh_name();
        if version.key.kind.has_name() {
            version.name = Some(text);
        } else {
            version
                .body
                .insert("metadata_json".into(), format!("\"{text}\"").into());
        }
        Wish::Put(version.key.clone(), Box::new(version))
    }

    fn set_state(&mut self, shelf: &Shelf) -> Option<Wish> {
        let devices: Vec<&Key> = shelf.keys().filter(|key| key.kind == Kind::Device).collect();
        let device = self.rng.pick(&devices)?.id.clone();
        let key = Key::new(Kind::EntityState, device_state_id(&device, "state"));
        self.names += 1;
        let mut version = match shelf.get(&key) {
            Some(record) if record.version.deleted => return None,
            Some(record) => record.version.clone(),
            None => Version {
                parent_id: Some(device),
                ..blank(key.clone())
            },
        };
        version.body.insert(
            "state_json".into(),
            format!("{{\"brightness\":{}}}", self.names).into(),
        );
        Some(Wish::Put(key, Box::new(version)))
    }

    /// What a restore shows its author beside the local version: the version that
    /// won, if the server still has it. Whatever else the server has was not seen.
    fn seen_by_restorer(&self, client: usize, entry: i64) -> Check<Option<String>> {
        self.clients[client]
            .store
            .read(|connection| {
                let Some(entry) = journal::get(connection, entry)? else {
                    return Ok(None);
                };
                let won = entry.winner.map(|winner| winner.sync_id);
                Ok(mirror::get(connection, &entry.version.key)?
                    .map(|server| server.version.sync_id)
                    .filter(|sync_id| won.as_ref() == Some(sync_id)))
            })
            .map_err(odd)
    }

    /// Tells the oracle what was confirmed, by looking at what changed.
    fn confirm(
        &mut self,
        client: usize,
        wish: &Wish,
        before: &Shelf,
        after: &Shelf,
        seen: Option<String>,
    ) -> Check {
        if let Wish::Discard(key) = wish {
            return self.confirm_discard(client, before.get(key));
        }
        if matches!(wish, Wish::Retry) {
            for process in &mut self.clients[client].processes {
                process.retried.extend(after.keys().cloned());
            }
        }
        if self.is_graph() {
            return self.confirm_graph(client, wish, before, after, seen);
        }
        let mut changed = 0;
        for (key, record) in after {
            let old = before.get(key).map(|record| &record.version);
            if old == Some(&record.version) {
                continue;
            }
            changed += 1;
            let made_on = old
                .map(|version| version.sync_id.clone())
                .into_iter()
                .chain(seen.clone())
                .collect();
            self.model
                .confirm(Author::Client(client), &record.version, made_on)?;
            self.hot = Some(key.clone());
        }
        for (key, record) in before {
            if !after.contains_key(key) {
                changed += 1;
                self.cover.hit("edit: create and delete dropped");
                self.model.drop_unsent(&record.version.sync_id)?;
            }
        }
        match wish {
            Wish::Delete(_) if changed > 1 => self.cover.hit("edit: cascading delete"),
            Wish::Put(key, wanted) => {
                let made = after.get(key).map(|record| &record.version);
                if changed != 1
                    || made.map(|made| (&made.name, made.deleted)) != Some((&wanted.name, wanted.deleted))
                {
                    return broken(
                        "1 a write is what was asked for",
                        format!("{wish:?} made {made:?}"),
                    );
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn confirm_discard(&mut self, client: usize, old: Option<&Record>) -> Check {
        let Some(old) = old else {
            return broken("1 an outbox row has its record", "a discarded edit had none");
        };
        self.journal_keeps(client, &old.version)
    }

    /// The client's journal has the edit, whole.
    pub fn journal_keeps(&self, client: usize, version: &Version) -> Check {
        let entries = self.clients[client]
            .store
            .read(|connection| journal::list(connection, Some(&version.key), true))
            .map_err(odd)?;
        if entries
            .iter()
            .any(|entry| essence(&entry.version) == essence(version))
        {
            return Ok(());
        }
        broken(
            "5 a losing edit is in its author's journal",
            format!("client {client}, {} edit {}", version.key, version.sync_id),
        )
    }

    pub fn retry_failed(&mut self, client: usize) -> Check {
        self.clients[client]
            .store
            .retry_failed(None)
            .map(drop)
            .map_err(odd)
    }
}

/// A version that says nothing yet.
pub fn blank(key: Key) -> Version {
    Version {
        key,
        parent_id: None,
        name: None,
        body: serde_json::Map::new(),
        created_at: None,
        updated_at: None,
        sync_id: String::new(),
        deleted: false,
    }
}
