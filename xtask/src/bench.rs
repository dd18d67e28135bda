//! `bench`: builds the command and the program that measures it, and runs that.

use crate::Outcome;
use crate::cargo::Cargo;

/// Measures every budget, or only the groups named.
pub(crate) fn run(cargo: &Cargo, words: &[String]) -> Outcome {
    // Both in one build: the features are the same, so the library is built once.
    cargo.run("build --release --package wildthing --package budgets", &[], &[])?;
    cargo.run("run --release --package budgets", words, &[])
}
