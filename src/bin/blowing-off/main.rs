//! The `blowing-off` command: a house in the shell.
//!
//! Here the command line is read, one command is run and its outcome becomes
//! an exit code. `args` says what can be asked, `commands` does it through
//! `wildthing::client`, `output` prints it. Nothing here knows of SQL or HTTP.

mod app;
mod args;
mod commands;
mod config;
mod failure;
mod ids;
mod key;
mod output;
mod secret;
mod signals;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::args::Cli;
use crate::failure::{Exit, Failure};
use crate::output::Out;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let out = Out::new(cli.global.json);
    if cli.global.echo || std::env::var_os("RUST_LOG").is_some() {
        output::log::start(cli.global.echo);
    }
    match commands::run(cli, out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            out.failure(&failure);
            ExitCode::from(failure.exit as u8)
        }
    }
}

/// Prints what clap says: help and version as asked, anything else as a usage error.
fn refuse(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // A reader that went away has read enough of the help.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    // The command line could not be read, so the flag is looked for by hand.
    let json = std::env::args_os()
        .take_while(|argument| argument != "--")
        .any(|argument| argument == "--json");
    if json {
        Out::new(true).failure(&usage(error));
    } else {
        let _ = error.print();
    }
    ExitCode::from(Exit::Usage as u8)
}

/// A usage error of clap as one of ours: the first paragraph is what is wrong,
/// the rest is how it should be.
fn usage(error: &clap::Error) -> Failure {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Failure::usage(
            "a command is missing",
            "run `blowing-off --help` to see the commands",
        );
    }
    let text = error.render().to_string();
    let text = text.trim().strip_prefix("error: ").unwrap_or(text.trim());
    let (message, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let hint = match one_line(rest) {
        hint if hint.is_empty() => "run the command with --help".to_owned(),
        hint => hint,
    };
    Failure::usage(one_line(message), hint)
}
