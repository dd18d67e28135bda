//! The simulated fleet: some clients and a hub on virtual time, with everything
//! that can go wrong going wrong, from a seed.
//!
//! `cargo test --features testing --test fleet -- [--protocol v1|v2] --seeds N --seed S [--verbose] [--mutants]`,
//! and `-- --schedule FILE` for one that was made short.
//!
//! The store, the planner, its executor and the hub's core are the ones that
//! ship; machines, network and time are simulated. `world` chooses what happens
//! next, `driver`, `network`, `edits` and `foreign` do it, `model` is the oracle,
//! `checks` and `ending` hold the promises and `coverage` says which situations a long run must
//! have seen. A seed that breaks a promise is made a short `schedule` of; those of bugs that
//! are mended are in the folder `schedules`, and every run begins with them. The `hub` speaks v1 or v2: what is only so where the house is a
//! graph is in the files named after that. The same seed gives the same run, to the byte.

// A test binary has no outside for which `pub` could be too much.
#![allow(unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod checks;
mod client;
mod clock;
mod coverage;
mod driver;
mod edits;
mod ending;
mod foreign;
mod graph_checks;
mod graph_door;
mod graph_edits;
mod graph_foreign;
mod graph_model;
mod hub;
mod life;
mod model;
mod network;
mod plain_door;
mod rng;
mod schedule;
mod shrink;
mod sightings;
#[path = "../support/unescaped.rs"]
mod unescaped;
mod world;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use wildthing::mutant::Mutant;
use wildthing::protocol::Protocol;

use coverage::{Coverage, FULL_COVERAGE_SEEDS};
use life::Telling;
use model::Violation;
use schedule::Step;

/// Schedules that broke a promise once.
const MENDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fleet/schedules");

struct Args {
    /// Worlds of these protocols take turns.
    protocols: Vec<Protocol>,
    /// How many of each.
    seeds: u64,
    first: u64,
    verbose: bool,
    /// Whether a seed that fails does not end the run.
    keep_going: bool,
    /// Whether the fleet has each deliberate bug in turn.
    mutants: bool,
    /// Whether a schedule of what catches one is made short.
    shrink: bool,
    /// A schedule to take instead of seeds.
    schedule: Option<PathBuf>,
}

impl Args {
    fn telling(&self) -> Telling {
        if self.verbose {
            Telling::Aloud
        } else {
            Telling::Nothing
        }
    }
}

fn args() -> Result<Args, String> {
    let mut args = Args {
        protocols: vec![Protocol::V1, Protocol::V2],
        seeds: 100,
        first: 0,
        verbose: false,
        keep_going: false,
        mutants: false,
        shrink: false,
        schedule: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--protocol" {
            let known = words.next().and_then(|word| Protocol::parse(&word));
            let known = known.filter(|protocol| *protocol != Protocol::Auto);
            args.protocols = vec![known.ok_or("--protocol needs v1 or v2")?];
            continue;
        }
        if word == "--schedule" {
            args.schedule = Some(words.next().ok_or("--schedule needs a file")?.into());
            continue;
        }
        let mut number = || {
            words
                .next()
                .and_then(|text| text.parse().ok())
                .ok_or(format!("{word} needs a number"))
        };
        match word.as_str() {
            "--seeds" => args.seeds = number()?,
            "--seed" => args.first = number()?,
            "--verbose" => args.verbose = true,
            "--keep-going" => args.keep_going = true,
            "--mutants" => args.mutants = true,
            "--shrink" => args.shrink = true,
            // What `cargo test` may pass to every harness.
            "--nocapture" | "--quiet" | "-q" => {}
            _ => {
                return Err(format!(
                    "unknown argument {word}; known: --protocol v1|v2, --seeds N, --seed S, --verbose, --keep-going, --mutants, --shrink, --schedule FILE"
                ));
            }
        }
    }
    Ok(args)
}

/// A seed that broke a promise, and what was done until then.
struct Failure {
    seed: u64,
    protocol: Protocol,
    violation: Violation,
    taken: Vec<Step>,
}

impl Failure {
    fn print(&self) {
        println!(
            "FAIL seed={} protocol={} invariant={}: {}",
            self.seed,
            self.protocol.as_str(),
            self.violation.invariant,
            self.violation.message
        );
    }

    /// Makes a short schedule of it.
    fn print_shortened(self, name: &str) {
        let steps = self.taken.len();
        match life::shortened(
            name,
            self.protocol,
            self.seed,
            self.taken,
            self.violation.invariant,
        ) {
            Ok(Some((path, left))) => {
                println!("     made short, {left} of {steps} steps: {}", path.display());
            }
            Ok(None) => println!("     the steps alone don't break it again"),
            Err(error) => println!("     a schedule can't be written: {error}"),
        }
    }
}

/// What came of many worlds.
struct Run {
    done: u64,
    seconds: f64,
    /// One a protocol.
    covers: Vec<Coverage>,
    failures: Vec<Failure>,
}

/// Worlds of `protocols`, by turns, until one fails (or not, if the run keeps going).
fn simulate(args: &Args, protocols: &[Protocol]) -> Run {
    let started = std::time::Instant::now();
    let all = args.seeds * protocols.len() as u64;
    let next = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let total: Mutex<Vec<Coverage>> = Mutex::new(vec![Coverage::default(); protocols.len()]);
    let failures: Mutex<Vec<Failure>> = Mutex::default();
    let threads = if all > 1 {
        std::thread::available_parallelism().map_or(1, |count| count.get())
    } else {
        1
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= all {
                        break;
                    }
                    let turn = (number % protocols.len() as u64) as usize;
                    let seed = args.first + number / protocols.len() as u64;
                    let protocol = protocols[turn];
                    let life = life::try_seed(protocol, seed, args.telling());
                    total.lock().unwrap()[turn].add(&life.cover);
                    if let Err(violation) = life.outcome {
                        failures.lock().unwrap().push(Failure {
                            seed,
                            protocol,
                            violation,
                            taken: life.taken,
                        });
                        stop.store(!args.keep_going, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort_by_key(|failure| failure.seed);
    Run {
        done: next.load(Ordering::Relaxed).min(all),
        seconds: started.elapsed().as_secs_f64(),
        covers: total.into_inner().unwrap(),
        failures,
    }
}

/// What a schedule comes to, said.
fn takes(path: &Path, telling: Telling) -> bool {
    let outcome = life::read(path).and_then(|schedule| life::replay(&schedule, telling).outcome);
    if let Err(violation) = &outcome {
        let name = path.display();
        println!(
            "FAIL {name} invariant={}: {}",
            violation.invariant, violation.message
        );
    }
    outcome.is_ok()
}

/// The schedules that broke a promise once must not break one again.
fn run_mended() -> bool {
    let found = std::fs::read_dir(MENDED).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = found.map(|entry| entry.path()).collect();
    paths.sort();
    println!("{} schedules of bugs that are mended", paths.len());
    let held = paths.iter().filter(|path| takes(path, Telling::Nothing)).count();
    held == paths.len()
}

/// The fleet as it is: every promise must be kept.
fn run_healthy(args: &Args) -> ExitCode {
    if !run_mended() {
        return ExitCode::FAILURE;
    }
    let run = simulate(args, &args.protocols);
    if run.failures.is_empty() {
        for (protocol, cover) in args.protocols.iter().zip(&run.covers) {
            println!("protocol {}", protocol.as_str());
            cover.print(*protocol);
        }
    }
    println!(
        "{} seeds in {:.1} s, {:.0} a second",
        run.done,
        run.seconds,
        run.done as f64 / run.seconds.max(0.001)
    );
    let failed = !run.failures.is_empty();
    for failure in run.failures {
        failure.print();
        failure.print_shortened("broken");
    }
    if failed {
        return ExitCode::FAILURE;
    }
    for (protocol, cover) in args.protocols.iter().zip(&run.covers) {
        let missing = cover.missing(*protocol);
        if args.seeds >= FULL_COVERAGE_SEEDS && !missing.is_empty() {
            println!(
                "FAIL protocol={} invariant=coverage: never reached: {}",
                protocol.as_str(),
                missing.join("; ")
            );
            return ExitCode::FAILURE;
        }
    }
    println!("every promise was kept");
    ExitCode::SUCCESS
}

/// The fleet with each deliberate bug in turn: some promise must be seen broken, in
/// the worlds of each protocol that it is a bug of.
fn run_mutants(args: &Args) -> ExitCode {
    // A panic is a broken promise like any other, and is told below.
    std::panic::set_hook(Box::new(|_| ()));
    let mut escaped = 0;
    for (mutant, name, of_v1, of_v2) in Mutant::ALL {
        mutant.activate();
        for protocol in &args.protocols {
            let concerned = match protocol {
                Protocol::V2 => *of_v2,
                _ => *of_v1,
            };
            if !concerned {
                continue;
            }
            let run = simulate(args, &[*protocol]);
            let protocol = protocol.as_str();
            match run.failures.into_iter().next() {
                Some(failure) => {
                    println!(
                        "{name:<30} {protocol} caught   seed={} invariant={}: {}",
                        failure.seed, failure.violation.invariant, failure.violation.message
                    );
                    if args.shrink {
                        failure.print_shortened(name);
                    }
                }
                None => {
                    escaped += 1;
                    println!("{name:<30} {protocol} ESCAPED  {} seeds passed", run.done);
                }
            }
        }
    }
    if escaped > 0 {
        println!("FAIL {escaped} not caught");
        return ExitCode::FAILURE;
    }
    println!("all {} deliberate bugs were caught", Mutant::ALL.len());
    ExitCode::SUCCESS
}

fn main() -> ExitCode {
    match args() {
        Ok(args) if args.mutants => run_mutants(&args),
        Ok(Args {
            schedule: Some(path),
            verbose,
            ..
        }) => {
            let telling = if verbose { Telling::Aloud } else { Telling::Nothing };
            match takes(&path, telling) {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            }
        }
        Ok(args) => run_healthy(&args),
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(2)
        }
    }
}
