//! Asking a hub without a socket: requests in lines, and their answers whole.

use std::fmt;
use std::net::SocketAddr;
use std::sync::OnceLock;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request as Message, Uri};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tower_service::Service as _;

/// A word that stands for a secret in the inputs, and the secret.
pub(crate) type Secret = (&'static str, String);

/// A request as it reaches a hub.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    line: Vec<u8>,
}

impl Request {
    /// Reads `METHOD PATH`, headers `name: value` and the body, parted by tabs. None if
    /// it is nothing that a server would hand on.
    pub(crate) fn read(line: &[u8], secrets: &[Secret]) -> Option<Self> {
        let mut line = line.to_vec();
        for (word, secret) in secrets {
            line = replaced(&line, word.as_bytes(), secret.as_bytes());
        }
        let mut fields: Vec<&[u8]> = line.split(|byte| *byte == b'\t').collect();
        let body = if fields.len() > 1 { fields.pop()? } else { b"" };
        let mut fields = fields.into_iter();
        let (method, uri) = parted(fields.next()?, b" ")?;
        let headers = fields.filter_map(|field| {
            let (name, value) = parted(field, b": ")?;
            Some((
                HeaderName::from_bytes(name).ok()?,
                HeaderValue::from_bytes(value).ok()?,
            ))
        });
        Some(Self {
            method: Method::from_bytes(method).ok()?,
            uri: Uri::try_from(uri).ok()?,
            headers: headers.collect(),
            body: body.to_vec(),
            line: line.clone(),
        })
    }

    /// Whether whoever sends it knows the secret.
    pub(crate) fn knows(&self, secret: &str) -> bool {
        holds(&self.line, secret)
    }

    /// Whether the secret stands where it may be kept or repeated.
    pub(crate) fn tells(&self, secret: &str) -> bool {
        let mut headers = self.headers.iter();
        holds(self.uri.to_string().as_bytes(), secret)
            || holds(&self.body, secret)
            || headers.any(|(name, value)| name != AUTHORIZATION && holds(value.as_bytes(), secret))
    }

    /// Whether its body is no JSON object.
    pub(crate) fn is_garbage(&self) -> bool {
        let text = self
            .body
            .strip_prefix("\u{feff}".as_bytes())
            .unwrap_or(&self.body);
        !serde_json::from_slice::<Value>(text).is_ok_and(|body| body.is_object())
    }
}

/// As it stands in an input, but for secrets.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.line))
    }
}

/// What a hub answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn tells(&self, secret: &str) -> bool {
        holds(&self.body, secret)
    }
}

/// Has `app` answer a request, as it would one from this machine.
pub(crate) fn ask(app: &Router, request: &Request) -> Answer {
    let mut message = Message::new(Body::from(request.body.clone()));
    *message.method_mut() = request.method.clone();
    *message.uri_mut() = request.uri.clone();
    *message.headers_mut() = request.headers.clone();
    let from = SocketAddr::from(([127, 0, 0, 1], 50_000));
    message.extensions_mut().insert(ConnectInfo(from));
    runtime().block_on(async {
        let Ok(answer) = app.clone().call(message).await;
        let (head, body) = answer.into_parts();
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: to_bytes(body, usize::MAX).await.expect("a whole body").to_vec(),
        }
    })
}

/// One for all inputs: threads are dear.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = Builder::new_current_thread();
        builder.enable_time().build().expect("a runtime")
    })
}

fn parted<'a>(text: &'a [u8], by: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = text.windows(by.len()).position(|window| window == by)?;
    Some((&text[..at], &text[at + by.len()..]))
}

fn holds(text: &[u8], secret: &str) -> bool {
    parted(text, secret.as_bytes()).is_some()
}

fn replaced(mut text: &[u8], word: &[u8], by: &[u8]) -> Vec<u8> {
    let mut whole = Vec::with_capacity(text.len());
    while let Some((before, after)) = parted(text, word) {
        whole.extend([before, by].concat());
        text = after;
    }
    whole.extend(text);
    whole
}
