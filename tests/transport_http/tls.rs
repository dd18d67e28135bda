//! Encryption: whom the client trusts, and what it says when it trusts nobody.

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::sign::{CertifiedKey, Signer, SigningKey, SingleCertAndKey};
use rustls::{ServerConfig, ServerConnection, SignatureAlgorithm, SignatureScheme};

use super::support::raw_http::{Canned, CannedServer};
use super::*;

/// A certificate for 127.0.0.1, signed by itself. Its key was thrown away: who
/// does not trust the certificate never gets to check a signature.
const UNTRUSTED: &[u8] = include_bytes!("untrusted.der");

/// Signs with nonsense.
#[derive(Debug)]
struct NoKey;

impl SigningKey for NoKey {
    fn choose_scheme(&self, _: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        Some(Box::new(NoKey))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl Signer for NoKey {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        Ok(vec![0; 70])
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP256_SHA256
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent() {
    let certificate = CertificateDer::from(UNTRUSTED);
    let key = SingleCertAndKey::from(CertifiedKey::new(vec![certificate], Arc::new(NoKey)));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(key));
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let Ok(transport) = HttpTransport::new(options(&format!("https://{address}"))) else {
        // No root certificates on this system; another test is about that.
        return;
    };
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut connection = ServerConnection::new(Arc::new(config)).unwrap();
        let handshake = connection.complete_io(&mut stream);
        let mut plain = Vec::new();
        let _ = connection.reader().read_to_end(&mut plain);
        (handshake.is_err(), plain)
    });
    match send(&transport, get()) {
        Err(TransportError::Tls { host, problem }) => {
            assert_eq!(host, address.to_string());
            assert!(problem.contains("certificate"), "{problem}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(server.join().unwrap(), (true, Vec::new()));
}

#[test]
fn a_server_without_tls_is_a_tls_error_under_https() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        for answer in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b""] {
            let (mut stream, _) = listener.accept().unwrap();
            let mut hello = [0; 64];
            let _ = stream.read(&mut hello);
            let _ = stream.write_all(answer);
            // A clean end, not a reset for what was left unread.
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        }
    });
    let transport = match HttpTransport::new(options(&format!("https://{address}"))) {
        Ok(transport) => transport,
        // A system without root certificates says so at once.
        Err(error) => return assert!(matches!(error, TransportError::Tls { .. }), "{error:?}"),
    };
    for _ in 0..2 {
        match send(&transport, get()) {
            Err(TransportError::Tls { host, .. }) => assert_eq!(host, address.to_string()),
            other => panic!("{other:?}"),
        }
    }
    server.join().unwrap();
}

/// Runs in a process of its own, see below.
#[test]
#[ignore = "needs the environment that the next test gives it"]
fn without_root_certificates_child() {
    let server = CannedServer::start(vec![Canned::answer(200, &[], "")]);
    assert_eq!(send(&transport(&server.url()), get()).unwrap().status, 200);
    match HttpTransport::new(options("https://127.0.0.1:1")) {
        Err(TransportError::Tls { problem, .. }) => assert!(problem.contains("certificates"), "{problem}"),
        other => panic!("{other:?}"),
    }
}

#[test]
#[cfg(target_os = "linux")]
fn without_root_certificates_plain_http_works_and_https_says_why_not() {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tls::without_root_certificates_child", "--ignored"])
        .env("SSL_CERT_FILE", "/nonexistent")
        .env("SSL_CERT_DIR", "/nonexistent")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && output.contains("1 passed"), "{output}");
}
