//! `cargo xtask soak`: the integration test `soak`, built for release, with as many
//! operations as are asked for.

use crate::Outcome;
use crate::cargo::Cargo;

/// How many unless something else is said.
const OPERATIONS: u64 = 1_000_000;

/// Soaks two houses.
pub(crate) fn soak(cargo: &Cargo, operations: Option<u64>, seed: Option<u64>) -> Outcome {
    let operations = operations.unwrap_or(OPERATIONS);
    cargo.heading(&format!("A soak of {operations} operations"));
    let mut words = vec!["--operations".to_owned(), operations.to_string()];
    if let Some(seed) = seed {
        words.extend(["--seed".to_owned(), seed.to_string()]);
    }
    cargo.run("test --release --features testing --test soak", &words, &[])
}
