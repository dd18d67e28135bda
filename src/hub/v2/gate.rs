//! Who may pass: bearer tokens, and what their roles may do.
//!
//! A signed token is checked before a body is read; whether a guest was revoked
//! meanwhile is asked of the store, in the call that does the work.

use std::net::IpAddr;
use std::sync::Mutex;

use axum::http::{HeaderMap, StatusCode};

use crate::hub::HubError;
use crate::hub::auth::{AuthToken, Denied, bearer};
use crate::hub::http::{Problem, lock};
use crate::model::Timestamp;
use crate::protocol::v2::{Me, Role, TokenAnswer};

use super::guests::{GUEST_PERMISSIONS, Guest};
use super::limiter::Limiter;
use super::secrets::{PasswordHash, SigningKey};
use super::store::GraphStore;
use super::tokens::{Claims, seconds, sign, verify};

/// For how long an admin's token is good: a week.
const ADMIN_SECONDS: i64 = 604_800;
/// For how long a guest's is at most: an hour.
const GUEST_SECONDS: i64 = 3_600;
const ADMIN: &str = "admin";
const ADMIN_PERMISSIONS: [&str; 4] = ["read", "write", "delete", "configure"];

/// What the hub knows tokens and passwords by.
pub(super) struct Gate {
    /// A token that is set at the start and means the admin.
    fixed: Option<AuthToken>,
    key: SigningKey,
    password: Option<PasswordHash>,
    logins: Mutex<Limiter>,
    pub(super) invitations: Mutex<Limiter>,
}

/// Somebody with a good token.
pub(super) struct Caller {
    pub(super) user_id: String,
    pub(super) role: Role,
    expires: Option<i64>,
    guest: Option<String>,
}

impl Gate {
    /// What `store` knows secrets by, and the token that it does not know.
    pub(super) fn of(store: &GraphStore, fixed: Option<AuthToken>) -> Result<Self, HubError> {
        Ok(Self {
            fixed,
            key: store.signing_key()?,
            password: store.password()?,
            logins: Mutex::default(),
            invitations: Mutex::default(),
        })
    }

    /// Who sends these headers.
    pub(super) fn caller(&self, headers: &HeaderMap, now: Timestamp) -> Result<Caller, Problem> {
        let token = bearer(headers).ok_or(Denied::Missing)?;
        if self.fixed.as_ref().is_some_and(|fixed| fixed.matches(token)) {
            return Ok(Caller {
                user_id: ADMIN.to_owned(),
                role: Role::Admin,
                expires: None,
                guest: None,
            });
        }
        let claims = verify(&self.key, token, now).ok_or(Denied::Wrong)?;
        Ok(Caller {
            user_id: claims.user_id,
            role: claims.role,
            expires: Some(claims.expires),
            guest: claims.guest,
        })
    }

    /// A token for the admin who knows the password. Hashing takes its time:
    /// not for async threads.
    pub(super) fn log_in(
        &self,
        address: IpAddr,
        password: &str,
        now: Timestamp,
    ) -> Result<TokenAnswer, Problem> {
        let Some(known) = &self.password else {
            let detail = "This hub has no admin password, use its token";
            return Err(Problem::status(StatusCode::FORBIDDEN, detail));
        };
        guess(&self.logins, address, now)?;
        if !known.is_of(password) {
            return Err(Problem::status(StatusCode::UNAUTHORIZED, "Invalid password"));
        }
        lock(&self.logins).forgive(address);
        self.admin_token(now)
    }

    /// A fresh token for an admin.
    pub(super) fn admin_token(&self, now: Timestamp) -> Result<TokenAnswer, Problem> {
        let claims = Claims {
            user_id: ADMIN.to_owned(),
            role: Role::Admin,
            expires: seconds(now) + ADMIN_SECONDS,
            guest: None,
        };
        self.answer(claims, now)
    }

    /// A token for a guest, which ends with the code at the latest.
    pub(super) fn guest_token(&self, guest: &Guest, now: Timestamp) -> Result<TokenAnswer, Problem> {
        let claims = Claims {
            user_id: format!("guest_{}", guest.shown),
            role: Role::Guest,
            expires: (seconds(now) + GUEST_SECONDS).min(seconds(guest.expires)),
            guest: Some(guest.token_hash.clone()),
        };
        self.answer(claims, now)
    }

    fn answer(&self, claims: Claims, now: Timestamp) -> Result<TokenAnswer, Problem> {
        let signed = sign(&self.key, &claims, now);
        let access_token = signed
            .ok_or_else(|| Problem::status(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"))?;
        Ok(TokenAnswer {
            access_token,
            expires_in: u64::try_from(claims.expires - seconds(now)).unwrap_or(0),
            role: claims.role,
        })
    }
}

/// Lets a guess at a secret pass, or says how long to wait.
pub(super) fn guess(limiter: &Mutex<Limiter>, address: IpAddr, now: Timestamp) -> Result<(), Problem> {
    lock(limiter).guess(address, now).map_err(|wait| {
        let detail = format!("Too many attempts. Try again in {wait} seconds.");
        Problem::status(StatusCode::TOO_MANY_REQUESTS, &detail).after(wait)
    })
}

impl Caller {
    /// Ends here for a guest whose invitation was revoked. FunkyGibbon goes on
    /// taking a revoked guest's token until it expires.
    pub(super) fn still_invited(&self, store: &GraphStore) -> Result<(), Problem> {
        let gone = |error: HubError| Problem::from(error);
        match &self.guest {
            Some(token_hash) if store.guest(token_hash).map_err(gone)?.is_none() => Err(Denied::Wrong.into()),
            _ => Ok(()),
        }
    }

    /// Only for those who may change the house. FunkyGibbon lets guests write,
    /// though it tells them that they may read.
    pub(super) fn may_write(&self) -> Result<(), Problem> {
        match self.role {
            Role::Admin => Ok(()),
            _ => Err(Problem::status(
                StatusCode::FORBIDDEN,
                "Guests may not change the house",
            )),
        }
    }

    /// Only for admins, with the words for others.
    pub(super) fn is_admin(&self, otherwise: &str) -> Result<(), Problem> {
        match self.role {
            Role::Admin => Ok(()),
            _ => Err(Problem::status(StatusCode::FORBIDDEN, otherwise)),
        }
    }

    /// Whose token it is, as the caller is told.
    pub(super) fn me(&self) -> Me {
        let permissions: &[&str] = match self.role {
            Role::Admin => &ADMIN_PERMISSIONS,
            _ => &GUEST_PERMISSIONS,
        };
        Me {
            user_id: self.user_id.clone(),
            role: self.role.clone(),
            permissions: permissions.iter().map(|word| (*word).to_owned()).collect(),
            expires_at: self.expires.and_then(|expires| u64::try_from(expires).ok()),
        }
    }
}
