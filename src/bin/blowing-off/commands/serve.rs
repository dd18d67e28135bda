//! `serve`: the reference server in the foreground.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;

use wildthing::hub::v2::{AdminPassword, GraphOptions, GraphStore};
use wildthing::hub::{Hub, HubError, HubOptions, HubStore, ImportReport};

use crate::args::{PasswordSource, ServeArgs, ServeProtocol};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Out;
use crate::secret::{PASSWORD_VARIABLE, Secret, TOKEN_VARIABLE};
use crate::signals::Stop;

/// What the server is to do, read and checked.
struct Plan {
    listen: SocketAddr,
    patience: Duration,
    db: PathBuf,
    speaking: Speaking,
    sample: Option<u32>,
    /// Recorded houses: the file's name, for errors, and what is in it.
    imports: Vec<(PathBuf, Vec<u8>)>,
}

/// The protocol, and what only it has.
enum Speaking {
    V1 {
        auth_token: Secret,
        new_epoch: bool,
    },
    V2 {
        auth_token: Option<Secret>,
        admin_password: Option<Secret>,
    },
}

pub(super) async fn run(args: ServeArgs, out: &Out) -> Outcome {
    let token = match Secret::from_flag(args.auth_token.as_ref())? {
        Some(token) => Some(token),
        None => Secret::from_environment()?,
    };
    let speaking = match args.protocol {
        ServeProtocol::V1 => speaking_v1(&args, token)?,
        ServeProtocol::V2 => speaking_v2(&args, token)?,
    };
    let plan = Plan {
        listen: args.listen,
        patience: Duration::from_secs(args.patience.into()),
        db: args.db,
        speaking,
        sample: args.sample,
        imports: args.import.into_iter().map(read).collect::<Outcome<_>>()?,
    };
    let mut stop = Stop::listen()?;
    run_hub(plan, |url| announce(out, url), stop.requested()).await
}

fn speaking_v1(args: &ServeArgs, token: Option<Secret>) -> Outcome<Speaking> {
    if args.admin_password.is_some() {
        return Err(Failure::usage(
            "a server of v1 has no admin password",
            "leave --admin-password out, or serve with --protocol v2",
        ));
    }
    let auth_token = token.ok_or_else(|| {
        Failure::usage(
            "the server needs a token",
            format!("give one with --auth-token, or in {TOKEN_VARIABLE}"),
        )
    })?;
    Ok(Speaking::V1 {
        auth_token,
        new_epoch: args.new_epoch,
    })
}

fn speaking_v2(args: &ServeArgs, auth_token: Option<Secret>) -> Outcome<Speaking> {
    if args.new_epoch {
        return Err(Failure::usage(
            "a server of v2 has no epochs",
            "leave --new-epoch out, or serve with --protocol v1",
        ));
    }
    let admin_password = match args.admin_password {
        Some(PasswordSource::Stdin) => Some(Secret::password_from_stdin()?),
        Some(PasswordSource::Environment) | None => Secret::password_from_environment()?,
    };
    let asked_for = args.admin_password.is_some();
    if admin_password.is_none() && (asked_for || auth_token.is_none()) {
        return Err(Failure::usage(
            "the server needs a token or an admin password",
            format!(
                "give a token with --auth-token or in {TOKEN_VARIABLE}, a password in {PASSWORD_VARIABLE}"
            ),
        ));
    }
    Ok(Speaking::V2 {
        auth_token,
        admin_password,
    })
}

/// Opens the server's database, fills it as planned, listens, calls `announce`
/// with the URL, and stops gracefully when `stop` completes.
async fn run_hub(
    plan: Plan,
    announce: impl FnOnce(&str) -> Outcome,
    stop: impl Future<Output = Outcome>,
) -> Outcome {
    let (db, patience) = (Some(plan.db), plan.patience);
    match plan.speaking {
        Speaking::V1 {
            auth_token,
            new_epoch,
        } => {
            let options = HubOptions {
                listen: plan.listen,
                db,
                auth_token: Some(auth_token.reveal().into()),
                patience,
            };
            let hub = Hub::start(options).await.map_err(hub_failure)?;
            if new_epoch {
                let store = hub.store();
                let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
                store.new_epoch().map_err(hub_failure)?;
            }
            let filled = fill(&hub, plan.sample, &plan.imports);
            serve(hub, filled, announce, stop).await
        }
        Speaking::V2 {
            auth_token,
            admin_password,
        } => {
            let options = GraphOptions {
                listen: plan.listen,
                db,
                auth_token: auth_token.map(|token| token.reveal().into()),
                admin_password: admin_password.map(|password| AdminPassword::new(password.reveal())),
                patience,
            };
            let hub = Hub::start_v2(options).await.map_err(hub_failure)?;
            let filled = fill(&hub, plan.sample, &plan.imports);
            serve(hub, filled, announce, stop).await
        }
    }
}

/// Announces a hub and serves until told to stop. It was filled before: whoever
/// reads the URL finds the house.
async fn serve<S>(
    hub: Hub<S>,
    filled: Outcome,
    announce: impl FnOnce(&str) -> Outcome,
    stop: impl Future<Output = Outcome>,
) -> Outcome {
    let served = match filled.and_then(|()| announce(&hub.url())) {
        Ok(()) => stop.await,
        failed => failed,
    };
    hub.shutdown().await.map_err(hub_failure)?;
    served
}

/// A store that a house can be put into.
trait Fill {
    fn sample(&mut self, entities: usize) -> Result<usize, HubError>;
    fn recorded(&mut self, bytes: &[u8]) -> Result<ImportReport, HubError>;
}

impl Fill for HubStore {
    fn sample(&mut self, entities: usize) -> Result<usize, HubError> {
        self.load_sample(entities)
    }

    fn recorded(&mut self, bytes: &[u8]) -> Result<ImportReport, HubError> {
        self.import(bytes)
    }
}

impl Fill for GraphStore {
    fn sample(&mut self, entities: usize) -> Result<usize, HubError> {
        self.load_sample(entities)
    }

    fn recorded(&mut self, bytes: &[u8]) -> Result<ImportReport, HubError> {
        self.import(bytes)
    }
}

fn fill<S: Fill>(hub: &Hub<S>, sample: Option<u32>, imports: &[(PathBuf, Vec<u8>)]) -> Outcome {
    let store = hub.store();
    let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(entities) = sample {
        store.sample(entities as usize).map_err(hub_failure)?;
    }
    for (path, bytes) in imports {
        let report = store
            .recorded(bytes)
            .map_err(|error| import_failure(path, &error))?;
        tracing::info!(
            imported = report.imported,
            unchanged = report.unchanged,
            "imported a recorded house"
        );
    }
    Ok(())
}

fn import_failure(path: &Path, error: &HubError) -> Failure {
    Failure::new(
        Exit::Failed,
        "import",
        format!("{}: {error}", path.display()),
        "name a file that holds what was recorded of a server of this protocol; nothing of this file was taken",
    )
}

/// The hub's errors say themselves what to do.
pub(super) fn hub_failure(error: HubError) -> Failure {
    let hint = match &error {
        HubError::Listen { .. } => "choose another address with --listen, or end what listens there",
        HubError::OtherProtocol { .. } => {
            "name the database's own protocol with --protocol, or another file with --db"
        }
        HubError::NotADatabase { .. } | HubError::NotAHub { .. } => "name another file with --db",
        _ => "see the message; nothing was half done",
    };
    Failure::new(Exit::Failed, "hub", error.to_string(), hint)
}

/// The first line of stdout: programs that started the server read its URL there.
fn announce(out: &Out, url: &str) -> Outcome {
    if out.is_json() {
        return out.json_line(&serde_json::json!({"listening": url}));
    }
    out.line(&format!("listening on {url}"))
}

fn read(path: PathBuf) -> Outcome<(PathBuf, Vec<u8>)> {
    match std::fs::read(&path) {
        Ok(bytes) => Ok((path, bytes)),
        Err(error) => Err(Failure::usage(
            format!("{} can't be read: {error}", path.display()),
            "name a file that holds a recorded house",
        )),
    }
}
