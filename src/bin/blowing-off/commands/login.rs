//! `login` and `logout`: a token from the server for a password or an invitation,
//! saved as `connect` saves one, and forgotten again.

use serde_json::json;
use wildthing::client::AuthSession;

use crate::app::App;
use crate::args::LoginArgs;
use crate::config::Config;
use crate::failure::Outcome;
use crate::output::text::{clean, moment};
use crate::secret::{Secret, TOKEN_VARIABLE};

pub(super) async fn run(app: App, args: LoginArgs) -> Outcome {
    // Without a server there is no reason to ask for a password.
    if app.config.server_url().is_none() {
        return Err(wildthing::client::WildThingError::NotConnected.into());
    }
    let secret = if args.guest_qr_stdin {
        Secret::text_from_stdin()?
    } else if args.password_stdin {
        Secret::password_from_stdin()?
    } else {
        Secret::password_from_terminal()?
    };
    let session = app
        .with_client(async |client| {
            app.connect_with(client, None).await?;
            let secret = secret.reveal().to_owned();
            let session = match args.guest_qr_stdin {
                true => client.login_guest(secret).await?,
                false => client.login(secret).await?,
            };
            // Read again: connecting may have saved the client's name.
            let mut config = Config::load(app.config.path())?;
            config.set_token(Some(&Secret::from(session.auth_token.as_str())));
            config.save()?;
            Ok(session)
        })
        .await?;
    note_environment(&app)?;
    if app.out.is_json() {
        return app.out.json(&json!({
            "logged_in": true,
            "server_url": app.config.server_url(),
            "role": session.role,
            "expires_at": session.expires_at,
            "config": app.config.path(),
        }));
    }
    app.out.line(&clean(&welcome(&session)))
}

/// `logout`.
pub(super) fn forget(mut app: App) -> Outcome {
    if app.config.auth_token().is_some() {
        app.config.set_token(None);
        app.config.save()?;
    }
    note_environment(&app)?;
    if app.out.is_json() {
        return app
            .out
            .json(&json!({"logged_out": true, "config": app.config.path()}));
    }
    app.out
        .line("the saved token is forgotten; edits wait until there is another")
}

/// Whoever has a token in the environment as well should know which one is used.
fn note_environment(app: &App) -> Outcome {
    if Secret::from_environment()?.is_none() {
        return Ok(());
    }
    app.out.note(&format!(
        "note: while {TOKEN_VARIABLE} is set, other commands use it instead of a saved token"
    ))
}

fn welcome(session: &AuthSession) -> String {
    let role = session.role.as_ref().map_or("", |role| role.as_str());
    let mut text = match role {
        "" => "logged in".to_owned(),
        role => format!("logged in as {role}"),
    };
    if session.expires_at.is_some() {
        text.push_str(&format!(", until {}", moment(session.expires_at)));
    }
    text.push_str("; `blowing-off sync` fetches the house");
    text
}
