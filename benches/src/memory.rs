//! Peak memory of a process that opens a replica, pulls a whole house and reads
//! its rooms, as the operating system tells it. This program starts itself
//! again as that process.

use std::path::Path;
use std::process::Command;

use wildthing::client::Durability;

use crate::hub::House;
use crate::measure::peak_megabytes;
use crate::report::{Budget, Row};
use crate::{Bench, Outcome, client};

/// The argument that makes this program such a process.
pub(crate) const ROLE: &str = "--as-client";

pub(crate) fn run(bench: &mut Bench) -> Outcome {
    peak(bench, House::V1(300), 20.0)?;
    peak(bench, House::V1(bench.pick(100_000, 3_000)), 50.0)
}

/// The same with the edges of a graph.
pub(crate) fn run_graph(bench: &mut Bench) -> Outcome {
    peak(bench, House::V2(300), 20.0)?;
    peak(bench, House::V2(bench.pick(30_000, 3_000)), 50.0)
}

fn peak(bench: &mut Bench, house: House, most: f64) -> Outcome {
    let url = bench.hubs.url_of(house)?;
    let path = bench.file(&format!("memory-{house:?}.db"));
    let output = Command::new(std::env::current_exe()?)
        .args([ROLE, &url])
        .arg(&path)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let value = String::from_utf8(output.stdout)?.trim().parse().ok();
    bench.report.add(Row {
        what: format!("{}peak memory, first sync of {}", house.prefix(), house.size()),
        value,
        unit: "MB",
        baseline: None,
        baseline_is: match value {
            Some(_) => "a process of its own".into(),
            None => "this system does not tell".into(),
        },
        budget: Budget::AtMost(most),
    });
    Ok(())
}

/// The process that is measured: prints its peak.
pub(crate) fn sync_and_tell(url: &str, path: &Path) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let client = client::open(path, Durability::Full, Some(url)).await?;
        client::sync(&client).await?;
        client::rooms(&client).await?;
        Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    })?;
    if let Some(peak) = peak_megabytes() {
        println!("{peak}");
    }
    Ok(())
}
