//! `connect` and the token: what is saved, what wins, what is never shown, and
//! how a run ends when the server is away or says no.

#![cfg(all(feature = "cli", feature = "hub", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod cli_support;

use cli_support::{Server, Shell, TOKEN, nobody};
use serde_json::Value;

const VARIABLE: &str = "BLOWING_OFF_AUTH_TOKEN";

fn config(shell: &Shell) -> Value {
    serde_json::from_slice(&std::fs::read(shell.path(".blowing-off.json")).unwrap()).unwrap()
}

#[test]
fn the_environment_wins_for_a_run_and_the_flag_wins_at_connect() {
    let server = Server::start(10);
    let mut shell = Shell::new();
    let connect = |token: &'static str| {
        [
            "connect",
            "--server-url",
            server.url.as_str(),
            "--auth-token",
            token,
        ]
        .map(str::to_owned)
    };
    let run = |shell: &Shell, arguments: [String; 5]| shell.run(&arguments.each_ref().map(String::as_str));

    run(&shell, connect("wrong")).fails(4);
    shell.run(&["sync"]).fails(4);
    shell.set(VARIABLE, TOKEN);
    shell.run(&["sync"]).ok();
    assert_eq!(config(&shell)["auth_token"], "wrong");

    shell.set(VARIABLE, "wrong");
    let warned = run(&shell, connect(TOKEN)).ok();
    assert!(warned.stderr.contains(VARIABLE), "{warned:?}");
    shell.run(&["sync"]).fails(4);
    shell.set(VARIABLE, "");
    shell.run(&["sync"]).ok();
}

#[test]
fn a_token_comes_from_stdin_or_the_environment() {
    let server = Server::start(10);
    let mut shell = Shell::new();
    let connect = ["connect", "--server-url", &server.url, "--auth-token", "-"];
    shell
        .run_with_input(&connect, &format!("{TOKEN}\nsomething else\n"))
        .ok();
    assert_eq!(config(&shell)["auth_token"], TOKEN);

    shell = Shell::new();
    shell.set(VARIABLE, TOKEN);
    let connected = shell.json(&["connect", "--server-url", &server.url]);
    assert_eq!(connected["connected"], true);
    assert_eq!(connected["server_url"], server.url.as_str());
    assert_eq!(connected["client_id"], config(&shell)["client_id"]);
    shell.run(&["sync"]).ok();
}

#[test]
fn without_a_server_the_config_is_kept_and_work_goes_on() {
    let shell = Shell::new();
    let url = nobody();
    let connect = ["connect", "--server-url", &url, "--auth-token", TOKEN];
    assert_eq!(shell.error(&connect, 3)["code"], "offline");
    let saved = config(&shell);
    assert_eq!(saved["server_url"], url.as_str());
    assert_eq!(saved["db_path"], "blowing-off.db");

    assert_eq!(shell.error(&["sync"], 3)["code"], "offline");
    shell.run(&["house", "create", "--name", "Cabin"]).ok();
    shell
        .run(&["room", "create", "--house-id", "cabin", "--name", "Hall"])
        .ok();
    let status = shell.json(&["status"]);
    assert_eq!(status["pending"], 2);
    assert_eq!(status["server_url"], url.as_str());
    assert!(status["last_sync_error"].is_string());
}

#[test]
fn before_connect_everything_but_syncing_works() {
    let server = Server::start(10);
    let shell = Shell::new();
    assert_eq!(shell.error(&["sync"], 1)["code"], "not_connected");
    assert_eq!(shell.error(&["sync-daemon"], 1)["code"], "not_connected");
    let house = shell.json(&["house", "create", "--name", "Cabin"]);
    assert!(!shell.path(".blowing-off.json").exists());

    shell
        .run(&["connect", "--server-url", &server.url, "--auth-token", TOKEN])
        .ok();
    assert_eq!(shell.json(&["sync"])["pushed"], 1);
    let other = Shell::synced(&server);
    assert_eq!(
        other.json(&["house", "show", house["id"].as_str().unwrap()])["name"],
        "Cabin"
    );
}

#[test]
fn a_refused_token_is_exit_4_and_a_new_one_mends_it() {
    let server = Server::start(10);
    let shell = Shell::new();
    let connect = ["connect", "--server-url", &server.url, "--auth-token", "wrong"];
    let error = shell.error(&connect, 4);
    assert_eq!(error["code"], "needs_auth");
    shell.run(&["house", "create", "--name", "Cabin"]).ok();
    shell.run(&["sync"]).fails(4);
    // The server is known by now.
    shell.run(&["connect", "--auth-token", TOKEN]).ok();
    assert_eq!(shell.json(&["sync"])["pushed"], 1);
}

#[test]
fn the_saved_token_is_not_sent_to_another_server() {
    let (server, other) = (Server::start(10), Server::start(10));
    let shell = Shell::synced(&server);
    // Both servers take the same token, so only a token that was sent gets in.
    shell.run(&["connect", "--server-url", &other.url]).fails(4);
    shell.run(&["connect", "--server-url", &server.url]).fails(4);
    shell.run(&["connect", "--auth-token", TOKEN]).ok();
    shell.run(&["sync"]).ok();
}

#[test]
fn another_server_is_refused_until_the_database_is_moved() {
    let (server, other) = (Server::start(10), Server::start(12));
    let shell = Shell::synced(&server);
    shell.run(&["house", "create", "--name", "Cabin"]).ok();
    let connect = ["connect", "--server-url", &other.url, "--auth-token", TOKEN];
    // Whether the probe or the sync finds out, the sync must not mix two houses.
    shell.run(&connect);
    assert_eq!(shell.error(&["sync"], 1)["code"], "other_server");
    let rebind = [&connect[..], &["--rebind"]].concat();
    shell.run(&rebind).ok();
    assert_eq!(shell.json(&["sync"])["pushed"], 1);
}

#[test]
fn a_url_that_is_none_is_a_usage_error_and_nothing_is_saved() {
    for url in ["nonsense", "ftp://host", "http://"] {
        let shell = Shell::new();
        shell
            .run(&["connect", "--server-url", url, "--auth-token", TOKEN])
            .fails(2);
        assert!(!shell.path(".blowing-off.json").exists(), "{url}");
    }
}

#[test]
fn the_client_keeps_its_name_when_the_database_goes() {
    let server = Server::start(10);
    let shell = Shell::synced(&server);
    let before = config(&shell)["client_id"].clone();
    std::fs::remove_file(shell.path("blowing-off.db")).unwrap();
    shell.run(&["sync"]).ok();
    assert_eq!(shell.json(&["status"])["client_id"], before);
    assert_eq!(config(&shell)["client_id"], before);
}

#[test]
fn a_config_elsewhere_brings_its_database_along() {
    let server = Server::start(10);
    let shell = Shell::new();
    std::fs::create_dir(shell.path("home")).unwrap();
    std::fs::write(
        shell.path("home/my.json"),
        r#"{"db_path": "my.db", "theme": "dark"}"#,
    )
    .unwrap();
    let connect = [
        "connect",
        "--config",
        "home/my.json",
        "--server-url",
        &server.url,
        "--auth-token",
        TOKEN,
    ];
    shell.run(&connect).ok();
    shell.run(&["--config", "home/my.json", "sync"]).ok();
    assert!(shell.path("home/my.db").exists());
    assert!(!shell.path(".blowing-off.json").exists() && !shell.path("blowing-off.db").exists());
    let saved: Value = serde_json::from_slice(&std::fs::read(shell.path("home/my.json")).unwrap()).unwrap();
    assert_eq!(
        (saved["theme"].as_str(), saved["db_path"].as_str()),
        (Some("dark"), Some("my.db"))
    );
}
