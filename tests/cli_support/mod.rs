//! Running the `blowing-off` binary as a shell user would: a folder of one's
//! own, commands with their exit codes and output, and commands that keep running.
//!
//! Nothing here waits for a time to pass: whoever needs something to have
//! happened waits for the line that says so.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use serde_json::Value;

/// The token of every test server. It must never be seen in any output.
pub(crate) const TOKEN: &str = "hush-hush-1234567890";

/// Longer than anything takes, on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blowing-off"));
    for variable in [
        "BLOWING_OFF_AUTH_TOKEN",
        "BLOWING_OFF_KEY",
        "RUST_LOG",
        "NO_COLOR",
    ] {
        command.env_remove(variable);
    }
    command
}

/// A folder in which commands are run.
pub(crate) struct Shell {
    folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

impl Shell {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            environment: Vec::new(),
        }
    }

    /// A folder that is connected to a server and has its house.
    pub(crate) fn synced(server: &Server) -> Self {
        let shell = Self::new();
        shell
            .run(&["connect", "--server-url", &server.url, "--auth-token", TOKEN])
            .ok();
        shell.run(&["sync"]).ok();
        shell
    }

    /// Sets a variable for the commands to come; an empty value takes it away.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.environment.push((name.to_owned(), value.to_owned()));
        }
    }

    /// A file of the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = binary();
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with_input(arguments, "")
    }

    /// Runs a command to its end, with something on its stdin.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        // A command that does not read its stdin may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let ran = Ran {
            what: arguments.join(" "),
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(
            !ran.stdout.contains(TOKEN) && !ran.stderr.contains(TOKEN),
            "the token was shown: {ran:?}"
        );
        ran
    }

    /// Runs a command with `--json` and reads what it prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let mut arguments = arguments.to_vec();
        arguments.push("--json");
        self.run(&arguments).ok().json()
    }

    /// Runs a command with `--json` that must fail, and reads its error.
    pub(crate) fn error(&self, arguments: &[&str], code: i32) -> Value {
        let mut arguments = arguments.to_vec();
        arguments.push("--json");
        self.run(&arguments).error(code)
    }

    /// Runs a command with a stdout that nobody reads.
    pub(crate) fn run_unread(&self, arguments: &[&str]) -> Ran {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = self.command(arguments).stdout(writer).output().unwrap();
        Ran {
            what: arguments.join(" "),
            code: output.status.code(),
            stdout: String::new(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Starts a command that keeps running.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::new(self.command(arguments), arguments.join(" "))
    }
}

/// A command that has ended.
#[derive(Debug, Clone)]
pub(crate) struct Ran {
    what: String,
    /// The exit code; none after a signal.
    pub(crate) code: Option<i32>,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it complained of.
    pub(crate) stderr: String,
}

impl Ran {
    /// It must have gone well.
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// It must have ended with this code, with words for people.
    pub(crate) fn fails(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(
            self.stderr.contains("error") && !self.stderr.contains("panicked"),
            "{self:?}"
        );
        self
    }

    /// What it printed, as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The error it ended with, as `--json` prints it; nothing on stdout.
    pub(crate) fn error(self, code: i32) -> Value {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        let value: Value =
            serde_json::from_str(&self.stderr).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        let error = value["error"].clone();
        for field in ["code", "message", "hint"] {
            let text = error[field].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "no {field}: {self:?}");
        }
        error
    }

    /// All that it printed.
    pub(crate) fn shown(&self) -> String {
        format!("{}\n{}\n", self.stdout, self.stderr)
    }

    /// The lines it printed, each split at tabs.
    pub(crate) fn rows(&self) -> Vec<Vec<&str>> {
        self.stdout
            .lines()
            .map(|line| line.split('\t').collect())
            .collect()
    }
}

/// A command that runs until it is told to stop.
pub(crate) struct Running {
    what: String,
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Running {
    fn new(mut command: Command, what: String) -> Self {
        let mut child = command.spawn().unwrap();
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        Self {
            what,
            child,
            stdout,
            stderr,
        }
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line of its stdout.
    pub(crate) fn line(&self) -> String {
        self.stdout
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|error| panic!("{}: no line ({error}); {:?}", self.what, self.complaints()))
    }

    /// The next line of its stdout that `wanted` likes.
    pub(crate) fn line_where(&self, wanted: impl Fn(&str) -> bool) -> String {
        loop {
            let line = self.line();
            if wanted(&line) {
                return line;
            }
        }
    }

    /// A line of its stdout, if one is there already.
    pub(crate) fn line_if_any(&self) -> Option<String> {
        self.stdout.try_recv().ok()
    }

    /// The next line of its stderr.
    pub(crate) fn complaint(&self) -> String {
        self.stderr.recv_timeout(PATIENCE).unwrap()
    }

    /// What it complained of up to now.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.stderr.try_iter().collect()
    }

    /// Sends a signal by name (`TERM`, `INT`) and waits for the exit code.
    #[cfg(unix)]
    pub(crate) fn stop(mut self, signal: &str) -> Option<i32> {
        use rustix::process::{Pid, Signal, kill_process};
        let signal = match signal {
            "INT" => Signal::INT,
            _ => Signal::TERM,
        };
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads lines as they come, so that waiting for one can end.
fn lines(source: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(source).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// `blowing-off serve` on a free port.
pub(crate) struct Server {
    /// Its URL.
    pub(crate) url: String,
    /// The process; taken when the server is stopped.
    pub(crate) running: Running,
    _shell: Shell,
}

impl Server {
    /// A server with a sample house of so many entities.
    pub(crate) fn start(entities: u32) -> Self {
        let shell = Shell::new();
        let sample = entities.to_string();
        let running = shell.start(&[
            "serve",
            "--sample",
            &sample,
            "--listen",
            "127.0.0.1:0",
            "--auth-token",
            TOKEN,
        ]);
        let line = running.line();
        let url = line
            .strip_prefix("listening on ")
            .unwrap_or_else(|| panic!("no URL in {line:?}"))
            .to_owned();
        Self {
            url,
            running,
            _shell: shell,
        }
    }
}

/// The URL of a port on which nobody listens.
pub(crate) fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
