//! The simulated fleet: the integration test `fleet`, a program of its own that
//! exits 0 when every seed held, and otherwise prints
//! `FAIL seed=<n> invariant=<name>: <message>` and exits 1.

use std::fs;
use std::process::Output;

use crate::Outcome;
use crate::cargo::Cargo;

/// How many seeds of each protocol are simulated unless asked otherwise.
pub(crate) const DEFAULT_SEEDS: u64 = 200;

/// The fleet's test target.
const FLEET: &str = "test --features testing --test fleet";
/// What names the deliberate bug to build in; `build.rs` knows the names.
const MUTANT: &str = "WILDTHING_MUTANT";

/// Which worlds to simulate.
#[derive(Clone, Default)]
pub(crate) struct Run {
    /// What their hubs speak, `v1` or `v2`; both, taking turns, if nothing is said.
    pub(crate) protocol: Option<String>,
    /// How many seeds of each protocol.
    pub(crate) seeds: Option<u64>,
    /// The first.
    pub(crate) seed: Option<u64>,
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
        words
    }
}

/// Simulates the fleet as it is (or with the mutant of the environment).
pub(crate) fn fleet(cargo: &Cargo, run: &Run) -> Outcome {
    let protocol = run.protocol.as_deref().unwrap_or("v1 and v2");
    cargo.heading(&format!(
        "The simulated fleet, {} seeds of {protocol}",
        run.seeds()
    ));
    cargo.run(FLEET, &run.arguments(), &[])
}

/// Simulates the fleet with each deliberate bug built in; every one must be
/// caught, by the worlds of each protocol that it is a bug of. They share the
/// target folder, where only this crate is built again.
pub(crate) fn mutants(cargo: &Cargo, run: &Run) -> Outcome {
    let path = cargo.path("build.rs");
    let source =
        fs::read_to_string(&path).map_err(|error| format!("can't read {}: {error}", path.display()))?;
    let mutants = listed(&source)?;
    cargo.heading(&format!(
        "{} mutants, up to {} seeds each",
        mutants.len(),
        run.seeds()
    ));
    let mut escaped = Vec::new();
    for mutant in &mutants {
        let asked = |protocol: &&String| run.protocol.as_ref().is_none_or(|asked| asked == *protocol);
        let protocols: Vec<&String> = mutant.protocols.iter().filter(asked).collect();
        if protocols.is_empty() {
            continue;
        }
        let name = mutant.name.as_str();
        build(cargo, name)?;
        for protocol in protocols {
            let verdict = judge(cargo, name, protocol, run)?;
            let (word, line) = match &verdict {
                Verdict::Caught(line) => ("caught", line),
                Verdict::Escaped(line) => ("ESCAPED", line),
            };
            println!("{name:<30} {protocol} {word:<8} {line}");
            if matches!(verdict, Verdict::Escaped(_)) {
                escaped.push(format!("{name} ({protocol})"));
            }
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

/// Built by itself, so that what does not compile is not taken for caught.
fn build(cargo: &Cargo, name: &str) -> Outcome {
    let built = cargo.output(&format!("{FLEET} --no-run"), &[], &[(MUTANT, name)])?;
    if built.status.success() {
        Ok(())
    } else {
        Err(format!("mutant {name} does not build:\n{}", text(&built)))
    }
}

fn judge(cargo: &Cargo, name: &str, protocol: &str, run: &Run) -> Result<Verdict, String> {
    let run = Run {
        protocol: Some(protocol.to_owned()),
        ..run.clone()
    };
    let ran = cargo.output(FLEET, &run.arguments(), &[(MUTANT, name)])?;
    let said = text(&ran);
    let failure = failure(&said);
    Ok(match (ran.status.success(), failure) {
        (false, Some(line)) => Verdict::Caught(line.to_owned()),
        (true, _) => Verdict::Escaped(format!("{} seeds passed", run.seeds())),
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

/// A deliberate bug, and whose.
struct Mutant {
    name: String,
    protocols: Vec<String>,
}

/// The MUTANTS of build.rs, the one place that has them.
fn listed(build: &str) -> Result<Vec<Mutant>, String> {
    let list = build
        .split_once("const MUTANTS")
        .and_then(|(_, rest)| rest.split_once('='))
        .and_then(|(_, rest)| rest.split_once("];"))
        .map(|(list, _)| list)
        .ok_or("build.rs has no list `const MUTANTS`")?;
    // Every second piece between quotes is inside them: a name, then its protocols.
    let words: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    let mutants: Vec<Mutant> = words
        .chunks_exact(2)
        .map(|pair| Mutant {
            name: pair[0].to_owned(),
            protocols: pair[1].split(' ').map(str::to_owned).collect(),
        })
        .collect();
    if mutants.is_empty() || !words.len().is_multiple_of(2) {
        return Err("the list MUTANTS of build.rs is none of names and protocols".to_owned());
    }
    Ok(mutants)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_mutants_are_those_of_the_build_script() {
        let mutants = listed(include_str!("../../build.rs")).unwrap();
        assert_eq!(mutants.len(), 17);
        assert_eq!(mutants[0].name, "acknowledge_on_count");
        assert_eq!(mutants[0].protocols, ["v1", "v2"]);
        assert_eq!(mutants[16].name, "edge_dropped_while_pending");
        assert_eq!(mutants[16].protocols, ["v2"]);
        assert!(listed("fn main() {}").is_err());
    }

    #[test]
    fn the_last_failure_is_told() {
        let said = "seed 3 ok\nFAIL seed=4 invariant=a: x\nnote\nFAIL seed=5 invariant=b: y\nFAIL\n";
        assert_eq!(failure(said), Some("seed=5 invariant=b: y"));
        assert_eq!(failure("200 seeds held\n"), None);
    }
}
