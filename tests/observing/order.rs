//! Events come in commit order, of commits only, and gaps are told exactly.

use wildthing::client::WildThingError;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn events_are_in_commit_order_under_eight_writers() {
    const EACH: usize = 40;
    let folder = tempfile::tempdir().unwrap();
    let client = offline(&folder).await;
    let streams = [client.changes(), client.changes()];
    let (observer, mut observed) = recorder();
    let _subscription = client.observe_changes(observer);
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let client = client.clone();
            std::thread::spawn(move || {
                for number in 0..EACH {
                    block_on(make_house(&client, &format!("{writer}-{number}")));
                }
            })
        })
        .collect();
    for writer in writers {
        tokio::task::spawn_blocking(|| writer.join().unwrap())
            .await
            .unwrap();
    }
    let file = wildthing::store::test_connection(folder.path().join("home.db")).unwrap();
    let mut statement = file
        .prepare("SELECT id FROM records ORDER BY change_seq")
        .unwrap();
    let committed: Vec<String> = statement
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(committed.len(), 8 * EACH);
    let last: i64 = file
        .query_row("SELECT change_seq FROM sync_metadata", [], |row| row.get(0))
        .unwrap();
    let id = |batch: &ChangeBatch| match &batch.events[..] {
        [ChangeEvent::Created { id, .. }] => id.to_string(),
        other => panic!("{other:?}"),
    };
    for stream in &streams {
        let mut told = Vec::new();
        for _ in 0..last {
            told.push(id(&soon(stream.next()).await.unwrap()));
        }
        assert_eq!(told, committed);
    }
    for expected in &committed {
        assert_eq!(id(&soon(observed.recv()).await.unwrap()), *expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_rolled_back_is_not_told() {
    let folder = tempfile::tempdir().unwrap();
    let client = offline(&folder).await;
    let mut changes = client.changes().events();
    client
        .store()
        .set_fault(Some(Box::new(|transaction| transaction == "edit")));
    let house = NewHouse {
        name: "Never".into(),
        ..NewHouse::default()
    };
    let refused = client.create_house(house).await.unwrap_err();
    assert!(matches!(refused, WildThingError::Storage { .. }), "{refused:?}");
    client.store().set_fault(None);
    make_house(&client, "Really").await;
    assert_eq!(name_of(&next(&mut changes).await), "Really");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_slow_reader_missed_is_told_to_the_event() {
    let folder = tempfile::tempdir().unwrap();
    let hub = sample_hub(9_000).await;
    let client = client(&folder, "home.db", &hub).await;
    let unread = client.changes();
    let read = client.changes();
    let counting = tokio::spawn(async move {
        let mut count = 0;
        while let Some(batch) = read.next().await {
            assert_eq!(batch.missed, 0, "this one keeps up");
            count += batch.events.len() as u64;
        }
        count
    });
    client.sync().await.unwrap();
    for number in 0..50 {
        make_house(&client, &number.to_string()).await;
    }
    client.sync().await.unwrap();
    client.shutdown().await;
    let sent = soon(counting).await.unwrap();
    assert!(sent > 9_050, "{sent}");
    let (mut delivered, mut missed) = (0, 0);
    while let Some(batch) = soon(unread.next()).await {
        delivered += batch.events.len() as u64;
        missed += batch.missed;
    }
    assert!(missed > 0);
    assert_eq!(delivered + missed, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_pulled_is_one_batch_and_json_is_flat() {
    let folder = tempfile::tempdir().unwrap();
    let hub = sample_hub(30).await;
    let client = client(&folder, "home.db", &hub).await;
    let stream = client.changes();
    client.sync().await.unwrap();
    let mut words = Vec::new();
    let mut largest = 0;
    while words.last() != Some(&"sync_completed") {
        let batch = soon(stream.next()).await.unwrap();
        largest = largest.max(batch.events.len());
        words.push(batch.events[0].word());
        for event in &batch.events {
            let json = serde_json::to_value(event).unwrap();
            assert_eq!(json["event"], event.word());
            assert_eq!(event.event_type(), event.word());
            assert!(json.get("data").is_none());
        }
    }
    assert_eq!(largest, 30);
    assert_eq!(words[0], "sync_started");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_readers_of_one_stream_share_it_and_both_hear_of_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let client = offline(&folder).await;
    let stream = client.changes();
    let reader = || {
        let stream = std::sync::Arc::clone(&stream);
        tokio::spawn(async move {
            let mut heard = 0;
            while let Some(batch) = stream.next().await {
                heard += batch.events.len();
            }
            heard
        })
    };
    let (first, second) = (reader(), reader());
    for number in 0..50 {
        make_house(&client, &number.to_string()).await;
    }
    soon(client.shutdown()).await;
    assert_eq!(soon(first).await.unwrap() + soon(second).await.unwrap(), 50);
}
