//! Calls a second through the public API, beside the SQL that answers them.

use rusqlite::Connection;
use serde_json::Value;
use wildthing::client::Durability;

use crate::measure::{in_turns, millis};
use crate::report::{Budget, Row};
use crate::{Bench, Outcome, client, hub};

const DEVICE: &str = "
    SELECT device.id, device.name, device.body, device.created_at, device.updated_at, device.sync_id, room.id,
           (SELECT state.body FROM records AS state
            WHERE state.kind = 'entity_state' AND state.parent_id = device.id AND NOT state.deleted
            ORDER BY state.updated_at DESC, state.sync_id DESC LIMIT 1)
    FROM records AS device
    LEFT JOIN records AS room ON room.kind = 'room' AND room.id = device.parent_id AND NOT room.deleted
    WHERE device.kind = 'device' AND NOT device.deleted";

pub(crate) fn run(bench: &mut Bench) -> Outcome {
    // A sample house of so many has 300 devices.
    let size = bench.pick(700, 300);
    let (rounds, calls) = (bench.pick(15, 3), bench.pick(200, 10));
    let url = bench.hubs.url(size)?;
    let path = bench.file("calls.db");
    let runtime = &bench.runtime;
    let client = runtime.block_on(client::open(&path, Durability::Full, Some(&url)))?;
    runtime.block_on(client::sync(&client))?;
    let ids = hub::device_ids(size)?;
    let id = |call: usize| ids[call % ids.len()].as_str();
    let connection = Connection::open(&path)?;

    let one = in_turns(
        rounds,
        |_| many(calls, |call| runtime.block_on(client::device(&client, id(call)))),
        |_| many(calls, |call| read(&connection, Some(id(call))).map(drop)),
    )?;
    let all = in_turns(
        rounds,
        |_| {
            many(calls / 10, |_| {
                runtime.block_on(client::devices(&client)).map(drop)
            })
        },
        |_| many(calls / 10, |_| read(&connection, None).map(drop)),
    )?;
    for (what, (ours, theirs)) in [
        ("get_device".to_owned(), one),
        (format!("get_devices, {} devices", read(&connection, None)?), all),
    ] {
        bench.report.add(Row {
            what: format!("calls: {what}"),
            value: Some(ours),
            unit: "/s",
            baseline: Some(theirs),
            baseline_is: "one SQL query, its JSON parsed".into(),
            budget: Budget::Open,
        });
    }
    runtime.block_on(client.shutdown());
    Ok(())
}

/// Calls a second.
fn many(calls: usize, mut call: impl FnMut(usize) -> Outcome) -> Outcome<f64> {
    Ok(calls as f64 / millis(|| (0..calls).try_for_each(&mut call))? * 1e3)
}

/// Reads one device or all of them; how many there were.
fn read(connection: &Connection, id: Option<&str>) -> Outcome<usize> {
    let condition = if id.is_some() { "AND device.id = ?1" } else { "" };
    let mut statement = connection.prepare_cached(&format!("{DEVICE} {condition} ORDER BY device.name"))?;
    let mut rows = statement.query(rusqlite::params_from_iter(id))?;
    let mut devices: Vec<(Vec<Option<String>>, Value, Value)> = Vec::new();
    while let Some(row) = rows.next()? {
        let texts = [0, 1, 3, 4, 5, 6].into_iter().map(|column| row.get(column));
        let body: Value = serde_json::from_str(row.get_ref(2)?.as_str()?)?;
        let state: Option<String> = row.get(7)?;
        let state = state
            .as_deref()
            .map(serde_json::from_str)
            .transpose()?
            .unwrap_or_default();
        devices.push((texts.collect::<Result<_, _>>()?, body, state));
    }
    Ok(std::hint::black_box(devices).len())
}
