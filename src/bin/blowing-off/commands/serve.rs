//! `serve`: the reference server in the foreground.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use wildthing::hub::{Hub, HubError, HubOptions};

use crate::args::ServeArgs;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Out;
use crate::secret::{Secret, TOKEN_VARIABLE};
use crate::signals::Stop;

/// What the server is to do, read and checked.
struct Plan {
    listen: SocketAddr,
    db: PathBuf,
    auth_token: Secret,
    sample: Option<u32>,
    /// Recorded houses: the file's name, for errors, and what is in it.
    imports: Vec<(PathBuf, Vec<u8>)>,
    new_epoch: bool,
}

pub(super) async fn run(args: ServeArgs, out: &Out) -> Outcome {
    let token = match Secret::from_flag(args.auth_token.as_ref())? {
        Some(token) => Some(token),
        None => Secret::from_environment()?,
    };
    let auth_token = token.ok_or_else(|| {
        Failure::usage(
            "the server needs a token",
            format!("give one with --auth-token, or in {TOKEN_VARIABLE}"),
        )
    })?;
    let plan = Plan {
        listen: args.listen,
        db: args.db,
        auth_token,
        sample: args.sample,
        imports: args.import.into_iter().map(read).collect::<Outcome<_>>()?,
        new_epoch: args.new_epoch,
    };
    let mut stop = Stop::listen()?;
    run_hub(plan, |url| announce(out, url), stop.requested()).await
}

/// Opens the server's database, fills it as planned, listens, calls `announce`
/// with the URL, and stops gracefully when `stop` completes.
async fn run_hub(
    plan: Plan,
    announce: impl FnOnce(&str) -> Outcome,
    stop: impl Future<Output = Outcome>,
) -> Outcome {
    let options = HubOptions {
        listen: plan.listen,
        db: Some(plan.db),
        auth_token: Some(plan.auth_token.reveal().into()),
    };
    let hub = Hub::start(options).await.map_err(hub_failure)?;
    // Filled before it is announced: whoever reads the URL finds the house.
    let filled = fill(&hub, plan.new_epoch, plan.sample, &plan.imports);
    let served = match filled.and_then(|()| announce(&hub.url())) {
        Ok(()) => stop.await,
        failed => failed,
    };
    hub.shutdown().await.map_err(hub_failure)?;
    served
}

fn fill(hub: &Hub, new_epoch: bool, sample: Option<u32>, imports: &[(PathBuf, Vec<u8>)]) -> Outcome {
    let store = hub.store();
    let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
    if new_epoch {
        store.new_epoch().map_err(hub_failure)?;
    }
    if let Some(entities) = sample {
        store.load_sample(entities as usize).map_err(hub_failure)?;
    }
    for (path, bytes) in imports {
        let report = store
            .import(bytes)
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
        "name a file that holds a recorded sync_delta message; nothing of this file was taken",
    )
}

/// The hub's errors say themselves what to do.
pub(super) fn hub_failure(error: HubError) -> Failure {
    let hint = match &error {
        HubError::Listen { .. } => "choose another address with --listen, or end what listens there",
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
            "name a file that holds a recorded sync_delta message",
        )),
    }
}
