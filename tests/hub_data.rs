//! The hub's file, its clock over restarts, the sample house and imports.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod hub_support;

use std::collections::{HashMap, HashSet};

use hub_support::*;
use serde_json::json;
use wildthing::hub::{HubError, HubStore, ImportReport, sample_house};
use wildthing::model::{Kind, device_state_id};

const RECORDED: &[u8] = include_bytes!("data/v1-delta.json");

// ---- the file --------------------------------------------------------------

#[test]
fn stamps_rise_over_restarts_and_clocks_that_step_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let clock = FakeSeam::at(NOON);
    let mut stamps = Vec::new();
    for (restart, hours) in [0, 5, -48, 0, 6].into_iter().enumerate() {
        clock.set(NOON + hours * 3_600 * SECOND);
        let mut hub = HubStore::open(&path, clock.clone()).unwrap();
        for (id, sync_id) in [("r1", "s1"), ("r2", "s2")] {
            let mut change = edit(sync_id, 0, &[]).of("room", id).wire();
            change["data"]["sync_id"] = format!("{sync_id}-{restart}").into();
            change["bases"] = json!([format!("{sync_id}-{}", restart.wrapping_sub(1))]);
            let result = hub.push("a", vec![change]).unwrap();
            assert_eq!(result.applied.len(), 1);
            stamps.push(delta(&mut hub, "a", None).server_time);
        }
    }
    assert!(stamps.is_sorted_by(|one, next| one < next), "{stamps:?}");
    // Where the clock is ahead, the stamps are the clock's.
    assert_eq!(stamps[8].micros(), NOON + 6 * 3_600 * SECOND);
}

#[test]
fn a_hub_is_the_same_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let seam = FakeSeam::at(NOON);
    let mut hub = HubStore::open(&path, seam.clone()).unwrap();
    push(&mut hub, "a", &[edit("s1", 0, &[])]);
    push(&mut hub, "b", &[edit("s2", 5, &[])]);
    let before = (
        hub.hub_id().to_owned(),
        hub.epoch().to_owned(),
        hub.versions().unwrap(),
        hub.losers().unwrap(),
        delta(&mut hub, "a", None),
    );
    drop(hub);
    let mut hub = HubStore::open(&path, seam).unwrap();
    let after = (
        hub.hub_id().to_owned(),
        hub.epoch().to_owned(),
        hub.versions().unwrap(),
        hub.losers().unwrap(),
        delta(&mut hub, "a", None),
    );
    assert_eq!(after, before);

    let epoch = hub.new_epoch().unwrap();
    assert_ne!(epoch, before.1);
    assert_eq!(hub.epoch(), epoch);
    let told = delta(&mut hub, "a", None);
    assert_eq!((told.hub_id, told.epoch), (Some(before.0), Some(epoch)));
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let mode = |name: &str| {
        let file = folder.path().join(name);
        std::fs::metadata(file).unwrap().permissions().mode() & 0o777
    };
    let mut hub = HubStore::open(&path, FakeSeam::at(NOON)).unwrap();
    push(&mut hub, "a", &[edit("s1", 0, &[])]);
    assert_eq!((mode("hub.db"), mode("hub.db-wal")), (0o600, 0o600));
    drop(hub);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    drop(HubStore::open(&path, FakeSeam::at(NOON)).unwrap());
    assert_eq!(mode("hub.db"), 0o600);
}

#[test]
fn files_that_are_no_hubs_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "Dear diary, ".repeat(200)).unwrap();
    let before = std::fs::read(&path).unwrap();
    let refused = HubStore::open(&path, FakeSeam::at(NOON));
    assert!(
        matches!(refused, Err(HubError::NotADatabase { .. })),
        "{refused:?}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let path = folder.path().join("other.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE recipes (name TEXT)").unwrap();
    drop(other);
    let before = std::fs::read(&path).unwrap();
    let refused = HubStore::open(&path, FakeSeam::at(NOON));
    assert!(matches!(refused, Err(HubError::NotAHub { .. })), "{refused:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let path = folder.path().join("newer.db");
    drop(HubStore::open(&path, FakeSeam::at(NOON)).unwrap());
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let refused = HubStore::open(&path, FakeSeam::at(NOON));
    assert!(
        matches!(refused, Err(HubError::NewerSchema { found: 99, .. })),
        "{refused:?}"
    );

    let refused = HubStore::open(&folder.path().join("no/such/folder/hub.db"), FakeSeam::at(NOON));
    assert!(matches!(refused, Err(HubError::File { .. })), "{refused:?}");
}

// ---- the sample house ------------------------------------------------------

#[test]
fn a_sample_house_is_as_large_as_asked_and_always_the_same() {
    for n in [3, 4, 7, 8, 9, 50, 300, 3_000] {
        let house = sample_house(n).unwrap();
        assert_eq!(house.len(), n);
        assert_eq!(house, sample_house(n).unwrap());
        let keys: HashSet<_> = house.iter().map(|version| &version.key).collect();
        let edits: HashSet<_> = house.iter().map(|version| &version.sync_id).collect();
        assert_eq!((keys.len(), edits.len()), (n, n));
    }
    for n in [0, 1, 2] {
        assert!(matches!(sample_house(n), Err(HubError::SampleSize { asked }) if asked == n));
    }
}

#[test]
fn a_sample_house_is_believable() {
    for n in [3, 7, 300, 3_000] {
        let house = sample_house(n).unwrap();
        let by_key: HashMap<_, _> = house.iter().map(|version| (&version.key, version)).collect();
        let device = by_key[&key("device", "device-123")];
        assert_eq!(device.parent_id.as_ref().unwrap().as_str(), "room-123");
        let room = by_key[&key("room", "room-123")];
        assert_eq!(room.parent_id.as_ref().unwrap().as_str(), "house-1");
        let mut names = HashSet::new();
        for version in &house {
            let id = version.key.id.as_str();
            if !["house-1", "room-123", "device-123"].contains(&id) {
                assert!(uuid::Uuid::try_parse(id).is_ok(), "{id}");
            }
            // What contains it is there.
            let container = match version.key.kind {
                Kind::House => None,
                Kind::Room | Kind::User => Some("house"),
                Kind::Device => Some("room"),
                _ => Some("device"),
            };
            if let Some(container) = container {
                let parent = version.parent_id.as_ref().unwrap();
                assert!(by_key.contains_key(&key(container, parent.as_str())));
                if let Some(name) = &version.name {
                    assert!(names.insert((parent, name)), "{name} twice in {parent}");
                }
                if version.key.kind == Kind::EntityState {
                    assert_eq!(version.key.id, device_state_id(parent, "state"));
                    assert!(version.embedded_object("state_json").is_some());
                }
            }
        }
        let count = |kind: Kind| house.iter().filter(|version| version.key.kind == kind).count();
        let home = by_key[&key("house", "house-1")];
        for (field, kind) in [
            ("room_count", Kind::Room),
            ("device_count", Kind::Device),
            ("user_count", Kind::User),
        ] {
            assert_eq!(
                home.body[field].to_string(),
                count(kind).to_string(),
                "{field} of {n}"
            );
        }
        if n >= 300 {
            assert!(Kind::V1.iter().all(|kind| count(kind.clone()) > 0));
            let types: HashSet<_> = house
                .iter()
                .filter_map(|version| version.text("device_type"))
                .collect();
            assert!(types.len() >= 8, "{types:?}");
        }
    }
}

#[test]
fn a_sample_goes_into_an_empty_hub_only() {
    let mut hub = hub();
    assert_eq!(hub.load_sample(50).unwrap(), 50);
    let digest = hub.content_digest().unwrap();
    assert_eq!(hub.load_sample(60).unwrap(), 0);
    assert_eq!((hub.len().unwrap(), hub.content_digest().unwrap()), (50, digest));
    assert!(matches!(
        hub.load_sample(2),
        Err(HubError::SampleSize { asked: 2 })
    ));
    // What is served reads back as what was put in.
    let page = hub.delta(&ask("a", None)).unwrap();
    let read = wildthing::protocol::v1::Delta::decode(page.encode().to_string().as_bytes()).unwrap();
    assert_eq!(read, page);
    let served: Vec<_> = read.changes.into_iter().map(|change| change.version).collect();
    assert_eq!(served, sample_house(50).unwrap());
}

// ---- import ----------------------------------------------------------------

#[test]
fn a_recorded_house_is_taken_in_once() {
    let mut hub = hub();
    let everything = ImportReport {
        imported: 18,
        unchanged: 0,
        lost: 0,
    };
    assert_eq!(hub.import(RECORDED).unwrap(), everything);
    let before = (delta(&mut hub, "a", None), hub.versions().unwrap());
    assert_eq!(before.1.len(), 18);
    let house = &before.0.changes[0].version;
    assert_eq!(house.key, key("house", "d4dc6109-f1d9-4af4-beae-2e74971e7d59"));
    assert_eq!(house.sync_id, "dd6f7d0c-2376-4bcb-bbe2-b9e001729c50");
    assert_eq!(
        house.updated_at.unwrap().to_string(),
        "2026-11-22T09:00:12.553966"
    );
    assert!(
        before.0.server_time.micros() < NOON + SECOND,
        "arrivals are the hub's own"
    );

    let nothing = ImportReport {
        imported: 0,
        unchanged: 18,
        lost: 0,
    };
    assert_eq!(hub.import(RECORDED).unwrap(), nothing);
    assert_eq!((delta(&mut hub, "a", None), hub.versions().unwrap()), before);
}

#[test]
fn an_import_does_not_undo_later_edits() {
    let mut hub = hub();
    hub.import(RECORDED).unwrap();
    let mut rename = edit("rename", 0, &["dd6f7d0c-2376-4bcb-bbe2-b9e001729c50"]).wire();
    rename["entity_type"] = "house".into();
    rename["entity_id"] = "d4dc6109-f1d9-4af4-beae-2e74971e7d59".into();
    rename["data"]["id"] = rename["entity_id"].clone();
    assert_eq!(applied(&hub.push("a", vec![rename]).unwrap()), ["rename"]);
    let digest = hub.content_digest().unwrap();
    assert_eq!(hub.import(RECORDED).unwrap().unchanged, 18);
    assert_eq!(hub.content_digest().unwrap(), digest);
}

#[test]
fn records_of_old_servers_without_edit_ids_are_told_apart_by_time() {
    let recorded = |time: &str| {
        json!({"type": "sync_delta", "server_time": time, "changes": [
            {"entity_type": "entity_state", "entity_id": 7, "operation": "update",
             "data": {"id": 7, "state_type": "state", "device_id": "d1", "updated_at": time}},
            {"entity_type": "room", "entity_id": "r1", "operation": "update",
             "data": {"id": "r1", "name": time, "sync_id": "never-changes", "updated_at": time}},
        ]})
        .to_string()
    };
    let mut hub = hub();
    for (time, imported) in [
        ("2026-06-01T00:00:00", 2),
        ("2026-06-01T00:00:00", 0),
        ("2026-06-02T00:00:00", 2),
        ("2026-06-02T00:00:00", 0),
        ("2026-06-01T00:00:00", 0),
    ] {
        let report = hub.import(recorded(time).as_bytes()).unwrap();
        assert_eq!(
            (report.imported, report.unchanged),
            (imported, 2 - imported),
            "{time}"
        );
    }
    let versions = hub.versions().unwrap();
    assert!(
        versions
            .iter()
            .all(|(version, _)| version.updated_at.unwrap().to_string().starts_with("2026-06-02"))
    );
}

#[test]
fn what_is_no_recorded_delta_is_refused_and_says_so() {
    let mut hub = hub();
    for (given, hint) in [
        (&b"not json"[..], "not JSON"),
        (b"[1, 2]", "an object"),
        (b"{\"changes\": []}", "no \"type\""),
        (b"{\"type\": \"sync_result\", \"applied\": []}", "sync_result"),
        (b"{\"type\": \"sync_delta\", \"changes\": []}", "server_time"),
        (
            b"{\"type\":\"sync_delta\",\"server_time\":\"2026-01-01T00:00:00\",\"changes\":[{\"entity_id\":1}]}",
            "changes[0].entity_type",
        ),
    ] {
        let refused = hub.import(given).unwrap_err();
        assert!(matches!(refused, HubError::ImportFormat { .. }));
        let words = refused.to_string();
        assert!(words.contains(hint) && words.contains("sync_delta"), "{words}");
    }
    assert!(hub.is_empty().unwrap());
}

#[test]
fn imports_and_samples_happen_whole_or_not_at_all() {
    let mut hub = hub();
    for name in ["import", "load_sample", "new_epoch"] {
        let epoch = hub.epoch().to_owned();
        let (hook, asked) = striking(name);
        hub.set_fault(Some(hook));
        let failed = match name {
            "import" => hub.import(RECORDED).map(drop),
            "load_sample" => hub.load_sample(20).map(drop),
            _ => hub.new_epoch().map(drop),
        };
        assert!(matches!(failed, Err(HubError::Injected { transaction }) if transaction == name));
        assert_eq!(*asked.lock().unwrap(), [name]);
        assert!(hub.is_empty().unwrap());
        assert_eq!(hub.epoch(), epoch);
    }
}
