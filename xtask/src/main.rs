//! The project's chores: `cargo xtask --help`. Needs nothing but Rust.
//!
//! - `args`: reading the command line.
//! - `bench`: the budgets, measured.
//! - `bindings`: the sources for Swift, Kotlin and Python, and `docs/api.md`.
//! - `cargo`: running cargo from the workspace's root, loudly in CI, quietly elsewhere.
//! - `cipher`: encryption at rest, the one build that has it.
//! - `conformance`: one set of scenarios, played in every language.
//! - `deny`: licences and sources of what the project is made of.
//! - `fuzz`: every fuzz target for a while.
//! - `house`: a hub with a house, and a sample program that follows it.
//! - `kotlin`: the jar, tested, and the sample that uses it.
//! - `load`: many clients, and a hub that is killed under them.
//! - `nightly`: the toolchain that fuzzing and sanitizers want.
//! - `packages`: the jar and the wheel as they ship.
//! - `python`: the wheel, built, installed and tested.
//! - `sanitize`: the library called from Python, and memory watched.
//! - `schedules`: what many threads share, under every schedule that chance finds.
//! - `size`: what ships, how big it is, and what it exports.
//! - `smoke`: every exported method, called from Python.
//! - `soak`: everything an app does, a million times.
//! - `stages`: what `test` and `ci` consist of.
//! - `simulate`: the simulated fleet, whole and with deliberate bugs.
//! - `swift`: the Swift package, tested as an app uses it.
//! - `xcframework`: the engine for Apple's platforms.

mod args;
mod bench;
mod bindings;
mod cargo;
mod cipher;
mod conformance;
mod deny;
mod fuzz;
mod house;
mod kotlin;
mod load;
mod nightly;
mod packages;
mod python;
mod sanitize;
mod schedules;
mod simulate;
mod size;
mod smoke;
mod soak;
mod stages;
mod swift;
mod xcframework;

use std::process::ExitCode;

use args::Args;
use cargo::Cargo;

/// What a chore comes to: nothing to say, or why it failed.
type Outcome = Result<(), String>;

const HELP: &str = "\
The chores of WildThing

Usage: cargo xtask <COMMAND>

Commands:
  test                   every test of the workspace and of the packages for other languages
  ci [STAGE…]            what a change has to pass, all of it or only these stages:
                         fmt clippy docs deny bindings test packages smoke faults
                         cipher simulate mutants conformance demo
  bindings               writes bindings/*/generated and docs/api.md
      --check            only tells whether they are what the library says
      --testing          of a library with the stage, into target/conformance/bindings
  size                   builds what ships, measures it, and checks what it exports
      --json             one JSON object a line
  kotlin                 builds, tests and installs the jar, and runs the sample on it
      --release          with the library as it ships; also measures what calls cost
  aligned FILE…          whether libraries suit Android devices with 16 KB pages
  smoke                  calls every exported method from Python, against a real hub
  sanitize               the same with address sanitizer in the library, and tests in Rust
                         that begin and end in every order; wants a nightly compiler
  faults                 failing disks, kills and power cuts at every call of a write, a
                         pull, a settlement, a migration and the making of a replica;
                         connections cut, hanging and spoilt all through a sync
  fuzz [TARGET…]         looks for bytes that break a promise of the package `fuzz`, in all
                         its targets or these; wants cargo-fuzz and a nightly compiler
      --seconds <N>      for how long in each [default: 60]
  python                 builds the Python package, installs it where there is no Rust,
                         checks its types and runs its tests against real hubs
      --release          the wheel that ships, not a development build
      --debian13         then once more with Python 3.13, in the root of `xtask swift`
  packages               the jar and the wheel as they ship, of one optimized library: builds
                         and measures them, and uses each where there is no Rust
  swift                  runs the tests of the Swift package, and gets Swift if need be
      --costs            measures what calls cost instead, built for release
  xcframework            the engine for Apple's platforms; needs a Mac with Xcode
  conformance [LANG…]    plays the scenarios of tests/conformance in every language that
                         has a runner, or in Rust and these, and compares the transcripts
      --emit <DIR>       keeps the transcripts there
      --mutants          instead: which scenario notices which deliberate bug; fails if
                         one is not noticed
  simulate               the simulated fleet: clients, a hub and faults on virtual time
      --protocol <P>     what the hubs speak, v1 or v2 [default: both]
      --seeds <N>        how many seeds of each protocol [default: 200]
      --seed <S>         the first seed, as a failure names it
      --keep-going       a seed that fails does not end the run
      --schedule <FILE>  instead: what a failure was made short to
      --mutants          then once more with each deliberate bug, which it must catch
  load                   the hub under load: clients that edit and sync while it is killed
                         and started again; all must be alike and nothing lost in the end
      --clients <N>      how many [default: 200]
      --seconds <N>      for how long [default: 600]
      --protocol <P>     what the hub speaks, v1 or v2 [default: both, one after the other]
      --pause <MS>       what a client waits after a sync, on average [default: 3000]
      --seed <S>         when the hub is killed and what is edited [default: 1]
  schedules              the broadcaster and the gate of the syncs under thousands of schedules
      --schedules <N>    how many of each kind for each test [default: 2000]
  soak                   everything an app does with its clients, very often: nothing that
                         the process holds may grow, and nothing be lost
      --operations <N>   how many [default: 1000000]
      --seed <S>         what it does
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
        Some("bindings") => {
            let (check, testing) = (args.flag("--check"), args.flag("--testing"));
            args.finish()?;
            if testing {
                bindings::testing(&cargo).map(|_| ())
            } else if check {
                bindings::check(&cargo)
            } else {
                bindings::write(&cargo)
            }
        }
        Some("size") => {
            let json = args.flag("--json");
            args.finish()?;
            size::size(&cargo, json)
        }
        Some("kotlin") => {
            let release = args.flag("--release");
            args.finish()?;
            kotlin::kotlin(&cargo, release)
        }
        Some("aligned") => kotlin::aligned(&args.rest()?),
        Some("smoke") => {
            args.finish()?;
            smoke::smoke(&cargo)
        }
        Some("sanitize") => {
            args.finish()?;
            sanitize::sanitize(&cargo)
        }
        Some("faults") => {
            args.finish()?;
            stages::faults(&cargo)
        }
        Some("fuzz") => {
            let seconds = args.number("--seconds")?;
            let targets = args.rest()?;
            fuzz::fuzz(&cargo, fuzz::Wanted { targets, seconds })
        }
        Some("python") => {
            let wanted = python::Wanted {
                release: args.flag("--release"),
                debian13: args.flag("--debian13"),
            };
            args.finish()?;
            python::python(&cargo, wanted)
        }
        Some("packages") => {
            args.finish()?;
            packages::packages(&cargo)
        }
        Some("swift") => {
            let costs = args.flag("--costs");
            args.finish()?;
            if costs {
                swift::costs(&cargo)
            } else {
                swift::swift(&cargo)
            }
        }
        Some("xcframework") => {
            args.finish()?;
            xcframework::xcframework(&cargo)
        }
        Some("conformance") => {
            let wanted = conformance::Wanted {
                emit: args.word("--emit")?,
                mutants: args.flag("--mutants"),
                languages: args.rest()?,
            };
            conformance::conformance(&cargo, &wanted)
        }
        Some("simulate") => {
            let run = simulate::Run {
                protocol: args.word("--protocol")?,
                seeds: args.number("--seeds")?,
                seed: args.number("--seed")?,
                keep_going: args.flag("--keep-going"),
                schedule: args.word("--schedule")?,
            };
            let mutants = args.flag("--mutants");
            args.finish()?;
            simulate::fleet(&cargo, &run)?;
            if mutants {
                simulate::mutants(&cargo, &run)
            } else {
                Ok(())
            }
        }
        Some("load") => {
            let wanted = load::Load {
                clients: args.number("--clients")?,
                seconds: args.number("--seconds")?,
                protocol: args.word("--protocol")?,
                seed: args.number("--seed")?,
                pause: args.number("--pause")?,
            };
            args.finish()?;
            load::load(&cargo, &wanted)
        }
        Some("schedules") => {
            let each = args.number("--schedules")?;
            args.finish()?;
            schedules::schedules(&cargo, each)
        }
        Some("soak") => {
            let (operations, seed) = (args.number("--operations")?, args.number("--seed")?);
            args.finish()?;
            soak::soak(&cargo, operations, seed)
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
