//! The hub's bearer token: held without showing it, compared in constant time.

use std::fmt;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use subtle::ConstantTimeEq as _;

/// A secret that never shows itself in logs or errors.
#[derive(Clone)]
pub struct AuthToken(String);

impl AuthToken {
    /// Wraps the token.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// Compares in a time that depends on lengths only.
    pub(super) fn matches(&self, candidate: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(candidate).into()
    }
}

impl From<&str> for AuthToken {
    fn from(token: &str) -> Self {
        Self::new(token)
    }
}

impl From<String> for AuthToken {
    fn from(token: String) -> Self {
        Self::new(token)
    }
}

impl fmt::Debug for AuthToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthToken(…)")
    }
}

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denied {
    /// It has no bearer token.
    Missing,
    /// It has another one.
    Wrong,
}

impl Denied {
    /// FunkyGibbon's words for it.
    pub(super) fn detail(self) -> &'static str {
        match self {
            Denied::Missing => "Not authenticated",
            Denied::Wrong => "Invalid or expired token",
        }
    }
}

/// Whether a request with these headers may pass. Without a token set, all may.
pub(super) fn check(required: Option<&AuthToken>, headers: &HeaderMap) -> Result<(), Denied> {
    let Some(required) = required else {
        return Ok(());
    };
    match bearer(headers) {
        None => Err(Denied::Missing),
        Some(token) if required.matches(token) => Ok(()),
        Some(_) => Err(Denied::Wrong),
    }
}

/// The token of `Authorization: Bearer <token>`; the scheme's case is free.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let space = value.iter().position(|byte| *byte == b' ')?;
    let (scheme, token) = value.split_at(space);
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Ok(value) = value.parse() {
            headers.insert(AUTHORIZATION, value);
        }
        headers
    }

    #[test]
    fn only_the_token_itself_passes() {
        let token = AuthToken::from("secret");
        for (header, expected) in [
            ("Bearer secret", Ok(())),
            ("bearer  secret", Ok(())),
            ("Bearer secre", Err(Denied::Wrong)),
            ("Bearer secrets", Err(Denied::Wrong)),
            ("Bearer SECRET", Err(Denied::Wrong)),
            ("Basic secret", Err(Denied::Missing)),
            ("Bearer ", Err(Denied::Missing)),
            ("secret", Err(Denied::Missing)),
        ] {
            assert_eq!(check(Some(&token), &headers(header)), expected, "{header:?}");
        }
        assert_eq!(check(Some(&token), &HeaderMap::new()), Err(Denied::Missing));
        assert_eq!(check(None, &HeaderMap::new()), Ok(()));
    }

    #[test]
    fn the_token_does_not_show() {
        assert!(!format!("{:?}", AuthToken::from("secret")).contains("secret"));
    }
}
