//! The demo's server process and its two clients.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use wildthing::client::{Conflict, OpenOptions, WildThingClient};
use wildthing::hub::HubStore;
use wildthing::model::{Kind, Version};
use wildthing::seam::RealSeam;

use super::super::serve::hub_failure;
use super::ledger::Ledger;
use crate::failure::{Exit, Failure, Outcome};
use crate::secret::TOKEN_VARIABLE;

/// The server listens on loopback and ends with the demo; its token guards nothing.
const TOKEN: &str = "demo-token";
/// How large the sample house is.
const SAMPLE: u32 = 300;

/// Everything on stage.
pub(super) struct Stage {
    folder: PathBuf,
    listen: SocketAddr,
    server: Option<Child>,
    pub(super) house: String,
    pub(super) ann: WildThingClient,
    pub(super) ben: WildThingClient,
    pub(super) ledger: Ledger,
}

/// How it all looks when the curtain falls.
pub(super) struct Ending {
    /// Name, state digest and content digest of each replica.
    pub(super) digests: Vec<(String, String, String)>,
    /// What the hub has.
    pub(super) versions: Vec<Version>,
    /// The conflicts as each client sees them.
    pub(super) conflicts: Vec<(&'static str, Vec<Conflict>)>,
}

impl Ending {
    /// Whether all replicas show the same.
    pub(super) fn agrees(&self) -> bool {
        self.digests
            .windows(2)
            .all(|pair| pair[0].1 == pair[1].1 && pair[0].2 == pair[1].2)
    }
}

fn broken(problem: impl std::fmt::Display) -> Failure {
    Failure::new(
        Exit::Failed,
        "demo",
        problem,
        "see the message; nothing outside the demo's folder was touched",
    )
}

impl Stage {
    /// Starts a server with a house in it, and opens two clients that know of it.
    pub(super) async fn set(folder: &Path, house: Option<&Path>) -> Outcome<Self> {
        let listen = free_address()?;
        let (fill, name): (Vec<String>, String) = match house {
            Some(file) => (
                vec!["--import".into(), file.display().to_string()],
                format!("the house in {}", file.display()),
            ),
            None => (
                vec!["--sample".into(), SAMPLE.to_string()],
                format!("a sample house of {SAMPLE} entities"),
            ),
        };
        let server = serve(folder, listen, &fill)?;
        let (ann, ben) = (
            open(folder, "ann.db", listen).await?,
            open(folder, "ben.db", listen).await?,
        );
        Ok(Self {
            folder: folder.to_owned(),
            listen,
            server: Some(server),
            house: name,
            ann,
            ben,
            ledger: Ledger::default(),
        })
    }

    /// Ends the server the hard way, as a power cut would.
    pub(super) fn kill_server(&mut self) -> Outcome {
        if let Some(mut server) = self.server.take() {
            server.kill().map_err(broken)?;
            server.wait().map_err(broken)?;
        }
        Ok(())
    }

    /// Starts it again on the same database and port.
    pub(super) fn restart_server(&mut self) -> Outcome {
        self.server = Some(serve(&self.folder, self.listen, &[])?);
        Ok(())
    }

    /// Ends everything and looks at what is left.
    pub(super) async fn strike(&mut self) -> Outcome<Ending> {
        self.kill_server()?;
        let hub = HubStore::open(&self.folder.join("hub.db"), RealSeam::shared()).map_err(hub_failure)?;
        let mut ending = Ending {
            digests: vec![(
                "hub".into(),
                hub.state_digest(&Kind::V1).map_err(hub_failure)?,
                hub.content_digest().map_err(hub_failure)?,
            )],
            versions: hub
                .versions()
                .map_err(hub_failure)?
                .into_iter()
                .map(|(version, _)| version)
                .collect(),
            conflicts: Vec::new(),
        };
        for (name, client) in [("ann", &self.ann), ("ben", &self.ben)] {
            let digests = client.digests().await?;
            ending.digests.push((name.into(), digests.state, digests.content));
            ending.conflicts.push((name, client.conflicts().await?));
            client.shutdown().await;
        }
        Ok(ending)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Whatever went wrong, the server ends with the demo.
        let _ = self.kill_server();
    }
}

/// A port that is free now, and stays the server's over its restart.
fn free_address() -> Outcome<SocketAddr> {
    let probe = TcpListener::bind("127.0.0.1:0").map_err(broken)?;
    probe.local_addr().map_err(broken)
}

/// This very program as a server, in a process that can be killed.
fn serve(folder: &Path, listen: SocketAddr, fill: &[String]) -> Outcome<Child> {
    use std::io::BufRead as _;
    let mut child = Command::new(std::env::current_exe().map_err(broken)?)
        .arg("serve")
        .args(["--listen", &listen.to_string(), "--db"])
        .arg(folder.join("hub.db"))
        .args(fill)
        .env(TOKEN_VARIABLE, TOKEN)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(broken)?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        std::io::BufReader::new(stdout)
            .read_line(&mut line)
            .map_err(broken)?;
    }
    if line.starts_with("listening") {
        return Ok(child);
    }
    let output = child.wait_with_output().map_err(broken)?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(broken(format!("the server did not start: {said}")))
}

async fn open(folder: &Path, name: &str, listen: SocketAddr) -> Outcome<WildThingClient> {
    let client = WildThingClient::open(folder.join(name), OpenOptions::default()).await?;
    client
        .connect(format!("http://{listen}"), Some(TOKEN.into()), None)
        .await?;
    Ok(client)
}
