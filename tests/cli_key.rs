//! The key of an encrypted database, as a shell user gives it: in a file, by the config
//! or in the environment; and what is said where it does not fit.
#![cfg(all(feature = "cli", feature = "testing", unix))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cli_support;

use cli_support::Shell;

/// 32 bytes, as they are and in digits.
const RAW: &[u8; 32] = b"this key is of thirty-two bytes.";
const DIGITS: &str = "F0e1d2c3b4a5968778695a4b3c2d1e0ff0e1d2c3b4a5968778695a4b3c2d1e0f";

fn with_keys() -> Shell {
    let shell = Shell::new();
    std::fs::write(shell.path("raw.key"), RAW).unwrap();
    std::fs::write(shell.path("hex.key"), format!("{DIGITS}\n")).unwrap();
    shell
}

#[test]
fn what_is_no_key_is_a_usage_error_and_is_not_shown() {
    let mut shell = with_keys();
    for bad in [
        "",
        "secret-but-short",
        &DIGITS[1..],
        &format!("{DIGITS}0"),
        &DIGITS.replace('e', "g"),
    ] {
        std::fs::write(shell.path("bad.key"), bad).unwrap();
        for error in [
            shell.error(&["--key-file", "bad.key", "status"], 2),
            shell.error(&["rekey", "--new-key-file", "bad.key"], 2),
        ] {
            let said = error.to_string();
            assert!(
                said.contains("bad.key") && said.contains("64 hexadecimal digits"),
                "{said}"
            );
            assert!(bad.is_empty() || !said.contains(bad), "{said}");
        }
    }
    shell.set("BLOWING_OFF_KEY", "secret-but-short");
    let said = shell.error(&["status"], 2).to_string();
    assert!(
        said.contains("BLOWING_OFF_KEY") && !said.contains("secret"),
        "{said}"
    );
    shell.set("BLOWING_OFF_KEY", "");
    assert_eq!(
        shell.error(&["--key-file", "none.key", "status"], 1)["code"],
        "key_file"
    );
    // One of the two, and not both.
    shell.run(&["rekey"]).fails(2);
    shell
        .run(&["rekey", "--remove", "--new-key-file", "raw.key"])
        .fails(2);
    assert!(!shell.path("blowing-off.db").exists());
}

#[cfg(not(feature = "sqlcipher"))]
#[test]
fn a_command_without_encryption_says_so() {
    let shell = with_keys();
    for arguments in [
        ["--key-file", "raw.key", "status"],
        ["rekey", "--new-key-file", "raw.key"],
    ] {
        let said = shell.error(&arguments, 1).to_string();
        assert!(
            said.contains("no encryption") && said.contains("--features sqlcipher"),
            "{said}"
        );
    }
    assert!(!shell.path(".blowing-off.json").exists());
}

#[cfg(feature = "sqlcipher")]
#[test]
fn a_database_is_encrypted_used_rekeyed_and_decrypted() {
    let mut shell = with_keys();
    let plain = || {
        std::fs::read(shell.path("blowing-off.db"))
            .unwrap()
            .starts_with(b"SQLite")
    };
    shell.run(&["house", "create", "--name", "Thornfield"]).ok();
    assert!(plain());
    let shows = |shell: &Shell| {
        assert!(shell.run(&["house", "list"]).ok().stdout.contains("Thornfield"));
    };
    shell.run(&["rekey", "--new-key-file", "raw.key"]).ok();
    assert!(!plain());
    // The config knows where the key is.
    shows(&shell);
    shell.run(&["rekey", "--new-key-file", "hex.key"]).ok();
    shows(&shell);
    let wrong = shell
        .error(&["--key-file", "raw.key", "house", "list"], 1)
        .to_string();
    assert!(
        wrong.contains("with this key") && wrong.contains("--key-file"),
        "{wrong}"
    );

    let config = std::fs::read_to_string(shell.path(".blowing-off.json")).unwrap();
    assert!(
        config.contains("hex.key") && !config.contains(&DIGITS[..8]),
        "{config}"
    );
    std::fs::remove_file(shell.path(".blowing-off.json")).unwrap();
    let none = shell.error(&["house", "list"], 1).to_string();
    assert!(
        none.contains("encrypted") && none.contains("--key-file"),
        "{none}"
    );
    shell.set("BLOWING_OFF_KEY", DIGITS);
    shows(&shell);
    shell.run(&["rekey", "--remove"]).ok();
    let plain = std::fs::read(shell.path("blowing-off.db")).unwrap();
    assert!(plain.starts_with(b"SQLite"));
    let kept = shell.error(&["house", "list"], 1).to_string();
    assert!(kept.contains("not encrypted"), "{kept}");
    shell.set("BLOWING_OFF_KEY", "");
    shows(&shell);
}
