//! `blowing-off serve` in a process of its own, what it takes of the machine, and a
//! client that minds its manners.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use wildthing::client::{DevicePatch, OpenOptions, WildThingClient};
use wildthing::model::RecordId;

pub const TOKEN: &str = "well-behaved";
/// For how long hubs let themselves be kept waiting unless a test says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// Longer than anything takes, on a machine that is busy with other things.
pub const DEADLINE: Duration = Duration::from_secs(120);

pub struct Hub {
    child: Child,
    pub addr: SocketAddr,
    folder: tempfile::TempDir,
    /// How many descriptors it had before anybody came.
    descriptors_before: usize,
}

impl Hub {
    /// A hub with a sample house.
    pub fn start(protocol: &str) -> Self {
        Self::start_with(protocol, PATIENCE, "unlimited")
    }

    /// A hub that can be kept waiting for so long, and may have so many files open.
    pub fn start_with(protocol: &str, patience: Duration, files: &str) -> Self {
        allow_many_files();
        let folder = tempfile::tempdir().unwrap();
        // Where it is unlimited the process has what this one has.
        let limited = "if [ \"$0\" != unlimited ]; then ulimit -n \"$0\"; fi; exec \"$@\"";
        let mut child = Command::new("sh")
            .args(["-c", limited, files, env!("CARGO_BIN_EXE_blowing-off"), "serve"])
            .args(["--protocol", protocol, "--listen", "127.0.0.1:0"])
            .args(["--sample", "1000", "--patience", &patience.as_secs().to_string()])
            .arg("--db")
            .arg(folder.path().join("hub.db"))
            .env("BLOWING_OFF_AUTH_TOKEN", TOKEN)
            .env("BLOWING_OFF_ADMIN_PASSWORD", "open sesame")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let addr = line.trim().strip_prefix("listening on http://").unwrap();
        let mut hub = Self {
            addr: addr.parse().unwrap(),
            child,
            folder,
            descriptors_before: 0,
        };
        hub.descriptors_before = hub.descriptors();
        hub
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub fn descriptors(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.child.id());
        std::fs::read_dir(folder).unwrap().count()
    }

    /// The most memory it ever had resident.
    pub fn peak_mib(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        let kib: usize = line.trim().strip_suffix(" kB").unwrap().parse().unwrap();
        kib / 1_024
    }

    /// Waits until it has no more descriptors than before anybody came.
    pub async fn rid_of_all(&self) {
        let deadline = Instant::now() + DEADLINE;
        while self.descriptors() > self.descriptors_before {
            let (now, before) = (self.descriptors(), self.descriptors_before);
            assert!(Instant::now() < deadline, "{now} descriptors, {before} before");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn good_client(&self) -> GoodClient {
        GoodClient::new(&self.folder.path().join("client.db"), &self.url()).await
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Thousands of connections have thousands of ends here.
fn allow_many_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

/// A client as apps have it, which must not notice the others.
pub struct GoodClient {
    client: WildThingClient,
    device: RecordId,
    edits: u64,
}

impl GoodClient {
    async fn new(path: &Path, url: &str) -> Self {
        let client = WildThingClient::open(path, OpenOptions::default()).await.unwrap();
        client
            .connect(url.to_owned(), Some(TOKEN.into()), None)
            .await
            .unwrap();
        client.sync().await.unwrap();
        let device = client.get_devices(None).await.unwrap().remove(0).id;
        Self {
            client,
            device,
            edits: 0,
        }
    }

    /// Edits and syncs; the hub has to take the edit.
    pub async fn syncs(&mut self) {
        self.edits += 1;
        let patch = DevicePatch {
            name: Some(format!("Lamp {}", self.edits)),
            ..DevicePatch::default()
        };
        self.client
            .update_device(self.device.clone(), patch)
            .await
            .unwrap();
        let done = self.client.sync().await.unwrap();
        assert_eq!((done.pushed, done.errors), (1, Vec::new()));
    }

    pub async fn leaves(self) {
        self.client.shutdown().await;
    }
}
