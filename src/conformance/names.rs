//! What `$name` stands for: `$hall` is the id of the result that was kept as
//! `hall`, or the result itself where that has none; `$hall.sync_id` and
//! `$list.0.id` lead into it. `$$` at the start of a text is a single `$`.

use std::collections::BTreeMap;

use crate::model::{Json, JsonObject};

/// Results by name.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<String, Json>);

impl Names {
    pub(super) fn keep(&mut self, name: &str, result: Json) {
        self.0.insert(name.to_owned(), result);
    }

    /// `value` with every name in it replaced.
    pub(super) fn resolve(&self, value: &Json) -> Result<Json, String> {
        Ok(match value {
            Json::String(text) => self.text(text)?,
            Json::Array(items) => {
                let items: Result<_, _> = items.iter().map(|item| self.resolve(item)).collect();
                Json::Array(items?)
            }
            Json::Object(fields) => Json::Object(self.object(fields)?),
            other => other.clone(),
        })
    }

    pub(super) fn object(&self, fields: &JsonObject) -> Result<JsonObject, String> {
        let resolved = fields
            .iter()
            .map(|(name, value)| Ok((name.clone(), self.resolve(value)?)));
        resolved.collect()
    }

    fn text(&self, text: &str) -> Result<Json, String> {
        let Some(reference) = text.strip_prefix('$') else {
            return Ok(Json::from(text));
        };
        if reference.starts_with('$') {
            return Ok(Json::from(reference));
        }
        let mut parts = reference.split('.');
        let mut found = parts.next().and_then(|name| self.0.get(name));
        let mut whole = true;
        for part in parts {
            whole = false;
            found = found.and_then(|value| match part.parse::<usize>() {
                Ok(index) => value.get(index),
                Err(_) => value.get(part),
            });
        }
        let found = found.ok_or_else(|| format!("nothing is called {text}"))?;
        Ok(match found.get("id") {
            Some(id) if whole => id.clone(),
            _ => found.clone(),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_lead_into_results() {
        let mut names = Names::default();
        names.keep("hall", json!({"id": "h1", "tags": [{"id": 7}]}));
        names.keep("hub", json!("http://x"));
        let asked = json!({"a": "$hall", "b": ["$hall.tags.0.id", "$hub", "$$hub", "$hall.tags"]});
        let told = json!({"a": "h1", "b": [7, "http://x", "$hub", [{"id": 7}]]});
        assert_eq!(names.resolve(&asked), Ok(told));
        assert!(names.resolve(&json!("$cellar")).unwrap_err().contains("$cellar"));
    }
}
