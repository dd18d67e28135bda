//! The API for programs: `api.json`, which the smoke test reads to know what it
//! has to call.

use anyhow::Result;
use serde_json::{Value, json};

use crate::api::{Api, Callable, Object};
use crate::shape::layer::Layer;
use crate::spell::{Language, Languages};

/// The text of `api.json`.
pub(crate) fn text(api: &Api) -> Result<String> {
    let languages = Languages::new(api, Layer::default());
    let entry = |name: &str, methods: &[Callable]| {
        json!({
            "name": name,
            "swift": languages.swift.class(name),
            "kotlin": languages.kotlin.class(name),
            "python": languages.python.class(name),
            "methods": callables(&languages, methods),
        })
    };
    let objects = |objects: &[Object]| -> Vec<Value> {
        let entries = objects.iter().map(|it| entry(&it.name, &it.methods));
        entries.collect()
    };
    // Records and enums may have methods too.
    let records = api.records.iter().map(|it| (&it.name, &it.methods));
    let enums = api.enums.iter().chain(&api.errors);
    let values: Vec<Value> = records
        .chain(enums.map(|it| (&it.name, &it.methods)))
        .filter(|(_, methods)| !methods.is_empty())
        .map(|(name, methods)| entry(name, methods))
        .collect();
    let value = json!({
        "objects": objects(&api.objects),
        "values": values,
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
