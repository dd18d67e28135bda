//! What the project is made of: licences, bans and sources of every package, checked by
//! cargo-deny with the lists of `deny.toml`. Known weaknesses are not looked up: that
//! list is on the internet.

use crate::Outcome;
use crate::cargo::Cargo;

/// The release that is installed where there is none.
const VERSION: &str = "0.20.2";
/// Where it is installed to, for this workspace alone.
const FOLDER: &str = "target/tools";
const CHECK: &str = "--workspace check --hide-inclusion-graph licenses bans sources";

/// Has cargo-deny check everything. In CI it is installed where it is missing.
pub(crate) fn deny(cargo: &Cargo) -> Outcome {
    if cargo.output("deny --version", &[], &[])?.status.success() {
        return cargo.run(&format!("deny {CHECK}"), &[], &[]);
    }
    let installed = cargo.path(FOLDER).join("bin/cargo-deny");
    if !installed.exists() {
        if !cargo.is_ci() {
            println!("cargo-deny: NOT RUN, it is not installed (`cargo install --locked cargo-deny`)");
            return Ok(());
        }
        // Not optimised: it is built in half the time, and runs for a second.
        let words = format!("install --debug --root {FOLDER} cargo-deny@{VERSION}");
        cargo.run(&words, &[], &[])?;
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", cargo.path(FOLDER).join("bin").display());
    cargo.run(&format!("deny {CHECK}"), &[], &[("PATH", &path)])
}
