//! Bad input through the binary: the exit code, the error for people and for
//! programs, and that nothing was changed. What the library does with it is
//! tested in `bad_servers` and `replica_files`.

#![cfg(all(feature = "cli", feature = "testing", unix))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cli_support;
mod support;

use cli_support::{Server, Shell, TOKEN, nobody};
use serde_json::json;
use support::raw_http::{Canned, CannedServer};

const DB: &str = "blowing-off.db";
const CONFIG: &str = ".blowing-off.json";

/// Everything that `pending` and the state of the sample's device show.
fn shown(shell: &Shell) -> (serde_json::Value, serde_json::Value) {
    (
        shell.json(&["pending"]),
        shell.json(&["device", "state", "device-123"]),
    )
}

#[test]
fn a_state_that_is_no_json_object_is_a_usage_error_and_changes_nothing() {
    let server = Server::start(30);
    let shell = Shell::synced(&server);
    let before = shown(&shell);
    for state in [
        "[1, 2]",
        "5",
        "\"on\"",
        "null",
        "true",
        "on",
        "{power: on}",
        "{\"power\":",
        "",
        "{\"a\":1e400}",
        "{} {}",
        "<html>",
    ] {
        let error = shell.error(&["device", "set-state", "device-123", state], 2);
        let said = error["message"].as_str().unwrap();
        assert!(
            said.contains("object") || said.contains("JSON") || said.contains("a:"),
            "{state}: {error}"
        );
        shell.run(&["device", "set-state", "device-123", state]).fails(2);
        assert_eq!(shown(&shell), before, "{state}");
    }
    let deep = "{\"a\":".repeat(200) + "1" + &"}".repeat(200);
    shell.error(&["device", "set-state", "device-123", &deep], 2);
    assert_eq!(shown(&shell), before);
    // And a good one is taken and arrives.
    shell
        .run(&["device", "set-state", "device-123", "{\"power\":\"on\"}"])
        .ok();
    assert_eq!(shell.json(&["sync"])["pushed"], 1);
}

#[test]
fn values_of_the_wrong_kind_are_usage_errors_and_change_nothing() {
    let server = Server::start(30);
    let shell = Shell::synced(&server);
    let long = "x".repeat(65);
    for arguments in [
        vec!["room", "update", "room-123", "--floor", "first"],
        vec!["room", "create", "--house-id", "house-1", "--name", " "],
        vec!["house", "create", "--name", ""],
        vec!["house", "create", "--name", "Barn", "--latitude", "NaN"],
        vec!["serve", "--listen", "nowhere"],
        vec!["sync-daemon", "--interval", "soon"],
        vec!["no-such-command"],
        vec!["device", "list", "--no-such-flag"],
    ] {
        shell.error(&arguments, 2);
    }
    for id in ["", long.as_str(), "no-such-device"] {
        let ran = shell.run(&["device", "show", id]);
        assert!(matches!(ran.code, Some(1 | 2)), "{ran:?}");
    }
    assert_eq!(shell.json(&["pending"]), json!([]));
}

#[test]
fn a_config_that_cant_be_read_is_named_and_left_alone() {
    for garbage in [
        "not json",
        "[]",
        "{\"server_url\": 5}",
        "{\"db_path\": [\"x\"]}",
        "{\"server_url\": \"http://hub\"",
        "\u{0}\u{0}\u{0}",
    ] {
        let shell = Shell::new();
        std::fs::write(shell.path(CONFIG), garbage).unwrap();
        for arguments in [
            vec!["status"],
            vec!["sync"],
            vec!["house", "create", "--name", "Cabin"],
            vec![
                "connect",
                "--server-url",
                "http://127.0.0.1:1",
                "--auth-token",
                TOKEN,
            ],
        ] {
            let error = shell.error(&arguments, 1);
            assert!(error["message"].as_str().unwrap().contains(CONFIG), "{error}");
        }
        assert_eq!(std::fs::read_to_string(shell.path(CONFIG)).unwrap(), garbage);
        assert!(!shell.path(DB).exists());
    }
}

#[test]
fn a_database_that_is_not_ours_is_left_alone() {
    let shell = Shell::new();
    std::fs::write(shell.path("diary.txt"), "Dear diary").unwrap();
    let other = rusqlite::Connection::open(shell.path("songs.db")).unwrap();
    other
        .execute_batch("CREATE TABLE songs (name TEXT); PRAGMA user_version = 1")
        .unwrap();
    drop(other);
    shell.run(&["house", "create", "--name", "Cabin"]).ok();
    std::fs::rename(shell.path(DB), shell.path("newer.db")).unwrap();
    let newer = rusqlite::Connection::open(shell.path("newer.db")).unwrap();
    newer.execute_batch("PRAGMA user_version = 999").unwrap();
    drop(newer);
    for (name, code, hint) in [
        ("diary.txt", "not_a_database", "db_path"),
        ("songs.db", "not_a_database", "db_path"),
        ("newer.db", "newer_schema", "update"),
        ("no/such/folder.db", "cant_open", "folder"),
        (".", "cant_open", "db_path"),
    ] {
        std::fs::write(shell.path(CONFIG), json!({ "db_path": name }).to_string()).unwrap();
        let before = std::fs::read(shell.path(name)).ok();
        for arguments in [
            vec!["status"],
            vec!["house", "create", "--name", "Barn"],
            vec!["house", "list"],
        ] {
            let error = shell.error(&arguments, 1);
            assert_eq!(error["code"], "storage", "{error}");
            let text = error.to_string();
            assert!(text.contains(code) || text.contains(hint), "{name}: {error}");
            assert!(error["hint"].as_str().unwrap().contains(hint), "{name}: {error}");
        }
        assert_eq!(std::fs::read(shell.path(name)).ok(), before, "{name}");
    }
}

#[test]
fn a_damaged_database_is_set_aside_and_the_house_comes_back_with_the_edit() {
    let server = Server::start(30);
    let shell = Shell::synced(&server);
    shell.run(&["room", "update", "room-123", "--name", "Den"]).ok();
    let file = rusqlite::Connection::open(shell.path(DB)).unwrap();
    let page: i64 = file
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'sync_metadata'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    drop(file);
    let mut bytes = std::fs::read(shell.path(DB)).unwrap();
    let start = usize::try_from(page - 1).unwrap() * 4_096;
    bytes[start..start + 4_096].fill(0xa5);
    std::fs::write(shell.path(DB), &bytes).unwrap();
    let synced = shell.json(&["sync"]);
    assert_eq!(synced["pushed"], 1, "{synced}");
    let aside = std::fs::read_dir(shell.folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            let name = path.to_string_lossy();
            name.contains(".damaged-") && !name.ends_with("-wal") && !name.ends_with("-shm")
        })
        .unwrap();
    assert!(
        std::fs::read(aside).unwrap() == bytes,
        "the damaged bytes are kept"
    );
    let other = Shell::synced(&server);
    assert_eq!(other.json(&["room", "show", "room-123"])["name"], "Den");
}

#[test]
fn servers_that_are_none_have_their_exit_codes_and_the_edit_waits() {
    let good = Server::start(30);
    let shell = Shell::synced(&good);
    shell.run(&["room", "update", "room-123", "--name", "Den"]).ok();
    let connect = |url: &str, token: &str, code: i32| {
        shell.error(&["connect", "--server-url", url, "--auth-token", token], code)
    };
    for url in [
        "hub",
        "ftp://hub",
        "http://",
        "http://ada:p4ssw0rd@hub",
        "http://hub?x=1",
    ] {
        let error = connect(url, TOKEN, 2);
        assert_eq!(error["code"], "invalid", "{error}");
        assert!(!error.to_string().contains("p4ssw0rd"), "{error}");
    }
    assert_eq!(shell.json(&["status"])["server_url"], good.url.as_str());

    let page = || Canned::answer(200, &[("Content-Type", "text/html")], "<html>Router login");
    let stranger = CannedServer::start(vec![page(); 8]);
    assert_eq!(connect(&stranger.url(), TOKEN, 1)["code"], "protocol");
    let error = shell.error(&["sync"], 1);
    assert_eq!(error["code"], "protocol");
    assert!(error["message"].as_str().unwrap().contains("web page"), "{error}");
    shell.run(&["sync"]).fails(1);

    let away = Canned::answer(307, &[("Location", "http://127.0.0.2:9/")], "");
    let moved = CannedServer::start(vec![away; 4]);
    let error = connect(&moved.url(), TOKEN, 1);
    assert!(
        error["message"].as_str().unwrap().contains("another host"),
        "{error}"
    );

    assert_eq!(connect(&nobody(), TOKEN, 3)["code"], "offline");
    assert_eq!(shell.error(&["sync"], 3)["code"], "offline");
    shell.run(&["sync"]).fails(3);

    assert_eq!(connect(&good.url, "wrong", 4)["code"], "needs_auth");
    assert_eq!(shell.error(&["sync"], 4)["code"], "needs_auth");
    shell.run(&["sync"]).fails(4);
    shell.error(&["connect", "--auth-token", "two words"], 2);

    assert_eq!(shell.json(&["pending"]).as_array().unwrap().len(), 1);
    shell
        .run(&["connect", "--server-url", &good.url, "--auth-token", TOKEN])
        .ok();
    assert_eq!(shell.json(&["sync"])["pushed"], 1);
}
