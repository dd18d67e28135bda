//! `login`, `logout`, and servers with certificates of their own: what is saved,
//! what is never shown, and how a run ends when the server says no.
#![cfg(all(feature = "cli", feature = "testing", unix))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cli_support;
mod support;

use std::io::Write as _;
use std::net::TcpStream;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cli_support::{Ran, Running, Server, Shell, TOKEN, nobody};
use serde_json::{Value, json};
use support::front::{Front, Trick};
use support::raw_http::Canned;
use support::tls::{ISSUED, ROOT_PEM, SELF_SIGNED, TlsFront};
use wildthing::hub::{Hub, HubOptions};

const PASSWORD: &str = "the admin's own password";
const VARIABLE: &str = "BLOWING_OFF_AUTH_TOKEN";

/// A server of v2 that knows the password and a fixed token.
struct House {
    url: String,
    _running: Running,
    _shell: Shell,
}

impl House {
    fn start() -> Self {
        let mut shell = Shell::new();
        shell.set("BLOWING_OFF_ADMIN_PASSWORD", PASSWORD);
        let serve = [
            "serve",
            "--protocol",
            "v2",
            "--listen",
            "127.0.0.1:0",
            "--auth-token",
            TOKEN,
        ];
        let running = shell.start(&serve);
        let line = running.line();
        Self {
            url: line.strip_prefix("listening on ").unwrap().to_owned(),
            _running: running,
            _shell: shell,
        }
    }
}

/// A folder whose config names the server.
fn shell_of(url: &str) -> Shell {
    let shell = Shell::new();
    let config = json!({"server_url": url, "auth_token": "an older one"});
    std::fs::write(shell.path(".blowing-off.json"), config.to_string()).unwrap();
    shell
}

fn config(shell: &Shell) -> Value {
    serde_json::from_slice(&std::fs::read(shell.path(".blowing-off.json")).unwrap()).unwrap()
}

/// Status and body of the answer to a request with a token.
fn ask_with(url: &str, token: &str, method: &str, path: &str) -> (u16, Value) {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let answer = std::io::read_to_string(stream).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

fn login(shell: &Shell, password: &str) -> Ran {
    let ran = shell.run_with_input(&["login", "--password-stdin", "--json"], &format!("{password}\n"));
    for shown in [&ran.stdout, &ran.stderr] {
        assert!(!shown.contains(password) && !shown.contains("eyJ"), "{ran:?}");
    }
    ran
}

#[test]
fn a_login_saves_the_token_and_a_logout_forgets_it() {
    let house = House::start();
    let shell = shell_of(&house.url);
    let answer = login(&shell, PASSWORD).ok().json();
    assert_eq!(
        (&answer["logged_in"], &answer["role"]),
        (&json!(true), &json!("admin"))
    );
    assert!(answer["expires_at"].is_string(), "{answer}");
    let saved = config(&shell);
    let token = saved["auth_token"].as_str().unwrap();
    assert_eq!(token.split('.').count(), 3, "a signed token");
    assert_eq!(saved["server_url"], house.url.as_str());
    let (status, me) = ask_with(&house.url, token, "GET", "/api/v1/auth/me");
    assert_eq!((status, &me["role"]), (200, &json!("admin")));
    {
        use std::os::unix::fs::PermissionsExt as _;
        let file = std::fs::metadata(shell.path(".blowing-off.json")).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
    let people = shell
        .run_with_input(&["login", "--password-stdin"], PASSWORD)
        .ok();
    assert!(
        people.stdout.starts_with("logged in as admin, until "),
        "{people:?}"
    );

    shell.run(&["logout"]).ok();
    assert_eq!(config(&shell)["auth_token"], Value::Null);
    assert_eq!(shell.json(&["logout"])["logged_out"], true);
}

#[test]
fn a_wrong_password_is_exit_4_and_after_five_there_is_a_wait() {
    let house = House::start();
    let shell = shell_of(&house.url);
    for _ in 0..5 {
        assert_eq!(login(&shell, "guessed").error(4)["code"], "wrong_password");
    }
    let refused = login(&shell, PASSWORD).error(1);
    assert_eq!(refused["code"], "rate_limited");
    assert!(
        refused["message"].as_str().unwrap().contains("900 s"),
        "{refused}"
    );
    assert_eq!(config(&shell)["auth_token"], "an older one");
}

#[test]
fn a_guest_comes_in_with_an_invitation() {
    let house = House::start();
    let shell = shell_of(&house.url);
    let path = "/api/v1/auth/guest/generate-qr";
    let (_, made) = ask_with(&house.url, TOKEN, "POST", path);
    let invitation = made["qr_data"].to_string();
    let come = ["login", "--guest-qr-stdin"];
    let welcome = shell.run_with_input(&come, &invitation).ok();
    assert!(
        welcome.stdout.starts_with("logged in as guest, until "),
        "{welcome:?}"
    );
    let forged = invitation.replace(made["qr_data"]["token"].as_str().unwrap(), "forged");
    let refused = shell.run_with_input(&come, &forged).fails(4);
    assert!(!refused.stderr.contains("forged"), "{refused:?}");
    let refused = shell.run_with_input(&come, "hush").fails(2);
    assert!(!refused.stderr.contains("hush"), "{refused:?}");
}

#[test]
fn a_password_is_neither_on_the_command_line_nor_asked_for_without_a_terminal() {
    let house = House::start();
    let shell = shell_of(&house.url);
    let refused = shell.run_with_input(&["login"], PASSWORD).fails(2);
    assert!(refused.stderr.contains("--password-stdin"), "{refused:?}");
    shell.run(&["login", "--password", "secret"]).fails(2);
    shell
        .run_with_input(&["login", "--password-stdin"], "\n")
        .fails(2);
    shell
        .run(&["login", "--password-stdin", "--guest-qr-stdin"])
        .fails(2);
}

#[test]
fn without_a_server_or_without_logins_it_says_so() {
    let shell = Shell::new();
    assert_eq!(login(&shell, PASSWORD).error(1)["code"], "not_connected");
    let shell = shell_of(&nobody());
    assert_eq!(login(&shell, PASSWORD).error(3)["code"], "offline");
    let v1 = Server::start(10);
    let shell = shell_of(&v1.url);
    assert_eq!(login(&shell, PASSWORD).error(1)["code"], "protocol");
}

#[test]
fn whose_token_is_in_the_environment_is_told_that_it_wins() {
    let house = House::start();
    let mut shell = shell_of(&house.url);
    shell.set(VARIABLE, TOKEN);
    let told = shell
        .run_with_input(&["login", "--password-stdin"], PASSWORD)
        .ok();
    assert!(told.stderr.contains(VARIABLE), "{told:?}");
    assert!(shell.run(&["logout"]).ok().stderr.contains(VARIABLE));
}

/// A token in its last hour, by the clock of the system.
fn nearly_over(name: &str) -> String {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let body = json!({"sub": name, "role": "admin", "iat": now - 600_000, "exp": now + 3_600});
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(body.to_string()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_a_sync_exchanged_is_saved_where_the_old_one_was() {
    let hub = Hub::start(HubOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        db: None,
        auth_token: None,
        ..HubOptions::default()
    })
    .await
    .unwrap();
    let front = Front::of(hub.url());
    let fresh = || {
        let answer =
            json!({"access_token": "fresh", "token_type": "bearer", "expires_in": 604_800, "role": "admin"});
        Trick::Say(Canned::json(200, &answer))
    };
    let old = nearly_over("old");
    let mut shell = Shell::new();
    shell
        .run(&["connect", "--server-url", &front.url(), "--auth-token", &old])
        .ok();
    front.plan("/auth/refresh", fresh());
    shell.run(&["sync"]).ok();
    assert_eq!(config(&shell)["auth_token"], "fresh");
    // Not where it does not belong.
    shell.set(VARIABLE, &old);
    front.plan("/auth/refresh", fresh());
    shell.run(&["logout"]).ok();
    shell.run(&["sync"]).ok();
    assert!(front.is_through());
    assert_eq!(config(&shell)["auth_token"], Value::Null);
}

#[test]
fn a_server_with_a_certificate_of_its_own_is_trusted_as_told() {
    let server = Server::start(10);
    let (issued, own) = (
        TlsFront::of(&server.url, ISSUED),
        TlsFront::of(&server.url, SELF_SIGNED),
    );
    let shell = Shell::new();
    std::fs::write(shell.path("root.pem"), ROOT_PEM).unwrap();
    let connect = |url: &str, more: &[&str]| {
        shell.run(&[&["connect", "--server-url", url, "--auth-token", TOKEN], more].concat())
    };
    let untrusted = connect(&issued.url(), &[]);
    assert_eq!(untrusted.code, Some(3), "{untrusted:?}");
    connect(&issued.url(), &["--root-certificate", "root.pem"]).ok();
    // The certificate itself was saved.
    std::fs::remove_file(shell.path("root.pem")).unwrap();
    shell.run(&["sync"]).ok();
    shell.run(&["connect"]).ok();
    shell.run(&["sync"]).ok();

    connect(&own.url(), &["--pin", &SELF_SIGNED.sha256()]).ok();
    assert_eq!(config(&shell)["root_certificate_pem"], Value::Null);
    shell.run(&["status"]).ok();
    shell.run(&["sync"]).ok();
    let refused = connect(&own.url(), &["--pin", &ISSUED.sha256()]).fails(3);
    assert!(refused.stderr.contains(&SELF_SIGNED.sha256()), "{refused:?}");
    connect(&own.url(), &["--system-trust"]).fails(3);
    assert_eq!(config(&shell)["pinned_certificate_sha256"], Value::Null);

    let before = config(&shell);
    connect(&own.url(), &["--pin", "abc"]).fails(2);
    connect(&own.url(), &["--root-certificate", "nowhere.pem"]).fails(2);
    connect(&server.url, &["--pin", &ISSUED.sha256()]).fails(2);
    assert_eq!(config(&shell), before);
}
