//! The sources for Swift, Kotlin and Python, and `docs/api.md`: written by the
//! crate `bindgen` from the library as it ships to phones.
//!
//! They are committed, so that an app needs no Rust to read them and a review
//! shows what an edit does to the API. `check` fails when they have drifted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::cargo::Cargo;

/// What ships: without the command and the server. The development build has
/// the same API in it, and takes a tenth of the time.
pub(crate) const LIBRARY: &str = "build --package wildthing --lib --no-default-features";

/// The folders that belong to the generator: what else is in them is removed.
const FOLDERS: &[&str] = &[
    "bindings/swift/generated",
    "bindings/kotlin/generated",
    "bindings/python/generated",
];
/// The files that it writes elsewhere.
const FILES: &[&str] = &["docs/api.md"];

/// Generates everything into a folder of its own, below `target`: `bindings`,
/// `docs`, `api.json`, and the library they are of, since building something else
/// replaces the original.
pub(crate) fn generate(cargo: &Cargo) -> Result<PathBuf, String> {
    let folder = cargo.path("target/bindings");
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(format!("can't empty {}: {error}", folder.display()));
        }
        _ => make(&folder)?,
    }
    let built = cargo.artifacts(LIBRARY, &[], "wildthing")?;
    let built = built
        .iter()
        .find(|file| is_cdylib(file))
        .ok_or("the build left no cdylib")?;
    let library = folder.join(built.file_name().unwrap_or_default());
    copy(built, &library)?;

    let words = [library.clone(), cargo.path("uniffi.toml"), folder.clone()]
        .map(|path| path.to_string_lossy().into_owned());
    let output = cargo.output("run --package bindgen", &words, &[])?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    Ok(folder)
}

/// The library with the stage of the scenarios in it.
pub(crate) const TESTING: &str = "build --package wildthing --lib --features testing";

/// What only a library for tests may have, in a name of any language.
const SEAM: &[&str] = &["ConformanceStage", "conformancestage", "testing_subscriptions"];

/// Generates the sources of a library for tests, and gives the folder they are in:
/// `bindings`, as the committed ones lie, and the library. Nothing of it is committed.
pub(crate) fn testing(cargo: &Cargo) -> Result<PathBuf, String> {
    let folder = cargo.path("target/conformance/bindings");
    make(&folder)?;
    let built = cargo.artifacts(TESTING, &[], "wildthing")?;
    let built = built
        .iter()
        .find(|file| is_cdylib(file))
        .ok_or("the build left no cdylib")?;
    let library = folder.join(built.file_name().unwrap_or_default());
    copy(built, &library)?;
    let words =
        [library, cargo.path("uniffi.toml"), folder.clone()].map(|path| path.to_string_lossy().into_owned());
    let words = [&words[..], &["--sources".to_owned()]].concat();
    let output = cargo.output("run --package bindgen", &words, &[])?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    println!("{}", folder.display());
    Ok(folder)
}

/// Fails if a file has something of the stage in it.
fn without_seam(file: &Path) -> Outcome {
    let bytes = fs::read(file).map_err(|error| problem("read", file, &error))?;
    let found = SEAM
        .iter()
        .find(|name| bytes.windows(name.len()).any(|window| window == name.as_bytes()));
    match found {
        Some(name) => Err(format!("{} has {name}, which is for tests only", file.display())),
        None => Ok(()),
    }
}

/// `cargo xtask bindings`: generates, and puts the result in its place.
pub(crate) fn write(cargo: &Cargo) -> Outcome {
    let generated = generate(cargo)?;
    for folder in FOLDERS {
        let wanted = files(&generated.join(folder))?;
        for file in files(&cargo.path(folder))? {
            if !wanted.contains(&file) {
                let path = cargo.path(folder).join(file);
                fs::remove_file(&path).map_err(|error| problem("remove", &path, &error))?;
            }
        }
        for file in &wanted {
            copy(&generated.join(folder).join(file), &cargo.path(folder).join(file))?;
        }
    }
    for file in FILES {
        copy(&generated.join(file), &cargo.path(file))?;
    }
    Ok(())
}

/// `cargo xtask bindings --check`: generates, and compares with what is there.
pub(crate) fn check(cargo: &Cargo) -> Outcome {
    let generated = generate(cargo)?;
    for file in files(&generated)? {
        without_seam(&generated.join(file))?;
    }
    for folder in FOLDERS {
        for file in files(&cargo.path(folder))? {
            without_seam(&cargo.path(folder).join(file))?;
        }
    }
    let mut drifted = Vec::new();
    for folder in FOLDERS {
        let mut names = files(&generated.join(folder))?;
        names.extend(files(&cargo.path(folder))?);
        names.sort();
        names.dedup();
        drifted.extend(
            names
                .iter()
                .filter_map(|name| drift(cargo, &generated, &Path::new(folder).join(name))),
        );
    }
    drifted.extend(
        FILES
            .iter()
            .filter_map(|file| drift(cargo, &generated, Path::new(file))),
    );
    if drifted.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "not what the library says:\n{}\nRun `cargo xtask bindings` and commit what it writes.",
            drifted.join("\n")
        ))
    }
}

/// What is wrong with a file, if anything is.
fn drift(cargo: &Cargo, generated: &Path, file: &Path) -> Option<String> {
    let name = file.display();
    // Text that git gave other line ends is the same text.
    let read = |path: PathBuf| {
        fs::read_to_string(path)
            .ok()
            .map(|text| text.replace("\r\n", "\n"))
    };
    let wanted = read(generated.join(file));
    let found = read(cargo.path(".").join(file));
    match (wanted, found) {
        (Some(wanted), Some(found)) if wanted == found => None,
        (Some(wanted), Some(found)) => Some(format!("  {name}: {}", first_difference(&wanted, &found))),
        (Some(_), None) => Some(format!("  {name}: missing")),
        (None, _) => Some(format!("  {name}: nothing generates it")),
    }
}

fn first_difference(wanted: &str, found: &str) -> String {
    let (mut wanted, mut found) = (wanted.lines(), found.lines());
    let mut number = 0;
    loop {
        number += 1;
        let line = |line: Option<&str>| match line {
            // Enough to find it by.
            Some(line) => format!("{:?}", line.chars().take(80).collect::<String>()),
            None => "the end".to_owned(),
        };
        match (wanted.next(), found.next()) {
            (None, None) => return "the end of the last line".to_owned(),
            (wanted, found) if wanted == found => (),
            (wanted, found) => return format!("line {number} is {}, not {}", line(found), line(wanted)),
        }
    }
}

/// All files below a folder, relative to it.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    fn walk(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                walk(root, &path, found)?;
            } else if let Ok(relative) = path.strip_prefix(root) {
                found.push(relative.to_owned());
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    if folder.is_dir() {
        walk(folder, folder, &mut found).map_err(|error| problem("read", folder, &error))?;
    }
    found.sort();
    Ok(found)
}

/// Whether it is the library that other languages load.
pub(crate) fn is_cdylib(file: &Path) -> bool {
    file.extension()
        .is_some_and(|end| end == "so" || end == "dylib" || end == "dll")
}

/// Copies a file, and makes the folders above it.
pub(crate) fn copy(from: &Path, to: &Path) -> Outcome {
    if let Some(parent) = to.parent() {
        make(parent)?;
    }
    fs::copy(from, to)
        .map(|_| ())
        .map_err(|error| format!("can't copy {} to {}: {error}", from.display(), to.display()))
}

/// Makes a folder.
pub(crate) fn make(folder: &Path) -> Outcome {
    fs::create_dir_all(folder).map_err(|error| problem("make", folder, &error))
}

fn problem(what: &str, path: &Path, error: &io::Error) -> String {
    format!("can't {what} {}: {error}", path.display())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_told() {
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), "line 2 is \"c\", not \"b\"");
        assert_eq!(first_difference("a\nb\n", "a\n"), "line 2 is the end, not \"b\"");
        assert_eq!(first_difference("a\n", "a"), "the end of the last line");
    }

    #[test]
    fn the_stage_is_found_in_a_file() {
        let file = std::env::temp_dir().join(format!("wildthing-seam-{}", std::process::id()));
        fs::write(&file, b"\0uniffi_conformancestage_new\0").unwrap();
        assert!(without_seam(&file).is_err());
        fs::write(&file, b"\0uniffi_wildthingclient_new\0").unwrap();
        assert_eq!(without_seam(&file), Ok(()));
        fs::remove_file(&file).unwrap();
    }

    #[test]
    fn libraries_are_known_by_their_ends() {
        assert!(is_cdylib(Path::new("libwildthing.so")));
        assert!(is_cdylib(Path::new("wildthing.dll")));
        assert!(!is_cdylib(Path::new("libwildthing.a")));
    }
}
