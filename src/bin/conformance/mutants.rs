//! Which scenario notices which deliberate bug: the first that ends otherwise than
//! without it.

use std::path::Path;

use wildthing::conformance::Scenario;
use wildthing::mutant::Mutant;

use crate::play::{Played, play};
use crate::{scenarios, stage_folder};

/// Prints the table; says how many bugs nobody noticed, and how many scenarios did not
/// notice one that they are said to cover.
pub(crate) fn table(folder: &Path, names: &[String]) -> Result<usize, String> {
    let mut sound = Vec::new();
    for (name, path) in scenarios(folder, names)? {
        let scenario = Scenario::read(&path).map_err(|error| error.to_string())?;
        let played = play(&path, &stage_folder(&name))?;
        if let Some(problem) = played.problem {
            return Err(format!("{name} fails without any bug: {problem}"));
        }
        sound.push((name, path, scenario, played));
    }
    let (mut missed, mut claims) = (0, 0);
    for (mutant, word, ..) in Mutant::ALL {
        mutant.activate();
        let mut noticed = None;
        let covers = |scenario: &Scenario| scenario.covers().iter().any(|covered| covered == word);
        // Those that are said to notice it all have to; if there are none, any will do.
        let (said, others): (Vec<_>, Vec<_>) = sound.iter().partition(|(_, _, scenario, _)| covers(scenario));
        for (name, path, scenario, without) in said.into_iter().chain(others) {
            if noticed.is_some() && !covers(scenario) {
                break;
            }
            let how = difference(without, &play(path, &stage_folder(name))?);
            if how.is_none() && covers(scenario) {
                println!("{word:<32} {name} is said to cover it, and does NOT NOTICE");
                claims += 1;
            }
            noticed = noticed.or(how.map(|how| format!("{name}: {how}")));
        }
        Mutant::deactivate();
        missed += usize::from(noticed.is_none());
        println!("{word:<32} {}", noticed.as_deref().unwrap_or("NOT NOTICED"));
    }
    println!(
        "{} bugs, {missed} not noticed, {claims} scenarios without what they cover",
        Mutant::ALL.len()
    );
    Ok(missed + claims)
}

fn difference(without: &Played, with: &Played) -> Option<String> {
    if let Some(problem) = &with.problem {
        return Some(problem.clone());
    }
    let mut lines = without.transcript.lines().zip(with.transcript.lines());
    let same = lines.by_ref().take_while(|(a, b)| a == b).count();
    (without.transcript != with.transcript).then(|| format!("line {} differs", same + 1))
}
