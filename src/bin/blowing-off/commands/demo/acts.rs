//! What happens in the demo, act by act.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wildthing::client::types::Loser;
use wildthing::client::{ChangeEvent, DevicePatch, NewRoom, Observed, WildThingClient};
use wildthing::model::{JsonObject, Key, Kind, RecordId, device_state_id};

use super::report::Report;
use super::stage::Stage;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::text;

/// How many edits the interrupted push has: more than one batch of 500.
const PUSH_EDITS: usize = 600;

pub(super) async fn play(stage: &mut Stage, report: &mut Report<'_>) -> Outcome {
    report.title(&format!(
        "A server with {}, and two clients, Ann and Ben.",
        stage.house
    ))?;
    first_sync(stage, report).await?;
    let devices = devices(stage).await?;
    crossing(stage, report, &devices[0]).await?;
    offline_both(stage, report, &devices[1]).await?;
    delete_against_update(stage, report, &devices[2]).await?;
    killed_in_a_push(stage, report).await?;
    settle(stage, report).await
}

fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        _ => JsonObject::new(),
    }
}

/// Times one sync.
async fn timed(client: &WildThingClient) -> Outcome<(wildthing::client::SyncResult, Duration)> {
    let begun = Instant::now();
    let result = client.sync().await?;
    Ok((result, begun.elapsed()))
}

async fn first_sync(stage: &mut Stage, report: &mut Report<'_>) -> Outcome {
    report.act("First sync")?;
    let (ann, took) = timed(&stage.ann).await?;
    report.time(
        "first_sync_ann",
        took,
        &format!("Ann pulls {} entities", ann.pulled),
    )?;
    let (ben, took) = timed(&stage.ben).await?;
    report.time(
        "first_sync_ben",
        took,
        &format!("Ben pulls {} entities", ben.pulled),
    )
}

/// Three devices to play with: the seed's first, if the house has it.
async fn devices(stage: &Stage) -> Outcome<Vec<RecordId>> {
    let devices = stage.ann.get_devices(None).await?;
    let mut ids: Vec<RecordId> = devices.into_iter().map(|device| device.id).collect();
    ids.sort_by_key(|id| id.as_str() != "device-123");
    if ids.len() < 3 {
        return Err(Failure::new(
            Exit::Usage,
            "demo",
            "the house has fewer than three devices",
            "take a recorded house with at least three devices",
        ));
    }
    Ok(ids)
}

/// Ann switches a device on and Ben sees it.
async fn crossing(stage: &mut Stage, report: &mut Report<'_>, device: &RecordId) -> Outcome {
    report.act("An edit crosses over")?;
    let begun = Instant::now();
    let state = object(json!({"power": "on", "brightness": 80}));
    stage
        .ann
        .update_device_state(device.clone(), state, None, false)
        .await?;
    note_state(stage, "ann", device).await?;
    report.time(
        "local_write",
        begun.elapsed(),
        "Ann switches a device on; the write is safe on her disk",
    )?;
    let begun = Instant::now();
    stage.ann.sync().await?;
    stage.ben.sync().await?;
    let seen = stage.ben.get_device_state(device.clone()).await?;
    let took = begun.elapsed();
    report.time(
        "edit_crossing",
        took,
        &format!("Ben sees {}", Value::Object(seen.state)),
    )
}

async fn note_state(stage: &mut Stage, author: &'static str, device: &RecordId) -> Outcome {
    let state = Key::new(Kind::EntityState, device_state_id(device, "state"));
    let client = if author == "ann" { &stage.ann } else { &stage.ben };
    stage.ledger.note(author, client, state).await
}

async fn rename(stage: &mut Stage, author: &'static str, device: &RecordId, name: &str) -> Outcome {
    let client = if author == "ann" { &stage.ann } else { &stage.ben };
    let patch = DevicePatch {
        name: Some(name.to_owned()),
        ..DevicePatch::default()
    };
    client.update_device(device.clone(), patch).await?;
    let key = Key::new(Kind::Device, device.clone());
    stage.ledger.note(author, client, key).await
}

/// Both edit one device without a server between them: within a second, where
/// the edit id decides, and further apart, where the time does.
async fn offline_both(stage: &mut Stage, report: &mut Report<'_>, device: &RecordId) -> Outcome {
    report.act("Both offline, the same device, within a second")?;
    rename(stage, "ann", device, "Ann's name").await?;
    rename(stage, "ben", device, "Ben's name").await?;
    meet(stage, report, device).await?;
    report.act("The same, more than a second apart")?;
    rename(stage, "ann", device, "Ann's second name").await?;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    rename(stage, "ben", device, "Ben's second name").await?;
    // Ben is first at the server, and Ann's older edit meets his.
    stage.ben.sync().await?;
    meet(stage, report, device).await
}

/// Ann syncs, Ben syncs, Ann syncs: both know.
async fn meet(stage: &mut Stage, report: &mut Report<'_>, device: &RecordId) -> Outcome {
    let mut met = Vec::new();
    for (name, client) in [("Ann", &stage.ann), ("Ben", &stage.ben), ("Ann", &stage.ann)] {
        for conflict in client.sync().await?.conflicts {
            met.push(format!("{name}: {}", report_line(&conflict)));
        }
    }
    let name = stage.ann.get_device(device.clone()).await?.name;
    report.line(&format!("both now show {name:?}"))?;
    for line in met {
        report.line(&line)?;
    }
    Ok(())
}

fn report_line(conflict: &wildthing::client::Conflict) -> String {
    let losing = text::field(&conflict.losing, "name");
    match conflict.loser {
        Loser::Local => format!(
            "my edit {losing:?} lost ({}); it is kept in my journal",
            conflict.reason
        ),
        Loser::Remote => format!(
            "my edit won over {losing:?} ({}); that one is kept in my journal",
            conflict.reason
        ),
    }
}

async fn delete_against_update(stage: &mut Stage, report: &mut Report<'_>, device: &RecordId) -> Outcome {
    report.act("A delete against an update")?;
    stage.ann.delete_device(device.clone()).await?;
    let key = Key::new(Kind::Device, device.clone());
    stage.ledger.note("ann", &stage.ann, key).await?;
    rename(stage, "ben", device, "Still needed").await?;
    let mut told = Vec::new();
    for (name, client) in [("Ann", &stage.ann), ("Ben", &stage.ben), ("Ann", &stage.ann)] {
        told.extend(
            client
                .sync()
                .await?
                .conflicts
                .iter()
                .map(|conflict| format!("{name}: {}", report_line(conflict))),
        );
    }
    let gone = stage.ben.get_device(device.clone()).await.is_err();
    report.line(if gone {
        "the delete wins, whatever the times"
    } else {
        "the device is still there"
    })?;
    for line in told {
        report.line(&line)?;
    }
    Ok(())
}

/// Ann has more to push than fits one message; after the first answer the
/// server's process is killed, and started again on the same database.
async fn killed_in_a_push(stage: &mut Stage, report: &mut Report<'_>) -> Outcome {
    report.act("The server is killed in the middle of a push")?;
    let house = stage.ann.get_house(None).await?.id;
    for number in 1..=PUSH_EDITS {
        let room = NewRoom::new(house.clone(), format!("Box room {number}"));
        let made = stage.ann.create_room(room).await?;
        let key = Key::new(Kind::Room, made.id);
        stage.ledger.note("ann", &stage.ann, key).await?;
    }
    let mut changes = stage.ann.changes().events();
    let ann = stage.ann.clone();
    let begun = Instant::now();
    let pushing = tokio::spawn(async move { ann.sync().await });
    let done = loop {
        match changes.next().await {
            // What was pulled counts too, but nobody else has written: this is pushed.
            Some(Observed::Change(ChangeEvent::SyncProgress { done, .. })) if done >= 100 => break done,
            Some(Observed::Change(ChangeEvent::SyncCompleted { .. } | ChangeEvent::SyncFailed { .. })) => {
                break 0;
            }
            Some(_) => {}
            None => break 0,
        }
    };
    stage.kill_server()?;
    let waiting = stage.ann.pending_changes().await?.len();
    report.line(&format!(
        "killed after {done} of {PUSH_EDITS} edits were answered; {waiting} still wait at Ann's"
    ))?;
    stage.restart_server()?;
    let first = pushing
        .await
        .map_err(|error| Failure::new(Exit::Failed, "demo", error, "report this"))?;
    let result = match first {
        Ok(result) => result,
        // It gave up before the server was back: the next sync goes on from there.
        Err(_) => stage.ann.sync().await?,
    };
    let took = begun.elapsed();
    report.time(
        "push_over_a_kill",
        took,
        &format!("the server is back, and {} edits are settled", result.pushed),
    )?;
    Ok(())
}

/// Sync until nobody has anything new.
async fn settle(stage: &mut Stage, report: &mut Report<'_>) -> Outcome {
    for client in [&stage.ann, &stage.ben, &stage.ann, &stage.ben] {
        client.sync().await?;
    }
    let (_, took) = timed(&stage.ben).await?;
    report.act("At the end")?;
    report.time(
        "no_change_sync",
        took,
        &format!("a sync with nothing to do, after {} edits", stage.ledger.len()),
    )
}
