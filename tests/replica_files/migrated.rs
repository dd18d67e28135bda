//! A database of an earlier schema is brought to today's, with all that is in it.

use super::*;
use wildthing::client::{NewHouse, OpenOptions, WildThingClient};

/// The tables as the first version made them; only what later versions changed
/// differs from today's.
const FIRST_SCHEMA: &str = include_str!("../data/replica-schema-1.sql");

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_of_the_first_schema_keeps_its_records_edits_and_views() {
    let place = Place::new();
    let first = wildthing::store::test_connection(place.db()).unwrap();
    first.execute_batch(FIRST_SCHEMA).unwrap();
    let before = dump(&first, "records");
    assert_eq!(before.len(), 2);
    drop(first);

    let client = WildThingClient::open(place.db(), OpenOptions::default())
        .await
        .unwrap();
    let houses = client.get_houses().await.unwrap();
    assert_eq!(
        houses.iter().map(|house| house.name.as_str()).collect::<Vec<_>>(),
        ["Cabin"]
    );
    assert_eq!(client.get_rooms(None).await.unwrap()[0].floor, Some(2));
    let pending = client.pending_changes().await.unwrap();
    assert_eq!(
        pending
            .iter()
            .map(|change| change.id.as_str())
            .collect::<Vec<_>>(),
        ["r1"]
    );
    assert_eq!(
        client.client_id().await.unwrap(),
        "00000000-0000-4000-8000-000000000001"
    );
    let file = wildthing::store::test_connection(place.db()).unwrap();
    assert_eq!(dump(&file, "records"), before);
    let floor: i64 = file
        .query_row("SELECT floor FROM rooms", [], |row| row.get(0))
        .unwrap();
    assert_eq!(floor, 2);

    // And it goes on as any other.
    let house = NewHouse {
        name: "Second".into(),
        ..NewHouse::default()
    };
    client.create_house(house).await.unwrap();
    assert_eq!(client.pending_changes().await.unwrap().len(), 2);
}

/// Every row of a table, as text.
fn dump(file: &rusqlite::Connection, table: &str) -> Vec<String> {
    let mut statement = file
        .prepare(&format!(
            "SELECT kind, id, parent_id, name, body, created_at, updated_at, sync_id, deleted, sync_status,
                    server_updated_at, last_sync_at, sync_error, change_seq, last_change, seen_resync
             FROM {table} ORDER BY kind, id"
        ))
        .unwrap();
    let rows = statement
        .query_map([], |row| {
            let texts = (0..16).map(|column| format!("{:?}", row.get_ref(column).unwrap()));
            Ok(texts.collect::<Vec<_>>().join("|"))
        })
        .unwrap();
    rows.map(Result::unwrap).collect()
}
