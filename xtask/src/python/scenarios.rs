//! The scenarios of `cargo xtask conformance`, played by `bindings/python/conformance` with
//! the package on a library that has the stage in it. The package lies below
//! `target/conformance` as the wheel has it, so that it takes nothing but Python.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{interpreter, run};
use crate::Outcome;
use crate::bindings::{self, copy, files, is_cdylib, make};
use crate::cargo::Cargo;

/// Says what this machine lacks.
pub(crate) fn can_play() -> Outcome {
    interpreter().map(|_| ())
}

/// Plays the scenarios of one folder, and writes the transcripts into another.
pub(crate) fn play(cargo: &Cargo, scenarios: &Path, folder: &Path) -> Outcome {
    let staged = cargo.path("target/conformance/package-python");
    stage(cargo, &staged)?;
    run(Command::new(interpreter()?)
        .arg(cargo.path("bindings/python/conformance"))
        .args([scenarios, folder])
        .env("PYTHONPATH", staged)
        .env("PYTHONDONTWRITEBYTECODE", "1"))
}

/// Lays out the package.
fn stage(cargo: &Cargo, staged: &Path) -> Outcome {
    if staged.exists() {
        fs::remove_dir_all(staged).map_err(|error| format!("can't empty {}: {error}", staged.display()))?;
    }
    let generated = bindings::testing(cargo)?;
    let layer = cargo.path("bindings/python/src");
    for file in files(&layer)? {
        if file.extension().is_some_and(|end| end == "py") {
            copy(&layer.join(&file), &staged.join(&file))?;
        }
    }
    let native = staged.join("blowing_off/_native");
    make(&native)?;
    fs::write(native.join("__init__.py"), "")
        .map_err(|error| format!("can't write in {}: {error}", native.display()))?;
    copy(
        &generated.join("bindings/python/generated/_wildthing.py"),
        &native.join("wildthing.py"),
    )?;
    let library = files(&generated)?
        .into_iter()
        .find(|file| is_cdylib(file))
        .ok_or("the testing build left no library")?;
    copy(&generated.join(&library), &native.join(&library))
}
