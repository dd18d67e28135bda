//! Every Swift snippet of the documentation is in the sources of the harness, line
//! for line, where the compiler reads it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::cargo::Cargo;

/// Where snippets are shown: a page, or all pages and sources below a folder.
const SHOWN: &[&str] = &[
    "README.md",
    "bindings/swift/Sources",
    "bindings/swift/WildThing.docc",
];
/// Where they are compiled.
const COMPILED: &str = "swift-harness/Sources/Snippets";

/// Fails with every snippet that is shown and not compiled.
pub(super) fn check(cargo: &Cargo) -> Outcome {
    let mut compiled = Vec::new();
    for file in files(&cargo.path(COMPILED))? {
        compiled.extend(lines(&read(&file)?));
    }
    let mut strangers = Vec::new();
    let mut known = 0;
    for place in SHOWN {
        for file in files(&cargo.path(place))? {
            for (line, snippet) in snippets(&read(&file)?) {
                if contains(&compiled, &snippet) {
                    known += 1;
                } else {
                    strangers.push(format!("  {}:{line}", file.display()));
                }
            }
        }
    }
    if strangers.is_empty() && known > 0 {
        println!("{known} snippets of the documentation, each compiled");
        Ok(())
    } else {
        Err(format!(
            "{known} snippets are in {COMPILED}, these are not:\n{}",
            strangers.join("\n")
        ))
    }
}

fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("can't read {}: {error}", file.display()))
}

/// The pages and sources below a folder, or the file itself.
fn files(place: &Path) -> Result<Vec<PathBuf>, String> {
    if !place.is_dir() {
        let text = place.extension().is_some_and(|end| end == "md" || end == "swift");
        return Ok(text.then(|| place.to_owned()).into_iter().collect());
    }
    let entries = fs::read_dir(place).map_err(|error| format!("can't read {}: {error}", place.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        found.extend(files(&path)?);
    }
    Ok(found)
}

/// The lines that say something, without their indentation.
fn lines(text: &str) -> Vec<String> {
    let trimmed = text.lines().map(str::trim).filter(|line| !line.is_empty());
    trimmed.map(str::to_owned).collect()
}

/// The Swift in a page, or in a source's documentation comments, and where it begins.
fn snippets(text: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let line = line.strip_prefix("///").map_or(line, str::trim);
        match &mut open {
            Some((begin, snippet)) if line == "```" => {
                found.push((*begin, lines(snippet)));
                open = None;
            }
            Some((_, snippet)) => {
                snippet.push_str(line);
                snippet.push('\n');
            }
            None if line == "```swift" => open = Some((number + 1, String::new())),
            None => (),
        }
    }
    found
}

fn contains(compiled: &[String], snippet: &[String]) -> bool {
    !snippet.is_empty() && compiled.windows(snippet.len()).any(|window| window == snippet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snippets_are_found_whatever_their_indentation() {
        let page =
            "Text\n```swift\nlet a = 1\n\n    f(a)\n```\n```bash\nls\n```\n/// ```swift\n/// g()\n/// ```\n";
        let found = snippets(page);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], (2, vec!["let a = 1".to_owned(), "f(a)".to_owned()]));
        let compiled = lines("func x() {\n    let a = 1\n    f(a)\n}\n");
        assert!(contains(&compiled, &found[0].1));
        assert!(!contains(&compiled, &found[1].1));
        assert!(!contains(&compiled, &[]));
    }
}
