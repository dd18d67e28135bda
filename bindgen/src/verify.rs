//! Holds the spelled names against the generated sources: a name on the page
//! that no generator wrote means that our rules and theirs have drifted apart.

use anyhow::{Result, bail};

use crate::api::Api;
use crate::generate::Sources;
use crate::shape::layer::Layer;
use crate::spell::{Kotlin, Language, Languages, Python, Swift};

/// Fails with every name that is missing in its language.
pub(crate) fn names(api: &Api, sources: &Sources) -> Result<()> {
    let languages = Languages::new(api, Layer::default());
    let mut missing = Vec::new();
    check(&languages.swift, api, &sources.swift, &mut missing);
    check(&languages.kotlin, api, &sources.kotlin, &mut missing);
    check(&languages.python, api, &sources.python, &mut missing);
    if missing.is_empty() {
        Ok(())
    } else {
        bail!(
            "spelled otherwise than generated (see bindgen/src/spell):\n  {}",
            missing.join("\n  ")
        )
    }
}

/// The words that declare a type, for one language.
trait Declares {
    const TYPES: &'static [&'static str];
    /// Types that are declared elsewhere.
    const ELSEWHERE: &'static [&'static str] = &[];
}

impl Declares for Swift {
    const TYPES: &'static [&'static str] = &["class ", "struct ", "enum ", "protocol ", "typealias "];
    // In Foundation, and in the layer.
    const ELSEWHERE: &'static [&'static str] = &["Date", "JSONValue", "JSONObject"];
}

impl Declares for Kotlin {
    // JSON is kotlinx.serialization's.
    const TYPES: &'static [&'static str] = &[
        "class ",
        "interface ",
        "typealias ",
        "object ",
        "import kotlinx.serialization.json.",
    ];
}

impl Declares for Python {
    // A type that crosses as another is an alias: `RecordId = str`.
    const TYPES: &'static [&'static str] = &["class ", "\n"];
}

fn check<L: Language + Declares>(language: &L, api: &Api, source: &str, missing: &mut Vec<String>) {
    let mut want = |what: &str, found: bool| {
        if !found {
            missing.push(format!("{}: {what}", L::NAME));
        }
    };
    for it in api.objects.iter().chain(&api.traits) {
        let class = language.object(&it.name);
        want(&class, declares::<L>(source, &class));
    }
    let types = api.records.iter().map(|it| &it.name);
    let types = types.chain(api.enums.iter().chain(&api.errors).map(|it| &it.name));
    let types = types.chain(api.custom.iter().map(|it| &it.name));
    for name in types {
        let class = language.class(name);
        want(
            &class,
            L::ELSEWHERE.contains(&class.as_str()) || declares::<L>(source, &class),
        );
    }
    for callable in api.functions.iter().chain(methods(api)) {
        let declaration = language.declaration(callable);
        want(&declaration, source.contains(&declaration));
        for argument in &callable.arguments {
            let name = language.member(&argument.name);
            want(&name, has_word(source, &name));
        }
    }
    for record in &api.records {
        for field in &record.fields {
            let name = language.field_name(&record.name, &field.name);
            want(&name, has_word(source, &name));
        }
    }
    for it in api.enums.iter().chain(&api.errors) {
        for variant in &it.variants {
            let name = language.variant(it, &variant.name);
            want(&format!("{}.{name}", it.name), has_word(source, &name));
        }
    }
}

fn declares<L: Declares>(source: &str, class: &str) -> bool {
    L::TYPES
        .iter()
        .any(|word| has_word(source, &format!("{word}{class}")))
}

fn methods(api: &Api) -> impl Iterator<Item = &crate::api::Callable> {
    let objects = api.objects.iter().chain(&api.traits);
    let enums = api.enums.iter().chain(&api.errors);
    objects
        .flat_map(|it| &it.methods)
        .chain(api.records.iter().flat_map(|it| &it.methods))
        .chain(enums.flat_map(|it| &it.methods))
}

/// Whether `text` is in `source` and does not go on as part of a longer name.
fn has_word(source: &str, text: &str) -> bool {
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    source.match_indices(text).any(|(at, _)| {
        let before = source[..at].chars().next_back();
        let after = source[at + text.len()..].chars().next();
        let starts = !text.starts_with(letter) || !before.is_some_and(letter);
        starts && !after.is_some_and(letter)
    })
}

#[cfg(test)]
mod tests {
    use super::has_word;

    #[test]
    fn words_are_whole() {
        assert!(has_word("open class Room: X", "class Room"));
        assert!(!has_word("open class RoomList: X", "class Room"));
        assert!(!has_word("subclass Room:", "class Room"));
        assert!(has_word("\nRecordId = str", "\nRecordId"));
        assert!(has_word("`open`(", "`open`"));
    }
}
