//! The stage on which every language plays the same scenarios (feature `testing`).
//!
//! A [`Stage`] reads a scenario, runs the hub that ships behind a door that can
//! misbehave, owns the clock, and writes the transcript. Whoever plays asks for one
//! order after the other and does it by the public API of its language;
//! `docs/conformance.md` says how. No call of a client is made here.
//!
//! - `scenario`: the format, read strictly; `names`: what `$name` stands for.
//! - `clock`: one scripted clock, the seams of clients and hub, and who waits.
//! - `door`: the way to the hub, which records and spoils; `http`: its bytes.
//! - `house`: the hub, and starting it anew.
//! - `backstage`: the clients that were opened, and what they have to tell.
//! - `expect`, `canonical`, `transcript`: comparing and writing down.
//! - `contents`: what a client is asked at the end.
//! - `stage`: the play, order by order; `steps`: what the stage does itself.

mod backstage;
mod canonical;
mod clock;
mod contents;
mod door;
mod error;
mod expect;
mod house;
mod http;
mod names;
pub mod scenario;
mod stage;
mod steps;
mod transcript;

pub use error::StageError;
pub use scenario::Scenario;
pub use stage::Stage;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a panic left behind is no worse than what it found.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
