//! Plays the scenarios of `tests/conformance` with the Rust client, as the runners
//! of the other languages do with theirs: `docs/conformance.md`.
//!
//! ```text
//! conformance run SCENARIOS FOLDER [NAME…]   writes FOLDER/NAME.jsonl for each
//! conformance mutants SCENARIOS [NAME…]      which scenario notices which deliberate bug
//! ```

mod arguments;
mod calls;
mod mutants;
mod play;
mod render;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The scenarios of a folder, by name: all, or those that are named.
fn scenarios(folder: &Path, names: &[String]) -> Result<Vec<(String, PathBuf)>, String> {
    let listed = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut found: Vec<(String, PathBuf)> = listed
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path.clone())))
        .collect();
    if let Some(unknown) = names
        .iter()
        .find(|name| found.iter().all(|(known, _)| known != *name))
    {
        return Err(format!("there is no scenario {unknown:?}"));
    }
    found.retain(|(name, _)| names.is_empty() || names.contains(name));
    found.sort();
    Ok(found)
}

/// Where a scenario has its files while it is played.
fn stage_folder(name: &str) -> PathBuf {
    std::env::temp_dir()
        .join(format!("wildthing-conformance-{}", std::process::id()))
        .join(name)
}

/// Plays all; says how many did not come to their end.
fn run(folder: &Path, to: &Path, names: &[String]) -> Result<usize, String> {
    fs::create_dir_all(to).map_err(|error| format!("{}: {error}", to.display()))?;
    let mut failed = 0;
    for (name, path) in scenarios(folder, names)? {
        let stage = stage_folder(&name);
        let played = play::play(&path, &stage)?;
        if let Some(problem) = &played.problem {
            eprintln!("{name}: {problem}");
            failed += 1;
        }
        let file = to.join(format!("{name}.jsonl"));
        fs::write(&file, played.text()).map_err(|error| format!("{}: {error}", file.display()))?;
        // It is of no more use; one that can't be removed harms nobody.
        let _ = fs::remove_dir_all(stage);
    }
    Ok(failed)
}

const USAGE: &str =
    "usage: conformance run SCENARIOS FOLDER [NAME…]\n       conformance mutants SCENARIOS [NAME…]";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let failed = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["run", folder, to, ..] => run(Path::new(folder), Path::new(to), &words[3..]),
        ["mutants", folder, ..] => mutants::table(Path::new(folder), &words[2..]),
        _ => Err(USAGE.to_owned()),
    };
    // The stage's folders are below one of this process.
    if let Some(folder) = stage_folder("").parent() {
        let _ = fs::remove_dir(folder);
    }
    match failed {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("conformance: {problem}");
            ExitCode::FAILURE
        }
    }
}
