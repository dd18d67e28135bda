//! Why a run ends badly: one type, with the exit code, a word for programs,
//! what happened, and what to do about it.
//!
//! Printing it is the business of `output`.

use std::fmt::Display;
use std::io;

use serde_json::{Value, json};
use wildthing::client::WildThingError;

/// The exit codes, as `--help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Nothing went wrong: the reader of our output went away.
    Quiet = 0,
    /// The command failed.
    Failed = 1,
    /// The command line asks for something that can't be.
    Usage = 2,
    /// The server can't be reached.
    Offline = 3,
    /// The server refuses the token, the password or the invitation.
    NeedsAuth = 4,
    /// Edits that the server has not got would be lost.
    UnsentEdits = 5,
}

/// A run that did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// A stable word for programs.
    pub(crate) code: String,
    /// What happened, in one line.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: String,
}

/// What every fallible step of the command returns.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// A failure with its own exit code and word.
    pub(crate) fn new(exit: Exit, code: &str, message: impl Display, hint: impl Display) -> Self {
        Self {
            exit,
            code: code.to_owned(),
            message: message.to_string(),
            hint: hint.to_string(),
        }
    }

    /// The command line can't be carried out; nothing was tried.
    pub(crate) fn usage(message: impl Display, hint: impl Display) -> Self {
        Self::new(Exit::Usage, "usage", message, hint)
    }

    /// There is no record like that.
    pub(crate) fn not_found(kind: &str, text: &str) -> Self {
        WildThingError::NotFound {
            kind: kind.to_owned(),
            id: text.to_owned(),
        }
        .into()
    }

    /// Replaces the advice by one that knows more of the situation.
    pub(crate) fn with_hint(mut self, hint: impl Display) -> Self {
        self.hint = hint.to_string();
        self
    }

    /// The shape that `--json` prints on stderr.
    pub(crate) fn to_json(&self) -> Value {
        json!({"error": {"code": self.code, "message": self.message, "hint": self.hint}})
    }
}

impl From<WildThingError> for Failure {
    fn from(error: WildThingError) -> Self {
        let exit = match &error {
            WildThingError::Offline { .. } => Exit::Offline,
            WildThingError::NeedsAuth { .. }
            | WildThingError::WrongPassword
            | WildThingError::NotAllowed { .. } => Exit::NeedsAuth,
            WildThingError::UnsentEdits { .. } => Exit::UnsentEdits,
            WildThingError::Invalid { .. } => Exit::Usage,
            _ => Exit::Failed,
        };
        Failure::new(exit, error.code(), &error, advice(&error))
    }
}

/// What to do about an error of the client.
fn advice(error: &WildThingError) -> String {
    match error {
        WildThingError::Offline { .. } => {
            "your edits are kept; check that the server runs and its URL is right (`blowing-off status`), \
             then run `blowing-off sync`"
        }
        WildThingError::NeedsAuth { .. } => {
            "your edits are kept; give the right token with `blowing-off connect --auth-token TOKEN`, \
             or get one with `blowing-off login`"
        }
        WildThingError::WrongPassword => {
            "run `blowing-off login` again with the right password; after five wrong ones the server makes you wait"
        }
        WildThingError::RateLimited { .. } => "wait so long, then run the command again; each try before may make it longer",
        WildThingError::NotAllowed { .. } => {
            "ask whoever runs the server: for a fresh invitation, or for the admin's password"
        }
        WildThingError::Server { .. } => {
            "your edits are kept; look at the server's log and run `blowing-off sync` later"
        }
        WildThingError::Protocol { .. } => {
            "nothing was changed; check that the server URL is that of a Goodies server"
        }
        WildThingError::Storage { code, .. } => return storage_advice(code).to_owned(),
        WildThingError::Paused => "resume the client and try again",
        WildThingError::Cancelled => "what was done so far is kept; run the command again to go on",
        WildThingError::NotConnected => "run `blowing-off connect --server-url URL --auth-token TOKEN` first",
        WildThingError::OtherServer { .. } => {
            "run `blowing-off connect --rebind` to move this database to the new server, \
             or name another database in the config's db_path"
        }
        WildThingError::Busy => "wait until the other process has finished and try again",
        WildThingError::NotFound { kind, .. } => return not_found_advice(kind),
        WildThingError::Invalid { .. } => "correct the value and run the command again; nothing was changed",
        WildThingError::UnsupportedByServer { .. } => {
            "nothing was changed; with a server that speaks v2 run `blowing-off connect --protocol v2` first"
        }
        WildThingError::UnsentEdits { .. } => {
            "run `blowing-off sync` to send them, `blowing-off pending` to see them, \
             or repeat the command with `--force` to lose them"
        }
        WildThingError::Timeout { .. } => "your edits are kept; allow more time, or try again later",
        WildThingError::Internal { .. } => "please report this, with the output of `--echo`",
    }
    .to_owned()
}

fn storage_advice(code: &str) -> &'static str {
    match code {
        "corrupt" => "keep the files that were set aside and run `blowing-off sync` to fetch the house again",
        "disk_full" => "free some space on the disk and run the command again; nothing was half written",
        "not_a_database" => {
            "check db_path in the config: the file there is not a database and was left alone"
        }
        "key_needed" => "name the file with its key: --key-file, or key_file in the config",
        "wrong_key" => "give the key that it was encrypted with: --key-file, or key_file in the config",
        "not_encrypted" => {
            "run it without a key; `blowing-off rekey --new-key-file FILE` encrypts the database"
        }
        "no_encryption" => "build blowing-off with `--features sqlcipher` to use a key",
        "newer_schema" => "update blowing-off: a newer version made this database",
        "permission" => "make the database and its folder readable and writable for you",
        "cant_open" => "check that the folder of db_path in the config exists",
        "busy" => "another process holds the database; try again in a moment",
        _ => "check the disk and the database file, then run the command again",
    }
}

fn not_found_advice(kind: &str) -> String {
    match kind {
        "house" | "room" | "device" | "user" => {
            format!("`blowing-off {kind} list` shows what there is; `blowing-off sync` fetches what is new")
        }
        "conflict" => "`blowing-off conflicts list` shows what there is".to_owned(),
        _ => "the `list` commands show what there is; `blowing-off sync` fetches what is new".to_owned(),
    }
}

/// A reader that went away is not an error; any other failed write is.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::new(Exit::Quiet, "broken_pipe", "nobody reads the output", "");
        }
        Failure::new(
            Exit::Failed,
            "output",
            format!("the output can't be written: {error}"),
            "check where the output goes; the command itself may have been carried out",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_the_client_has_a_hint_and_the_promised_exit_code() {
        let text = String::new;
        let cases = [
            (WildThingError::Offline { reason: text() }, 3),
            (WildThingError::NeedsAuth { status: 401 }, 4),
            (WildThingError::UnsentEdits { count: 1 }, 5),
            (
                WildThingError::Invalid {
                    field: text(),
                    problem: text(),
                },
                2,
            ),
            (
                WildThingError::NotFound {
                    kind: "room".into(),
                    id: text(),
                },
                1,
            ),
            (WildThingError::NotConnected, 1),
            (WildThingError::UnsupportedByServer { what: text() }, 1),
            (WildThingError::Busy, 1),
            (
                WildThingError::Storage {
                    code: "io".into(),
                    problem: text(),
                },
                1,
            ),
        ];
        for (error, exit) in cases {
            let failure = Failure::from(error.clone());
            assert_eq!(failure.exit as u8, exit, "{error}");
            assert!(!failure.hint.is_empty(), "{error}");
            assert_eq!(failure.to_json()["error"]["code"], error.code());
        }
    }
}
