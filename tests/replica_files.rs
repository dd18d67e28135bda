//! The replica as a file: what can stand where it should be, what can happen
//! to it, what is in it, and who else may have it open.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "replica_files/contents.rs"]
mod contents;
#[path = "replica_files/damaged.rs"]
mod damaged;
#[path = "replica_files/full_disk.rs"]
mod full_disk;
#[path = "replica_files/garbled.rs"]
mod garbled;
#[path = "replica_files/migrated.rs"]
mod migrated;
#[path = "replica_files/refused.rs"]
mod refused;
#[path = "replica_files/repaired.rs"]
mod repaired;
#[path = "replica_files/together.rs"]
mod together;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;
use wildthing::model::{JsonObject, Key, Kind, Record, RecordId, Version};
use wildthing::seam::RealSeam;
use wildthing::store::{Store, StoreError, StoreOptions, outbox, rows};

fn open(path: &Path) -> Result<Store, StoreError> {
    let options = StoreOptions {
        path: Some(path.to_path_buf()),
        full_sync: false,
        echo: false,
    };
    Store::open(options, RealSeam::shared())
}

fn key(kind: Kind, id: &str) -> Key {
    Key::new(kind, RecordId::new(id).unwrap())
}

fn room(id: &str) -> Key {
    key(Kind::Room, id)
}

/// Writes an edit of a room.
fn write(store: &Store, id: &str, name: &str) -> Result<Record, StoreError> {
    let body: JsonObject = json!({"room_type": "den", "floor": 1, "settings_json": "x".repeat(200)})
        .as_object()
        .unwrap()
        .clone();
    store.edit(&room(id), |_| Version {
        key: room(id),
        parent_id: Some(RecordId::new("house-1").unwrap()),
        name: Some(name.into()),
        body,
        created_at: None,
        updated_at: None,
        sync_id: String::new(),
        deleted: false,
    })
}

fn name(store: &Store, id: &str) -> Option<String> {
    let record = store.read(|connection| rows::get(connection, &room(id))).unwrap();
    record?.version.name
}

/// The ids of the records with unsent edits.
fn unsent(store: &Store) -> Vec<String> {
    let entries = store.read(outbox::list).unwrap();
    let mut ids: Vec<String> = entries.iter().map(|entry| entry.key.id.to_string()).collect();
    ids.sort();
    ids
}

/// Every file of a folder with its bytes; SQLite's shared index is no part of anybody's data.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .filter(|entry| entry.path().is_file())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .filter(|(name, _)| !name.ends_with("-shm"))
        .collect()
}

/// A folder of a test.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn folder(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Where the replica is.
    fn db(&self) -> PathBuf {
        self.file("replica.db")
    }
}

/// Copies a database as it is, with its WAL, while somebody has it open: what a
/// kill leaves behind.
fn copy_as_left(from: &Path, to: &Path) {
    for suffix in ["", "-wal"] {
        let name = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        if name(from).exists() {
            std::fs::copy(name(from), name(to)).unwrap();
        }
    }
}
