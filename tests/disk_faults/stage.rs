//! Where a scene is played: the replica and the hub as they are before it, a copy of
//! both for every time, and the process with the failing disk.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use tempfile::TempDir;
use wildthing::client::{Durability, ReplicaKey};
use wildthing::protocol::Protocol;

use super::after;
use super::fault_support::{AnyHub, client, edits_here, edits_there};
use super::victim::{self, Told};

/// The tables as the first version made them, with one unsent edit.
const FIRST_SCHEMA: &str = include_str!("../data/replica-schema-1.sql");

/// What the process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scene {
    /// Some local writes in a synced house.
    Write,
    /// A sync that brings what another client changed.
    Pull,
    /// A sync that sends edits, one of which loses.
    Settle,
    /// The same two where the house is a graph.
    GraphPull,
    GraphSettle,
    /// Opening a replica of the first schema, and writing.
    Migrate,
    /// Making a replica, and writing.
    Create,
    /// Changing the key of a replica with unsent edits, and writing: a first one,
    /// another, none any more.
    Encrypt,
    Rekey,
    Decrypt,
}

impl Scene {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Scene::Write => "write",
            Scene::Pull => "pull",
            Scene::Settle => "settle",
            Scene::GraphPull => "v2 pull",
            Scene::GraphSettle => "v2 settle",
            Scene::Migrate => "migrate",
            Scene::Create => "create",
            Scene::Encrypt => "encrypt",
            Scene::Rekey => "rekey",
            Scene::Decrypt => "decrypt",
        }
    }

    pub(crate) fn parse(name: &str) -> Self {
        [
            Scene::Write,
            Scene::Pull,
            Scene::Settle,
            Scene::GraphPull,
            Scene::GraphSettle,
            Scene::Migrate,
            Scene::Create,
            Scene::Encrypt,
            Scene::Rekey,
            Scene::Decrypt,
        ]
        .into_iter()
        .find(|scene| scene.name() == name)
        .expect("a scene")
    }

    pub(crate) fn protocol(self) -> Protocol {
        match self {
            Scene::GraphPull | Scene::GraphSettle => Protocol::V2,
            _ => Protocol::V1,
        }
    }

    /// Whether edits wait to be sent, one of which will lose.
    pub(crate) fn settles(self) -> bool {
        matches!(self, Scene::Settle | Scene::GraphSettle)
    }

    /// The key before a change of keys, and the one after it.
    pub(crate) fn keys(self) -> Option<[Option<ReplicaKey>; 2]> {
        let key = |byte| ReplicaKey::new(&[byte; 32]);
        match self {
            Scene::Encrypt => Some([None, key(1)]),
            Scene::Rekey => Some([key(1), key(2)]),
            Scene::Decrypt => Some([key(1), None]),
            _ => None,
        }
    }

    fn pulls(self) -> bool {
        matches!(self, Scene::Pull | Scene::GraphPull)
    }

    /// Whether the replica belongs to the hub of the stage.
    pub(crate) fn has_hub(self) -> bool {
        self != Scene::Migrate
    }
}

/// What happens to a call, by the shim's word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails once.
    Error(&'static str),
    /// From then on there is no room.
    Full(&'static str),
    /// The process is killed.
    Death(&'static str),
    /// The machine dies.
    PowerCut(&'static str),
}

impl Fault {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Fault::Error(name) | Fault::Full(name) | Fault::Death(name) | Fault::PowerCut(name) => name,
        }
    }

    /// Whether the process is meant to die of it.
    pub(crate) fn is_deadly(self) -> bool {
        matches!(self, Fault::Death(_) | Fault::PowerCut(_))
    }
}

/// A scene and all that is there before it.
pub(crate) struct Stage {
    pub(crate) scene: Scene,
    pub(crate) durability: Durability,
    /// Marks of edits that are there before it.
    pub(crate) before: Vec<String>,
    props: TempDir,
}

/// What a process left behind.
pub(crate) struct Remains {
    pub(crate) folder: TempDir,
    pub(crate) told: Vec<Told>,
    pub(crate) status: ExitStatus,
    /// What it wrote where programs complain.
    pub(crate) stderr: String,
    pub(crate) hub: AnyHub,
}

impl Remains {
    pub(crate) fn replica(&self) -> PathBuf {
        replica(self.folder.path())
    }
}

fn replica(folder: &Path) -> PathBuf {
    folder.join("replica").join("house.db")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

impl Stage {
    pub(crate) fn new(scene: Scene, durability: Durability) -> Self {
        let props = tempfile::tempdir().unwrap();
        std::fs::create_dir(props.path().join("replica")).unwrap();
        let replica = replica(props.path());
        let before = runtime().block_on(async {
            let hub = AnyHub::start(scene.protocol(), props.path()).await;
            hub.load_sample();
            let before = match scene {
                Scene::Create => Vec::new(),
                Scene::Migrate => {
                    let first = wildthing::store::test_connection(&replica).unwrap();
                    first.execute_batch(FIRST_SCHEMA).unwrap();
                    Vec::new()
                }
                _ => {
                    let here = client(&replica, &hub.url()).await;
                    here.sync().await.unwrap();
                    let before = match scene.settles() || scene.keys().is_some() {
                        true => edits_here(&here).await,
                        false => Vec::new(),
                    };
                    if let Some([key @ Some(_), _]) = scene.keys() {
                        here.change_key(key).await.unwrap();
                    }
                    here.shutdown().await;
                    before
                }
            };
            if scene.pulls() || scene.settles() {
                edits_there(&props.path().join("there.db"), &hub.url(), scene.pulls()).await;
            }
            hub.shutdown().await;
            before
        });
        Self {
            scene,
            durability,
            before,
            props,
        }
    }

    /// Plays it once, with a fault at a call; false if no call was reached. What is
    /// left must be as promised.
    pub(crate) fn play(&self, fault: Fault, at: u32) -> bool {
        let runtime = runtime();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("replica")).unwrap();
        for file in ["hub.db", "replica/house.db"] {
            let from = self.props.path().join(file);
            if from.exists() {
                std::fs::copy(from, folder.path().join(file)).unwrap();
            }
        }
        let hub = runtime.block_on(AnyHub::start(self.scene.protocol(), folder.path()));
        let report = folder.path().join("report");
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["the_victim", "--exact", "--ignored", "--nocapture"])
            .env(victim::DATABASE, replica(folder.path()))
            .env(victim::SCENE, self.scene.name())
            .env(victim::HUB, hub.url())
            .env(
                victim::DURABILITY,
                match self.durability {
                    Durability::Full => "full",
                    Durability::Fast => "fast",
                },
            )
            .env("LD_PRELOAD", shim())
            .env("FAULT_DIR", folder.path().join("replica"))
            .env("FAULT_KIND", fault.name())
            .env("FAULT_AT", at.to_string())
            .env("FAULT_REPORT", &report)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let remains = Remains {
            folder,
            told: text.lines().filter_map(Told::parse).collect(),
            status: output.status,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            hub,
        };
        let fired = report.exists();
        runtime.block_on(after::check(self, fault, at, fired, remains));
        fired
    }
}

/// The shim, built once.
fn shim() -> &'static Path {
    static BUILT: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    BUILT.get_or_init(|| {
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("disk-{}.so", std::process::id()));
        let status = Command::new(std::env::var("CC").unwrap_or_else(|_| "cc".into()))
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .arg(&library)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/disk_faults/shim.c"))
            .args(["-ldl", "-lpthread"])
            .status()
            .expect("a C compiler");
        assert!(status.success());
        library
    })
}
