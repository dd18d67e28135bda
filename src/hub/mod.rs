//! The reference hub: a small server that a household's replicas sync with.
//!
//! [`HubStore`] is the hub without a network: blocking, deterministic, over
//! tables of its own, so that a simulation can drive it on virtual time.
//! [`Hub`] puts it behind HTTP. The rule that decides between edits is not
//! here but in [`crate::conflict`], and the shapes of messages are in
//! [`crate::protocol`]: the hub calls what the client calls. All this speaks v1;
//! [`v2`] is the hub of the graph protocol.
//!
//! It is a development server and good for one household; production houses
//! run FunkyGibbon.

mod auth;
mod connections;
mod core;
mod decide;
mod delta;
#[cfg(feature = "testing")]
mod dump;
mod error;
mod http;
mod import;
mod intake;
mod routes;
mod rows;
mod sample;
mod sample_names;
mod schema;
mod server;
pub mod v2;

pub use auth::AuthToken;
#[cfg(any(test, feature = "testing"))]
pub use core::FaultHook;
pub use core::HubStore;
pub use error::HubError;
pub use import::ImportReport;
#[cfg(feature = "testing")]
pub use routes::app;
pub use rows::{Loser, Outcome};
pub use sample::{MIN_SAMPLE, sample_house};
pub use server::{Hub, HubOptions};
