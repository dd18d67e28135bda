//! What exists only for foreign languages: custom types, foreign traits, and
//! where a name or a type has to differ at the border.
//!
//! The API itself is annotated where it is written, in [`crate::client`]; no
//! rule of it lives here.

pub mod log;
mod observer;
mod open;
#[cfg(feature = "testing")]
pub mod stage;
#[cfg(feature = "testing")]
pub mod testing;
mod types;
