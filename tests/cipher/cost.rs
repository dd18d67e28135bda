//! What encryption costs, beside the same without: local writes, and the first sync of
//! a house. Told, and not judged: the machine may be doing anything.

use std::time::Instant;

use wildthing::client::{Durability, NewHouse, NewRoom, OpenOptions, ReplicaKey, RoomPatch, WildThingClient};
use wildthing::hub::{Hub, HubOptions};

use super::{ANN, Place, key};

const ROUNDS: usize = 5;
const WRITES: usize = 500;
const ENTITIES: usize = 5_000;

async fn opened(place: &Place, key: Option<ReplicaKey>) -> WildThingClient {
    let options = OpenOptions {
        durability: Some(Durability::Fast),
        ..OpenOptions::default()
    };
    match key {
        Some(key) => WildThingClient::open_encrypted(place.db(), key, options).await,
        None => WildThingClient::open(place.db(), options).await,
    }
    .unwrap()
}

/// Milliseconds of the writes and of a first sync.
async fn round(hub: &Hub, key: Option<ReplicaKey>) -> [f64; 2] {
    let place = Place::new();
    let client = opened(&place, key.clone()).await;
    let house = NewHouse {
        name: "Cabin".into(),
        ..NewHouse::default()
    };
    let house = client.create_house(house).await.unwrap().id;
    let room = client.create_room(NewRoom::new(house, "Hall")).await.unwrap().id;
    let start = Instant::now();
    for number in 0..WRITES {
        let patch = RoomPatch {
            name: Some(format!("Hall {number}")),
            ..RoomPatch::default()
        };
        client.update_room(room.clone(), patch).await.unwrap();
    }
    let writes = start.elapsed();
    client.shutdown().await;

    let place = Place::new();
    let client = opened(&place, key).await;
    client
        .connect(hub.url(), Some("token".into()), None)
        .await
        .unwrap();
    let start = Instant::now();
    client.sync().await.unwrap();
    let sync = start.elapsed();
    client.shutdown().await;
    [writes, sync].map(|time| time.as_secs_f64() * 1e3)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "tells times, for people"]
async fn what_encryption_costs() {
    let options = HubOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        db: None,
        auth_token: Some("token".into()),
        ..HubOptions::default()
    };
    let hub = Hub::start(options).await.unwrap();
    hub.store().lock().unwrap().load_sample(ENTITIES).unwrap();
    let mut best = [[f64::MAX; 2]; 2];
    // In turn, so that what else the machine does is shared out.
    for _ in 0..ROUNDS {
        for (best, key) in best.iter_mut().zip([None, Some(key(ANN))]) {
            for (best, took) in best.iter_mut().zip(round(&hub, key).await) {
                *best = best.min(took);
            }
        }
    }
    let [plain, encrypted] = best;
    for (what, index) in [("500 writes", 0), ("first sync of 5,000 entities", 1)] {
        println!(
            "{what}: {:.0} ms plain, {:.0} ms encrypted, {:.2} times",
            plain[index],
            encrypted[index],
            encrypted[index] / plain[index]
        );
    }
    hub.shutdown().await.unwrap();
}
