//! What is known of the token in use, as the API tells it.

use std::fmt;

use super::records::UserRole;
use crate::model::Timestamp;

/// A token, and what is known of it.
///
/// The token is kept in memory only. An app that wants to start without asking
/// for the password again keeps it where the system keeps secrets, and gives it
/// to `connect` then. Printed,
/// a session does not show its token, in any language.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct AuthSession {
    /// What its bearer may do; `None` if nobody said.
    pub role: Option<UserRole>,
    /// When it ends, by this device's clock; `None` if it does not, or if that
    /// is not known.
    pub expires_at: Option<Timestamp>,
    /// The token itself: a secret.
    pub auth_token: String,
}

impl fmt::Debug for AuthSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthSession")
            .field("role", &self.role)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The same: languages that print a value by default must not print the token.
impl fmt::Display for AuthSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
