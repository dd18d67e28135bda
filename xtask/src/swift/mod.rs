//! `cargo xtask swift`: builds the engine and a hub, and runs the tests of the
//! Swift package against them, as an app would use it.
//!
//! - `coverage`: nothing of the layer is left uncalled.
//! - `scenarios`: the runner of the scenarios that all languages play.
//! - `snippets`: what the documentation shows is what compiles.
//! - `toolchain`: the Swift of the machine, or one of our own.
//!
//! Everything it makes is in `target/swift`. The engine has the feature `testing`,
//! so that a test can count the core's listeners and fix ids and times.

mod coverage;
mod scenarios;
mod snippets;
mod toolchain;

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::Hasher as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::Outcome;
use crate::bindings::{copy, make};
use crate::cargo::Cargo;
pub(crate) use scenarios::{can_play, play};
use toolchain::Swift;

/// The engine and the hub in one build.
const BUILD: &str = "build --package wildthing --lib --bin blowing-off --features testing";

/// The engine as apps have it, but for the profile.
const RELEASE: &str = "build --release --package wildthing --lib --no-default-features";

/// Builds, provides Swift, and runs the tests.
pub(crate) fn swift(cargo: &Cargo) -> Outcome {
    let begun = Instant::now();
    snippets::check(cargo)?;
    let swift = Swift::provide(cargo)?;
    let provided = begun.elapsed();
    let (library, hub) = engine(cargo)?;
    let built = begun.elapsed();
    test(cargo, &swift, &library, &hub)?;
    let whole = begun.elapsed();
    println!(
        "\nSwift ready after {:.1} s, engine and hub after {:.1} s, tests passed after {:.1} s",
        provided.as_secs_f64(),
        built.as_secs_f64(),
        whole.as_secs_f64()
    );
    Ok(())
}

/// The same as a part of all tests: a machine that can't have Swift is told of,
/// unless this is CI, where nothing may be left out. One that can and does not get
/// it, for whatever reason, fails.
pub(crate) fn swift_where_it_can_be(cargo: &Cargo) -> Outcome {
    match Swift::missing() {
        Some(problem) if !cargo.is_ci() => {
            println!("NOT RUN, since there is no Swift on this machine: {problem}");
            Ok(())
        }
        _ => swift(cargo),
    }
}

/// Measures what calls cost, with an engine as it ships but for the profile.
pub(crate) fn costs(cargo: &Cargo) -> Outcome {
    let swift = Swift::provide(cargo)?;
    let built = cargo.artifacts(RELEASE, &[], "wildthing")?;
    let library = alone(cargo, archive(&built)?, "release")?;
    let mut command = command(cargo, &swift, "run", "release", &library);
    command.args(["-c", "release", "costs"]);
    run(command)
}

/// The folder with the static library and nothing else, and the hub's program.
fn engine(cargo: &Cargo) -> Result<(PathBuf, PathBuf), String> {
    let built = cargo.artifacts(BUILD, &[], "wildthing")?;
    let hub = cargo
        .artifacts(BUILD, &[], "blowing-off")?
        .into_iter()
        .find(|file| file.file_stem().is_some_and(|name| name == "blowing-off"))
        .ok_or("the build left no blowing-off")?;
    Ok((alone(cargo, archive(&built)?, "test")?, hub))
}

fn archive(built: &[PathBuf]) -> Result<&Path, String> {
    let found = built
        .iter()
        .find(|file| file.extension().is_some_and(|end| end == "a"));
    found
        .map(PathBuf::as_path)
        .ok_or_else(|| "the build left no static library".to_owned())
}

/// Puts a static library into a folder of its own: beside a shared one the linker
/// would take that. And SwiftPM links anew only if its flags change, so that each
/// library has another folder.
fn alone(cargo: &Cargo, archive: &Path, kind: &str) -> Result<PathBuf, String> {
    let libraries = cargo.path("target/swift/lib").join(kind);
    let folder = libraries.join(format!("{:016x}", digest(archive)?));
    if !folder.join("libwildthing.a").is_file() {
        match fs::remove_dir_all(&libraries) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(format!("can't empty {}: {error}", libraries.display()));
            }
            _ => make(&folder)?,
        }
        copy(archive, &folder.join("libwildthing.a"))?;
    }
    Ok(folder)
}

fn digest(file: &Path) -> Result<u64, String> {
    let bytes = fs::read(file).map_err(|error| format!("can't read {}: {error}", file.display()))?;
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    Ok(hasher.finish())
}

fn test(cargo: &Cargo, swift: &Swift, library: &Path, hub: &Path) -> Outcome {
    let mut command = command(cargo, swift, "test", "test", library);
    command
        .args(["--enable-code-coverage", "-Xswiftc", "-warnings-as-errors"])
        .env("WILDTHING_HOUSE_MODEL", "1")
        .env("WILDTHING_HUB", hub)
        .env("WILDTHING_ROOT", cargo.path("."));
    if cfg!(target_os = "linux") {
        command.args(["-Xlinker", "--allow-shlib-undefined"]);
    }
    run(command)?;
    coverage::check(
        &cargo.path("target/swift/test/debug/codecov/swift-harness.json"),
        &cargo.path("bindings/swift/Sources"),
    )
}

/// `swift` with a subcommand for the harness, in a build folder of its own.
fn command(cargo: &Cargo, swift: &Swift, subcommand: &str, kind: &str, library: &Path) -> Command {
    let mut command = swift.command(cargo);
    command
        .arg(subcommand)
        .args(["--package-path", "swift-harness", "--scratch-path"])
        .arg(format!("target/swift/{kind}"))
        .arg("-Xlinker")
        .arg(format!("-L{}", library.display()))
        .env("WILDTHING_LIBRARY", "built");
    command
}

fn run(mut command: Command) -> Outcome {
    let status = command
        .status()
        .map_err(|error| format!("can't start Swift: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("Swift failed ({status})"))
    }
}
