//! The oracle: what was edited, and what a hub must make of it, written from
//! the design and from nothing in `src`. It shares types with the code under
//! test, but no rule. What only a graph has is in `graph_model`.

use std::collections::{BTreeMap, BTreeSet};

use wildthing::model::{Key, Kind, Version};
use wildthing::protocol::v1::{PushChange, PushResult, Verdict};

use crate::graph_model::{GraphModel, bare_edge, is_edge};

/// A broken promise.
#[derive(Debug)]
pub struct Violation {
    pub invariant: &'static str,
    pub message: String,
}

pub type Check<T = ()> = Result<T, Violation>;

pub fn broken<T>(invariant: &'static str, message: impl Into<String>) -> Check<T> {
    Err(Violation {
        invariant,
        message: message.into(),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    Client(usize),
    /// A program that writes to the hub by itself.
    Foreign,
}

/// A confirmed edit.
#[derive(Debug, Clone)]
pub struct Made {
    pub author: Author,
    pub version: Version,
    /// `sync_id`s of the versions its author saw and replaced.
    pub made_on: Vec<String>,
    /// Dropped with its own delete before anybody else could see it.
    pub dropped: bool,
}

/// The design's rule: whether `local` stays, and why.
pub fn rule(local: &Version, remote: &Version) -> (bool, &'static str) {
    if local.deleted && !remote.deleted {
        return (true, "local_deleted");
    }
    if remote.deleted && !local.deleted {
        return (false, "remote_deleted");
    }
    let greater = local.sync_id.as_bytes() > remote.sync_id.as_bytes();
    let by_id = if greater {
        (true, "sync_id_tiebreak_local")
    } else {
        (false, "sync_id_tiebreak_remote")
    };
    match (local.updated_at, remote.updated_at) {
        (None, None) => by_id,
        (Some(_), None) => (true, "missing_timestamp"),
        (None, Some(_)) => (false, "missing_timestamp"),
        (Some(ours), Some(theirs)) => match ours.micros() - theirs.micros() {
            -999_999..=999_999 => by_id,
            ahead if ahead > 0 => (true, "newer_local"),
            _ => (false, "newer_remote"),
        },
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Applied,
    Lost,
    Superseded,
}

/// Two edits met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fight {
    pub reason: &'static str,
    /// Whether they are exactly a second apart.
    pub exact: bool,
    /// What was current.
    pub against: String,
}

/// What the hub must answer to one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Applied,
    Won(Fight),
    Lost(Fight),
    Superseded,
    Repeated(Outcome),
}

/// The hub as the protocol describes it.
#[derive(Debug, Default)]
pub struct HubModel {
    pub current: BTreeMap<Key, Version>,
    outcomes: BTreeMap<(Key, String), Outcome>,
    /// What every version the hub decided was made on, as it was told.
    bases: BTreeMap<(Key, String), Vec<String>>,
}

impl HubModel {
    pub fn outcome(&self, key: &Key, sync_id: &str) -> Option<Outcome> {
        self.outcomes.get(&(key.clone(), sync_id.to_owned())).copied()
    }

    pub fn made_on(&self, key: &Key, sync_id: &str, base: &str) -> bool {
        self.bases
            .get(&(key.clone(), sync_id.to_owned()))
            .is_some_and(|bases| bases.iter().any(|known| known == base))
    }

    fn decide(&mut self, change: &PushChange) -> Answer {
        let pushed = &change.version;
        let key = &pushed.key;
        let name = (key.clone(), pushed.sync_id.clone());
        if let Some(outcome) = self.outcomes.get(&name) {
            return match outcome {
                Outcome::Superseded => Answer::Superseded,
                other => Answer::Repeated(*other),
            };
        }
        let answer = match self.current.get(key) {
            None => Answer::Applied,
            Some(current) if change.bases.contains(&current.sync_id) => Answer::Applied,
            Some(current) => {
                let exact = matches!((current.updated_at, pushed.updated_at), (Some(a), Some(b))
                    if (a.micros() - b.micros()).abs() == 1_000_000);
                let (stays, reason) = rule(current, pushed);
                let against = current.sync_id.clone();
                let fight = Fight {
                    reason,
                    exact,
                    against,
                };
                if stays {
                    Answer::Lost(fight)
                } else {
                    Answer::Won(fight)
                }
            }
        };
        let outcome = match answer {
            Answer::Lost(_) => Outcome::Lost,
            _ => Outcome::Applied,
        };
        if outcome == Outcome::Applied {
            self.current.insert(key.clone(), pushed.clone());
        }
        self.outcomes.insert(name.clone(), outcome);
        self.bases.insert(name, change.bases.clone());
        for base in &change.bases {
            self.outcomes
                .entry((key.clone(), base.clone()))
                .or_insert(Outcome::Superseded);
        }
        answer
    }

    /// Decides a push as the hub must have, and holds its answer against that.
    pub fn push(&mut self, changes: &[PushChange], result: &PushResult) -> Check<Vec<Answer>> {
        let mut answers = Vec::new();
        for change in changes {
            let answer = self.decide(change);
            let sync_id = &change.version.sync_id;
            let applied = result
                .applied
                .iter()
                .any(|applied| applied.client_sync_id.as_deref() == Some(&change.client_sync_id));
            let conflict = result.conflicts.iter().find(|conflict| {
                conflict.key == change.version.key
                    && conflict
                        .client_version
                        .as_ref()
                        .is_some_and(|version| version.sync_id == *sync_id)
            });
            let told = conflict.map(|conflict| (conflict.verdict, conflict.reason.as_str()));
            let right = match &answer {
                Answer::Applied | Answer::Superseded => applied && told.is_none(),
                Answer::Won(fight) => applied && told == Some((Verdict::ClientWins, fight.reason)),
                Answer::Lost(fight) => !applied && told == Some((Verdict::ServerWins, fight.reason)),
                Answer::Repeated(Outcome::Applied) => {
                    applied && told.is_none_or(|(verdict, _)| verdict == Verdict::ClientWins)
                }
                Answer::Repeated(_) => {
                    !applied && told.is_some_and(|(verdict, _)| verdict == Verdict::ServerWins)
                }
            };
            if !right {
                return broken(
                    "the hub decides by the rule",
                    format!(
                        "{} edit {sync_id}: expected {answer:?}, the hub said applied={applied} conflict={told:?}",
                        change.version.key
                    ),
                );
            }
            answers.push(answer);
        }
        Ok(answers)
    }
}

/// Everything that was confirmed to a user, and what must have become of it.
#[derive(Debug, Default)]
pub struct Model {
    pub edits: BTreeMap<String, Made>,
    pub hub: HubModel,
    pub graph: GraphModel,
    /// `sync_id`s, and ids of edges, that left a client at least once.
    pub attempted: BTreeSet<String>,
}

impl Model {
    /// A confirmed edit. Two edits never share an id.
    pub fn confirm(&mut self, author: Author, version: &Version, made_on: Vec<String>) -> Check {
        let made = Made {
            author,
            version: version.clone(),
            made_on,
            dropped: false,
        };
        match self.edits.insert(version.sync_id.clone(), made) {
            None => Ok(()),
            Some(old) => broken(
                "every edit has an id of its own",
                format!(
                    "{}: {} is the id of two edits ({:?} and {author:?})",
                    version.key, version.sync_id, old.author
                ),
            ),
        }
    }

    /// Whether the author of `edit` had seen `other`, or one made on it.
    pub fn descends(&self, edit: &str, other: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut next = vec![edit];
        while let Some(id) = next.pop() {
            for base in self.edits.get(id).into_iter().flat_map(|made| &made.made_on) {
                if base == other {
                    return true;
                }
                if seen.insert(base.as_str()) {
                    next.push(base);
                }
            }
        }
        false
    }

    /// Edits that meet as rivals were made without knowing of each other.
    pub fn check_rivals(&self, changes: &[PushChange], answers: &[Answer]) -> Check {
        for (change, answer) in changes.iter().zip(answers) {
            let (Answer::Won(fight) | Answer::Lost(fight)) = answer else {
                continue;
            };
            let pushed = change.version.sync_id.as_str();
            let current = fight.against.as_str();
            if self.descends(pushed, current) || self.descends(current, pushed) {
                return broken(
                    "no conflict with what an edit was made on",
                    format!("{}: {pushed} and {current}: {answer:?}", change.version.key),
                );
            }
        }
        Ok(())
    }

    /// The same of an edge, which is sent under its id alone.
    pub fn drop_unsent_edge(&mut self, edge: &Version) -> Check {
        if self.attempted.contains(edge.key.id.as_str()) {
            return broken(
                "an attempted edit is not dropped",
                format!("{} was dropped after it had left", edge.key),
            );
        }
        for made in self.edits.values_mut() {
            made.dropped |= made.version.key == edge.key;
        }
        Ok(())
    }

    /// Create and delete met before any attempt: the chain of unsent edits goes.
    pub fn drop_unsent(&mut self, sync_id: &str) -> Check {
        let mut next = vec![sync_id.to_owned()];
        while let Some(id) = next.pop() {
            if self.attempted.contains(&id) {
                return broken(
                    "an attempted edit is not dropped",
                    format!("{id} was dropped after it had left"),
                );
            }
            if let Some(made) = self.edits.get_mut(&id)
                && !made.dropped
            {
                made.dropped = true;
                next.extend(made.made_on.iter().cloned());
            }
        }
        Ok(())
    }
}

/// A version without what is copied from elsewhere when it is sent.
pub fn essence(version: &Version) -> Version {
    if is_edge(version) {
        return bare_edge(version);
    }
    let mut version = version.clone();
    if version.content().is_some() {
        // Where an entity is in is told by edges.
        version.parent_id = None;
        return version;
    }
    if matches!(version.key.kind, Kind::Room | Kind::Device) {
        for copied in ["house_name", "room_name", "house_id", "state_json"] {
            version.body.remove(copied);
        }
    }
    version
}
