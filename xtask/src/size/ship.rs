//! Makes what ships out of what cargo built.
//!
//! An archive is many objects whose global symbols are everybody's: an app with
//! a SQLite, a ring or another Rust library of its own would not link, or would
//! mix the two. So ours becomes one object in which only our API is global.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bindings::copy;

/// The cdylib without symbols.
pub(super) fn cdylib(built: &Path, folder: &Path) -> Result<PathBuf, String> {
    let shipped = folder.join(built.file_name().unwrap_or_default());
    copy(built, &shipped)?;
    // Apple's strip must leave what is exported; GNU's always does.
    let options = if cfg!(target_os = "macos") {
        "-x"
    } else {
        "--strip-all"
    };
    run(Command::new("strip").arg(options).arg(&shipped))?;
    Ok(shipped)
}

/// The archive as one object, in which only `keep` is global.
pub(super) fn archive(built: &Path, keep: &[String], folder: &Path) -> Result<PathBuf, String> {
    let shipped = folder.join(built.file_name().unwrap_or_default());
    let object = folder.join("wildthing.o");
    let list = folder.join("exports.txt");
    if cfg!(target_os = "macos") {
        apple(built, keep, &object, &list)?;
    } else {
        gnu(built, keep, &object, &list)?;
    }
    // `ar` adds to an archive that is there.
    if shipped.exists() {
        fs::remove_file(&shipped).map_err(|error| format!("can't remove {}: {error}", shipped.display()))?;
    }
    run(Command::new("ar").arg("rcs").arg(&shipped).arg(&object))?;
    for file in [object, list] {
        fs::remove_file(&file).map_err(|error| format!("can't remove {}: {error}", file.display()))?;
    }
    Ok(shipped)
}

/// GNU ld and objcopy.
fn gnu(built: &Path, keep: &[String], object: &Path, list: &Path) -> Result<(), String> {
    // Only the members that our API needs are taken out of the archive. Groups
    // are dissolved: a linker may drop one for another library's group of the same
    // name, and what is local here could not be taken from there.
    let wanted: Vec<String> = keep.iter().map(|name| format!("--undefined={name}\n")).collect();
    write(list, &wanted.concat())?;
    run(Command::new("ld")
        .args(["-r", "--force-group-allocation", "-o"])
        .arg(object)
        .arg(format!("@{}", list.display()))
        .arg(built))?;
    write(list, &(keep.join("\n") + "\n"))?;
    // The standard library's objects carry their source for the optimizer, more
    // than half of the whole, which no linker reads here (and some stumble over).
    run(Command::new("objcopy")
        .arg(format!("--keep-global-symbols={}", list.display()))
        .args(["--remove-section=.llvmbc", "--remove-section=.llvmcmd"])
        .arg(object))?;
    // A second pass, since the first decides what is unneeded.
    run(Command::new("strip").arg("--strip-unneeded").arg(object))?;
    Ok(())
}

/// Apple's ld: what is not in the list becomes private. Not tried on a Mac yet.
fn apple(built: &Path, keep: &[String], object: &Path, list: &Path) -> Result<(), String> {
    // Names of C have a `_` in front there, and `nm` shows it.
    write(list, &(keep.join("\n") + "\n"))?;
    run(Command::new("ld")
        .args(["-r", "-exported_symbols_list"])
        .arg(list)
        .arg("-force_load")
        .arg(built)
        .arg("-o")
        .arg(object))?;
    run(Command::new("strip").args(["-x", "-S"]).arg(object))?;
    Ok(())
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    fs::write(file, text).map_err(|error| format!("can't write {}: {error}", file.display()))
}

/// Runs a tool, and gives what it printed.
pub(super) fn run(command: &mut Command) -> Result<String, String> {
    let tool = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("can't start {tool}: {error}; it comes with the C compiler"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let first: Vec<&str> = said.lines().take(12).collect();
        return Err(format!(
            "{tool} failed ({}):\n{}",
            output.status,
            first.join("\n")
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
