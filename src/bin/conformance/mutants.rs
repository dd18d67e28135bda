//! Which scenario notices which deliberate bug: the first that ends otherwise than
//! without it.

use std::path::Path;

use wildthing::mutant::Mutant;

use crate::play::{Played, play};
use crate::{scenarios, stage_folder};

/// Prints the table; says how many bugs nobody noticed.
pub(crate) fn table(folder: &Path, names: &[String]) -> Result<usize, String> {
    let scenarios = scenarios(folder, names)?;
    let mut sound = Vec::new();
    for (name, path) in &scenarios {
        let played = play(path, &stage_folder(name))?;
        if let Some(problem) = played.problem {
            return Err(format!("{name} fails without any bug: {problem}"));
        }
        sound.push((name, path, played));
    }
    let mut missed = 0;
    for (mutant, word, ..) in Mutant::ALL {
        mutant.activate();
        let mut noticed = None;
        for (name, path, without) in &sound {
            let played = play(path, &stage_folder(name))?;
            if let Some(how) = difference(without, &played) {
                noticed = Some(format!("{name}: {how}"));
                break;
            }
        }
        Mutant::deactivate();
        missed += usize::from(noticed.is_none());
        println!("{word:<32} {}", noticed.as_deref().unwrap_or("NOT NOTICED"));
    }
    println!("{} bugs, {missed} not noticed", Mutant::ALL.len());
    Ok(missed)
}

fn difference(without: &Played, with: &Played) -> Option<String> {
    if let Some(problem) = &with.problem {
        return Some(problem.clone());
    }
    let mut lines = without.transcript.lines().zip(with.transcript.lines());
    let same = lines.by_ref().take_while(|(a, b)| a == b).count();
    (without.transcript != with.transcript).then(|| format!("line {} differs", same + 1))
}
