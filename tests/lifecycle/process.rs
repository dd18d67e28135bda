//! What the operating system says of this process.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How long a thing that must come may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the process holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Footprint {
    pub(crate) threads: usize,
    pub(crate) files: usize,
    pub(crate) resident_kib: u64,
}

pub(crate) fn footprint() -> Footprint {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    Footprint {
        threads: std::fs::read_dir("/proc/self/task").unwrap().count(),
        files: std::fs::read_dir("/proc/self/fd").unwrap().count(),
        resident_kib: resident.trim().trim_end_matches(" kB").parse().unwrap(),
    }
}

/// The files below `folder` that this process has open.
pub(crate) fn open_files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter(|target| target.starts_with(folder))
        .collect()
}

/// Waits for what happens in the background.
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

const ALONE: &str = "WILDTHING_TEST_ALONE";

/// Runs a test in a process of its own, where nothing else opens files or
/// starts threads.
pub(crate) fn alone(test: &str, work: impl FnOnce()) {
    if std::env::var_os(ALONE).is_some() {
        return work();
    }
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(ALONE, "1")
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
}
