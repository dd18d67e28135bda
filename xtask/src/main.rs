//! The project's chores: `cargo xtask --help`. Needs nothing but Rust.
//!
//! - `args`: reading the command line.
//! - `bench`: the budgets, measured.
//! - `cargo`: running cargo from the workspace's root, loudly in CI, quietly elsewhere.
//! - `stages`: what `test` and `ci` consist of.
//! - `simulate`: the simulated fleet, whole and with deliberate bugs.

mod args;
mod bench;
mod cargo;
mod simulate;
mod stages;

use std::process::ExitCode;

use args::Args;
use cargo::Cargo;

/// What a chore comes to: nothing to say, or why it failed.
type Outcome = Result<(), String>;

const HELP: &str = "\
The chores of WildThing

Usage: cargo xtask <COMMAND>

Commands:
  test                   every test of the workspace
  ci [STAGE…]            what a change has to pass, all of it or only these stages:
                         fmt clippy docs test simulate mutants demo
  simulate               the simulated fleet: clients, a hub and faults on virtual time
      --seeds <N>        how many seeds [default: 200]
      --seed <S>         the first seed, as a failure names it
      --mutants          then once more with each deliberate bug, which it must catch
  bench [GROUP…]         every budget, measured beside hand-written programs
      --quick            small sizes and few rounds
      --json             rows as JSON
  help                   this text

CI=1 shows every command and all of its output.
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("xtask: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome {
    let mut args = Args::from_env()?;
    let cargo = Cargo::from_env()?;
    match args.command().as_deref() {
        Some("test") => {
            args.finish()?;
            stages::test(&cargo)
        }
        Some("ci") => stages::ci(&cargo, &args.rest()?),
        Some("simulate") => {
            let run = simulate::Run {
                seeds: args.number("--seeds")?.unwrap_or(simulate::DEFAULT_SEEDS),
                seed: args.number("--seed")?,
            };
            let mutants = args.flag("--mutants");
            args.finish()?;
            simulate::fleet(&cargo, run)?;
            if mutants {
                simulate::mutants(&cargo, run)
            } else {
                Ok(())
            }
        }
        Some("bench") => bench::run(&cargo, &args.all()),
        Some("help" | "--help" | "-h") => {
            print!("{HELP}");
            Ok(())
        }
        Some(other) => Err(format!("there is no command {other:?}\n\n{HELP}")),
        None => Err(format!("a command is missing\n\n{HELP}")),
    }
}
