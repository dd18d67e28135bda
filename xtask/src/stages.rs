//! What `cargo xtask test` and `cargo xtask ci` consist of.

use std::time::{Duration, Instant};

use crate::Outcome;
use crate::bindings;
use crate::cargo::Cargo;
use crate::simulate::{self, Run};
use crate::smoke::smoke;
use crate::swift;

/// Every test there is. All sections run, so that one run shows all that fails.
pub(crate) fn test(cargo: &Cargo) -> Outcome {
    let rust = rust_tests(cargo);
    cargo.heading("Swift");
    let swift = swift::swift_where_it_can_be(cargo);
    let failed: Vec<String> = [rust, swift].into_iter().filter_map(Result::err).collect();
    if failed.is_empty() {
        println!("\nAll tests passed.");
        Ok(())
    } else {
        Err(failed.join("\n"))
    }
}

/// Those in Rust.
fn rust_tests(cargo: &Cargo) -> Outcome {
    let mut failed = Vec::new();
    // A simulated fleet is one of the integration tests, and runs a few seeds here.
    for (section, targets) in [
        ("Tests inside the library, the programs and xtask", "--lib --bins"),
        ("Integration tests", "--test *"),
        ("Examples in the documentation", "--doc"),
    ] {
        cargo.heading(section);
        let words = format!("test --workspace --features testing --no-fail-fast {targets}");
        if let Err(problem) = cargo.run(&words, &[], &[]) {
            println!("{problem}");
            failed.push(section);
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("failed: {}", failed.join("; ")))
    }
}

type Stage = fn(&Cargo) -> Outcome;

/// How many seeds of the simulated fleet a change has to pass, of each protocol.
const SEEDS: [(&str, u64); 2] = [("v1", 2_000), ("v2", 1_000)];

const STAGES: &[(&str, Stage)] = &[
    ("fmt", fmt),
    ("clippy", clippy),
    ("docs", docs),
    ("bindings", bindings::check),
    ("test", rust_tests),
    ("smoke", smoke),
    ("swift", swift::swift),
    ("simulate", simulation),
    ("mutants", mutants),
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
    format!("{name:<10} {:>7.1} s  {word}", took.as_secs_f64())
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

fn simulation(cargo: &Cargo) -> Outcome {
    for (protocol, seeds) in SEEDS {
        let run = Run {
            protocol: Some(protocol.to_owned()),
            seeds: Some(seeds),
            seed: None,
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
