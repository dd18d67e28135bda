//! The sample program, as somebody has it who only has the jar: compiled by Maven
//! from a project of its own, and started with nothing on the PATH and no word of
//! where the native library is.

use std::path::Path;
use std::process::Command;

use super::tools::{LIBRARY_PATHS, Tools};
use super::{Outcome, run as finish};
use crate::cargo::Cargo;
use crate::house;

pub(super) const PROJECT: &str = "bindings/kotlin/sample/pom.xml";

pub(super) fn run(cargo: &Cargo, tools: &Tools, hub: &Path) -> Outcome {
    finish(tools.maven(&cargo.path(PROJECT)).arg("package"))?;
    let built = cargo.path("target/kotlin/sample");
    let mut classes = built.join("classes").into_os_string();
    classes.push(if cfg!(windows) { ";" } else { ":" });
    classes.push(built.join("lib").join("*"));
    house::followed(hub, &built.join("run"), |url, folder| {
        let mut java = Command::new(&tools.java);
        // Neither Rust nor anything else: what it needs is in the jar.
        java.env("PATH", "");
        for variable in LIBRARY_PATHS {
            java.env_remove(variable);
        }
        java.arg("-cp")
            .arg(classes)
            .arg("com.thegoodies.sample.HouseKt")
            .arg(folder.join("house.db"))
            .arg(url)
            .env("WILDTHING_TOKEN", house::TOKEN);
        java
    })
}
