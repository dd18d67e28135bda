//! The hub of the graph protocol, with tables of its own, beside that of v1.
//!
//! It behaves as FunkyGibbon 0.3 was recorded to, so that what works with it
//! works there, except where that server misbehaved: then it answers properly
//! with the same shapes, and the place says so. [`GraphStore`] is the hub
//! without a network; [`crate::hub::Hub::start_v2`] puts it behind HTTP.

mod decide;
mod gate;
mod graph;
mod guests;
mod import;
mod limiter;
mod routes;
mod routes_auth;
mod routes_graph;
mod rows;
mod sample;
mod schema;
mod secrets;
mod server;
mod store;
mod tokens;
mod walks;

pub use sample::sample_graph;
pub use secrets::AdminPassword;
pub use server::GraphOptions;
#[cfg(feature = "testing")]
pub use server::app;
pub use store::GraphStore;
