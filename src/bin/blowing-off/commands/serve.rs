//! `serve`: the reference server in the foreground.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::args::ServeArgs;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Out;
use crate::secret::{Secret, TOKEN_VARIABLE};
use crate::signals::Stop;

/// What the server is to do, read and checked.
#[allow(dead_code)]
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
    _plan: Plan,
    _announce: impl FnOnce(&str) -> Outcome,
    _stop: impl Future<Output = Outcome>,
) -> Outcome {
    Err(Failure::new(
        Exit::Failed,
        "not_built",
        "the server is not built into this version",
        "use a newer version of blowing-off",
    ))
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
