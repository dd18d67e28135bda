//! Who sees what: objects, traits and the machinery are the module's own. Objects
//! are named `Core…`, since the layer has the plain names.

use super::items::Item;
use super::names::words;

/// Traits that the layer implements with closures, and the errors they may throw.
const TRAITS: &[&str] = &["ChangeObserver", "LogSink"];
const ERRORS: &[&str] = &["ObserverError", "LogSinkError"];

/// What an object is called within the module.
pub(crate) fn object(name: &str) -> String {
    format!("Core{}", name.trim_start_matches("WildThing"))
}

/// What a function is called within the module.
pub(crate) fn function(name: &str) -> String {
    if name == "setLogSink" {
        "coreSetLogSink".to_owned()
    } else {
        name.to_owned()
    }
}

pub(super) fn apply(items: &mut Vec<Item>) {
    let objects: Vec<String> = items
        .iter()
        .filter_map(|item| item.declaration().strip_prefix("open class "))
        .filter_map(|rest| rest.split(':').next())
        .map(str::to_owned)
        .collect();
    let protocols: Vec<String> = objects.iter().map(|name| format!("{name}Protocol")).collect();
    // A protocol of each class, for tests that imitate it: the layer has one class.
    items.retain(|item| {
        item.name("protocol")
            .is_none_or(|name| !protocols.iter().any(|it| it == name))
    });
    for item in items {
        if is_hidden(item) {
            hide(item);
        }
        for line in &mut item.lines {
            for protocol in &protocols {
                *line = line.replace(&format!(": {protocol}, "), ": ");
            }
            *line = words(line, |word| {
                let ours = objects.iter().any(|name| name == word) || TRAITS.contains(&word);
                if ours { object(word) } else { function(word) }
            });
        }
    }
}

fn is_hidden(item: &Item) -> bool {
    let declaration = item.declaration();
    let after = item.lines.get(item.head + 1).map_or("", String::as_str);
    let named = |words: &[&str], names: &[&str], text: &str| {
        words.iter().any(|word| {
            names
                .iter()
                .any(|name| text.starts_with(&format!("{word} {name}:")))
        })
    };
    declaration.starts_with("open class ")
        || declaration.starts_with("public struct FfiConverter")
        || declaration.starts_with("public func ")
        || named(&["public protocol"], TRAITS, declaration)
        || (declaration == "public" && named(&["enum"], ERRORS, after))
}

/// Takes the access off a declaration and its members.
fn hide(item: &mut Item) {
    for line in &mut item.lines {
        if line == "public" {
            line.clear();
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let (space, code) = line.split_at(indent);
        let plain = code
            .strip_prefix("open class ")
            .map(|rest| format!("final class {rest}"))
            .or_else(|| code.strip_prefix("open ").map(str::to_owned))
            .or_else(|| code.strip_prefix("public ").map(str::to_owned))
            .or_else(|| {
                code.strip_prefix("required public ")
                    .map(|rest| format!("required {rest}"))
            });
        if let Some(plain) = plain {
            *line = format!("{space}{plain}");
        }
    }
}
