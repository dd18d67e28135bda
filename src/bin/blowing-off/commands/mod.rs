//! One file a command, or a group of commands that belong together.
//!
//! A command takes its flags, asks the client, and prints. `show` and `patch`
//! hold what several of them share.

mod care;
mod completions;
mod conflicts;
mod connect;
mod daemon;
mod demo;
mod device;
mod entity;
mod event;
mod house;
mod login;
mod patch;
mod rekey;
mod relation;
mod room;
mod serve;
mod show;
mod status;
mod sync;
mod user;
mod watch;

use crate::app::{App, block_on};
use crate::args::{Cli, Command};
use crate::failure::Outcome;
use crate::output::Out;

/// Runs one command to its end.
pub(crate) fn run(cli: Cli, out: Out) -> Outcome {
    let app = || App::new(&cli.global, out);
    match cli.command {
        Command::Completions { shell } => completions::run(shell, &out),
        Command::Serve(args) => block_on(serve::run(args, &out)),
        Command::Demo(args) => block_on(demo::run(args, &out)),
        Command::Connect(args) => block_on(connect::run(app()?, args)),
        Command::Login(args) => block_on(login::run(app()?, args)),
        Command::Logout(args) => block_on(login::forget(app()?, args)),
        Command::Sync => block_on(sync::run(app()?)),
        Command::SyncDaemon(args) => block_on(daemon::run(app()?, args)),
        Command::Status => block_on(status::run(app()?)),
        Command::House(command) => block_on(house::run(app()?, command)),
        Command::Room(command) => block_on(room::run(app()?, command)),
        Command::Device(command) => block_on(device::run(app()?, command)),
        Command::User(command) => block_on(user::run(app()?, command)),
        Command::Event(command) => block_on(event::run(app()?, command)),
        Command::Entity(command) => block_on(entity::run(app()?, command)),
        Command::Relation(command) => block_on(relation::run(app()?, command)),
        Command::Search(args) => block_on(entity::search(app()?, args)),
        Command::Path(args) => block_on(relation::path(app()?, args)),
        Command::Watch => block_on(watch::run(app()?)),
        Command::Pending => block_on(care::pending(app()?)),
        Command::Explain(args) => block_on(care::explain(app()?, args)),
        Command::Conflicts(command) => block_on(conflicts::run(app()?, command)),
        Command::Retry(args) => block_on(care::retry(app()?, args)),
        Command::Discard(args) => block_on(care::discard(app()?, args)),
        Command::Reset(args) => block_on(care::reset(app()?, args)),
        Command::Rekey(args) => block_on(rekey::run(app()?, args)),
    }
}
