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

use crate::Outcome;

/// The argument that makes this program a hub.
pub(crate) const ROLE: &str = "--as-hub";

/// The hubs of this run, one a size of house, each started when it is first wanted.
#[derive(Default)]
pub(crate) struct Hubs(HashMap<usize, HubProcess>);

impl Hubs {
    /// The hub with a sample house of so many entities.
    pub(crate) fn of(&mut self, size: usize) -> Outcome<&mut HubProcess> {
        Ok(match self.0.entry(size) {
            Entry::Occupied(running) => running.into_mut(),
            Entry::Vacant(place) => place.insert(HubProcess::start(size)?),
        })
    }

    pub(crate) fn url(&mut self, size: usize) -> Outcome<String> {
        Ok(self.of(size)?.url.clone())
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
    fn start(size: usize) -> Outcome<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([ROLE, &size.to_string()])
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
pub(crate) fn serve(size: &str) -> Outcome {
    let size: usize = size.parse()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let hub = runtime.block_on(Hub::start(HubOptions {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        db: None,
        auth_token: None,
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
