//! `cargo xtask kotlin`: the jar, tested as an app would use it.
//!
//! - `tools`: finding Maven and a JDK, or saying what is missing.
//! - `sample`: the sample program, on the installed jar and nothing else.
//! - `elf`: whether a library suits Android devices with 16 KB pages.
//!
//! It builds the native library and the hub, puts the library where the jar takes
//! it from, lets Maven test and install the jar, and runs the sample project on it.
//! Maven compiles once, and everything it builds is below `target/kotlin`.

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
use crate::size;
use tools::Tools;

pub(crate) use elf::aligned;

/// The Maven project of the package.
const PROJECT: &str = "bindings/kotlin/pom.xml";

/// What the measuring test printed.
const COSTS: &str = "target/kotlin/build/surefire-reports/com.thegoodies.wildthing.CostsTest-output.txt";

/// Everything about Kotlin. `release` takes the library as it ships.
pub(crate) fn kotlin(cargo: &Cargo, release: bool) -> Outcome {
    let tools = Tools::find()?;
    same_version(cargo)?;
    let start = Instant::now();
    let library = native(cargo, release)?;
    let hub = cargo
        .artifacts("build --bin blowing-off", &[], "blowing-off")?
        .into_iter()
        .find(|file| file.file_stem().is_some_and(|name| name == "blowing-off"))
        .ok_or("the build left no blowing-off")?;
    say("library and hub built", start);

    let start = Instant::now();
    let mut maven = tools.maven(&cargo.path(PROJECT));
    maven.arg(format!("-Dwildthing.hub={}", hub.display()));
    if release {
        // The figures of a library that is not optimized would say nothing.
        // Nor would those of code that is being watched.
        maven.args(["-Dwildthing.costs=true", "-Djacoco.skip=true"]);
    }
    run(maven.arg("install"))?;
    say(&format!("{} tests passed", tests(cargo)?), start);
    if release {
        let costs = cargo.path(COSTS);
        let text = fs::read_to_string(&costs).map_err(|error| problem("read", &costs, &error))?;
        print!("{text}");
    }
    let jar = cargo.path(&format!("target/kotlin/build/wildthing-{VERSION}.jar"));
    println!(
        "{} ({:.2} MB), with {}",
        jar.display(),
        megabytes(&jar)?,
        library.display()
    );

    let start = Instant::now();
    sample::run(cargo, &tools, &hub)?;
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

/// Builds the library, and puts it where the jar takes it from.
fn native(cargo: &Cargo, release: bool) -> Result<PathBuf, String> {
    let built = if release {
        size::shipped(cargo)?
    } else {
        let built = cargo.artifacts(LIBRARY, &[], "wildthing")?;
        built
            .into_iter()
            .find(|file| is_cdylib(file))
            .ok_or("the build left no cdylib")?
    };
    let folder = cargo.path("target/kotlin/native");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| problem("empty", &folder, &error))?;
    }
    let library = folder
        .join(platform())
        .join(built.file_name().unwrap_or_default());
    copy(&built, &library)?;
    if cfg!(target_os = "linux") && !release {
        // A jar is unpacked at every start, and line tables are most of the library.
        run(Command::new("strip").arg("--strip-debug").arg(&library))?;
    }
    Ok(library)
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
