//! What a stranger can send: bytes from anywhere, given to whatever reads bytes.
//!
//! A target here is a function of bytes that panics when a promise is broken. The
//! programs in `fuzz_targets` hand them to libFuzzer (`cargo xtask fuzz`), which looks
//! for bytes that break one, with the words of `words.dict`; `tests/replay.rs` gives them the bytes kept in `corpus`, on any compiler.
//!
//! - `messages`: what is read is written so that it reads the same again.
//! - `merge`: a merge patch says the same twice.
//! - `config`: a config that is read is kept.
//! - `scenario`: a scenario that is refused is refused with its place.
//! - `hub`: a hub answers whatever is posted, and hears it once.
//! - `routes`: so do its paths, and nobody gets further than they may; `ask`: requests
//!   without a socket.
//! - `answers`: a replica outlives a server that answers anything, with its edit.

// Promises are held by panics here.
#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used)]

mod answers;
mod ask;
mod config;
// The command is no library: these are the files of it that read a config.
#[path = "../../src/bin/blowing-off/config.rs"]
#[allow(dead_code)]
mod config_file;
#[path = "../../src/bin/blowing-off/failure.rs"]
#[allow(dead_code)]
mod failure;
mod hub;
mod merge;
mod messages;
mod routes;
mod scenario;
#[path = "../../src/bin/blowing-off/secret.rs"]
#[allow(dead_code)]
mod secret;

use std::sync::Arc;

use wildthing::ffi::testing::FixedSeam;
use wildthing::seam::SharedSeam;

pub use answers::{v1_answers, v2_answers};
pub use config::config;
pub use hub::{v1_hub, v2_hub};
pub use merge::merge_patch;
pub use messages::{v1_messages, v2_messages};
pub use routes::{v1_routes, v2_routes};
pub use scenario::scenario;

/// A new clock and chance that do the same again for the same bytes.
fn seam() -> SharedSeam {
    Arc::new(FixedSeam::default())
}

/// A function of bytes that panics when a promise is broken.
pub type Target = fn(&[u8]);

/// Every target, by the name of its program and of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("v1_messages", v1_messages),
    ("v2_messages", v2_messages),
    ("merge_patch", merge_patch),
    ("config", config),
    ("scenario", scenario),
    ("v1_hub", v1_hub),
    ("v2_hub", v2_hub),
    ("v1_routes", v1_routes),
    ("v2_routes", v2_routes),
    ("v1_answers", v1_answers),
    ("v2_answers", v2_answers),
];
