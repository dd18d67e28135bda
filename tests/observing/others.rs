//! What other processes commit to the same file, played by a second handle.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn commits_of_others_are_told_once_from_the_first_one_on() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (offline(&folder).await, offline(&folder).await);
    // Nobody listens yet: this is never told.
    make_house(&theirs, "Before").await;
    let mut changes = ours.changes().events();
    let first = make_house(&theirs, "Theirs").await;
    assert_eq!(name_of(&next(&mut changes).await), "Theirs");
    make_house(&ours, "Ours").await;
    assert_eq!(name_of(&next(&mut changes).await), "Ours");
    rename_house(&theirs, &first, "Theirs again").await;
    assert_eq!(name_of(&next(&mut changes).await), "Theirs again");
    theirs.delete_house(first.clone()).await.unwrap();
    make_house(&theirs, "Last").await;
    // Made and deleted before it was sent: it left no trace, and live queries look anew.
    assert_eq!(name_of(&next(&mut changes).await), "Last");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_dismissed_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (offline(&folder).await, offline(&folder).await);
    let house = make_house(&ours, "Ours").await;
    ours.discard(wildthing::model::Kind::House, house).await.unwrap();
    let conflict = ours.conflicts().await.unwrap().swap_remove(0);
    let status = ours.watch_status();
    assert_eq!(soon(status.next()).await.unwrap().unwrap().conflicts, 1);
    theirs.dismiss(conflict.conflict_id).await.unwrap();
    assert_eq!(soon(status.next()).await.unwrap().unwrap().conflicts, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn own_commits_are_told_once_while_others_write_too() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (offline(&folder).await, offline(&folder).await);
    let mut changes = ours.changes().events();
    let writing = |client: WildThingClient, whose: &'static str| {
        tokio::spawn(async move {
            for number in 0..60 {
                make_house(&client, &format!("{whose} {number}")).await;
            }
        })
    };
    let tasks = [writing(ours.clone(), "ours"), writing(theirs.clone(), "theirs")];
    for task in tasks {
        soon(task).await.unwrap();
    }
    make_house(&theirs, "the end").await;
    let mut told = Vec::new();
    loop {
        let name = name_of(&next(&mut changes).await).to_owned();
        if name == "the end" {
            break;
        }
        told.push(name);
    }
    for whose in ["ours", "theirs"] {
        let expected: Vec<_> = (0..60).map(|number| format!("{whose} {number}")).collect();
        let in_order: Vec<_> = told
            .iter()
            .filter(|name| name.starts_with(whose))
            .cloned()
            .collect();
        assert_eq!(in_order, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn listening_again_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (offline(&folder).await, offline(&folder).await);
    for round in 0..3 {
        let mut changes = ours.changes().events();
        make_house(&theirs, &format!("Round {round}")).await;
        // Of others what they did a moment before may be told as well.
        let mut name = name_of(&next(&mut changes).await).to_owned();
        while name == "Unheard" {
            name = name_of(&next(&mut changes).await).to_owned();
        }
        assert_eq!(name, format!("Round {round}"));
        drop(changes);
        assert_eq!(ours.subscriptions(), 0);
        make_house(&theirs, "Unheard").await;
    }
}
