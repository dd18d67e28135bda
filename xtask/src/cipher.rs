//! Encryption at rest: the one build that has it, and the tests below a client on
//! encrypted files.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::Outcome;
use crate::cargo::Cargo;

/// What only this build is made with.
const FEATURES: &str = "--features testing,sqlcipher";
/// A key for every replica of a test that gives none.
const KEYED: (&str, &str) = ("WILDTHING_TEST_KEY", "7");
/// Fewer spoilt files than elsewhere: a look into each takes longer here.
const FEWER: (&str, &str) = ("GARBLED_FILES", "100");

/// Builds with encryption and tests it: what it is for, kills in the middle of a change
/// of keys, and what holds of any replica.
pub(crate) fn cipher(cargo: &Cargo) -> Outcome {
    needs_libcrypto()?;
    let deny = ["-D".to_owned(), "warnings".to_owned()];
    cargo.run(
        &format!(
            "clippy --package wildthing --lib --test cipher --test cli_key --test disk_faults {FEATURES}"
        ),
        &deny,
        &[],
    )?;
    cargo.heading("What is in the files, and which key opens what");
    cargo.run(&format!("test {FEATURES} --test cipher --test cli_key"), &[], &[])?;
    cargo.heading("A change of keys whose disk or process fails at a call");
    cargo.run(
        &format!("test {FEATURES} --test disk_faults a_change_of_keys"),
        &[],
        &[],
    )?;
    cargo.heading("What holds of any replica, on encrypted files");
    cargo.run(
        &format!("test {FEATURES} --test replica_files --test lifecycle --test client_and_hub"),
        &[],
        &[KEYED, FEWER],
    )
}

/// SQLCipher takes its ciphers from the system: Apple's has them, a Linux needs the
/// headers of OpenSSL.
fn needs_libcrypto() -> Outcome {
    if !cfg!(target_os = "linux") || has_libcrypto() {
        return Ok(());
    }
    let advice =
        "encryption needs the headers of OpenSSL; install libssl-dev, or run this as root where apt-get is";
    if !Path::new("/usr/bin/apt-get").exists() {
        return Err(advice.to_owned());
    }
    println!("installing libssl-dev with apt-get");
    for words in ["update -qq", "install -y -qq --no-install-recommends libssl-dev"] {
        let status = Command::new("apt-get")
            .args(words.split(' '))
            .env("DEBIAN_FRONTEND", "noninteractive")
            .status();
        if !status.is_ok_and(|status| status.success()) {
            return Err(format!("apt-get {words} failed; {advice}"));
        }
    }
    Ok(())
}

fn has_libcrypto() -> bool {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let header = Command::new(compiler)
        .args(["-E", "-include", "openssl/evp.h", "-x", "c", "/dev/null"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    header.is_ok_and(|status| status.success())
}
