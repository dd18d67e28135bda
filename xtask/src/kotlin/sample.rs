//! The sample program, as somebody has it who only has the jar: compiled by Maven
//! from a project of its own, and started with nothing on the PATH and no word of
//! where the native library is.

use std::path::Path;

use super::tools::Tools;
use super::{Outcome, run as finish};
use crate::cargo::Cargo;
use crate::house;

pub(super) const PROJECT: &str = "bindings/kotlin/sample/pom.xml";

pub(super) fn run(cargo: &Cargo, tools: &Tools, hub: &Path) -> Outcome {
    finish(tools.maven(&cargo.path(PROJECT)).arg("package"))?;
    let built = cargo.path("target/kotlin/sample");
    house::followed(hub, &built.join("run"), |url, folder| {
        let mut java = tools.java(&built);
        // Neither Rust nor anything else: what it needs is in the jar.
        java.env("PATH", "")
            .arg("com.thegoodies.sample.HouseKt")
            .arg(folder.join("house.db"))
            .arg(url)
            .env("WILDTHING_TOKEN", house::TOKEN);
        java
    })
}
