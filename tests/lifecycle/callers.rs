//! Who asked for the sync that runs: it ends with the last of them to give up,
//! and whoever comes while it is ending gets another.

use super::*;

/// A sync that hangs at the hub, and those who wait for it.
async fn hanging(place: &Place, callers: usize) -> (held::Hold, Vec<tokio::task::JoinHandle<()>>) {
    let hold = place.held.hold(1, When::AfterItAnswered);
    let callers = (0..callers)
        .map(|_| {
            let client = place.client.clone();
            tokio::spawn(async move { client.sync().await.map(|_| ()).unwrap() })
        })
        .collect();
    held::soon(hold.reached()).await;
    (hold, callers)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_ends_with_the_last_of_its_callers() {
    let place = Place::new().await;
    place.client.sync().await.unwrap();
    let (hold, callers) = hanging(&place, 2).await;
    for caller in callers {
        caller.abort();
        let _ = caller.await;
    }
    // The first is still held: this is not it.
    held::soon(place.client.sync()).await.unwrap();
    assert!(hold.holds());
    hold.release();
    place.agrees().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_goes_on_for_those_who_still_wait() {
    let place = Place::new().await;
    place.client.sync().await.unwrap();
    let (hold, mut callers) = hanging(&place, 3).await;
    let gone = callers.pop().unwrap();
    gone.abort();
    let _ = gone.await;
    hold.release();
    for caller in callers {
        held::soon(caller).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_after_a_cancelling_gets_another_sync() {
    let place = Place::new().await;
    for _ in 0..20 {
        let hold = place.held.hold(1, When::BeforeTheServerHasIt);
        let client = place.client.clone();
        let first = tokio::spawn(async move { client.sync().await });
        held::soon(hold.reached()).await;
        place.client.cancel_sync();
        held::soon(place.client.sync()).await.unwrap();
        assert_eq!(held::soon(first).await.unwrap(), Err(WildThingError::Cancelled));
        hold.release();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_ends_with_the_last_who_waits_until_all_is_synced() {
    let place = Place::new().await;
    place.client.sync().await.unwrap();
    let hold = place.held.hold(1, When::AfterItAnswered);
    let client = place.client.clone();
    let waiting = tokio::spawn(async move { client.wait_until_synced(Duration::from_secs(60)).await });
    held::soon(hold.reached()).await;
    waiting.abort();
    let _ = waiting.await;
    // The one that was held is over: this is another.
    held::soon(place.client.sync()).await.unwrap();
    assert!(hold.holds());
    hold.release();
    place.agrees().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_until_all_is_synced_is_not_given_up_on() {
    let place = Place::new().await;
    place.client.sync().await.unwrap();
    let hold = place.held.hold(1, When::AfterItAnswered);
    let client = place.client.clone();
    let waiting = tokio::spawn(async move { client.wait_until_synced(Duration::from_secs(60)).await });
    held::soon(hold.reached()).await;
    for _ in 0..50 {
        let client = place.client.clone();
        let other = tokio::spawn(async move { client.sync().await.map(drop) });
        tokio::task::yield_now().await;
        other.abort();
        let _ = other.await;
    }
    hold.release();
    held::soon(waiting).await.unwrap().unwrap();
}
