//! The first sync over loopback, beside a program that fetches the same pages
//! with the same HTTP library and writes them into the same tables.

use wildthing::client::Durability;

use crate::hub::House;
use crate::measure::{in_turns, millis};
use crate::plain::{self, Fetcher};
use crate::report::{Budget, Row};
use crate::{Bench, Outcome, client, graph_hub, plain_graph};

pub(crate) fn run(bench: &mut Bench) -> Outcome {
    compare(bench, House::V1(300), bench.pick(25, 3), 100.0)?;
    compare(bench, House::V1(3_000), bench.pick(11, 3), 500.0)
}

/// The same with the edges of a graph.
pub(crate) fn run_graph(bench: &mut Bench) -> Outcome {
    compare(bench, House::V2(300), bench.pick(25, 3), 100.0)?;
    compare(bench, House::V2(3_000), bench.pick(11, 3), 500.0)
}

fn compare(bench: &mut Bench, house: House, rounds: usize, most: f64) -> Outcome {
    let url = bench.hubs.url_of(house)?;
    let runtime = &bench.runtime;
    let records = match house {
        House::V1(size) => size,
        House::V2(size) => size + graph_hub::edge_count(size),
    };
    let expect = |count: usize| match count == records {
        true => Ok(()),
        false => Err(format!("{count} records came instead of {records}")),
    };
    let (ours, theirs) = in_turns(
        rounds,
        |round| {
            let path = bench.file(&format!("first-{house:?}-{round}.db"));
            let client = runtime.block_on(client::open(&path, Durability::Full, Some(&url)))?;
            let took = millis(|| Ok(expect(runtime.block_on(client::sync(&client))? as usize)?))?;
            runtime.block_on(client.shutdown());
            Ok(took)
        },
        |round| {
            let path = bench.file(&format!("first-{house:?}-{round}-plain.db"));
            let mut connection = plain::database(&path, "NORMAL")?;
            let fetcher = Fetcher::new(&url)?;
            millis(|| {
                let fetched = runtime.block_on(async {
                    match house {
                        House::V1(_) => fetcher.first_sync(&mut connection).await,
                        House::V2(_) => plain_graph::first_sync(&fetcher, &mut connection).await,
                    }
                });
                Ok(expect(fetched?)?)
            })
        },
    )?;
    let what = format!("{}first sync of {} entities", house.prefix(), house.size());
    bench.report.add(Row {
        what: what.clone(),
        value: Some(ours),
        unit: "ms",
        baseline: Some(theirs),
        baseline_is: "fetched, parsed and inserted by hand".into(),
        budget: Budget::Times(1.5),
    });
    bench.report.add(Row {
        what: format!("{what}, in all"),
        value: Some(ours),
        unit: "ms",
        baseline: None,
        baseline_is: String::new(),
        budget: Budget::AtMost(most),
    });
    Ok(())
}
