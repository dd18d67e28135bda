//! Sync: when to ask what, and what to do with the answer.
//!
//! `planner` decides, without I/O, clock or randomness of its own, from one of the
//! `steps` to the next, until there is an `outcome`; `execute`
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
pub mod outcome;
pub mod planner;
mod pulling;
mod pushing;
pub mod steps;

pub use outcome::{Problem, SyncError, SyncReport};
pub use planner::{Planner, PlannerOptions};
pub use steps::{Ask, Event, Step};
