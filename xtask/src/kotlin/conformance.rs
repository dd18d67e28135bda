//! The scenarios in Kotlin: the runner in `bindings/kotlin/conformance`, compiled with
//! the package's layer and the sources of a library that has the stage.

use std::path::Path;

use super::tools::Tools;
use super::{Outcome, cdylib, run};
use crate::bindings;
use crate::cargo::Cargo;

const PROJECT: &str = "bindings/kotlin/conformance/pom.xml";

/// Says what is missing on this machine, if anything is.
pub(crate) fn can_play() -> Outcome {
    Tools::find().map(|_| ())
}

/// Plays the scenarios of the first folder and writes into the second.
pub(crate) fn play(cargo: &Cargo, scenarios: &Path, folder: &Path) -> Outcome {
    let tools = Tools::find()?;
    let sources = bindings::testing(cargo)?;
    let sources_of = format!("-Dwildthing.testing={}", sources.display());
    run(tools.maven(&cargo.path(PROJECT)).arg(sources_of).arg("package"))?;
    let built: Vec<_> = bindings::files(&sources)?
        .into_iter()
        .map(|file| sources.join(file))
        .collect();
    let library = cdylib(&built)?;
    run(tools
        .java(&cargo.path("target/kotlin/conformance"))
        .arg(format!(
            "-Duniffi.component.wildthing.libraryOverride={}",
            library.display()
        ))
        .arg("com.thegoodies.wildthing.conformance.MainKt")
        .arg(scenarios)
        .arg(folder))
}
