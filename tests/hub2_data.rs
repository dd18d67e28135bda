//! What a v2 hub starts with: recordings, the sample house, files of others.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod hub2_support;
mod hub_support;

use std::collections::BTreeSet;

use hub_support::{FakeSeam, NOON};
use hub2_support::{after, device};
use serde_json::{Value, json};
use wildthing::hub::v2::{GraphStore, sample_graph};
use wildthing::hub::{HubError, HubStore, ImportReport};
use wildthing::protocol::v2::SyncRequest;

fn data(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn store() -> GraphStore {
    GraphStore::in_memory(FakeSeam::at(NOON)).unwrap()
}

fn everything(store: &mut GraphStore) -> Value {
    let request = SyncRequest::decode(after("0").to_string().as_bytes()).unwrap();
    store.sync(request).unwrap().encode()
}

#[test]
fn the_recorded_house_is_taken_in_as_it_was() {
    let mut store = store();
    let (house, edges) = (data("v2-full-sync.json"), data("v2-relationships.json"));
    // Edges before their entities are refused, and nothing of them is kept.
    assert!(matches!(
        store.import(&edges),
        Err(HubError::GraphImportFormat { .. })
    ));
    let imported = |imported| ImportReport {
        imported,
        ..ImportReport::default()
    };
    let unchanged = |unchanged| ImportReport {
        unchanged,
        ..ImportReport::default()
    };
    assert_eq!(store.import(&house).unwrap(), imported(33));
    assert_eq!(store.import(&edges).unwrap(), imported(46));
    let recorded: Value = serde_json::from_slice(&house).unwrap();
    let told = everything(&mut store);
    assert_eq!(told["changes"], recorded["changes"]);
    assert_eq!(told["state_digest"], recorded["state_digest"]);
    let listed = store.relationships(None, None, None).unwrap();
    let recorded = wildthing::protocol::v2::RelationshipListing::decode(&edges).unwrap();
    let items = |listing: &wildthing::protocol::v2::RelationshipListing| {
        listing
            .relationships
            .iter()
            .map(|edge| edge.item.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(items(&listed), items(&recorded));

    assert_eq!(store.import(&house).unwrap(), unchanged(33));
    assert_eq!(store.import(&edges).unwrap(), unchanged(46));
    assert_eq!(everything(&mut store)["server_time"], told["server_time"]);
}

#[test]
fn a_recorded_tombstone_is_taken_in() {
    let mut gone = device("d", "2026-01-01T00:00:00.000000+00:00-000001-u", &[]);
    gone["content"] = json!({"deleted": true});
    let recording = json!({
        "sync_type": "full",
        "server_time": "2026-01-01T00:00:00Z",
        "changes": [{"change_type": "delete", "entity": gone}],
    });
    let mut store = store();
    assert_eq!(
        store.import(recording.to_string().as_bytes()).unwrap().imported,
        1
    );
    assert_eq!(everything(&mut store)["changes"][0]["change_type"], "delete");
}

#[test]
fn what_is_no_recording_is_refused() {
    let mut store = store();
    for bad in [
        &b"{}"[..],
        b"[]",
        b"nonsense",
        b"{\"changes\": 5}",
        b"{\"relationships\": [5]}",
    ] {
        let refused = store.import(bad).unwrap_err();
        assert!(
            matches!(refused, HubError::GraphImportFormat { .. }),
            "{refused:?}"
        );
    }
    // The recording of a v1 server is one of them.
    assert!(store.import(&data("v1-delta.json")).is_err());
    assert!(store.is_empty().unwrap());
}

#[test]
fn a_sample_house_has_the_size_asked_for() {
    for n in [3, 4, 50, 300, 1_234] {
        let house = sample_graph(n).unwrap();
        let ids: BTreeSet<&str> = house
            .iter()
            .map(|change| change.entity.as_ref().unwrap().id.as_str())
            .collect();
        assert_eq!((house.len(), ids.len()), (n, n));
        assert!(
            ["house-1", "room-123", "device-123"]
                .iter()
                .all(|id| ids.contains(id))
        );
        let mut store = store();
        assert_eq!(store.load_sample(n).unwrap(), n);
        assert_eq!(store.load_sample(n).unwrap(), 0);
        let edges = store.relationships(None, None, None).unwrap().relationships;
        assert_eq!(edges.len(), n - 1);
        let statistics = store.statistics().unwrap();
        assert_eq!(
            (&statistics["total_entities"], &statistics["isolated_entities"]),
            (&json!(n), &json!(0))
        );
    }
    assert!(matches!(sample_graph(2), Err(HubError::SampleSize { asked: 2 })));
}

#[test]
fn a_database_keeps_its_protocol() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one.db"), folder.path().join("two.db"));
    let seam = FakeSeam::at(NOON);
    drop(HubStore::open(&one, seam.clone()).unwrap());
    drop(GraphStore::open(&two, seam.clone()).unwrap());
    let refused = GraphStore::open(&one, seam.clone()).unwrap_err();
    assert!(
        matches!(refused, HubError::OtherProtocol { wanted: "v2", .. }),
        "{refused:?}"
    );
    assert!(refused.to_string().contains("--protocol v1"), "{refused}");
    let refused = HubStore::open(&two, seam.clone()).unwrap_err();
    assert!(
        matches!(refused, HubError::OtherProtocol { wanted: "v1", .. }),
        "{refused:?}"
    );
    assert!(refused.to_string().contains("--protocol v2"), "{refused}");
    // Refused, they were left as they are.
    assert!(HubStore::open(&one, seam.clone()).is_ok());
    assert!(GraphStore::open(&two, seam).is_ok());
}
