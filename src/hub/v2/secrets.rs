//! What of a hub is secret: the key that signs tokens, and the admin's password.
//! Neither shows in logs or `Debug` output.

use std::fmt;

use argon2::Argon2;
use rusqlite::Connection;
use subtle::ConstantTimeEq as _;

use crate::hub::HubError;
use crate::seam::SharedSeam;

use super::store::GraphStore;

const KEY_BYTES: usize = 32;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
/// Longer ones would only cost time.
const MAX_PASSWORD_BYTES: usize = 1024;

/// The admin's password, as it is given at the start.
#[derive(Clone)]
pub struct AdminPassword(String);

impl AdminPassword {
    /// Wraps the password.
    pub fn new(password: impl Into<String>) -> Self {
        Self(password.into())
    }
}

impl fmt::Debug for AdminPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminPassword(…)")
    }
}

/// The key that tokens are signed with.
#[derive(Clone)]
pub(super) struct SigningKey(Vec<u8>);

impl SigningKey {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The password as it is kept.
#[derive(Clone)]
pub(super) struct PasswordHash {
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl PasswordHash {
    /// Argon2id with the crate's parameters, those that OWASP recommends.
    fn of(password: &str, salt: Vec<u8>) -> Option<Self> {
        let mut hash = vec![0; HASH_BYTES];
        Argon2::default()
            .hash_password_into(password.as_bytes(), &salt, &mut hash)
            .ok()?;
        Some(Self { salt, hash })
    }

    /// Whether it is the password; takes as long as hashing does, right or wrong.
    pub(super) fn is_of(&self, password: &str) -> bool {
        password.len() <= MAX_PASSWORD_BYTES
            && Self::of(password, self.salt.clone()).is_some_and(|other| self.hash.ct_eq(&other.hash).into())
    }
}

/// Random bytes of the seam, as many as asked for.
pub(super) fn random_bytes(seam: &SharedSeam, count: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(count + 10);
    while bytes.len() < count {
        bytes.extend(seam.random());
    }
    bytes.truncate(count);
    bytes
}

impl GraphStore {
    /// A new database draws its key; the key outlives restarts, and so do tokens.
    pub(super) fn ensure_signing_key(&mut self) -> Result<(), HubError> {
        let key = random_bytes(&self.seam, KEY_BYTES);
        self.write(|tx, _| {
            tx.execute(
                "INSERT OR IGNORE INTO secrets (one, signing_key) VALUES (1, ?1)",
                [key],
            )?;
            Ok(())
        })
    }

    pub(super) fn signing_key(&self) -> Result<SigningKey, HubError> {
        let key = self
            .conn
            .query_row("SELECT signing_key FROM secrets", [], |row| row.get(0))?;
        Ok(SigningKey(key))
    }

    pub(super) fn password(&self) -> Result<Option<PasswordHash>, HubError> {
        password(&self.conn)
    }

    /// Makes this the admin's password. Another one than before ends every token
    /// that was given out.
    pub fn set_admin_password(&mut self, given: &AdminPassword) -> Result<(), HubError> {
        if given.0.is_empty() || given.0.len() > MAX_PASSWORD_BYTES {
            return Err(HubError::Refused {
                detail: format!("an admin password has 1 to {MAX_PASSWORD_BYTES} bytes"),
            });
        }
        let before = self.password()?;
        if before.as_ref().is_some_and(|known| known.is_of(&given.0)) {
            return Ok(());
        }
        let salt = random_bytes(&self.seam, SALT_BYTES);
        let key = random_bytes(&self.seam, KEY_BYTES);
        let Some(new) = PasswordHash::of(&given.0, salt) else {
            return Err(HubError::Damaged {
                what: "password".to_owned(),
                problem: "it can't be hashed".to_owned(),
            });
        };
        self.write(|tx, _| {
            tx.execute(
                "UPDATE secrets SET password_salt = ?1, password_hash = ?2",
                (new.salt, new.hash),
            )?;
            if before.is_some() {
                tx.execute("UPDATE secrets SET signing_key = ?1", [key])?;
            }
            Ok(())
        })
    }
}

fn password(conn: &Connection) -> Result<Option<PasswordHash>, HubError> {
    let (salt, hash): (Option<Vec<u8>>, Option<Vec<u8>>) =
        conn.query_row("SELECT password_salt, password_hash FROM secrets", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    Ok(salt.zip(hash).map(|(salt, hash)| PasswordHash { salt, hash }))
}
