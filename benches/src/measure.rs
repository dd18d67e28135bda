//! Clocks, medians, and what the operating system says of this process.

use std::time::Instant;

use crate::Outcome;

/// How long `work` takes, in milliseconds.
pub(crate) fn millis<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<f64> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

/// The value below which a share of `samples` lies.
pub(crate) fn percentile(samples: &mut [f64], share: f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    let last = samples.len().saturating_sub(1);
    samples
        .get((last as f64 * share).round() as usize)
        .copied()
        .unwrap_or(f64::NAN)
}

pub(crate) fn median(samples: &mut [f64]) -> f64 {
    percentile(samples, 0.5)
}

/// Takes turns, so that what disturbs one disturbs the other; medians of both.
/// Who goes first changes from round to round.
pub(crate) fn in_turns(
    rounds: usize,
    mut ours: impl FnMut(usize) -> Outcome<f64>,
    mut theirs: impl FnMut(usize) -> Outcome<f64>,
) -> Outcome<(f64, f64)> {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        if round % 2 == 0 {
            a.push(ours(round)?);
            b.push(theirs(round)?);
        } else {
            b.push(theirs(round)?);
            a.push(ours(round)?);
        }
    }
    Ok((median(&mut a), median(&mut b)))
}

/// CPU time of every thread of this process that is alive, in milliseconds;
/// `None` where the system does not tell.
pub(crate) fn cpu_millis() -> Option<f64> {
    let mut nanos = 0u64;
    for task in std::fs::read_dir("/proc/self/task").ok()? {
        let line = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        nanos += line.split(' ').next()?.parse::<u64>().ok()?;
    }
    Some(nanos as f64 / 1e6)
}

/// The most memory this process ever had resident, in megabytes.
pub(crate) fn peak_megabytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1_024.0 / 1e6)
}
