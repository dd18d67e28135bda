//! The account of every edit the demo made: where is it now?

use wildthing::client::{Conflict, WildThingClient};
use wildthing::model::Key;

use super::stage::Ending;
use crate::failure::Outcome;
use crate::output::text;

/// One edit, as its author's client confirmed it.
#[derive(Debug, Clone)]
pub(super) struct Edit {
    author: &'static str,
    key: Key,
    sync_id: String,
}

/// Every edit, in the order they were made.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    edits: Vec<Edit>,
}

impl Ledger {
    /// Writes down the edit that made the record what it is at its author's.
    pub(super) async fn note(&mut self, author: &'static str, client: &WildThingClient, key: Key) -> Outcome {
        let record = client.explain(key.kind.clone(), key.id.clone()).await?.record;
        self.edits.push(Edit {
            author,
            key,
            sync_id: text::field(&record, "sync_id"),
        });
        Ok(())
    }

    /// How many edits were made.
    pub(super) fn len(&self) -> usize {
        self.edits.len()
    }
}

/// What became of the edits. Each is counted once, in this order.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) made: usize,
    /// It is what the house says.
    pub(super) live: usize,
    /// Its own author edited the record again.
    pub(super) superseded: usize,
    /// It lost, and can be read and restored from a journal.
    pub(super) journal: usize,
    /// It is nowhere. Must stay empty.
    pub(super) missing: Vec<String>,
}

impl Account {
    /// Looks every edit up.
    pub(super) fn of(ledger: &Ledger, ending: &Ending) -> Self {
        let mut account = Account {
            made: ledger.edits.len(),
            ..Account::default()
        };
        let journals: Vec<&Conflict> = ending
            .conflicts
            .iter()
            .flat_map(|(_, conflicts)| conflicts)
            .collect();
        for (index, edit) in ledger.edits.iter().enumerate() {
            let live = ending
                .versions
                .iter()
                .any(|version| version.key == edit.key && version.sync_id == edit.sync_id);
            let journaled = journals.iter().any(|conflict| {
                conflict.kind == edit.key.kind
                    && conflict.id == edit.key.id
                    && text::field(&conflict.losing, "sync_id") == edit.sync_id
            });
            let superseded = ledger.edits[index + 1..]
                .iter()
                .any(|later| later.author == edit.author && later.key == edit.key);
            if live {
                account.live += 1;
            } else if journaled {
                account.journal += 1;
            } else if superseded {
                account.superseded += 1;
            } else {
                account
                    .missing
                    .push(format!("{}'s edit {} of {}", edit.author, edit.sync_id, edit.key));
            }
        }
        account
    }
}
