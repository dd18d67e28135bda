//! `cargo xtask schedules`: the unit tests of what many threads share, each under
//! thousands of schedules that shuttle chooses. They are built with `cfg(shuttle)`,
//! which is given to the library alone, so that nothing else is built anew.

use std::process::Command;

use crate::Outcome;
use crate::cargo::Cargo;

/// The tests' names begin so.
const TESTS: &str = "schedules_of";

/// Runs them, each under so many schedules of each kind.
pub(crate) fn schedules(cargo: &Cargo, each: Option<u64>) -> Outcome {
    let built = cargo.artifacts(
        "rustc --profile test --lib --features testing",
        &["--cfg".to_owned(), "shuttle".to_owned()],
        "wildthing",
    )?;
    let program = built
        .iter()
        .find(|file| file.extension().is_none() || file.extension().is_some_and(|it| it == "exe"))
        .ok_or("the build left no program of tests")?;
    let mut command = Command::new(program);
    command.current_dir(cargo.path(".")).arg(TESTS);
    // Shuttle's atomics keep one order for all, which is known.
    command.env("SHUTTLE_SILENCE_WARNINGS", "1");
    if let Some(each) = each {
        command.env("SCHEDULES", each.to_string());
    }
    let status = command
        .status()
        .map_err(|error| format!("can't start {}: {error}", program.display()))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("some schedule was not borne ({status})"))
    }
}
