//! Encryption at rest: what is in the bytes of the files, which key opens what, and
//! that a replica which can't be read with the key at hand stays as it is.
//!
//! Killed at every call in the middle of a change of keys: `disk_faults`, scenes
//! `encrypt`, `rekey` and `decrypt`. That all else works with encryption too is told by
//! the other tests, run with `WILDTHING_TEST_KEY=7`.
#![cfg(all(feature = "testing", feature = "sqlcipher"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "cipher/bytes.rs"]
mod bytes;
#[path = "cipher/changed.rs"]
mod changed;
#[path = "cipher/cost.rs"]
mod cost;
#[path = "cipher/damaged.rs"]
mod damaged;
#[path = "cipher/ends.rs"]
mod ends;
#[path = "cipher/refused.rs"]
mod refused;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use wildthing::model::{JsonObject, Key, Kind, RecordId, Version};
use wildthing::seam::RealSeam;
use wildthing::store::{ReplicaKey, Store, StoreError, StoreOptions, outbox, rows};

/// Keys whose bytes can be looked for.
const ANN: [u8; 32] = *b"ann's key is of thirty-two bytes";
const BEN: [u8; 32] = *b"ben's key is of thirty-two bytes";

fn key(bytes: [u8; 32]) -> ReplicaKey {
    ReplicaKey::new(&bytes).unwrap()
}

fn open(path: &Path, bytes: Option<[u8; 32]>) -> Result<Store, StoreError> {
    let options = StoreOptions {
        path: Some(path.to_path_buf()),
        full_sync: false,
        echo: true,
    };
    Store::open_with_key(options, bytes.map(key), RealSeam::shared())
}

fn write(store: &Store, id: &str, name: &str) -> Result<(), StoreError> {
    let key = Key::new(Kind::Room, RecordId::new(id).unwrap());
    let edited = store.edit(&key, |_| Version {
        key: key.clone(),
        parent_id: Some(RecordId::new("house-1").unwrap()),
        name: Some(name.into()),
        body: JsonObject::new(),
        created_at: None,
        updated_at: None,
        sync_id: String::new(),
        deleted: false,
    });
    edited.map(drop)
}

fn name(store: &Store, id: &str) -> Option<String> {
    let key = Key::new(Kind::Room, RecordId::new(id).unwrap());
    let record = store.read(|connection| rows::get(connection, &key)).unwrap();
    record?.version.name
}

/// How many edits wait to be sent.
fn unsent(store: &Store) -> usize {
    store.read(outbox::list).unwrap().len()
}

/// A replica with so many unsent edits, closed.
fn filled(path: &Path, bytes: Option<[u8; 32]>, count: usize) {
    let store = open(path, bytes).unwrap();
    for index in 0..count {
        write(&store, &format!("room-{index}"), &format!("Room {index}")).unwrap();
    }
    store.close();
}

/// Every file of a folder with its bytes, but for SQLite's shared index.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .filter(|(name, _)| !name.ends_with("-shm"))
        .map(|(name, path)| (name, std::fs::read(path).unwrap()))
        .collect()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|found| found == part)
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

    /// A folder with what a kill at this moment would leave.
    fn as_left(&self) -> Self {
        let left = Self::new();
        for (name, bytes) in files(self.folder()) {
            std::fs::write(left.file(&name), bytes).unwrap();
        }
        left
    }
}
