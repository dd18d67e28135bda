//! Tokens and passwords on a machine that others look at: nobody finds one in what
//! the command prints or logs at its most talkative, on its command line, in its
//! database, or in a file that others may read. What a library that was embedded
//! in an app shows is in `client_auth`.
#![cfg(all(feature = "cli", feature = "testing", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cli_support;
#[path = "secrets/logout.rs"]
mod logout;
#[path = "secrets/looking.rs"]
mod looking;
mod support;

use cli_support::{Running, Shell, nobody};
use looking::{Watched, command_lines, files, modes};
use serde_json::{Value, json};
use support::front::{Front, Trick};
use support::raw_http::{Canned, CannedServer};

/// Of no other test: it is looked for on the command lines of all processes.
const TOKEN: &str = "tok-5e3c2e7-not-to-be-seen";
const FRESH: &str = "tok-f2e58-exchanged-for-another";
const PASSWORD: &str = "pw-9a55-not-to-be-seen";
const VARIABLE: &str = "BLOWING_OFF_AUTH_TOKEN";

/// A hub that logs all it can.
struct House {
    url: String,
    running: Running,
    shell: Shell,
}

impl House {
    fn start(protocol: &str) -> Self {
        let mut shell = Shell::new();
        shell.set(VARIABLE, TOKEN);
        shell.set("RUST_LOG", "trace");
        if protocol == "v2" {
            shell.set("BLOWING_OFF_ADMIN_PASSWORD", PASSWORD);
        }
        let serve = [
            "serve",
            "--protocol",
            protocol,
            "--sample",
            "10",
            "--listen",
            "127.0.0.1:0",
        ];
        let running = shell.start(&serve);
        let line = running.line();
        let url = line.strip_prefix("listening on ").unwrap().to_owned();
        Self { url, running, shell }
    }

    /// Ends it; what it logged, and its files.
    fn end(self) -> (String, Vec<(String, Vec<u8>)>) {
        let log = self.running.complaints().join("\n");
        assert!(log.contains("hub listens"), "its log was not heard");
        assert_eq!(self.running.stop("TERM"), Some(0));
        (log, files(self.shell.folder()))
    }
}

/// A shell that logs all it can.
fn shell() -> Shell {
    let mut shell = Shell::new();
    shell.set("RUST_LOG", "trace");
    shell
}

fn unseen(what: &str, text: &str) {
    for secret in [TOKEN, FRESH, PASSWORD] {
        let place = text
            .find(secret)
            .map(|at| &text[at.saturating_sub(200)..at + secret.len()]);
        assert_eq!(place, None, "{what}");
    }
}

/// Nothing of it in the files, but for the config, and nobody else may read them.
fn unseen_on_disk(shell: &Shell) {
    for (name, bytes) in files(shell.folder()) {
        if name != ".blowing-off.json" {
            unseen(&name, &String::from_utf8_lossy(&bytes));
        }
    }
    for (name, mode) in modes(shell.folder()) {
        assert_eq!(mode, 0o600, "{name}");
    }
}

#[test]
fn a_fixed_token_is_seen_nowhere_however_it_was_given() {
    let house = House::start("v1");
    let watched = Watched::before(&house.url);
    let url = watched.url();
    let connect = ["connect", "--server-url", &url];
    let mut logs = String::new();
    for given in ["environment", "stdin"] {
        let mut shell = shell();
        let ran = match given {
            "environment" => {
                shell.set(VARIABLE, TOKEN);
                shell.run(&connect)
            }
            _ => shell.run_with_input(&[&connect[..], &["--auth-token", "-"]].concat(), TOKEN),
        };
        logs += &ran.ok().shown();
        // From the config now.
        shell.set(VARIABLE, "");
        logs += &shell.run(&["house", "create", "--name", "Cabin"]).ok().shown();
        logs += &shell.run(&["--echo", "sync"]).ok().shown();
        logs += &shell.run(&["status", "--json"]).ok().shown();
        let daemon = shell.start(&["sync-daemon", "--json"]);
        daemon.line_where(|line| line.contains("sync_completed"));
        unseen("the daemon's command line", &command_lines());
        unseen_on_disk(&shell);
        logs += &daemon.complaints().join("\n");
        assert_eq!(daemon.stop("TERM"), Some(0));
        // A token that the server does not take is as secret.
        shell.set(VARIABLE, FRESH);
        logs += &shell.run(&["sync"]).fails(4).shown();
        unseen_on_disk(&shell);
    }
    assert!(
        logs.contains("TRACE") && logs.contains("INSERT"),
        "the logs were not heard"
    );
    unseen("output and logs", &logs);
    unseen("command lines during requests", &watched.command_lines());
    let (log, files) = house.end();
    unseen("the hub's log", &log);
    for (name, bytes) in files {
        unseen(&name, &String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn a_password_and_the_tokens_had_for_it_are_seen_nowhere() {
    let house = House::start("v2");
    let watched = Watched::before(&house.url);
    let front = Front::of(watched.url());
    let shell = shell();
    let config = json!({"server_url": front.url()});
    std::fs::write(shell.path(".blowing-off.json"), config.to_string()).unwrap();
    let mut logs = shell
        .run_with_input(&["login", "--password-stdin"], PASSWORD)
        .ok()
        .shown();
    let saved: Value =
        serde_json::from_slice(&std::fs::read(shell.path(".blowing-off.json")).unwrap()).unwrap();
    let token = saved["auth_token"].as_str().unwrap().to_owned();
    logs += &shell.run(&["room", "list", "--json"]).ok().shown();
    logs += &shell.run(&["--echo", "sync"]).ok().shown();
    logs += &shell
        .run_with_input(&["login", "--password-stdin"], FRESH)
        .fails(4)
        .shown();
    // One that is nearly over is exchanged by the sync.
    let mut old: Value = saved.clone();
    let ending = looking::nearly_over();
    old["auth_token"] = ending.clone().into();
    std::fs::write(shell.path(".blowing-off.json"), old.to_string()).unwrap();
    let fresh =
        json!({"access_token": FRESH, "token_type": "bearer", "expires_in": 604_800, "role": "admin"});
    front.plan("/auth/refresh", Trick::Say(Canned::json(200, &fresh)));
    logs += &shell.run(&["sync"]).fails(4).shown();
    assert!(front.is_through(), "it was exchanged");
    unseen_on_disk(&shell);
    unseen("output and logs", &logs);
    unseen("command lines", &watched.command_lines());
    for signature in [&token, &ending].map(|token| token.rsplit('.').next().unwrap()) {
        assert!(!logs.contains(signature), "a signed token was logged");
        assert!(!watched.command_lines().contains(signature));
    }
    let (log, files) = house.end();
    unseen("the hub's log", &log);
    assert!(
        !log.contains(token.rsplit('.').next().unwrap()),
        "the hub logged a token"
    );
    for (name, bytes) in files {
        unseen(&name, &String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn neither_token_nor_password_follows_a_redirect() {
    let elsewhere = CannedServer::start(vec![]);
    for status in [301, 302, 303, 307, 308] {
        let away = Canned::answer(status, &[("Location", &format!("{}/login", elsewhere.url()))], "");
        let server = CannedServer::start(vec![away; 3]);
        let shell = shell();
        let config = json!({"server_url": server.url(), "auth_token": TOKEN});
        std::fs::write(shell.path(".blowing-off.json"), config.to_string()).unwrap();
        let login = shell
            .run_with_input(&["login", "--password-stdin"], PASSWORD)
            .fails(1);
        let sync = shell.run(&["sync"]).fails(1);
        for ran in [login, sync] {
            assert!(ran.stderr.contains(&elsewhere.url()), "{status}: {ran:?}");
            unseen("a redirect", &ran.shown());
        }
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn plain_http_over_the_internet_is_asked_for_and_remembered() {
    let shell = Shell::new();
    // A label of 64 letters: the system's resolver refuses it without asking anybody.
    let url = format!("http://{}.invalid", "a".repeat(64));
    let connect = ["connect", "--server-url", &url, "--auth-token", "t"];
    let refused = shell.error(&connect, 2);
    assert_eq!(refused["code"], "invalid");
    assert!(!shell.path(".blowing-off.json").exists(), "nothing is saved");
    // Then it is not found, but it was looked for.
    let allowed = [&connect[..], &["--allow-plain-http"]].concat();
    assert_eq!(shell.error(&allowed, 3)["code"], "offline");
    assert_eq!(shell.error(&["sync"], 3)["code"], "offline");
    assert_eq!(shell.error(&["connect"], 3)["code"], "offline");
    // Of another server nothing was said.
    let other = ["connect", "--server-url", "http://other.example.invalid"];
    assert_eq!(shell.error(&other, 2)["code"], "invalid");
    assert_eq!(
        shell.error(&["connect", "--server-url", &nobody()], 3)["code"],
        "offline"
    );
    let saved = std::fs::read_to_string(shell.path(".blowing-off.json")).unwrap();
    assert!(!saved.contains("allow_plain_http"), "{saved}");
}
