//! The scenarios of `cargo xtask conformance`, played by `swift-harness/Conformance`.
//!
//! Its package is laid out in a folder of its own: manifest, runner and layer as they
//! are here, and the generated sources of a library with the stage, which the package
//! that apps use must not have.

use std::fs;
use std::path::{Path, PathBuf};

use super::toolchain::Swift;
use super::{alone, archive, run};
use crate::Outcome;
use crate::bindings::{self, copy, files};
use crate::cargo::Cargo;

/// Where the package is laid out.
const PACKAGE: &str = "target/swift/conformance/package";

/// Says what this machine lacks.
pub(crate) fn can_play() -> Outcome {
    Swift::missing().map_or(Ok(()), Err)
}

/// Plays the scenarios of one folder, and writes the transcripts into another.
pub(crate) fn play(cargo: &Cargo, scenarios: &Path, folder: &Path) -> Outcome {
    let swift = Swift::provide(cargo)?;
    let generated = bindings::testing(cargo)?.join("bindings/swift/generated");
    let parts = [
        (cargo.path("swift-harness/Conformance"), ""),
        (cargo.path("bindings/swift/Sources/WildThing"), "WildThing/Layer"),
        (generated, "WildThing/Generated"),
    ];
    lay_out(&parts, &cargo.path(PACKAGE))?;
    let built = cargo.artifacts(bindings::TESTING, &[], "wildthing")?;
    let library = alone(cargo, archive(&built)?, "conformance")?;

    let mut command = swift.command(cargo);
    command
        .args(["run", "--package-path", PACKAGE])
        .args(["--scratch-path", "target/swift/conformance/build"])
        .args(["-Xswiftc", "-warnings-as-errors", "-Xlinker"])
        .arg(format!("-L{}", library.display()))
        .arg("conformance")
        .args([scenarios, folder]);
    run(command)
}

/// Makes a folder of others. What is as it should be stays untouched, so that it is
/// not compiled again; what belongs nowhere goes.
fn lay_out(parts: &[(PathBuf, &str)], package: &Path) -> Outcome {
    let mut wanted = Vec::new();
    for (from, to) in parts {
        for file in files(from)? {
            wanted.push((from.join(&file), Path::new(to).join(file)));
        }
    }
    for file in files(package)? {
        if wanted.iter().all(|(_, to)| *to != file) {
            let stranger = package.join(file);
            fs::remove_file(&stranger)
                .map_err(|error| format!("can't remove {}: {error}", stranger.display()))?;
        }
    }
    for (from, to) in wanted {
        let to = package.join(to);
        let bytes = fs::read(&from).map_err(|error| format!("can't read {}: {error}", from.display()))?;
        if fs::read(&to).ok() != Some(bytes) {
            copy(&from, &to)?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_what_its_parts_are() {
        let folder = std::env::temp_dir().join(format!("wildthing-parts-{}", std::process::id()));
        let (part, package) = (folder.join("part"), folder.join("package"));
        fs::create_dir_all(&part).unwrap();
        fs::create_dir_all(package.join("in")).unwrap();
        fs::write(part.join("a"), "1").unwrap();
        fs::write(package.join("in/a"), "0").unwrap();
        fs::write(package.join("in/b"), "of another time").unwrap();
        lay_out(&[(part, "in")], &package).unwrap();
        assert_eq!(files(&package).unwrap(), [PathBuf::from("in/a")]);
        assert_eq!(fs::read(package.join("in/a")).unwrap(), b"1");
        fs::remove_dir_all(&folder).unwrap();
    }
}
