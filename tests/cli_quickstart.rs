//! The quick start that newcomers read, command for command, against a server
//! with a sample house. Only the port and the token differ.

#![cfg(all(feature = "cli", feature = "hub", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod cli_support;

use std::process::Command;

use cli_support::{Server, Shell, TOKEN};
use serde_json::{Value, json};

#[test]
fn the_quick_start_works_command_for_command() {
    let server = Server::start(300);
    let shell = Shell::new();

    // 1. Connect to Server
    shell
        .run(&["connect", "--server-url", &server.url, "--auth-token", TOKEN])
        .ok();
    config_is_as_documented(&shell, &server.url);

    // 2. Sync Data
    let synced = shell.run(&["sync"]).ok();
    assert!(synced.stdout.contains("300 pulled"), "{synced:?}");
    let daemon = shell.start(&["sync-daemon", "--interval", "30"]);
    assert!(daemon.line().contains("synced"));
    assert_eq!(daemon.stop("TERM"), Some(0));

    // 3. View Data
    assert!(shell.run(&["house", "show"]).ok().stdout.contains("house-1"));
    let rooms = shell.run(&["room", "list"]).ok();
    assert!(rooms.rows().iter().any(|row| row[0] == "room-123"));
    let devices = shell.run(&["device", "list"]).ok();
    assert!(devices.rows().iter().any(|row| row[0] == "device-123"));
    let state = shell.run(&["device", "state", "device-123"]).ok();
    assert!(state.stdout.contains("device-123"));

    // 4. Create Entities
    let create_room = [
        "room",
        "create",
        "--house-id",
        "house-1",
        "--name",
        "Living Room",
        "--floor",
        "0",
        "--type",
        "living_room",
    ];
    let room = shell.run(&create_room).ok();
    assert!(room.stdout.contains("Living Room"));
    let create_device = [
        "device",
        "create",
        "--room-id",
        "room-123",
        "--name",
        "Ceiling Light",
        "--type",
        "light",
        "--manufacturer",
        "Philips",
    ];
    let device = shell.run(&create_device).ok();
    assert!(device.stdout.contains("Ceiling Light"));

    // 5. Update State
    let set_state = [
        "device",
        "set-state",
        "device-123",
        r#"{"power": "on", "brightness": 80}"#,
    ];
    shell.run(&set_state).ok();
    let state = shell.json(&["device", "state", "device-123"]);
    assert_eq!(state["state"]["power"], "on");
    assert_eq!(state["state"]["brightness"], 80);

    // Troubleshooting: sync status
    assert_eq!(shell.json(&["status"])["pending"], 3);
    let pushed = shell.run(&["sync"]).ok();
    assert!(pushed.stdout.contains("3 pushed"), "{pushed:?}");
    let status = shell.run(&["status"]).ok();
    assert!(status.stdout.contains(&server.url));
    assert_eq!(shell.json(&["status"])["pending"], 0);
    metadata_can_be_read(&shell);

    // Troubleshooting: reset
    std::fs::remove_file(shell.path("blowing-off.db")).unwrap();
    shell
        .run(&["connect", "--server-url", &server.url, "--auth-token", TOKEN])
        .ok();
    shell.run(&["sync"]).ok();
    let rooms = shell.json(&["room", "list"]);
    assert!(
        rooms
            .as_array()
            .unwrap()
            .iter()
            .any(|room| room["name"] == "Living Room")
    );
    let state = shell.json(&["device", "state", "device-123"]);
    assert_eq!(state["state"]["brightness"], 80);

    assert_eq!(server.running.stop("TERM"), Some(0));
}

/// The four keys of the documentation, private to the owner.
fn config_is_as_documented(shell: &Shell, url: &str) {
    use std::os::unix::fs::PermissionsExt;
    let path = shell.path(".blowing-off.json");
    let config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let client_id = config["client_id"].as_str().unwrap();
    assert_eq!(client_id.len(), 36);
    assert_eq!(
        config,
        json!({"server_url": url, "auth_token": TOKEN, "client_id": client_id, "db_path": "blowing-off.db"})
    );
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// `SELECT * FROM sync_metadata`, by a library and by the shell's own tool.
fn metadata_can_be_read(shell: &Shell) {
    let query = "SELECT * FROM sync_metadata";
    let database = shell.path("blowing-off.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    let mut statement = connection.prepare(query).unwrap();
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    for column in [
        "client_id",
        "server_url",
        "last_sync_time",
        "last_sync_error",
        "total_syncs",
    ] {
        assert!(
            columns.iter().any(|known| known == column),
            "{column}: {columns:?}"
        );
    }
    let rows: Vec<String> = statement
        .query_map([], |row| {
            let values = (0..columns.len()).map(|index| format!("{:?}", row.get_ref_unwrap(index)));
            Ok(values.collect())
        })
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(rows.len(), 1);

    // The tool is not everywhere; where it is, it must read the house too.
    if let Ok(output) = Command::new("sqlite3").arg(&database).arg(query).output() {
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{output:?}");
        assert!(
            text.contains("http://127.0.0.1") && !text.contains(TOKEN),
            "{text}"
        );
    }
    let everything = std::fs::read(&database).unwrap();
    let token = TOKEN.as_bytes();
    assert!(!everything.windows(token.len()).any(|window| window == token));
}

#[test]
fn a_daemon_starts_without_a_server_and_stops_on_either_signal() {
    let shell = Shell::new();
    let connect = [
        "connect",
        "--server-url",
        &cli_support::nobody(),
        "--auth-token",
        TOKEN,
    ];
    shell.run(&connect).fails(3);
    for signal in ["INT", "TERM"] {
        let daemon = shell.start(&["sync-daemon", "--interval", "1", "--json"]);
        let line: Value = serde_json::from_str(&daemon.line()).unwrap();
        assert_eq!(line["event"], "sync_failed");
        assert_eq!(daemon.stop(signal), Some(0));
    }
}

#[test]
fn a_daemon_sends_what_another_process_writes() {
    let server = Server::start(20);
    let shell = Shell::synced(&server);
    let daemon = shell.start(&["sync-daemon", "--interval", "1"]);
    daemon.line();
    shell.run(&["house", "create", "--name", "Cabin"]).ok();
    daemon.line_where(|line| line.contains("1 pushed"));
    assert_eq!(shell.json(&["status"])["pending"], 0);
    assert_eq!(daemon.stop("TERM"), Some(0));
}

#[test]
fn watching_shows_what_another_process_writes() {
    let shell = Shell::new();
    let watch = shell.start(&["watch"]);
    assert!(watch.complaint().contains("watching"));
    let house = shell.json(&["house", "create", "--name", "Cabin"]);
    let id = house["id"].as_str().unwrap();
    let line = watch.line_where(|line| line.contains(id));
    assert!(line.starts_with("created\thouse\t"), "{line}");
    assert_eq!(watch.stop("INT"), Some(0));

    let watch = shell.start(&["watch", "--json"]);
    // The second watcher says nothing before the first change: writes go on until one is seen.
    let mut written = 0;
    let seen = loop {
        written += 1;
        let address = format!("address=\"Lake {written}\"");
        shell.run(&["house", "update", id, "--set", &address]).ok();
        if let Some(line) = watch.line_if_any() {
            break line;
        }
    };
    let event: Value = serde_json::from_str(&seen).unwrap();
    assert_eq!((&event["kind"], &event["id"]), (&json!("house"), &json!(id)));
    assert_eq!(watch.stop("TERM"), Some(0));
}
