//! What a larger house costs: the same write, the same read and the same sync
//! of one change at four sizes, each next to the least.

use wildthing::client::{Durability, WildThingClient};

use crate::engine::Engine;
use crate::hub::House;
use crate::measure::{median, millis};
use crate::report::{Budget, Row};
use crate::{Bench, Outcome, client};

/// How often something is done so that it is done out of warm caches.
const WARM_UP: usize = 5;

/// How often the listing of edges is read: seconds each time, in the largest house.
const LISTINGS: usize = 5;

struct Replica {
    house: House,
    client: WildThingClient,
    /// Syncs a graph, to tell what of it is the listing of edges.
    engine: Option<Engine>,
    ids: Vec<String>,
    /// The figures so far, in milliseconds.
    taken: Figures,
    /// The same of the least replica, taken next to them: what else the machine had
    /// just done is alike for both.
    beside: Figures,
}

#[derive(Default)]
struct Figures {
    write: Vec<f64>,
    read: Vec<f64>,
    sync: Vec<f64>,
    listing: Vec<f64>,
}

pub(crate) fn run(bench: &mut Bench) -> Outcome {
    let replicas = measure(bench, House::V1)?;
    report(bench, &replicas, "1-change sync");
    shut_down(bench, replicas);
    Ok(())
}

/// The same with the edges of a graph. A sync that pulls a change reads them, and
/// so is as long as the house is large: held to the budget is what comes before,
/// taken of syncs that get no further.
pub(crate) fn run_graph(bench: &mut Bench) -> Outcome {
    let replicas = measure(bench, House::V2)?;
    let sync = "1-change sync up to its listing of edges";
    report(bench, &replicas, sync);
    for row in column(&replicas, "that listing", Budget::Open, |figures| {
        &figures.listing
    }) {
        bench.report.add(row);
    }
    shut_down(bench, replicas);
    Ok(())
}

/// Takes every figure; the replicas that are larger than the least.
fn measure(bench: &mut Bench, house: fn(usize) -> House) -> Outcome<Vec<Replica>> {
    let sizes: &[usize] = match bench.quick {
        true => &[3_000],
        false => &[3_000, 30_000, 300_000],
    };
    let mut least = replica(bench, house(LEAST))?;
    let mut larger = Vec::new();
    for size in sizes {
        larger.push(replica(bench, house(*size))?);
    }
    // Edits wait to be sent once there are any, so syncs come first.
    for round in 0..bench.pick(60, 5) {
        pairs(&mut least, &mut larger, round, |replica| {
            replica.sync_one_change(bench)
        })?;
    }
    for round in 0..LISTINGS {
        pairs(&mut least, &mut larger, round, |replica| replica.list(bench))?;
    }
    for round in 0..bench.pick(200, 10) {
        pairs(&mut least, &mut larger, round, |replica| {
            replica.read(bench, round)
        })?;
    }
    for round in 0..bench.pick(100, 5) {
        pairs(&mut least, &mut larger, round, |replica| {
            replica.write(bench, round)
        })?;
    }
    bench.runtime.block_on(least.client.shutdown());
    Ok(larger)
}

/// What every size is held against.
const LEAST: usize = 300;

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
        taken: Figures::default(),
        beside: Figures::default(),
    })
}

/// One round: every larger replica next to the least, which comes first or last by
/// turns.
fn pairs(
    least: &mut Replica,
    larger: &mut [Replica],
    round: usize,
    mut visit: impl FnMut(&mut Replica) -> Outcome,
) -> Outcome {
    for replica in larger {
        if round.is_multiple_of(2) {
            visit(least)?;
            visit(replica)?;
        } else {
            visit(replica)?;
            visit(least)?;
        }
        replica.beside.append(&mut least.taken);
    }
    Ok(())
}

impl Figures {
    fn append(&mut self, other: &mut Figures) {
        self.write.append(&mut other.write);
        self.read.append(&mut other.read);
        self.sync.append(&mut other.sync);
        self.listing.append(&mut other.listing);
    }
}

impl Replica {
    /// Syncs a change that somebody else made.
    fn sync_one_change(&mut self, bench: &mut Bench) -> Outcome {
        let Some(engine) = &self.engine else {
            bench.hubs.of(self.house)?.change_one()?;
            let sync = client::sync(&self.client);
            self.taken.sync.push(millis(|| bench.runtime.block_on(sync))?);
            return Ok(());
        };
        bench.hubs.of(self.house)?.change_one()?;
        // The hub went through its whole house for the digest of that change.
        for _ in 0..WARM_UP {
            bench.runtime.block_on(engine.look())?;
        }
        let took = bench.runtime.block_on(engine.sync_up_to_listing())?;
        self.taken.sync.push(took);
        Ok(())
    }

    /// Syncs a graph to its end, and tells what of it was the listing.
    fn list(&mut self, bench: &Bench) -> Outcome {
        if let Some(engine) = &self.engine {
            let took = bench.runtime.block_on(engine.sync(true))?;
            let before = took.until_listing.ok_or("it did not read the edges")?;
            self.taken.listing.push(took.all - before);
        }
        Ok(())
    }

    fn read(&mut self, bench: &Bench, round: usize) -> Outcome {
        for id in self.burst(round) {
            let read = client::device(&self.client, &id);
            self.taken.read.push(millis(|| bench.runtime.block_on(read))?);
        }
        Ok(())
    }

    fn write(&mut self, bench: &Bench, round: usize) -> Outcome {
        for id in self.burst(round) {
            let write = client::set_brightness(&self.client, &id, round);
            self.taken.write.push(millis(|| bench.runtime.block_on(write))?);
        }
        Ok(())
    }

    /// Ten of a hundred devices, wherever they are: what a program looks at is few
    /// things, over and over.
    fn burst(&self, round: usize) -> Vec<String> {
        let places = (0..10).map(|call| (round % 10 * 10 + call) * 7_919 % self.ids.len());
        places.map(|place| self.ids[place].clone()).collect()
    }
}

/// The rows that are held to the budget.
fn report(bench: &mut Bench, replicas: &[Replica], sync: &str) {
    let kept = Budget::Times(1.3);
    let rows = [
        column(replicas, "write", kept, |figures| &figures.write),
        column(replicas, "point read", kept, |figures| &figures.read),
        column(replicas, sync, kept, |figures| &figures.sync),
    ];
    rows.into_iter().flatten().for_each(|row| bench.report.add(row));
}

/// Rows of one figure, each size beside the least.
fn column(replicas: &[Replica], what: &str, budget: Budget, of: fn(&Figures) -> &Vec<f64>) -> Vec<Row> {
    let row = |replica: &Replica| Row {
        what: format!(
            "{}growth: {what} at {} {}",
            replica.house.prefix(),
            replica.house.size(),
            match replica.house {
                House::V1(_) => "records",
                House::V2(_) => "entities",
            }
        ),
        value: Some(median(&mut of(&replica.taken).clone())),
        unit: "ms",
        baseline: Some(median(&mut of(&replica.beside).clone())),
        baseline_is: format!("the same at {LEAST}"),
        budget,
    };
    replicas.iter().map(row).collect()
}

fn shut_down(bench: &Bench, replicas: Vec<Replica>) {
    for replica in replicas {
        bench.runtime.block_on(replica.client.shutdown());
    }
}
