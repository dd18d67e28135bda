//! The address of a server: what is a valid one, how a path is joined to it,
//! and which other addresses are the same server. Pure.

use reqwest::Url;

use super::TransportError;
use super::nearby::is_nearby;

/// The longest part of a wrong URL that an error repeats.
const MAX_SHOWN_CHARS: usize = 200;

/// A server's address: scheme, host, port and perhaps a base path.
#[derive(Debug, Clone)]
pub(super) struct ServerUrl {
    url: Url,
    /// Origin and base path, without a slash at the end.
    base: String,
    host: String,
}

impl ServerUrl {
    /// Reads and checks an address as a person would give it.
    pub(super) fn parse(text: &str) -> Result<Self, TransportError> {
        let refuse = |problem: &str| TransportError::InvalidUrl {
            url: redact(text),
            problem: problem.to_owned(),
        };
        let url = Url::parse(text.trim()).map_err(|error| refuse(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("it must begin with http:// or https://"));
        }
        let Some(name) = url.host_str() else {
            return Err(refuse("it names no host"));
        };
        // reqwest would make Basic credentials of them, beside our token.
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("a user name or password does not belong in it"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("it must end before ? and #"));
        }
        let host = match url.port_or_known_default() {
            Some(port) => format!("{name}:{port}"),
            None => name.to_owned(),
        };
        let base = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, base, host })
    }

    /// Host and port, for people.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Whether the connection is to be encrypted.
    pub(super) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether it is in the user's own house or network.
    pub(super) fn is_nearby(&self) -> bool {
        self.url.host_str().is_some_and(is_nearby)
    }

    /// The address of `path`, which begins with a slash, below the base path.
    pub(super) fn join(&self, path: &str) -> Result<Url, TransportError> {
        let refuse = |problem: String| TransportError::InvalidUrl {
            url: redact(&self.base),
            problem,
        };
        // Without the slash, "@elsewhere" would turn our host into a user name.
        if !path.starts_with('/') {
            return Err(refuse("a path must begin with a slash".to_owned()));
        }
        let url = Url::parse(&format!("{}{path}", self.base)).map_err(|error| refuse(error.to_string()))?;
        if self.is_same_server(&url) {
            Ok(url)
        } else {
            Err(refuse("the path leads to another host".to_owned()))
        }
    }

    /// Whether scheme, host and port are ours.
    pub(super) fn is_same_server(&self, other: &Url) -> bool {
        self.url.origin() == other.origin()
    }
}

/// The part of a redirect's target that may be shown: scheme, host and port.
pub(super) fn shown_target(target: &Url) -> String {
    if target.host_str().is_some() && target.origin().is_tuple() {
        target.origin().ascii_serialization()
    } else {
        format!("{}:", target.scheme())
    }
}

/// A URL without what may be secret in it: user info, query, fragment. It works
/// on the text, since what is refused is often no URL at all.
fn redact(text: &str) -> String {
    let text = text.trim();
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            (format!("{scheme}://"), rest)
        }
        _ => (String::new(), text),
    };
    let end = rest.find(['?', '#']);
    let shown = match (rest.rfind('@'), end) {
        // A password may hold ? and #, and a query may hold @: can't tell.
        (Some(at), Some(end)) if end < at => "…",
        (Some(at), end) => &rest[at + 1..end.unwrap_or(rest.len())],
        (None, end) => &rest[..end.unwrap_or(rest.len())],
    };
    let shown: String = shown.chars().take(MAX_SHOWN_CHARS).collect();
    format!("{scheme}{shown}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_base_path_is_kept_with_or_without_its_slash() {
        for (base, expected) in [
            ("http://h", "http://h/api/v1/sync/push"),
            ("http://h/", "http://h/api/v1/sync/push"),
            (" http://H:80/prefix/ ", "http://h/prefix/api/v1/sync/push"),
            ("https://h:8443/a/b", "https://h:8443/a/b/api/v1/sync/push"),
            ("http://[::1]:8000", "http://[::1]:8000/api/v1/sync/push"),
        ] {
            let url = ServerUrl::parse(base).unwrap();
            assert_eq!(
                url.join("/api/v1/sync/push").unwrap().as_str(),
                expected,
                "{base}"
            );
        }
        let url = ServerUrl::parse("http://h/p").unwrap();
        assert_eq!(url.join("/x?a=1").unwrap().as_str(), "http://h/p/x?a=1");
        assert_eq!(url.host(), "h:80");
    }

    #[test]
    fn a_path_can_not_lead_to_another_host() {
        let url = ServerUrl::parse("http://h").unwrap();
        for path in ["@evil.example/x", ".evil.example/x", ":81/x", "x", ""] {
            assert!(url.join(path).is_err(), "{path}");
        }
        assert_eq!(url.join("//evil.example/x").unwrap().host_str(), Some("h"));
    }

    #[test]
    fn what_is_refused_is_shown_without_secrets() {
        for (text, shown) in [
            ("", ""),
            ("hub.local", "hub.local"),
            ("hub.local:8000", "hub.local:8000"),
            ("ftp://hub.local", "ftp://hub.local"),
            ("http://", "http://"),
            ("http://h:99999", "http://h:99999"),
            ("http://h/?", "http://h/"),
            ("http://h/#secret", "http://h/"),
            ("http://h/p?token=secret", "http://h/p"),
            ("http://h/p?token=a@secret", "http://…"),
            ("http://secret@h/p", "http://h/p"),
            ("http://secret:secret@h/p", "http://h/p"),
            ("http://u:s?ecret@h/p", "http://…"),
            ("u:secret@h", "h"),
            ("mailto:secret@h", "h"),
        ] {
            match ServerUrl::parse(text) {
                Err(TransportError::InvalidUrl { url, problem }) => {
                    assert_eq!(url, shown, "{text}");
                    assert!(!problem.contains("secret"), "{text}: {problem}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_target_is_shown_without_path_and_credentials() {
        let shown = |text: &str| shown_target(&Url::parse(text).unwrap());
        assert_eq!(shown("https://u:p@h/x?token=1"), "https://h");
        assert_eq!(shown("http://h:8000/x"), "http://h:8000");
        assert_eq!(shown("data:text/plain,x"), "data:");
    }
}
