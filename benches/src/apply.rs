//! Applying pulled records: pages that are in memory already, into a new file,
//! beside prepared statements by hand.

use wildthing::hub::sample_house;
use wildthing::model::{Kind, Timestamp};
use wildthing::protocol::v1::{Operation, WireChange};
use wildthing::seam::{RealSeam, Seam as _};
use wildthing::store::metadata::LeaseOwner;
use wildthing::store::pull::Page;
use wildthing::store::{Store, StoreOptions};

use crate::measure::{in_turns, millis};
use crate::report::{Budget, Row};
use crate::{Bench, Outcome, plain};

const PAGE: usize = 1_000;

pub(crate) fn run(bench: &mut Bench) -> Outcome {
    let count = bench.pick(100_000, 5_000);
    let rounds = bench.pick(5, 2);
    let changes: Vec<WireChange> = sample_house(count)?
        .into_iter()
        .map(|version| WireChange {
            version,
            operation: Operation::Create,
            bases: Vec::new(),
        })
        .collect();
    let bytes: usize = changes
        .iter()
        .map(|change| change.encode().to_string().len())
        .sum();
    let pages: Vec<Page> = changes.chunks(PAGE).map(page).collect();
    let (ours, theirs) = in_turns(
        rounds,
        |round| {
            let store = Store::open(
                StoreOptions {
                    path: Some(bench.file(&format!("apply-{round}.db"))),
                    full_sync: true,
                    echo: false,
                },
                RealSeam::shared(),
            )?;
            let owner = LeaseOwner {
                id: "bench".into(),
                pid: None,
            };
            let mut generation = store.begin_sync(&owner)?.ok_or("the lease is held")?.generation;
            // What the caller of the store does to hand over a page is not applying it.
            let mut pages = pages.clone();
            millis(|| {
                for page in &mut pages {
                    page.generation = generation;
                    generation = store.apply_page(&owner, page)?.ok_or("overtaken")?.generation;
                }
                Ok(())
            })
        },
        |round| {
            let mut connection = plain::database(&bench.file(&format!("apply-{round}-plain.db")), "NORMAL")?;
            millis(|| {
                for (number, changes) in changes.chunks(PAGE).enumerate() {
                    plain::apply(&mut connection, changes, u32::try_from(number)?)?;
                }
                Ok(())
            })
        },
    )?;
    let per_second = |millis: f64| count as f64 / millis * 1e3;
    bench.report.add(Row {
        what: format!("applying {count} pulled records of {} B", bytes / count),
        value: Some(per_second(ours)),
        unit: "/s",
        baseline: Some(per_second(theirs)),
        baseline_is: "rusqlite by hand, a transaction a page".into(),
        budget: Budget::AtLeastTimes(0.8),
    });
    Ok(())
}

fn page(changes: &[WireChange]) -> Page {
    Page {
        generation: 0,
        kinds: Kind::V1.to_vec(),
        server_time: Timestamp::from_micros(RealSeam.now().micros()),
        changes: changes.to_vec(),
        conflicts: Vec::new(),
        identity: Some(("hub".into(), "epoch".into())),
        completes_resync: false,
        digest: None,
        digest_interval: 0,
        graph: None,
    }
}
