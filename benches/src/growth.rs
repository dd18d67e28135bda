//! What a larger house costs: the same write, the same read and the same sync
//! of one change at four sizes, in turns.

use wildthing::client::{Durability, WildThingClient};

use crate::measure::{median, millis};
use crate::report::{Budget, Row};
use crate::{Bench, Outcome, client, hub};

struct House {
    size: usize,
    client: WildThingClient,
    ids: Vec<String>,
    write: Vec<f64>,
    read: Vec<f64>,
    sync: Vec<f64>,
}

pub(crate) fn run(bench: &mut Bench) -> Outcome {
    let sizes: &[usize] = match bench.quick {
        true => &[300, 3_000],
        false => &[300, 3_000, 30_000, 300_000],
    };
    let mut houses = Vec::new();
    for &size in sizes {
        let url = bench.hubs.url(size)?;
        let path = bench.file(&format!("growth-{size}.db"));
        // Fast: waiting for the disk would hide what grows.
        let client = bench
            .runtime
            .block_on(client::open(&path, Durability::Fast, Some(&url)))?;
        bench.runtime.block_on(client::sync(&client))?;
        houses.push(House {
            size,
            client,
            ids: hub::device_ids(size)?,
            write: Vec::new(),
            read: Vec::new(),
            sync: Vec::new(),
        });
    }
    // Edits wait to be sent once there are any, so syncs come first.
    for round in 0..bench.pick(40, 5) {
        turn(&mut houses, round, |house| {
            bench.hubs.of(house.size)?.change_one()?;
            house
                .sync
                .push(millis(|| bench.runtime.block_on(client::sync(&house.client)))?);
            Ok(())
        })?;
    }
    for round in 0..bench.pick(200, 10) {
        turn(&mut houses, round, |house| {
            for id in house.burst(round) {
                house.read.push(millis(|| {
                    bench.runtime.block_on(client::device(&house.client, &id))
                })?);
            }
            Ok(())
        })?;
    }
    for round in 0..bench.pick(100, 5) {
        turn(&mut houses, round, |house| {
            for id in house.burst(round) {
                let write = client::set_brightness(&house.client, &id, round);
                house.write.push(millis(|| bench.runtime.block_on(write))?);
            }
            Ok(())
        })?;
    }
    let column = |what: &str, of: fn(&mut House) -> &mut Vec<f64>, houses: &mut [House]| {
        let medians: Vec<(usize, f64)> = houses
            .iter_mut()
            .map(|house| (house.size, median(of(house))))
            .collect();
        let Some(&(least, baseline)) = medians.first() else {
            return Vec::new();
        };
        medians[1..]
            .iter()
            .map(|&(size, value)| Row {
                what: format!("growth: {what} at {size} records"),
                value: Some(value),
                unit: "ms",
                baseline: Some(baseline),
                baseline_is: format!("the same at {least}"),
                budget: Budget::Times(1.3),
            })
            .collect()
    };
    let rows = [
        column("write", |house| &mut house.write, &mut houses),
        column("point read", |house| &mut house.read, &mut houses),
        column("1-change sync", |house| &mut house.sync, &mut houses),
    ];
    rows.into_iter().flatten().for_each(|row| bench.report.add(row));
    for house in houses {
        bench.runtime.block_on(house.client.shutdown());
    }
    Ok(())
}

/// One round over all sizes, up and down by turns: who comes after whom matters
/// to the processor's caches and to the scheduler.
fn turn(houses: &mut [House], round: usize, mut visit: impl FnMut(&mut House) -> Outcome) -> Outcome {
    match round % 2 {
        0 => houses.iter_mut().try_for_each(&mut visit),
        _ => houses.iter_mut().rev().try_for_each(&mut visit),
    }
}

impl House {
    /// Ten of a hundred devices, wherever they are: what a program looks at is few
    /// things, over and over.
    fn burst(&self, round: usize) -> Vec<String> {
        let places = (0..10).map(|call| (round % 10 * 10 + call) * 7_919 % self.ids.len());
        places.map(|place| self.ids[place].clone()).collect()
    }
}
