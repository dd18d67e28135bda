//! `cargo xtask xcframework`: the engine for Apple's platforms, as Swift packages
//! take it: a static library for each, with the C header of the bindings.
//!
//! Needs a Mac with Xcode and the targets of [`SLICES`]. **Not verified on the
//! machines this is developed on**, which are none: what can be tested without
//! Apple's tools is, and the macOS workflow runs the rest.
//!
//! cargo-swift would do the same, but reads libraries of another UniFFI only.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::bindings::{copy, make};
use crate::cargo::Cargo;
use crate::size;

/// A library of the framework: one platform, with all its processors in one file.
struct Slice {
    name: &'static str,
    /// What rustc calls them.
    targets: &'static [&'static str],
}

const SLICES: &[Slice] = &[
    Slice {
        name: "ios",
        targets: &["aarch64-apple-ios"],
    },
    Slice {
        name: "ios-simulator",
        targets: &["aarch64-apple-ios-sim", "x86_64-apple-ios"],
    },
    Slice {
        name: "macos",
        targets: &["aarch64-apple-darwin", "x86_64-apple-darwin"],
    },
];

/// The oldest systems, as `Package.swift` has them.
const OLDEST: &[(&str, &str)] = &[
    ("IPHONEOS_DEPLOYMENT_TARGET", "16.0"),
    ("MACOSX_DEPLOYMENT_TARGET", "13.0"),
];

/// The module of the header, which also names its folder: Xcode puts the headers
/// of all frameworks into one place, and two plain `module.modulemap` would clash.
const MODULE: &str = "WildThingFFI";

/// Builds every slice and puts them together.
pub(crate) fn xcframework(cargo: &Cargo) -> Outcome {
    if !cfg!(target_os = "macos") {
        return Err("an XCFramework can be made on a Mac only; CI has one".to_owned());
    }
    let folder = cargo.path("target/xcframework");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| format!("can't remove {}: {error}", folder.display()))?;
    }
    headers(&cargo.path("bindings/swift/generated").join(MODULE), &folder)?;
    for slice in SLICES {
        cargo.heading(&format!("slice {}", slice.name));
        let mut parts = Vec::new();
        for target in slice.targets {
            parts.push(library(cargo, target, &folder)?);
        }
        let whole = slice_file(&folder, slice);
        if let Some(parent) = whole.parent() {
            make(parent)?;
        }
        run(&lipo(&parts, &whole))?;
    }
    run(&create(&folder))?;
    run(&zip(&folder))?;
    cargo.heading("checksum, for Package.swift");
    run(&checksum(&folder))
}

/// The static library for one target, in which only our API is global: the app
/// may have a SQLite of its own.
fn library(cargo: &Cargo, target: &str, folder: &Path) -> Result<PathBuf, String> {
    let words = format!(
        "rustc --profile dist --package wildthing --lib --no-default-features --crate-type staticlib \
         --target {target}"
    );
    let unstripped = ["-C".to_owned(), "strip=none".to_owned()];
    let built = cargo.artifacts_with(&words, &unstripped, "wildthing", OLDEST)?;
    let archive = built
        .iter()
        .find(|file| file.extension().is_some_and(|end| end == "a"))
        .ok_or(format!("the build for {target} left no static library"))?;
    let own = folder.join(target);
    make(&own)?;
    size::shipped_archive(archive, &own)
}

/// Puts header and module map where the framework takes them from.
fn headers(generated: &Path, folder: &Path) -> Outcome {
    for name in ["WildThingFFI.h", "module.modulemap"] {
        copy(
            &generated.join(name),
            &header_folder(folder).join(MODULE).join(name),
        )?;
    }
    Ok(())
}

fn header_folder(folder: &Path) -> PathBuf {
    folder.join("headers")
}

fn slice_file(folder: &Path, slice: &Slice) -> PathBuf {
    folder.join("slices").join(slice.name).join("libwildthing.a")
}

fn framework(folder: &Path) -> PathBuf {
    folder.join(format!("{MODULE}.xcframework"))
}

/// The processors of a platform in one file.
fn lipo(parts: &[PathBuf], whole: &Path) -> Vec<String> {
    let mut words = words("lipo -create");
    words.extend(parts.iter().map(|part| shown(part)));
    words.extend(["-output".to_owned(), shown(whole)]);
    words
}

/// The platforms in one framework.
fn create(folder: &Path) -> Vec<String> {
    let mut words = words("xcodebuild -create-xcframework");
    for slice in SLICES {
        words.extend(["-library".to_owned(), shown(&slice_file(folder, slice))]);
        words.extend(["-headers".to_owned(), shown(&header_folder(folder))]);
    }
    words.extend(["-output".to_owned(), shown(&framework(folder))]);
    words
}

/// The framework as releases have it.
fn zip(folder: &Path) -> Vec<String> {
    let mut words = words("ditto -c -k --sequesterRsrc --keepParent");
    words.extend([
        shown(&framework(folder)),
        shown(&framework(folder).with_extension("xcframework.zip")),
    ]);
    words
}

/// What SwiftPM wants to know of a release.
fn checksum(folder: &Path) -> Vec<String> {
    let mut words = words("swift package compute-checksum");
    words.push(shown(&framework(folder).with_extension("xcframework.zip")));
    words
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn run(words: &[String]) -> Outcome {
    let (program, arguments) = words.split_first().ok_or("nothing to run")?;
    let status = Command::new(program)
        .args(arguments)
        .status()
        .map_err(|error| format!("can't start {program}: {error}; it comes with Xcode"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{} failed ({status})", words.join(" ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slice_is_in_the_framework_with_its_headers() {
        let words = create(Path::new("/t"));
        let libraries = words.windows(4).filter(|window| window[0] == "-library");
        let found: Vec<&str> = libraries
            .map(|window| {
                assert_eq!(
                    (window[2].as_str(), window[3].as_str()),
                    ("-headers", "/t/headers")
                );
                window[1].as_str()
            })
            .collect();
        assert_eq!(
            found,
            [
                "/t/slices/ios/libwildthing.a",
                "/t/slices/ios-simulator/libwildthing.a",
                "/t/slices/macos/libwildthing.a"
            ]
        );
        assert_eq!(
            words.last().map(String::as_str),
            Some("/t/WildThingFFI.xcframework")
        );
        assert_eq!(
            checksum(Path::new("/t")).last().map(String::as_str),
            Some("/t/WildThingFFI.xcframework.zip")
        );
    }

    #[test]
    fn processors_of_a_platform_are_one_file() {
        let parts = [PathBuf::from("/a.a"), PathBuf::from("/b.a")];
        assert_eq!(
            lipo(&parts, Path::new("/c.a")).join(" "),
            "lipo -create /a.a /b.a -output /c.a"
        );
    }

    /// The manifest, the package and the framework mean the same.
    #[test]
    fn the_manifest_takes_what_is_made_here() {
        let manifest = include_str!("../../Package.swift");
        assert!(manifest.contains("\"target/xcframework/WildThingFFI.xcframework\""));
        assert!(manifest.contains(".iOS(.v16)") && manifest.contains(".macOS(.v13)"));
        let map = include_str!("../../bindings/swift/generated/WildThingFFI/module.modulemap");
        assert!(map.contains("module WildThingFFI {"));
    }
}
