//! Answers that get lost on the way: what it did with the change is found out.

use super::*;
use crate::support::front::{Front, Trick};
use wildthing::client::NewRoom;

#[tokio::test(flavor = "multi_thread")]
async fn a_create_and_an_update_whose_answers_are_lost_are_settled_by_sending_them_again() {
    let server = server();
    let front = Front::of(server.url());
    let a = Opened::at(&front.url()).await;
    a.sync().await;
    let room = NewRoom::new(id("house-1"), "Attic");
    a.client.create_room(room).await.unwrap();
    rename(&a, "user", "user-1", "Ada L.").await;
    front.plan("/push", Trick::LoseAnswer);
    let result = a.sync().await;
    assert!(front.is_through());
    assert_eq!((result.pushed, of_records(&result)), (2, vec![]));
    assert!(result.conflicts.is_empty(), "{result:?}");
    let changes = pushed(&server);
    assert_eq!(changes.len(), 4);
    assert_eq!(changes[..2], changes[2..], "the same bytes under the same names");
    assert_eq!(a.unsent().await, (0, 0));
    assert_eq!(server.rows("room").len(), 2);
}

/// Deletes a room, and loses the answer to the push that takes effect.
async fn delete_unanswered(server: &Funky01, front: &Front, a: &Opened) {
    a.client.delete_device(id("device-1")).await.unwrap();
    a.sync().await;
    front.plan("/push", Trick::LoseAnswer);
    let unsure = a.sync().await;
    assert!(front.is_through());
    assert_eq!(server.rows("device")["device-1"]["is_deleted"], true);
    // Sent again at once, it breaks over the row that is deleted already.
    assert_eq!(
        of_records(&unsure),
        [("device", Some("device-1"), "server_error")]
    );
    assert_eq!(a.unsent().await, (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_whose_answer_was_lost_is_recognised_in_the_next_delta() {
    let server = server();
    let front = Front::of(server.url());
    let a = Opened::at(&front.url()).await;
    a.sync().await;
    delete_unanswered(&server, &front, &a).await;
    let pushes = pushed(&server).len();
    let found = a.sync().await;
    assert_eq!(of_records(&found), vec![], "{found:?}");
    assert!(found.conflicts.is_empty());
    assert_eq!(a.unsent().await, (0, 0));
    assert_eq!(pushed(&server).len(), pushes, "it was not pushed again");
    assert!(a.client.get_device(id("device-1")).await.is_err());
    assert!(a.client.conflicts().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn so_it_is_with_a_clock_that_is_ahead() {
    let server = server();
    let front = Front::of(server.url());
    let a = Opened::at(&front.url()).await;
    a.sync().await;
    a.seam.shift(3_600);
    delete_unanswered(&server, &front, &a).await;
    a.sync().await;
    assert_eq!(a.unsent().await, (0, 0));
}
