//! Inbetweenies v1 on the wire: what our messages look like, what other servers
//! were seen to send, and what becomes of bad input.
//!
//! - `observed`: answers and requests recorded against FunkyGibbon 0.1.
//! - `golden`: our own messages, both ways.
//! - `roundtrip`: whatever a version holds survives the wire.
//! - `bad_input`: every unusable message gets its typed error, naming the place.

#![allow(clippy::unwrap_used, clippy::panic)]

mod golden;
mod observed;
mod roundtrip;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A folder or file of `tests/data`.
fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(path)
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&read(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn bytes(message: &Value) -> Vec<u8> {
    message.to_string().into_bytes()
}
