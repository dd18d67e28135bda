//! The command line: every command and flag, and the words of `--help`.
//!
//! The flags of houses, rooms, devices, users and events are in `things`, those
//! those of the graph in `graph`, those
//! that care for edits and conflicts in `care`; how values are read is in `values`.

pub(crate) mod care;
pub(crate) mod graph;
pub(crate) mod things;
pub(crate) mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use wildthing::protocol::Protocol;

use crate::secret::Secret;
use care::{ConflictsCommand, DiscardArgs, ExplainArgs, ResetArgs, RetryArgs};
use graph::{EntityCommand, PathArgs, RelationCommand, SearchArgs};
use things::{DeviceCommand, EventCommand, HouseCommand, RoomCommand, UserCommand};

const AFTER_HELP: &str = "\
Examples:
  blowing-off connect --server-url http://localhost:8000 --auth-token your-token-here
  blowing-off login                      # where the server gives tokens for a password
  blowing-off sync
  blowing-off room list
  blowing-off device set-state device-123 '{\"power\": \"on\", \"brightness\": 80}'
  blowing-off room create --house-id house-1 --name \"Living Room\" --floor 0 --type living_room
  blowing-off device list --json | jq -r '.[].name'

Ids:
  Wherever an id is wanted, a prefix of it or a name will do, as long as it fits
  one record only.

Output:
  On a terminal, lists are tables with shortened ids. Elsewhere they are
  tab-separated lines with full ids and no header, and single records are lines of
  field, tab, value; tabs and newlines in values become spaces. --json prints JSON: objects, arrays for lists, one
  object a line for `watch` and `sync-daemon`. Times are UTC.

Files and environment:
  .blowing-off.json          server, token and database; made by `connect`. Without
                             it everything but syncing works, on blowing-off.db
  BLOWING_OFF_KEY            key of an encrypted database, 64 hexadecimal digits; else
                             it is in --key-file, or in the config's key_file
  BLOWING_OFF_AUTH_TOKEN     token for this run, instead of the saved one
  BLOWING_OFF_ADMIN_PASSWORD the admin's password, for `serve --protocol v2`
  NO_COLOR                   no colours on the terminal

Exit codes:
  0 done   1 failed   2 usage   3 offline   4 token or password refused   5 unsent edits at risk";

/// Your smart home in the shell: works offline, syncs when it can.
///
/// Everything you see and change is in a local database. `sync` exchanges
/// changes with the server; until then edits wait, and none is lost.
#[derive(Debug, Parser)]
#[command(name = "blowing-off", version, after_help = AFTER_HELP, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The config file to use [default: .blowing-off.json in the working directory]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print JSON, on stdout as on stderr
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Log every SQL statement to stderr
    #[arg(long, global = true)]
    pub(crate) echo: bool,
    /// The file with the key of an encrypted database: 32 bytes or 64 hexadecimal digits
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Save a server and its token, and try them
    Connect(ConnectArgs),
    /// Get a token from the server for a password or an invitation, and save it
    Login(LoginArgs),
    /// Forget the saved token, and the house with it if asked to
    Logout(LogoutArgs),
    /// Exchange changes with the server once
    Sync,
    /// Keep syncing until stopped (Ctrl-C or SIGTERM)
    SyncDaemon(DaemonArgs),
    /// Show the server, the last sync and what waits to be sent
    Status,
    /// Show and change houses
    #[command(subcommand)]
    House(HouseCommand),
    /// Show and change rooms
    #[command(subcommand)]
    Room(RoomCommand),
    /// Show, change and operate devices
    #[command(subcommand)]
    Device(DeviceCommand),
    /// Show and change users
    #[command(subcommand)]
    User(UserCommand),
    /// Log events and list them
    #[command(subcommand)]
    Event(EventCommand),
    /// Show and change anything in the house, of any type
    #[command(subcommand)]
    Entity(EntityCommand),
    /// Show and change how things are connected (needs a server that speaks v2)
    #[command(subcommand)]
    Relation(RelationCommand),
    /// Find things by words of their names and contents
    Search(SearchArgs),
    /// Show how one thing is connected to another
    Path(PathArgs),
    /// Print changes as they happen, also those of other processes
    Watch,
    /// List the edits that the server has not got
    Pending,
    /// Tell everything known about a record and its edits
    Explain(ExplainArgs),
    /// List, restore or dismiss edits that lost a conflict
    #[command(subcommand)]
    Conflicts(ConflictsCommand),
    /// Queue edits that the server refused again
    Retry(RetryArgs),
    /// Drop the unsent edit of a record; it stays restorable as a conflict
    Discard(DiscardArgs),
    /// Empty the local database
    Reset(ResetArgs),
    /// Encrypt the local database, change its key, or take the encryption off
    Rekey(RekeyArgs),
    /// Run the reference server
    Serve(ServeArgs),
    /// Show two clients and a server sync a house, with conflicts and crashes
    Demo(DemoArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// `rekey`.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct RekeyArgs {
    /// The file with the key from now on, 32 bytes or 64 hexadecimal digits; the config
    /// remembers where it is
    #[arg(long, value_name = "FILE")]
    pub(crate) new_key_file: Option<PathBuf>,
    /// Take the encryption off
    #[arg(long)]
    pub(crate) remove: bool,
}

/// `connect`.
#[derive(Debug, Args)]
pub(crate) struct ConnectArgs {
    /// Address of the server, for example http://localhost:8000 [default: the saved one]
    #[arg(long, value_name = "URL")]
    pub(crate) server_url: Option<String>,
    /// The token; `-` reads one line of stdin [default: $BLOWING_OFF_AUTH_TOKEN, else the saved one]
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true, value_parser = values::secret)]
    pub(crate) auth_token: Option<Secret>,
    /// Move a database that was synced with another server to this one; unsent edits are kept
    #[arg(long)]
    pub(crate) rebind: bool,
    /// Trust what this root certificate (PEM) vouches for, beside the system's; a copy is saved
    #[arg(long, value_name = "FILE")]
    pub(crate) root_certificate: Option<PathBuf>,
    /// Trust exactly the server certificate with this SHA-256, whoever issued it, and no other
    #[arg(long, value_name = "SHA256")]
    pub(crate) pin: Option<String>,
    /// Forget the saved --root-certificate and --pin of this server
    #[arg(long, conflicts_with_all = ["root_certificate", "pin"])]
    pub(crate) system_trust: bool,
    /// Allow http:// to a server outside of the house's own network: everybody on the way can read along
    #[arg(long)]
    pub(crate) allow_plain_http: bool,
    /// What the server speaks; `auto` asks it at the first sync [default: the saved one, else auto]
    #[arg(long, value_name = "PROTOCOL", value_enum)]
    pub(crate) protocol: Option<ClientProtocol>,
}

/// What a server is taken to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ClientProtocol {
    /// Ask it
    Auto,
    /// Records of six kinds
    V1,
    /// A graph
    V2,
}

impl From<ClientProtocol> for Protocol {
    fn from(protocol: ClientProtocol) -> Self {
        match protocol {
            ClientProtocol::Auto => Protocol::Auto,
            ClientProtocol::V1 => Protocol::V1,
            ClientProtocol::V2 => Protocol::V2,
        }
    }
}

/// `login`. Secrets are never on the command line itself: that is seen by all.
#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    /// Read the admin's password from the first line of stdin instead of asking for it
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Come as a guest: read the text of a scanned invitation from stdin
    #[arg(long, conflicts_with = "password_stdin")]
    pub(crate) guest_qr_stdin: bool,
}

/// `logout`.
#[derive(Debug, Args)]
pub(crate) struct LogoutArgs {
    /// Empty the local database too, unless the server has not got everything in it
    #[arg(long)]
    pub(crate) wipe: bool,
    /// Even if unsent edits are lost
    #[arg(long, requires = "wipe")]
    pub(crate) force: bool,
}

/// `sync-daemon`.
#[derive(Debug, Args)]
pub(crate) struct DaemonArgs {
    /// Seconds between syncs
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) interval: u64,
}

/// `serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8000")]
    pub(crate) listen: std::net::SocketAddr,
    /// The server's database file; made if it is not there
    #[arg(long, value_name = "FILE", default_value = "hub.db")]
    pub(crate) db: PathBuf,
    /// The token clients must give; `-` reads one line of stdin [default: $BLOWING_OFF_AUTH_TOKEN]
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true, value_parser = values::secret)]
    pub(crate) auth_token: Option<Secret>,
    /// The protocol to speak; a database keeps the one it was made with
    #[arg(long, value_enum, default_value_t = ServeProtocol::V1)]
    pub(crate) protocol: ServeProtocol,
    /// Where the admin's password is (v2 only): `-` reads one line of stdin, `env` is
    /// $BLOWING_OFF_ADMIN_PASSWORD, which is also looked at without this option
    #[arg(long, value_name = "WHERE", value_enum, allow_hyphen_values = true)]
    pub(crate) admin_password: Option<PasswordSource>,
    /// First make a sample house of exactly N entities (at least 3), if the server has none yet
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(3..=1_000_000))]
    pub(crate) sample: Option<u32>,
    /// First load a recorded house (v1: a sync_delta message; v2: the answer to a full
    /// sync, then the listing of relationships); may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) import: Vec<PathBuf>,
    /// Make every client fetch the whole house again (v1 only)
    #[arg(long)]
    pub(crate) new_epoch: bool,
    /// Hang up on who keeps the server waiting for so many seconds: with a request, with
    /// the next one on the same connection, or by not reading the answer
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub(crate) patience: u32,
}

/// What a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ServeProtocol {
    /// The five-step protocol over typed records
    V1,
    /// The graph protocol, as FunkyGibbon 0.3 speaks it
    V2,
}

/// Where a password is read. Never from the command line itself: that is seen by all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum PasswordSource {
    /// One line of stdin, after the token's if that is there too
    #[value(name = "-")]
    Stdin,
    /// The environment
    #[value(name = "env")]
    Environment,
}

/// `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Use this recorded house instead of a sample of 300 entities
    #[arg(long, value_name = "FILE")]
    pub(crate) house: Option<PathBuf>,
    /// Leave the three databases in this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_flag_says_what_it_is_for() {
        fn check(command: &clap::Command, path: &str) {
            for argument in command.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "{path} {} has no help",
                    argument.get_id()
                );
            }
            for inner in command.get_subcommands() {
                let path = format!("{path} {}", inner.get_name());
                let about = inner.get_about().map(ToString::to_string).unwrap_or_default();
                assert!(!about.is_empty() && !about.contains('\n'), "{path}: {about:?}");
                check(inner, &path);
            }
        }
        check(&Cli::command(), "blowing-off");
    }

    #[test]
    fn a_token_is_not_in_the_debug_output() {
        let cli = Cli::try_parse_from(["blowing-off", "connect", "--auth-token", "hush"]).unwrap();
        assert!(!format!("{cli:?}").contains("hush"));
    }
}
