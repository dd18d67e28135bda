//! The key of an encrypted database: in which file or variable it is found. It is on
//! no command line, and nothing here shows it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use wildthing::client::ReplicaKey;
use zeroize::Zeroizing;

use crate::failure::{Exit, Failure, Outcome};

/// The environment variable that holds the key for a run, as 64 hexadecimal digits.
const KEY_VARIABLE: &str = "BLOWING_OFF_KEY";

/// More than a key takes, with spaces around it.
const MAX_BYTES: u64 = 256;

/// The key of the environment; an empty variable counts as none.
pub(crate) fn from_environment() -> Outcome<Option<ReplicaKey>> {
    match std::env::var_os(KEY_VARIABLE) {
        None => Ok(None),
        Some(text) if text.is_empty() => Ok(None),
        Some(text) => {
            let key = text.to_str().and_then(|text| digits(text.as_bytes()));
            key.map(Some).ok_or_else(|| unfit(KEY_VARIABLE))
        }
    }
}

/// The key in a file: 32 bytes as they are, or 64 hexadecimal digits.
pub(crate) fn from_file(path: &Path) -> Outcome<ReplicaKey> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES as usize));
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes));
    if let Err(error) = read {
        return Err(Failure::new(
            Exit::Failed,
            "key_file",
            format!("the key in {} can't be read: {error}", path.display()),
            "check --key-file, or key_file in the config",
        ));
    }
    ReplicaKey::new(&bytes)
        .or_else(|| digits(&bytes))
        .ok_or_else(|| unfit(&path.display().to_string()))
}

/// A key in hexadecimal digits.
fn digits(text: &[u8]) -> Option<ReplicaKey> {
    let text = text.trim_ascii();
    let mut key = Zeroizing::new([0; ReplicaKey::LENGTH]);
    if text.len() != 2 * key.len() {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(text.chunks_exact(2)) {
        for digit in pair {
            *byte = *byte << 4 | char::from(*digit).to_digit(16)? as u8;
        }
    }
    ReplicaKey::new(&*key)
}

fn unfit(source: &str) -> Failure {
    Failure::usage(
        format!("{source} does not hold a key"),
        "a key is 32 random bytes, or 64 hexadecimal digits: `openssl rand -hex 32 > house.key`",
    )
}
