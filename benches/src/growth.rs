//! What a larger house costs: the same write, the same read and the same sync
//! of one change at four sizes, in turns.

use wildthing::client::{Durability, WildThingClient};

use crate::engine::Engine;
use crate::hub::House;
use crate::measure::{median, millis};
use crate::report::{Budget, Row};
use crate::{Bench, Outcome, client};

struct Replica {
    house: House,
    client: WildThingClient,
    /// Syncs a graph, to tell what of it is the listing of edges.
    engine: Option<Engine>,
    ids: Vec<String>,
    write: Vec<f64>,
    read: Vec<f64>,
    sync: Vec<f64>,
    listing: Vec<f64>,
}

pub(crate) fn run(bench: &mut Bench) -> Outcome {
    compare(bench, House::V1, bench.pick(40, 5))
}

/// The same with the edges of a graph. A sync that pulls a change reads them, and
/// so is as long as the house is large: held to the budget is what comes before.
pub(crate) fn run_graph(bench: &mut Bench) -> Outcome {
    compare(bench, House::V2, bench.pick(12, 5))
}

fn compare(bench: &mut Bench, house: fn(usize) -> House, syncs: usize) -> Outcome {
    let sizes: &[usize] = match bench.quick {
        true => &[300, 3_000],
        false => &[300, 3_000, 30_000, 300_000],
    };
    let mut replicas = Vec::new();
    for house in sizes.iter().map(|size| house(*size)) {
        replicas.push(replica(bench, house)?);
    }
    // Edits wait to be sent once there are any, so syncs come first.
    for round in 0..syncs {
        turn(&mut replicas, round, |replica| {
            if let Some(engine) = &replica.engine {
                // The last one's listing threw everything else out of the caches.
                bench.runtime.block_on(engine.sync(false))?;
            }
            bench.hubs.of(replica.house)?.change_one()?;
            let Some(engine) = &replica.engine else {
                let sync = client::sync(&replica.client);
                replica.sync.push(millis(|| bench.runtime.block_on(sync))?);
                return Ok(());
            };
            let took = bench.runtime.block_on(engine.sync(true))?;
            let before = took.until_listing.ok_or("it did not read the edges")?;
            replica.sync.push(before);
            replica.listing.push(took.all - before);
            Ok(())
        })?;
    }
    for round in 0..bench.pick(200, 10) {
        turn(&mut replicas, round, |replica| {
            for id in replica.burst(round) {
                replica.read.push(millis(|| {
                    bench.runtime.block_on(client::device(&replica.client, &id))
                })?);
            }
            Ok(())
        })?;
    }
    for round in 0..bench.pick(100, 5) {
        turn(&mut replicas, round, |replica| {
            for id in replica.burst(round) {
                let write = client::set_brightness(&replica.client, &id, round);
                replica.write.push(millis(|| bench.runtime.block_on(write))?);
            }
            Ok(())
        })?;
    }
    let kept = Budget::Times(1.3);
    let rows = match replicas.first().is_some_and(|replica| replica.engine.is_some()) {
        false => vec![
            column("write", kept, |replica| &mut replica.write, &mut replicas),
            column("point read", kept, |replica| &mut replica.read, &mut replicas),
            column("1-change sync", kept, |replica| &mut replica.sync, &mut replicas),
        ],
        true => vec![
            column("write", kept, |replica| &mut replica.write, &mut replicas),
            column("point read", kept, |replica| &mut replica.read, &mut replicas),
            column(
                "1-change sync up to its listing of edges",
                kept,
                |replica| &mut replica.sync,
                &mut replicas,
            ),
            column(
                "that listing",
                Budget::Open,
                |replica| &mut replica.listing,
                &mut replicas,
            ),
        ],
    };
    rows.into_iter().flatten().for_each(|row| bench.report.add(row));
    for replica in replicas {
        bench.runtime.block_on(replica.client.shutdown());
    }
    Ok(())
}

fn replica(bench: &mut Bench, house: House) -> Outcome<Replica> {
    let url = bench.hubs.url_of(house)?;
    let path = bench.file(&format!("growth-{house:?}.db"));
    // Fast: waiting for the disk would hide what grows.
    let client = bench
        .runtime
        .block_on(client::open(&path, Durability::Fast, Some(&url)))?;
    bench.runtime.block_on(client::sync(&client))?;
    let engine = match house {
        House::V1(_) => None,
        House::V2(_) => Some(Engine::open(&path, &url)?),
    };
    Ok(Replica {
        house,
        client,
        engine,
        ids: house.device_ids()?,
        write: Vec::new(),
        read: Vec::new(),
        sync: Vec::new(),
        listing: Vec::new(),
    })
}

/// Rows of one figure, each size beside the least.
fn column(
    what: &str,
    budget: Budget,
    of: fn(&mut Replica) -> &mut Vec<f64>,
    replicas: &mut [Replica],
) -> Vec<Row> {
    let medians: Vec<(House, f64)> = replicas
        .iter_mut()
        .map(|replica| (replica.house, median(of(replica))))
        .collect();
    let Some(&(least, baseline)) = medians.first() else {
        return Vec::new();
    };
    medians[1..]
        .iter()
        .map(|&(house, value)| Row {
            what: format!(
                "{}growth: {what} at {} {}",
                house.prefix(),
                house.size(),
                match house {
                    House::V1(_) => "records",
                    House::V2(_) => "entities",
                }
            ),
            value: Some(value),
            unit: "ms",
            baseline: Some(baseline),
            baseline_is: format!("the same at {}", least.size()),
            budget,
        })
        .collect()
}

/// One round over all sizes, up and down by turns: who comes after whom matters
/// to the processor's caches and to the scheduler.
fn turn(replicas: &mut [Replica], round: usize, mut visit: impl FnMut(&mut Replica) -> Outcome) -> Outcome {
    match round % 2 {
        0 => replicas.iter_mut().try_for_each(&mut visit),
        _ => replicas.iter_mut().rev().try_for_each(&mut visit),
    }
}

impl Replica {
    /// Ten of a hundred devices, wherever they are: what a program looks at is few
    /// things, over and over.
    fn burst(&self, round: usize) -> Vec<String> {
        let places = (0..10).map(|call| (round % 10 * 10 + call) * 7_919 % self.ids.len());
        places.map(|place| self.ids[place].clone()).collect()
    }
}
