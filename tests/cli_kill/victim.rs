//! A process that is to be killed: what it said before it went, and how.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::cli_support::Shell;

/// Longer than anything takes, on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// The process.
pub(crate) struct Victim {
    child: Child,
    stdout: Receiver<String>,
    stderr: JoinHandle<String>,
}

/// What is left of it.
#[derive(Debug)]
#[allow(
    dead_code,
    reason = "what it complained of is read in the words of a failed test"
)]
pub(crate) struct Remains {
    /// The lines of stdout that had not been read yet.
    pub(crate) lines: Vec<String>,
    /// What it complained of.
    pub(crate) stderr: String,
    /// Its exit code, if it was faster than the signal.
    pub(crate) code: Option<i32>,
}

impl Victim {
    /// Starts the `blowing-off` command in a shell's folder.
    pub(crate) fn command(shell: &Shell, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_blowing-off"));
        command.args(arguments).current_dir(shell.folder());
        for variable in ["BLOWING_OFF_AUTH_TOKEN", "RUST_LOG"] {
            command.env_remove(variable);
        }
        Self::start(command)
    }

    /// Starts any command.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = whole_lines(child.stdout.take().unwrap());
        let mut complaints = child.stderr.take().unwrap();
        let stderr = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = complaints.read_to_string(&mut text);
            text
        });
        Self {
            child,
            stdout,
            stderr,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its next line; none when it has closed its stdout.
    pub(crate) fn line(&self) -> Option<String> {
        match self.stdout.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => None,
            Err(error) => panic!("no line: {error}"),
        }
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Lets it go on to its end.
    pub(crate) fn finish(mut self) -> Remains {
        let code = self.child.wait().unwrap().code();
        self.remains(code)
    }

    /// `kill -9`, and waits until it is gone: a process that nobody has waited
    /// for still has its id.
    pub(crate) fn kill(mut self) -> Remains {
        self.child.kill().unwrap();
        let code = self.child.wait().unwrap().code();
        self.remains(code)
    }

    fn remains(self, code: Option<i32>) -> Remains {
        Remains {
            lines: self.stdout.iter().collect(),
            stderr: self.stderr.join().unwrap(),
            code,
        }
    }
}

/// Reads lines as they come. Half a line confirms nothing and is left out.
fn whole_lines(source: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut source = BufReader::new(source);
        loop {
            let mut line = String::new();
            match source.read_line(&mut line) {
                Ok(_) if line.ends_with('\n') => {
                    line.pop();
                    if sender.send(line).is_err() {
                        return;
                    }
                }
                _ => return,
            }
        }
    });
    receiver
}

/// Random numbers from a seed (SplitMix64): the same kills are aimed at again,
/// as far as a process runs the same twice.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    /// Lets up to `limit` pass, so that the signal does not follow what was
    /// seen at the same distance each time. Nothing relies on how long it takes.
    pub(crate) fn dawdle(&mut self, limit: Duration) {
        let micros = u64::try_from(limit.as_micros()).unwrap();
        std::thread::sleep(Duration::from_micros(self.below(micros + 1)));
    }
}
