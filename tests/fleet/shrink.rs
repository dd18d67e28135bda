//! Makes a schedule that breaks a promise as short as it gets by leaving out what
//! the break does not need (delta debugging), so that a person can follow it.

use crate::schedule::{Schedule, Step};

/// The shortest schedule found by leaving things out of which `breaks` still holds.
pub fn shrink(schedule: &Schedule, mut breaks: impl FnMut(&Schedule) -> bool) -> Schedule {
    let with = |steps: Vec<Step>| Schedule {
        steps,
        ..schedule.clone()
    };
    let mut steps = schedule.steps.clone();
    loop {
        let before = steps.len();
        let mut size = (steps.len() / 2).max(1);
        loop {
            // From the end: what comes last depends on what was before.
            let mut end = steps.len();
            while end > 0 {
                let begin = end.saturating_sub(size);
                let mut fewer = steps.clone();
                fewer.drain(begin..end);
                if breaks(&with(fewer.clone())) {
                    steps = fewer;
                }
                end = begin;
            }
            if size == 1 {
                break;
            }
            size /= 2;
        }
        if steps.len() == before {
            break;
        }
    }
    for index in 0..steps.len() {
        let mut at_once = steps.clone();
        at_once[index].pause = 0;
        if at_once != steps && breaks(&with(at_once.clone())) {
            steps = at_once;
        }
    }
    with(steps)
}
