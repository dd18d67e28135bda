//! `demo`: two clients and a server, on a house of their own.

use crate::args::DemoArgs;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Out;

pub(super) async fn run(args: DemoArgs, out: &Out) -> Outcome {
    run_demo(&args, out).await
}

/// Plays the demo and prints what it shows.
async fn run_demo(args: &DemoArgs, _out: &Out) -> Outcome {
    let _ = (&args.house, &args.keep);
    Err(Failure::new(
        Exit::Failed,
        "not_built",
        "the demo is not built into this version",
        "use a newer version of blowing-off",
    ))
}
