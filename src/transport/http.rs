//! [`HttpTransport`]: requests over HTTP/1.1 or 2, with TLS where the URL says so.
//!
//! Here lives what makes an exchange safe: limits in time and size, what is
//! followed and what is not, and who gets to see the token. Addresses are
//! checked in `server_url`, whom to trust is in `trust`, errors sorted in `failure`. When to try again is
//! decided by whoever sends.
//!
//! Proxies are not used, neither from the system's settings nor from
//! `HTTP_PROXY`: a hub mostly stands in the same house, where no proxy reaches
//! it, and over plain HTTP a proxy would read the token.

use std::fmt;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
};
use reqwest::{Client, Method, StatusCode, Url};

use super::Timeouts;
use super::server_url::{ServerUrl, shown_target};
use super::trust::Trust;
use super::{Request, Response, Transport, TransportError, failure, retry_after};
use crate::protocol::{MAX_LISTING_BYTES, MAX_MESSAGE_BYTES};
use crate::seam::{BoxFuture, RealSeam, Seam};

/// How long an idle connection is kept. Servers on uvicorn close theirs after
/// five seconds, and a request that crosses the close is lost.
const KEEP_IDLE: Duration = Duration::from_secs(4);
/// The slowest upload that does not count as silence, in bytes per millisecond.
const SLOWEST_UPLOAD: u64 = 4;

/// What an [`HttpTransport`] is built from.
#[derive(Clone)]
pub struct HttpOptions {
    /// `http://` or `https://`, host, perhaps a port and a base path.
    pub server_url: String,
    /// The bearer token; `None` or an empty one sends none.
    pub auth_token: Option<String>,
    /// Limits in time.
    pub timeouts: Timeouts,
    /// The largest answer taken, after decompression.
    pub max_response_bytes: usize,
    /// Root certificates in PEM that are trusted beside the platform's.
    pub root_certificate_pem: Option<String>,
    /// SHA-256 of the one certificate that is accepted, in hexadecimal digits.
    pub pinned_certificate_sha256: Option<String>,
    /// `http://` may also lead out of the house's own network.
    pub allow_plain_http: bool,
}

impl HttpOptions {
    /// The defaults, for a server, without a token.
    pub fn new(server_url: impl Into<String>) -> Self {
        Self {
            server_url: server_url.into(),
            auth_token: None,
            timeouts: Timeouts::default(),
            max_response_bytes: MAX_MESSAGE_BYTES,
            root_certificate_pem: None,
            pinned_certificate_sha256: None,
            allow_plain_http: false,
        }
    }
}

/// Neither the token nor the URL, in which people put passwords.
impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions")
            .field("has_token", &self.auth_token.is_some())
            .field("timeouts", &self.timeouts)
            .field("max_response_bytes", &self.max_response_bytes)
            .finish_non_exhaustive()
    }
}

/// Sends requests to one server over HTTP. Connections are kept and reused.
///
/// Needs a tokio runtime with I/O and time around [`Transport::send`].
pub struct HttpTransport {
    client: Client,
    server: ServerUrl,
    authorization: Mutex<Option<HeaderValue>>,
    timeouts: Timeouts,
    max_response_bytes: usize,
}

impl HttpTransport {
    /// Checks address and token and makes the client. Connects to nothing.
    ///
    /// # Errors
    ///
    /// [`TransportError::InvalidUrl`], [`TransportError::PlainHttp`], [`TransportError::InvalidToken`],
    /// [`TransportError::InvalidRoot`], [`TransportError::InvalidPin`], and for
    /// `https` [`TransportError::Tls`] if nobody is trusted: there is no pin, no
    /// root certificate was given, and the system has none.
    pub fn new(options: HttpOptions) -> Result<Self, TransportError> {
        let server = ServerUrl::parse(&options.server_url)?;
        if !server.is_https() && !server.is_nearby() && !options.allow_plain_http {
            return Err(TransportError::PlainHttp {
                host: server.host().to_owned(),
            });
        }
        let authorization = authorization(options.auth_token.as_deref())?;
        let builder = Client::builder()
            .connect_timeout(options.timeouts.connect)
            .pool_idle_timeout(KEEP_IDLE)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("wildthing/", env!("CARGO_PKG_VERSION")));
        let trust = Trust::read(
            &server,
            options.root_certificate_pem.as_deref(),
            options.pinned_certificate_sha256.as_deref(),
        )?;
        let client = trust
            .apply(builder, &server)?
            .build()
            .map_err(|error| failure::of_building(error, server.host()))?;
        Ok(Self {
            client,
            server,
            authorization: Mutex::new(authorization),
            timeouts: options.timeouts,
            max_response_bytes: options.max_response_bytes,
        })
    }

    /// Replaces the token, from the next request on. `None` or an empty one sends none.
    ///
    /// # Errors
    ///
    /// [`TransportError::InvalidToken`]; the earlier token then stays.
    pub fn set_auth_token(&self, token: Option<String>) -> Result<(), TransportError> {
        let header = authorization(token.as_deref())?;
        *self.authorization.lock().unwrap_or_else(PoisonError::into_inner) = header;
        Ok(())
    }

    /// Host and port of the server, for messages to people.
    pub fn host(&self) -> &str {
        self.server.host()
    }

    /// Sends `request` as [`Transport::send`] does, but without the token.
    ///
    /// # Errors
    ///
    /// Those of [`Transport::send`].
    pub async fn send_without_token(&self, request: Request) -> Result<Response, TransportError> {
        self.in_time(request, None).await
    }

    async fn in_time(
        &self,
        request: Request,
        token: Option<HeaderValue>,
    ) -> Result<Response, TransportError> {
        let outcome = tokio::time::timeout(self.timeouts.total, self.exchange(request, token)).await;
        outcome.unwrap_or_else(|_| Err(self.timeout()))
    }

    fn prepare(
        &self,
        request: Request,
        token: Option<HeaderValue>,
    ) -> Result<reqwest::Request, TransportError> {
        let url = self.server.join(&request.path)?;
        let method = if request.body.is_some() {
            Method::POST
        } else {
            Method::GET
        };
        let mut builder = self
            .client
            .request(method, url)
            .header(ACCEPT, "application/json");
        if let Some(token) = token {
            builder = builder.header(AUTHORIZATION, token);
        }
        if let Some(body) = request.body {
            builder = builder.header(CONTENT_TYPE, "application/json").body(body);
        }
        builder
            .build()
            .map_err(|error| failure::of_exchange(error, self.host()))
    }

    /// One exchange, and one more if our own server says that the thing has moved.
    async fn exchange(
        &self,
        request: Request,
        token: Option<HeaderValue>,
    ) -> Result<Response, TransportError> {
        let limit = match request.listing {
            true => self.max_response_bytes.max(MAX_LISTING_BYTES),
            false => self.max_response_bytes,
        };
        let request = self.prepare(request, token)?;
        let again = request.try_clone();
        let answer = self.head(request).await?;
        let (Some(target), Some(mut again)) = (self.moved_to(&answer)?, again) else {
            return self.read(answer, limit).await;
        };
        drop(answer);
        *again.url_mut() = target;
        let answer = self.head(again).await?;
        self.moved_to(&answer)?;
        self.read(answer, limit).await
    }

    /// Sends and waits for the head of the answer.
    async fn head(&self, request: reqwest::Request) -> Result<reqwest::Response, TransportError> {
        let bytes = request
            .body()
            .and_then(reqwest::Body::as_bytes)
            .map_or(0, <[u8]>::len);
        // Nothing comes back while a body goes out, which may take long on a
        // slow line: that is not silence.
        let upload = Duration::from_millis(u64::try_from(bytes).unwrap_or(u64::MAX) / SLOWEST_UPLOAD);
        let limit = self.timeouts.idle.saturating_add(upload);
        self.within(limit, self.client.execute(request)).await
    }

    /// Where to send the request again, if `answer` is a redirect that is followed.
    ///
    /// Within the server 307 and 308 are; the others would turn a push into a
    /// GET and are answers like any. To another server none is.
    fn moved_to(&self, answer: &reqwest::Response) -> Result<Option<Url>, TransportError> {
        let status = answer.status();
        let Some(location) = answer.headers().get(LOCATION).filter(|_| status.is_redirection()) else {
            return Ok(None);
        };
        let Some(mut target) = location
            .to_str()
            .ok()
            .and_then(|text| answer.url().join(text).ok())
        else {
            return Ok(None);
        };
        if !self.server.is_same_server(&target) {
            return Err(TransportError::Redirected {
                host: self.host().to_owned(),
                target: shown_target(&target),
            });
        }
        if !matches!(
            status,
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
        ) {
            return Ok(None);
        }
        // A user name would become Basic credentials. Both can't fail: it has a host.
        let _ = target.set_username("");
        let _ = target.set_password(None);
        Ok(Some(target))
    }

    /// Reads the body, piece by piece, so that neither a large one nor a small
    /// one that decompresses to a large one takes more memory than allowed.
    async fn read(&self, mut answer: reqwest::Response, limit: usize) -> Result<Response, TransportError> {
        let header = |name: HeaderName| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let retry_after =
            header(RETRY_AFTER).and_then(|value| retry_after::wait(value, header(DATE), RealSeam.now()));
        let status = answer.status().as_u16();
        let too_large = || TransportError::TooLarge {
            host: self.host().to_owned(),
            limit,
        };
        // Known only where the body is not compressed.
        let length = answer.content_length().map(usize::try_from);
        let expected = match length {
            Some(Ok(length)) if length <= limit => length,
            Some(_) => return Err(too_large()),
            None => 0,
        };
        let mut body = Vec::with_capacity(expected);
        while let Some(piece) = self.within(self.timeouts.idle, answer.chunk()).await? {
            if piece.len() > limit - body.len() {
                return Err(too_large());
            }
            body.extend_from_slice(&piece);
        }
        Ok(Response {
            status,
            body,
            retry_after,
        })
    }

    async fn within<T>(
        &self,
        limit: Duration,
        step: impl Future<Output = reqwest::Result<T>>,
    ) -> Result<T, TransportError> {
        match tokio::time::timeout(limit, step).await {
            Ok(outcome) => outcome.map_err(|error| failure::of_exchange(error, self.host())),
            Err(_) => Err(self.timeout()),
        }
    }

    fn timeout(&self) -> TransportError {
        TransportError::Timeout {
            host: self.host().to_owned(),
        }
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let token = self
                .authorization
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            self.in_time(request, token).await
        })
    }
}

/// Without the token.
impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport")
            .field("host", &self.host())
            .field("timeouts", &self.timeouts)
            .field("max_response_bytes", &self.max_response_bytes)
            .finish_non_exhaustive()
    }
}

/// The header for a token. Only visible ASCII is taken: a token read from a file
/// with its line break would otherwise fail in ways that are hard to explain.
fn authorization(token: Option<&str>) -> Result<Option<HeaderValue>, TransportError> {
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Ok(None);
    };
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(TransportError::InvalidToken);
    }
    let mut header =
        HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| TransportError::InvalidToken)?;
    header.set_sensitive(true);
    Ok(Some(header))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_marked_so_that_nobody_below_logs_it() {
        let header = authorization(Some("s3cret")).ok().flatten();
        assert!(header.as_ref().is_some_and(HeaderValue::is_sensitive));
        assert!(!format!("{header:?}").contains("s3cret"));
    }
}
