//! Servers that are not found, do not open, or show a certificate that is wrong.

use super::*;
use crate::support::tls::{
    EARLY, EXPIRED, ISSUED, Identity, MISNAMED, ROOT_PEM, SECOND_ROOT_PEM, SELF_SIGNED, TlsFront,
};

fn reason(synced: Result<SyncResult, WildThingError>, what: &str) -> String {
    match synced {
        Err(WildThingError::Offline { reason }) => reason,
        other => panic!("{what}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_found_or_does_not_open_is_told_and_costs_nothing() {
    let shut = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    // Takes the call, and hangs up.
    let rude = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let rude_at = rude.local_addr().unwrap();
    std::thread::spawn(move || rude.incoming().for_each(drop));
    // A label of 64 letters: the system's resolver refuses it without asking anybody.
    let nobody = "a".repeat(64);
    let addresses = [
        format!("http://{nobody}"),
        format!("http://{nobody}.internal:8000"),
        format!("https://{nobody}.invalid"),
        format!("http://{shut}"),
        format!("https://{shut}"),
        format!("http://{rude_at}"),
        format!("https://{rude_at}"),
    ];
    let mut places = 0;
    for protocol in BOTH {
        let house = House::new(protocol).await;
        for url in &addresses {
            let what = format!("{} at {url}", protocol.as_str());
            let scene = house.scene().await;
            // A system without root certificates needs one to speak TLS at all.
            let options = url.starts_with("https").then(|| trusting(ROOT_PEM));
            let reason = reason(scene.sync(url, options).await, &what);
            let host = url.split('/').next_back().unwrap();
            assert!(reason.contains(host), "{what}: {reason}");
            scene.ends_well(&house, &what).await;
            places += 1;
        }
    }
    println!("doors: {places} places");
}

fn trusting(root: &str) -> ConnectOptions {
    ConnectOptions {
        root_certificate_pem: Some(root.into()),
        ..ConnectOptions::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_wrong_in_any_way_is_refused_before_anything_is_said() {
    let wrong: [(&str, Identity, &str, &str); 7] = [
        ("self-signed", SELF_SIGNED, ROOT_PEM, "certificate"),
        ("of a stranger", ISSUED, SECOND_ROOT_PEM, "certificate"),
        ("expired", EXPIRED, SECOND_ROOT_PEM, "expired"),
        ("not valid yet", EARLY, SECOND_ROOT_PEM, "not valid yet"),
        ("of another name", MISNAMED, SECOND_ROOT_PEM, "name"),
        ("without its key", ISSUED.stolen(), ROOT_PEM, "ignature"),
        (
            "of another name, without its key",
            MISNAMED.stolen(),
            SECOND_ROOT_PEM,
            "name",
        ),
    ];
    let mut places = 0;
    for protocol in BOTH {
        let house = House::new(protocol).await;
        for (name, identity, root, word) in wrong {
            let what = format!("{}, a certificate {name}", protocol.as_str());
            let scene = house.scene().await;
            let front = TlsFront::of(&scene.hub.url(), identity);
            let reason = reason(scene.sync(&front.url(), Some(trusting(root))).await, &what);
            assert!(
                reason.contains("no secure connection") && reason.contains(word),
                "{what}: {reason}"
            );
            assert_eq!(front.heard(), 0, "{what}");
            scene.ends_well(&house, &what).await;
            places += 1;
        }
        // The right one is no obstacle.
        let scene = house.scene().await;
        let front = TlsFront::of(&scene.hub.url(), ISSUED);
        scene.sync(&front.url(), Some(trusting(ROOT_PEM))).await.unwrap();
        assert!(front.heard() > 0);
        scene.ends_well(&house, "the right certificate").await;
    }
    println!("certificates: {places} places");
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_does_not_leave_the_house_unless_it_is_allowed() {
    let house = House::new(Protocol::V1).await;
    let scene = house.scene().await;
    let here = scene.open(&scene.hub.url(), None).await;
    let connect = |url: &str, allow_plain_http: bool| {
        let options = ConnectOptions {
            allow_plain_http,
            ..ConnectOptions::default()
        };
        here.connect(url.to_owned(), Some(TOKEN.into()), Some(options))
    };
    for url in [
        "http://hub.example.com",
        "http://198.51.100.7:8000",
        "http://[2001:db8::7]/goodies",
    ] {
        let refused = connect(url, false).await.unwrap_err();
        let words = refused.to_string();
        assert!(
            matches!(&refused, WildThingError::Invalid { field, .. } if field == "server_url"),
            "{url}: {words}"
        );
        assert!(
            words.contains("https://") && words.contains("allow_plain_http"),
            "{words}"
        );
        assert!(!words.contains(TOKEN), "{words}");
        // The server from before is still the one.
        let status = here.get_sync_status().await.unwrap();
        assert_eq!(status.server_url, Some(scene.hub.url()), "{url}");
        connect(url, true).await.unwrap();
        connect(&url.replace("http:", "https:"), false).await.unwrap();
        connect(&scene.hub.url(), false).await.unwrap();
    }
    here.shutdown().await;
    scene.ends_well(&house, "plain http").await;
}
