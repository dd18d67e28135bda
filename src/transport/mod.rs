//! How messages travel: the [`Transport`] trait and its one real implementation.
//!
//! A transport carries bytes and tells what went wrong on the way. It knows
//! nothing of records; what to send and what an answer means is for
//! [`crate::sync`].

mod failure;
mod http;
mod nearby;
mod retry_after;
mod server_url;
mod trust;

use std::time::Duration;

pub use http::{HttpOptions, HttpTransport};

use crate::seam::BoxFuture;

/// How long the parts of an exchange may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct Timeouts {
    /// To connect.
    pub connect: Duration,
    /// Without a byte.
    pub idle: Duration,
    /// For the whole exchange.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            idle: Duration::from_secs(30),
            total: Duration::from_secs(120),
        }
    }
}

/// A request to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Path below the server URL, beginning with `/`.
    pub path: String,
    /// A JSON body makes it a POST; `None` is a GET.
    pub body: Option<Vec<u8>>,
    /// The answer may be as large as a listing of everything.
    pub listing: bool,
}

impl Request {
    /// Asks for what is at `path`.
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            body: None,
            listing: false,
        }
    }

    /// Sends a message to `path`.
    pub fn post(path: impl Into<String>, body: Vec<u8>) -> Self {
        Self {
            path: path.into(),
            body: Some(body),
            listing: false,
        }
    }
}

/// A whole answer, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The body, decompressed.
    pub body: Vec<u8>,
    /// `Retry-After`, where the server sent one.
    pub retry_after: Option<Duration>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The server URL is none.
    #[error("{url:?} is not a server URL: {problem}")]
    InvalidUrl {
        /// What was given, without user info.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Over plain HTTP everybody on the way would read along, and the way is the internet.
    #[error(
        "{host} is not in the house's own network, and over http:// everybody on the way could read the token; \
         give its URL as https://, or set allow_plain_http"
    )]
    PlainHttp {
        /// Host and port.
        host: String,
    },
    /// The token holds characters that can't travel in a header. Its text is told to nobody.
    #[error("the token holds a space, a line break or another character that tokens don't have")]
    InvalidToken,
    /// The root certificate can't be used.
    #[error("{problem}")]
    InvalidRoot {
        /// What is wrong with it.
        problem: String,
    },
    /// The digest of the pinned certificate can't be used.
    #[error("{problem}")]
    InvalidPin {
        /// What is wrong with it.
        problem: String,
    },
    /// No connection could be made.
    #[error("can't reach {host}: {problem}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// What the system said.
        problem: String,
    },
    /// The certificate or the TLS handshake was refused.
    #[error("no secure connection to {host}: {problem}")]
    Tls {
        /// Host and port.
        host: String,
        /// What was wrong.
        problem: String,
    },
    /// A time limit passed.
    #[error("{host} did not answer in time")]
    Timeout {
        /// Host and port.
        host: String,
    },
    /// The connection broke in the middle.
    #[error("the connection to {host} broke: {problem}")]
    Interrupted {
        /// Host and port.
        host: String,
        /// What the system said.
        problem: String,
    },
    /// The answer, decompressed, is larger than we take.
    #[error("the answer of {host} is larger than {limit} bytes")]
    TooLarge {
        /// Host and port.
        host: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The server redirects to another host; the token was not sent there.
    #[error("{host} redirects to another host, {target}; connect to that one if it is yours")]
    Redirected {
        /// Host and port.
        host: String,
        /// The host it names.
        target: String,
    },
}

/// Carries requests to one server with one token.
pub trait Transport: Send + Sync {
    /// Sends `request` and reads the whole answer. Dropping the future abandons the request.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>>;
}
