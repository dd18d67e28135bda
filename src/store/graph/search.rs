//! Search: entities by words of their names and contents, best first, offline.
//!
//! The index is brought up to date by whoever searches, from the records that
//! changed since: a write or a pull does nothing for it. What is indexed is the
//! name and every text and number in the content, however deep; names of fields
//! are not. Accents and case make no difference.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::shape::DERIVED;
use super::walk::is_shown;
use crate::model::{JsonObject, Key, Kind};
use crate::store::rows::key_from;
use crate::store::{Safety, Store, StoreError, metadata};

/// Number of the rules by which text is made of a record. Whoever changes them
/// counts on, and every replica indexes anew.
const RULES: i64 = 1;
/// How many changed records one transaction takes, so that no write waits for long.
const CHUNK: u32 = 4_000;
/// How much of one entity is indexed, in bytes: what is longer is no text to read.
const MAX_TEXT: usize = 64 * 1024;
/// About how many words a snippet has.
const SNIPPET_WORDS: u32 = 16;

/// An entity that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Which one.
    pub key: Key,
    /// How well it fits; greater is better.
    pub score: f64,
    /// The part of it that fits.
    pub snippet: String,
}

impl Store {
    /// Brings the index up to date, for [`find`]: what was committed before this
    /// call is in it.
    pub fn index_for_search(&self) -> Result<(), StoreError> {
        let (position, present) =
            self.read(|connection| Ok((Position::get(connection)?, metadata::get(connection)?.change_seq)))?;
        // What is written from here on is not waited for.
        if !position.covers(present) {
            while !self
                .write("index", Safety::Repeatable, |tx| catch_up(tx.connection))?
                .covers(present)
            {}
        }
        Ok(())
    }

    /// Forgets the index, and with it the words of what is no longer here.
    pub fn forget_search(&self) -> Result<(), StoreError> {
        self.write("index", Safety::Repeatable, |tx| clear(tx.connection))
    }
}

/// The row of `records`, in the order of their changes, up to which the index is there.
#[derive(Debug, Clone, PartialEq)]
struct Position {
    rules: i64,
    change_seq: i64,
    kind: String,
    id: String,
}

impl Position {
    fn get(connection: &Connection) -> Result<Self, StoreError> {
        let mut statement =
            connection.prepare_cached("SELECT rules, change_seq, kind, id FROM search_state")?;
        Ok(statement.query_row([], |row| {
            Ok(Self {
                rules: row.get(0)?,
                change_seq: row.get(1)?,
                kind: row.get(2)?,
                id: row.get(3)?,
            })
        })?)
    }

    fn put(&self, connection: &Connection) -> Result<(), StoreError> {
        connection
            .prepare_cached("UPDATE search_state SET rules = ?1, change_seq = ?2, kind = ?3, id = ?4")?
            .execute(params![self.rules, self.change_seq, self.kind, self.id])?;
        Ok(())
    }

    /// Before the first row of a change.
    fn before(change_seq: i64) -> Self {
        Self {
            rules: RULES,
            change_seq,
            kind: String::new(),
            id: String::new(),
        }
    }

    /// Whether everything up to and with this change is in the index.
    fn covers(&self, change_seq: i64) -> bool {
        self.rules == RULES && self.change_seq > change_seq
    }
}

fn clear(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch("DELETE FROM search_text; DELETE FROM search_entries;")?;
    Position::before(0).put(connection)
}

/// A record as the index needs it.
struct Row {
    change_seq: i64,
    key: Key,
    name: Option<String>,
    body: String,
    deleted: bool,
}

/// Takes the next changed records into the index; how far that got.
fn catch_up(connection: &Connection) -> Result<Position, StoreError> {
    let mut position = Position::get(connection)?;
    if position.rules != RULES {
        clear(connection)?;
        position = Position::before(0);
    }
    let present = metadata::get(connection)?.change_seq;
    let changed = changed_after(connection, &position)?;
    // One table after the other: statements that may have to be undone make FTS5
    // write out what it has gathered, and an index of crumbs is slow.
    let mut entries = Vec::new();
    for row in changed.iter().filter(|row| is_shown(&row.key.kind)) {
        match row.deleted {
            true => remove(connection, &row.key)?,
            false => entries.push((entry_of(connection, &row.key)?, row)),
        }
    }
    for (entry, row) in entries {
        put(connection, entry, row)?;
    }
    let position = match changed.last().filter(|_| changed.len() >= CHUNK as usize) {
        Some(last) => Position {
            rules: RULES,
            change_seq: last.change_seq,
            kind: last.key.kind.to_string(),
            id: last.key.id.to_string(),
        },
        None => {
            remove_strays(connection)?;
            Position::before(present + 1)
        }
    };
    position.put(connection)?;
    Ok(position)
}

fn changed_after(connection: &Connection, position: &Position) -> Result<Vec<Row>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT change_seq, kind, id, name, body, deleted FROM records
         WHERE change_seq >= ?1 AND (change_seq, kind, id) > (?1, ?2, ?3)
             AND kind NOT IN ('entity_state', 'event', 'relationship')
         ORDER BY change_seq, kind, id LIMIT ?4",
    )?;
    let values = params![position.change_seq, position.kind, position.id, CHUNK];
    let rows = statement.query_map(values, |row| {
        Ok(Row {
            change_seq: row.get(0)?,
            key: key_from(row, 1, 2)?,
            name: row.get(3)?,
            body: row.get(4)?,
            deleted: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The number of a record's text, made if it has none.
fn entry_of(connection: &Connection, key: &Key) -> Result<i64, StoreError> {
    let values = params![key.kind.as_str(), key.id.as_str()];
    let known = connection
        .prepare_cached("SELECT entry FROM search_entries WHERE kind = ?1 AND id = ?2")?
        .query_row(values, |row| row.get(0))
        .optional()?;
    if let Some(known) = known {
        return Ok(known);
    }
    connection
        .prepare_cached("INSERT INTO search_entries (kind, id) VALUES (?1, ?2)")?
        .execute(values)?;
    Ok(connection.last_insert_rowid())
}

fn put(connection: &Connection, entry: i64, row: &Row) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO search_text (rowid, name, text) VALUES (?1, ?2, ?3)")?
        .execute(params![entry, row.name, text_of(&row.body)])?;
    Ok(())
}

fn remove(connection: &Connection, key: &Key) -> Result<(), StoreError> {
    let values = params![key.kind.as_str(), key.id.as_str()];
    connection
        .prepare_cached(
            "DELETE FROM search_text WHERE rowid = (SELECT entry FROM search_entries WHERE kind = ?1 AND id = ?2)",
        )?
        .execute(values)?;
    connection
        .prepare_cached("DELETE FROM search_entries WHERE kind = ?1 AND id = ?2")?
        .execute(values)?;
    Ok(())
}

/// Records that left no trace, as an edit that was never sent and is discarded, have
/// no change that tells of it. They are looked for when there are more entries than
/// records, which is counted in indexes alone.
fn remove_strays(connection: &Connection) -> Result<(), StoreError> {
    let strays: bool = connection
        .prepare_cached(
            "SELECT (SELECT count(*) FROM search_entries) > (SELECT count(*) FROM records
                 WHERE kind NOT IN ('entity_state', 'event', 'relationship') AND NOT deleted)",
        )?
        .query_row([], |row| row.get(0))?;
    if !strays {
        return Ok(());
    }
    connection.execute_batch(
        "DELETE FROM search_text WHERE rowid IN (SELECT entry FROM search_entries AS known WHERE NOT EXISTS
             (SELECT 1 FROM records WHERE records.kind = known.kind AND records.id = known.id AND NOT deleted));
         DELETE FROM search_entries WHERE NOT EXISTS
             (SELECT 1 FROM records WHERE records.kind = search_entries.kind AND records.id = search_entries.id
                 AND NOT deleted);",
    )?;
    Ok(())
}

/// What is searched for, as FTS5 takes it: every word as a quoted text, so that no
/// sign in it means anything; the last may go on. `None` if there is no word.
fn expression(query: &str) -> Option<String> {
    let words: Vec<String> = query
        .split(|sign: char| sign.is_whitespace() || sign == '\0')
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .map(|word| format!("\"{}\"", word.replace('"', "\"\"")))
        .collect();
    (!words.is_empty()).then(|| format!("{} *", words.join(" ")))
}

/// Entities that have every word of `query`, the last one perhaps as a beginning,
/// best first: of `kinds`, or of all. Who has just gone may be among them.
pub fn find(
    connection: &Connection,
    query: &str,
    kinds: Option<&[Kind]>,
    limit: u32,
) -> Result<Vec<Hit>, StoreError> {
    let Some(expression) = expression(query) else {
        return Ok(Vec::new());
    };
    let kinds = kinds.map(serde_json::to_string).transpose()?;
    // A word in the name weighs as much as ten in the content.
    let mut statement = connection.prepare_cached(
        "SELECT known.kind, known.id, known.entry, bm25(search_text, 10.0, 1.0) AS cost
         FROM search_text JOIN search_entries AS known ON known.entry = search_text.rowid
         WHERE search_text MATCH ?1 AND (?2 IS NULL OR known.kind IN (SELECT value FROM json_each(?2)))
         ORDER BY cost, known.kind, known.id LIMIT ?3",
    )?;
    let rows = statement.query_map(params![expression, kinds, limit], |row| {
        Ok((key_from(row, 0, 1)?, row.get::<_, i64>(2)?, row.get::<_, f64>(3)?))
    })?;
    let mut hits = Vec::new();
    for row in rows {
        let (key, entry, cost) = row?;
        hits.push(Hit {
            key,
            score: -cost,
            snippet: snippet(connection, &expression, entry)?,
        });
    }
    Ok(hits)
}

fn snippet(connection: &Connection, expression: &str, entry: i64) -> Result<String, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT snippet(search_text, -1, '', '', '…', ?3) FROM search_text
             WHERE search_text MATCH ?1 AND rowid = ?2",
        )?
        .query_row(params![expression, entry, SNIPPET_WORDS], |row| row.get(0))?)
}

/// The texts and numbers of a record, one a line.
fn text_of(body: &str) -> String {
    let mut text = String::new();
    // What can't be read can't be searched.
    let Ok(body) = serde_json::from_str::<JsonObject>(body) else {
        return text;
    };
    match (body.get("source_type"), body.get("content")) {
        (Some(Value::String(_)), Some(content)) => gather(content, &mut text),
        _ => {
            for (field, value) in &body {
                // Names of other records would find what is around them.
                if DERIVED.contains(&field.as_str()) {
                    continue;
                }
                let inner = value.as_str().filter(|_| field.ends_with("_json"));
                match inner.and_then(|inner| serde_json::from_str(inner).ok()) {
                    Some(inner) => gather(&inner, &mut text),
                    None => gather(value, &mut text),
                }
            }
        }
    }
    text
}

fn gather(value: &Value, text: &mut String) {
    match value {
        Value::String(words) => add(words, text),
        Value::Number(number) => add(number.as_str(), text),
        Value::Array(items) => items.iter().for_each(|item| gather(item, text)),
        Value::Object(object) => object.values().for_each(|item| gather(item, text)),
        Value::Null | Value::Bool(_) => {}
    }
}

fn add(words: &str, text: &mut String) {
    if words.is_empty() || text.len() + words.len() > MAX_TEXT {
        return;
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(words);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn no_sign_of_a_query_means_anything() {
        assert_eq!(expression(" \t- \"\" * "), None);
        assert_eq!(expression("lamp").unwrap(), "\"lamp\" *");
        assert_eq!(
            expression("a AND b\"c name:x* NEAR(").unwrap(),
            "\"a\" \"AND\" \"b\"\"c\" \"name:x*\" \"NEAR(\" *"
        );
    }

    #[test]
    fn text_is_what_values_say() {
        let body = r#"{"source_type": "manual", "user_id": "me", "content":
            {"b": ["two", {"c": 3}], "a": "one", "d": null, "e": true}}"#;
        assert_eq!(text_of(body), "one\ntwo\n3");
        let v1 = r#"{"house_name": "Cabin", "device_type": "light", "capabilities_json": "{\"x\": [\"dim\"]}", "metadata_json": "no json"}"#;
        assert_eq!(text_of(v1), "dim\nlight\nno json");
    }
}
