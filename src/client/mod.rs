//! The public API: thin methods over the replica, the sync engine and observation.
//!
//! `WildThingClient` is the front door. Its methods are grouped by file: `read`,
//! `write`, `sync`, `care`. `types` and `inputs` are what they give and take.

mod error;
pub mod inputs;
pub mod types;

pub use error::WildThingError;
mod stub;
pub use stub::*;
