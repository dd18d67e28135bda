//! WildThing: the engine that every client of *The Goodies* smart home links.
//!
//! A house lives in one SQLite file on the device. Everything can be read and
//! edited without a network; a sync brings the server's changes in and sends
//! the edits out; and no edit is ever lost: one that loses a conflict is kept in
//! a journal, from which it can be restored.
//!
//! ```no_run
//! use wildthing::client::{OpenOptions, WildThingClient};
//!
//! # async fn example() -> Result<(), wildthing::client::WildThingError> {
//! let client = WildThingClient::open("my-home.db", OpenOptions::default()).await?;
//! client.connect("http://localhost:8000".into(), Some("token".into()), None).await?;
//! let result = client.sync().await?;
//! println!("{} entities, {} conflicts", result.synced_entities, result.conflicts.len());
//! for room in client.get_rooms(None).await? {
//!     println!("{}", room.name);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # The rooms of this house
//!
//! | module | what lives there |
//! | --- | --- |
//! | [`ffi`] | what only foreign languages need: custom types, the log sink |
//! | [`client`] | the public API: start here |
//! | [`observe`] | what changed: events, streams, observers, signals |
//! | [`sync`] | the planner (pure), the engine that drives it, the background loop |
//! | [`store`] | the replica: records, outbox, mirror, journal |
//! | [`transport`] | how messages travel |
//! | [`protocol`] | the messages themselves; pure |
//! | [`conflict`] | the conflict rule; pure |
//! | [`model`] | kinds, ids, times, versions; pure |
//! | [`hub`] | the reference server (feature `hub`) |
//! | `conformance` | the stage of scenarios that every language plays (feature `testing`) |
//! | [`seam`] | the one way in for clock, timers and randomness |
//! | `threading` | locks and threads where their order is tested |
//!
//! Dependencies point down this table only; a test holds them to it.

pub mod client;
pub mod conflict;
#[cfg(feature = "testing")]
pub mod conformance;
pub mod ffi;
#[cfg(feature = "hub")]
pub mod hub;
pub mod model;
#[doc(hidden)]
pub mod mutant;
pub mod observe;
pub mod protocol;
pub mod seam;
pub mod store;
pub mod sync;
mod threading;
pub mod transport;

uniffi::setup_scaffolding!("wildthing");
