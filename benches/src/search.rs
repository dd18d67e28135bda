//! Search in a large house, beside full-text search by hand over the same words:
//! an index that is made at once, and the query with its snippets and records read.

use rusqlite::{Connection, params};
use serde_json::Value;
use wildthing::client::Durability;

use crate::measure::{in_turns, millis};
use crate::report::{Budget, Row};
use crate::{Bench, Outcome, client, plain};

/// How many answers are asked for.
const LIMIT: u32 = 20;
const PLACES: [&str; 8] = [
    "kitchen", "hall", "cellar", "garage", "attic", "garden", "office", "porch",
];
const THINGS: [&str; 5] = ["lamp", "thermostat", "sensor", "note", "procedure"];

pub(crate) fn run(bench: &mut Bench) -> Outcome {
    let size = bench.pick(30_000, 2_000);
    let rounds = bench.pick(5, 1);
    let mut firsts = Vec::new();
    for round in 0..rounds {
        let path = bench.file(&format!("search-{round}.db"));
        furnish(&mut plain::database(&path, "NORMAL")?, size)?;
        firsts.push(path);
    }
    let runtime = &bench.runtime;
    let (ours, theirs) = in_turns(
        rounds,
        |round| {
            let client = runtime.block_on(client::open(&firsts[round], Durability::Fast, None))?;
            let took = millis(|| runtime.block_on(client::search(&client, "thermostat", LIMIT)))?;
            runtime.block_on(client.shutdown());
            Ok(took)
        },
        |round| {
            let mut connection = Connection::open(&firsts[round])?;
            millis(|| {
                index(&mut connection)?;
                query(&connection, "\"thermostat\" *")
            })
        },
    )?;
    bench.report.add(Row {
        what: format!("search: the first one, {size} entities indexed"),
        value: Some(ours),
        unit: "ms",
        baseline: Some(theirs),
        baseline_is: "an FTS5 table filled at once, and its query".into(),
        budget: Budget::Times(2.0),
    });

    let client = runtime.block_on(client::open(&firsts[0], Durability::Fast, None))?;
    let connection = Connection::open(&firsts[0])?;
    let calls = bench.pick(20, 2);
    let rounds = bench.pick(25, 3);
    for (what, words, expression) in [
        ("one hit", "serial 1234", "\"serial\" \"1234\" *"),
        (
            "a word of an eighth, two words",
            "cellar lamp",
            "\"cellar\" \"lamp\" *",
        ),
        ("a fifth of all, by its beginning", "therm", "\"therm\" *"),
    ] {
        let many = |work: &mut dyn FnMut() -> Outcome| -> Outcome<f64> {
            Ok(millis(|| (0..calls).try_for_each(|_| work()))? / calls as f64)
        };
        let (ours, theirs) = in_turns(
            rounds,
            |_| many(&mut || runtime.block_on(client::search(&client, words, LIMIT)).map(drop)),
            |_| many(&mut || query(&connection, expression).map(drop)),
        )?;
        bench.report.add(Row {
            what: format!("search: warm, {what}"),
            value: Some(ours),
            unit: "ms",
            baseline: Some(theirs),
            baseline_is: "the same FTS5 query, its snippets, and the records parsed".into(),
            budget: Budget::Times(2.0),
        });
    }
    runtime.block_on(client.shutdown());
    Ok(())
}

/// Fills a replica as pages of a sync would.
fn furnish(connection: &mut Connection, size: usize) -> Outcome {
    let transaction = connection.transaction()?;
    {
        let mut insert = transaction.prepare(
            "INSERT INTO records (kind, id, name, body, updated_at, sync_id, deleted, sync_status, change_seq,
                 last_change)
             VALUES (?1, ?2, ?3, ?4, '2026-01-02T03:04:05.000006', 'v', 0, 'synced', ?5, 'created remote')",
        )?;
        for number in 0..size {
            let (place, thing) = (PLACES[number % PLACES.len()], THINGS[number % THINGS.len()]);
            let content = serde_json::json!({
                "manufacturer": format!("Maker {}", number % 97),
                "model": format!("M-{}", number % 1_013),
                "serial": format!("serial {number}"),
                "capabilities": ["power", "brightness", {"modes": ["eco", "boost", "night"]}],
                "notes": format!("The {thing} of the {place} was put in by hand and works well since then"),
            });
            let body = serde_json::json!({"content": content, "source_type": "manual", "user_id": "bench"});
            let kind = if number % 5 == 3 { "note" } else { "device" };
            insert.execute(params![
                kind,
                format!("entity-{number}"),
                format!("{place} {thing} {number}"),
                body.to_string(),
                i64::try_from(number / 500 + 1)?,
            ])?;
        }
    }
    transaction.execute(
        "UPDATE sync_metadata SET protocol = 'v2', change_seq = ?1",
        [i64::try_from(size / 500 + 1)?],
    )?;
    transaction.commit()?;
    Ok(())
}

/// The hand-written index.
fn index(connection: &mut Connection) -> Outcome {
    let transaction = connection.transaction()?;
    transaction.execute_batch(
        "CREATE VIRTUAL TABLE by_hand USING fts5 (name, text, tokenize = 'unicode61 remove_diacritics 2')",
    )?;
    {
        let mut select = transaction.prepare("SELECT rowid, name, body -> '$.content' FROM records")?;
        let mut insert =
            transaction.prepare("INSERT INTO by_hand (rowid, name, text) VALUES (?1, ?2, ?3)")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let content: Value = serde_json::from_str(row.get_ref(2)?.as_str()?)?;
            let mut text = String::new();
            words(&content, &mut text);
            insert.execute(params![row.get::<_, i64>(0)?, row.get_ref(1)?.as_str()?, text])?;
        }
    }
    transaction.commit()?;
    Ok(())
}

fn words(value: &Value, text: &mut String) {
    match value {
        Value::String(word) => {
            text.push_str(word);
            text.push('\n');
        }
        Value::Array(items) => items.iter().for_each(|item| words(item, text)),
        Value::Object(object) => object.values().for_each(|item| words(item, text)),
        _ => {}
    }
}

/// The hand-written search; how many there were.
fn query(connection: &Connection, expression: &str) -> Outcome<usize> {
    let mut select = connection.prepare_cached(
        "SELECT best.row, records.kind, records.id, records.name, records.body, records.updated_at,
             records.sync_id, (SELECT snippet(by_hand, -1, '', '', '…', 16) FROM by_hand
                               WHERE by_hand MATCH ?1 AND rowid = best.row)
         FROM (SELECT by_hand.rowid AS row, bm25(by_hand, 10.0, 1.0) AS cost FROM by_hand
               WHERE by_hand MATCH ?1 ORDER BY cost, by_hand.rowid LIMIT ?2) AS best
         JOIN records ON records.rowid = best.row AND NOT records.deleted ORDER BY best.cost, best.row",
    )?;
    let mut rows = select.query(params![expression, LIMIT])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let body: Value = serde_json::from_str(row.get_ref(4)?.as_str()?)?;
        let texts = [1, 2, 3, 5, 6, 7].map(|column| row.get::<_, String>(column));
        found.push((texts.into_iter().collect::<Result<Vec<_>, _>>()?, body));
    }
    Ok(std::hint::black_box(found).len())
}
