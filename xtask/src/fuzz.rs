//! Fuzzing: every target of the package `fuzz` under libFuzzer for a while.
//!
//! It starts from the inputs in `fuzz/corpus`, which stay as they are; what goes
//! further is put into `target/fuzz`. Replaying the corpora is a test of `fuzz`, and
//! wants neither a nightly compiler nor cargo-fuzz as this does.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::Outcome;
use crate::cargo::Cargo;
use crate::nightly;

/// What it takes beside a nightly compiler.
const FUZZER: (&str, &str) = (
    "cargo fuzz --version",
    "cargo-fuzz is not installed (`cargo install --locked cargo-fuzz`)",
);
/// For how long each target is fuzzed unless asked otherwise.
const SECONDS: u64 = 60;
/// An input that takes longer hangs, also on a machine that has much else to do.
const MOST_SECONDS_OF_ONE: u64 = 120;
/// How much of what libFuzzer said is shown when a promise was broken.
const LAST_LINES: usize = 60;

/// What to fuzz.
pub(crate) struct Wanted {
    /// Every target, if none is named.
    pub(crate) targets: Vec<String>,
    /// For how long, each.
    pub(crate) seconds: Option<u64>,
}

/// Fuzzes one target after the other and tells how far each got.
pub(crate) fn fuzz(cargo: &Cargo, wanted: Wanted) -> Outcome {
    let known = targets(cargo)?;
    let targets = match wanted.targets {
        named if named.is_empty() => known.clone(),
        named => named,
    };
    if let Some(unknown) = targets.iter().find(|target| !known.contains(target)) {
        return Err(format!(
            "there is no target {unknown:?}; known: {}",
            known.join(" ")
        ));
    }
    if let Some(reason) = nightly::missing(Some(FUZZER)) {
        return nightly::not_run(cargo, "fuzz", reason);
    }
    let seconds = wanted.seconds.unwrap_or(SECONDS);
    cargo.heading("Building with libFuzzer");
    for target in &targets {
        let words = format!("cargo fuzz build --features libfuzzer {target}");
        nightly::succeed(&mut nightly::command(cargo, &words), &words)?;
    }
    cargo.heading(&format!("Fuzzing {} targets for {seconds} s each", targets.len()));
    println!(
        "{:<14} {:>12} {:>8} {:>10} {:>10}",
        "target", "executions", "a second", "coverage", "new inputs"
    );
    let mut broken = Vec::new();
    for target in targets {
        let ran = run(cargo, &target, seconds)?;
        println!("{}", ran.line(&target));
        if !ran.well {
            println!("{}", ran.said);
            broken.push(target);
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    let folders: Vec<String> = broken
        .iter()
        .map(|target| format!("fuzz/artifacts/{target}"))
        .collect();
    Err(format!(
        "promises were broken, by what is in {}",
        folders.join(" ")
    ))
}

/// The names of all targets.
fn targets(cargo: &Cargo) -> Result<Vec<String>, String> {
    let folder = cargo.path("fuzz/fuzz_targets");
    let files = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let stem = |file: fs::DirEntry| Some(file.path().file_stem()?.to_str()?.to_owned());
    let mut names: Vec<String> = files.flatten().filter_map(stem).collect();
    names.sort();
    Ok(names)
}

fn run(cargo: &Cargo, target: &str, seconds: u64) -> Result<Ran, String> {
    let (found, corpus) = (format!("target/fuzz/{target}"), format!("fuzz/corpus/{target}"));
    fs::create_dir_all(cargo.path(&found)).map_err(|error| format!("{found}: {error}"))?;
    let words = format!(
        "cargo fuzz run --features libfuzzer {target} {found} {corpus} -- -dict=fuzz/words.dict \
         -max_total_time={seconds} -timeout={MOST_SECONDS_OF_ONE} -print_final_stats=1"
    );
    let mut command = nightly::command(cargo, &words);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let failed = |error: std::io::Error| format!("{target}: {error}");
    let mut child = command.spawn().map_err(failed)?;
    let mut lines = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).split(b'\n') {
            lines.push(String::from_utf8_lossy(&line.map_err(failed)?).into_owned());
        }
    }
    let status = child.wait().map_err(failed)?;
    Ok(Ran::of(&lines, status.success()))
}

/// What came of fuzzing a target.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ran {
    well: bool,
    executions: u64,
    a_second: u64,
    coverage: u64,
    new_inputs: u64,
    /// The end of what was said.
    said: String,
}

impl Ran {
    /// Reads what libFuzzer says: `#1024 NEW cov: 731 ft: …` as it goes, and
    /// `stat::…: 12` at the end.
    fn of(lines: &[String], well: bool) -> Self {
        let after = |name: &str| {
            let last = lines.iter().rev().find_map(|line| line.split_once(name));
            last.and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok())
                .unwrap_or(0)
        };
        let from = lines.len().saturating_sub(LAST_LINES);
        Self {
            well,
            executions: after("stat::number_of_executed_units:"),
            a_second: after("stat::average_exec_per_sec:"),
            coverage: after(" cov: "),
            new_inputs: after("stat::new_units_added:"),
            said: lines[from..].join("\n"),
        }
    }

    fn line(&self, target: &str) -> String {
        let Self {
            executions,
            a_second,
            coverage,
            new_inputs,
            ..
        } = self;
        let word = if self.well { "" } else { "  BROKEN" };
        format!("{target:<14} {executions:>12} {a_second:>8} {coverage:>10} {new_inputs:>10}{word}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_says_is_read() {
        let said = "INFO: seed corpus: files: 2\n#3\tINITED cov: 700 ft: 701 corp: 2/9b\n\
                    #1024\tNEW    cov: 731 ft: 800 corp: 3/12b exec/s: 512\n\
                    stat::number_of_executed_units: 2048\nstat::average_exec_per_sec:     1024\n\
                    stat::new_units_added:          17";
        let lines: Vec<String> = said.lines().map(str::to_owned).collect();
        let ran = Ran::of(&lines, true);
        assert_eq!(
            (ran.executions, ran.a_second, ran.coverage, ran.new_inputs),
            (2048, 1024, 731, 17)
        );
        assert_eq!(Ran::of(&[], false), Ran::default());
    }
}
