//! Tokens for guests: made by the admin, shown as a code, good for some hours.

use rusqlite::OptionalExtension as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::hub::HubError;
use crate::model::Timestamp;
use crate::model::time::SECOND;
use crate::protocol::v2::wire_time;

use super::secrets::random_bytes;
use super::store::GraphStore;

const TOKEN_BYTES: usize = 32;
/// How much of a token is told where it is spoken of.
const SHOWN_CHARACTERS: usize = 8;

/// What a guest may do.
pub(super) const GUEST_PERMISSIONS: [&str; 1] = ["read"];

/// A guest, by the token in the code.
pub(super) struct Guest {
    /// Names the token without telling it.
    pub(super) token_hash: String,
    /// The token's first characters.
    pub(super) shown: String,
    pub(super) expires: Timestamp,
}

fn hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token))
}

impl GraphStore {
    /// Makes a token for so many hours. It is told once and kept as a hash.
    pub(super) fn invite(&mut self, hours: u64) -> Result<(String, Guest), HubError> {
        let token = URL_SAFE_NO_PAD.encode(random_bytes(&self.seam, TOKEN_BYTES));
        let now = self.seam.now();
        let lasting = i64::try_from(hours).unwrap_or(0).saturating_mul(3_600 * SECOND);
        let guest = Guest {
            token_hash: hash(&token),
            shown: token.chars().take(SHOWN_CHARACTERS).collect(),
            expires: now.plus_micros(lasting),
        };
        self.write(|tx, _| {
            tx.execute("DELETE FROM guests WHERE expires <= ?1", [now.micros()])?;
            tx.execute(
                "INSERT INTO guests (token_hash, shown, created, expires) VALUES (?1, ?2, ?3, ?4)",
                (
                    &guest.token_hash,
                    &guest.shown,
                    now.micros(),
                    guest.expires.micros(),
                ),
            )?;
            Ok(())
        })?;
        Ok((token, guest))
    }

    /// The guest that a scanned token stands for.
    pub(super) fn guest_by_token(&self, token: &str) -> Result<Option<Guest>, HubError> {
        self.guest(&hash(token))
    }

    /// The guest, unless the token was revoked or is over.
    pub(super) fn guest(&self, token_hash: &str) -> Result<Option<Guest>, HubError> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT shown, expires FROM guests WHERE token_hash = ?1 AND expires > ?2")?;
        let guest = statement.query_row((token_hash, self.seam.now().micros()), |row| {
            Ok(Guest {
                token_hash: token_hash.to_owned(),
                shown: row.get(0)?,
                expires: Timestamp::from_micros(row.get(1)?),
            })
        });
        Ok(guest.optional()?)
    }

    /// Ends a token, and with it what was given for it. Whether there was one.
    pub(super) fn revoke(&mut self, token: &str) -> Result<bool, HubError> {
        let token_hash = hash(token);
        self.write(|tx, _| Ok(tx.execute("DELETE FROM guests WHERE token_hash = ?1", [token_hash])? > 0))
    }

    /// Who is invited, without the tokens.
    pub(super) fn guests(&self) -> Result<Value, HubError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT shown, created, expires FROM guests WHERE expires > ?1 ORDER BY created",
        )?;
        let time = |micros| wire_time(Timestamp::from_micros(micros));
        let guests = statement.query_map([self.seam.now().micros()], |row| {
            Ok(json!({
                "token": format!("{}...", row.get::<_, String>(0)?),
                "expires": time(row.get(2)?),
                "created_at": time(row.get(1)?),
                "permissions": GUEST_PERMISSIONS,
            }))
        })?;
        let tokens = guests.collect::<Result<Vec<_>, _>>()?;
        Ok(json!({"count": tokens.len(), "tokens": tokens}))
    }
}
