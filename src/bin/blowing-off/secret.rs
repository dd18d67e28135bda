//! The token, and a server's password: where they come from, and that they are never shown.

use std::fmt;
use std::io::{BufRead, IsTerminal, Read};

use crate::failure::{Failure, Outcome};

/// The environment variable that holds the token for a run.
pub(crate) const TOKEN_VARIABLE: &str = "BLOWING_OFF_AUTH_TOKEN";

/// The environment variable that holds the admin's password of a server.
pub(crate) const PASSWORD_VARIABLE: &str = "BLOWING_OFF_ADMIN_PASSWORD";

/// More than any token has; keeps a wrong file on stdin from being read whole.
const MAX_TOKEN_BYTES: u64 = 16 * 1024;

/// A token or a password. Its `Debug` output does not tell it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// Taken as it is: an error of the parser would quote the token.
impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl Secret {
    /// The token itself.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// A token for the client, which keeps it in memory.
    pub(crate) fn told(secret: Option<&Secret>) -> Option<String> {
        secret.map(|secret| secret.reveal().to_owned())
    }

    /// The token that a flag gives, `-` standing for the first line of stdin.
    pub(crate) fn from_flag(flag: Option<&Secret>) -> Outcome<Option<Secret>> {
        match flag {
            None => Ok(None),
            Some(flag) if flag.0 == "-" => Self::from_reader(std::io::stdin().lock()).map(Some),
            Some(flag) => flag.0.as_str().checked("--auth-token").map(Some),
        }
    }

    /// The token of the environment; an empty variable counts as none.
    pub(crate) fn from_environment() -> Outcome<Option<Secret>> {
        match std::env::var(TOKEN_VARIABLE) {
            Ok(text) if text.trim().is_empty() => Ok(None),
            Ok(text) => text.checked(TOKEN_VARIABLE).map(Some),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(unfit(TOKEN_VARIABLE)),
        }
    }

    /// A password: the first line of stdin that was not read yet.
    pub(crate) fn password_from_stdin() -> Outcome<Secret> {
        Self::password_from_reader(std::io::stdin().lock())
    }

    /// A password that a person types, without showing it.
    pub(crate) fn password_from_terminal() -> Outcome<Secret> {
        let terminal = console::Term::stderr();
        if !std::io::stdin().is_terminal() || !terminal.is_term() {
            return Err(Failure::usage(
                "there is no terminal to ask for the password on",
                "give it on stdin, with --password-stdin",
            ));
        }
        let typed = terminal
            .write_str("Password: ")
            .and_then(|()| terminal.read_secure_line());
        let typed = typed.map_err(|_| no_password("the terminal"))?;
        Self::password_from_reader(typed.as_bytes()).map_err(|_| no_password("the terminal"))
    }

    /// All of stdin: the text of an invitation.
    pub(crate) fn text_from_stdin() -> Outcome<Secret> {
        let mut text = String::new();
        let read = std::io::stdin()
            .lock()
            .take(MAX_TOKEN_BYTES)
            .read_to_string(&mut text);
        match read {
            Ok(_) => Ok(Secret(text)),
            Err(_) => Err(Failure::usage(
                "stdin does not hold an invitation",
                "an invitation is the text of a guest's QR code: a JSON object",
            )),
        }
    }

    /// The password of the environment; an empty variable counts as none.
    pub(crate) fn password_from_environment() -> Outcome<Option<Secret>> {
        match std::env::var(PASSWORD_VARIABLE) {
            Ok(text) if text.is_empty() => Ok(None),
            Ok(text) => Ok(Some(Self(text))),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(no_password(PASSWORD_VARIABLE)),
        }
    }

    /// A password may hold any character, spaces at its ends too.
    fn password_from_reader(reader: impl BufRead) -> Outcome<Secret> {
        let mut line = String::new();
        reader
            .take(MAX_TOKEN_BYTES)
            .read_line(&mut line)
            .map_err(|_| no_password("stdin"))?;
        match line.trim_end_matches(['\r', '\n']) {
            "" => Err(no_password("stdin")),
            password => Ok(Secret(password.to_owned())),
        }
    }

    fn from_reader(reader: impl BufRead) -> Outcome<Secret> {
        let mut line = String::new();
        reader
            .take(MAX_TOKEN_BYTES)
            .read_line(&mut line)
            .map_err(|_| unfit("stdin"))?;
        line.checked("the first line of stdin")
    }
}

/// What can be held against the rules for a token.
trait Checked {
    fn checked(&self, source: &str) -> Outcome<Secret>;
}

impl Checked for str {
    /// A token travels in an HTTP header: visible ASCII only.
    fn checked(&self, source: &str) -> Outcome<Secret> {
        let token = self.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(unfit(source));
        }
        Ok(Secret(token.to_owned()))
    }
}

fn no_password(source: &str) -> Failure {
    Failure::usage(
        format!("{source} does not hold a password"),
        "a password is one line of text",
    )
}

fn unfit(source: &str) -> Failure {
    Failure::usage(
        format!("{source} does not hold a token"),
        "a token is one line of visible ASCII characters without spaces",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_on_stdin_is_its_first_line() {
        let secret = Secret::from_reader(&b"abc\r\nmore\n"[..]);
        assert_eq!(secret, Ok(Secret::from("abc")));
        for bad in [&b""[..], b"\n", b"a b\n", b"\xff\n", b"caf\xc3\xa9\n"] {
            assert!(Secret::from_reader(bad).is_err());
        }
    }

    #[test]
    fn a_password_on_stdin_is_a_whole_line() {
        let secret = Secret::password_from_reader(&b" two words \r\nmore\n"[..]);
        assert_eq!(secret, Ok(Secret::from(" two words ")));
        for bad in [&b""[..], b"\n", b"\xff\n"] {
            assert!(Secret::password_from_reader(bad).is_err());
        }
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        assert!(!format!("{:?}", Some(Secret::from("abc"))).contains("abc"));
    }
}
