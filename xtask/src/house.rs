//! A sample program of a package, tried as somebody has it who only has the package:
//! it follows a house live, and another client edits the house.
//!
//! Also here: building the hub that has the house.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::bindings::make;
use crate::cargo::Cargo;

/// What the hub wants to be shown.
pub(crate) const TOKEN: &str = "token-of-the-sample";

/// A device that every house of samples has.
const DEVICE: &str = "device-123";

/// What it is doing from the edit on, and how the sample shows it.
const EDIT: &str = "edited by another client";

/// Nothing here takes seconds; this long means that it never comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The command that is also the hub, as development builds it.
pub(crate) fn hub(cargo: &Cargo) -> Result<PathBuf, String> {
    program(&cargo.artifacts("build --bin blowing-off", &[], "blowing-off")?)
}

/// The command, among what cargo left.
pub(crate) fn program(built: &[PathBuf]) -> Result<PathBuf, String> {
    built
        .iter()
        .find(|file| file.file_stem().is_some_and(|name| name == "blowing-off"))
        .cloned()
        .ok_or_else(|| "the build left no blowing-off".to_owned())
}

/// Starts a hub and the sample, which `command` makes of the hub's address and a folder
/// of its own, and edits the house by another client until the sample shows it.
pub(crate) fn followed(hub: &Path, folder: &Path, command: impl FnOnce(&str, &Path) -> Command) -> Outcome {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| format!("can't empty {}: {error}", folder.display()))?;
    }
    make(folder)?;
    let mut server = Program::start(
        Command::new(hub)
            .args(["serve", "--listen", "127.0.0.1:0", "--sample", "10"])
            .args(["--auth-token", TOKEN, "--db"])
            .arg(folder.join("hub.db")),
    )?;
    let url = server.until("listening on ")?;
    let url = url.trim_start_matches("listening on ").trim();

    let mut sample = Program::start(&mut command(url, folder))?;
    // Its first device, with what that is doing.
    sample.until("{")?;

    // Another client, with a database of its own.
    let state = format!("{{\"sample\": \"{EDIT}\"}}");
    for words in [
        &["connect", "--server-url", url][..],
        &["sync"],
        &["device", "set-state", DEVICE, &state],
        &["sync"],
    ] {
        let status = Command::new(hub)
            .args(words)
            .current_dir(folder)
            .env("BLOWING_OFF_AUTH_TOKEN", TOKEN)
            .stdout(Stdio::null())
            .status()
            .map_err(|error| format!("can't start {}: {error}", hub.display()))?;
        if !status.success() {
            return Err(format!("blowing-off {} failed ({status})", words.join(" ")));
        }
    }
    sample.until(EDIT).map(|_| ())
}

/// A program that is ended with us, and what it prints.
struct Program {
    name: String,
    process: Child,
    lines: Receiver<String>,
}

impl Program {
    fn start(command: &mut Command) -> Result<Self, String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("can't start {name}: {error}"))?;
        let (sender, lines) = channel();
        if let Some(output) = process.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        Ok(Self { name, process, lines })
    }

    /// The first line from here on that has `word` in it.
    fn until(&mut self, word: &str) -> Result<String, String> {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        loop {
            match self
                .lines
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(line) if line.contains(word) => return Ok(line),
                Ok(line) => seen.push(line),
                Err(why) => {
                    let how = match why {
                        RecvTimeoutError::Timeout => "did not say",
                        RecvTimeoutError::Disconnected => "ended and never said",
                    };
                    return Err(format!("{} {how} {word:?} but\n{}", self.name, seen.join("\n")));
                }
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
