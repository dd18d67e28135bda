//! Writes what the other languages see of the library: Swift, Kotlin and Python
//! sources, and the page that lists the API. `cargo xtask bindings` runs it.
//!
//! ```text
//! bindgen LIBRARY UNIFFI_TOML FOLDER [--sources]
//! ```
//!
//! `LIBRARY` is the built cdylib, which carries a description of its own API;
//! `UNIFFI_TOML` says how types are mapped. Below `FOLDER` it writes
//! `bindings/{swift,kotlin,python}/generated`, `docs/api.md`, and `api.json` for
//! programs; with `--sources` the first of these only, as for a library with what
//! tests need in it, of which the page has nothing to tell. The same library gives the same bytes on every machine.
//!
//! - `generate`: runs UniFFI's generators and puts the files where packages want them.
//! - `clean`: takes out what is specific to a machine, or not to our taste.
//! - `kotlin`: what of UniFFI's Kotlin a developer sees.
//! - `shape`: makes Swift's source the inner half of a package.
//! - `api`: the API as the library describes it.
//! - `spell`: how each language writes a type, a name, a signature.
//! - `verify`: every spelled name is one that a generator, or Kotlin's layer, wrote.
//! - `page`, `groups`, `json`: `docs/api.md`, in which order it tells, and `api.json`.

mod api;
mod clean;
mod generate;
mod groups;
mod json;
mod kotlin;
mod page;
mod shape;
mod spell;
mod verify;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

/// What Kotlin's layer makes of the calls that are pulled from.
const FLOWS: &str = "bindings/kotlin/src/main/kotlin/com/thegoodies/wildthing/Flows.kt";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bindgen: {problem:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (words, sources_only) = match words.as_slice() {
        [words @ .., last] if last == "--sources" => (words, true),
        words => (words, false),
    };
    let [library, config, folder] = words else {
        bail!("usage: bindgen LIBRARY UNIFFI_TOML FOLDER [--sources]");
    };
    let (library, config) = (Utf8PathBuf::from(library), Utf8PathBuf::from(config));
    let folder = Utf8Path::new(folder);

    let sources = generate::sources(&library, &config, folder)?;
    if sources_only {
        return Ok(());
    }
    let api = api::read(&generate::loader(&config), &library)?;
    verify::names(&api, &sources)?;
    let project = config.parent().context("the configuration is in no folder")?;
    let flows = project.join(FLOWS);
    let flows = fs::read_to_string(&flows).with_context(|| format!("can't read {flows}"))?;
    verify::flows(&api, &flows)?;
    let layer = shape::layer::Layer::read(&project.join("bindings/swift/Sources"))?;
    write(&folder.join("docs/api.md"), &page::page(&api, layer)?)?;
    write(&folder.join("api.json"), &json::text(&api)?)
}

/// Writes a file and the folders above it.
fn write(path: &Utf8Path, text: &str) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("can't make {parent}"))?;
    }
    fs::write(path, text).with_context(|| format!("can't write {path}"))
}
