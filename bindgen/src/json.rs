//! The API for programs: `api.json`, which the smoke test reads to know what it
//! has to call.

use anyhow::Result;
use serde_json::{Value, json};

use crate::api::{Api, Callable, Object};
use crate::spell::{Language, Languages};

/// The text of `api.json`.
pub(crate) fn text(api: &Api) -> Result<String> {
    let languages = Languages::new(api);
    let objects = |objects: &[Object]| -> Vec<Value> {
        let entry = |it: &Object| {
            json!({
                "name": it.name,
                "swift": languages.swift.class(&it.name),
                "kotlin": languages.kotlin.class(&it.name),
                "python": languages.python.class(&it.name),
                "methods": callables(&languages, &it.methods),
            })
        };
        objects.iter().map(entry).collect()
    };
    let value = json!({
        "objects": objects(&api.objects),
        "traits": objects(&api.traits),
        "functions": callables(&languages, &api.functions),
    });
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

fn callables(languages: &Languages, callables: &[Callable]) -> Vec<Value> {
    let entry = |it: &Callable| {
        json!({
            "name": it.name,
            "async": it.is_async,
            "constructor": it.class.is_some(),
            "swift": languages.swift.member(&it.name),
            "kotlin": languages.kotlin.member(&it.name),
            "python": languages.python.member(&it.name),
        })
    };
    callables.iter().map(entry).collect()
}
