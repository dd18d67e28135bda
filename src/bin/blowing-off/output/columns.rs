//! Which fields of a record are columns, and in what order fields are shown.

use wildthing::model::{JsonObject, Kind};

use super::text::{field, plain};

/// The columns of a kind's list.
pub(crate) fn of(kind: &Kind) -> &'static [&'static str] {
    match kind {
        Kind::House => &["id", "name", "address", "timezone", "sync_status"],
        Kind::Room => &["id", "name", "room_type", "floor", "house_id", "sync_status"],
        Kind::Device => &[
            "id",
            "name",
            "device_type",
            "manufacturer",
            "room_id",
            "sync_status",
        ],
        Kind::User => &["id", "name", "email", "role", "house_id", "sync_status"],
        Kind::Event => &[
            "id",
            "created_at",
            "event_type",
            "entity_type",
            "entity_id",
            "description",
            "sync_status",
        ],
        _ => &["id", "name", "updated_at", "sync_status"],
    }
}

/// One row a record.
pub(crate) fn rows(columns: &[&str], records: &[JsonObject]) -> Vec<Vec<String>> {
    records
        .iter()
        .map(|record| columns.iter().map(|column| field(record, column)).collect())
        .collect()
}

/// Fields that come first, in this order.
const FIRST: &[&str] = &[
    "id",
    "kind",
    "name",
    "house_id",
    "room_id",
    "device_id",
    "entity_id",
];
/// Fields that come last, in this order.
const LAST: &[&str] = &["created_at", "updated_at", "sync_id", "sync_status", "sync_error"];

/// All fields of a record that hold something, what matters most first.
pub(crate) fn pairs(record: &JsonObject) -> Vec<(String, String)> {
    let names = |order: &'static [&str]| order.iter().copied().filter(|name| record.contains_key(*name));
    let middle = record
        .keys()
        .map(String::as_str)
        .filter(|name| !FIRST.contains(name) && !LAST.contains(name));
    names(FIRST)
        .chain(middle)
        .chain(names(LAST))
        .filter(|name| record.get(*name).is_some_and(|value| !value.is_null()))
        .map(|name| (name.to_owned(), field(record, name)))
        .collect()
}

/// The members of a nested object, under a prefix.
pub(crate) fn nested(prefix: &str, object: &JsonObject) -> Vec<(String, String)> {
    object
        .iter()
        .map(|(name, value)| (format!("{prefix}.{name}"), plain(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_starts_with_what_it_is_and_ends_with_where_it_stands() {
        let record = serde_json::json!({
            "sync_status": "synced", "floor": 0, "name": "Hall", "id": "r1",
            "sync_error": null, "updated_at": "2026-11-22T07:59:21.194774"
        });
        let names: Vec<String> = record
            .as_object()
            .map(pairs)
            .unwrap_or_default()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["id", "name", "floor", "updated_at", "sync_status"]);
    }
}
