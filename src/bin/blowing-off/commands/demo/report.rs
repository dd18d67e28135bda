//! What the demo prints: a story for people, one object for programs.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::ledger::Account;
use super::stage::Ending;
use crate::failure::Outcome;
use crate::output::Out;

/// The story so far.
pub(super) struct Report<'a> {
    out: &'a Out,
    times: BTreeMap<&'static str, f64>,
}

impl<'a> Report<'a> {
    pub(super) fn new(out: &'a Out) -> Self {
        Self {
            out,
            times: BTreeMap::new(),
        }
    }

    fn say(&self, text: &str) -> Outcome {
        if self.out.is_json() {
            Ok(())
        } else {
            self.out.line(text)
        }
    }

    pub(super) fn title(&self, text: &str) -> Outcome {
        self.say(text)
    }

    pub(super) fn act(&self, name: &str) -> Outcome {
        self.say("")?;
        self.say(name)
    }

    pub(super) fn line(&self, text: &str) -> Outcome {
        self.say(&format!("  {text}"))
    }

    /// Keeps a measured time and tells what took so long.
    pub(super) fn time(&mut self, name: &'static str, took: Duration, what: &str) -> Outcome {
        let millis = took.as_secs_f64() * 1_000.0;
        self.times.insert(name, (millis * 1_000.0).round() / 1_000.0);
        self.line(&format!("{millis:9.1} ms  {what}"))
    }

    /// The verdict.
    pub(super) fn ending(&self, ending: &Ending, account: &Account, kept: Option<&Path>) -> Outcome {
        if self.out.is_json() {
            return self.out.json(&json!({
                "digests": ending.digests.iter().map(|(replica, state, content)| json!({
                    "replica": replica, "state_digest": state, "content_digest": content,
                })).collect::<Vec<_>>(),
                "edits": {
                    "made": account.made, "live": account.live, "superseded": account.superseded,
                    "journal": account.journal, "missing": account.missing.len(),
                },
                "times": self.times,
            }));
        }
        for (client, conflicts) in &ending.conflicts {
            self.act(&format!("Conflicts as {client} sees them"))?;
            for conflict in conflicts {
                self.line(&format!(
                    "#{} {} {}: the {} edit lost ({})",
                    conflict.conflict_id,
                    conflict.kind,
                    conflict.id,
                    conflict.loser.as_str(),
                    conflict.reason
                ))?;
            }
        }
        self.act("Digests")?;
        for (replica, state, content) in &ending.digests {
            self.line(&format!(
                "{replica:4} state {}  content {}",
                short(state),
                short(content)
            ))?;
        }
        self.act("Edits")?;
        self.line(&format!(
            "{} made: {} live, {} superseded by their own author, {} in a journal, {} missing",
            account.made,
            account.live,
            account.superseded,
            account.journal,
            account.missing.len()
        ))?;
        for edit in &account.missing {
            self.line(&format!("missing: {edit}"))?;
        }
        if let Some(folder) = kept {
            self.say("")?;
            self.say(&format!(
                "The databases are in {}: hub.db, ann.db, ben.db.",
                folder.display()
            ))?;
        }
        self.say("")?;
        self.say(if ending.agrees() && account.missing.is_empty() {
            "All three agree, and no edit is lost."
        } else {
            "Something is wrong: see above."
        })
    }
}

fn short(digest: &str) -> &str {
    digest.get(..16).unwrap_or(digest)
}
