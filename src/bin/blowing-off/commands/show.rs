//! How commands print records and lists of them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use wildthing::client::WildThingClient;
use wildthing::client::{DeviceState, WildThingError};
use wildthing::model::{JsonObject, Kind, RecordId};

use crate::failure::Outcome;
use crate::output::Out;
use crate::output::columns;
use crate::output::text::moment;

/// One record: `show`, `create` and `update`.
pub(super) fn record(out: &Out, record: &impl Serialize) -> Outcome {
    if out.is_json() {
        return out.json(&flat(record)?);
    }
    out.pairs(&columns::pairs(&object(record)?))
}

/// A record as one object in which no name is there twice: a field of another
/// type than expected takes the place of the empty one.
fn flat(record: &impl Serialize) -> Outcome<JsonObject> {
    match serde_json::to_value(record) {
        Ok(Value::Object(object)) => Ok(object),
        other => Err(WildThingError::Internal {
            detail: format!("a record is shown as {other:?}"),
        }
        .into()),
    }
}

/// A record as the fields it shows. The reason of a refusal is one of them; the
/// rest of what tells where the record stands is for programs.
fn object(record: &impl Serialize) -> Outcome<JsonObject> {
    let mut object = flat(record)?;
    let freshness = object.remove("freshness").unwrap_or_default();
    if let (None, Some(reason)) = (object.get("sync_error"), freshness.get("reason")) {
        object.insert("sync_error".into(), reason.clone());
    }
    Ok(object)
}

/// Names of the records that a list's records are in, by id.
pub(super) type Parents = BTreeMap<String, String>;

/// The names for a table of `kind`; none for other output, which has ids.
pub(super) async fn parents(out: &Out, client: &WildThingClient, kind: Kind) -> Outcome<Parents> {
    if !out.is_table() {
        return Ok(Parents::new());
    }
    Ok(match kind {
        Kind::Room | Kind::User => {
            let houses = client.get_houses().await?.into_iter();
            houses.map(|house| (house.id.to_string(), house.name)).collect()
        }
        Kind::Device => {
            let rooms = client.get_rooms(None).await?.into_iter();
            rooms.map(|room| (room.id.to_string(), room.name)).collect()
        }
        _ => Parents::new(),
    })
}

/// A list of records of one kind.
pub(super) fn records(out: &Out, kind: Kind, records: &[impl Serialize], parents: &Parents) -> Outcome {
    if out.is_json() {
        let records: Vec<JsonObject> = records.iter().map(flat).collect::<Outcome<_>>()?;
        return out.json(&records);
    }
    let columns = columns::of(&kind);
    let records: Vec<JsonObject> = records.iter().map(object).collect::<Outcome<_>>()?;
    let mut rows = columns::rows(columns, &records);
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
pub(super) fn deleted(out: &Out, kind: Kind, id: &RecordId) -> Outcome {
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
    let mut pairs = vec![("device_id".to_owned(), state.device_id.to_string())];
    pairs.extend(columns::nested("state", &state.state));
    pairs.extend(columns::nested("attributes", &state.attributes));
    pairs.push(("updated_at".to_owned(), moment(state.updated_at)));
    pairs.push(("sync_status".to_owned(), state.sync_status.as_str().to_owned()));
    out.pairs(&pairs)
}
