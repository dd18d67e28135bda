//! A server that speaks TLS and passes what it hears on to one that does not.
//!
//! The certificates are in `tests/data/tls`, with keys that are good for nothing
//! else: `issued` is for 127.0.0.1 and issued by `root`; `self-signed` signed
//! itself, is for another name, and ended in 2020. Each of `expired`, `early` and
//! `misnamed` is wrong in one way only, and issued by `second-root`.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sha2::{Digest as _, Sha256};

/// The root certificate of `issued`.
pub const ROOT_PEM: &str = include_str!("../data/tls/root.pem");

/// A certificate and its key.
#[derive(Debug, Clone, Copy)]
pub struct Identity {
    pub certificate: &'static [u8],
    key: &'static [u8],
}

pub const ISSUED: Identity = Identity {
    certificate: include_bytes!("../data/tls/issued.der"),
    key: include_bytes!("../data/tls/issued.key.der"),
};

pub const SELF_SIGNED: Identity = Identity {
    certificate: include_bytes!("../data/tls/self-signed.der"),
    key: include_bytes!("../data/tls/self-signed.key.der"),
};

/// The root certificate of the three that follow.
pub const SECOND_ROOT_PEM: &str = include_str!("../data/tls/second-root.pem");

const SECOND_KEY: &[u8] = include_bytes!("../data/tls/second.key.der");

/// Ended in 2021.
pub const EXPIRED: Identity = Identity {
    certificate: include_bytes!("../data/tls/expired.der"),
    key: SECOND_KEY,
};

/// Begins in 2119.
pub const EARLY: Identity = Identity {
    certificate: include_bytes!("../data/tls/early.der"),
    key: SECOND_KEY,
};

/// Of another name.
pub const MISNAMED: Identity = Identity {
    certificate: include_bytes!("../data/tls/misnamed.der"),
    key: SECOND_KEY,
};

impl Identity {
    /// A certificate without the key that belongs to it.
    pub fn stolen(self) -> Self {
        let key = if self.key == ISSUED.key {
            SELF_SIGNED.key
        } else {
            ISSUED.key
        };
        Self { key, ..self }
    }

    pub fn sha256(self) -> String {
        let digest = Sha256::digest(self.certificate);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn config(self) -> ServerConfig {
        let provider = ring::default_provider();
        let key = provider
            .key_provider
            .load_private_key(PrivatePkcs8KeyDer::from(self.key).into())
            .unwrap();
        let chain = vec![CertificateDer::from(self.certificate)];
        // Nobody here checks that the two belong together.
        let certified = rustls::sign::CertifiedKey::new(chain, key);
        ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)))
    }
}

/// The server. Its thread ends with the process.
pub struct TlsFront {
    address: SocketAddr,
    heard: Arc<AtomicUsize>,
}

impl TlsFront {
    /// Stands before the server at `behind`, an `http://` URL.
    pub fn of(behind: &str, identity: Identity) -> Self {
        let behind = behind.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let config = Arc::new(identity.config());
        let heard = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (config, behind, counted) = (config.clone(), behind.clone(), counted.clone());
                std::thread::spawn(move || {
                    // A client that trusts nobody hangs up; that is no failure here.
                    let _ = converse(stream, config, &behind, &counted);
                });
            }
        });
        Self { address, heard }
    }

    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// How many requests came through the encryption.
    pub fn heard(&self) -> usize {
        self.heard.load(Ordering::SeqCst)
    }
}

fn converse(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    behind: &str,
    heard: &AtomicUsize,
) -> io::Result<()> {
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut client = BufReader::new(StreamOwned::new(connection, stream));
    while let Some(request) = read_message(&mut client)? {
        heard.fetch_add(1, Ordering::SeqCst);
        let mut server = BufReader::new(TcpStream::connect(behind)?);
        server.get_mut().write_all(&request)?;
        let Some(answer) = read_message(&mut server)? else {
            return Ok(());
        };
        client.get_mut().write_all(&answer)?;
        client.get_mut().flush()?;
    }
    Ok(())
}

/// One request or answer whole; its body has the length that its head says.
fn read_message(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        bytes.extend(line.as_bytes());
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        if line.trim_end().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    bytes.extend(body);
    Ok(Some(bytes))
}
