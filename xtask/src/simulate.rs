//! The simulated fleet: the integration test `fleet`, a program of its own that
//! exits 0 when every seed held, and otherwise prints
//! `FAIL seed=<n> invariant=<name>: <message>`, makes a schedule of that as short as
//! it gets, and exits 1.

use crate::Outcome;
use crate::cargo::Cargo;

/// How many seeds of each protocol are simulated unless asked otherwise.
pub(crate) const DEFAULT_SEEDS: u64 = 200;

/// The fleet's test target.
const FLEET: &str = "test --features testing --test fleet";

/// Which worlds to simulate.
#[derive(Clone, Default)]
pub(crate) struct Run {
    /// What their hubs speak, `v1` or `v2`; both, taking turns, if nothing is said.
    pub(crate) protocol: Option<String>,
    /// How many seeds of each protocol.
    pub(crate) seeds: Option<u64>,
    /// The first.
    pub(crate) seed: Option<u64>,
    /// Whether a seed that fails does not end the run.
    pub(crate) keep_going: bool,
    /// A schedule's file, to be taken instead.
    pub(crate) schedule: Option<String>,
}

impl Run {
    fn seeds(&self) -> u64 {
        self.seeds.unwrap_or(DEFAULT_SEEDS)
    }

    fn arguments(&self) -> Vec<String> {
        let mut words = vec!["--seeds".to_owned(), self.seeds().to_string()];
        if let Some(seed) = self.seed {
            words.extend(["--seed".to_owned(), seed.to_string()]);
        }
        if let Some(protocol) = &self.protocol {
            words.extend(["--protocol".to_owned(), protocol.clone()]);
        }
        if self.keep_going {
            words.push("--keep-going".to_owned());
        }
        if let Some(schedule) = &self.schedule {
            words.extend(["--schedule".to_owned(), schedule.clone()]);
        }
        words
    }
}

/// Simulates the fleet as it is.
pub(crate) fn fleet(cargo: &Cargo, run: &Run) -> Outcome {
    let protocol = run.protocol.as_deref().unwrap_or("v1 and v2");
    cargo.heading(&format!(
        "The simulated fleet, {} seeds of {protocol}",
        run.seeds()
    ));
    cargo.run(FLEET, &run.arguments(), &[])
}

/// Simulates the fleet with each deliberate bug in turn (`src/mutant.rs`); every
/// one must be caught.
pub(crate) fn mutants(cargo: &Cargo, run: &Run) -> Outcome {
    cargo.heading(&format!(
        "The simulated fleet with each deliberate bug, up to {} seeds each",
        run.seeds()
    ));
    let mut words = run.arguments();
    words.push("--mutants".to_owned());
    cargo.run(FLEET, &words, &[])
}
