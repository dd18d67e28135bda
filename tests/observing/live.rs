//! Live queries: the answer now, and again whenever it is another.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Semaphore;
use wildthing::client::WildThingError;
use wildthing::client::{Freshness, Room};
use wildthing::model::{RecordId, RecordStatus, Timestamp};
use wildthing::seam::{BoxFuture, RealSeam, Seam};

use super::*;

/// Real, but what gathers for 30 ms gathers until it is let go on.
#[derive(Debug)]
struct Gathering {
    go_on: Arc<Semaphore>,
    gathers: Arc<AtomicBool>,
}

impl Seam for Gathering {
    fn now(&self) -> Timestamp {
        RealSeam.now()
    }

    fn random(&self) -> [u8; 10] {
        RealSeam.random()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        if duration != Duration::from_millis(30) {
            return RealSeam.sleep(duration);
        }
        self.gathers.store(true, Ordering::SeqCst);
        let go_on = Arc::clone(&self.go_on);
        Box::pin(async move { go_on.acquire().await.unwrap().forget() })
    }
}

fn id(text: &str) -> RecordId {
    RecordId::new(text).unwrap()
}

fn room_names(rooms: &[Room]) -> Vec<&str> {
    rooms.iter().map(|room| room.name.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_comes_now_and_on_each_local_change() {
    let folder = tempfile::tempdir().unwrap();
    let client = offline(&folder).await;
    let house = make_house(&client, "Home").await;
    let other = make_house(&client, "Other").await;
    let query = client.watch_rooms(Some(house.clone())).unwrap();
    assert!(soon(query.next()).await.unwrap().unwrap().is_empty());
    make_room(&client, &house, "Kitchen").await;
    assert_eq!(
        room_names(&soon(query.next()).await.unwrap().unwrap()),
        ["Kitchen"]
    );
    let waiting = {
        let query = Arc::clone(&query);
        tokio::spawn(async move { query.next().await })
    };
    // Neither a room of another house nor another kind makes an answer.
    make_room(&client, &other, "Elsewhere").await;
    rename_house(&client, &house, "Home again").await;
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    make_room(&client, &house, "Hall").await;
    assert_eq!(
        room_names(&soon(waiting).await.unwrap().unwrap().unwrap()),
        ["Hall", "Kitchen"]
    );
    let houses = client.watch_houses();
    assert_eq!(
        names(&soon(houses.next()).await.unwrap().unwrap()),
        ["Home again", "Other"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_quick_writes_make_one_answer_which_is_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let seam = Gathering {
        go_on: Arc::new(Semaphore::new(0)),
        gathers: Arc::default(),
    };
    let (go_on, gathers) = (Arc::clone(&seam.go_on), Arc::clone(&seam.gathers));
    let client = WildThingClient::open_on(folder.path().join("home.db"), options(), Arc::new(seam))
        .await
        .unwrap();
    let query = client.watch_houses();
    assert!(soon(query.next()).await.unwrap().unwrap().is_empty());
    assert!(!gathers.load(Ordering::SeqCst), "the first answer does not wait");
    let waiting = {
        let query = Arc::clone(&query);
        tokio::spawn(async move { query.next().await })
    };
    for number in 0..100 {
        make_house(&client, &number.to_string()).await;
    }
    soon(async {
        while !gathers.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!waiting.is_finished());
    go_on.add_permits(1);
    assert_eq!(soon(waiting).await.unwrap().unwrap().unwrap().len(), 100);
    // Nothing was left over: the next answer is to the next change.
    go_on.add_permits(10);
    make_house(&client, "one more").await;
    assert_eq!(soon(query.next()).await.unwrap().unwrap().len(), 101);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pulled_change_and_its_standing_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let hub = sample_hub(30).await;
    let (a, b) = (
        client(&folder, "a.db", &hub).await,
        client(&folder, "b.db", &hub).await,
    );
    let query = a.watch_houses();
    assert!(soon(query.next()).await.unwrap().unwrap().is_empty());
    a.sync().await.unwrap();
    assert_eq!(soon(query.next()).await.unwrap().unwrap().len(), 1);
    b.sync().await.unwrap();
    rename_house(&b, &id("house-1"), "Renamed by B").await;
    b.sync().await.unwrap();
    a.sync().await.unwrap();
    assert_eq!(
        names(&soon(query.next()).await.unwrap().unwrap()),
        ["Renamed by B"]
    );
    rename_house(&a, &id("house-1"), "Renamed by A").await;
    let pending = soon(query.next()).await.unwrap().unwrap();
    assert_eq!(pending[0].sync_status, RecordStatus::Pending);
    a.sync().await.unwrap();
    // The name is the same; what changed is that the server has it.
    let synced = soon(query.next()).await.unwrap().unwrap();
    assert_eq!(
        (synced[0].sync_status, names(&synced)),
        (RecordStatus::Synced, names(&pending))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_lost_shows_on_its_record_until_it_is_dismissed() {
    let folder = tempfile::tempdir().unwrap();
    let hub = sample_hub(30).await;
    let (a, b) = (
        client(&folder, "a.db", &hub).await,
        client(&folder, "b.db", &hub).await,
    );
    a.sync().await.unwrap();
    b.sync().await.unwrap();
    rename_house(&a, &id("house-1"), "A's").await;
    rename_house(&b, &id("house-1"), "B's").await;
    // An edit of an edit sorts after both, also where all are of one millisecond.
    rename_house(&b, &id("house-1"), "B's too").await;
    b.sync().await.unwrap();
    let query = a.watch_houses();
    soon(query.next()).await.unwrap();
    a.sync().await.unwrap();
    let answer = soon(query.next()).await.unwrap().unwrap();
    let Freshness::Superseded { conflict_id, .. } = answer[0].freshness else {
        panic!("{answer:?}");
    };
    a.dismiss(conflict_id).await.unwrap();
    let answer = soon(query.next()).await.unwrap().unwrap();
    assert!(
        matches!(answer[0].freshness, Freshness::Synced { .. }),
        "{answer:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_of_another_process_is_answered_also_one_that_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (offline(&folder).await, offline(&folder).await);
    let query = ours.watch_houses();
    assert!(soon(query.next()).await.unwrap().unwrap().is_empty());
    let made = make_house(&theirs, "Theirs").await;
    assert_eq!(names(&soon(query.next()).await.unwrap().unwrap()), ["Theirs"]);
    theirs.delete_house(made).await.unwrap();
    assert!(soon(query.next()).await.unwrap().unwrap().is_empty());
    let status = ours.watch_status();
    assert_eq!(soon(status.next()).await.unwrap().unwrap().pending, 0);
    make_house(&theirs, "Another").await;
    assert_eq!(soon(status.next()).await.unwrap().unwrap().pending, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_waits_over_a_pause_and_ends_on_cancel_and_shutdown() {
    let folder = tempfile::tempdir().unwrap();
    let client = offline(&folder).await;
    let (query, status, ending) = (
        client.watch_houses(),
        client.watch_status(),
        client.watch_houses(),
    );
    assert!(soon(query.next()).await.unwrap().unwrap().is_empty());
    assert!(!soon(status.next()).await.unwrap().unwrap().paused);
    assert!(soon(ending.next()).await.unwrap().unwrap().is_empty());
    client.pause().await.unwrap();
    let waiting = {
        let query = Arc::clone(&query);
        tokio::spawn(async move { query.next().await })
    };
    assert!(soon(status.next()).await.unwrap().unwrap().paused);
    let newcomer = client.watch_houses();
    let asked_in_the_pause = tokio::spawn(async move { newcomer.next().await });
    assert!(client.get_sync_status().await.unwrap().paused);
    assert!(!waiting.is_finished() && !asked_in_the_pause.is_finished());
    // Another process goes on meanwhile.
    make_house(&offline(&folder).await, "Made in the pause").await;
    client.resume().await.unwrap();
    for answer in [waiting, asked_in_the_pause] {
        let answer = soon(answer).await.unwrap().unwrap().unwrap();
        assert_eq!(names(&answer), ["Made in the pause"]);
    }
    let (first, second) = (Arc::clone(&query), Arc::clone(&query));
    let waiting = [
        tokio::spawn(async move { first.next().await }),
        tokio::spawn(async move { second.next().await }),
    ];
    tokio::task::yield_now().await;
    query.cancel();
    for task in waiting {
        assert_eq!(soon(task).await.unwrap(), Ok(None));
    }
    assert_eq!(
        names(&soon(ending.next()).await.unwrap().unwrap()),
        ["Made in the pause"]
    );
    let waiting = tokio::spawn(async move { ending.next().await });
    soon(client.shutdown()).await;
    assert_eq!(soon(waiting).await.unwrap(), Ok(None));
    assert_eq!(soon(client.watch_houses().next()).await, Ok(None));
    assert_eq!(client.subscriptions(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_followed_and_a_deleted_device_is_an_answer_given_once() {
    let folder = tempfile::tempdir().unwrap();
    let hub = sample_hub(30).await;
    let client = client(&folder, "home.db", &hub).await;
    client.sync().await.unwrap();
    let query = client.watch_device_state(id("device-123")).unwrap();
    let first = soon(query.next()).await.unwrap().unwrap();
    let state = |power: &str| serde_json::json!({ "power": power }).as_object().unwrap().clone();
    client
        .update_device_state(id("device-123"), state("flickering"), None, false)
        .await
        .unwrap();
    let second = soon(query.next()).await.unwrap().unwrap();
    assert_ne!(first, second);
    assert_eq!(second.state["power"], "flickering");
    let devices = client.watch_devices(None).unwrap();
    let all = soon(devices.next()).await.unwrap().unwrap().len();
    client.delete_device(id("device-123")).await.unwrap();
    assert_eq!(soon(devices.next()).await.unwrap().unwrap().len(), all - 1);
    let gone = soon(query.next()).await.unwrap_err();
    assert!(matches!(gone, WildThingError::NotFound { .. }), "{gone:?}");
    let waiting = {
        let query = Arc::clone(&query);
        tokio::spawn(async move { query.next().await })
    };
    make_house(&client, "Irrelevant").await;
    query.cancel();
    assert_eq!(soon(waiting).await.unwrap(), Ok(None), "an error is not repeated");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_waited_for_is_given_to_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let client = offline(&folder).await;
    let query = client.watch_houses();
    for round in 0..50 {
        // Given up on at once, in whatever it was about to do.
        let asked = Arc::clone(&query);
        let task = tokio::spawn(async move { asked.next().await.map(|_| ()) });
        make_house(&client, &round.to_string()).await;
        task.abort();
        let _ = task.await;
    }
    make_house(&client, "the last").await;
    let mut seen = 0;
    while seen < 51 {
        seen = soon(query.next()).await.unwrap().unwrap().len();
    }
}
