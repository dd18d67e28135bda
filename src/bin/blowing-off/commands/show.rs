//! How commands print records and lists of them.

use serde_json::json;
use wildthing::client::types::{DeviceState, RecordObject};

use crate::failure::Outcome;
use crate::output::Out;
use crate::output::columns;
use crate::output::text::moment;

/// One record: `show`, `create` and `update`.
pub(super) fn record(out: &Out, record: &RecordObject) -> Outcome {
    if out.is_json() {
        return out.json(record);
    }
    out.pairs(&columns::pairs(record))
}

/// A list of records of one kind.
pub(super) fn records(out: &Out, kind: &str, records: &[RecordObject]) -> Outcome {
    if out.is_json() {
        return out.json(&records);
    }
    let columns = columns::of(kind);
    out.table(columns, &columns::rows(columns, records))
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
