//! What `cargo xtask test` and `cargo xtask ci` consist of.

use std::time::{Duration, Instant};

use crate::Outcome;
use crate::bindings;
use crate::cargo::Cargo;
use crate::cipher::cipher;
use crate::conformance;
use crate::deny::deny;
use crate::kotlin;
use crate::packages::packages;
use crate::python;
use crate::schedules::schedules;
use crate::simulate::{self, Run};
use crate::smoke::smoke;
use crate::swift;

type Stage = fn(&Cargo) -> Outcome;

/// What `test` consists of. A package for another language that this machine has no
/// tools for is told and passed over; in CI it must run.
const SECTIONS: &[(&str, Stage)] = &[
    ("Tests inside the library, the programs and xtask", |cargo| {
        rust_tests(cargo, "--lib --bins")
    }),
    // A simulated fleet is one of them, and runs a few seeds here.
    ("Integration tests", |cargo| rust_tests(cargo, "--test *")),
    ("What threads share, under chosen schedules", |cargo| {
        schedules(cargo, None)
    }),
    ("Examples in the documentation", |cargo| {
        rust_tests(cargo, "--doc")
    }),
    ("The package for Swift", swift::swift_where_it_can_be),
    ("The package for Kotlin", kotlin::where_possible),
    ("The package for Python", python::where_possible),
];

/// Every test of the workspace, and of the packages for other languages. All sections
/// run, so that one run shows all that fails.
pub(crate) fn test(cargo: &Cargo) -> Outcome {
    let mut lines = Vec::new();
    let mut failed = Vec::new();
    for (section, run) in SECTIONS {
        cargo.heading(section);
        let start = Instant::now();
        let ran = run(cargo);
        lines.push(line(section, &ran, start.elapsed()));
        if let Err(problem) = ran {
            println!("{problem}");
            failed.push(*section);
        }
    }
    println!("\n{}", lines.join("\n"));
    if failed.is_empty() {
        println!("\nAll tests passed.");
        Ok(())
    } else {
        Err(format!("failed: {}", failed.join("; ")))
    }
}

fn rust_tests(cargo: &Cargo, targets: &str) -> Outcome {
    let words = format!("test --workspace --features testing --no-fail-fast {targets}");
    cargo.run(&words, &[], &[])
}

/// How many seeds of the simulated fleet a change has to pass, of each protocol.
const SEEDS: [(&str, u64); 2] = [("v1", 2_500), ("v2", 2_500)];

const STAGES: &[(&str, Stage)] = &[
    ("fmt", fmt),
    ("clippy", clippy),
    ("docs", docs),
    ("deny", deny),
    ("bindings", bindings::check),
    ("test", test),
    ("packages", packages),
    ("smoke", smoke),
    ("faults", faults),
    ("cipher", cipher),
    ("simulate", simulation),
    ("mutants", mutants),
    ("conformance", scenarios),
    ("demo", demo),
];

/// Runs the named stages, or all, up to the first that fails, and says what each took.
pub(crate) fn ci(cargo: &Cargo, names: &[String]) -> Outcome {
    if let Some(unknown) = names
        .iter()
        .find(|name| STAGES.iter().all(|(stage, _)| stage != name))
    {
        let known: Vec<&str> = STAGES.iter().map(|(name, _)| *name).collect();
        return Err(format!(
            "there is no stage {unknown:?}; known: {}",
            known.join(" ")
        ));
    }
    let mut lines = Vec::new();
    let mut failure = None;
    for (name, stage) in STAGES {
        if !names.is_empty() && names.iter().all(|wanted| wanted != name) {
            continue;
        }
        cargo.heading(&format!("stage {name}"));
        let start = Instant::now();
        let ran = stage(cargo);
        lines.push(line(name, &ran, start.elapsed()));
        if let Err(problem) = ran {
            failure = Some(format!("stage {name}: {problem}"));
            break;
        }
    }
    println!("\n{}", lines.join("\n"));
    failure.map_or(Ok(()), Err)
}

fn line(name: &str, ran: &Outcome, took: Duration) -> String {
    let word = if ran.is_ok() { "passed" } else { "FAILED" };
    format!("{name:<48} {:>7.1} s  {word}", took.as_secs_f64())
}

fn fmt(cargo: &Cargo) -> Outcome {
    cargo.require("fmt", "rustfmt")?;
    cargo.run("fmt --all --check", &[], &[])
}

fn clippy(cargo: &Cargo) -> Outcome {
    cargo.require("clippy", "clippy")?;
    let deny = ["-D".to_owned(), "warnings".to_owned()];
    cargo.run("clippy --workspace --all-targets --features testing", &deny, &[])?;
    // What ships has neither feature; what only they use must not be missed there.
    cargo.run(
        "clippy --package wildthing --lib --no-default-features",
        &deny,
        &[],
    )
}

fn docs(cargo: &Cargo) -> Outcome {
    cargo.run("doc --no-deps --lib", &[], &[("RUSTDOCFLAGS", "-D warnings")])
}

/// What can go wrong below a client and between it and its hub, at every call and
/// at very many bytes. Each test keeps both processors of a small machine busy.
pub(crate) fn faults(cargo: &Cargo) -> Outcome {
    let words = ["--nocapture", "--test-threads", "1"].map(str::to_owned);
    for (heading, test, every) in [
        (
            "Failing disks, kills and power cuts",
            "disk_faults",
            ("DISK_FAULTS_EVERY", "1"),
        ),
        (
            "Cut, hanging, spoilt and slow connections",
            "wire_faults",
            ("WIRE_FAULTS_EVERY", "11"),
        ),
    ] {
        cargo.heading(heading);
        cargo.run(
            &format!("test --features testing --test {test}"),
            &words,
            &[every],
        )?;
    }
    Ok(())
}

/// All languages first: what differs there is not worth looking for bugs with.
fn scenarios(cargo: &Cargo) -> Outcome {
    for mutants in [false, true] {
        let wanted = conformance::Wanted {
            emit: None,
            mutants,
            languages: Vec::new(),
        };
        conformance::conformance(cargo, &wanted)?;
    }
    Ok(())
}

fn simulation(cargo: &Cargo) -> Outcome {
    for (protocol, seeds) in SEEDS {
        let run = Run {
            protocol: Some(protocol.to_owned()),
            seeds: Some(seeds),
            ..Run::default()
        };
        simulate::fleet(cargo, &run)?;
    }
    Ok(())
}

fn mutants(cargo: &Cargo) -> Outcome {
    simulate::mutants(cargo, &Run::default())
}

fn demo(cargo: &Cargo) -> Outcome {
    cargo.run("run --release --bin blowing-off", &["demo".to_owned()], &[])
}
