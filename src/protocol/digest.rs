//! Fingerprints of a replica: equal digests mean equal contents.
//!
//! The *state digest* covers which edit every record stands at; the *content
//! digest* covers what live records say. Shapes: the design, "Digest".

use sha2::{Digest as _, Sha256};

use crate::model::{Key, Version};

const UNIT: u8 = 0x1f;
const RECORD: u8 = 0x1e;

/// Builds a state digest from rows fed in (kind, id) order.
#[derive(Debug, Clone, Default)]
pub struct StateDigest(Sha256);

impl StateDigest {
    /// Adds one record, tombstones included.
    pub fn add(&mut self, key: &Key, sync_id: &str, deleted: bool) {
        self.add_row(key.kind.as_str(), key.id.as_str(), sync_id, deleted);
    }

    /// The same from the columns of a row.
    pub fn add_row(&mut self, kind: &str, id: &str, sync_id: &str, deleted: bool) {
        self.0.update(kind.as_bytes());
        self.0.update([UNIT]);
        self.0.update(id.as_bytes());
        self.0.update([UNIT]);
        self.0.update(sync_id.as_bytes());
        self.0.update([UNIT, if deleted { b'1' } else { b'0' }, RECORD]);
    }

    /// The digest as lowercase hex.
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

/// Builds a content digest from versions fed in (kind, id) order.
#[derive(Debug, Clone, Default)]
pub struct ContentDigest(Sha256);

impl ContentDigest {
    /// Adds one version; tombstones have no content and are passed over.
    pub fn add(&mut self, version: &Version) {
        if version.deleted {
            return;
        }
        self.0.update(version.key.kind.as_str().as_bytes());
        self.0.update([UNIT]);
        self.0.update(version.key.id.as_str().as_bytes());
        self.0.update([UNIT]);
        self.0.update(version.content_json().as_bytes());
        self.0.update([RECORD]);
    }

    /// The digest as lowercase hex.
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

pub(in crate::protocol) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
