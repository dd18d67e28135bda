//! The figures of a run, and what must not be among them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use wildthing::protocol::Protocol;

use crate::client::Told;
use crate::hub::Taken;
use crate::ledger::Account;

/// How many looks at the hub are shown.
const SHOWN: usize = 10;

/// What the hub took at some time of the run.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub at: Duration,
    pub taken: Taken,
}

/// A run.
pub struct Load {
    protocol: Protocol,
    clients: usize,
    seconds: u64,
    seed: u64,
    pause: Duration,
    pub took: Duration,
    pub kills: u64,
    /// Threads of this process, which are mostly the clients'.
    pub threads: usize,
    pub request_micros: Vec<u64>,
    pub by_status: BTreeMap<u16, u64>,
    pub told: Told,
    /// What the hub took before the first client came, all along, and in the end.
    pub before: Taken,
    pub samples: Vec<Sample>,
    pub after: Taken,
    pub last_rounds: usize,
    /// Whether hub and clients hold the same in the end.
    pub alike: bool,
    /// Whether the hub ended in order when it was asked to.
    pub stopped: bool,
    pub account: Account,
}

impl Load {
    pub fn new(protocol: Protocol, clients: usize, seconds: u64, seed: u64, pause: Duration) -> Self {
        Self {
            protocol,
            clients,
            seconds,
            seed,
            pause,
            took: Duration::ZERO,
            kills: 0,
            threads: 0,
            request_micros: Vec::new(),
            by_status: BTreeMap::new(),
            told: Told::default(),
            before: Taken::default(),
            samples: Vec::new(),
            after: Taken::default(),
            last_rounds: 0,
            alike: false,
            stopped: false,
            account: Account::default(),
        }
    }

    /// Why this is no success.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut must = |held: bool, problem: String| {
            if !held {
                problems.push(problem);
            }
        };
        must(self.alike, "hub and clients do not hold the same".into());
        must(self.kills > 0, "the hub was never killed".into());
        must(self.stopped, "the hub did not stop in order".into());
        must(!self.request_micros.is_empty(), "no request was answered".into());
        must(self.account.edits > 0, "no edit was made".into());
        let missing = &self.account.missing;
        must(
            missing.is_empty(),
            format!("{} edits are lost: {missing:?}", missing.len()),
        );
        let edits = &self.told.failed_edits;
        must(edits.is_empty(), format!("edits failed: {edits:?}"));
        // A hub that was killed is not there; nothing else excuses a failure.
        let syncs = &self.told.failed_syncs;
        must(
            syncs.keys().all(|word| word == "offline"),
            format!("syncs failed: {syncs:?}"),
        );
        let status = &self.by_status;
        must(
            status.keys().all(|status| *status < 500),
            format!("the hub failed: {status:?}"),
        );
        let (before, after) = (self.before.descriptors, self.after.descriptors);
        must(
            after <= before,
            format!("the hub began with {before} descriptors and ended with {after}"),
        );
        problems
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} clients, {} s, seed {}, pauses of {} ms; {} threads of theirs; the hub was killed {} times",
            self.protocol.as_str(),
            self.clients,
            self.seconds,
            self.seed,
            self.pause.as_millis(),
            self.threads,
            self.kills,
        )?;
        times(f, "requests at the hub", &self.request_micros, self.took)?;
        times(f, "syncs that went through", &self.told.sync_micros, self.took)?;
        writeln!(f, "  answers by status: {}", counts(&self.by_status))?;
        writeln!(f, "  failed syncs: {}", counts(&self.told.failed_syncs))?;
        writeln!(f, "  problems told by syncs: {}", counts(&self.told.problems))?;
        writeln!(f, "  hub, after s: resident MiB, descriptors")?;
        let step = self.samples.len().div_ceil(SHOWN).max(1);
        for sample in self.samples.iter().step_by(step) {
            row(f, &format!("{:.0}", sample.at.as_secs_f64()), sample.taken)?;
        }
        let most = |of: fn(&Taken) -> u64| self.samples.iter().map(|sample| of(&sample.taken)).max();
        let peak = Taken {
            resident_kib: most(|taken| taken.resident_kib).unwrap_or(0),
            descriptors: most(|taken| taken.descriptors).unwrap_or(0),
        };
        row(f, "most", peak)?;
        row(f, "before", self.before)?;
        row(f, "after", self.after)?;
        writeln!(
            f,
            "  {} edits: {} at the hub, {} in a journal, {} lost; {} conflicts; {} after {} last rounds",
            self.account.edits,
            self.account.at_the_hub,
            self.account.in_a_journal,
            self.account.missing.len(),
            self.told.conflicts,
            if self.alike { "all alike" } else { "NOT alike" },
            self.last_rounds,
        )
    }
}

fn row(f: &mut fmt::Formatter<'_>, when: &str, taken: Taken) -> fmt::Result {
    let resident = taken.resident_kib as f64 / 1_024.0;
    writeln!(f, "    {when:>6}: {resident:>6.1} {:>6}", taken.descriptors)
}

fn times(f: &mut fmt::Formatter<'_>, what: &str, micros: &[u64], span: Duration) -> fmt::Result {
    let mut sorted = micros.to_vec();
    sorted.sort_unstable();
    let at = |share: f64| {
        let last = sorted.len().saturating_sub(1) as f64;
        sorted
            .get((last * share).round() as usize)
            .map_or(0.0, |micros| *micros as f64 / 1e3)
    };
    writeln!(
        f,
        "  {what}: {}, {:.1}/s; p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
        sorted.len(),
        sorted.len() as f64 / span.as_secs_f64().max(f64::MIN_POSITIVE),
        at(0.5),
        at(0.99),
        at(1.0),
    )
}

fn counts<K: fmt::Display>(counts: &BTreeMap<K, u64>) -> String {
    if counts.is_empty() {
        return "none".to_owned();
    }
    let counts = counts.iter().map(|(word, count)| format!("{word} {count}"));
    counts.collect::<Vec<_>>().join(", ")
}
