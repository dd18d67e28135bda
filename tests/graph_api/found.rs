//! Search: what is found, in what order, and that the index follows the replica.

use serde_json::json;
use wildthing::client::{EntityPatch, HousePatch, NewUser, SearchHit, WildThingError};
use wildthing::model::Kind;

use super::home::{Home, object};

async fn hits(home: &Home, query: &str) -> Vec<SearchHit> {
    home.client.search(query.into(), None, 100).await.unwrap()
}

async fn names(home: &Home, query: &str) -> Vec<String> {
    hits(home, query)
        .await
        .into_iter()
        .map(|hit| hit.entity.name)
        .collect()
}

#[tokio::test]
async fn names_come_before_contents_and_every_word_counts() {
    let home = Home::new().await;
    home.make(
        "note",
        "Shopping",
        json!({"items": ["milk", {"what": "thermostat batteries"}], "n": 4711}),
    )
    .await;
    home.make(
        "device",
        "Thermostat",
        json!({"maker": "Nést", "model": "QN-90A", "on": true}),
    )
    .await;
    home.make(
        "manual",
        "Handbook",
        json!({"text": "The big thermostat of the hall, and how it is set up"}),
    )
    .await;
    assert_eq!(
        names(&home, "thermostat").await,
        ["Thermostat", "Shopping", "Handbook"]
    );
    assert_eq!(names(&home, "THERMO").await.len(), 3);
    assert_eq!(names(&home, "thermo batteries").await, [""; 0]);
    assert_eq!(names(&home, "thermostat batt").await, ["Shopping"]);
    assert_eq!(names(&home, "nest").await, ["Thermostat"]);
    assert_eq!(names(&home, "NÉST").await, ["Thermostat"]);
    assert_eq!(names(&home, "qn-90a").await, ["Thermostat"]);
    assert_eq!(names(&home, "4711").await, ["Shopping"]);
    // Names of fields and truth values are no words.
    assert!(names(&home, "items").await.is_empty() && names(&home, "true").await.is_empty());
    let found = hits(&home, "hall").await;
    assert!(found[0].snippet.contains("thermostat of the hall"), "{found:?}");
    let scores: Vec<f64> = hits(&home, "thermostat")
        .await
        .iter()
        .map(|hit| hit.score)
        .collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    let typed = |types: &[&str], limit| {
        let types = Some(types.iter().map(|name| (*name).to_owned()).collect());
        home.client.search("thermostat".into(), types, limit)
    };
    assert_eq!(typed(&["note", "manual"], 9).await.unwrap().len(), 2);
    assert_eq!(
        typed(&["note", "manual"], 1).await.unwrap()[0].entity.name,
        "Shopping"
    );
    assert!(typed(&[], 9).await.unwrap().is_empty() && typed(&["gadget"], 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_query_is_words_whatever_signs_are_in_it() {
    let home = Home::new().await;
    home.make(
        "note",
        "Lamp AND shade",
        json!({"t": "name: x* (near) \"quoted\" it's a^b {c} -d"}),
    )
    .await;
    for query in [
        "",
        " ",
        "\"",
        "\"\"",
        "*",
        "-",
        "AND",
        "lamp AND",
        "OR lamp",
        "NOT",
        "NEAR(",
        "name:",
        "(",
        ")",
        "a^b",
        "{c}",
        "it's",
        "'; DROP TABLE records; --",
        "\0",
        "lamp\0shade",
        "lamp \0",
        "\u{301}",
        "🏡",
        "lamp 🏡",
        "- lamp",
        "\"quoted",
        "x*",
        "^lamp",
        "name : lamp",
        "+",
        "lamp + shade",
        "\\",
        "%",
        "_",
    ] {
        home.client.search(query.into(), None, 10).await.unwrap();
    }
    for query in [
        "lamp and",
        "\"quoted",
        "lamp\0shade",
        "a^b",
        "- lamp",
        "it's",
        "x*",
    ] {
        assert_eq!(names(&home, query).await.len(), 1, "{query:?}");
    }
    assert!(names(&home, "\"").await.is_empty() && names(&home, "lamp or").await.is_empty());
}

#[tokio::test]
async fn the_index_follows_every_change() {
    let (home, house, room) = Home::furnished().await;
    assert_eq!(names(&home, "hall").await, ["Hall"]);
    let note = home.make("note", "Old", json!({"t": "first"})).await.id;
    assert_eq!(names(&home, "first").await, ["Old"]);
    let patch = EntityPatch {
        name: Some("New".into()),
        content: Some(object(json!({"t": "second"}))),
        ..EntityPatch::default()
    };
    home.client.update_entity(note.clone(), patch).await.unwrap();
    assert!(names(&home, "first").await.is_empty() && names(&home, "old").await.is_empty());
    assert_eq!(names(&home, "second").await, ["New"]);
    // It was never sent, and leaves no trace.
    home.client.delete_entity(note).await.unwrap();
    assert!(names(&home, "second").await.is_empty());
    home.make("note", "Kept", json!({"t": "second"})).await;
    assert_eq!(names(&home, "second").await, ["Kept"]);
    let kept = hits(&home, "second").await[0].entity.id.clone();
    home.client.discard(Kind::Room, room).await.unwrap();
    assert!(names(&home, "hall").await.is_empty());
    let patch = HousePatch {
        address: Some("Sunny Street".into()),
        ..HousePatch::default()
    };
    home.client.update_house(house, patch).await.unwrap();
    assert_eq!(names(&home, "sunny").await, ["Cabin"]);
    // A tombstone, where a server has it.
    home.all_is_sent();
    home.client.delete_entity(kept).await.unwrap();
    assert!(names(&home, "second").await.is_empty());

    let refusal = home.client.reset(false).await;
    assert!(
        matches!(refusal, Err(WildThingError::UnsentEdits { .. })),
        "{refusal:?}"
    );
    assert_eq!(names(&home, "sunny").await, ["Cabin"]);
    home.client.reset(true).await.unwrap();
    assert!(names(&home, "sunny").await.is_empty());
    let left: i64 = home
        .database()
        .query_row("SELECT count(*) FROM search_text", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
    home.make("note", "Sunny again", json!({})).await;
    assert_eq!(names(&home, "sunny").await, ["Sunny again"]);
}

#[tokio::test]
async fn an_index_of_other_rules_or_of_lost_records_is_made_anew() {
    let (home, ..) = Home::furnished().await;
    assert_eq!(names(&home, "hall").await, ["Hall"]);
    let database = home.database();
    database
        .execute_batch("UPDATE search_state SET rules = 99; DELETE FROM search_text")
        .unwrap();
    assert_eq!(names(&home, "hall").await, ["Hall"]);
    // As another process may do with a whole house.
    database
        .execute_batch("DELETE FROM records WHERE kind = 'room'")
        .unwrap();
    assert!(names(&home, "hall").await.is_empty());
    home.make("note", "Any", json!({})).await;
    assert!(names(&home, "hall").await.is_empty());
    let left: i64 = database
        .query_row("SELECT count(*) FROM search_entries", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 2);
}

#[tokio::test]
async fn more_than_one_transaction_of_records_is_indexed() {
    let home = Home::new().await;
    let database = home.database();
    // As a page of a sync has it: many records under one number of a change.
    database
        .execute_batch(
            "BEGIN; UPDATE sync_metadata SET change_seq = change_seq + 1;
             WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 9000)
             INSERT INTO records (kind, id, name, body, sync_id, deleted, sync_status, change_seq, last_change)
             SELECT 'note', 'n' || n, 'Note ' || n, '{\"source_type\":\"manual\",\"content\":{\"t\":\"text ' || n || '\"}}',
                    'v', n % 10 = 0, 'synced', (SELECT change_seq FROM sync_metadata), 'created remote' FROM numbers;
             COMMIT",
        )
        .unwrap();
    let found = home.client.search("note".into(), None, 100_000).await.unwrap();
    assert_eq!(found.len(), 8_100);
    assert_eq!(names(&home, "4711").await, ["Note 4711"]);
    assert!(names(&home, "4710").await.is_empty());
}

#[tokio::test]
async fn a_house_without_a_graph_is_searched_too() {
    let home = Home::offline().await;
    let house = home
        .make("home", "Cabin", json!({"address": "1 Main Street"}))
        .await;
    let room = home.make("room", "Hall", json!({"house_id": house.id})).await;
    let device = json!({"room_id": room.id, "manufacturer": "Acme", "capabilities": ["dimming"],
                        "configuration": {"scene": "evening"}});
    home.make("device", "Lamp", device).await;
    home.client
        .create_user(NewUser::new(house.id, "Ann Street"))
        .await
        .unwrap();
    assert_eq!(names(&home, "street").await, ["Ann Street", "Cabin"]);
    assert_eq!(names(&home, "dimm").await, ["Lamp"]);
    assert_eq!(names(&home, "acme evening").await, ["Lamp"]);
    let people = home
        .client
        .search("ann".into(), Some(vec!["user".into()]), 5)
        .await
        .unwrap();
    assert_eq!(people[0].entity.kind, Kind::User);
}
