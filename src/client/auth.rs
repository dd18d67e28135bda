//! Signing in to a server that gives tokens, and what is known of the token in use.

use std::sync::Arc;

use super::auth_types::AuthSession;
use super::core::Core;
use super::tokens::Door;
use super::{Result, WildThingClient, WildThingError};
use crate::protocol::ProtocolError;
use crate::protocol::v2::{GuestTokenRequest, LoginRequest, QrData};

#[uniffi::export]
impl WildThingClient {
    /// Asks the server for an admin's token, and uses it from then on, as
    /// [`WildThingClient::set_auth_token`] does. The password is kept nowhere.
    ///
    /// As long as the client is used at times, its syncs exchange the token for a
    /// fresh one before it ends: in its last day if it lasts a week or more, else
    /// in the last tenth of its life. So what
    /// [`WildThingClient::auth_session`] says after a sync may be another token
    /// than before.
    ///
    /// Fails with `NotConnected`, `Invalid` if there is no password, `WrongPassword`,
    /// `RateLimited` after too many wrong ones, `Offline`, `Server`, `Protocol` if
    /// the server has no logins, `Paused`, or `Cancelled` if another server was
    /// connected to meanwhile. The earlier token then stays in use.
    pub async fn login(&self, password: String) -> Result<AuthSession> {
        if password.is_empty() {
            return Err(invalid("password", "is empty"));
        }
        let request = LoginRequest { password };
        self.signed_in(async move |core| {
            core.sign_in(Door::Admin, request.encode(), &request.password)
                .await
        })
        .await
    }

    /// Asks the server for a guest's token, with the text of a scanned invitation,
    /// and uses it from then on. The text is a JSON object: `"type": "guest_access"`,
    /// without which it is no invitation, `server`, `port` and `token`, and perhaps
    /// `expires` and `permissions`; the `token` alone is sent. The token that comes
    /// back lasts about an hour and is not refreshed: scan again, or keep the text
    /// and give it here again while the invitation is good.
    ///
    /// It is the server that is connected to which is asked, also if the
    /// invitation names another: what is written in a picture does not decide
    /// where the house's data goes.
    ///
    /// Fails with `NotConnected`, `Invalid` if the text is no invitation,
    /// `NotAllowed` if it is not good (any more), `RateLimited`, `Offline`,
    /// `Server`, `Protocol`, `Paused` or `Cancelled`, like
    /// [`WildThingClient::login`].
    pub async fn login_guest(&self, qr_data: String) -> Result<AuthSession> {
        let invitation = QrData::decode(qr_data.as_bytes()).map_err(|error| no_invitation(&error))?;
        let request = GuestTokenRequest {
            token: invitation.token,
        };
        self.signed_in(async move |core| core.sign_in(Door::Guest, request.encode(), &request.token).await)
            .await
    }

    /// Exchanges the token in use for a fresh one. Syncs do it by themselves in
    /// time; this is for an app that wants to be sure before a long journey.
    ///
    /// Fails with `NotConnected`, `NeedsAuth` if the token is not good (any more),
    /// `NotAllowed` for guests, `RateLimited`, `Offline`, `Server`, `Protocol` if
    /// the server gives no tokens, `Paused`, or `Cancelled` if another token was
    /// given meanwhile. The earlier token then stays in use.
    pub async fn refresh_session(&self) -> Result<AuthSession> {
        self.signed_in(async |core| core.refresh().await).await
    }

    /// The token in use and what is known of it; `None` if none is. Of a token
    /// given to [`WildThingClient::connect`] or
    /// [`WildThingClient::set_auth_token`] that is known which it says of itself.
    pub fn auth_session(&self) -> Option<AuthSession> {
        self.inner.core.link.session()
    }
}

impl WildThingClient {
    /// Does what brings a token, on the client's own threads and to its end: a
    /// caller that stops waiting does not leave it half done. Who waits for a
    /// token goes on.
    async fn signed_in<F>(&self, work: impl FnOnce(Arc<Core>) -> F + Send + 'static) -> Result<AuthSession>
    where
        F: Future<Output = Result<AuthSession>> + Send + 'static,
    {
        self.inner.ready()?;
        let core = Arc::clone(&self.inner.core);
        let task = self.inner.handle.spawn(async move {
            let session = work(Arc::clone(&core)).await?;
            core.hints.token_given();
            Ok(session)
        });
        task.await.unwrap_or(Err(WildThingError::Cancelled))
    }
}

fn invalid(field: &str, problem: impl ToString) -> WildThingError {
    WildThingError::Invalid {
        field: field.to_owned(),
        problem: problem.to_string(),
    }
}

/// Without what was found: it may be the token.
fn no_invitation(error: &ProtocolError) -> WildThingError {
    let problem = match error {
        ProtocolError::Field { path, expected, .. } if path.is_empty() => {
            format!("is no invitation: it is not {expected}")
        }
        ProtocolError::Field { path, expected, .. } => {
            format!("is no invitation: its {path} is not {expected}")
        }
        other => format!("is no invitation: {other}"),
    };
    invalid("qr_data", problem)
}
