//! A soak: one process does everything that an app does with its clients, very
//! often and many things at once, and must hold no more of the machine at the end
//! than soon after the beginning. In the end nothing that was written is lost.
//!
//! `cargo test --release --features testing --test soak -- [--operations N] [--seed S]`
//!
//! Two houses, one on a hub of each protocol, the hubs in processes of their own.
//! `house` holds a house's clients, `worker` does things to them from a seed and
//! knows what its room must look like, `mix` says how often it does what, `gauge`
//! reads what the processes hold, twenty times, and judges it; `heap` counts memory. Faults are injected
//! elsewhere: `fleet`, `disk_faults`, `wire_faults`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../cli_support/mod.rs"]
mod cli_support;
mod ending;
mod gauge;
mod heap;
mod house;
mod mix;
mod subscribing;
mod worker;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use wildthing::protocol::Protocol;

use gauge::{Gauge, STAGES};
use house::House;
use mix::Tally;
use worker::Worker;

/// How many threads work on each house.
const WORKERS: usize = 8;
/// What an ordinary test run does.
const FEW: u64 = 6_400;

struct Args {
    operations: u64,
    seed: u64,
}

fn args() -> Result<Args, String> {
    let mut args = Args {
        operations: FEW,
        seed: 1,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || {
            let number = words.next().and_then(|text| text.parse().ok());
            number.ok_or(format!("{word} needs a number"))
        };
        match word.as_str() {
            "--operations" => args.operations = number()?,
            "--seed" => args.seed = number()?,
            // What `cargo test` may pass to every harness.
            "--nocapture" | "--quiet" | "-q" => {}
            _ => {
                return Err(format!(
                    "unknown argument {word}; known: --operations N, --seed S"
                ));
            }
        }
    }
    Ok(args)
}

fn main() -> ExitCode {
    if !cfg!(target_os = "linux") {
        println!("not run: what a process holds is read from /proc here");
        return ExitCode::SUCCESS;
    }
    if let Some(code) = with_few_arenas() {
        return code;
    }
    let args = match args() {
        Ok(args) => args,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    let problems = soak(&args);
    for problem in &problems {
        println!("FAIL {problem}");
    }
    if problems.is_empty() {
        println!("nothing grew, and nothing is lost");
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs this program again, unless it was, with an allocator that keeps two heaps:
/// glibc's keeps sixteen on a machine of two processors, a thread takes any of them,
/// and each stays as large as it once was. What is freed there would hide what is not.
/// Nor does it keep what each thread freed for that thread, which it counts as held.
fn with_few_arenas() -> Option<ExitCode> {
    const ARENAS: &str = "MALLOC_ARENA_MAX";
    if std::env::var_os(ARENAS).is_some() {
        return None;
    }
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    let status = again
        .args(std::env::args_os().skip(1))
        .env(ARENAS, "2")
        .env("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0")
        .status();
    Some(match status.unwrap().success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn soak(args: &Args) -> Vec<String> {
    // For timers and for the futures of the callers; each client has threads of its own.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let houses: Vec<Arc<House>> = [Protocol::V1, Protocol::V2]
        .into_iter()
        .map(|protocol| Arc::new(runtime.block_on(House::new(protocol))))
        .collect();
    let mut workers: Vec<Worker> = Vec::new();
    for house in &houses {
        for number in 0..WORKERS {
            let seed = args.seed.wrapping_mul(1_000_003) + workers.len() as u64;
            workers.push(runtime.block_on(Worker::new(Arc::clone(house), number, seed)));
        }
    }
    let crowd = workers.len() as u64;
    let each = args.operations.div_ceil(STAGES * crowd);
    let all = each * STAGES * crowd;
    println!(
        "{all} operations on {} houses by {crowd} threads, seed {}",
        houses.len(),
        args.seed
    );

    let mut gauge = Gauge::new(all);
    let begun = Instant::now();
    for stage in 1..=STAGES {
        let started = Instant::now();
        // Plain threads that block, as callers from other languages are.
        std::thread::scope(|scope| {
            for worker in &mut workers {
                let handle = runtime.handle();
                scope.spawn(move || handle.block_on(worker.work(each)));
            }
        });
        let rate = (each * crowd) as f64 / started.elapsed().as_secs_f64();
        for house in &houses {
            runtime.block_on(house.start_over());
        }
        gauge.read(stage, rate, &runtime, &houses);
    }
    let seconds = begun.elapsed().as_secs_f64();

    let mut tally = Tally::default();
    workers.iter().for_each(|worker| tally.add(&worker.tally));
    tally.print();
    println!(
        "{all} operations in {seconds:.0} s, {:.0} a second",
        all as f64 / seconds
    );
    let mut problems = gauge.judge();
    problems.extend(tally.never_done(all));
    for house in &houses {
        let theirs: Vec<&Worker> = workers
            .iter()
            .filter(|worker| Arc::ptr_eq(&worker.house, house))
            .collect();
        problems.extend(runtime.block_on(ending::check(house, &theirs)));
    }
    problems
}
