//! What it takes counts as taken, whatever it calls it; what it ignores or
//! breaks over is kept.

use super::*;
use crate::support::funky01_push::columns;
use wildthing::client::types::{Loser, OutboxState};
use wildthing::client::{NewDevice, NewEvent, NewHouse, NewRoom, NewUser};

#[tokio::test(flavor = "multi_thread")]
async fn a_winning_update_that_it_calls_its_own_win_counts_as_applied() {
    let server = server();
    let a = Opened::at(&server.url()).await;
    a.sync().await;
    let edited = a
        .client
        .update_room(
            id("room-1"),
            RoomPatch {
                name: Some("Entrance".into()),
                floor: Some(2),
                ..RoomPatch::default()
            },
        )
        .await
        .unwrap();
    let result = a.sync().await;
    assert_eq!((result.pushed, of_records(&result)), (1, vec![]));
    assert!(result.conflicts.is_empty(), "{result:?}");
    assert_eq!(a.unsent().await, (0, 0));
    let row = &server.rows("rooms")["room-1"];
    assert_eq!(
        (&row["name"], &row["floor"], &row["sync_id"]),
        (&json!("Entrance"), &json!(2), &json!(edited.sync_id))
    );
    let shown = a.client.get_room(id("room-1")).await.unwrap();
    assert_eq!(shown.sync_status, RecordStatus::Synced);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_it_does_not_take_is_in_the_journal_whole() {
    let server = server();
    let a = Opened::at(&server.url()).await;
    a.sync().await;
    // Older than the watermark, so that no delta tells of it: the push meets it unseen.
    server.put_row(
        "room",
        json!({"id": "room-1", "name": "Porch", "updated_at": "2026-01-03T00:00:00"}),
    );
    // A clock that is far behind: the edit is a microsecond younger than what it was made on.
    a.seam.shift(-400 * 86_400);
    rename(&a, "room", "room-1", "Entrance").await;
    let result = a.sync().await;
    assert_eq!(result.conflicts.len(), 1, "{result:?}");
    let lost = &result.conflicts[0];
    assert_eq!(
        (&lost.losing["name"], lost.loser, lost.reason.as_str()),
        (&json!("Entrance"), Loser::Local, "newer_on_server")
    );
    assert_eq!(a.client.get_room(id("room-1")).await.unwrap().name, "Porch");
    assert_eq!(server.rows("room")["room-1"]["name"], "Porch");
    assert_eq!(a.unsent().await, (0, 0));
    assert_eq!(a.client.conflicts().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn states_and_events_are_kept_and_failed_after_five_answers_without_a_word() {
    let server = server();
    let a = Opened::at(&server.url()).await;
    a.sync().await;
    a.client
        .update_device_state(id("device-1"), object(json!({"power": "on"})), None, false)
        .await
        .unwrap();
    let event = NewEvent::new("button", Kind::Device, id("device-1"));
    a.client.log_event(event).await.unwrap();
    for turn in 1..=5 {
        let result = a.sync().await;
        assert_eq!(result.pushed, 0);
        let codes: Vec<&str> = of_records(&result).iter().map(|problem| problem.2).collect();
        assert_eq!(codes, ["not_acknowledged"; 2], "turn {turn}");
        let expected = if turn < 5 { (2, 0) } else { (0, 2) };
        assert_eq!(a.unsent().await, expected, "turn {turn}");
    }
    // Kept, shown, and left alone from here on.
    let sent = pushed(&server).len();
    a.sync().await;
    assert_eq!(pushed(&server).len(), sent);
    let state = a.client.get_device_state(id("device-1")).await.unwrap();
    assert_eq!(state.state["power"], "on");
    assert_eq!(a.client.get_events(None, 10).await.unwrap().len(), 1);
    for change in a.client.pending_changes().await.unwrap() {
        assert_eq!(change.state, OutboxState::Failed);
        assert!(change.last_error.unwrap().contains("without a word"));
    }
    // Another server will take them once they are asked to be sent again.
    assert_eq!(a.client.retry_failed(None, None).await.unwrap(), 2);
    a.sync().await;
    assert_eq!(a.unsent().await, (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_that_it_ignores_is_sent_again_as_an_update_and_takes_effect() {
    let server = server();
    let a = Opened::at(&server.url()).await;
    a.sync().await;
    a.client.delete_room(id("room-1")).await.unwrap();
    let ignored = a.sync().await;
    assert_eq!(of_records(&ignored).len(), 2, "{ignored:?}");
    assert_eq!(server.rows("room")["room-1"]["is_deleted"], false);
    assert_eq!(a.unsent().await, (2, 0));
    let taken = a.sync().await;
    assert_eq!((taken.pushed, of_records(&taken)), (2, vec![]));
    assert_eq!(server.rows("room")["room-1"]["is_deleted"], true);
    assert_eq!(server.rows("device")["device-1"]["is_deleted"], true);
    assert_eq!(a.unsent().await, (0, 0));
    assert!(a.client.get_room(id("room-1")).await.is_err());
    let words: Vec<Value> = pushed(&server).iter().map(|c| c["operation"].clone()).collect();
    assert_eq!(words, ["delete", "delete", "update", "update"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_change_that_breaks_it_is_found_and_the_others_go_through() {
    let server = server();
    let a = Opened::at(&server.url()).await;
    a.sync().await;
    let user = |name: &str, email: &str| NewUser {
        email: Some(email.into()),
        ..NewUser::new(id("house-1"), name)
    };
    for (name, email) in [
        ("Bob", "bob@example.org"),
        ("Twin", "ada@example.org"),
        ("Cleo", "cleo@example.org"),
        ("Dan", "dan@example.org"),
    ] {
        a.client.create_user(user(name, email)).await.unwrap();
    }
    for turn in 1..=3 {
        // Each time something else goes through, so the fault is the change's own.
        a.client
            .update_house(
                id("house-1"),
                HousePatch {
                    address: Some(format!("{turn} Elm St")),
                    ..HousePatch::default()
                },
            )
            .await
            .unwrap();
        let result = a.sync().await;
        assert_eq!(result.pushed, if turn == 1 { 4 } else { 1 }, "{result:?}");
        let of_records = of_records(&result);
        assert_eq!(of_records.len(), 1, "{result:?}");
        assert_eq!((of_records[0].0, of_records[0].2), ("user", "server_error"));
        let expected = if turn < 3 { (1, 0) } else { (0, 1) };
        assert_eq!(a.unsent().await, expected, "turn {turn}");
    }
    let names: Vec<Value> = server
        .rows("user")
        .values()
        .map(|row| row["name"].clone())
        .collect();
    for name in ["Ada", "Bob", "Cleo", "Dan"] {
        assert!(names.contains(&name.into()), "{names:?}");
    }
    assert!(!names.contains(&"Twin".into()));
    // Its owner can mend it.
    let pending = a.client.pending_changes().await.unwrap();
    a.client
        .update_user(
            pending[0].id.clone(),
            UserPatch {
                email: Some("twin@example.org".into()),
                ..UserPatch::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(a.sync().await.pushed, 1);
    assert_eq!(a.unsent().await, (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_fields_that_it_knows_are_sent() {
    let server = server();
    let a = Opened::at(&server.url()).await;
    a.sync().await;
    let client = &a.client;
    let house = NewHouse {
        name: "Barn".into(),
        settings: Some(json!({"theme": "dark"})),
        ..NewHouse::default()
    };
    let house = client.create_house(house).await.unwrap();
    let room = NewRoom::new(house.id.clone(), "Loft");
    let room = client.create_room(room).await.unwrap();
    let device = NewDevice {
        capabilities: Some(json!({"speed": [1, 2, 3]})),
        configuration: Some(json!({"quiet": true})),
        ..NewDevice::new(room.id, "Fan")
    };
    client.create_device(device).await.unwrap();
    let user = NewUser {
        preferences: Some(json!({"units": "metric"})),
        ..NewUser::new(house.id.clone(), "Eve")
    };
    client.create_user(user).await.unwrap();
    for (kind, id) in [
        ("house", "house-1"),
        ("room", "room-1"),
        ("device", "device-1"),
        ("user", "user-1"),
    ] {
        rename(&a, kind, id, &format!("Other {kind}")).await;
    }
    let result = a.sync().await;
    assert_eq!((result.pushed, of_records(&result)), (8, vec![]));
    let changes = pushed(&server);
    assert_eq!(changes.len(), 8);
    for change in &changes {
        let kind = change["entity_type"].as_str().unwrap();
        for (field, value) in change["data"].as_object().unwrap() {
            assert!(columns(kind).contains(&field.as_str()), "{kind} has no {field}");
            assert!(!value.is_object() && !value.is_array(), "{field}: {value}");
        }
    }
    let devices = server.rows("device");
    let fan = devices.values().find(|row| row["name"] == "Fan").unwrap();
    assert_eq!(
        (&fan["room_name"], &fan["house_name"], &fan["house_id"]),
        (&json!("Loft"), &json!("Barn"), &json!(house.id))
    );
}
