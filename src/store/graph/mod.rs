//! The graph in the replica: what is only true of servers that have one.
//!
//! Entities and edges are records like all others, and share their outbox,
//! mirror and journal. Here is what edges mean (`edges`), how an edit places
//! things (`place`), how versions are stamped and shaped (`shape`), what a page
//! and an answer do beyond what they do in v1 (`pull`, `push`, `verdict`), how
//! edges are read and re-pinned (`reconcile`), how one walks along edges (`walk`)
//! and finds things by words (`search`, on any replica), and how a replica that was filled
//! offline or by a v1 server becomes a graph (`adopt`). `door` is the
//! graph's part of [`crate::store::Store`].

pub mod adopt;
mod door;
pub mod edges;
pub mod place;
pub mod pull;
pub mod push;
pub mod reconcile;
pub mod search;
pub mod shape;
pub mod verdict;
pub mod walk;

pub use door::OtherProtocol;
