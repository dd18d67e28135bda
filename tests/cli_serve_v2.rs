//! `serve --protocol v2`: the house it starts with, and the password it asks for.
#![cfg(all(feature = "cli", feature = "hub", unix))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cli_support;
mod support;

use cli_support::{Running, Shell, TOKEN};
use serde_json::json;
use support::raw_http::{Answer, ask};

const PASSWORD: &str = "the admin's own password";

fn url(server: &Running) -> String {
    let line = server.line();
    line.strip_prefix("listening on ").unwrap().to_owned()
}

fn log_in(url: &str, password: &str) -> Answer {
    let body = json!({"password": password}).to_string();
    ask(url, "POST", "/api/v1/auth/admin/login", body.as_bytes())
}

fn data(name: &str) -> String {
    format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_recorded_house_is_served_to_who_knows_the_password() {
    let mut shell = Shell::new();
    shell.set("BLOWING_OFF_ADMIN_PASSWORD", PASSWORD);
    let (house, edges) = (data("v2-full-sync.json"), data("v2-relationships.json"));
    let serve = ["serve", "--protocol", "v2", "--listen", "127.0.0.1:0"];
    let imports = ["--import", &house, "--import", &edges];
    let server = shell.start(&[&serve[..], &imports].concat());
    let url = url(&server);
    assert_eq!(
        ask(&url, "GET", "/health", b"").json(),
        json!({"status": "healthy"})
    );
    assert_eq!(ask(&url, "GET", "/api/v1/graph/entities", b"").status, 401);
    assert_eq!(log_in(&url, "another").status, 401);
    let answer = log_in(&url, PASSWORD);
    assert_eq!((answer.status, &answer.json()["role"]), (200, &json!("admin")));
    assert_eq!(server.stop("TERM"), Some(0));

    // The file keeps its protocol.
    shell.set("BLOWING_OFF_ADMIN_PASSWORD", "");
    let other = shell
        .run(&["serve", "--listen", "127.0.0.1:0", "--auth-token", TOKEN])
        .fails(1);
    assert!(other.stderr.contains("--protocol v2"), "{}", other.stderr);
}

#[test]
fn a_sample_house_is_served() {
    let mut shell = Shell::new();
    shell.set("BLOWING_OFF_ADMIN_PASSWORD", PASSWORD);
    let server = shell.start(&[
        "serve",
        "--protocol",
        "v2",
        "--listen",
        "127.0.0.1:0",
        "--sample",
        "50",
        "--admin-password",
        "env",
    ]);
    assert_eq!(log_in(&url(&server), PASSWORD).status, 200);
    assert_eq!(server.stop("INT"), Some(0));
}

#[test]
fn what_the_two_protocols_do_not_share_is_a_usage_error() {
    let shell = Shell::new();
    for arguments in [
        // Neither a token nor a password.
        &["--protocol", "v2"][..],
        // A password where none is.
        &["--protocol", "v2", "--admin-password", "env", "--auth-token", "t"],
        // On the command line it would be seen by all.
        &["--protocol", "v2", "--admin-password", "secret"],
        &["--protocol", "v2", "--auth-token", "t", "--new-epoch"],
        &["--protocol", "v1", "--auth-token", "t", "--admin-password", "env"],
        &["--protocol", "v3", "--auth-token", "t"],
    ] {
        shell.run(&[&["serve"], arguments].concat()).fails(2);
    }
    let empty = ["serve", "--protocol", "v2", "--admin-password", "-"];
    shell.run_with_input(&empty, "\n").fails(2);
    assert_eq!(std::fs::read_dir(shell.folder()).unwrap().count(), 0);
}

#[test]
fn what_is_no_recording_of_v2_is_named() {
    let shell = Shell::new();
    let file = data("v1-delta.json");
    let arguments = [
        "serve",
        "--protocol",
        "v2",
        "--listen",
        "127.0.0.1:0",
        "--auth-token",
        TOKEN,
        "--import",
        &file,
    ];
    let failed = shell.run(&arguments).fails(1);
    assert!(failed.stderr.contains("v1-delta.json"), "{}", failed.stderr);
}
