//! How soon a reader of the change stream has what was committed, beside the
//! bare channel it comes through.

use std::sync::{Arc, mpsc};
use std::time::Instant;

use tokio::sync::broadcast;
use wildthing::client::{Durability, Observed};
use wildthing::hub::sample_house;
use wildthing::model::Kind;
use wildthing::observe::Broadcaster;
use wildthing::seam::RealSeam;
use wildthing::store::{Store, StoreOptions};

use crate::measure::percentile;
use crate::report::{Budget, Row};
use crate::{Bench, Outcome, client};

pub(crate) fn run(bench: &mut Bench) -> Outcome {
    let rounds = bench.pick(2_000, 100);
    let mut delivered = delivery(bench, rounds)?;
    let mut hopped = hops(bench, rounds)?;
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        bench.report.add(Row {
            what: format!("commit to reader, {name}"),
            value: Some(percentile(&mut delivered, share)),
            unit: "us",
            baseline: Some(percentile(&mut hopped, share)),
            baseline_is: "a hop through a tokio broadcast channel".into(),
            budget: Budget::Open,
        });
    }
    flood(bench)
}

/// From the moment the listener hears of a commit to the reader's having it, in microseconds.
fn delivery(bench: &Bench, rounds: usize) -> Outcome<Vec<f64>> {
    let options = StoreOptions {
        path: Some(bench.file("events.db")),
        full_sync: false,
        echo: false,
    };
    let store = Store::open(options, RealSeam::shared())?;
    let broadcaster = Arc::new(Broadcaster::default());
    let mut changes = Arc::new(broadcaster.stream()).events();
    let (committed, commits) = mpsc::channel();
    store.set_listener(Some(Arc::new(move |commit| {
        let _ = committed.send(Instant::now());
        broadcaster.committed(commit);
    })));
    let (seen, sightings) = mpsc::channel();
    bench.runtime.spawn(async move {
        while let Some(Observed::Change(_)) = changes.next().await {
            let _ = seen.send(Instant::now());
        }
    });
    let house = sample_house(300)?;
    let device = house.iter().find(|version| version.key.kind == Kind::Device);
    let device = device.ok_or("a house without a device")?;
    let mut samples = Vec::new();
    for round in 0..rounds {
        store.edit(&device.key, |_| {
            let mut version = device.clone();
            version.name = Some(format!("Name {round}"));
            version
        })?;
        let (from, to) = (commits.recv()?, sightings.recv()?);
        samples.push(to.saturating_duration_since(from).as_secs_f64() * 1e6);
    }
    store.set_listener(None);
    Ok(samples)
}

/// The same through a bare channel.
fn hops(bench: &Bench, rounds: usize) -> Outcome<Vec<f64>> {
    let (sender, mut receiver) = broadcast::channel(1_024);
    let (seen, sightings) = mpsc::channel();
    bench.runtime.spawn(async move {
        while receiver.recv().await.is_ok() {
            let _ = seen.send(Instant::now());
        }
    });
    let mut samples = Vec::new();
    for round in 0..rounds {
        let from = Instant::now();
        sender.send(round)?;
        samples.push(sightings.recv()?.saturating_duration_since(from).as_secs_f64() * 1e6);
    }
    Ok(samples)
}

/// Events while many records are pulled, and what a listener costs the pull.
fn flood(bench: &mut Bench) -> Outcome {
    let size = bench.pick(10_000, 1_000);
    let url = bench.hubs.url(size)?;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let mut lost = 0;
    for round in 0..bench.pick(5, 2) {
        for listens in [true, false] {
            let path = bench.file(&format!("flood-{round}-{listens}.db"));
            let (took, missed) = bench.runtime.block_on(pull(&path, &url, listens))?;
            lost = lost.max(missed);
            let samples = if listens { &mut with } else { &mut without };
            samples.push(size as f64 / took);
        }
    }
    bench.report.add(Row {
        what: format!("events while {size} records are pulled"),
        value: Some(percentile(&mut with, 0.5)),
        unit: "/s",
        baseline: Some(percentile(&mut without, 0.5)),
        baseline_is: format!("records pulled with nobody listening; at most {lost} events were missed"),
        budget: Budget::Open,
    });
    Ok(())
}

/// Pulls a house; (seconds until the reader heard of the end, events it missed).
async fn pull(path: &std::path::Path, url: &str, listens: bool) -> Outcome<(f64, u64)> {
    let client = client::open(path, Durability::Full, Some(url)).await?;
    let reader = listens.then(|| {
        let mut changes = client.changes().events();
        tokio::spawn(async move {
            let mut missed = 0;
            loop {
                match changes.next().await {
                    Some(Observed::Lagged(count)) => missed += count,
                    Some(Observed::Change(change)) if change.word() != "sync_completed" => {}
                    _ => return missed,
                }
            }
        })
    });
    let start = Instant::now();
    client::sync(&client).await?;
    let missed = match reader {
        Some(reader) => reader.await?,
        None => 0,
    };
    let took = start.elapsed().as_secs_f64();
    client.shutdown().await;
    Ok((took, missed))
}
