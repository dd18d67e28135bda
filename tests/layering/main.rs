//! The shape of the house, enforced by reading the source:
//!
//! - dependencies point one way, as [`LAYERS`] says;
//! - the pure parts do no I/O, read no clock and make no randomness;
//! - no file that a person writes is longer than 800 lines.
//!
//! `source` finds the paths that a file names.

#![allow(clippy::unwrap_used, clippy::panic)]

mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use source::{Named, paths_of};

/// Every layer and what it may name besides itself: a layer, or one item of a
/// layer. Doc links don't count. Who adds a folder to `src` adds a line here.
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("threading", &[]),
    // Deliberate bugs, of which only a build for tests has any.
    ("mutant", &[]),
    ("conflict", &["model", "mutant"]),
    ("protocol", &["model"]),
    ("seam", &["model"]),
    (
        "transport",
        &[
            "seam",
            "model",
            "protocol::MAX_MESSAGE_BYTES",
            "protocol::MAX_LISTING_BYTES",
        ],
    ),
    // A pulled page is adjudicated in the transaction that brings it.
    ("store", &["protocol", "conflict", "seam", "model", "mutant"]),
    // It follows the commits of other processes on the same file.
    ("observe", &["store", "seam", "model", "threading"]),
    (
        "sync",
        &[
            "store",
            "protocol",
            "transport",
            "conflict",
            "observe",
            "seam",
            "model",
            "mutant",
            "threading",
        ],
    ),
    (
        "client",
        &[
            "sync",
            "store",
            "protocol",
            "transport",
            "conflict",
            "observe",
            "seam",
            "model",
        ],
    ),
    ("hub", &["protocol", "conflict", "seam", "model"]),
    // The stage of the scenarios: a hub, and clients by their public API.
    (
        "conformance",
        &["client", "hub", "observe", "store", "protocol", "seam", "model"],
    ),
    (
        "ffi",
        &[
            "conformance",
            "client",
            "sync",
            "store",
            "protocol",
            "transport",
            "conflict",
            "observe",
            "seam",
            "model",
        ],
    ),
    (
        "bin",
        &[
            "conformance",
            "mutant",
            "client",
            "hub",
            "sync",
            "store",
            "protocol",
            "transport",
            "conflict",
            "observe",
            "seam",
            "model",
        ],
    ),
];

/// The files and folders below `src` that are pure, by the start of their path.
const PURE: &[&str] = &["model/", "conflict.rs", "protocol/", "sync/planner"];

/// What nothing pure may name: `a::b` as part of a path, a word alone as any part of one.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::io",
    "std::env",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant",
    "Utc::now",
    "Local::now",
    "tokio::",
    "reqwest::",
    "rusqlite::",
    "axum::",
    "rand::",
    "getrandom::",
    "new_v1",
    "new_v4",
    "new_v6",
    "new_v7",
    "now_v1",
    "now_v6",
    "now_v7",
    "println",
    "eprintln",
    "crate::seam",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The `.rs` files below `folder` that people write, as paths relative to it.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                if !name.starts_with('.') && name != "target" && name != "generated" {
                    walk(&path, found);
                }
            } else if name.ends_with(".rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, &mut found);
    found.sort();
    found
        .iter()
        .map(|path| path.strip_prefix(folder).unwrap().to_owned())
        .collect()
}

/// A path below `src` with `/`, whatever the system.
fn slashed(path: &Path) -> String {
    path.iter()
        .map(|part| part.to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}

/// The modules from the crate's root to the file: `a/b.rs` and `a/b/mod.rs` are `[a, b]`.
fn module_of(file: &str) -> Vec<&str> {
    let path = file.trim_end_matches(".rs");
    path.trim_end_matches("/mod")
        .split('/')
        .filter(|part| *part != "lib")
        .collect()
}

/// The path within the crate that a name leads to: `crate::`, `wildthing::` and
/// `super::` that climb to the root. `None` for anything else.
fn within_crate(module: &[&str], named: &[String]) -> Option<Vec<String>> {
    let first = named.first()?.as_str();
    // `crate` in a program is the program.
    let name_of_crate = if module.first() == Some(&"bin") {
        "wildthing"
    } else {
        "crate"
    };
    if first == name_of_crate {
        return Some(named[1..].to_vec());
    }
    let climbs = named.iter().take_while(|part| *part == "super").count();
    (climbs > 0 && climbs >= module.len() && first != "bin").then(|| named[climbs..].to_vec())
}

/// What in `text`, the source of `file` below `src`, points the wrong way.
fn wrong_directions(file: &str, text: &str, modules: &BTreeSet<String>) -> Vec<String> {
    let module = module_of(file);
    let Some(layer) = module.first() else {
        return Vec::new(); // lib.rs re-exports what it likes
    };
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| name == layer) else {
        return vec![format!(
            "{file}: the layer `{layer}` is not in LAYERS of tests/layering; give it its place"
        )];
    };
    let mut wrong = Vec::new();
    for Named { path, line } in paths_of(text) {
        let Some(inner) = within_crate(&module, &path) else {
            continue;
        };
        let Some(target) = inner.first() else {
            continue;
        };
        let joined = inner.join("::");
        let may = |allowed: &str| joined == allowed || joined.starts_with(&format!("{allowed}::"));
        if target == layer || allowed.iter().any(|allowed| may(allowed)) {
            continue;
        }
        if modules.contains(target) {
            wrong.push(format!("{file}:{line}: `{layer}` must not depend on `{joined}`"));
        } else if path[0] == "crate" && layer != &"bin" {
            wrong.push(format!(
                "{file}:{line}: name the module that `{joined}` comes from, not the crate's root"
            ));
        }
    }
    wrong
}

/// What in `text` is impure.
fn impurities(file: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for Named { path, line } in paths_of(text) {
        let joined = format!("::{}::", path.join("::"));
        for impure in IMPURE {
            // `rand::` is a crate: it counts at the start of a longer path only.
            let hit = match impure.strip_suffix("::") {
                Some(krate) => path.len() > 1 && path[0] == krate,
                None => joined.contains(&format!("::{impure}::")),
            };
            if hit {
                found.push(format!("{file}:{line}: `{}` in a pure part", path.join("::")));
            }
        }
    }
    found
}

fn sources() -> Vec<(String, String)> {
    let src = root().join("src");
    let files: Vec<_> = rust_files(&src)
        .iter()
        .filter(|path| !path.ends_with("tests.rs")) // unit tests in a file of their own
        .map(|path| (slashed(path), fs::read_to_string(src.join(path)).unwrap()))
        .collect();
    assert!(files.len() > 10, "the source was not found");
    files
}

/// The top-level modules that exist.
fn modules(sources: &[(String, String)]) -> BTreeSet<String> {
    let first = |(file, _): &(String, String)| module_of(file).first().map(|name| (*name).to_owned());
    sources.iter().filter_map(first).collect()
}

#[test]
fn dependencies_point_one_way() {
    let sources = sources();
    let modules = modules(&sources);
    let wrong: Vec<String> = sources
        .iter()
        .flat_map(|(file, text)| wrong_directions(file, text, &modules))
        .collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// The table itself is a direction: nobody below depends on somebody above.
#[test]
fn the_layers_make_no_circle() {
    for (index, (layer, allowed)) in LAYERS.iter().enumerate() {
        for below in *allowed {
            let below = below.split("::").next().unwrap();
            let place = LAYERS.iter().position(|(name, _)| *name == below);
            assert!(place.is_some_and(|place| place < index), "{layer} before {below}");
        }
    }
}

#[test]
fn the_pure_parts_are_pure() {
    let found: Vec<String> = sources()
        .iter()
        .filter(|(file, _)| PURE.iter().any(|pure| file.starts_with(pure)))
        .flat_map(|(file, text)| impurities(file, text))
        .collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn no_file_is_too_long_to_read() {
    let long: Vec<String> = rust_files(root())
        .iter()
        .map(|path| {
            (
                path,
                fs::read_to_string(root().join(path)).unwrap().lines().count(),
            )
        })
        .filter(|(_, lines)| *lines > 800)
        .map(|(path, lines)| format!("{}: {lines} lines", slashed(path)))
        .collect();
    assert!(long.is_empty(), "\n{}\n", long.join("\n"));
}

/// The checks themselves find what they are for.
#[test]
fn a_wrong_direction_is_found_however_it_is_written() {
    let modules: BTreeSet<String> = LAYERS.iter().map(|(name, _)| (*name).to_owned()).collect();
    for (file, text) in [
        ("model/kind.rs", "use crate::conflict::resolve;"),
        ("model/kind.rs", "fn f() { crate::seam::RealSeam::shared(); }"),
        ("model/mod.rs", "use super::store;"),
        ("protocol/v1/change.rs", "use super::super::super::store::Store;"),
        (
            "conflict.rs",
            "use crate::{\n    model::{Version, time},\n    sync::engine,\n};",
        ),
        ("store/rows.rs", "pub use crate::client::types as t;"),
        ("transport/mod.rs", "use crate::protocol::v1::Delta;"),
        ("hub/mod.rs", "use crate::store;"),
        ("sync/engine.rs", "use crate::WildThingError;"),
        ("client/mod.rs", "use crate::hub::Hub;"),
        ("bin/blowing-off/main.rs", "use wildthing::ffi::Client;"),
        ("newcomer.rs", ""),
    ] {
        assert_eq!(wrong_directions(file, text, &modules).len(), 1, "{file}: {text}");
    }
    for (file, text) in [
        (
            "model/kind.rs",
            "//! See [`crate::sync`].\nuse super::time;\nuse crate::model::id;",
        ),
        (
            "model/kind.rs",
            "const S: &str = \"crate::store\"; /* crate::store */",
        ),
        (
            "conflict.rs",
            "#[cfg(test)]\nmod tests { use super::*; use crate::client::x; }",
        ),
        (
            "protocol/v1/change.rs",
            "use super::super::decode; use crate::model::Kind;",
        ),
        ("transport/mod.rs", "use crate::protocol::MAX_MESSAGE_BYTES;"),
        ("sync/engine.rs", "use crate::{store, observe::Event};"),
        (
            "bin/blowing-off/main.rs",
            "use crate::args; use wildthing::{client, hub};",
        ),
        ("lib.rs", "pub use crate::client::WildThingClient;"),
    ] {
        assert_eq!(
            wrong_directions(file, text, &modules),
            Vec::<String>::new(),
            "{file}: {text}"
        );
    }
}

#[test]
fn an_impurity_is_found_however_it_is_written() {
    for text in [
        "use std::fs;",
        "use std::{fmt, fs::File};",
        "fn f() { std::net::TcpStream::connect(\"\"); }",
        "use std::time::{Duration, Instant};",
        "let now = chrono::Utc::now();",
        "let now = Utc::now();",
        "tokio::spawn(work);",
        "uuid::Uuid::new_v4()",
        "Uuid::now_v7()",
        "rand::random::<u8>()",
        "println!(\"x\")",
        "use crate::seam::Seam;",
    ] {
        assert_eq!(impurities("planner.rs", text).len(), 1, "{text}");
    }
    for text in [
        "use std::time::Duration;",
        "let rand = 1; f(rand); // std::fs",
        "chrono::DateTime::<Utc>::from_timestamp(0, 0)",
        "Uuid::new_v5(&NAMESPACE, name)",
        "\"tokio::spawn\"; 'x'; r#\"std::fs\"#; b\"\\\"std::net\"; fn f<'a>(x: &'a str) {}",
        "#[cfg(test)]\nmod tests {\n use std::fs;\n}\n",
    ] {
        assert_eq!(impurities("planner.rs", text), Vec::<String>::new(), "{text}");
    }
}
