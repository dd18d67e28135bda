//! What FunkyGibbon 0.1 does with one pushed change, faults included. Its
//! answer as a whole is made in `funky01`.

use serde_json::{Map, Value};

use super::funky01::{Moment, Tables, is_deleted, updated_at};

/// What became of a change.
#[derive(Debug)]
pub enum Pushed {
    /// There was no such row; it was made.
    Created,
    /// There was one. Whether the change won or lost, this is the row now, and
    /// the server calls it a conflict that it has won.
    Met(Map<String, Value>),
    /// An exception was caught and logged: the answer names the change nowhere.
    Ignored,
    /// The database refused; the session, and with it the request, is lost.
    Broken,
}

/// The columns of a kind, in the order of its rows.
pub fn columns(kind: &str) -> &'static [&'static str] {
    match kind {
        "house" => &[
            "id",
            "sync_id",
            "name",
            "address",
            "latitude",
            "longitude",
            "timezone",
            "room_count",
            "device_count",
            "user_count",
            "settings_json",
            "metadata_json",
            "created_at",
            "updated_at",
            "version",
            "is_deleted",
        ],
        "room" => &[
            "id",
            "sync_id",
            "house_id",
            "house_name",
            "name",
            "room_type",
            "floor",
            "device_count",
            "temperature",
            "humidity",
            "last_motion_at",
            "settings_json",
            "metadata_json",
            "created_at",
            "updated_at",
            "version",
            "is_deleted",
        ],
        "device" => &[
            "id",
            "sync_id",
            "room_id",
            "house_id",
            "room_name",
            "house_name",
            "name",
            "device_type",
            "manufacturer",
            "model",
            "state_json",
            "capabilities_json",
            "ip_address",
            "mac_address",
            "metadata_json",
            "created_at",
            "updated_at",
            "version",
            "is_deleted",
        ],
        "user" => &[
            "id",
            "sync_id",
            "house_id",
            "name",
            "email",
            "role",
            "device_ids_json",
            "preferences_json",
            "metadata_json",
            "created_at",
            "updated_at",
            "version",
            "is_deleted",
        ],
        // No sync_id, no version, no is_deleted.
        "entity_state" => &[
            "id",
            "device_id",
            "state_type",
            "state_value",
            "state_json",
            "source",
            "user_id",
            "created_at",
            "updated_at",
        ],
        "event" => &[
            "id",
            "event_type",
            "entity_type",
            "entity_id",
            "description",
            "data_json",
            "source",
            "user_id",
            "created_at",
            "updated_at",
        ],
        _ => &[],
    }
}

/// The columns that must not be null.
fn required(kind: &str) -> &'static [&'static str] {
    match kind {
        "house" => &["name"],
        "room" => &["house_id", "house_name", "name"],
        "device" => &[
            "room_id",
            "house_id",
            "room_name",
            "house_name",
            "name",
            "device_type",
        ],
        "user" => &["house_id", "name"],
        _ => &[],
    }
}

/// Takes one change in.
pub fn apply(tables: &mut Tables, change: &Value) -> Pushed {
    let kind = change["entity_type"].as_str().unwrap_or_default();
    let known = matches!(kind, "house" | "room" | "device" | "user");
    // Deletes, states and events run into methods that don't exist. Any other
    // operation is taken for an upsert.
    if !known || change["operation"] == "delete" {
        return Pushed::Ignored;
    }
    let Some(mut data) = change["data"].as_object().cloned() else {
        return Pushed::Ignored;
    };
    // The mapper's own attribute: taken, and dropped.
    data.remove("metadata");
    if !data.contains_key("sync_id") || data.keys().any(|name| !columns(kind).contains(&name.as_str())) {
        return Pushed::Ignored;
    }
    match position(tables, kind, &data) {
        Some(index) => update(tables, kind, index, data),
        None => create(tables, kind, data),
    }
}

/// The row a change is about: by `sync_id` first, then by `id`, and never a deleted one.
fn position(tables: &Tables, kind: &str, data: &Map<String, Value>) -> Option<usize> {
    let by = |column: &str| {
        let value = data.get(column).filter(|value| !value.is_null())?;
        let mut rows = tables.rows(kind).iter();
        rows.position(|row| !is_deleted(row) && row.get(column) == Some(value))
    };
    by("sync_id").or_else(|| by("id"))
}

fn create(tables: &mut Tables, kind: &str, mut data: Map<String, Value>) -> Pushed {
    for column in ["created_at", "updated_at"] {
        match data.get(column).and_then(Value::as_str).map(Moment::parse) {
            Some(Some(moment)) => data.insert(column.to_owned(), moment.stored().into()),
            Some(None) => return Pushed::Ignored,
            None => data.remove(column),
        };
    }
    let lacks = |column: &&str| data.get(*column).is_none_or(Value::is_null);
    if required(kind).iter().any(lacks) || unbindable(&data) || taken(tables, kind, &data, None) {
        return Pushed::Broken;
    }
    tables.insert(kind, data);
    Pushed::Created
}

fn update(tables: &mut Tables, kind: &str, index: usize, mut data: Map<String, Value>) -> Pushed {
    let row = &tables.rows(kind)[index];
    let Some(theirs) = updated_at(&data) else {
        return Pushed::Ignored;
    };
    let ours = updated_at(row).map_or(theirs.instant, |moment| moment.instant);
    let ahead = theirs.instant - ours;
    let wins = if ahead.abs() < chrono::Duration::seconds(1) {
        match (data["sync_id"].as_str(), row["sync_id"].as_str()) {
            (Some(theirs), Some(ours)) => theirs > ours,
            // None can't be compared with a text.
            _ => return Pushed::Ignored,
        }
    } else {
        ahead > chrono::Duration::zero()
    };
    if !wins {
        return Pushed::Met(row.clone());
    }
    let nulled = |column: &str| data.get(column).is_some_and(Value::is_null);
    if nulled("sync_id")
        || required(kind).iter().any(|column| nulled(column))
        || unbindable(&data)
        || taken(tables, kind, &data, Some(index))
    {
        return Pushed::Broken;
    }
    data.insert("updated_at".to_owned(), theirs.stored().into());
    data.remove("id");
    data.remove("created_at");
    let row = &mut tables.rows_mut(kind)[index];
    row.extend(data);
    Pushed::Met(row.clone())
}

/// SQLite takes no objects and lists.
fn unbindable(data: &Map<String, Value>) -> bool {
    data.values().any(|value| value.is_object() || value.is_array())
}

/// Whether a unique column has the value already, in a deleted row too.
fn taken(tables: &Tables, kind: &str, data: &Map<String, Value>, except: Option<usize>) -> bool {
    let unique: &[&str] = match (kind, except) {
        ("user", None) => &["id", "sync_id", "email"],
        ("user", Some(_)) => &["sync_id", "email"],
        (_, None) => &["id", "sync_id"],
        (_, Some(_)) => &["sync_id"],
    };
    let others = tables
        .rows(kind)
        .iter()
        .enumerate()
        .filter(|(index, _)| Some(*index) != except);
    let clashes = |row: &Map<String, Value>| {
        unique.iter().any(|column| {
            let value = data.get(*column).filter(|value| !value.is_null());
            value.is_some() && value == row.get(*column)
        })
    };
    others.into_iter().any(|(_, row)| clashes(row))
}
