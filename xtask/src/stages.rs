//! What `cargo xtask test` and `cargo xtask ci` consist of.

use std::time::{Duration, Instant};

use crate::Outcome;
use crate::cargo::Cargo;
use crate::simulate::{self, Run};

/// Every test of the workspace. All sections run, so that one run shows all that fails.
pub(crate) fn test(cargo: &Cargo) -> Outcome {
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
        println!("\nAll tests passed.");
        Ok(())
    } else {
        Err(format!("failed: {}", failed.join("; ")))
    }
}

/// What became of a stage.
enum Ran {
    Passed,
    /// There is nothing to run it on.
    Skipped(String),
}

type Stage = fn(&Cargo) -> Result<Ran, String>;

const STAGES: &[(&str, Stage)] = &[
    ("fmt", fmt),
    ("clippy", clippy),
    ("docs", docs),
    ("test", |cargo| test(cargo).map(|()| Ran::Passed)),
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

fn line(name: &str, ran: &Result<Ran, String>, took: Duration) -> String {
    let (word, reason) = match ran {
        Ok(Ran::Passed) => ("passed", String::new()),
        Ok(Ran::Skipped(why)) => ("SKIPPED", format!(": {why}")),
        Err(_) => ("FAILED", String::new()),
    };
    format!("{name:<10} {:>7.1} s  {word}{reason}", took.as_secs_f64())
}

fn fmt(cargo: &Cargo) -> Result<Ran, String> {
    cargo.require("fmt", "rustfmt")?;
    cargo.run("fmt --all --check", &[], &[])?;
    Ok(Ran::Passed)
}

fn clippy(cargo: &Cargo) -> Result<Ran, String> {
    cargo.require("clippy", "clippy")?;
    let deny = ["-D".to_owned(), "warnings".to_owned()];
    cargo.run("clippy --workspace --all-targets --features testing", &deny, &[])?;
    // What ships has neither feature; what only they use must not be missed there.
    cargo.run(
        "clippy --package wildthing --lib --no-default-features",
        &deny,
        &[],
    )?;
    Ok(Ran::Passed)
}

fn docs(cargo: &Cargo) -> Result<Ran, String> {
    cargo.run("doc --no-deps --lib", &[], &[("RUSTDOCFLAGS", "-D warnings")])?;
    Ok(Ran::Passed)
}

fn simulation(cargo: &Cargo) -> Result<Ran, String> {
    if let Some(why) = simulate::missing(cargo) {
        return Ok(Ran::Skipped(why));
    }
    simulate::fleet(cargo, Run::default())?;
    Ok(Ran::Passed)
}

fn mutants(cargo: &Cargo) -> Result<Ran, String> {
    if let Some(why) = simulate::missing(cargo) {
        return Ok(Ran::Skipped(why));
    }
    simulate::mutants(cargo, Run::default())?;
    Ok(Ran::Passed)
}

fn demo(cargo: &Cargo) -> Result<Ran, String> {
    let source = "src/bin/blowing-off/commands/demo.rs";
    if !cargo.path(source).is_file() {
        return Ok(Ran::Skipped(format!("there is no {source} yet")));
    }
    cargo.run("run --release --bin blowing-off", &["demo".to_owned()], &[])?;
    Ok(Ran::Passed)
}
