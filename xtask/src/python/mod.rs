//! `cargo xtask python`: the wheel, built, installed where there is no Rust, and tested
//! against real hubs. The stage `python` of `ci` and a section of `test` do the same.
//!
//! Two virtual environments below `target/python`: `tools`, kept between runs, has what
//! builds and checks; `fresh`, made anew by each run, has the wheel and pytest. What comes
//! from the package index is fetched once.
//!
//! - `scenarios`: the runner of the scenarios that all languages play.

mod scenarios;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::bindings::{files, is_cdylib, make};
use crate::cargo::Cargo;
use crate::house;

pub(crate) use scenarios::{can_play, play};

/// What builds and checks, and what tests: of known versions, so that a new one of theirs
/// fails nothing here.
const TOOLS: &[&str] = &["maturin==1.16.0", "mypy==2.4.1", "pyright[nodejs]==1.1.414"];
const TESTING: &[&str] = &["pytest==9.2.0"];
const PYTEST: [&str; 5] = ["-m", "pytest", "--quiet", "-p", "no:cacheprovider"];

/// The oldest Python that the package takes.
const OLDEST: (u32, u32) = (3, 11);

/// How the wheel is built, and what is done with it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted {
    /// What ships, not the development build: takes minutes more.
    pub(crate) release: bool,
    /// Run the tests with the Python of the Debian 13 root, too.
    pub(crate) debian13: bool,
}

/// Builds, installs, checks and tests.
pub(crate) fn python(cargo: &Cargo, wanted: Wanted) -> Outcome {
    let python = prepare(cargo)?;
    test(cargo, &python, wanted)
}

/// What `cargo xtask test` does: the same, where it can be done. In CI it must be.
pub(crate) fn where_possible(cargo: &Cargo) -> Outcome {
    match prepare(cargo) {
        Ok(python) => test(cargo, &python, Wanted::default()),
        Err(problem) if cargo.is_ci() => Err(problem),
        Err(problem) => {
            println!("NOT RUN: {problem}");
            Ok(())
        }
    }
}

/// Finds Python and the tools, and gives the Python to use. What fails here says only that
/// this machine can't test the package.
fn prepare(cargo: &Cargo) -> Result<OsString, String> {
    let python = interpreter()?;
    let folder = cargo.path("target/python");
    make(&folder)?;
    let (tools, packages) = (folder.join("tools"), folder.join("packages"));
    let wanted = [TOOLS, TESTING].concat().join("\n");
    let versions = packages.join("versions");
    if fs::read_to_string(versions).ok().as_ref() != Some(&wanted) {
        if packages.exists() {
            fs::remove_dir_all(&packages)
                .map_err(|error| format!("can't empty {}: {error}", packages.display()))?;
        }
        environment(&python, &tools)?;
        pip(&tools, &["install"], TOOLS)?;
        // Last, and in one go: that it is there says that all is.
        let fetched = folder.join("packages.new");
        pip(
            &tools,
            &["download", "--dest", &fetched.to_string_lossy()],
            TESTING,
        )?;
        fs::write(fetched.join("versions"), wanted)
            .and_then(|()| fs::rename(&fetched, &packages))
            .map_err(|error| format!("can't make {}: {error}", packages.display()))?;
    }
    Ok(python)
}

fn test(cargo: &Cargo, python: &OsString, wanted: Wanted) -> Outcome {
    let folder = cargo.path("target/python");
    let tools = folder.join("tools");
    let wheel = wheel(cargo, &tools, &folder, wanted.release)?;
    println!("{}: {} bytes", file_name(&wheel), size_of(&wheel)?);

    let fresh = install(python, &folder, &wheel)?;
    let hub = house::hub(cargo)?;
    check_types(cargo, &tools, &fresh)?;
    pytest(cargo, &fresh, &hub, &[])?;
    if wanted.debian13 {
        in_debian13(cargo, &fresh, &wheel, &hub)?;
    }
    Ok(())
}

/// The wheel that ships, and the library in it, which is also any other package's.
pub(crate) struct Shipped {
    python: OsString,
    pub(crate) wheel: PathBuf,
    pub(crate) library: PathBuf,
}

/// Builds the wheel that ships.
pub(crate) fn shipped(cargo: &Cargo) -> Result<Shipped, String> {
    let python = prepare(cargo)?;
    let folder = cargo.path("target/python");
    let wheel = wheel(cargo, &folder.join("tools"), &folder, true)?;
    let unpacked = folder.join("unpacked");
    if unpacked.exists() {
        fs::remove_dir_all(&unpacked)
            .map_err(|error| format!("can't empty {}: {error}", unpacked.display()))?;
    }
    run(Command::new(&python)
        .args(["-m", "zipfile", "--extract"])
        .args([&wheel, &unpacked]))?;
    let library = files(&unpacked)?
        .into_iter()
        .find(|file| is_cdylib(file))
        .map(|file| unpacked.join(file))
        .ok_or_else(|| format!("{} has no library in it", wheel.display()))?;
    Ok(Shipped {
        python,
        wheel,
        library,
    })
}

/// Uses the wheel that ships where there is no Rust: the example that the project was
/// promised with, and the sample. Then measures what calls cost.
pub(crate) fn package(cargo: &Cargo, shipped: &Shipped, hub: &Path) -> Outcome {
    let folder = cargo.path("target/python");
    let fresh = install(&shipped.python, &folder, &shipped.wheel)?;
    pytest(cargo, &fresh, hub, &["tests/test_seed.py"])?;
    let interpreter = || {
        let mut python = Command::new(fresh.join("bin/python"));
        python.env("PATH", fresh.join("bin")).arg("-u");
        python
    };
    house::followed(hub, &folder.join("sample"), |url, folder| {
        let mut python = interpreter();
        python
            .arg(cargo.path("bindings/python/samples/follow.py"))
            .arg(url)
            .arg(folder.join("house.db"))
            .env("BLOWING_OFF_AUTH_TOKEN", house::TOKEN);
        python
    })?;
    println!("the sample follows a house on the installed wheel");
    run(interpreter().arg(cargo.path("bindings/python/benches/calls.py")))
}

/// The virtual environment that users of the wheel have: it, and pytest.
fn install(python: &OsString, folder: &Path, wheel: &Path) -> Result<PathBuf, String> {
    let fresh = folder.join("fresh");
    environment(python, &fresh)?;
    let packages = folder.join("packages");
    let offline = [
        "install",
        "--no-index",
        "--find-links",
        &packages.to_string_lossy(),
    ];
    pip(&fresh, &offline, &[&wheel.to_string_lossy()])?;
    pip(&fresh, &offline, TESTING)?;
    Ok(fresh)
}

/// The Python to use: `PYTHON`, or the `python3` on the path.
fn interpreter() -> Result<OsString, String> {
    let python = env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let ask = "import sys; print(*sys.version_info[:2])";
    let said = output(Command::new(&python).args(["-c", ask]))
        .map_err(|problem| format!("{problem}; install Python 3.11 or newer, or set PYTHON"))?;
    let mut parts = said
        .split_whitespace()
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if version < OLDEST {
        return Err(format!(
            "{} is Python {}.{}; the package needs {}.{} or newer (PYTHON names another)",
            python.to_string_lossy(),
            version.0,
            version.1,
            OLDEST.0,
            OLDEST.1
        ));
    }
    Ok(python)
}

/// Whether Python can make environments with pip in them, which Debian packs apart.
fn has_venv(python: &OsString) -> Outcome {
    output(Command::new(python).args(["-c", "import ensurepip, venv"]))
        .map(|_| ())
        .map_err(|_| "Python's venv is missing; apt-get install python3-venv".to_owned())
}

/// Makes a virtual environment; one that is there is made anew.
fn environment(python: &OsString, folder: &Path) -> Outcome {
    if has_venv(python).is_err() {
        // Root may install it; others are told to.
        let _ = Command::new("apt-get")
            .args(["install", "-qy", "python3-venv"])
            .status();
        has_venv(python)?;
    }
    run(Command::new(python).args(["-m", "venv", "--clear"]).arg(folder))
}

fn pip(environment: &Path, words: &[&str], packages: &[&str]) -> Outcome {
    run(Command::new(environment.join("bin/python"))
        .args(["-m", "pip", "--quiet", "--disable-pip-version-check"])
        .args(words)
        .args(packages))
}

/// The wheel, alone in its folder.
fn wheel(cargo: &Cargo, tools: &Path, folder: &Path, release: bool) -> Result<PathBuf, String> {
    let out = folder.join("wheel");
    if out.exists() {
        fs::remove_dir_all(&out).map_err(|error| format!("can't empty {}: {error}", out.display()))?;
    }
    let mut maturin = Command::new(tools.join("bin/maturin"));
    // It finds pyproject.toml where it runs, and the generated module through the PATH.
    let package = cargo.path("bindings/python");
    let path = env::var_os("PATH").unwrap_or_default();
    let path = [package.join("bindgen")]
        .into_iter()
        .chain(env::split_paths(&path));
    let path = env::join_paths(path).map_err(|error| format!("PATH can't be used: {error}"))?;
    maturin.env("PATH", path).current_dir(package);
    maturin.arg("build").arg("--out").arg(&out);
    if release {
        maturin.args(["--profile", "dist", "--strip", "true"]);
    } else {
        // As built, for this machine alone.
        maturin.args(["--profile", "dev", "--strip", "false", "--compatibility", "linux"]);
    }
    // Build scripts that watch what cargo told us about xtask would run again.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            maturin.env_remove(&name);
        }
    }
    run(&mut maturin)?;
    let wheels = fs::read_dir(&out).map_err(|error| format!("maturin left no wheel: {error}"))?;
    let mut wheels = wheels.flatten().map(|entry| entry.path());
    wheels
        .find(|file| file.extension().is_some_and(|end| end == "whl"))
        .ok_or_else(|| "maturin left no wheel".to_owned())
}

/// mypy and pyright on the installed package, the sample, and the tests.
fn check_types(cargo: &Cargo, tools: &Path, fresh: &Path) -> Outcome {
    let python = fresh.join("bin/python");
    let checker = |tool: &str| {
        let mut command = Command::new(tools.join("bin").join(tool));
        command.current_dir(cargo.path("bindings/python"));
        command
    };
    for what in [
        &["--package", "blowing_off"][..],
        &["samples", "tests", "conformance"],
    ] {
        let mut mypy = checker("mypy");
        mypy.args(["--strict", "--cache-dir"])
            .arg(cargo.path("target/python/mypy"));
        run(mypy.arg("--python-executable").arg(&python).args(what))?;
    }
    run(checker("pyright").arg("--pythonpath").arg(&python).arg("samples"))
}

/// The tests, all or some, with no Rust to be found.
fn pytest(cargo: &Cargo, fresh: &Path, hub: &Path, which: &[&str]) -> Outcome {
    run(Command::new(fresh.join("bin/python"))
        .current_dir(cargo.path("bindings/python"))
        .args(PYTEST)
        .args(which)
        .env("PATH", fresh.join("bin"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("BLOWING_OFF", hub))
}

/// The same wheel and tests with Python 3.13, in the Debian 13 root that `cargo xtask
/// swift` makes.
fn in_debian13(cargo: &Cargo, fresh: &Path, wheel: &Path, hub: &Path) -> Outcome {
    let root = match (env::var_os("SWIFT_ENV_ROOT"), env::var_os("HOME")) {
        (Some(root), _) => PathBuf::from(root),
        (None, Some(home)) => PathBuf::from(home).join(".cache/swift-env/trixie"),
        (None, None) => return Err("neither SWIFT_ENV_ROOT nor HOME is set".to_owned()),
    };
    if !root.join("usr/bin/python3.13").exists() {
        return Err(format!(
            "{} has no Python 3.13: `cargo xtask swift` makes a Debian 13 there, and \
             `chroot {} apt-get install -y python3` adds Python",
            root.display(),
            root.display()
        ));
    }
    // Filled from here, since that root knows no package index.
    let site = cargo.path("target/python/trixie");
    if site.exists() {
        fs::remove_dir_all(&site).map_err(|error| format!("can't empty {}: {error}", site.display()))?;
    }
    let packages = cargo.path("target/python/packages");
    let (packages, target) = (packages.to_string_lossy(), site.to_string_lossy());
    let for_it = [
        "--only-binary=:all:",
        "--python-version",
        "3.13",
        "--target",
        &target,
    ];
    let offline = ["install", "--no-index", "--find-links", &packages];
    let words = [&offline[..], &for_it].concat();
    let wheel = wheel.to_string_lossy();
    pip(fresh, &words, &[&[&*wheel], TESTING].concat())?;
    let top = cargo.path("");
    run(Command::new("bwrap")
        .arg("--bind")
        .arg(&root)
        .args([
            "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--bind",
        ])
        .arg(&top)
        .arg(&top)
        .args([
            "--unshare-pid",
            "--die-with-parent",
            "--clearenv",
            "--setenv",
            "PATH",
            "/usr/bin",
        ])
        .args([
            "--setenv",
            "LANG",
            "C.UTF-8",
            "--setenv",
            "PYTHONDONTWRITEBYTECODE",
            "1",
        ])
        .arg("--setenv")
        .arg("PYTHONPATH")
        .arg(&site)
        .arg("--setenv")
        .arg("BLOWING_OFF")
        .arg(hub)
        .arg("--chdir")
        .arg(cargo.path("bindings/python"))
        .arg("python3.13")
        .args(PYTEST))
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn size_of(file: &Path) -> Result<u64, String> {
    fs::metadata(file)
        .map(|about| about.len())
        .map_err(|error| format!("can't read {}: {error}", file.display()))
}

fn run(command: &mut Command) -> Outcome {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .map_err(|error| format!("can't start {program}: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
        Err(format!("{program} {} failed ({status})", words.join(" ")))
    }
}

fn output(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("can't start {program}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{program} failed ({})", output.status))
    }
}
