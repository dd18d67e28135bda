//! Hubs with certificates of their own: a root certificate beside the
//! platform's, or one certificate that alone is good.

use super::support::raw_http::{Canned, CannedServer};
use super::support::tls::{ISSUED, Identity, ROOT_PEM, SELF_SIGNED, TlsFront};
use super::*;

/// A server behind TLS, and what one request to it comes to.
fn outcome(identity: Identity, trust: impl FnOnce(&mut HttpOptions)) -> Outcome {
    let plain = CannedServer::start(vec![Canned::answer(200, &[], "hello")]);
    let server = TlsFront::of(&plain.url(), identity);
    let mut options = options(&server.url());
    trust(&mut options);
    let transport = HttpTransport::new(options)?;
    let outcome = send(&transport, get());
    let heard = usize::from(outcome.is_ok());
    assert_eq!((server.heard(), plain.requests().len()), (heard, heard));
    if let Err(TransportError::Tls { host, .. }) = &outcome {
        assert_eq!(*host, server.host());
    }
    outcome
}

fn pinned(identity: Identity, pin: impl Into<String>) -> Outcome {
    outcome(identity, |options| {
        options.pinned_certificate_sha256 = Some(pin.into());
    })
}

fn rooted(identity: Identity) -> Outcome {
    outcome(identity, |options| {
        options.root_certificate_pem = Some(ROOT_PEM.into());
    })
}

#[track_caller]
fn no_secure_connection(outcome: Outcome) -> String {
    match outcome {
        Err(TransportError::Tls { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_extra_root_certificate_vouches_for_what_it_issued_and_nothing_else() {
    assert_eq!(rooted(ISSUED).unwrap().body, b"hello");
    no_secure_connection(rooted(SELF_SIGNED));
    no_secure_connection(rooted(ISSUED.stolen()));
    // Without it, nobody does.
    no_secure_connection(outcome(ISSUED, |_| {}));
}

#[test]
fn a_pinned_certificate_is_good_whatever_it_says_and_no_other_is() {
    // For another name, by nobody, and over.
    assert_eq!(pinned(SELF_SIGNED, SELF_SIGNED.sha256()).unwrap().body, b"hello");
    let shouted = SELF_SIGNED.sha256().to_uppercase();
    assert_eq!(pinned(SELF_SIGNED, shouted).unwrap().status, 200);
    let problem = no_secure_connection(pinned(ISSUED, SELF_SIGNED.sha256()));
    assert!(
        problem.contains("another certificate") && problem.contains(&ISSUED.sha256()),
        "{problem}"
    );
    // Not even one that a trusted root issued.
    no_secure_connection(outcome(ISSUED, |options| {
        options.root_certificate_pem = Some(ROOT_PEM.into());
        options.pinned_certificate_sha256 = Some(SELF_SIGNED.sha256());
    }));
}

#[test]
fn who_shows_the_pinned_certificate_must_hold_its_key() {
    let problem = no_secure_connection(pinned(SELF_SIGNED.stolen(), SELF_SIGNED.sha256()));
    assert!(problem.to_lowercase().contains("signature"), "{problem}");
}

#[test]
fn what_is_no_certificate_and_no_digest_is_refused_by_name() {
    let invalid = |url: &str, root: Option<&str>, pin: Option<&str>| {
        let mut options = options(url);
        options.root_certificate_pem = root.map(str::to_owned);
        options.pinned_certificate_sha256 = pin.map(str::to_owned);
        HttpTransport::new(options).err().unwrap()
    };
    let url = "https://127.0.0.1:1";
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let cut = &ROOT_PEM[..ROOT_PEM.len() / 2];
    for root in ["", "nonsense", garbage, cut] {
        let error = invalid(url, Some(root), None);
        assert!(
            matches!(error, TransportError::InvalidRoot { .. }),
            "{root}: {error}"
        );
    }
    for pin in ["", "abc", &SELF_SIGNED.sha256()[1..]] {
        let error = invalid(url, None, Some(pin));
        assert!(
            matches!(error, TransportError::InvalidPin { .. }),
            "{pin}: {error}"
        );
    }
    // Nothing of it would come to pass.
    let plain = "http://127.0.0.1:1";
    let error = invalid(plain, Some(ROOT_PEM), None);
    assert!(matches!(error, TransportError::InvalidRoot { .. }), "{error}");
    let error = invalid(plain, None, Some(&SELF_SIGNED.sha256()));
    assert!(matches!(error, TransportError::InvalidPin { .. }), "{error}");
}

/// Runs in a process of its own, see below.
#[test]
#[ignore = "needs the environment that the next test gives it"]
fn with_own_trust_only_child() {
    assert_eq!(rooted(ISSUED).unwrap().status, 200);
    assert_eq!(pinned(SELF_SIGNED, SELF_SIGNED.sha256()).unwrap().status, 200);
}

#[test]
#[cfg(target_os = "linux")]
fn a_system_without_root_certificates_needs_none_of_its_own() {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "own_tls::with_own_trust_only_child", "--ignored"])
        .env("SSL_CERT_FILE", "/nonexistent")
        .env("SSL_CERT_DIR", "/nonexistent")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && output.contains("1 passed"), "{output}");
}
