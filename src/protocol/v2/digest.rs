//! The state digest of v2: which version every entity stands at.

use sha2::{Digest as _, Sha256};

use crate::protocol::digest::hex;

/// Builds a state digest from entities fed in order of their ids' bytes,
/// tombstones included.
#[derive(Debug, Clone, Default)]
pub struct EntityDigest(Sha256);

impl EntityDigest {
    /// Adds an entity's current version.
    pub fn add(&mut self, id: &str, version: &str) {
        self.0.update(id.as_bytes());
        self.0.update([0x1f]);
        self.0.update(version.as_bytes());
        self.0.update([0x1e]);
    }

    /// The digest as lowercase hex.
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}
