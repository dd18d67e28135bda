//! What must hold: cheap promises after every step, all of them at the end.
//! The numbers are the design's invariants.

use std::collections::BTreeMap;

use wildthing::model::{Key, Record, Timestamp, Version};
use wildthing::protocol::v1::PushChange;
use wildthing::store::outbox::{OutboxEntry, OutboxState};
use wildthing::store::{metadata, outbox, rows};
use wildthing::sync::{Event, SyncError, SyncReport};

use crate::client::{Blame, Unsent};
use crate::driver::Witness;
use crate::model::{Author, Check, Outcome, broken, essence};
use crate::world::{World, odd};

impl World {
    /// After a step of a sync that was not rolled back.
    pub fn check_step(
        &mut self,
        client: usize,
        witness: &Witness,
        before: &Unsent,
        outcome: Option<&Event>,
    ) -> Check {
        if matches!(outcome, Some(Event::Bound(_))) {
            self.adopted(client, before)?;
            return self.check_tables(client);
        }
        self.check_tables(client)?;
        self.check_watermarks(client, witness, outcome)?;
        let after = self.clients[client].unsent()?;
        let may_leave = matches!(outcome, Some(Event::Applied(_) | Event::Settled(_)));
        for (key, (edit_seq, sync_id)) in before {
            match after.get(key) {
                Some(now) if *now == (*edit_seq, sync_id.clone()) => {}
                Some(now) => {
                    return broken(
                        "2 a pull never overwrites an unsent edit",
                        format!("client {client}, {key}: edit {sync_id} became {now:?}"),
                    );
                }
                None if may_leave => self.check_left(client, key, sync_id, witness)?,
                None => {
                    return broken(
                        "3 an entry leaves the outbox only when the server named it",
                        format!("client {client}, {key}: edit {sync_id} left"),
                    );
                }
            }
        }
        if let Some(key) = after.keys().find(|key| !before.contains_key(*key)) {
            return broken(
                "1 only a local write fills the outbox",
                format!("client {client}, {key}"),
            );
        }
        self.count_step(client, witness, before, outcome)
    }

    /// Why an edit left the outbox: the hub has it, somebody went on from it, or
    /// it is in the journal.
    fn check_left(&mut self, client: usize, key: &Key, sync_id: &str, witness: &Witness) -> Check {
        if self.is_graph() {
            return self.check_left_graph(client, key, sync_id);
        }
        let record = self.record(client, key)?;
        let shown = record
            .as_ref()
            .map(|record| record.version.sync_id.as_str())
            .unwrap_or_default();
        let decided = self.model.hub.outcome(key, sync_id);
        if shown == sync_id && matches!(decided, Some(Outcome::Applied | Outcome::Superseded)) {
            if matches!(witness, Witness::Page { .. }) {
                self.cover.hit("pull: lost acknowledgement settled");
            }
            return Ok(());
        }
        if shown != sync_id && self.model.hub.made_on(key, shown, sync_id) {
            self.cover.hit("pull: superseded by somebody who saw the edit");
            return Ok(());
        }
        let Some(made) = self.model.edits.get(sync_id) else {
            return broken(
                "1 only confirmed edits are unsent",
                format!("client {client}, {key}: {sync_id}"),
            );
        };
        if shown == sync_id {
            return broken(
                "3 an entry leaves the outbox only when the server named it",
                format!("client {client}, {key}: edit {sync_id} left, and the hub says {decided:?} of it"),
            );
        }
        self.journal_keeps(client, &made.version)?;
        if matches!(witness, Witness::Page { .. }) {
            self.cover.hit("pull: conflict lost to a pulled version");
        }
        Ok(())
    }

    /// After a step that was rolled back.
    pub fn check_nothing_moved(&mut self, client: usize, before: &Unsent) -> Check {
        self.check_tables(client)?;
        self.check_watermarks(client, &Witness::Other, None)?;
        if self.clients[client].unsent()? != *before {
            return broken(
                "9 a step that was killed changed nothing",
                format!("client {client}: the outbox moved"),
            );
        }
        Ok(())
    }

    pub fn record(&self, client: usize, key: &Key) -> Check<Option<Record>> {
        self.clients[client]
            .store
            .read(|connection| rows::get(connection, key))
            .map_err(odd)
    }

    /// Records, outbox and mirror agree with each other.
    pub fn check_tables(&mut self, client: usize) -> Check {
        const QUERY: &str = "
            SELECT 'outbox row without record', kind, id FROM outbox
             WHERE NOT EXISTS (SELECT 1 FROM records WHERE records.kind = outbox.kind AND records.id = outbox.id)
            UNION ALL SELECT 'status without outbox row', kind, id FROM records WHERE sync_status <> 'synced'
             AND NOT EXISTS (SELECT 1 FROM outbox WHERE records.kind = outbox.kind AND records.id = outbox.id)
            UNION ALL SELECT 'outbox row of a synced record', outbox.kind, outbox.id FROM outbox
             JOIN records ON records.kind = outbox.kind AND records.id = outbox.id WHERE sync_status = 'synced'
            UNION ALL SELECT 'failed entry without a reason', kind, id FROM outbox
             WHERE state = 'failed' AND (error_code IS NULL OR last_error IS NULL)
            UNION ALL SELECT 'mirror without outbox row', kind, id FROM mirror
             WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE mirror.kind = outbox.kind AND mirror.id = outbox.id)
            UNION ALL SELECT 'attempt of a synced record', kind, id FROM outbox_sent JOIN records USING (kind, id)
             WHERE sync_status = 'synced'";
        let found: Option<(String, String, String)> = self.clients[client]
            .store
            .read(|connection| {
                let mut statement = connection.prepare_cached(QUERY)?;
                let mut rows = statement.query([])?;
                Ok(match rows.next()? {
                    Some(row) => Some((row.get(0)?, row.get(1)?, row.get(2)?)),
                    None => None,
                })
            })
            .map_err(odd)?;
        if let Some((problem, kind, id)) = found {
            return broken(
                "1 record and outbox are one",
                format!("client {client}: {problem}: {kind} {id}"),
            );
        }
        for (key, (_, sync_id)) in self.clients[client].unsent()? {
            let author = self.model.edits.get(&sync_id).map(|made| made.author);
            if author != Some(Author::Client(client)) {
                return broken(
                    "2 a pull never overwrites an unsent edit",
                    format!("client {client}, {key}: shows {sync_id} of {author:?} as unsent"),
                );
            }
        }
        Ok(())
    }

    fn check_watermarks(&mut self, client: usize, witness: &Witness, outcome: Option<&Event>) -> Check {
        if self.is_graph() {
            let may_move = matches!(outcome, Some(Event::Applied(_) | Event::ResyncStarted(_)));
            return self.check_graph_watermarks(client, may_move);
        }
        let found: Vec<(String, Timestamp)> = self.clients[client]
            .store
            .read(metadata::watermarks)
            .map_err(odd)?
            .into_iter()
            .map(|(kind, time)| (kind.to_string(), time))
            .collect();
        let mut expected: BTreeMap<String, Timestamp> =
            self.clients[client].watermarks.iter().cloned().collect();
        match (witness, outcome) {
            (Witness::Page { page }, Some(Event::Applied(_))) => {
                let served = self.served_until()?;
                if page.server_time > served {
                    return broken(
                        "4 a watermark is the server's",
                        format!("{} > {served}", page.server_time),
                    );
                }
                expected.extend(page.kinds.iter().map(|kind| (kind.to_string(), page.server_time)));
            }
            (_, Some(Event::ResyncStarted(_))) => expected.clear(),
            _ => {}
        }
        if found != expected.into_iter().collect::<Vec<_>>() {
            return broken(
                "4 a watermark moves only with the page it covers",
                format!(
                    "client {client}: {:?} became {found:?}",
                    self.clients[client].watermarks
                ),
            );
        }
        self.clients[client].watermarks = found;
        if matches!(outcome, Some(Event::Applied(_))) {
            let meta = self.clients[client].store.read(metadata::get).map_err(odd)?;
            if meta.digest_mismatches > 0 {
                return broken("7 digests agree after a whole pull", format!("client {client}"));
            }
        }
        Ok(())
    }

    /// The hub holds what the oracle's hub holds.
    pub fn check_hub(&mut self, changes: &[PushChange]) -> Check {
        let versions: BTreeMap<Key, Version> = self
            .hub
            .plain()?
            .versions()
            .map_err(odd)?
            .into_iter()
            .map(|(version, _)| (version.key.clone(), version))
            .collect();
        for change in changes {
            let key = &change.version.key;
            let ours = self.model.hub.current.get(key);
            let theirs = versions.get(key);
            if ours.map(essence) != theirs.map(essence) {
                return broken(
                    "the hub decides by the rule",
                    format!("{key}: {theirs:?}, expected {ours:?}"),
                );
            }
        }
        Ok(())
    }

    /// A sync is over: success means that everything it promised was dealt with,
    /// failure needs a fault to blame.
    pub fn check_over(
        &mut self,
        client: usize,
        process: usize,
        result: &Result<SyncReport, SyncError>,
        blame: Blame,
    ) -> Check {
        match result {
            Ok(report) => {
                let running = &self.clients[client].processes[process];
                for entry in self.entries(client)? {
                    let told = report.problems.iter().any(|problem| {
                        problem.kind == entry.key.kind && problem.id.as_deref() == Some(entry.key.id.as_str())
                    });
                    if entry.state == OutboxState::Queued
                        && entry.edit_seq <= running.last_edit
                        && !told
                        && !running.retried.contains(&entry.key)
                    {
                        return broken(
                            "a sync that says it went through went through",
                            format!(
                                "client {client}: {} is still queued and nobody was told",
                                entry.key
                            ),
                        );
                    }
                }
                Ok(())
            }
            Err(error) => {
                let explained = match error {
                    SyncError::Offline(_) => blame.network,
                    SyncError::Server { status: 200, .. } => blame.status || blame.replaced,
                    SyncError::Server { .. } => blame.status,
                    SyncError::Protocol(_) => blame.cut,
                    SyncError::Store(_) => blame.store,
                    SyncError::Busy => blame.rivalry,
                    SyncError::Cancelled => blame.cancelled,
                    _ => false,
                };
                if explained {
                    return Ok(());
                }
                broken(
                    "every failed sync has a fault to blame",
                    format!("client {client}: {error:?}, {blame:?}"),
                )
            }
        }
    }

    pub fn entries(&self, client: usize) -> Check<Vec<OutboxEntry>> {
        self.clients[client].store.read(outbox::list).map_err(odd)
    }
}
