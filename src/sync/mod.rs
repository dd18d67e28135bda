//! Sync: when to ask what, and what to do with the answer.
//!
//! `planner` decides, without I/O, clock or randomness of its own, from one of the
//! `steps` to the next, until there is an `outcome`; `execute`
//! carries its storage steps out against a replica; `engine` does the rest
//! against a real transport and real time, one sync at a time as `gate` says; `background` repeats it. `graph` is what
//! only servers with a graph need. What
//! happens to records is decided in [`crate::store`], how bytes travel in
//! [`crate::transport`].

pub mod background;
pub mod backoff;
pub mod engine;
pub mod execute;
mod gate;
mod graph;
pub mod outcome;
pub mod planner;
mod pulling;
mod pushing;
#[cfg(all(test, shuttle))]
mod schedules;
pub mod steps;

pub use outcome::{Problem, SyncError, SyncReport};
pub use planner::{Planner, PlannerOptions};
pub use steps::{Ask, Event, Step};
