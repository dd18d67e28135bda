//! The simulated fleet: the integration test `fleet`, a program of its own that
//! exits 0 when every seed held, and otherwise prints
//! `FAIL seed=<n> invariant=<name>: <message>` and exits 1.

use std::fs;
use std::process::Output;

use crate::Outcome;
use crate::cargo::Cargo;

/// How many seeds are simulated unless asked otherwise.
pub(crate) const DEFAULT_SEEDS: u64 = 200;

/// The fleet's test target.
const FLEET: &str = "test --features testing --test fleet";
/// What names the deliberate bug to build in; `build.rs` knows the names.
const MUTANT: &str = "WILDTHING_MUTANT";

/// Which seeds to simulate.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    /// How many.
    pub(crate) seeds: u64,
    /// The first.
    pub(crate) seed: Option<u64>,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            seeds: DEFAULT_SEEDS,
            seed: None,
        }
    }
}

impl Run {
    fn arguments(self) -> Vec<String> {
        let mut words = vec!["--seeds".to_owned(), self.seeds.to_string()];
        if let Some(seed) = self.seed {
            words.extend(["--seed".to_owned(), seed.to_string()]);
        }
        words
    }
}

/// Simulates the fleet as it is (or with the mutant of the environment).
pub(crate) fn fleet(cargo: &Cargo, run: Run) -> Outcome {
    cargo.heading(&format!("The simulated fleet, {} seeds", run.seeds));
    cargo.run(FLEET, &run.arguments(), &[])
}

/// Simulates the fleet with each deliberate bug built in; every one must be
/// caught. They share the target folder, where only this crate is built again.
pub(crate) fn mutants(cargo: &Cargo, run: Run) -> Outcome {
    let path = cargo.path("build.rs");
    let source =
        fs::read_to_string(&path).map_err(|error| format!("can't read {}: {error}", path.display()))?;
    let names = names(&source)?;
    cargo.heading(&format!(
        "{} mutants, up to {} seeds each",
        names.len(),
        run.seeds
    ));
    let mut escaped = Vec::new();
    for name in &names {
        let verdict = judge(cargo, name, run)?;
        let (word, line) = match &verdict {
            Verdict::Caught(line) => ("caught", line),
            Verdict::Escaped(line) => ("ESCAPED", line),
        };
        println!("{name:<30} {word:<8} {line}");
        if matches!(verdict, Verdict::Escaped(_)) {
            escaped.push(name.as_str());
        }
    }
    if escaped.is_empty() {
        Ok(())
    } else {
        Err(format!("not caught: {}", escaped.join(", ")))
    }
}

enum Verdict {
    Caught(String),
    Escaped(String),
}

fn judge(cargo: &Cargo, name: &str, run: Run) -> Result<Verdict, String> {
    let mutant = [(MUTANT, name)];
    // Built by itself, so that what does not compile is not taken for caught.
    let built = cargo.output(&format!("{FLEET} --no-run"), &[], &mutant)?;
    if !built.status.success() {
        return Err(format!("mutant {name} does not build:\n{}", text(&built)));
    }
    let ran = cargo.output(FLEET, &run.arguments(), &mutant)?;
    let said = text(&ran);
    let failure = failure(&said);
    Ok(match (ran.status.success(), failure) {
        (false, Some(line)) => Verdict::Caught(line.to_owned()),
        (true, _) => Verdict::Escaped(format!("{} seeds passed", run.seeds)),
        // A crash or a failing build step says nothing about an invariant.
        (false, None) => Verdict::Escaped(format!("no FAIL line ({})", ran.status)),
    })
}

fn text(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    text
}

/// The last line that names a failed seed, without its first word.
fn failure(said: &str) -> Option<&str> {
    said.lines()
        .filter_map(|line| line.strip_prefix("FAIL "))
        .rfind(|line| line.starts_with("seed="))
}

/// The names in the MUTANTS list of build.rs, the one place that has them.
fn names(build: &str) -> Result<Vec<String>, String> {
    let list = build
        .split_once("const MUTANTS")
        .and_then(|(_, rest)| rest.split_once('='))
        .and_then(|(_, rest)| rest.split_once("];"))
        .map(|(list, _)| list)
        .ok_or("build.rs has no list `const MUTANTS`")?;
    // Every second piece between quotes is inside them.
    let names: Vec<String> = list.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    if names.is_empty() {
        return Err("the list MUTANTS of build.rs is empty".to_owned());
    }
    Ok(names)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_mutants_are_those_of_the_build_script() {
        let names = names(include_str!("../../build.rs")).unwrap();
        assert_eq!(names.len(), 10);
        assert_eq!(names.first().unwrap(), "acknowledge_on_count");
        assert_eq!(names.last().unwrap(), "swallowed_error");
        assert!(super::names("fn main() {}").is_err());
    }

    #[test]
    fn the_last_failure_is_told() {
        let said = "seed 3 ok\nFAIL seed=4 invariant=a: x\nnote\nFAIL seed=5 invariant=b: y\nFAIL\n";
        assert_eq!(failure(said), Some("seed=5 invariant=b: y"));
        assert_eq!(failure("200 seeds held\n"), None);
    }
}
