//! Redirects away from the server: none is followed, with the token or without.

use super::*;
use crate::support::raw_http::{Canned, CannedServer};

#[tokio::test(flavor = "multi_thread")]
async fn no_redirect_leads_away_from_the_server_whatever_was_asked() {
    let elsewhere = CannedServer::start(vec![]);
    let port = elsewhere.address().port();
    // Another port, encrypted or not, and another name.
    let targets = [
        format!("http://127.0.0.1:{port}"),
        format!("https://127.0.0.1:{port}"),
        format!("http://localhost:{port}"),
    ];
    let mut places = 0;
    for protocol in BOTH {
        let house = House::new(protocol).await;
        for status in [301, 302, 303, 307, 308] {
            // All of them with one status, one with the others.
            let shown = if status == 307 {
                &targets[..]
            } else {
                &targets[..1]
            };
            for target in shown {
                let away = Canned::answer(status, &[("Location", &format!("{target}/x?token={TOKEN}"))], "");
                places += at_every_request(
                    &house,
                    &format!("{status} to {target}"),
                    |_| Act::Say(away.clone()),
                    |synced, what| {
                        let Err(WildThingError::Protocol { problem }) = synced else {
                            panic!("{what}: {synced:?}")
                        };
                        assert!(problem.contains(&**target), "{what}: {problem}");
                    },
                )
                .await;
            }
        }
    }
    assert_eq!(elsewhere.connections(), 0, "nobody so much as knocked");
    println!("redirects: {places} places");
}
