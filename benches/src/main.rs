//! `cargo xtask bench`: every budget, measured.
//!
//! Each row sets the engine beside a hand-written program that does the same
//! work, in one run and in turns, since machines are noisy: a ratio is always of
//! medians of one run. A row over its budget is no failure here; tests check,
//! benchmarks measure.
//!
//! One idea a file: `first_sync`, `apply`, `no_change`, `write`, `growth`,
//! `memory`, `cli`, `events`, `calls`, `search` and `size` are the rows; where a row exists
//! for houses of both protocols, the group `graph_…` has the same file, except
//! for `graph_no_change`, whose questions are others. `plain` and `plain_graph`
//! are the hand-written replicas they are held against; `client` wraps the
//! engine's API, `engine` what lies below it; `hub`, `graph_hub` and `memory` have
//! programs of their own, which this one starts again as; `measure` is clocks and
//! medians, `report` the table.

mod apply;
mod calls;
mod cli;
mod client;
mod engine;
mod events;
mod first_sync;
mod graph_hub;
mod graph_no_change;
mod growth;
mod hub;
mod measure;
mod memory;
mod no_change;
mod plain;
mod plain_graph;
mod report;
mod search;
mod size;
mod write;

use std::path::PathBuf;
use std::process::ExitCode;

use report::Report;

/// What a part of this program comes to.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const HELP: &str = "\
Usage: cargo xtask bench [--json] [--quick] [GROUP…]

  --json     rows as JSON instead of a table
  --quick    small sizes and few rounds: whether it runs, not how fast it is
  GROUP      only these: first_sync apply no_change write growth memory cli events calls search size
             graph_first_sync graph_apply graph_no_change graph_write graph_growth graph_memory
";

/// What every group of rows gets.
struct Bench {
    /// Small sizes, few rounds.
    quick: bool,
    /// For calls of the engine's API.
    runtime: tokio::runtime::Runtime,
    /// Made for this run and removed after it.
    folder: PathBuf,
    hubs: hub::Hubs,
    report: Report,
}

impl Bench {
    /// A size or a count: the one asked for, or the one of a quick run.
    fn pick(&self, full: usize, quick: usize) -> usize {
        if self.quick { quick } else { full }
    }

    /// A new path in the folder of this run.
    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // In the system's folder for such things: left over, it does no harm.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

type Group = fn(&mut Bench) -> Outcome;

const GROUPS: &[(&str, Group)] = &[
    ("first_sync", first_sync::run),
    ("apply", apply::run),
    ("no_change", no_change::run),
    ("write", write::run),
    ("growth", growth::run),
    ("memory", memory::run),
    ("cli", cli::run),
    ("events", events::run),
    ("calls", calls::run),
    ("search", search::run),
    ("size", size::run),
    ("graph_first_sync", first_sync::run_graph),
    ("graph_apply", apply::run_graph),
    ("graph_no_change", graph_no_change::run),
    ("graph_write", write::run_graph),
    ("graph_growth", growth::run_graph),
    ("graph_memory", memory::run_graph),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let ran = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [hub::ROLE, protocol, size] => hub::serve(protocol, size),
        [memory::ROLE, url, path] => memory::sync_and_tell(url, path.as_ref()),
        ["--help"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => bench(&words),
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn bench(words: &[String]) -> Outcome {
    let (options, names): (Vec<&String>, Vec<&String>) = words.iter().partition(|word| word.starts_with('-'));
    let json = options.iter().any(|word| *word == "--json");
    let unknown = options
        .iter()
        .find(|word| !["--json", "--quick"].contains(&word.as_str()))
        .or_else(|| {
            names
                .iter()
                .find(|name| GROUPS.iter().all(|(known, _)| known != *name))
        });
    if let Some(word) = unknown {
        return Err(format!("what is {word:?}?\n\n{HELP}").into());
    }
    let mut bench = Bench {
        quick: options.iter().any(|word| *word == "--quick"),
        runtime: tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?,
        folder: std::env::temp_dir().join(format!("wildthing-bench-{}", std::process::id())),
        hubs: hub::Hubs::default(),
        report: Report::default(),
    };
    std::fs::create_dir_all(&bench.folder)?;
    for (name, run) in GROUPS {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            let start = std::time::Instant::now();
            run(&mut bench).map_err(|problem| format!("{name}: {problem}"))?;
            eprintln!("{name}: measured in {:.1} s", start.elapsed().as_secs_f64());
        }
    }
    if json {
        println!("{}", bench.report.json());
    } else {
        print!("{}", bench.report.table());
    }
    Ok(())
}
