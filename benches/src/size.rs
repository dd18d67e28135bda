//! The size of the library that ships, stripped, if `cargo xtask size` built it.

use crate::report::{Budget, Row};
use crate::{Bench, Outcome};

pub(crate) fn run(bench: &mut Bench) -> Outcome {
    let name = format!(
        "{}wildthing{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    let target = std::env::current_exe()?;
    let target = target
        .parent()
        .and_then(std::path::Path::parent)
        .ok_or("no target folder")?;
    let found = std::fs::metadata(target.join("dist/ship").join(name)).ok();
    bench.report.add(Row {
        what: "stripped library that ships".into(),
        value: found.as_ref().map(|file| file.len() as f64 / 1e6),
        unit: "MB",
        baseline: None,
        baseline_is: match found {
            Some(_) => "as it was built last".into(),
            None => "not built: cargo xtask size".into(),
        },
        budget: Budget::AtMost(8.0),
    });
    Ok(())
}
