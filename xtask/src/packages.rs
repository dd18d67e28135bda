//! `cargo xtask packages`: the jar and the wheel as they ship, of one library that is
//! optimized once, each used where there is no Rust, and measured. Their tests are
//! `kotlin` and `python`, which take the library as it is developed.

use std::time::Instant;

use crate::Outcome;
use crate::cargo::Cargo;
use crate::house;
use crate::kotlin;
use crate::python;
use crate::size;

/// Builds, uses and measures.
pub(crate) fn packages(cargo: &Cargo) -> Outcome {
    let start = Instant::now();
    let hub = house::hub(cargo)?;
    let shipped = python::shipped(cargo)?;
    println!("{:7.1} s  wheel built", start.elapsed().as_secs_f64());
    size::within_budget(&shipped.library)?;
    kotlin::package(cargo, &shipped.library, &hub)?;
    python::package(cargo, &shipped, &hub)
}
