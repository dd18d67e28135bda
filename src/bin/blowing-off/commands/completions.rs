//! `completions`: a script that teaches a shell the commands and flags.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::failure::Outcome;
use crate::output::Out;

pub(super) fn run(shell: Shell, out: &Out) -> Outcome {
    // Written to memory first: the generator panics when its writer fails.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "blowing-off", &mut script);
    out.line(String::from_utf8_lossy(&script).trim_end())
}
