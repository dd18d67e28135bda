//! Holds the spelled names against the generated sources: a name on the page
//! that no generator wrote means that our rules and theirs have drifted apart.
//! What the page says of Kotlin's Flows is held against the layer that makes them.

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

/// Fails with every Flow that the page tells of and `layer`, the source of `Flows.kt`,
/// does not declare; and with every call that gives a handle and has no Flow.
pub(crate) fn flows(api: &Api, layer: &str) -> Result<()> {
    let told = Kotlin::flows();
    let mut problems: Vec<String> = told
        .iter()
        .flat_map(|(_, text)| text.lines())
        .filter(|declaration| !layer.contains(&extension(declaration)))
        .map(|declaration| format!("{declaration}: not in Flows.kt"))
        .collect();
    let calls: Vec<&str> = methods(api)
        .filter(|callable| Kotlin::gives_handle(callable))
        .map(|callable| callable.name.as_str())
        .collect();
    let names: Vec<&str> = told.iter().map(|(name, _)| *name).collect();
    problems.extend(without(&calls, &names).map(|name| format!("{name}: has no Flow")));
    problems.extend(without(&names, &calls).map(|name| format!("{name}: gives no handle")));
    if problems.is_empty() {
        Ok(())
    } else {
        bail!(
            "the Flows of bindgen/src/spell/kotlin.rs are not the layer's:\n  {}",
            problems.join("\n  ")
        )
    }
}

/// A declaration as `Flows.kt` has it, where each extends the client.
fn extension(declaration: &str) -> String {
    ["fun ", "val "]
        .iter()
        .fold(declaration.to_owned(), |text, word| {
            text.replacen(word, &format!("{word}WildThingClient."), 1)
        })
}

/// What is in one list and not in the other.
fn without<'a>(some: &'a [&str], others: &'a [&str]) -> impl Iterator<Item = &'a str> {
    some.iter().copied().filter(|name| !others.contains(name))
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
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{extension, flows, has_word};
    use crate::api::Api;
    use crate::spell::Kotlin;

    #[test]
    fn what_the_page_says_of_flows_is_what_the_layer_declares() {
        let layer = include_str!("../../bindings/kotlin/src/main/kotlin/com/thegoodies/wildthing/Flows.kt");
        for declaration in Kotlin::flows().iter().flat_map(|(_, text)| text.lines()) {
            assert!(layer.contains(&extension(declaration)), "{declaration}");
        }
        let renamed = layer.replace("fun WildThingClient.houses(", "fun WildThingClient.homes(");
        let problem = flows(&Api::default(), &renamed).unwrap_err().to_string();
        assert!(
            problem.contains("fun houses(): Flow<List<House>>: not in Flows.kt"),
            "{problem}"
        );
        assert!(problem.contains("watch_houses: gives no handle"), "{problem}");
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("open class Room: X", "class Room"));
        assert!(!has_word("open class RoomList: X", "class Room"));
        assert!(!has_word("subclass Room:", "class Room"));
        assert!(has_word("\nRecordId = str", "\nRecordId"));
        assert!(has_word("`open`(", "`open`"));
    }
}
