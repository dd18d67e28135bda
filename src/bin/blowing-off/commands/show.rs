//! How commands print records and lists of them.

use std::collections::BTreeMap;

use serde_json::json;
use wildthing::client::WildThingClient;
use wildthing::client::types::{DeviceState, RecordObject};

use crate::failure::Outcome;
use crate::output::Out;
use crate::output::columns;
use crate::output::text::{field, moment};

/// One record: `show`, `create` and `update`.
pub(super) fn record(out: &Out, record: &RecordObject) -> Outcome {
    if out.is_json() {
        return out.json(record);
    }
    out.pairs(&columns::pairs(record))
}

/// Names of the records that a list's records are in, by id.
pub(super) type Parents = BTreeMap<String, String>;

/// The names for a table of `kind`; none for other output, which has ids.
pub(super) async fn parents(out: &Out, client: &WildThingClient, kind: &str) -> Outcome<Parents> {
    if !out.is_table() {
        return Ok(Parents::new());
    }
    let parents = match kind {
        "room" | "user" => client.get_houses().await?,
        "device" => client.get_rooms(None).await?,
        _ => Vec::new(),
    };
    Ok(parents
        .iter()
        .map(|parent| (field(parent, "id"), field(parent, "name")))
        .collect())
}

/// A list of records of one kind.
pub(super) fn records(out: &Out, kind: &str, records: &[RecordObject], parents: &Parents) -> Outcome {
    if out.is_json() {
        return out.json(&records);
    }
    let columns = columns::of(kind);
    let mut rows = columns::rows(columns, records);
    let parent = columns
        .iter()
        .position(|name| matches!(*name, "house_id" | "room_id"));
    for cell in rows.iter_mut().filter_map(|row| row.get_mut(parent?)) {
        if let Some(name) = parents.get(cell) {
            cell.clone_from(name);
        }
    }
    out.table(columns, &rows)
}

/// That a record was deleted.
pub(super) fn deleted(out: &Out, kind: &str, id: &str) -> Outcome {
    if out.is_json() {
        return out.json(&json!({"kind": kind, "id": id, "deleted": true}));
    }
    out.line(&format!("deleted {kind} {id}"))
}

/// The state of a device.
pub(super) fn state(out: &Out, state: &DeviceState) -> Outcome {
    if out.is_json() {
        return out.json(state);
    }
    let mut pairs = vec![("device_id".to_owned(), state.device_id.clone())];
    pairs.extend(columns::nested("state", &state.state));
    pairs.extend(columns::nested("attributes", &state.attributes));
    pairs.push(("updated_at".to_owned(), moment(state.updated_at)));
    pairs.push(("sync_status".to_owned(), state.sync_status.as_str().to_owned()));
    out.pairs(&pairs)
}
