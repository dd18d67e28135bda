//! `cargo xtask size`: the libraries as they ship, how big they are, what they
//! are made of, and that they export nothing but our API.
//!
//! - `ship`: strips the cdylib, and makes an archive whose only global symbols
//!   are our own.
//! - `symbols`: reading `nm`, and which crate a symbol comes from.
//!
//! It builds the profile `dist` without stripping, since the symbols are what is
//! read here, and leaves what ships in `target/dist/ship`.
//!
//! The two crate types that ship are built by themselves: cargo silently leaves
//! link-time optimization out as soon as a Rust library is built along with them.

mod ship;
mod symbols;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::bindings::{is_cdylib, make};
use crate::cargo::Cargo;
use symbols::Symbol;

/// What ships to phones and desktops.
const BUILD: &str =
    "rustc --profile dist --package wildthing --lib --no-default-features --crate-type cdylib,staticlib";

/// What the stripped cdylib may have: 8 MB.
const BUDGET: u64 = 8_000_000;

/// How many crates are listed by themselves.
const LISTED: usize = 16;

/// Builds, ships, measures and checks.
pub(crate) fn size(cargo: &Cargo, json: bool) -> Outcome {
    let unstripped = ["-C".to_owned(), "strip=none".to_owned()];
    let built = cargo.artifacts(BUILD, &unstripped, "wildthing")?;
    let find = |what: &str, wanted: fn(&Path) -> bool| {
        built
            .iter()
            .find(|file| wanted(file))
            .ok_or(format!("the build left no {what}"))
    };
    let cdylib = find("cdylib", is_cdylib)?;
    let archive = find("staticlib", is_archive)?;

    let folder = cargo.path("target/dist/ship");
    make(&folder)?;
    let shipped = ship::cdylib(cdylib, &folder)?;
    let exported = symbols::exported(&shipped)?;
    let api: Vec<String> = exported
        .iter()
        .filter(|name| symbols::is_api(name))
        .cloned()
        .collect();
    let small = ship::archive(archive, &api, &folder)?;

    let report = Report { json };
    report.line("cdylib", bytes(&shipped)?);
    report.line("staticlib", bytes(&small)?);
    report.line("staticlib as built", bytes(archive)?);
    report.crates(&symbols::code(cdylib)?);

    let mut problems: Vec<String> = within_budget(&shipped).err().into_iter().collect();
    for (file, names) in [(&shipped, exported), (&small, symbols::global(&small)?)] {
        let foreign: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|name| !symbols::is_ours(name))
            .collect();
        report.line(&format!("exported by {}", name(file)), names.len() as u64);
        if !foreign.is_empty() {
            problems.push(format!(
                "{} exports {} names that are not ours: {}",
                name(file),
                foreign.len(),
                foreign.join(" ")
            ));
        }
    }
    if let Err(problem) = beside_another_sqlite(cargo, &small, &folder, json) {
        problems.push(problem);
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems.join("\n"))
    }
}

/// Whether a cdylib as it ships is small enough.
pub(crate) fn within_budget(shipped: &Path) -> Outcome {
    let size = bytes(shipped)?;
    if size > BUDGET {
        return Err(format!(
            "the cdylib has {size} bytes, over the budget of {BUDGET}"
        ));
    }
    Ok(())
}

/// Builds the cdylib as it ships, and gives where it is.
pub(crate) fn shipped(cargo: &Cargo) -> Result<PathBuf, String> {
    let unstripped = ["-C".to_owned(), "strip=none".to_owned()];
    let built = cargo.artifacts(BUILD, &unstripped, "wildthing")?;
    let cdylib = built
        .iter()
        .find(|file| is_cdylib(file))
        .ok_or("the build left no cdylib")?;
    let folder = cargo.path("target/dist/ship");
    make(&folder)?;
    ship::cdylib(cdylib, &folder)
}

/// An archive as it ships, of one that was built: only our API is global in it.
pub(crate) fn shipped_archive(built: &Path, folder: &Path) -> Result<PathBuf, String> {
    let names = symbols::global(built)?;
    let api: Vec<String> = names.into_iter().filter(|name| symbols::is_api(name)).collect();
    ship::archive(built, &api, folder)
}

/// Links a program that has a SQLite of its own with the archive, and runs it.
fn beside_another_sqlite(cargo: &Cargo, archive: &Path, folder: &Path, json: bool) -> Outcome {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let program = folder.join("own_sqlite");
    let mut link = Command::new(compiler);
    link.arg("-Wall")
        .arg(cargo.path("tests/ffi/own_sqlite.c"))
        .arg(archive)
        .arg("-o")
        .arg(&program);
    if cfg!(target_os = "macos") {
        link.args([
            "-framework",
            "Security",
            "-framework",
            "CoreFoundation",
            "-liconv",
        ]);
    } else {
        link.args(["-lpthread", "-ldl", "-lm"]);
    }
    ship::run(&mut link)?;
    let said = ship::run(&mut Command::new(&program))?;
    if !json {
        print!("\nlinked and run: {said}");
    }
    fs::remove_file(&program).map_err(|error| format!("can't remove {}: {error}", program.display()))
}

/// How results are printed: for people, or one JSON object a line.
struct Report {
    json: bool,
}

impl Report {
    fn line(&self, what: &str, value: u64) {
        if self.json {
            println!("{{\"row\":{what:?},\"value\":{value}}}");
        } else if value > 100_000 {
            println!("{what:<34} {value:>12}  {:6.2} MB", megabytes(value));
        } else {
            println!("{what:<34} {value:>12}");
        }
    }

    /// The code of the cdylib by the crate it was written in. Generic code counts
    /// for the crate that defines it, inlined code for the one it ended up in.
    fn crates(&self, code: &[Symbol]) {
        let mut crates: BTreeMap<&str, u64> = BTreeMap::new();
        for symbol in code {
            *crates.entry(symbols::origin(&symbol.name)).or_default() += symbol.size;
        }
        let total: u64 = crates.values().sum();
        let mut crates: Vec<(&str, u64)> = crates.into_iter().collect();
        crates.sort_by_key(|(name, size)| (u64::MAX - size, *name));
        if !self.json {
            println!("\ncode of the cdylib, {:.2} MB, by crate", megabytes(total));
        }
        let (listed, rest) = crates.split_at(crates.len().min(LISTED));
        let rest = ("(all others)", rest.iter().map(|(_, size)| size).sum());
        for (name, size) in listed.iter().chain(std::iter::once(&rest)) {
            if self.json {
                println!("{{\"row\":\"code of {name}\",\"value\":{size}}}");
            } else {
                let share = 100.0 * *size as f64 / total.max(1) as f64;
                println!("  {name:<32} {size:>12}  {share:5.1} %");
            }
        }
        if !self.json {
            println!();
        }
    }
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn bytes(file: &Path) -> Result<u64, String> {
    fs::metadata(file)
        .map(|data| data.len())
        .map_err(|error| format!("can't read {}: {error}", file.display()))
}

fn name(file: &Path) -> String {
    file.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn is_archive(file: &Path) -> bool {
    file.extension().is_some_and(|end| end == "a" || end == "lib")
}
