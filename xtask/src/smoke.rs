//! `cargo xtask smoke`: calls every exported method from Python, against a real
//! hub. Python needs no compiler, so this runs wherever there is a `python3`.

use std::path::Path;
use std::process::Command;

use crate::Outcome;
use crate::bindings::{copy, generate, is_cdylib, make};
use crate::cargo::Cargo;
use crate::house;

/// The program that does it; it says what it calls.
const PROGRAM: &str = "tests/ffi/smoke.py";

/// Calls everything in the library as it is.
pub(crate) fn smoke(cargo: &Cargo) -> Outcome {
    let generated = generate(cargo)?;
    let entries = std::fs::read_dir(&generated)
        .map_err(|error| format!("can't read {}: {error}", generated.display()))?;
    let library = entries
        .flatten()
        .map(|entry| entry.path())
        .find(|file| is_cdylib(file))
        .ok_or("what was generated lacks its library")?;
    call(cargo, &generated, &library, &house::hub(cargo)?, &[])
}

/// Puts a library and the module in `generated` side by side, and runs the program on
/// them, with more in its environment.
pub(crate) fn call(
    cargo: &Cargo,
    generated: &Path,
    library: &Path,
    hub: &Path,
    envs: &[(&str, &Path)],
) -> Outcome {
    // The committed module may have drifted; this is about the library as it is.
    let module = generated.join("bindings/python/generated/_wildthing.py");
    let folder = cargo.path("target/smoke");
    make(&folder)?;
    copy(&module, &folder.join("_wildthing.py"))?;
    copy(library, &folder.join(library.file_name().unwrap_or_default()))?;

    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let status = Command::new(&python)
        .arg(cargo.path(PROGRAM))
        .arg("--module")
        .arg(&folder)
        .arg("--api")
        .arg(generated.join("api.json"))
        .arg("--hub")
        .arg(hub)
        .envs(envs.iter().copied())
        .status()
        .map_err(|error| {
            format!("can't start {python} ({error}); install Python 3.9 or newer, or set PYTHON")
        })?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{PROGRAM} failed ({status})"))
    }
}
