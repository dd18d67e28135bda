//! Recognises the rare situations in what a step did, for the coverage.

use wildthing::model::Key;
use wildthing::protocol::v2::SyncResponse;
use wildthing::store::push::{PushItem, SettleReport};
use wildthing::store::{journal, metadata, outbox};
use wildthing::sync::Event;

use crate::client::{Doing, Unsent};
use crate::driver::Witness;
use crate::edits::{Shelf, Wish};
use crate::hub::Hub;
use crate::model::{Answer, Check};
use crate::world::{World, odd};

impl World {
    pub fn count_step(
        &mut self,
        client: usize,
        witness: &Witness,
        before: &Unsent,
        outcome: Option<&Event>,
    ) -> Check {
        match (witness, outcome) {
            (Witness::Page { page }, Some(Event::Applied(report))) => {
                self.count_journal(&report.conflicts);
                for conflict in &page.conflicts {
                    if conflict.client_version.is_some() {
                        self.cover.hit("pull: displaced edit told");
                    }
                }
                let after = self.clients[client].unsent()?;
                for change in &page.changes {
                    let key = &change.version.key;
                    let fought = before.contains_key(key)
                        && after
                            .get(key)
                            .is_some_and(|(_, shown)| *shown != change.version.sync_id);
                    let conflict = fought && self.status(client, key)? == "conflict";
                    if conflict {
                        self.cover.hit("pull: conflict won against a pulled version");
                    }
                }
                if page.kinds.len() == 1 {
                    self.cover.hit("pull: asked kind by kind");
                }
                if page.completes_resync {
                    let meta = self.clients[client].store.read(metadata::get).map_err(odd)?;
                    if !meta.resync_active {
                        self.cover.hit("resync: completed");
                    }
                }
            }
            (Witness::Resync { by_epoch: true }, Some(Event::ResyncStarted(_))) => {
                self.cover.hit("resync: by a new epoch");
            }
            (Witness::Settle { items, result }, Some(Event::Settled(report))) => {
                self.count_journal(&report.conflicts);
                for failure in &report.failures {
                    self.cover.hit(if failure.detail.contains("did not name") {
                        "push: unnamed"
                    } else {
                        "push: failed entry"
                    });
                }
                for item in items {
                    let name = item.change.client_sync_id.as_str();
                    if result
                        .applied
                        .iter()
                        .any(|applied| applied.client_sync_id.as_deref() == Some(name))
                    {
                        self.cover.hit("push: applied");
                    } else if result
                        .conflicts
                        .iter()
                        .any(|conflict| conflict.key == item.change.version.key)
                    {
                        self.cover.hit("push: lost");
                    }
                }
            }
            (Witness::SettleGraph { items, answer }, Some(Event::Settled(report))) => {
                self.count_settled(items, answer, report);
            }
            (Witness::Edges, Some(Event::Reconciled(report))) => {
                if report.changed > 0 {
                    self.cover.hit("edges: other than they were");
                }
                if !report.stale.is_empty() {
                    self.cover.hit("edges: pinned anew");
                }
            }
            (Witness::Other, Some(Event::Settled(report))) => self.count_journal(&report.conflicts),
            (Witness::Refuse, Some(Event::Settled(report))) if !report.failures.is_empty() => {
                self.cover.hit("push: failed entry");
            }
            _ => {}
        }
        Ok(())
    }

    fn count_settled(&mut self, items: &[PushItem], answer: &SyncResponse, report: &SettleReport) {
        self.count_journal(&report.conflicts);
        for failure in &report.failures {
            self.cover.hit(if failure.code == "waits_for_entity" {
                "push: edge waits for its end"
            } else {
                "push: unnamed"
            });
        }
        if !report.lookups.is_empty() {
            self.cover.hit("push: answer leaves a question");
        }
        if items.iter().any(|item| !item.luggage.before.is_empty()) {
            self.cover.hit("push: predecessor sent along");
        }
        for item in items {
            let version = &item.change.version;
            let lost = answer.conflicts.iter().any(|conflict| {
                conflict.remote_version == version.sync_id && conflict.resolved_version != version.sync_id
            });
            self.cover.hit(if lost { "push: lost" } else { "push: applied" });
        }
    }

    /// Counts what a wish meets, before it is granted.
    pub fn count_wish(&mut self, client: usize, wish: &Wish, before: &Shelf) -> Check {
        let store = &self.clients[client].store;
        match wish {
            Wish::Put(key, _) => {
                let unsent = store
                    .read(|connection| outbox::get(connection, key))
                    .map_err(odd)?;
                if let Some(entry) = unsent {
                    let sent: bool = store
                        .read(|connection| {
                            Ok(connection.query_row(
                                "SELECT EXISTS (SELECT 1 FROM outbox_sent WHERE kind = ?1 AND id = ?2 AND edit_seq = ?3)",
                                (key.kind.as_str(), key.id.as_str(), entry.edit_seq),
                                |row| row.get(0),
                            )?)
                        })
                        .map_err(odd)?;
                    let asking = self.clients[client]
                        .processes
                        .iter()
                        .any(|process| matches!(process.doing, Doing::Asking(_)));
                    if sent && asking {
                        self.cover.hit("edit: in flight");
                    } else if !sent {
                        self.cover.hit("edit: coalesced");
                    }
                } else if !before.contains_key(key) && self.hub_has(key) {
                    self.cover.hit("edit: created twice under one id");
                }
            }
            Wish::Restore(entry) => {
                let entry = store
                    .read(|connection| journal::get(connection, *entry))
                    .map_err(odd)?;
                if let Some(entry) = entry {
                    let key = &entry.version.key;
                    if before.get(key).is_some_and(|record| record.version.deleted) && !entry.version.deleted
                    {
                        self.cover.hit("edit: restore that undeletes");
                    }
                    if store
                        .read(|connection| outbox::get(connection, key))
                        .map_err(odd)?
                        .is_some()
                    {
                        self.cover.hit("edit: restore over a pending edit");
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn hub_has(&self, key: &Key) -> bool {
        match &self.hub {
            Hub::Plain(_) => self.model.hub.current.contains_key(key),
            Hub::Graph(hub) => !hub.versions(key.id.as_str()).is_empty(),
        }
    }

    fn status(&self, client: usize, key: &Key) -> Check<String> {
        self.clients[client]
            .store
            .read(|connection| {
                Ok(connection.query_row(
                    "SELECT sync_status FROM records WHERE kind = ?1 AND id = ?2",
                    (key.kind.as_str(), key.id.as_str()),
                    |row| row.get(0),
                )?)
            })
            .map_err(odd)
    }

    fn count_journal(&mut self, entries: &[journal::JournalEntry]) {
        for entry in entries {
            self.cover.hit(&format!("journal: {}", entry.reason));
        }
    }

    pub fn count_foreign(&mut self, answer: &Answer) {
        match answer {
            Answer::Won(fight) | Answer::Lost(fight) => self.cover.hit(&format!("hub: {}", fight.reason)),
            _ => {}
        }
    }

    /// Reasons that stand only in the journal, counted once a world.
    pub fn count_kept(&mut self) -> Check {
        for client in 0..self.clients.len() {
            for entry in self.journal(client)? {
                if matches!(
                    entry.reason.as_str(),
                    "rejected" | "discarded" | "absent_on_server"
                ) {
                    self.cover.hit(&format!("journal: {}", entry.reason));
                }
                let live = self.model.hub.current.get(&entry.version.key);
                if live.is_some_and(|live| live.sync_id == entry.version.sync_id) {
                    self.cover.hit(&format!("journal: {}, yet live", entry.reason));
                }
            }
        }
        Ok(())
    }
}
