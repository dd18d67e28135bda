//! `connect`: saves the server, the token and whom to trust, then asks the server whether it takes them.

use std::path::Path;

use serde_json::json;
use wildthing::client::ConnectOptions;
use wildthing::protocol::Protocol;

use crate::app::App;
use crate::args::ConnectArgs;
use crate::config::Config;
use crate::failure::{Exit, Failure, Outcome};
use crate::secret::{Secret, TOKEN_VARIABLE};

pub(super) async fn run(mut app: App, args: ConnectArgs) -> Outcome {
    let server_url = server_url(&app.config, args.server_url.as_deref())?;
    let given = Secret::from_flag(args.auth_token.as_ref())?;
    let flag_given = given.is_some();
    let environment = Secret::from_environment()?;
    if flag_given && environment.is_some() && environment != given {
        app.out.note(&format!(
            "note: while {TOKEN_VARIABLE} is set, other commands use it instead of the token saved now"
        ))?;
    }
    let token = given
        .or(environment)
        .or_else(|| saved_token(&app.config, &server_url));
    let (root_certificate, pin) = trust(&app.config, &args, &server_url)?;
    let protocol = match args.protocol {
        Some(named) => Some(Protocol::from(named)),
        None => app
            .config
            .protocol()
            .filter(|_| is_saved(&app.config, &server_url)),
    };
    let allow_plain_http =
        args.allow_plain_http || (app.config.allow_plain_http() && is_saved(&app.config, &server_url));
    let options = ConnectOptions {
        client_id: app.config.client_id().map(str::to_owned),
        protocol,
        rebind: args.rebind,
        root_certificate_pem: root_certificate.clone(),
        pinned_certificate_sha256: pin.clone(),
        allow_plain_http,
        ..ConnectOptions::default()
    };

    let (client_id, probed) = app
        .with_client(async |client| {
            let told = Secret::told(token.as_ref());
            client.connect(server_url.clone(), told, Some(options)).await?;
            let client_id = client.client_id().await?;
            let mut config = app.config.clone();
            config.set_server(&server_url, token.as_ref());
            config.set_trust(root_certificate.as_deref(), pin.as_deref());
            config.set_allow_plain_http(allow_plain_http);
            config.set_client_id(&client_id);
            config.set_protocol(protocol);
            // Saved before the server is asked: it may be away, and then come back.
            config.save()?;
            Ok((client_id, client.probe().await))
        })
        .await?;
    if let Err(error) = probed {
        return Err(unproven(error.into(), &app.config));
    }

    if app.out.is_json() {
        app.config = Config::load(app.config.path())?;
        return app.out.json(&json!({
            "connected": true,
            "server_url": server_url,
            "client_id": client_id,
            "config": app.config.path(),
            "db_path": app.config.database(),
        }));
    }
    app.out.line(&format!(
        "connected to {server_url}; `blowing-off sync` fetches the house"
    ))
}

fn server_url(config: &Config, flag: Option<&str>) -> Outcome<String> {
    flag.or(config.server_url()).map(str::to_owned).ok_or_else(|| {
        Failure::usage(
            "there is no server yet",
            "run `blowing-off connect --server-url URL --auth-token TOKEN`",
        )
    })
}

/// The saved token is for the saved server; another one must not see it.
fn saved_token(config: &Config, server_url: &str) -> Option<Secret> {
    config.auth_token().filter(|_| is_saved(config, server_url))
}

fn is_saved(config: &Config, server_url: &str) -> bool {
    config.server_url().map(|saved| saved.trim_end_matches('/')) == Some(server_url.trim_end_matches('/'))
}

/// The root certificate and the pin: given now, or else saved for this server.
fn trust(config: &Config, args: &ConnectArgs, server_url: &str) -> Outcome<(Option<String>, Option<String>)> {
    let root_certificate = args
        .root_certificate
        .as_deref()
        .map(certificate_file)
        .transpose()?;
    if root_certificate.is_some() || args.pin.is_some() {
        return Ok((root_certificate, args.pin.clone()));
    }
    if args.system_trust || !is_saved(config, server_url) {
        return Ok((None, None));
    }
    let saved = |text: Option<&str>| text.map(str::to_owned);
    Ok((saved(config.root_certificate()), saved(config.pin())))
}

fn certificate_file(path: &Path) -> Outcome<String> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(
            format!("{} can't be read: {error}", path.display()),
            "name a file that holds a root certificate in PEM",
        )
    })
}

/// The server could not be tried, but everything is in place for when it can.
fn unproven(failure: Failure, config: &Config) -> Failure {
    let path = config.path().display();
    let hint = match failure.exit {
        Exit::Offline => format!(
            "the server is saved in {path}; everything but syncing works meanwhile, \
             and `blowing-off sync` tries again"
        ),
        Exit::NeedsAuth => format!(
            "the server is saved in {path}; run `blowing-off connect --auth-token TOKEN` with the right token, \
             or `blowing-off login`"
        ),
        _ => format!("the server is saved in {path}; check that its URL is that of a Goodies server"),
    };
    failure.with_hint(hint)
}
