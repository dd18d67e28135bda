//! `login` and `logout`: a token from the server for a password or an invitation,
//! saved as `connect` saves one, and forgotten again.

use std::path::PathBuf;

use serde_json::json;
use wildthing::client::types::PendingChange;
use wildthing::client::{AuthSession, WildThingClient, WildThingError};

use crate::app::App;
use crate::args::{LoginArgs, LogoutArgs};
use crate::config::Config;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::text::{clean, moment};
use crate::secret::{Secret, TOKEN_VARIABLE};

/// How many unsent edits a refusal names.
const MAX_NAMED: usize = 5;

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
pub(super) async fn forget(mut app: App, args: LogoutArgs) -> Outcome {
    if args.wipe {
        // What can be refused comes first: then nothing is forgotten.
        app.with_client(async |client| wipe(client, args.force).await)
            .await?;
    }
    if app.config.auth_token().is_some() {
        app.config.set_token(None);
        app.config.save()?;
    }
    note_environment(&app)?;
    let left = if args.wipe {
        set_aside(&app.config)?
    } else {
        Vec::new()
    };
    for file in &left {
        app.out.note(&format!(
            "note: {} was damaged, set aside, and is still there; delete it if nothing of it is wanted",
            file.display()
        ))?;
    }
    if app.out.is_json() {
        return app.out.json(&json!({
            "logged_out": true,
            "wiped": args.wipe,
            "left": left,
            "config": app.config.path(),
        }));
    }
    app.out.line(match args.wipe {
        true => "the saved token is forgotten, and the local database is empty",
        false => "the saved token is forgotten; edits wait until there is another",
    })
}

/// Empties the replica. A refusal names what would be lost.
async fn wipe(client: &WildThingClient, force: bool) -> Outcome {
    let Err(refused) = client.reset(force).await else {
        return Ok(());
    };
    let lost = matches!(refused, WildThingError::UnsentEdits { .. });
    let mut failure = Failure::from(refused);
    if lost {
        let pending = client.pending_changes().await?;
        let names: Vec<String> = pending.iter().take(MAX_NAMED).map(named).collect();
        let more = pending.len().saturating_sub(names.len());
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        failure.message = clean(&format!("{}: {}{more}", failure.message, names.join(", ")));
    }
    Err(failure)
}

fn named(change: &PendingChange) -> String {
    let name = change.name.as_deref().unwrap_or(change.id.as_str());
    format!("{} of {} {name:?}", change.operation.as_str(), change.kind)
}

/// The damaged files that were set aside beside the database.
fn set_aside(config: &Config) -> Outcome<Vec<PathBuf>> {
    let database = config.database();
    let (Some(folder), Some(name)) = (database.parent(), database.file_name()) else {
        return Ok(Vec::new());
    };
    let begin = format!("{}.damaged-", name.to_string_lossy());
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let entries = entries.map_err(|error| {
        Failure::new(
            Exit::Failed,
            "storage",
            format!("{} can't be listed: {error}", folder.display()),
            "look there for files that were set aside",
        )
    })?;
    let names = entries.iter().map(|entry| entry.file_name());
    let mut found: Vec<PathBuf> = names
        .filter(|name| name.to_string_lossy().starts_with(&begin))
        .map(|name| folder.join(name))
        .collect();
    found.sort();
    Ok(found)
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
