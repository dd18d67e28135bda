//! The simulated fleet: some clients and a hub on virtual time, with everything
//! that can go wrong going wrong, from a seed.
//!
//! `cargo test --features testing --test fleet -- --seeds N --seed S [--verbose]`
//!
//! The store, the planner, its executor and the hub's core are the ones that
//! ship; machines, network and time are simulated. `world` chooses what happens
//! next, `driver`, `network`, `edits` and `foreign` do it, `model` is the oracle,
//! `checks` and `ending` hold the promises and `coverage` says which situations a long run must
//! have seen. The same seed gives the same run, to the byte.

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
mod model;
mod network;
mod rng;
mod sightings;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use coverage::{Coverage, FULL_COVERAGE_SEEDS};
use model::Violation;
use world::World;

/// Every so many seeds, one is run twice and the runs are compared.
const REPEAT_EVERY: u64 = 20;

struct Args {
    seeds: u64,
    first: u64,
    verbose: bool,
}

fn args() -> Result<Args, String> {
    let mut args = Args {
        seeds: 200,
        first: 0,
        verbose: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
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
            // What `cargo test` may pass to every harness.
            "--nocapture" | "--quiet" | "-q" => {}
            _ => {
                return Err(format!(
                    "unknown argument {word}; known: --seeds N, --seed S, --verbose"
                ));
            }
        }
    }
    Ok(args)
}

/// One world from its beginning to its end.
fn live(seed: u64, verbose: bool) -> (Result<u64, Violation>, Coverage) {
    let mut cover = Coverage::default();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(seed, verbose)?;
        let trace = world.run();
        let counted = world.count_kept();
        cover = std::mem::take(&mut world.cover);
        trace.and_then(|trace| counted.map(|()| trace))
    }));
    let outcome = outcome.unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_default();
        Err(Violation {
            invariant: "nothing panics",
            message,
        })
    });
    (outcome, cover)
}

fn try_seed(seed: u64, verbose: bool) -> (Result<(), Violation>, Coverage) {
    let (outcome, cover) = live(seed, verbose);
    let outcome = outcome.and_then(|trace| {
        if seed.is_multiple_of(REPEAT_EVERY) && live(seed, false).0.ok() != Some(trace) {
            return model::broken("the same seed gives the same run", "two runs differ");
        }
        Ok(())
    });
    (outcome, cover)
}

fn main() -> ExitCode {
    let args = match args() {
        Ok(args) => args,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    let started = std::time::Instant::now();
    let next = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let total = Mutex::new(Coverage::default());
    let failures: Mutex<Vec<(u64, Violation)>> = Mutex::default();
    let threads = if args.seeds > 1 {
        std::thread::available_parallelism().map_or(1, |count| count.get())
    } else {
        1
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut cover = Coverage::default();
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= args.seeds {
                        break;
                    }
                    let seed = args.first + number;
                    let (outcome, seen) = try_seed(seed, args.verbose);
                    cover.add(&seen);
                    if let Err(violation) = outcome {
                        failures.lock().unwrap().push((seed, violation));
                        stop.store(true, Ordering::Relaxed);
                    }
                }
                total.lock().unwrap().add(&cover);
            });
        }
    });
    let cover = total.into_inner().unwrap();
    let mut failures = failures.into_inner().unwrap();
    failures.sort_by_key(|(seed, _)| *seed);
    if failures.is_empty() || args.verbose {
        cover.print();
    }
    let seconds = started.elapsed().as_secs_f64();
    let done = next.load(Ordering::Relaxed).min(args.seeds);
    println!(
        "{done} seeds in {seconds:.1} s, {:.0} a second",
        done as f64 / seconds.max(0.001)
    );
    for (seed, violation) in &failures {
        println!(
            "FAIL seed={seed} invariant={}: {}",
            violation.invariant, violation.message
        );
    }
    if !failures.is_empty() {
        return ExitCode::FAILURE;
    }
    let missing = cover.missing();
    if args.seeds >= FULL_COVERAGE_SEEDS && !missing.is_empty() {
        println!("FAIL invariant=coverage: never reached: {}", missing.join("; "));
        return ExitCode::FAILURE;
    }
    println!("every promise was kept");
    ExitCode::SUCCESS
}
