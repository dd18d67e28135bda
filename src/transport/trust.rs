//! Whom to trust under `https`: the platform, the platform and a root
//! certificate of the house's own, or one certificate and no other.

use std::fmt;
use std::sync::Arc;

use reqwest::{Certificate, ClientBuilder};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
};
use sha2::{Digest as _, Sha256};

use super::TransportError;
use super::server_url::ServerUrl;

/// Nobody has more certificates to trust beside the platform's.
const MAX_ROOTS: usize = 100;

/// Who is trusted.
pub(super) enum Trust {
    /// Nobody: plain `http` shows no certificate.
    Nobody,
    /// The platform, and these.
    Platform(Vec<CertificateDer<'static>>),
    /// The bearer of this one certificate.
    Pinned(Fingerprint),
}

impl Trust {
    /// Reads and checks what was given. A pin says more than a root certificate:
    /// with both, it decides alone.
    pub(super) fn read(
        server: &ServerUrl,
        root_pem: Option<&str>,
        pin: Option<&str>,
    ) -> Result<Self, TransportError> {
        let roots = root_pem.map(roots).transpose()?;
        let pin = pin.map(Fingerprint::parse).transpose()?;
        if server.is_https() {
            return Ok(match pin {
                Some(pin) => Trust::Pinned(pin),
                None => Trust::Platform(roots.unwrap_or_default()),
            });
        }
        // Whoever gives one means to be safe, and would not be.
        let problem = "a server at http:// shows no certificate; give its URL as https://".to_owned();
        match (roots, pin) {
            (None, None) => Ok(Trust::Nobody),
            (_, Some(_)) => Err(TransportError::InvalidPin { problem }),
            (Some(_), None) => Err(TransportError::InvalidRoot { problem }),
        }
    }

    /// Has the client trust so. Plain `http` must also work where the system has
    /// no root certificates.
    pub(super) fn apply(
        self,
        builder: ClientBuilder,
        server: &ServerUrl,
    ) -> Result<ClientBuilder, TransportError> {
        let tls = |problem: String| TransportError::Tls {
            host: server.host().to_owned(),
            problem,
        };
        let provider = rustls::crypto::ring::default_provider();
        if let Trust::Platform(roots) = self {
            // reqwest takes its cryptography from this place only. Whoever was
            // here first, perhaps the program around us, keeps it.
            if CryptoProvider::get_default().is_none() {
                let _ = provider.install_default();
            }
            let roots: Result<Vec<_>, _> = roots.iter().map(|root| Certificate::from_der(root)).collect();
            let roots = roots.map_err(|error| tls(error.to_string()))?;
            return Ok(builder.tls_backend_rustls().tls_certs_merge(roots));
        }
        let algorithms = provider.signature_verification_algorithms;
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| tls(error.to_string()))?;
        let config = match self {
            Trust::Pinned(pinned) => config
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(OnlyThis { pinned, algorithms }))
                .with_no_client_auth(),
            _ => config
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth(),
        };
        Ok(builder.tls_backend_preconfigured(config))
    }
}

/// The certificates of a PEM text; each must be one that others can be checked with.
fn roots(pem: &str) -> Result<Vec<CertificateDer<'static>>, TransportError> {
    let invalid = |problem: &str| TransportError::InvalidRoot {
        problem: problem.to_owned(),
    };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .take(MAX_ROOTS)
        .collect();
    let found = found.map_err(|_| invalid("is not a certificate in PEM"))?;
    if found.is_empty() {
        return Err(invalid(
            "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)",
        ));
    }
    let mut store = RootCertStore::empty();
    for root in &found {
        store
            .add(root.clone())
            .map_err(|_| invalid("holds a certificate that can't be read"))?;
    }
    Ok(found)
}

/// The SHA-256 of a certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint([u8; 32]);

impl Fingerprint {
    fn of(certificate: &CertificateDer<'_>) -> Self {
        Self(Sha256::digest(certificate).into())
    }

    /// Reads 64 hexadecimal digits, in pairs that colons may part, as tools print them.
    fn parse(text: &str) -> Result<Self, TransportError> {
        let invalid = || TransportError::InvalidPin {
            problem: "is not the SHA-256 of a certificate: 64 hexadecimal digits".into(),
        };
        let digits: Option<Vec<u8>> = text
            .trim()
            .chars()
            .filter(|c| *c != ':')
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect();
        let digits = digits.ok_or_else(invalid)?;
        let bytes: Vec<u8> = digits
            .chunks(2)
            .map(|pair| pair.iter().fold(0, |sum, digit| sum << 4 | digit))
            .collect();
        match <[u8; 32]>::try_from(bytes) {
            Ok(bytes) if digits.len() == 64 => Ok(Self(bytes)),
            _ => Err(invalid()),
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Accepts one certificate, whoever issued it, for whatever name and time. That
/// the server holds its key is checked as ever.
#[derive(Debug)]
struct OnlyThis {
    pinned: Fingerprint,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for OnlyThis {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = Fingerprint::of(end_entity);
        if shown == self.pinned {
            return Ok(ServerCertVerified::assertion());
        }
        let other = OtherError(Arc::new(AnotherCertificate { shown }));
        Err(rustls::Error::InvalidCertificate(CertificateError::Other(other)))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The server shows another certificate than the pinned one.
#[derive(Debug, thiserror::Error)]
#[error(
    "the server shows another certificate than the pinned one; if it was given a new one, pin sha256 {shown}"
)]
struct AnotherCertificate {
    shown: Fingerprint,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_tools_print_it() {
        let plain = "00112233445566778899aabbccddeeff".repeat(2);
        let read = |text: &str| Fingerprint::parse(text).ok();
        let wanted = read(&plain);
        assert_eq!(wanted.map(|print| print.to_string()), Some(plain.clone()));
        let pairs: Vec<&str> = (0..32).map(|at| &plain[2 * at..2 * at + 2]).collect();
        assert_eq!(read(&format!(" {}\n", pairs.join(":").to_uppercase())), wanted);
        for bad in [
            "",
            ":",
            &plain[1..],
            &plain[2..],
            &format!("{plain}0"),
            &plain.replace('0', "g"),
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
