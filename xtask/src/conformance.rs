//! One set of scenarios for four languages: plays them in each and compares the
//! transcripts, which have to be the same bytes. `docs/conformance.md` has the rules.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::cargo::Cargo;
use crate::kotlin;
use crate::python;
use crate::swift;

const SCENARIOS: &str = "tests/conformance/scenarios";

/// The Rust runner, in a build for tests.
const BUILD: &str = "build --package wildthing --bin conformance --features testing";

/// Plays the scenarios of the first folder and writes `NAME.jsonl` into the second.
type Runner = fn(&Cargo, &Path, &Path) -> Outcome;

/// A language that has a runner.
struct Language {
    name: &'static str,
    /// Says what this machine lacks to play it.
    ready: fn(&Cargo) -> Outcome,
    play: Runner,
}

/// Whoever writes a runner adds a line: the first is what the others are compared with.
const LANGUAGES: &[Language] = &[
    Language {
        name: "rust",
        ready: |_| Ok(()),
        play: rust,
    },
    Language {
        name: "swift",
        ready: |_| swift::can_play(),
        play: swift::play,
    },
    Language {
        name: "kotlin",
        ready: |_| kotlin::can_play(),
        play: kotlin::play,
    },
    Language {
        name: "python",
        ready: |_| python::can_play(),
        play: python::play,
    },
];

/// What to do.
pub(crate) struct Wanted {
    /// Which languages to compare with the first; all, if none is named.
    pub(crate) languages: Vec<String>,
    /// Where to keep the transcripts of Rust.
    pub(crate) emit: Option<String>,
    /// Which deliberate bugs the scenarios notice, instead.
    pub(crate) mutants: bool,
}

/// Plays, compares, and says what differs.
pub(crate) fn conformance(cargo: &Cargo, wanted: &Wanted) -> Outcome {
    let scenarios = cargo.path(SCENARIOS);
    if wanted.mutants {
        return start(cargo, &["mutants".as_ref(), scenarios.as_os_str()]);
    }
    let mut columns = Vec::new();
    let mut passed_over = Vec::new();
    for Language { name, ready, play } in chosen(&wanted.languages)? {
        cargo.heading(&format!("The scenarios in {name}"));
        match ready(cargo) {
            Err(problem) if cargo.is_ci() => return Err(problem),
            Err(problem) => {
                passed_over.push(format!("{name}: NOT RUN: {problem}"));
                continue;
            }
            Ok(()) => {}
        }
        let folder = cargo.path("target/conformance").join(name);
        empty(&folder)?;
        // What it did not write shows in the table.
        if let Err(problem) = play(cargo, &scenarios, &folder) {
            println!("{name}: {problem}");
        }
        columns.push((*name, transcripts(&folder)?));
    }
    if let Some(to) = &wanted.emit {
        let to = cargo.path(to);
        empty(&to)?;
        for (name, text) in columns.first().map(|(_, found)| found).into_iter().flatten() {
            let file = to.join(format!("{name}.jsonl"));
            fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
        }
    }
    let table = compare(&names(&scenarios)?, &columns);
    println!("\n{}", table.text);
    for language in passed_over {
        println!("{language}");
    }
    if table.differ == 0 {
        Ok(())
    } else {
        Err(format!("{} scenarios differ", table.differ))
    }
}

/// The first language and those that are named, or all.
fn chosen(names: &[String]) -> Result<Vec<&'static Language>, String> {
    let is = |name: &String, language: &Language| language.name == name;
    if let Some(unknown) = names
        .iter()
        .find(|name| !LANGUAGES.iter().any(|language| is(name, language)))
    {
        let known: Vec<&str> = LANGUAGES.iter().map(|language| language.name).collect();
        return Err(format!(
            "there is no runner for {unknown:?}; known: {}",
            known.join(" ")
        ));
    }
    let (first, others) = LANGUAGES.split_at(1);
    let others = others
        .iter()
        .filter(|language| names.is_empty() || names.iter().any(|name| is(name, language)));
    Ok(first.iter().chain(others).collect())
}

fn rust(cargo: &Cargo, scenarios: &Path, folder: &Path) -> Outcome {
    start(
        cargo,
        &["run".as_ref(), scenarios.as_os_str(), folder.as_os_str()],
    )
}

fn start(cargo: &Cargo, words: &[&std::ffi::OsStr]) -> Outcome {
    let built = cargo.artifacts(BUILD, &[], "conformance")?;
    let program = built
        .iter()
        .find(|file| file.file_stem().is_some_and(|name| name == "conformance"))
        .ok_or("the build left no conformance")?;
    let status = Command::new(program).args(words).status();
    match status.map_err(|error| format!("can't start the runner: {error}"))? {
        status if status.success() => Ok(()),
        status => Err(format!("the runner failed ({status})")),
    }
}

/// A table of scenarios and languages.
struct Table {
    text: String,
    differ: usize,
}

type Column<'a> = (&'a str, BTreeMap<String, String>);

fn compare(names: &[String], columns: &[Column<'_>]) -> Table {
    let mut text = format!("{:<40}", "scenario");
    for (language, _) in columns {
        text.push_str(&format!(" {language:<8}"));
    }
    text.push('\n');
    let mut details = String::new();
    let mut differ = 0;
    for name in names {
        text.push_str(&format!("{name:<40}"));
        let first = columns.first().and_then(|(_, found)| found.get(name));
        let mut same = true;
        for (language, found) in columns {
            let word = match (first, found.get(name)) {
                (_, None) => "missing",
                (_, Some(found)) if failure(found).is_some() => "failed",
                (Some(first), Some(found)) if first == found => "ok",
                _ => "differs",
            };
            text.push_str(&format!(" {word:<8}"));
            same &= word == "ok";
            match (word, found.get(name)) {
                ("failed", Some(found)) => {
                    details.push_str(&format!(
                        "\n{name}, {language}: {}",
                        failure(found).unwrap_or_default()
                    ));
                }
                ("differs", Some(found)) => {
                    let first = first.map(String::as_str).unwrap_or_default();
                    details.push_str(&first_difference(name, columns[0].0, first, language, found));
                }
                _ => {}
            }
        }
        text.push('\n');
        differ += usize::from(!same);
    }
    let languages = columns.len();
    text.push_str(&format!(
        "{details}\n{} scenarios x {languages} languages, {differ} differ",
        names.len()
    ));
    Table { text, differ }
}

/// The last line of a transcript that did not come to its end.
fn failure(transcript: &str) -> Option<&str> {
    transcript
        .lines()
        .last()
        .filter(|line| line.starts_with("{\"failed\":"))
}

fn first_difference(name: &str, one: &str, ours: &str, other: &str, theirs: &str) -> String {
    let (mut ours, mut theirs) = (ours.lines(), theirs.lines());
    let mut number = 0;
    loop {
        number += 1;
        match (ours.next(), theirs.next()) {
            (None, None) => return String::new(),
            (a, b) if a == b => {}
            (a, b) => {
                let (a, b) = (a.unwrap_or("(the end)"), b.unwrap_or("(the end)"));
                return format!("\n{name}, line {number}:\n  {one}: {a}\n  {other}: {b}");
            }
        }
    }
}

fn names(folder: &Path) -> Result<Vec<String>, String> {
    Ok(files(folder, "json")?.into_iter().map(|(name, _)| name).collect())
}

fn transcripts(folder: &Path) -> Result<BTreeMap<String, String>, String> {
    let mut found = BTreeMap::new();
    for (name, path) in files(folder, "jsonl")? {
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        found.insert(name, text);
    }
    Ok(found)
}

fn files(folder: &Path, end: &str) -> Result<Vec<(String, PathBuf)>, String> {
    let listed = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut found: Vec<(String, PathBuf)> = listed
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|found| found == end))
        .filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path.clone())))
        .collect();
    found.sort();
    Ok(found)
}

fn empty(folder: &Path) -> Outcome {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(format!("can't empty {}: {error}", folder.display()));
        }
        _ => {}
    }
    crate::bindings::make(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(text: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("a".to_owned(), text.to_owned())])
    }

    #[test]
    fn the_first_language_is_always_played() {
        let names = |wanted: &[&str]| {
            let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
            chosen(&wanted).map(|found| found.iter().map(|language| language.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["swift"]), Ok(vec!["rust", "swift"]));
        assert_eq!(names(&[]).map(|all| all.len()), Ok(LANGUAGES.len()));
        assert!(names(&["cobol"]).is_err_and(|problem| problem.contains("cobol")));
    }

    #[test]
    fn a_difference_is_counted_and_shown() {
        let names = ["a".to_owned()];
        let same = compare(&names, &[("rust", column("1\n")), ("swift", column("1\n"))]);
        assert_eq!(same.differ, 0);
        assert!(same.text.ends_with("1 scenarios x 2 languages, 0 differ"));
        let other = compare(&names, &[("rust", column("1\n2\n")), ("swift", column("1\n3\n"))]);
        assert_eq!(other.differ, 1);
        assert!(
            other.text.contains("a, line 2:\n  rust: 2\n  swift: 3"),
            "{}",
            other.text
        );
        let missing = compare(&names, &[("rust", column("1\n")), ("swift", BTreeMap::new())]);
        assert_eq!(missing.differ, 1);
        let failed = compare(&names, &[("rust", column("1\n{\"failed\":\"x\"}\n"))]);
        assert_eq!(failed.differ, 1);
    }
}
