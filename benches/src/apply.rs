//! Applying pulled records: pages that are in memory already, into a new file,
//! beside prepared statements by hand.

use wildthing::hub::sample_house;
use wildthing::hub::v2::sample_graph;
use wildthing::model::{Kind, Timestamp};
use wildthing::protocol::Protocol;
use wildthing::protocol::v1::{Operation, WireChange};
use wildthing::protocol::v2::{PAGE_CHANGES, entity_record};
use wildthing::seam::{RealSeam, Seam as _};
use wildthing::store::graph::pull::GraphPage;
use wildthing::store::metadata::{GraphWatermark, LeaseOwner};
use wildthing::store::pull::Page;
use wildthing::store::{Store, StoreOptions};

use crate::measure::{in_turns, millis};
use crate::report::{Budget, Row};
use crate::{Bench, Outcome, plain};

const PAGE: usize = 1_000;

/// Records that come, and what the row calls them.
struct Pulled {
    prefix: &'static str,
    changes: Vec<WireChange>,
    bytes: usize,
    protocol: Protocol,
    page: usize,
    /// What has a watermark.
    marks: Vec<&'static str>,
}

pub(crate) fn run(bench: &mut Bench) -> Outcome {
    let changes: Vec<WireChange> = sample_house(bench.pick(100_000, 5_000))?
        .into_iter()
        .map(|version| WireChange {
            version,
            operation: Operation::Create,
            bases: Vec::new(),
        })
        .collect();
    let bytes = changes
        .iter()
        .map(|change| change.encode().to_string().len())
        .sum();
    compare(
        bench,
        &Pulled {
            prefix: "",
            changes,
            bytes,
            protocol: Protocol::V1,
            page: PAGE,
            marks: vec!["house", "room", "device", "user", "entity_state", "event"],
        },
    )
}

/// The same with entities of a graph, in pages as its servers make them.
pub(crate) fn run_graph(bench: &mut Bench) -> Outcome {
    let (mut changes, mut bytes) = (Vec::new(), 0);
    for mut change in sample_graph(bench.pick(100_000, 5_000))? {
        change.relationships.clear();
        bytes += change.encode().to_string().len();
        let Some(entity) = change.entity else { continue };
        let (version, bases) = entity_record(change.change_type, entity)?;
        changes.push(WireChange {
            version,
            operation: Operation::Update,
            bases,
        });
    }
    compare(
        bench,
        &Pulled {
            prefix: "v2 ",
            changes,
            bytes,
            protocol: Protocol::V2,
            page: PAGE_CHANGES,
            marks: vec!["graph"],
        },
    )
}

fn compare(bench: &mut Bench, pulled: &Pulled) -> Outcome {
    let count = pulled.changes.len();
    let pages: Vec<Page> = pulled
        .changes
        .chunks(pulled.page)
        .map(|changes| page(changes, pulled.protocol))
        .collect();
    let (ours, theirs) = in_turns(
        bench.pick(5, 2),
        |round| {
            let store = Store::open(
                StoreOptions {
                    path: Some(bench.file(&format!("apply-{:?}-{round}.db", pulled.protocol))),
                    full_sync: true,
                    echo: false,
                },
                RealSeam::shared(),
            )?;
            let owner = LeaseOwner {
                id: "bench".into(),
                pid: None,
            };
            if store.choose_protocol(pulled.protocol, false)?.is_err() {
                return Err("a new replica speaks another protocol".into());
            }
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
            let path = bench.file(&format!("apply-{:?}-{round}-plain.db", pulled.protocol));
            let mut connection = plain::database(&path, "NORMAL")?;
            millis(|| {
                for (number, changes) in pulled.changes.chunks(pulled.page).enumerate() {
                    plain::apply(&mut connection, changes, &pulled.marks, u32::try_from(number)?)?;
                }
                Ok(())
            })
        },
    )?;
    let per_second = |millis: f64| count as f64 / millis * 1e3;
    bench.report.add(Row {
        what: format!(
            "{}applying {count} pulled records of {} B",
            pulled.prefix,
            pulled.bytes / count
        ),
        value: Some(per_second(ours)),
        unit: "/s",
        baseline: Some(per_second(theirs)),
        baseline_is: "rusqlite by hand, a transaction a page".into(),
        budget: Budget::AtLeastTimes(0.8),
    });
    Ok(())
}

fn page(changes: &[WireChange], protocol: Protocol) -> Page {
    let now = Timestamp::from_micros(RealSeam.now().micros());
    let graph = (protocol == Protocol::V2).then(|| GraphPage {
        watermark: GraphWatermark {
            server_time: Some(now),
            cursor: Some("1".into()),
        },
        // As in the first loop of a new replica.
        kinds_may_differ: false,
    });
    Page {
        generation: 0,
        kinds: match graph {
            Some(_) => Vec::new(),
            None => Kind::V1.to_vec(),
        },
        server_time: now,
        changes: changes.to_vec(),
        conflicts: Vec::new(),
        identity: graph.is_none().then(|| ("hub".into(), "epoch".into())),
        completes_resync: false,
        digest: None,
        digest_interval: 0,
        graph,
    }
}
