//! Hubs in processes of their own, so that neither their memory nor their CPU
//! time counts. This program starts itself again as one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::PoisonError;

use wildthing::hub::{Hub, HubOptions, sample_house};
use wildthing::model::{Kind, Version};
use wildthing::protocol::v1::{Operation, PushChange};
use wildthing::seam::{RealSeam, Seam as _};

use crate::{Outcome, graph_hub};

/// The argument that makes this program a hub.
pub(crate) const ROLE: &str = "--as-hub";

/// What every client sends. Hubs of v2 let nobody in without it.
pub(crate) const TOKEN: &str = "bench";

/// A sample house of so many entities, and what its hub speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum House {
    /// Records of six kinds.
    V1(usize),
    /// A graph, with an edge from each entity to what it is in.
    V2(usize),
}

impl House {
    pub(crate) fn size(self) -> usize {
        match self {
            House::V1(size) | House::V2(size) => size,
        }
    }

    /// Begins the names of its rows and files.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            House::V1(_) => "",
            House::V2(_) => "v2 ",
        }
    }

    /// The ids of its devices.
    pub(crate) fn device_ids(self) -> Outcome<Vec<String>> {
        match self {
            House::V1(size) => device_ids(size),
            House::V2(size) => graph_hub::device_ids(size),
        }
    }
}

/// The hubs of this run, one a house, each started when it is first wanted.
#[derive(Default)]
pub(crate) struct Hubs(HashMap<House, HubProcess>);

impl Hubs {
    /// The hub with this house.
    pub(crate) fn of(&mut self, house: House) -> Outcome<&mut HubProcess> {
        Ok(match self.0.entry(house) {
            Entry::Occupied(running) => running.into_mut(),
            Entry::Vacant(place) => place.insert(HubProcess::start(house)?),
        })
    }

    /// Where the hub with this house is.
    pub(crate) fn url_of(&mut self, house: House) -> Outcome<String> {
        Ok(self.of(house)?.url.clone())
    }

    /// The same for a house of v1.
    pub(crate) fn url(&mut self, size: usize) -> Outcome<String> {
        self.url_of(House::V1(size))
    }
}

/// A running hub.
pub(crate) struct HubProcess {
    child: Child,
    /// Its end is the hub's.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    url: String,
}

impl HubProcess {
    fn start(house: House) -> Outcome<Self> {
        let protocol = match house {
            House::V1(_) => "v1",
            House::V2(_) => "v2",
        };
        let mut child = Command::new(std::env::current_exe()?)
            .args([ROLE, protocol, &house.size().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let answers = child.stdout.take().ok_or("no stdout")?;
        let mut hub = Self {
            orders: child.stdin.take(),
            child,
            answers: BufReader::new(answers),
            url: String::new(),
        };
        hub.url = hub.answer()?;
        Ok(hub)
    }

    fn answer(&mut self) -> Outcome<String> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err("a hub process ended".into());
        }
        Ok(line.trim().to_owned())
    }

    /// Has somebody else edit one record of the house.
    pub(crate) fn change_one(&mut self) -> Outcome {
        self.orders.as_mut().ok_or("no stdin")?.write_all(b"change\n")?;
        self.answer().map(drop)
    }
}

impl Drop for HubProcess {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.child.wait();
    }
}

/// The hub process: says its URL, then makes a change for every line it reads.
pub(crate) fn serve(protocol: &str, size: &str) -> Outcome {
    let size: usize = size.parse()?;
    match protocol {
        "v2" => graph_hub::serve(size),
        _ => serve_v1(size),
    }
}

fn serve_v1(size: usize) -> Outcome {
    let runtime = tokio::runtime::Runtime::new()?;
    let hub = runtime.block_on(Hub::start(HubOptions {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        db: None,
        auth_token: None,
        ..HubOptions::default()
    }))?;
    let store = hub.store();
    store
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .load_sample(size)?;
    println!("{}", hub.url());
    let mut device = first_device(size)?;
    for (number, line) in std::io::stdin().lines().enumerate() {
        line?;
        let bases = vec![device.sync_id.clone()];
        device.sync_id = RealSeam.new_id().to_string();
        device.updated_at = Some(RealSeam.now());
        device.name = Some(format!("Name {number}"));
        let change = PushChange {
            version: device.clone(),
            operation: Operation::Update,
            client_sync_id: number.to_string(),
            bases,
        };
        let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
        let result = store.push("somebody-else", vec![change.encode()])?;
        println!("{}", result.applied.len());
    }
    Ok(())
}

fn first_device(size: usize) -> Outcome<Version> {
    let house = sample_house(size)?;
    let device = house.into_iter().find(|version| version.key.kind == Kind::Device);
    device.ok_or_else(|| "a house without a device".into())
}

/// The ids of the devices in a sample house.
pub(crate) fn device_ids(size: usize) -> Outcome<Vec<String>> {
    Ok(sample_house(size)?
        .into_iter()
        .filter(|version| version.key.kind == Kind::Device)
        .map(|version| version.key.id.to_string())
        .collect())
}
