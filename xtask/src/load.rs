//! `load`: the hub under load, as an optimized build: the integration test `load`,
//! a program of its own that exits 1 unless every edit is in its place in the end.

use crate::Outcome;
use crate::cargo::Cargo;

/// How many clients, and for how long, unless asked otherwise.
const CLIENTS: u64 = 200;
const SECONDS: u64 = 600;
/// Milliseconds between a client's sync and its next edit, on average: a household
/// of so many hands, on one machine.
const PAUSE: u64 = 3_000;

/// What to put on the hub.
pub(crate) struct Load {
    pub(crate) clients: Option<u64>,
    pub(crate) seconds: Option<u64>,
    /// What the hub speaks, `v1` or `v2`; both, one after the other, if nothing is said.
    pub(crate) protocol: Option<String>,
    pub(crate) seed: Option<u64>,
    pub(crate) pause: Option<u64>,
}

/// Puts it on a hub and shows what came of it.
pub(crate) fn load(cargo: &Cargo, load: &Load) -> Outcome {
    let mut words = Vec::new();
    for (name, number) in [
        ("--clients", load.clients.or(Some(CLIENTS))),
        ("--seconds", load.seconds.or(Some(SECONDS))),
        ("--pause", load.pause.or(Some(PAUSE))),
        ("--seed", load.seed),
    ] {
        words.extend(
            number
                .into_iter()
                .flat_map(|number| [name.to_owned(), number.to_string()]),
        );
    }
    if let Some(protocol) = &load.protocol {
        words.extend(["--protocol".to_owned(), protocol.clone()]);
    }
    cargo.heading("The hub under load");
    cargo.run("test --release --test load", &words, &[])
}
