//! Two clients over it: houses, rooms, devices and users go both ways.

use super::*;
use wildthing::client::{NewDevice, NewHouse, NewRoom, NewUser};

/// The name that a client shows for a record.
async fn name(of: &Opened, kind: &str, record: &str) -> Option<String> {
    let (client, record) = (&of.client, id(record));
    match kind {
        "house" => client.get_house(Some(record)).await.map(|house| house.name),
        "room" => client.get_room(record).await.map(|room| room.name),
        "device" => client.get_device(record).await.map(|device| device.name),
        _ => client.get_user(record).await.map(|user| user.name),
    }
    .ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn houses_rooms_devices_and_users_go_both_ways() {
    let server = Funky01::start();
    let (a, b) = (Opened::at(&server.url()).await, Opened::at(&server.url()).await);
    b.sync().await;
    let house = NewHouse {
        name: "Cabin 🏡".into(),
        ..NewHouse::default()
    };
    let house = a.client.create_house(house).await.unwrap().id;
    let room = NewRoom::new(house.clone(), "Hall");
    let room = a.client.create_room(room).await.unwrap().id;
    let device = NewDevice::new(room.clone(), "Lamp");
    let device = a.client.create_device(device).await.unwrap().id;
    let user = NewUser::new(house.clone(), "Ada");
    let user = a.client.create_user(user).await.unwrap().id;
    let all = [
        ("house", house, "Cabin 🏡"),
        ("room", room, "Hall"),
        ("device", device, "Lamp"),
        ("user", user, "Ada"),
    ];
    assert_eq!(a.sync().await.pushed, 4);
    b.sync().await;
    for (kind, record, expected) in &all {
        assert_eq!(
            name(&b, kind, record.as_str()).await,
            Some((*expected).into()),
            "{kind}"
        );
    }
    // And back: edits of the other one.
    for (kind, record, _) in &all {
        rename(&b, kind, record.as_str(), &format!("B's {kind}")).await;
    }
    let answered = b.sync().await;
    assert_eq!((answered.pushed, answered.conflicts.len()), (4, 0));
    a.sync().await;
    for (kind, record, _) in &all {
        assert_eq!(
            name(&a, kind, record.as_str()).await,
            Some(format!("B's {kind}")),
            "{kind}"
        );
    }
    // And what one deletes is gone for the other: two syncs, since the first is ignored.
    a.client.delete_house(all[0].1.clone()).await.unwrap();
    a.sync().await;
    assert_eq!(a.sync().await.pushed, 4);
    b.sync().await;
    for (kind, record, _) in &all {
        assert_eq!(name(&b, kind, record.as_str()).await, None, "{kind}");
    }
    assert_eq!((a.unsent().await, b.unsent().await), ((0, 0), (0, 0)));
    assert!(a.client.conflicts().await.unwrap().is_empty());
    assert!(b.client.conflicts().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_edits_of_one_room_the_newer_wins_and_its_author_is_not_told_otherwise() {
    let server = server();
    let (a, b) = (Opened::at(&server.url()).await, Opened::at(&server.url()).await);
    a.sync().await;
    b.sync().await;
    rename(&a, "room", "room-1", "From A").await;
    // Clearly later than A's, so that time decides and not the edit id.
    b.seam.shift(60);
    rename(&b, "room", "room-1", "From B").await;
    a.sync().await;
    let second = b.sync().await;
    assert_eq!(second.pushed, 1, "{second:?}");
    assert_eq!(server.rows("room")["room-1"]["name"], "From B");
    a.sync().await;
    assert_eq!(name(&a, "room", "room-1").await, Some("From B".into()));
    assert_eq!((a.unsent().await, b.unsent().await), ((0, 0), (0, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_edit_that_meets_a_newer_one_while_pulling_is_in_the_journal() {
    let server = server();
    let (a, b) = (Opened::at(&server.url()).await, Opened::at(&server.url()).await);
    a.sync().await;
    b.sync().await;
    rename(&a, "room", "room-1", "From A").await;
    b.seam.shift(60);
    rename(&b, "room", "room-1", "From B").await;
    b.sync().await;
    let met = a.sync().await;
    assert_eq!(met.conflicts.len(), 1, "{met:?}");
    assert_eq!(met.conflicts[0].losing["name"], "From A");
    assert_eq!(name(&a, "room", "room-1").await, Some("From B".into()));
    assert_eq!(a.unsent().await, (0, 0));
    assert_eq!(server.rows("room")["room-1"]["name"], "From B");
}
