//! The life of one world from its beginning to its end, and what is kept of it.
//! Which worlds are tried is decided in `main`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use wildthing::protocol::Protocol;

use crate::coverage::Coverage;
use crate::model::{Violation, broken};
use crate::schedule::{Schedule, Step};
use crate::shrink::shrink;
use crate::world::{World, odd};

/// Every so many seeds, one is run twice and the runs are compared.
const REPEAT_EVERY: u64 = 20;

/// What is to be told while a world lives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    Nothing,
    /// Kept, for a schedule's file.
    Story,
    /// Printed as it happens.
    Aloud,
}

/// What is kept of a world.
pub struct Life {
    /// A fingerprint of all that happened.
    pub outcome: Result<u64, Violation>,
    pub cover: Coverage,
    pub taken: Vec<Step>,
    pub story: Vec<String>,
}

/// Lives a world, with the steps given or else what chance chooses.
pub fn live(protocol: Protocol, seed: u64, steps: Option<&[Step]>, telling: Telling) -> Life {
    let mut life = Life {
        outcome: Ok(0),
        cover: Coverage::default(),
        taken: Vec::new(),
        story: Vec::new(),
    };
    let mut world = match World::new(protocol, seed, telling == Telling::Aloud) {
        Ok(world) => world,
        Err(violation) => {
            life.outcome = Err(violation);
            return life;
        }
    };
    world.story = (telling == Telling::Story).then(Vec::new);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let trace = world.run(steps);
        let counted = world.count_kept();
        trace.and_then(|trace| counted.map(|()| trace))
    }));
    life.outcome = outcome.unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_default();
        broken("nothing panics", message)
    });
    life.cover = world.cover;
    life.taken = world.taken;
    life.story = world.story.unwrap_or_default();
    life
}

/// What chance chooses for a seed.
pub fn try_seed(protocol: Protocol, seed: u64, telling: Telling) -> Life {
    let mut life = live(protocol, seed, None, telling);
    if let Ok(trace) = life.outcome
        && seed.is_multiple_of(REPEAT_EVERY)
        && live(protocol, seed, None, Telling::Nothing).outcome.ok() != Some(trace)
    {
        life.outcome = broken("the same seed gives the same run", "two runs differ");
    }
    life
}

/// What a schedule leads to.
pub fn replay(schedule: &Schedule, telling: Telling) -> Life {
    live(schedule.protocol, schedule.seed, Some(&schedule.steps), telling)
}

/// Reads a schedule's file.
pub fn read(path: &Path) -> Result<Schedule, Violation> {
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| odd(format!("{name}: {error}")))?;
    text.parse().map_err(|error| odd(format!("{name}: {error}")))
}

/// Makes the shortest schedule that breaks the same promise, and a file of it with
/// what happens for people to read. `None` if the steps alone don't break it.
pub fn shortened(
    name: &str,
    protocol: Protocol,
    seed: u64,
    taken: Vec<Step>,
    breaks: &'static str,
) -> std::io::Result<Option<(PathBuf, usize)>> {
    let broke = |life: &Life| {
        life.outcome
            .as_ref()
            .is_err_and(|violation| violation.invariant == breaks)
    };
    let whole = Schedule {
        protocol,
        seed,
        breaks: breaks.to_owned(),
        steps: taken,
    };
    if !broke(&replay(&whole, Telling::Nothing)) {
        return Ok(None);
    }
    let short = shrink(&whole, |schedule| broke(&replay(schedule, Telling::Nothing)));
    let life = replay(&short, Telling::Story);
    let mut text = short.to_string();
    for line in &life.story {
        text += &format!("# {line}\n");
    }
    if let Err(violation) = &life.outcome {
        text += &format!("# {}: {}\n", violation.invariant, violation.message);
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(folder)?;
    let path = folder.join(format!("{name}-{}-{seed}.schedule", protocol.as_str()));
    std::fs::write(&path, text)?;
    Ok(Some((path, short.steps.len())))
}
