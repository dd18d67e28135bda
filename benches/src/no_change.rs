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
    let beside = Beside {
        what: "no-change sync",
        trips: "its two round trips",
        budget: Budget::AtMost(1.0),
        rounds: bench.pick(12, 3),
        turns: bench.pick(50, 5),
    };
    let rows = beside.rows(
        || runtime.block_on(client::sync(&client)).map(drop),
        || runtime.block_on(round_trips()),
    )?;
    rows.into_iter().for_each(|row| bench.report.add(row));
    runtime.block_on(client.shutdown());
    Ok(())
}

/// A sync beside its round trips, by hand.
pub(crate) struct Beside {
    pub(crate) what: &'static str,
    /// What is by hand.
    pub(crate) trips: &'static str,
    /// For the CPU time beyond the round trips.
    pub(crate) budget: Budget,
    pub(crate) rounds: usize,
    /// How often each is done in a round.
    pub(crate) turns: usize,
}

impl Beside {
    /// Measures time and CPU time.
    pub(crate) fn rows(
        &self,
        mut ours: impl FnMut() -> Outcome,
        mut theirs: impl FnMut() -> Outcome,
    ) -> Outcome<[Row; 2]> {
        // Both once, so that connections and threads are there.
        theirs()?;
        ours()?;
        let mut samples: [Vec<f64>; 4] = Default::default();
        for _ in 0..self.rounds {
            let (took, burnt) = cost(self.turns, &mut ours)?;
            samples[0].push(took);
            samples[1].extend(burnt);
            let (took, burnt) = cost(self.turns, &mut theirs)?;
            samples[2].push(took);
            samples[3].extend(burnt);
        }
        let [took, burnt, plain_took, plain_burnt] = samples.each_mut().map(|samples| median(samples));
        let time = Row {
            what: self.what.into(),
            value: Some(took),
            unit: "ms",
            baseline: Some(plain_took),
            baseline_is: self.trips.into(),
            budget: Budget::Open,
        };
        let cpu = Row {
            what: format!("{}, own CPU beyond its round trips", self.what),
            value: Some(burnt - plain_burnt).filter(|cpu| cpu.is_finite()),
            unit: "ms",
            baseline: None,
            baseline_is: match burnt.is_finite() {
                true => format!("{burnt:.2} ms in all, {plain_burnt:.2} ms for the round trips"),
                false => "this system does not tell CPU time so".into(),
            },
            budget: self.budget,
        };
        Ok([time, cpu])
    }
}

/// (time, CPU time) of one of `turns` calls, in milliseconds.
fn cost(turns: usize, work: &mut impl FnMut() -> Outcome) -> Outcome<(f64, Option<f64>)> {
    let before = cpu_millis();
    let took = millis(|| (0..turns).try_for_each(|_| work()))?;
    let burnt = before
        .zip(cpu_millis())
        .map(|(before, after)| (after - before) / turns as f64);
    Ok((took / turns as f64, burnt))
}
