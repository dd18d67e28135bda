//! WildThing: the engine that every client of *The Goodies* smart home links.

pub mod client;
pub mod conflict;
#[cfg(feature = "hub")]
pub mod hub;
pub mod model;
pub mod observe;
pub mod protocol;
pub mod seam;
pub mod store;
pub mod sync;
pub mod transport;
