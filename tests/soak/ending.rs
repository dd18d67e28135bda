//! The end of a soak: both clients, the hub, and a client
//! that never saw the house before have what the workers know.

use std::collections::BTreeMap;

use wildthing::client::{Device, Digests, WildThingClient};

use crate::house::House;
use crate::worker::Worker;

/// What is not as it must be.
pub(crate) async fn check(house: &House, workers: &[&Worker]) -> Vec<String> {
    let client = house.client().await;
    // All was sent when the last stage ended; this is what the neighbour sent last.
    client.sync().await.unwrap();
    let fresh = house.fresh("fresh.db").await.unwrap();
    fresh.sync().await.unwrap();

    let mut problems = Vec::new();
    let theirs = fresh.digests().await.unwrap();
    for (who, each) in [
        ("client", &client),
        ("neighbour", &house.neighbour),
        ("fresh client", &fresh),
    ] {
        for worker in workers {
            let devices = each.get_devices(Some(worker.room.clone())).await.unwrap();
            problems.extend(different(&devices, worker).map(|what| format!("{who}: {what}")));
            let room = each.get_room(worker.room.clone()).await.unwrap();
            if room.floor != worker.floor {
                problems.push(format!("{who}: {} is on floor {:?}", room.name, room.floor));
            }
        }
        problems.extend(
            unsettled(each, &theirs)
                .await
                .map(|what| format!("{who}: {what}")),
        );
        each.shutdown().await;
        if each.subscriptions() > 0 {
            problems.push(format!(
                "{who}: {} still listen after the end",
                each.subscriptions()
            ));
        }
    }
    let protocol = house.protocol.as_str();
    problems
        .into_iter()
        .map(|problem| format!("{protocol}, {problem}"))
        .collect()
}

/// How a room differs from what its worker did.
fn different(devices: &[Device], worker: &Worker) -> Option<String> {
    let here: BTreeMap<_, _> = devices
        .iter()
        .map(|device| (&device.id, (&device.name, &device.state)))
        .collect();
    let known: BTreeMap<_, _> = worker
        .devices
        .iter()
        .map(|(id, known)| (id, (&known.name, &known.state)))
        .collect();
    (here != known).then(|| format!("{here:?} instead of {known:?}"))
}

/// What a client has not come to terms about with the hub.
async fn unsettled(client: &WildThingClient, theirs: &Digests) -> Option<String> {
    let (digests, status) = (
        client.digests().await.unwrap(),
        client.get_sync_status().await.unwrap(),
    );
    let settled =
        digests == *theirs && (status.pending, status.failed) == (0, 0) && status.digest_agrees == Some(true);
    (!settled).then(|| format!("{digests:?} instead of {theirs:?}, {status:?}"))
}
