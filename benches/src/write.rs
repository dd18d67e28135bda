//! A local write, beside one bare transaction with the same inserts and the
//! same durability.

use rusqlite::{Connection, TransactionBehavior, params};
use wildthing::client::Durability;

use crate::measure::{median, millis};
use crate::report::{Budget, Row};
use crate::{Bench, Outcome, client, hub, plain};

pub(crate) fn run(bench: &mut Bench) -> Outcome {
    const SIZE: usize = 300;
    let rounds = bench.pick(600, 30);
    for (durability, synchronous, budget) in [
        (Durability::Full, "FULL", Budget::Times(2.0)),
        (Durability::Fast, "NORMAL", Budget::Open),
    ] {
        let url = bench.hubs.url(SIZE)?;
        let ids = hub::device_ids(SIZE)?;
        let path = bench.file(&format!("write-{synchronous}.db"));
        let runtime = &bench.runtime;
        let client = runtime.block_on(client::open(&path, durability, Some(&url)))?;
        runtime.block_on(client::sync(&client))?;
        let mut connection =
            plain::database(&bench.file(&format!("write-{synchronous}-plain.db")), synchronous)?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            let id = &ids[round % ids.len()];
            ours.push(millis(|| {
                runtime.block_on(client::set_brightness(&client, id, round))
            })?);
            theirs.push(millis(|| bare(&mut connection, id, round))?);
        }
        bench.report.add(Row {
            what: format!("local write, p50, {synchronous}"),
            value: Some(median(&mut ours)),
            unit: "ms",
            baseline: Some(median(&mut theirs)),
            baseline_is: "one bare transaction, same inserts".into(),
            budget,
        });
        runtime.block_on(client.shutdown());
    }
    Ok(())
}

/// What a write leaves on disk: record, outbox, mirror, history and two counters.
fn bare(connection: &mut Connection, id: &str, round: usize) -> Outcome {
    let (time, sync_id) = (
        "2026-01-01T08:00:00.000000",
        "01939c3e-7b00-7000-8000-000000000000",
    );
    let body = format!(
        r#"{{"source":"wildthing","state_json":"{{\"brightness\":{round},\"power\":\"on\"}}","state_type":"state","state_value":"on"}}"#
    );
    let version = format!(
        r#"{{"kind":"entity_state","id":"{id}","parent_id":"{id}","name":null,"body":{body},"created_at":"{time}","updated_at":"{time}","sync_id":"{sync_id}","deleted":false}}"#
    );
    let bases = format!("[{sync_id:?}]");
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction
        .prepare_cached("UPDATE sync_metadata SET edit_seq = edit_seq + 1, change_seq = change_seq + 1")?
        .execute([])?;
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO mirror (kind, id, sync_id, deleted, version, bases) VALUES ('entity_state', ?1, ?2, 0, ?3, '[]')",
        )?
        .execute([id, sync_id, &version])?;
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO outbox (kind, id, op, rank, edit_seq, state, bases)
             VALUES ('entity_state', ?1, 'update', 4, ?2, 'queued', ?3)",
        )?
        .execute(params![id, round as u32, bases])?;
    transaction
        .prepare_cached(
            "INSERT INTO history (kind, id, version, superseded_at) VALUES ('entity_state', ?1, ?2, ?3)",
        )?
        .execute([id, &version, time])?;
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO records (kind, id, parent_id, body, created_at, updated_at, sync_id, deleted,
                 sync_status, change_seq, last_change)
             VALUES ('entity_state', ?1, ?1, ?2, ?3, ?3, ?4, 0, 'pending', ?5, 'updated local')",
        )?
        .execute(params![id, body, time, sync_id, round as u32])?;
    transaction.commit()?;
    Ok(())
}
