//! Random edits, repeats and delays against the hub: no edit may vanish.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod hub_support;

use std::collections::{HashMap, HashSet};

use hub_support::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use wildthing::hub::{HubStore, Outcome};
use wildthing::model::Timestamp;

/// One step of a schedule; numbers choose among what there is.
#[derive(Debug, Clone)]
enum Step {
    /// A client edits what it last saw and sends that at once.
    Edit {
        client: usize,
        seconds: i64,
        delete: bool,
    },
    /// A client edits what it last saw; the message is delayed.
    Delayed {
        client: usize,
        seconds: i64,
        delete: bool,
    },
    /// A message, delayed or sent before, arrives (again).
    Arrive { which: usize },
    /// A client sees what is current.
    Pull { client: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let edit = (0..3usize, -3..3i64, prop::bool::weighted(0.2));
    prop_oneof![
        3 => edit.clone().prop_map(|(client, seconds, delete)| Step::Edit { client, seconds, delete }),
        2 => edit.prop_map(|(client, seconds, delete)| Step::Delayed { client, seconds, delete }),
        3 => (0..64usize).prop_map(|which| Step::Arrive { which }),
        2 => (0..3usize).prop_map(|client| Step::Pull { client }),
    ]
}

/// A client: what it builds its next edit on.
#[derive(Debug, Default, Clone)]
struct Client {
    bases: Vec<String>,
    watermark: Option<Timestamp>,
}

struct Run {
    hub: HubStore,
    clients: Vec<Client>,
    /// Every message ever made: its author and its one change.
    messages: Vec<(usize, Value)>,
    /// What every edit was made on.
    bases: HashMap<String, Vec<String>>,
    /// The edits that arrived, with the first answer each got.
    answers: HashMap<String, (bool, bool)>,
}

impl Run {
    fn make(&mut self, client: usize, seconds: i64, delete: bool) -> usize {
        let sync_id = format!("edit-{}", self.messages.len());
        let bases = self.clients[client].bases.clone();
        let change = json!({
            "entity_type": "room", "entity_id": "r1", "client_sync_id": sync_id, "bases": bases,
            "operation": if delete { "delete" } else { "update" },
            "data": {
                "id": "r1", "name": sync_id, "sync_id": sync_id, "is_deleted": delete,
                "updated_at": Timestamp::from_micros(NOON + seconds * SECOND / 2).to_string(),
            },
        });
        self.bases.insert(sync_id.clone(), bases);
        self.clients[client].bases.push(sync_id);
        self.messages.push((client, change));
        self.messages.len() - 1
    }

    fn arrive(&mut self, which: usize) {
        let (client, change) = self.messages[which].clone();
        let sync_id = change["data"]["sync_id"].as_str().unwrap().to_owned();
        let before = (self.hub.versions().unwrap(), self.hub.losers().unwrap());
        let result = self.hub.push(&format!("client-{client}"), vec![change]).unwrap();
        assert!(result.rejected.is_empty());
        let answer = (!result.applied.is_empty(), !result.conflicts.is_empty());
        match self.answers.get(&sync_id) {
            Some(first) => {
                assert_eq!(answer, *first, "{sync_id} came again");
                assert_eq!((self.hub.versions().unwrap(), self.hub.losers().unwrap()), before);
            }
            None => {
                self.answers.insert(sync_id, answer);
            }
        }
    }

    fn pull(&mut self, client: usize) {
        let page = delta(&mut self.hub, "reader", self.clients[client].watermark);
        assert!(Some(page.server_time) >= self.clients[client].watermark);
        self.clients[client].watermark = Some(page.server_time);
        if let Some(change) = page.changes.last() {
            self.clients[client].bases = vec![change.version.sync_id.clone()];
        }
    }

    /// These edits and all that they were made on.
    fn ancestors<'a>(&self, edits: impl IntoIterator<Item = &'a String>) -> HashSet<String> {
        let mut found: HashSet<String> = edits.into_iter().cloned().collect();
        let mut todo: Vec<String> = found.iter().cloned().collect();
        while let Some(edit) = todo.pop() {
            for base in self.bases.get(&edit).into_iter().flatten() {
                if found.insert(base.clone()) {
                    todo.push(base.clone());
                }
            }
        }
        found
    }

    /// Every edit that arrived is current, kept as a loser, or an ancestor of
    /// an edit that is one of these.
    fn nothing_is_lost(&self) {
        let versions = self.hub.versions().unwrap();
        let losers = self.hub.losers().unwrap();
        let kept = versions
            .iter()
            .map(|(version, _)| version)
            .chain(losers.iter().map(|loser| &loser.version))
            .map(|version| &version.sync_id);
        let safe = self.ancestors(kept);
        for edit in self.answers.keys() {
            assert!(safe.contains(edit), "{edit} is gone");
            let outcome = self.hub.decided(&key("room", "r1"), edit).unwrap().unwrap();
            let lost = losers
                .iter()
                .any(|loser| !loser.displaced && loser.version.sync_id == *edit);
            assert_eq!(outcome == Outcome::Lost, lost, "{edit}");
        }
        // No edit ever competed with what was made on it.
        for loser in &losers {
            let (loser, winner) = (&loser.version.sync_id, &loser.winner.sync_id);
            assert!(
                !self.ancestors([loser]).contains(winner),
                "{winner} beat its descendant {loser}"
            );
            assert!(
                !self.ancestors([winner]).contains(loser),
                "{loser} lost to its descendant {winner}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_edit_vanishes(steps in prop::collection::vec(step(), 1..40)) {
        let mut run = Run {
            hub: hub(),
            clients: vec![Client::default(); 3],
            messages: Vec::new(),
            bases: HashMap::new(),
            answers: HashMap::new(),
        };
        for step in steps {
            match step {
                Step::Edit { client, seconds, delete } => {
                    let which = run.make(client, seconds, delete);
                    run.arrive(which);
                }
                Step::Delayed { client, seconds, delete } => {
                    run.make(client, seconds, delete);
                }
                Step::Arrive { which } if !run.messages.is_empty() => {
                    run.arrive(which % run.messages.len());
                }
                Step::Arrive { .. } => {}
                Step::Pull { client } => run.pull(client),
            }
            run.nothing_is_lost();
        }
    }
}
