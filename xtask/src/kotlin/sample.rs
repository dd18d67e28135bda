//! The sample program, as somebody has it who only has the jar: compiled by Maven
//! from a project of its own, and started with nothing on the PATH and no word of
//! where the native library is. It follows a house, and another client edits it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::tools::{LIBRARY_PATHS, Tools};
use super::{Outcome, run as finish};
use crate::bindings::make;
use crate::cargo::Cargo;

pub(super) const PROJECT: &str = "bindings/kotlin/sample/pom.xml";

const TOKEN: &str = "token-of-the-sample";

/// Nothing here takes seconds; this long means that it never comes.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn run(cargo: &Cargo, tools: &Tools, hub: &Path) -> Outcome {
    finish(tools.maven(&cargo.path(PROJECT)).arg("package"))?;
    let built = cargo.path("target/kotlin/sample");
    let folder = built.join("run");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)
            .map_err(|error| format!("can't empty {}: {error}", folder.display()))?;
    }
    make(&folder)?;

    let mut server = Program::start(
        Command::new(hub)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--sample",
                "10",
                "--auth-token",
                TOKEN,
            ])
            .arg("--db")
            .arg(folder.join("hub.db")),
    )?;
    let url = server.until("listening on ")?;
    let url = url.trim_start_matches("listening on ").trim().to_owned();

    let mut classes = built.join("classes").into_os_string();
    classes.push(if cfg!(windows) { ";" } else { ":" });
    classes.push(built.join("lib").join("*"));
    let mut java = Command::new(&tools.java);
    // Neither Rust nor anything else: what it needs is in the jar.
    java.env("PATH", "");
    for variable in LIBRARY_PATHS {
        java.env_remove(variable);
    }
    let mut sample = Program::start(
        java.arg("-cp")
            .arg(classes)
            .arg("com.thegoodies.sample.HouseKt")
            .arg(folder.join("house.db"))
            .arg(&url)
            .env("WILDTHING_TOKEN", TOKEN),
    )?;
    // `  Lamp [id] {"power":"off"}`
    let line = sample.until("[")?;
    let device = line
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'))
        .map(|(id, _)| id.to_owned())
        .ok_or(format!("no device in {line:?}"))?;

    // Another client, with a database of its own.
    let other = |words: &[&str]| -> Outcome {
        finish(
            Command::new(hub)
                .args(words)
                .current_dir(&folder)
                .env("BLOWING_OFF_AUTH_TOKEN", TOKEN)
                .stdout(Stdio::null()),
        )
    };
    other(&["connect", "--server-url", &url])?;
    other(&["sync"])?;
    other(&["device", "set-state", &device, STATE])?;
    other(&["sync"])?;
    let line = sample.until("edited by another client")?;
    if line.contains(&device) {
        Ok(())
    } else {
        Err(format!("the sample shows {line:?}, not device {device}"))
    }
}

const STATE: &str = r#"{"sample": "edited by another client"}"#;

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
