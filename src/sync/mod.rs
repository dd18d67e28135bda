//! Sync: when to ask what, and what to do with the answer.
//!
//! `planner` decides, without I/O, clock or randomness of its own; `execute`
//! carries its storage steps out against a replica; `engine` does the rest
//! against a real transport and real time; `background` repeats it. `graph` is what
//! only servers with a graph need. What
//! happens to records is decided in [`crate::store`], how bytes travel in
//! [`crate::transport`].

pub mod background;
pub mod backoff;
pub mod engine;
pub mod execute;
mod graph;
pub mod planner;
mod pulling;
mod pushing;

pub use planner::{Ask, Event, Planner, PlannerOptions, Problem, Step, SyncError, SyncReport};
