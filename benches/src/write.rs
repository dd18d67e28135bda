//! A local write, beside one bare transaction with the same inserts and the
//! same durability.

use rusqlite::{Connection, TransactionBehavior, params};
use wildthing::client::{Durability, WildThingClient};

use crate::hub::House;
use crate::measure::{median, millis};
use crate::report::{Budget, Row};
use crate::{Bench, Outcome, client, plain};

const SIZE: usize = 300;

/// The ways to write that are measured.
#[derive(Clone, Copy)]
enum Way {
    /// The state of a device of v1, a record of its own.
    State,
    /// The state of a device in a graph, which is part of the device.
    GraphState,
    /// The name of a device in a graph, which is in a room by an edge.
    GraphName,
}

pub(crate) fn run(bench: &mut Bench) -> Outcome {
    compare(bench, Way::State, Durability::Full)?;
    compare(bench, Way::State, Durability::Fast)
}

/// The same in a graph.
pub(crate) fn run_graph(bench: &mut Bench) -> Outcome {
    for way in [Way::GraphName, Way::GraphState] {
        compare(bench, way, Durability::Full)?;
        compare(bench, way, Durability::Fast)?;
    }
    Ok(())
}

fn compare(bench: &mut Bench, way: Way, durability: Durability) -> Outcome {
    let (synchronous, budget) = match durability {
        Durability::Full => ("FULL", Budget::Times(2.0)),
        Durability::Fast => ("NORMAL", Budget::Open),
    };
    let (house, what) = match way {
        Way::State => (House::V1(SIZE), "local write"),
        Way::GraphState => (House::V2(SIZE), "v2 local write of a state"),
        Way::GraphName => (House::V2(SIZE), "v2 local write of a placed device"),
    };
    let url = bench.hubs.url_of(house)?;
    let ids = house.device_ids()?;
    let path = bench.file(&format!("{what} {synchronous}.db"));
    let runtime = &bench.runtime;
    let client = runtime.block_on(client::open(&path, durability, Some(&url)))?;
    runtime.block_on(client::sync(&client))?;
    let mut connection = plain::database(
        &bench.file(&format!("{what} {synchronous} plain.db")),
        synchronous,
    )?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..bench.pick(600, 30) {
        let id = &ids[round % ids.len()];
        ours.push(millis(|| runtime.block_on(way.write(&client, id, round)))?);
        theirs.push(millis(|| bare(&mut connection, way, id, round))?);
    }
    bench.report.add(Row {
        what: format!("{what}, p50, {synchronous}"),
        value: Some(median(&mut ours)),
        unit: "ms",
        baseline: Some(median(&mut theirs)),
        baseline_is: "one bare transaction, same inserts".into(),
        budget,
    });
    runtime.block_on(client.shutdown());
    Ok(())
}

impl Way {
    async fn write(self, client: &WildThingClient, id: &str, round: usize) -> Outcome {
        match self {
            Way::State | Way::GraphState => client::set_brightness(client, id, round).await,
            Way::GraphName => client::rename(client, id, format!("Name {round}")).await,
        }
    }

    /// Kind, what it is in, and body of the record that is written.
    fn record(self, id: &str, round: usize) -> (&'static str, String, String) {
        let brightness = match self {
            Way::GraphName => 1,
            _ => round,
        };
        match self {
            Way::State => (
                "entity_state",
                id.to_owned(),
                format!(
                    r#"{{"source":"wildthing","state_json":"{{\"brightness\":{brightness},\"power\":\"on\"}}","state_type":"state","state_value":"on"}}"#
                ),
            ),
            _ => (
                "device",
                "room-123".to_owned(),
                format!(
                    r#"{{"content":{{"capabilities":["on_off","brightness"],"device_type":"light","manufacturer":"Philips","model":"Hue White A19","state":{{"brightness":{brightness},"power":"on"}}}},"source_type":"generated","user_id":"01939c3e-7b00-7000-8000-000000000000"}}"#
                ),
            ),
        }
    }
}

/// What a write leaves on disk: record, outbox, mirror, history and two counters.
fn bare(connection: &mut Connection, way: Way, id: &str, round: usize) -> Outcome {
    let (time, sync_id) = (
        "2026-01-01T08:00:00.000000",
        "01939c3e-7b00-7000-8000-000000000000",
    );
    let (kind, parent, body) = way.record(id, round);
    let version = format!(
        r#"{{"kind":"{kind}","id":"{id}","parent_id":"{parent}","name":null,"body":{body},"created_at":"{time}","updated_at":"{time}","sync_id":"{sync_id}","deleted":false}}"#
    );
    let bases = format!("[{sync_id:?}]");
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction
        .prepare_cached("UPDATE sync_metadata SET edit_seq = edit_seq + 1, change_seq = change_seq + 1")?
        .execute([])?;
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO mirror (kind, id, sync_id, deleted, version, bases) VALUES (?1, ?2, ?3, 0, ?4, '[]')",
        )?
        .execute([kind, id, sync_id, &version])?;
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO outbox (kind, id, op, rank, edit_seq, state, bases)
             VALUES (?1, ?2, 'update', 4, ?3, 'queued', ?4)",
        )?
        .execute(params![kind, id, round as u32, bases])?;
    transaction
        .prepare_cached("INSERT INTO history (kind, id, version, superseded_at) VALUES (?1, ?2, ?3, ?4)")?
        .execute([kind, id, &version, time])?;
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO records (kind, id, parent_id, body, created_at, updated_at, sync_id, deleted,
                 sync_status, change_seq, last_change)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, 0, 'pending', ?7, 'updated local')",
        )?
        .execute(params![kind, id, parent, body, time, sync_id, round as u32])?;
    transaction.commit()?;
    Ok(())
}
