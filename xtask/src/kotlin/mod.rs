//! `cargo xtask kotlin`: the jar, tested as an app would use it.
//!
//! - `tools`: finding Maven and a JDK, or saying what is missing.
//! - `sample`: the sample program, on the installed jar and nothing else.
//! - `conformance`: the scenarios that every language plays.
//! - `elf`: whether a library suits Android devices with 16 KB pages.
//!
//! It builds the native library and the hub, puts the library where the jar takes
//! it from, lets Maven test and install the jar, and runs the sample project on it.
//! Maven compiles once, and everything it builds is below `target/kotlin`.

mod conformance;
mod elf;
mod sample;
mod tools;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::Outcome;
use crate::bindings::{LIBRARY, copy, is_cdylib};
use crate::cargo::Cargo;
use crate::house;
use crate::size;
use tools::Tools;

pub(crate) use conformance::{can_play, play};
pub(crate) use elf::aligned;

/// The Maven project of the package.
const PROJECT: &str = "bindings/kotlin/pom.xml";

/// The engine that a test needs whose ids and times are fixed, and the hub.
const TESTING: &str = "build --package wildthing --lib --bin blowing-off --features testing";

/// What the measuring test printed.
const COSTS: &str = "target/kotlin/build/surefire-reports/com.thegoodies.wildthing.CostsTest-output.txt";

/// Everything about Kotlin. `release` takes the library as it ships.
pub(crate) fn kotlin(cargo: &Cargo, release: bool) -> Outcome {
    let tools = Tools::find()?;
    same_version(cargo)?;
    let start = Instant::now();
    let built = if release {
        size::shipped(cargo)?
    } else {
        cdylib(&cargo.artifacts(LIBRARY, &[], "wildthing")?)?
    };
    native(cargo, &built, release)?;
    let hub = house::program(&cargo.artifacts(TESTING, &[], "blowing-off")?)?;
    // Where no other build replaces it.
    let testing = cargo.path("target/kotlin/testing");
    let engine = cdylib(&cargo.artifacts(TESTING, &[], "wildthing")?)?;
    let testing = testing.join(engine.file_name().unwrap_or_default());
    copy(&engine, &testing)?;
    say("library and hub built", start);

    let start = Instant::now();
    let engine = format!("-Dwildthing.testing={}", testing.display());
    let mut options = vec![engine.as_str()];
    if release {
        options.extend(MEASURING);
    }
    install(cargo, &tools, &hub, &options)?;
    say(&format!("{} tests passed", tests(cargo)?), start);
    if release {
        show_costs(cargo)?;
    }
    sample(cargo, &tools, &hub)
}

/// The jar of a library as it ships: installed, measured and used by the sample, but
/// not tested once more.
pub(crate) fn package(cargo: &Cargo, library: &Path, hub: &Path) -> Outcome {
    let tools = Tools::find()?;
    same_version(cargo)?;
    native(cargo, library, true)?;
    let start = Instant::now();
    let options = [&MEASURING[..], &["-Dtest=CostsTest"]].concat();
    install(cargo, &tools, hub, &options)?;
    say("jar built and measured", start);
    show_costs(cargo)?;
    sample(cargo, &tools, hub)
}

/// What calls cost: the figures of a library that is not optimized would say nothing,
/// nor would those of code that is being watched.
const MEASURING: [&str; 2] = ["-Dwildthing.costs=true", "-Djacoco.skip=true"];

/// Lets Maven compile, test, pack and install.
fn install(cargo: &Cargo, tools: &Tools, hub: &Path, options: &[&str]) -> Outcome {
    let mut maven = tools.maven(&cargo.path(PROJECT));
    maven.arg(format!("-Dwildthing.hub={}", hub.display()));
    run(maven.args(options).arg("install"))?;
    let jar = cargo.path(&format!("target/kotlin/build/wildthing-{VERSION}.jar"));
    println!("{} ({:.2} MB)", jar.display(), megabytes(&jar)?);
    Ok(())
}

fn show_costs(cargo: &Cargo) -> Outcome {
    let costs = cargo.path(COSTS);
    let text = fs::read_to_string(&costs).map_err(|error| problem("read", &costs, &error))?;
    print!("{text}");
    Ok(())
}

fn sample(cargo: &Cargo, tools: &Tools, hub: &Path) -> Outcome {
    let start = Instant::now();
    sample::run(cargo, tools, hub)?;
    say("the sample follows a house on the installed jar", start);
    Ok(())
}

/// As a part of `cargo xtask test`: where there is no Maven and no JDK, and this
/// is not CI, it is said that nothing was tested.
pub(crate) fn where_possible(cargo: &Cargo) -> Outcome {
    match Tools::find() {
        Err(missing) if !cargo.is_ci() => {
            println!("NOT RUN: {missing}");
            Ok(())
        }
        _ => kotlin(cargo, false),
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The jar has the version of the workspace.
fn same_version(cargo: &Cargo) -> Outcome {
    for (project, line) in [
        (PROJECT, format!("<version>{VERSION}</version>")),
        (
            sample::PROJECT,
            format!("<wildthing.version>{VERSION}</wildthing.version>"),
        ),
    ] {
        let path = cargo.path(project);
        let text = fs::read_to_string(&path).map_err(|error| problem("read", &path, &error))?;
        if !text.contains(&line) {
            return Err(format!("{project} does not say {line}, which is the workspace's"));
        }
    }
    Ok(())
}

fn cdylib(built: &[PathBuf]) -> Result<PathBuf, String> {
    let found = built.iter().find(|file| is_cdylib(file));
    found
        .cloned()
        .ok_or_else(|| "the build left no cdylib".to_owned())
}

/// Puts a library where the jar takes it from.
fn native(cargo: &Cargo, built: &Path, release: bool) -> Outcome {
    let folder = cargo.path("target/kotlin/native");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| problem("empty", &folder, &error))?;
    }
    let library = folder
        .join(platform())
        .join(built.file_name().unwrap_or_default());
    copy(built, &library)?;
    if cfg!(target_os = "linux") && !release {
        // A jar is unpacked at every start, and line tables are most of the library.
        run(Command::new("strip").arg("--strip-debug").arg(&library))?;
    }
    Ok(())
}

/// JNA's name of the platform that this runs on: the library's folder in the jar.
fn platform() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "x86-64",
        other => other,
    };
    format!("{system}-{processor}")
}

/// How many tests Surefire reports; none is a failure.
fn tests(cargo: &Cargo) -> Result<u32, String> {
    let folder = cargo.path("target/kotlin/build/surefire-reports");
    let entries = fs::read_dir(&folder).map_err(|error| problem("read", &folder, &error))?;
    let mut count = 0;
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|end| end == "xml") {
            let text = fs::read_to_string(&path).map_err(|error| problem("read", &path, &error))?;
            count += attribute(&text, "tests").unwrap_or(0) - attribute(&text, "skipped").unwrap_or(0);
        }
    }
    if count == 0 {
        Err(format!("no test was run, says {}", folder.display()))
    } else {
        Ok(count)
    }
}

/// A number among the attributes of the report's `testsuite`.
fn attribute(report: &str, name: &str) -> Option<u32> {
    let (_, suite) = report.split_once("<testsuite ")?;
    let (_, value) = suite.split_once(&format!(" {name}=\""))?;
    value.split('"').next()?.parse().ok()
}

/// Runs a tool and shows what it says.
fn run(command: &mut Command) -> Outcome {
    let tool = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .map_err(|error| format!("can't start {tool}: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{tool} failed ({status})"))
    }
}

fn say(what: &str, start: Instant) {
    println!("{:7.1} s  {what}", start.elapsed().as_secs_f64());
}

fn megabytes(file: &Path) -> Result<f64, String> {
    let data = fs::metadata(file).map_err(|error| problem("read", file, &error))?;
    Ok(data.len() as f64 / 1e6)
}

fn problem(what: &str, path: &Path, error: &std::io::Error) -> String {
    format!("can't {what} {}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::attribute;

    #[test]
    fn the_suite_is_counted_not_its_cases() {
        let report = "<?xml?>\n<testsuite xmlns=\"x\" name=\"A\" time=\"0.1\" tests=\"12\" skipped=\"2\">\
                      <testcase tests=\"99\"/></testsuite>";
        assert_eq!(attribute(report, "tests"), Some(12));
        assert_eq!(attribute(report, "skipped"), Some(2));
        assert_eq!(attribute("<nothing/>", "tests"), None);
    }
}
