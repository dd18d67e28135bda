//! A sync with nothing to do: its round trips, and what the engine's own threads
//! burn beside a program that makes the same round trips with the same transport.

use wildthing::client::Durability;
use wildthing::model::{Kind, Timestamp};
use wildthing::protocol::v1::{ACK_PATH, Ack, REQUEST_PATH, SyncRequest};
use wildthing::seam::{RealSeam, Seam as _};
use wildthing::transport::{HttpOptions, HttpTransport, Request, Transport};

use crate::measure::{cpu_millis, median, millis};
use crate::report::{Budget, Row};
use crate::{Bench, Outcome, client};

pub(crate) fn run(bench: &mut Bench) -> Outcome {
    let size = bench.pick(3_000, 300);
    let (rounds, turns) = (bench.pick(12, 3), bench.pick(50, 5));
    let url = bench.hubs.url(size)?;
    let path = bench.file("no-change.db");
    let runtime = &bench.runtime;
    let client = runtime.block_on(client::open(&path, Durability::Full, Some(&url)))?;
    runtime.block_on(client::sync(&client))?;

    let transport = HttpTransport::new(HttpOptions::new(&url))?;
    let watermark: String = rusqlite::Connection::open(&path)?.query_row(
        "SELECT min(server_time) FROM watermarks",
        [],
        |row| row.get(0),
    )?;
    let request = SyncRequest {
        client_id: "by-hand".into(),
        last_sync: Timestamp::parse(&watermark).ok(),
        kinds: Kind::V1.to_vec(),
        include_deleted: true,
        state_digest: false,
    };
    let round_trips = async || -> Outcome {
        for (path, body) in [
            (REQUEST_PATH, request.encode()),
            (
                ACK_PATH,
                Ack {
                    client_id: "by-hand".into(),
                    sync_completed_at: RealSeam.now(),
                }
                .encode(),
            ),
        ] {
            let body = body.to_string().into_bytes();
            transport.send(Request::post(path, body)).await?;
        }
        Ok(())
    };
    // Both once, so that connections and threads are there.
    runtime.block_on(round_trips())?;
    runtime.block_on(client::sync(&client))?;

    let mut samples: [Vec<f64>; 4] = Default::default();
    for _ in 0..rounds {
        let (took, burnt) = cost(turns, || runtime.block_on(client::sync(&client)).map(drop))?;
        samples[0].push(took);
        samples[1].extend(burnt);
        let (took, burnt) = cost(turns, || runtime.block_on(round_trips()))?;
        samples[2].push(took);
        samples[3].extend(burnt);
    }
    let [took, burnt, plain_took, plain_burnt] = samples.each_mut().map(|samples| median(samples));
    bench.report.add(Row {
        what: "no-change sync".into(),
        value: Some(took),
        unit: "ms",
        baseline: Some(plain_took),
        baseline_is: "its two round trips".into(),
        budget: Budget::Open,
    });
    bench.report.add(Row {
        what: "no-change sync, own CPU beyond its round trips".into(),
        value: Some(burnt - plain_burnt).filter(|cpu| cpu.is_finite()),
        unit: "ms",
        baseline: None,
        baseline_is: match burnt.is_finite() {
            true => format!("{burnt:.2} ms in all, {plain_burnt:.2} ms for the round trips"),
            false => "this system does not tell CPU time so".into(),
        },
        budget: Budget::AtMost(1.0),
    });
    runtime.block_on(client.shutdown());
    Ok(())
}

/// (time, CPU time) of one of `turns` calls, in milliseconds.
fn cost(turns: usize, mut work: impl FnMut() -> Outcome) -> Outcome<(f64, Option<f64>)> {
    let before = cpu_millis();
    let took = millis(|| (0..turns).try_for_each(|_| work()))?;
    let burnt = before
        .zip(cpu_millis())
        .map(|(before, after)| (after - before) / turns as f64);
    Ok((took / turns as f64, burnt))
}
