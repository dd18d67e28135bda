//! The hub process of a house that is a graph. It was set up a day before anybody
//! looks: what arrived within a minute of the hub's last change is pulled again by
//! every sync, and in a house where people live that is little.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use wildthing::hub::Hub;
use wildthing::hub::v2::{GraphOptions, GraphStore, sample_graph};
use wildthing::model::Timestamp;
use wildthing::model::time::SECOND;
use wildthing::protocol::v2::{
    Change, ChangeType, Entity, Filters, PROTOCOL_VERSION, SyncRequest, SyncType, VersionStamp,
};
use wildthing::seam::{BoxFuture, RealSeam, Seam};

use crate::Outcome;
use crate::hub::TOKEN;

/// As many edges as the listing of them, which is one answer, has room for.
const MOST_EDGES: usize = 100_000;

/// A clock that is late by so many microseconds.
#[derive(Debug)]
struct Late(AtomicI64);

impl Seam for Late {
    fn now(&self) -> Timestamp {
        RealSeam.now().plus_micros(-self.0.load(Ordering::Relaxed))
    }

    fn random(&self) -> [u8; 10] {
        RealSeam.random()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        RealSeam.sleep(duration)
    }
}

/// Says the hub's URL, then makes a change for every line it reads.
pub(crate) fn serve(size: usize) -> Outcome {
    let runtime = tokio::runtime::Runtime::new()?;
    let clock = Arc::new(Late(AtomicI64::new(86_400 * SECOND)));
    let options = GraphOptions {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        db: None,
        auth_token: Some(TOKEN.into()),
        admin_password: None,
        ..GraphOptions::default()
    };
    let hub = runtime.block_on(Hub::start_v2_with_seam(options, clock.clone()))?;
    let store = hub.store();
    let push = |changes| push(&mut store.lock().unwrap_or_else(PoisonError::into_inner), changes);
    let house = house(size)?;
    let device = house
        .iter()
        .filter_map(|change| change.entity.as_ref())
        .find(|entity| entity.entity_type == "device");
    let mut device = device.ok_or("a house without a device")?.clone();
    push(house)?;
    clock.0.store(0, Ordering::Relaxed);
    push(vec![renamed(&mut device, 0)])?;
    println!("{}", hub.url());
    for (number, line) in (1..).zip(std::io::stdin().lines()) {
        line?;
        println!("{}", push(vec![renamed(&mut device, number)])?);
    }
    Ok(())
}

fn house(size: usize) -> Outcome<Vec<Change>> {
    let mut house = sample_graph(size)?;
    house
        .iter_mut()
        .skip(MOST_EDGES)
        .for_each(|change| change.relationships.clear());
    Ok(house)
}

/// How many edges the house of such a hub has.
pub(crate) fn edge_count(size: usize) -> usize {
    size.min(MOST_EDGES) - 1
}

/// How many entities were taken.
fn push(store: &mut GraphStore, changes: Vec<Change>) -> Outcome<usize> {
    let request = SyncRequest {
        protocol_version: PROTOCOL_VERSION.to_owned(),
        device_id: "somebody-else".to_owned(),
        user_id: "somebody-else".to_owned(),
        sync_type: SyncType::Delta,
        changes,
        filters: Filters {
            since: Some(Timestamp::parse("2099-01-01T00:00:00")?),
            ..Filters::default()
        },
        cursor: None,
        vector_clock: SyncRequest::empty_clock(),
    };
    Ok(store.sync(request)?.applied.len())
}

/// The next version of a device.
fn renamed(device: &mut Entity, number: u32) -> Change {
    let version = VersionStamp::new(RealSeam.now(), number, "somebody-else").to_string();
    device.parent_versions = vec![std::mem::replace(&mut device.version, version)];
    device.name = format!("Name {number}");
    Change {
        change_type: ChangeType::Update,
        entity: Some(device.clone()),
        relationships: Vec::new(),
    }
}

/// The ids of the devices in a sample house that have an edge.
pub(crate) fn device_ids(size: usize) -> Outcome<Vec<String>> {
    Ok(house(size)?
        .into_iter()
        .filter(|change| !change.relationships.is_empty())
        .filter_map(|change| change.entity)
        .filter(|entity| entity.entity_type == "device")
        .map(|entity| entity.id)
        .collect())
}
