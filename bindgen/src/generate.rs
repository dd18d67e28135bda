//! Runs UniFFI's generators, and puts the files where each language's packages want them.

use std::fs;

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use uniffi_bindgen::bindings::{GenerateOptions, TargetLanguage, generate_with_bindgen_paths};
use uniffi_bindgen::{BindgenLoader, BindgenPaths, BindgenPathsLayer, GlobalConfig};

use crate::{clean, kotlin, shape};

/// The crate that describes an API.
const CRATE: &str = "wildthing";

/// What each generator writes, and where it goes. Swift's header and module map
/// are a module of their own; a file named `module.modulemap` is what compilers look for.
const FILES: &[(&str, &str)] = &[
    (
        "swift/WildThing.swift",
        "bindings/swift/generated/WildThing.swift",
    ),
    (
        "swift/WildThingFFI.h",
        "bindings/swift/generated/WildThingFFI/WildThingFFI.h",
    ),
    (
        "swift/WildThingFFI.modulemap",
        "bindings/swift/generated/WildThingFFI/module.modulemap",
    ),
    (
        "kotlin/com/thegoodies/wildthing/wildthing.kt",
        "bindings/kotlin/generated/com/thegoodies/wildthing/wildthing.kt",
    ),
    // A private module of the package that people import.
    ("python/wildthing.py", "bindings/python/generated/_wildthing.py"),
];

/// The generated programs, to look things up in.
pub(crate) struct Sources {
    pub(crate) swift: String,
    pub(crate) kotlin: String,
    pub(crate) python: String,
}

/// Knows where the one configuration file is.
struct Config(Utf8PathBuf);

impl BindgenPathsLayer for Config {
    fn get_config_path(&self, crate_name: &str) -> Option<Utf8PathBuf> {
        (crate_name == CRATE).then(|| self.0.clone())
    }
}

fn paths(config: &Utf8Path) -> BindgenPaths {
    let mut paths = BindgenPaths::default();
    paths.add_layer(Config(config.to_owned()));
    paths
}

/// What reads the description of an API out of a library.
pub(crate) fn loader(config: &Utf8Path) -> BindgenLoader {
    BindgenLoader::new(paths(config), GlobalConfig::default())
}

/// Writes the sources of every language below `folder`.
pub(crate) fn sources(library: &Utf8Path, config: &Utf8Path, folder: &Utf8Path) -> Result<Sources> {
    let raw = folder.join("raw");
    for (language, name) in [
        (TargetLanguage::Swift, "swift"),
        (TargetLanguage::Kotlin, "kotlin"),
        (TargetLanguage::Python, "python"),
    ] {
        let options = GenerateOptions {
            languages: vec![language],
            source: library.to_owned(),
            out_dir: raw.join(name),
            crate_filter: Some(CRATE.to_owned()),
            // Not every machine has the formatters, and they differ between versions.
            format: false,
            ..GenerateOptions::default()
        };
        generate_with_bindgen_paths(options, paths(config))
            .with_context(|| format!("can't generate {name} from {library}"))?;
    }
    for (from, to) in FILES {
        let from = raw.join(from);
        let text = fs::read_to_string(&from).with_context(|| format!("the generator left no {from}"))?;
        let mut text = clean::source(&text);
        if to.ends_with(".kt") {
            text = kotlin::source(&text);
        } else if to.ends_with(".swift") {
            text = clean::source(&shape::swift(&text)?);
        }
        crate::write(&folder.join(to), &text)?;
    }
    fs::remove_dir_all(&raw).with_context(|| format!("can't remove {raw}"))?;
    let read = |name: &str| -> Result<String> {
        let path = folder.join("bindings").join(name);
        fs::read_to_string(&path).with_context(|| format!("can't read {path}"))
    };
    Ok(Sources {
        swift: read("swift/generated/WildThing.swift")?,
        kotlin: read("kotlin/generated/com/thegoodies/wildthing/wildthing.kt")?,
        python: read("python/generated/_wildthing.py")?,
    })
}

#[cfg(test)]
mod tests {
    /// Two versions side by side would mean that the generators read what
    /// another version's macros wrote.
    #[test]
    fn the_lock_file_has_one_uniffi() {
        let lock = include_str!("../../Cargo.lock").replace("\r\n", "\n");
        for name in ["uniffi", "uniffi_bindgen", "uniffi_meta"] {
            let version = format!("name = \"{name}\"\nversion = \"0.32.2\"\n");
            assert!(lock.contains(&version), "{name}");
            assert_eq!(lock.matches(&format!("name = \"{name}\"\n")).count(), 1, "{name}");
        }
    }
}
