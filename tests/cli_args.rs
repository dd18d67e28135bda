//! The command line of `blowing-off` as far as it needs no house: help,
//! version, usage errors, the config file, completions.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod cli_support;

use cli_support::Shell;

#[test]
fn help_names_every_command_and_exit_code() {
    let help = Shell::new().run(&["--help"]).ok();
    for word in [
        "connect",
        "login",
        "logout",
        "sync",
        "sync-daemon",
        "status",
        "house",
        "room",
        "device",
        "user",
        "event",
        "watch",
        "pending",
        "explain",
        "conflicts",
        "retry",
        "discard",
        "reset",
        "rekey",
        "serve",
        "demo",
        "completions",
        "BLOWING_OFF_AUTH_TOKEN",
        "NO_COLOR",
        "tab-separated",
        "5 unsent edits at risk",
    ] {
        assert!(help.stdout.contains(word), "{word} is missing");
    }
    assert_eq!(help.stderr, "");
}

#[test]
fn help_does_not_show_the_token_of_the_environment() {
    let mut shell = Shell::new();
    shell.set("BLOWING_OFF_AUTH_TOKEN", cli_support::TOKEN);
    for command in ["connect", "serve"] {
        // The helper looks for the token in everything that is printed.
        shell.run(&[command, "--help"]).ok();
    }
}

#[test]
fn version_and_help_leave_no_trace() {
    let shell = Shell::new();
    let version = shell.run(&["--version"]).ok();
    assert_eq!(
        version.stdout,
        format!("blowing-off {}\n", env!("CARGO_PKG_VERSION"))
    );
    shell.run(&["device", "--help"]).ok();
    shell.run(&["completions", "bash"]).ok();
    assert_eq!(std::fs::read_dir(shell.folder()).unwrap().count(), 0);
}

#[test]
fn the_seeds_flags_are_spelled_as_there() {
    let shell = Shell::new();
    for (command, flags) in [
        (&["connect"][..], &["--server-url", "--auth-token"][..]),
        (&["sync-daemon"], &["--interval"]),
        (
            &["room", "create"],
            &["--house-id", "--name", "--floor", "--type"],
        ),
        (
            &["device", "create"],
            &["--room-id", "--name", "--type", "--manufacturer"],
        ),
        (&["device", "set-state"], &["<ID>", "<JSON>"]),
    ] {
        let arguments: Vec<&str> = command.iter().copied().chain(["--help"]).collect();
        let help = shell.run(&arguments).ok().stdout;
        for flag in flags {
            assert!(help.contains(flag), "{command:?} has no {flag}");
        }
    }
}

#[test]
fn what_can_not_be_asked_is_a_usage_error_and_changes_nothing() {
    let shell = Shell::new();
    let not_an_object = ["device", "set-state", "device-123"];
    let with = |json: &'static str| not_an_object.iter().copied().chain([json]).collect::<Vec<_>>();
    for arguments in [
        vec!["frobnicate"],
        vec!["room", "create", "--name", "Hall"],
        vec!["device", "create", "--room-id", "r"],
        vec![
            "room",
            "create",
            "--house-id",
            "h",
            "--name",
            "n",
            "--floor",
            "high",
        ],
        vec!["room", "update", "r"],
        vec!["room", "update", "r", "--set", "floor"],
        vec!["house", "create", "--name", "n", "--latitude", "NaN"],
        vec!["sync-daemon", "--interval", "0"],
        vec!["serve", "--listen", "somewhere"],
        vec!["serve"],
        vec!["connect"],
        vec!["conflicts", "show", "first"],
        vec!["conflicts", "dismiss"],
        with("on"),
        with("[1]"),
        with("null"),
        with("{"),
        with("{} {}"),
    ] {
        shell.run(&arguments).fails(2);
        let error = shell.error(&arguments, 2);
        assert_eq!(error["code"], "usage", "{arguments:?}");
    }
    assert_eq!(std::fs::read_dir(shell.folder()).unwrap().count(), 0);
}

#[test]
fn a_bare_call_shows_the_help_as_a_usage_error() {
    let ran = Shell::new().run(&[]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("Usage: blowing-off"));
    assert_eq!(Shell::new().error(&[], 2)["code"], "usage");
}

#[test]
fn a_config_that_is_garbage_is_named_and_left_alone() {
    let shell = Shell::new();
    let path = shell.path(".blowing-off.json");
    for text in ["not json", "[]", "", r#"{"server_url": 5}"#, r#"{"db_path": []}"#] {
        std::fs::write(&path, text).unwrap();
        for command in [&["status"][..], &["sync"], &["house", "create", "--name", "n"]] {
            let error = shell.error(command, 1);
            assert_eq!(error["code"], "config");
            assert!(error["message"].as_str().unwrap().contains(".blowing-off.json"));
        }
        let connect = [
            "connect",
            "--server-url",
            "http://127.0.0.1:9",
            "--auth-token",
            "t",
        ];
        shell.run(&connect).fails(1);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
    assert_eq!(std::fs::read_dir(shell.folder()).unwrap().count(), 1);
}

#[test]
fn a_token_that_is_none_is_refused_without_showing_it() {
    let mut shell = Shell::new();
    let connect = ["connect", "--server-url", "http://127.0.0.1:9", "--auth-token"];
    for token in ["", "two words", "line\nbreak", "caf\u{e9}"] {
        let arguments: Vec<&str> = connect.iter().copied().chain([token]).collect();
        let ran = shell.run(&arguments).fails(2);
        assert!(token.is_empty() || !ran.stderr.contains(token), "{ran:?}");
    }
    let arguments: Vec<&str> = connect.iter().copied().chain(["-"]).collect();
    shell.run_with_input(&arguments, "\n").fails(2);
    shell.set("BLOWING_OFF_AUTH_TOKEN", "two words");
    shell.run(&["serve"]).fails(2);
}

#[test]
fn every_shell_gets_its_completions() {
    let shell = Shell::new();
    for name in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = shell.run(&["completions", name]).ok().stdout;
        assert!(script.contains("set-state"), "{name}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let ran = Shell::new().run_unread(&["completions", "bash"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let ran = Shell::new().run_unread(&["--help"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
}
