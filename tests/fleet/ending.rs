//! What must hold when the faults have stopped and nothing moves any more: no
//! edit is lost, every replica is where the hub is. What must hold all along is
//! in `checks`.

use std::collections::{BTreeMap, BTreeSet};

use wildthing::model::{Key, Kind, Version};
use wildthing::store::outbox::OutboxState;
use wildthing::store::{digest, journal, metadata, outbox, rows};

use crate::model::{Author, Check, broken, essence};
use crate::network::{MANGLED, POISON};
use crate::world::{World, odd};

impl World {
    /// At rest: what is left unsent is failed, with a reason; and once retried,
    /// nothing but what the hub really refuses.
    pub fn check_failed_entries(&mut self, retried: bool) -> Check {
        if self.is_graph() {
            return self.check_failed_graph_entries(retried);
        }
        for client in 0..self.clients.len() {
            for entry in self.entries(client)? {
                let name = self
                    .record(client, &entry.key)?
                    .and_then(|record| record.version.name);
                let refused = matches!(name.as_deref(), Some(POISON | MANGLED));
                if entry.state != OutboxState::Failed || (retried && !refused) {
                    return broken(
                        "8 one bad entry never stops the others",
                        format!(
                            "client {client}, {}: {:?} {:?}",
                            entry.key, entry.state, entry.last_error
                        ),
                    );
                }
            }
        }
        Ok(())
    }

    /// How far every replica has come; equal before and after a round: rest.
    pub fn standing(&self) -> Check<Vec<(Vec<String>, usize)>> {
        if self.is_graph() {
            return self.graph_standing();
        }
        self.clients
            .iter()
            .map(|client| {
                let times = client.store.read(metadata::watermarks).map_err(odd)?;
                let queued = client.store.read(outbox::counts).map_err(odd)?.0;
                Ok((
                    times.iter().map(|(_, time)| time.to_string()).collect(),
                    queued as usize,
                ))
            })
            .collect()
    }

    pub fn check_end(&mut self) -> Check {
        if self.is_graph() {
            return self.check_graph_end();
        }
        let hub: BTreeMap<Key, Version> = self
            .hub
            .plain()?
            .versions()
            .map_err(odd)?
            .into_iter()
            .map(|(version, _)| (version.key.clone(), version))
            .collect();
        let mut safe: BTreeSet<String> = hub.values().map(|version| version.sync_id.clone()).collect();
        for client in 0..self.clients.len() {
            self.check_convergence(client, &hub)?;
            for entry in self.journal(client)? {
                self.check_whole(&entry.version)?;
                check_reason(client, &entry)?;
                safe.insert(entry.version.sync_id);
            }
            for entry in self.entries(client)? {
                if let Some(record) = self.record(client, &entry.key)? {
                    safe.insert(record.version.sync_id);
                }
            }
        }
        for version in hub.values() {
            self.check_whole(version)?;
        }
        for loser in self.hub.plain()?.losers().map_err(odd)? {
            self.check_whole(&loser.version)?;
            self.check_author_knows(&loser.version)?;
            safe.insert(loser.version.sync_id);
        }
        self.with_ancestors(&mut safe);
        for (id, made) in &self.model.edits {
            if !safe.contains(id) && !made.dropped {
                return broken(
                    "no edit is lost",
                    format!(
                        "{} edit {id} of {:?}, made on {:?}",
                        made.version.key, made.author, made.made_on
                    ),
                );
            }
        }
        Ok(())
    }

    /// What a version was made on was seen and replaced by its author.
    pub fn with_ancestors(&self, safe: &mut BTreeSet<String>) {
        let mut next: Vec<String> = safe.iter().cloned().collect();
        while let Some(id) = next.pop() {
            let made = self.model.edits.get(&id);
            for base in made.into_iter().flat_map(|made| &made.made_on) {
                if safe.insert(base.clone()) {
                    next.push(base.clone());
                }
            }
        }
    }

    pub fn journal(&self, client: usize) -> Check<Vec<journal::JournalEntry>> {
        self.clients[client]
            .store
            .read(|connection| journal::list(connection, None, true))
            .map_err(odd)
    }

    /// A kept version says what its author wrote.
    pub fn check_whole(&self, version: &Version) -> Check {
        match self.model.edits.get(&version.sync_id) {
            Some(made) if essence(&made.version) == essence(version) => Ok(()),
            Some(made) => broken(
                "5 an edit is kept whole",
                format!("{}: {version:?}, written as {:?}", version.key, made.version),
            ),
            None => broken("only confirmed edits are kept", format!("{version:?}")),
        }
    }

    /// Who lost against a concurrent edit has it in the journal, unless the
    /// author had replaced it with a later edit.
    pub fn check_author_knows(&self, version: &Version) -> Check {
        let Some(Author::Client(author)) = self.model.edits.get(&version.sync_id).map(|made| made.author)
        else {
            return Ok(());
        };
        let replaced = self
            .model
            .edits
            .values()
            .any(|made| made.author == Author::Client(author) && made.made_on.contains(&version.sync_id));
        if replaced {
            Ok(())
        } else {
            self.journal_keeps(author, version)
        }
    }

    fn check_convergence(&mut self, client: usize, hub: &BTreeMap<Key, Version>) -> Check {
        let filter = rows::Filter {
            include_deleted: true,
            ..rows::Filter::default()
        };
        let store = &self.clients[client].store;
        let records = store
            .read(|connection| rows::list(connection, &filter))
            .map_err(odd)?;
        let unsent = self.clients[client].unsent()?;
        let clean: BTreeMap<&Key, &Version> = records
            .iter()
            .filter(|record| !unsent.contains_key(&record.version.key))
            .map(|record| (&record.version.key, &record.version))
            .collect();
        for (key, version) in hub {
            if !unsent.contains_key(key) && clean.get(key) != Some(&version) {
                return broken(
                    "7 every replica comes to the hub's state",
                    format!("client {client}: {:?}, the hub has {version:?}", clean.get(key)),
                );
            }
        }
        if let Some(extra) = clean.keys().find(|key| !hub.contains_key(**key)) {
            return broken(
                "7 every replica comes to the hub's state",
                format!("client {client}: {extra} is not at the hub"),
            );
        }
        let known = store
            .read(|connection| digest::server_known(connection, &Kind::V1))
            .map_err(odd)?;
        if known != self.hub.plain()?.state_digest(&Kind::V1).map_err(odd)? {
            return broken("7 equal state digests", format!("client {client}"));
        }
        let content = store.read(digest::shown).map_err(odd)?.1;
        if unsent.is_empty() && content != self.hub.plain()?.content_digest().map_err(odd)? {
            return broken("7 equal content digests", format!("client {client}"));
        }
        Ok(())
    }
}

/// Who lost did not win: the reason names the side that stayed.
pub fn check_reason(client: usize, entry: &journal::JournalEntry) -> Check {
    let said_winner = match entry.reason.as_str() {
        "local_deleted" | "newer_local" | "sync_id_tiebreak_local" => journal::Loser::Remote,
        "remote_deleted" | "newer_remote" | "sync_id_tiebreak_remote" => journal::Loser::Local,
        _ => return Ok(()),
    };
    if entry.loser == said_winner {
        return Ok(());
    }
    broken(
        "5 the journal says why an edit lost",
        format!(
            "client {client}: a {:?} edit lost for {}: {:?}, against {:?}",
            entry.loser, entry.reason, entry.version, entry.winner
        ),
    )
}
