//! Comparing what came with what a scenario expects: every field that it names, and
//! in lists every item.

use super::canonical::canonical;
use crate::model::Json;

/// Where `found` differs from `expected`; `None` if it does not.
pub(super) fn difference(expected: &Json, found: &Json) -> Option<String> {
    at("", &canonical(expected, &[]), &canonical(found, &[]))
}

fn at(place: &str, expected: &Json, found: &Json) -> Option<String> {
    match (expected, found) {
        (Json::Object(expected), Json::Object(found)) => expected.iter().find_map(|(name, expected)| {
            let place = format!("{place}.{name}");
            match found.get(name) {
                Some(found) => at(&place, expected, found),
                // What is absent is left out: null asks for that.
                None if expected.is_null() => None,
                None => Some(format!("{place} is missing, expected {expected}")),
            }
        }),
        (Json::Array(expected), Json::Array(found)) if expected.len() == found.len() => expected
            .iter()
            .zip(found)
            .enumerate()
            .find_map(|(index, (expected, found))| at(&format!("{place}[{index}]"), expected, found)),
        _ if expected == found => None,
        _ => Some(format!("{place} is {found}, expected {expected}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_named_must_agree() {
        let found = json!({"a": 1, "b": [{"c": 2, "d": 3}]});
        assert_eq!(difference(&json!({"b": [{"c": 2}], "z": null}), &found), None);
        assert_eq!(
            difference(&json!({"b": [{"c": 3}]}), &found).as_deref(),
            Some(".b[0].c is 2, expected 3")
        );
        assert!(difference(&json!({"b": []}), &found).is_some());
        assert!(difference(&json!({"z": 1}), &found).is_some());
    }
}
