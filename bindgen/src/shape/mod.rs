//! Turns the Swift that UniFFI writes into the inner half of a Swift package.
//!
//! Records, enums and errors are what apps see, so they get the names and types
//! that Swift's design guidelines ask for. Objects and the machinery are hidden:
//! a hand-written layer in the same module wraps them (`bindings/swift/Sources`).
//! And two things are put right that UniFFI leaves open: a cancelled task ends
//! its call, and reading an answer does not copy every field.
//!
//! - `items`: the text as a list of declarations.
//! - `names`: identifiers and types as Swift has them; `spell` asks it too.
//! - `hide`: what is whose business.
//! - `machinery`: cancellation, and reading.
//! - `layer`: what the hand-written layer declares, for the page about the API.
//!
//! All of it is substitution in text that is known; what is not found fails, so
//! that another version of UniFFI can't change anything silently.

pub(crate) mod hide;
mod items;
pub(crate) mod layer;
mod machinery;
pub(crate) mod names;

use anyhow::{Context, Result};

/// The source as the package has it.
pub(crate) fn swift(text: &str) -> Result<String> {
    let text = machinery::replace(text).context("Swift's machinery")?;
    let mut items = items::split(&text)?;
    names::apply(&mut items);
    hide::apply(&mut items);
    Ok(items::join(&items))
}
