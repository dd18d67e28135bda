//! The hand-written replica of a graph: pages by cursor, then the listing of
//! edges, into the same tables, and each entity told what it is in.

use rusqlite::{CachedStatement, Connection, TransactionBehavior, params};
use serde_json::{Map, Value, json};
use wildthing::protocol::v2::{PROTOCOL_VERSION, SYNC_PATH, relationships_path};
use wildthing::seam::{RealSeam, Seam as _};

use crate::Outcome;
use crate::plain::{Fetcher, UPSERT};

const WATERMARK: &str =
    "INSERT OR REPLACE INTO watermarks (kind, server_time, cursor) VALUES ('graph', ?1, ?2)";

const PLACE: &str = "UPDATE records SET parent_id = ?2 WHERE kind IN ('room', 'device') AND id = ?1";

/// The message that asks for a page.
pub(crate) fn question(cursor: Option<&str>, since: Option<&str>) -> Value {
    let mut question = json!({
        "protocol_version": PROTOCOL_VERSION,
        "device_id": "by-hand",
        "user_id": "by-hand",
        "sync_type": "delta",
        "changes": [],
        "cursor": cursor,
        "vector_clock": {"clocks": {}},
    });
    if let Some(since) = since {
        question["filters"] = json!({"since": since});
    }
    question
}

/// Fetches every page and the edges, and writes them down; how many records came.
pub(crate) async fn first_sync(fetcher: &Fetcher, connection: &mut Connection) -> Outcome<usize> {
    let (mut cursor, mut first) = (Some("0".to_owned()), None);
    let (mut count, mut page) = (0, 0);
    while let Some(from) = cursor {
        let mut answer = fetcher.post(SYNC_PATH, question(Some(&from), None)).await?;
        let Value::Array(changes) = answer["changes"].take() else {
            return Err("no changes".into());
        };
        let server_time = answer["server_time"].as_str().unwrap_or_default();
        let first = first.get_or_insert_with(|| server_time.to_owned());
        cursor = answer["cursor"].as_str().map(str::to_owned);
        count += changes.len();
        page += 1;
        write_page(connection, changes, (first, cursor.as_deref()), page)?;
    }
    let mut answer = fetcher.get(&relationships_path()).await?;
    let Value::Array(edges) = answer["relationships"].take() else {
        return Err("no relationships".into());
    };
    count += edges.len();
    write_edges(connection, edges, page + 1)?;
    Ok(count)
}

fn text(object: &mut Map<String, Value>, field: &str) -> Outcome<String> {
    match object.remove(field) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(format!("no {field}").into()),
    }
}

fn write_page(
    connection: &mut Connection,
    changes: Vec<Value>,
    mark: (&str, Option<&str>),
    page: u32,
) -> Outcome {
    let mut rows: Vec<(String, String, Map<String, Value>)> = Vec::new();
    for mut change in changes {
        let Value::Object(mut entity) = change["entity"].take() else {
            return Err("no entity".into());
        };
        let kind = match text(&mut entity, "entity_type")? {
            home if home == "home" => "house".to_owned(),
            kind => kind,
        };
        rows.push((kind, text(&mut entity, "id")?, entity));
    }
    rows.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    let now = RealSeam.now().to_string();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut statement = transaction.prepare_cached(UPSERT)?;
        for (kind, id, mut entity) in rows {
            let (version, name) = (text(&mut entity, "version")?, text(&mut entity, "name")?);
            let deleted = entity["content"]["deleted"] == true;
            entity.remove("parent_versions");
            entity.remove("checksum");
            // The time in a version is spelt as it is stored.
            let made = version.split('+').next();
            statement.execute(params![
                kind,
                id,
                None::<&str>,
                name,
                serde_json::to_string(&entity)?,
                None::<&str>,
                made,
                version,
                deleted,
                now,
                page,
            ])?;
        }
        transaction.prepare_cached(WATERMARK)?.execute(mark)?;
    }
    transaction.commit()?;
    Ok(())
}

fn write_edges(connection: &mut Connection, edges: Vec<Value>, page: u32) -> Outcome {
    let mut rows: Vec<(String, Map<String, Value>)> = Vec::new();
    for edge in edges {
        let Value::Object(mut edge) = edge else {
            return Err("no edge".into());
        };
        rows.push((text(&mut edge, "id")?, edge));
    }
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    let now = RealSeam.now().to_string();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut statement = transaction.prepare_cached(UPSERT)?;
        let mut place = transaction.prepare_cached(PLACE)?;
        for (id, edge) in rows {
            write_edge(&mut statement, &mut place, &id, edge, &now, page)?;
        }
    }
    transaction.commit()?;
    Ok(())
}

fn write_edge(
    statement: &mut CachedStatement<'_>,
    place: &mut CachedStatement<'_>,
    id: &str,
    mut edge: Map<String, Value>,
    now: &str,
    page: u32,
) -> Outcome {
    let (from, changed) = (text(&mut edge, "from_entity_id")?, text(&mut edge, "updated_at")?);
    edge.remove("created_at");
    let deleted = edge["properties"]["deleted"] == true;
    statement.execute(params![
        "relationship",
        id,
        from,
        None::<&str>,
        serde_json::to_string(&edge)?,
        None::<&str>,
        changed,
        changed,
        deleted,
        now,
        page,
    ])?;
    let containment = ["located_in", "part_of", "contained_in"];
    if !deleted && containment.iter().any(|kind| edge["relationship_type"] == *kind) {
        place.execute([Some(from.as_str()), edge["to_entity_id"].as_str()])?;
    }
    Ok(())
}
