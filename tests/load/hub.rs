//! The hub as its users run it: `blowing-off serve` in a process of its own, over
//! a file, killed and started again at the same address; and what it says of the
//! requests it answered, and takes of the machine.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use wildthing::protocol::Protocol;

/// What every client sends.
pub const TOKEN: &str = "load";

/// The requests that a hub answered, in all of its lives.
#[derive(Default)]
pub struct Answered {
    /// From the head of the request to the whole answer, in microseconds.
    pub micros: Vec<u64>,
    pub by_status: BTreeMap<u16, u64>,
}

impl Answered {
    /// Takes in a line of the hub's log.
    fn hear(&mut self, line: &str) {
        let field = |name: &str| {
            let (_, rest) = line.split_once(name)?;
            rest.split(' ').next()?.parse::<u64>().ok()
        };
        if let (Some(status), Some(micros)) = (field(" status="), field(" micros=")) {
            *self.by_status.entry(status as u16).or_default() += 1;
            self.micros.push(micros);
        }
    }
}

/// What the process takes; zeros where the system does not tell.
#[derive(Debug, Clone, Copy, Default)]
pub struct Taken {
    pub resident_kib: u64,
    pub descriptors: u64,
}

pub struct HubProcess {
    protocol: Protocol,
    db: PathBuf,
    /// Port 0 before the first start.
    listen: String,
    sample: usize,
    running: Option<(Child, JoinHandle<()>)>,
    pub answered: Arc<Mutex<Answered>>,
}

impl HubProcess {
    /// Starts a hub with a sample house.
    pub fn start(protocol: Protocol, folder: &Path, sample: usize) -> Self {
        let mut hub = Self {
            protocol,
            db: folder.join("hub.db"),
            listen: "127.0.0.1:0".to_owned(),
            sample,
            running: None,
            answered: Arc::default(),
        };
        hub.restart();
        hub
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// The database file.
    pub fn db(&self) -> &Path {
        &self.db
    }

    /// Starts the process, at the address where it was before.
    pub fn restart(&mut self) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_blowing-off"))
            .args(["serve", "--protocol", self.protocol.as_str()])
            .args(["--listen", &self.listen, "--sample", &self.sample.to_string()])
            .arg("--db")
            .arg(&self.db)
            .env("BLOWING_OFF_AUTH_TOKEN", TOKEN)
            .env("RUST_LOG", "wildthing::hub::connections=debug")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let answered = Arc::clone(&self.answered);
        let log = BufReader::new(child.stderr.take().unwrap());
        let log = std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                answered.lock().unwrap().hear(&line);
            }
        });
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on http://");
        self.listen = url
            .unwrap_or_else(|| panic!("the hub did not start: {line:?}"))
            .to_owned();
        self.running = Some((child, log));
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some((mut child, log)) = self.running.take() {
            child.kill().unwrap();
            child.wait().unwrap();
            log.join().unwrap();
        }
    }

    /// Asks it to end; whether it did so in order.
    pub fn stop(&mut self) -> bool {
        use rustix::process::{Pid, Signal, kill_process};
        let Some((mut child, log)) = self.running.take() else {
            return false;
        };
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        let ended = child.wait().unwrap();
        log.join().unwrap();
        ended.success()
    }

    /// What it takes now.
    pub fn taken(&self) -> Taken {
        let Some((child, _)) = &self.running else {
            return Taken::default();
        };
        taken_by(child.id())
    }
}

impl Drop for HubProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a process takes.
fn taken_by(pid: u32) -> Taken {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = resident.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
    Taken {
        resident_kib: resident.unwrap_or(0),
        descriptors: descriptors as u64,
    }
}
