//! The nightly toolchain, for what the stable one does not offer: fuzzing and
//! sanitizers. Nothing is installed here; what is missing is said.

use std::process::{Command, Stdio};

use crate::Outcome;
use crate::cargo::{Cargo, forget_own_package};

/// Why the nightly toolchain, or what `also` asks of it, can't be had here: words such
/// as `cargo fuzz --version`, and what to install where they fail.
pub(crate) fn missing(also: Option<(&str, &str)>) -> Option<String> {
    let works = |words: &str| {
        let mut command = Command::new("rustup");
        command
            .args(words.split(' '))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !works("--version") {
        return Some("rustup is not installed (rustup.rs)".to_owned());
    }
    if !works("run nightly rustc --version") {
        return Some("there is no nightly compiler (`rustup toolchain install nightly`)".to_owned());
    }
    let (words, advice) = also?;
    (!works(&format!("run nightly {words}"))).then(|| advice.to_owned())
}

/// A command of the nightly toolchain, in the workspace's root.
pub(crate) fn command(cargo: &Cargo, words: &str) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly"]).args(words.split(' '));
    command.current_dir(cargo.path("")).stdin(Stdio::null());
    forget_own_package(&mut command);
    command
}

/// Runs such a command and shows what it says.
pub(crate) fn succeed(command: &mut Command, shown: &str) -> Outcome {
    let status = command
        .status()
        .map_err(|error| format!("can't start rustup: {error}"))?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("{shown} failed ({status})")),
    }
}

/// Tells that a chore was not run here, which in CI is a failure.
pub(crate) fn not_run(cargo: &Cargo, chore: &str, reason: String) -> Outcome {
    println!("{chore}: NOT RUN, {reason}");
    if cargo.is_ci() { Err(reason) } else { Ok(()) }
}
