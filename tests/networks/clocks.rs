//! A server whose clock is set hours ahead or back at any request of a sync, and
//! perhaps right again afterwards.

use super::*;

const HOUR: i64 = 3_600;

#[tokio::test(flavor = "multi_thread")]
async fn a_servers_clock_that_jumps_at_any_request_costs_no_edit() {
    let mut places = 0;
    for protocol in BOTH {
        let house = House::new(protocol).await;
        for hours in [-50, -7, 7, 50] {
            for mended in [false, true] {
                places += jumping(&house, hours, mended).await;
            }
        }
    }
    println!("clocks: {places} places");
}

async fn jumping(house: &House, hours: i64, mended: bool) -> usize {
    for at in 0.. {
        let what = format!(
            "{}, {hours} h at request {at}, mended: {mended}",
            house.protocol.as_str()
        );
        let scene = house.scene().await;
        let clock = Arc::clone(&scene.clock);
        let jump = Act::First(Box::new(move || clock.shift(hours * HOUR)));
        let gate = Gate::before(&scene.hub.url(), at, jump);
        // A wrong clock is no fault: it goes through.
        let synced = scene.sync(&gate.url(), None).await;
        synced.unwrap_or_else(|error| panic!("{what}: {error}"));
        if !gate.is_reached() {
            return at;
        }
        // Others edit at the time it is by that clock, and at the time it is after it.
        edits_there(&scene.folder.path().join("there.db"), &scene.hub.url(), false).await;
        scene.sync(&scene.hub.url(), None).await.unwrap();
        if mended {
            scene.clock.shift(0);
            edits_there(&scene.folder.path().join("there.db"), &scene.hub.url(), false).await;
        }
        scene.ends_well(house, &what).await;
    }
    unreachable!()
}
