//! The first sync over loopback, beside a program that fetches the same pages
//! with the same HTTP library and writes them into the same tables.

use wildthing::client::Durability;

use crate::measure::{in_turns, millis};
use crate::plain::{self, Fetcher};
use crate::report::{Budget, Row};
use crate::{Bench, Outcome, client};

pub(crate) fn run(bench: &mut Bench) -> Outcome {
    for (size, rounds, most) in [(300, bench.pick(25, 3), 100.0), (3_000, bench.pick(11, 3), 500.0)] {
        let url = bench.hubs.url(size)?;
        let runtime = &bench.runtime;
        let expect = |count: usize| match count == size {
            true => Ok(()),
            false => Err(format!("{count} records came instead of {size}")),
        };
        let (ours, theirs) = in_turns(
            rounds,
            |round| {
                let path = bench.file(&format!("first-{size}-{round}.db"));
                let client = runtime.block_on(client::open(&path, Durability::Full, Some(&url)))?;
                let took = millis(|| Ok(expect(runtime.block_on(client::sync(&client))? as usize)?))?;
                runtime.block_on(client.shutdown());
                Ok(took)
            },
            |round| {
                let path = bench.file(&format!("first-{size}-{round}-plain.db"));
                let mut connection = plain::database(&path, "NORMAL")?;
                let fetcher = Fetcher::new(&url)?;
                millis(|| Ok(expect(runtime.block_on(fetcher.first_sync(&mut connection))?)?))
            },
        )?;
        bench.report.add(Row {
            what: format!("first sync of {size} entities"),
            value: Some(ours),
            unit: "ms",
            baseline: Some(theirs),
            baseline_is: "fetched, parsed and inserted by hand".into(),
            budget: Budget::Times(1.5),
        });
        bench.report.add(Row {
            what: format!("first sync of {size} entities, in all"),
            value: Some(ours),
            unit: "ms",
            baseline: None,
            baseline_is: String::new(),
            budget: Budget::AtMost(most),
        });
    }
    Ok(())
}
