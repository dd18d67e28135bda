//! Signed tokens: JSON Web Tokens with HS256, and nothing else of that standard.
//!
//! A token says whose it is and until when; only this hub's key makes one that
//! it believes. Written out here because what is needed of the standard is these
//! few lines, over parts that are in the tree anyway.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::model::Timestamp;
use crate::model::time::SECOND;
use crate::protocol::v2::Role;

use super::secrets::SigningKey;

/// No token of this hub is longer.
const MAX_TOKEN_BYTES: usize = 4 * 1024;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claims {
    pub(super) user_id: String,
    pub(super) role: Role,
    /// In seconds since 1970.
    pub(super) expires: i64,
    /// Hash of the guest's code that it was given for.
    pub(super) guest: Option<String>,
}

/// Now, in a token's unit.
pub(super) fn seconds(time: Timestamp) -> i64 {
    time.micros().div_euclid(SECOND)
}

/// Writes and signs a token.
pub(super) fn sign(key: &SigningKey, claims: &Claims, now: Timestamp) -> Option<String> {
    let header = json!({"alg": "HS256", "typ": "JWT"});
    let body = json!({
        "sub": claims.user_id,
        "role": claims.role.as_str(),
        "iat": seconds(now),
        "exp": claims.expires,
        "guest": claims.guest,
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&body));
    let mut mac = Hmac::<Sha256>::new_from_slice(key.bytes()).ok()?;
    mac.update(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    Some(format!("{signed}.{signature}"))
}

/// What a token says, if this hub signed it and it is still good.
///
/// FunkyGibbon was seen to take tokens that never end and roles that nobody
/// knows, if they are signed. Here both are refused.
pub(super) fn verify(key: &SigningKey, token: &[u8], now: Timestamp) -> Option<Claims> {
    let token = std::str::from_utf8(token).ok()?;
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, body) = signed.split_once('.')?;
    let mut mac = Hmac::<Sha256>::new_from_slice(key.bytes()).ok()?;
    mac.update(signed.as_bytes());
    // Compared in constant time.
    mac.verify_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
    let part = |text: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
    if part(header)?.get("alg")?.as_str()? != "HS256" {
        return None;
    }
    let body = part(body)?;
    let role = Role::parse(body.get("role")?.as_str()?);
    let claims = Claims {
        user_id: body.get("sub")?.as_str()?.to_owned(),
        expires: body.get("exp")?.as_i64()?,
        guest: body.get("guest").and_then(Value::as_str).map(str::to_owned),
        role,
    };
    let whole = match claims.role {
        Role::Admin => true,
        Role::Guest => claims.guest.is_some(),
        Role::Other(_) => false,
    };
    (whole && claims.expires > seconds(now)).then_some(claims)
}
