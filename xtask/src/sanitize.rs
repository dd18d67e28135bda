//! `cargo xtask sanitize`: the library and SQLite in it built so that every access to
//! memory that is not theirs ends the process, then called from Python and by tests in
//! Rust. Of this the bindings are the reason: behind them is all the code of the
//! library in which the compiler can't check who owns what.
//!
//! The thread sanitizer is left out: it wants a standard library that is built with it,
//! and so the sources of that. With the one that comes with the compiler it does not see
//! a lock being taken by who had to wait for it, and takes whatever that lock guards for
//! a race: 3,830 reports in two of the tests below, too many to look behind. Races are
//! looked for by `schedules`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Outcome;
use crate::bindings::is_cdylib;
use crate::cargo::{Cargo, files};
use crate::{bindings, house, nightly, smoke};

/// Where what is built with it goes: nothing else is built so.
const TARGET: &str = "target/sanitize";
/// The library, as it is called from other languages.
const LIBRARY: &str =
    "build --package wildthing --lib --no-default-features --message-format=json-render-diagnostics";
/// Clients whose calls, observers and syncs begin and end in every order.
const TESTS: &str = "test --features testing --test observing --test lifecycle --test client_and_hub";
/// What reads how much memory the process has: the sanitizer keeps what is given back.
const MEASURES: [&str; 2] = ["--skip", "opening_and_closing_for_ever_leaves_nothing_behind"];

/// Runs everything that is built with the address sanitizer.
pub(crate) fn sanitize(cargo: &Cargo) -> Outcome {
    let tools = nightly::missing(None).map_or_else(Tools::find, Err);
    let tools = match tools {
        Ok(tools) => tools,
        Err(reason) => return nightly::not_run(cargo, "sanitize", reason),
    };
    cargo.heading("Every method, called from Python under the address sanitizer");
    let generated = bindings::generate(cargo)?;
    let library = tools.library(cargo)?;
    smoke::call(
        cargo,
        &generated,
        &library,
        &house::hub(cargo)?,
        &tools.for_python(),
    )?;
    cargo.heading("Tests in Rust under the address sanitizer, which also looks for leaks");
    let mut command = tools.cargo(cargo, TESTS);
    command.arg("--").args(MEASURES);
    command.env("ASAN_OPTIONS", "detect_stack_use_after_return=1");
    nightly::succeed(&mut command, &format!("cargo {TESTS}"))
}

/// What it takes.
struct Tools {
    /// The target that is built for. To name it keeps build scripts out of it.
    host: String,
    /// The sanitizer, for programs that are not built with it.
    runtime: PathBuf,
}

impl Tools {
    fn find() -> Result<Self, String> {
        if !cfg!(target_os = "linux") {
            return Err("it is set up for Linux alone".to_owned());
        }
        let text = |program: &str, words: &[&str]| {
            let output = Command::new(program).args(words).output();
            let output = output.map_err(|error| format!("can't start {program}: {error}"))?;
            Ok::<_, String>(String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let version = text("rustup", &["run", "nightly", "rustc", "-vV"])?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let runtime = PathBuf::from(text("gcc", &["-print-file-name=libasan.so"])?.trim());
        if !runtime.is_absolute() {
            return Err("GCC has no libasan here (its package is called libasan or libgcc-dev)".to_owned());
        }
        Ok(Self {
            host: host.ok_or("the nightly rustc does not name its host")?.to_owned(),
            runtime,
        })
    }

    /// The nightly cargo, set up so that Rust and C are built with the sanitizer.
    fn cargo(&self, cargo: &Cargo, words: &str) -> Command {
        let mut command = nightly::command(cargo, "cargo");
        let c_flags = format!("CFLAGS_{}", self.host.replace('-', "_"));
        command
            .args(words.split(' '))
            .args(["--locked", "--target", &self.host, "--target-dir"])
            .arg(cargo.path(TARGET))
            .env("RUSTFLAGS", "-Zsanitizer=address -Cforce-frame-pointers=yes")
            .env("CC", "gcc")
            .env(c_flags, "-fsanitize=address -fno-omit-frame-pointer");
        command
    }

    /// Builds the library, and gives where it is.
    fn library(&self, cargo: &Cargo) -> Result<PathBuf, String> {
        let mut command = self.cargo(cargo, LIBRARY);
        let output = command
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("can't start rustup: {error}"))?;
        if !output.status.success() {
            return Err(format!("cargo {LIBRARY} failed ({})", output.status));
        }
        files(&String::from_utf8_lossy(&output.stdout), "wildthing")
            .into_iter()
            .find(|file| is_cdylib(file))
            .ok_or_else(|| "the build left no cdylib".to_owned())
    }

    /// What a Python that knows nothing of the sanitizer is started with.
    fn for_python(&self) -> Vec<(&str, &Path)> {
        vec![
            ("LD_PRELOAD", &self.runtime),
            // Python itself gives nothing back when it ends.
            (
                "ASAN_OPTIONS",
                Path::new("detect_leaks=0:detect_stack_use_after_return=1"),
            ),
            // What Python hands over has bounds of its own then.
            ("PYTHONMALLOC", Path::new("malloc")),
        ]
    }
}
