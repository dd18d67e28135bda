//! One spelling for each value: keys sorted, integers as they are whatever their
//! size, other numbers as the shortest text of the nearest double, always with a
//! point or an exponent.

use serde_json::Number;

use crate::model::Json;

/// `value` in that spelling; `masks` are texts that are left out of every string.
pub(super) fn canonical(value: &Json, masks: &[(String, &'static str)]) -> Json {
    match value {
        Json::Number(number) => Json::Number(spelled(number)),
        Json::String(text) => Json::String(masked(text, masks)),
        Json::Array(items) => items.iter().map(|item| canonical(item, masks)).collect(),
        Json::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(name, _)| name.as_str());
            let spelled = sorted
                .into_iter()
                .map(|(name, value)| (masked(name, masks), canonical(value, masks)));
            Json::Object(spelled.collect())
        }
        other => other.clone(),
    }
}

fn masked(text: &str, masks: &[(String, &'static str)]) -> String {
    masks.iter().fold(text.to_owned(), |text, (found, shown)| {
        if text.contains(found.as_str()) {
            text.replace(found.as_str(), shown)
        } else {
            text
        }
    })
}

fn spelled(number: &Number) -> Number {
    let text = number.to_string();
    if !text.contains(['.', 'e', 'E']) {
        return number.clone();
    }
    match text.parse::<f64>() {
        Ok(double) if double.is_finite() => {
            let spelled = format!("{double:?}");
            serde_json::from_str(&spelled).unwrap_or_else(|_| number.clone())
        }
        _ => number.clone(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_one_spelling() {
        let read = |text: &str| serde_json::from_str::<Json>(text).unwrap();
        let spelled = |text: &str| canonical(&read(text), &[("/tmp/x".into(), "FOLDER")]).to_string();
        assert_eq!(
            spelled(r#"{"b": 1.10, "a": [1E2, 1208925819614629174706176, -0, 2.0]}"#),
            r#"{"a":[100.0,1208925819614629174706176,-0,2.0],"b":1.1}"#
        );
        assert_eq!(spelled("1.2089258196146292e+24"), "1.2089258196146292e+24");
        assert_eq!(spelled(r#""in /tmp/x/a.db""#), r#""in FOLDER/a.db""#);
    }
}
