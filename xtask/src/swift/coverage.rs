//! Which public declarations of the layer no test has called. The compiler counts
//! that, and writes it as JSON, of which three fields of each function are read.
//!
//! On Apple's systems more is compiled than tests can call: see [`APPLE_ONLY`].

use std::fs;
use std::path::Path;

use crate::Outcome;

/// What needs an app, a keychain or the system's log, and is compiled on Apple's
/// systems only: the beginning of a file's path, and of a declaration in it.
const APPLE_ONLY: &[(&str, &str)] = &[
    ("WildThing/Apple/", ""),
    ("WildThing/Support/Log.swift", "public static func useSystemLog"),
];

fn is_apple_only(file: &str, declaration: &str) -> bool {
    let fits = |(path, begin): &(&str, &str)| file.starts_with(path) && declaration.starts_with(begin);
    APPLE_ONLY.iter().any(fits)
}

/// Fails with every public function of the layer that was never called.
pub(super) fn check(report: &Path, layer: &Path) -> Outcome {
    let text =
        fs::read_to_string(report).map_err(|error| format!("can't read {}: {error}", report.display()))?;
    let layer =
        fs::canonicalize(layer).map_err(|error| format!("can't find {}: {error}", layer.display()))?;
    let layer = layer.to_string_lossy();
    let (mut missing, mut called, mut skipped) = (Vec::new(), 0, 0);
    for function in functions(&text) {
        if !function.file.starts_with(&*layer) || function.is_closure() {
            continue;
        }
        let source = fs::read_to_string(function.file)
            .map_err(|error| format!("can't read {}: {error}", function.file))?;
        let Some((line, declaration)) = declaration(&source, function.line) else {
            continue;
        };
        let file = function.file.trim_start_matches(&*layer).trim_start_matches('/');
        if function.count > 0 {
            called += 1;
        } else if is_apple_only(file, declaration) {
            skipped += 1;
        } else {
            missing.push(format!("  {file}:{line}  {}", declaration.trim_end_matches(" {")));
        }
    }
    if called == 0 {
        return Err(format!("{} tells of no function of the layer", report.display()));
    }
    if skipped > 0 {
        println!(
            "{skipped} public functions that need an app, a keychain or the system's log are not looked at"
        );
    }
    if missing.is_empty() {
        println!("{called} public functions of the layer, each called");
        Ok(())
    } else {
        Err(format!("never called by a test:\n{}", missing.join("\n")))
    }
}

struct Function<'a> {
    name: &'a str,
    file: &'a str,
    count: u64,
    /// Where its body begins.
    line: usize,
}

impl Function<'_> {
    /// Mangled names of closures end in their number.
    fn is_closure(&self) -> bool {
        self.name.ends_with('_')
    }
}

fn functions(report: &str) -> impl Iterator<Item = Function<'_>> {
    let (_, functions) = report.split_once("\"functions\":[").unwrap_or_default();
    functions.split("{\"branches\":").filter_map(|text| {
        let after = |field: &str| text.split_once(field).map(|(_, rest)| rest);
        let number = |text: &str| {
            text.split(|c: char| !c.is_ascii_digit())
                .next()?
                .parse::<u64>()
                .ok()
        };
        Some(Function {
            count: number(after("\"count\":")?)?,
            file: after("\"filenames\":[\"")?.split('"').next()?,
            name: after("\"name\":\"")?.split('"').next()?,
            line: usize::try_from(number(after("\"regions\":[[")?)?).ok()?,
        })
    })
}

/// The public declaration whose body begins in a line, and its own line.
fn declaration(source: &str, body: usize) -> Option<(usize, &str)> {
    let lines: Vec<&str> = source.lines().collect();
    let above = lines.get(..body)?;
    let declares = |line: &&str| {
        let words = ["func ", "init", "var ", "subscript", "deinit", "static let "];
        words.iter().any(|word| line.contains(word)) && !line.trim_start().starts_with("//")
    };
    let at = above.iter().rposition(declares)?;
    let line = lines.get(at)?.trim();
    line.starts_with("public ").then_some((at + 1, line))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_read_and_their_declarations_found() {
        let report = concat!(
            r#"{"data":[{"files":[{"branches":[],"filename":"/a.swift"}],"functions":["#,
            r#"{"branches":[],"count":2,"filenames":["/a.swift"],"name":"$s1F","regions":[[4,1,5,2,2]]},"#,
            r#"{"branches":[],"count":0,"filenames":["/b.swift"],"name":"$s1FXEfU_","regions":[[7,1,8,2,0]]}]}]}"#,
        );
        let found: Vec<_> = functions(report).collect();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].count, found[0].file, found[0].line), (2, "/a.swift", 4));
        assert!(!found[0].is_closure() && found[1].is_closure());

        let source = "/// A func of doc.\npublic func a(\n    b: Int\n) {\n}\nfunc hidden() {\n}\n";
        assert_eq!(declaration(source, 4), Some((2, "public func a(")));
        assert_eq!(declaration(source, 6), None);
    }

    #[test]
    fn only_what_tests_cannot_call_is_skipped() {
        assert!(is_apple_only(
            "WildThing/Apple/KeychainToken.swift",
            "public func load() {"
        ));
        assert!(is_apple_only(
            "WildThing/Support/Log.swift",
            "public static func useSystemLog("
        ));
        assert!(!is_apple_only(
            "WildThing/Support/Log.swift",
            "public static func setHandler("
        ));
        assert!(!is_apple_only(
            "WildThing/Client/Care.swift",
            "public func dismiss("
        ));
    }
}
