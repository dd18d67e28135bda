//! What the processes hold of the machine, read while the workers rest between two
//! stages, and whether it is flat.
//!
//! Flat means: the greatest reading of the last half of a run is at most the
//! greatest of its first half, the first tenth left out, and a margin. What makes
//! up the margin is stated with each reading. Of subscriptions none may be left.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::heap;
use crate::house::House;

/// How often is read: every twentieth of a run.
pub(crate) const STAGES: u64 = 20;
/// Readings that are left out: caches fill, threads start, allocators settle.
const WARM_UP: usize = 2;
/// With fewer operations memory and WALs are still filling when the run ends.
const WARM: u64 = 200_000;

const MIB: u64 = 1024 * 1024;

/// Something of which a process must not hold more and more.
struct Held {
    name: &'static str,
    read: fn(&[Arc<House>]) -> u64,
    /// How much more a reading may be than the greatest before, of which this
    /// is the first half's.
    margin: fn(u64) -> u64,
    /// What readings are shown in.
    unit: u64,
    /// Whether it is judged in long runs only.
    warms_up: bool,
    /// Whether it is read with all clients paused: their files are closed, and the
    /// caches of SQLite gone.
    paused: bool,
}

const HELD: &[Held] = &[
    Held {
        name: "paused KiB",
        read: |_| heap::held(),
        // Of what is left only the buffers of the clients' connections depend on what was
        // done: each is as long as the longest answer was, to a bound.
        margin: |before| before / 20 + MIB / 2,
        unit: 1024,
        warms_up: true,
        paused: true,
    },
    Held {
        name: "heap KiB",
        read: |_| heap::held(),
        // Whatever each reading happens to find in the caches of four replicas, each of
        // which may have five connections with the whole house in them.
        margin: |before| before / 20 + 8 * MIB,
        unit: 1024,
        warms_up: true,
        paused: false,
    },
    Held {
        name: "resident MiB",
        read: |_| resident("self"),
        // The allocator keeps the room of the busiest moment there ever was, in pieces:
        // that grows ever more slowly, with the heap as it is.
        margin: |before| before / 2 + 8 * MIB,
        unit: MIB,
        warms_up: true,
        paused: false,
    },
    Held {
        name: "files",
        read: |_| entries("self", "fd"),
        // A client that was dropped may still be ending, with up to 4 readers.
        margin: |_| 32,
        unit: 1,
        warms_up: false,
        paused: false,
    },
    Held {
        name: "threads",
        read: |_| entries("self", "task"),
        // Idle ones of the clients' pools end after ten seconds.
        margin: |_| 32,
        unit: 1,
        warms_up: false,
        paused: false,
    },
    Held {
        name: "WAL KiB",
        read: |houses| {
            let sizes = houses.iter().flat_map(|house| {
                let paths = [
                    house.database(),
                    house.neighbours_database(),
                    house.hubs_database(),
                ];
                paths.map(|path| wal(&path))
            });
            sizes.sum()
        },
        // SQLite moves a WAL into its database at 4 MiB, when no reader is in its way.
        margin: |_| 8 * MIB,
        unit: 1024,
        warms_up: true,
        paused: false,
    },
    Held {
        name: "hubs' MiB",
        read: |houses| houses.iter().map(|house| resident(&hub(house))).sum(),
        margin: |before| before / 20 + 8 * MIB,
        unit: MIB,
        warms_up: true,
        paused: false,
    },
    Held {
        name: "hubs' files",
        read: |houses| houses.iter().map(|house| entries(&hub(house), "fd")).sum(),
        margin: |_| 32,
        unit: 1,
        warms_up: false,
        paused: false,
    },
];

/// What `HELD` lists, in its order.
fn read_all(runtime: &Runtime, houses: &[Arc<House>]) -> Vec<u64> {
    let mut reading = vec![0; HELD.len()];
    let mut read = |paused: bool| {
        for (held, place) in HELD.iter().zip(&mut reading) {
            if held.paused == paused {
                *place = (held.read)(houses);
            }
        }
    };
    read(false);
    houses.iter().for_each(|house| runtime.block_on(house.pause()));
    read(true);
    houses.iter().for_each(|house| runtime.block_on(house.resume()));
    reading
}

fn hub(house: &House) -> String {
    house.hubs_process().to_string()
}

/// The memory of a process, in bytes.
fn resident(process: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line.unwrap().trim().trim_end_matches(" kB").parse().unwrap();
    kib * 1024
}

fn entries(process: &str, folder: &str) -> u64 {
    std::fs::read_dir(format!("/proc/{process}/{folder}"))
        .unwrap()
        .count() as u64
}

fn wal(database: &Path) -> u64 {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    size(Path::new(&path))
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}

/// The readings of a run.
pub(crate) struct Gauge {
    operations: u64,
    /// By reading, what `HELD` lists.
    readings: Vec<Vec<u64>>,
    /// Subscriptions that were left.
    left: Vec<String>,
}

impl Gauge {
    pub(crate) fn new(operations: u64) -> Self {
        Self {
            operations,
            readings: Vec::new(),
            left: Vec::new(),
        }
    }

    /// Reads, and shows what was read.
    pub(crate) fn read(&mut self, stage: u64, rate: f64, runtime: &Runtime, houses: &[Arc<House>]) {
        if stage == 1 {
            let names: Vec<String> = HELD.iter().map(|held| format!("{:>13}", held.name)).collect();
            println!(
                "   of it {:>13}{}{:>13}{:>13}",
                "ops/s",
                names.join(""),
                "left over",
                "replicas MiB"
            );
        }
        let mut left = 0;
        for house in houses {
            let client = runtime.block_on(house.client());
            left += client.subscriptions() + house.neighbour.subscriptions();
        }
        if left > 0 {
            self.left.push(format!("{left} at reading {stage}"));
        }
        let reading = read_all(runtime, houses);
        let shown: Vec<String> = HELD
            .iter()
            .zip(&reading)
            .map(|(held, read)| format!("{:>13}", read / held.unit))
            .collect();
        // Told, and not judged: it is the data.
        let replicas: u64 = houses
            .iter()
            .map(|house| size(&house.database()) + size(&house.neighbours_database()))
            .sum();
        println!(
            "{:>6} % {rate:>13.0}{}{left:>13}{:>13.1}",
            stage * 100 / STAGES,
            shown.join(""),
            replicas as f64 / MIB as f64
        );
        self.readings.push(reading);
    }

    /// What grew.
    pub(crate) fn judge(&self) -> Vec<String> {
        let mut problems: Vec<String> = self
            .left
            .iter()
            .map(|left| format!("subscriptions were left open: {left}"))
            .collect();
        let half = self.readings.len() / 2;
        let most = |which: &[Vec<u64>], number: usize| which.iter().map(|reading| reading[number]).max();
        for (number, held) in HELD.iter().enumerate() {
            if held.warms_up && self.operations < WARM {
                continue;
            }
            let before = most(&self.readings[WARM_UP..half], number).unwrap();
            let after = most(&self.readings[half..], number).unwrap();
            let margin = (held.margin)(before);
            println!(
                "{:<13} first half {:>7}, last half {:>7}, allowed {:>7}",
                held.name,
                before / held.unit,
                after / held.unit,
                (before + margin) / held.unit
            );
            if after > before + margin {
                problems.push(format!(
                    "{} grew: {} in the first half, {} in the last",
                    held.name,
                    before / held.unit,
                    after / held.unit
                ));
            }
        }
        problems
    }
}
