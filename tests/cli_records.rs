//! Records in the shell: the shapes of `--json` and of plain output, ids and
//! names, changes and deletions, and what becomes of unsent edits.

#![cfg(all(feature = "cli", feature = "hub", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod cli_support;

use cli_support::{Server, Shell};
use serde_json::{Value, json};

/// A house with a room and a device, made without a server.
fn offline() -> (Shell, String, String, String) {
    let shell = Shell::new();
    let id = |record: Value| record["id"].as_str().unwrap().to_owned();
    let house = id(shell.json(&["house", "create", "--name", "Cabin"]));
    let room = id(shell.json(&["room", "create", "--house-id", &house, "--name", "Hall"]));
    let device = id(shell.json(&["device", "create", "--room-id", &room, "--name", "Lamp"]));
    (shell, house, room, device)
}

#[test]
fn show_create_and_update_print_the_record() {
    let (shell, house, room, device) = offline();
    let create = [
        "room",
        "create",
        "--house-id",
        &house,
        "--name",
        "Cellar",
        "--floor",
        "-1",
        "--type",
        "storage",
    ];
    let made = shell.json(&create);
    assert_eq!(made["kind"], "room");
    assert_eq!(made["house_id"], house.as_str());
    assert_eq!(made["floor"], -1);
    assert_eq!(made["room_type"], "storage");
    assert_eq!(made["sync_status"], "pending");
    assert_eq!(shell.json(&["room", "show", made["id"].as_str().unwrap()]), made);

    let update = [
        "device",
        "update",
        &device,
        "--name",
        "Big Lamp",
        "--manufacturer",
        "Acme",
        "--set",
        r#"capabilities={"dim": true, "serial": 123456789012345678901234567890}"#,
    ];
    let changed = shell.run(&[&update[..], &["--json"]].concat()).ok();
    assert!(
        changed.stdout.contains("123456789012345678901234567890"),
        "{changed:?}"
    );
    let changed = changed.json();
    assert_eq!(changed["name"], "Big Lamp");
    assert_eq!(changed["manufacturer"], "Acme");
    assert_eq!(changed["capabilities"]["dim"], json!(true));
    assert_eq!(changed["room_id"], room.as_str());

    let emptied = shell.json(&["device", "update", &device, "--set", "manufacturer=null"]);
    assert!(emptied["manufacturer"].is_null());
    let moved = shell.json(&["device", "update", &device, "--room-id", "cellar"]);
    assert_eq!(moved["room_id"], made["id"]);
}

#[test]
fn lists_are_arrays_and_filters_narrow_them() {
    let (shell, house, room, device) = offline();
    let ids = |list: Value| -> Vec<String> {
        let list = list.as_array().unwrap();
        list.iter()
            .map(|record| record["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let other = shell.json(&["house", "create", "--name", "Flat"])["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        ids(shell.json(&["house", "list"])),
        [house.clone(), other.clone()]
    );
    assert_eq!(ids(shell.json(&["room", "list", "--house-id", &house])), [room]);
    assert!(ids(shell.json(&["room", "list", "--house-id", &other])).is_empty());
    assert_eq!(
        ids(shell.json(&["device", "list", "--room-id", "hall"])),
        [device]
    );
    for list in [&["user", "list"][..], &["event", "list"], &["conflicts", "list"]] {
        assert_eq!(shell.json(list), json!([]));
        assert_eq!(shell.run(list).ok().stdout, "");
    }
    assert_eq!(shell.json(&["pending"]).as_array().unwrap().len(), 4);
}

#[test]
fn plain_output_is_tab_separated_and_stays_in_its_cells() {
    let (shell, house, room, _) = offline();
    shell
        .run(&["room", "update", &room, "--name", "A\tB\nC\u{1b}[31m"])
        .ok();
    let rooms = shell.run(&["room", "list"]).ok();
    let rows = rooms.rows();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0][0], room);
    assert_eq!(rows[0][1], "A B C\u{fffd}[31m");
    let shown = shell.run(&["house", "show"]).ok();
    assert!(shown.rows().contains(&vec!["id", &house]));
    assert!(!shown.stdout.contains('\u{1b}'));
}

#[test]
fn device_state_is_merged_replaced_and_remembered() {
    let (shell, _, _, device) = offline();
    shell
        .run(&[
            "device",
            "set-state",
            &device,
            r#"{"power": "on", "brightness": 80}"#,
        ])
        .ok();
    let merged = shell.json(&["device", "set-state", "lamp", r#"{"brightness": null, "hue": 3}"#]);
    assert_eq!(merged["state"], json!({"power": "on", "hue": 3}));
    let mut members: Vec<&String> = merged.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(
        members,
        ["attributes", "device_id", "state", "sync_status", "updated_at"]
    );
    assert_eq!(merged["sync_status"], "pending");

    let replace = [
        "device",
        "set-state",
        &device,
        r#"{"power": "off"}"#,
        "--replace",
        "--attributes",
        r#"{"by": "me"}"#,
    ];
    shell.run(&replace).ok();
    let state = shell.json(&["device", "state", &device]);
    assert_eq!(state["state"], json!({"power": "off"}));
    assert_eq!(state["attributes"], json!({"by": "me"}));

    let history = shell.json(&["device", "history", &device, "--limit", "2"]);
    assert_eq!(history.as_array().unwrap().len(), 2);
    assert_eq!(history[0]["device_id"], device.as_str());

    // What is no object is refused before anything is opened.
    shell.run(&["device", "set-state", &device, "[1]"]).fails(2);
    assert_eq!(shell.json(&["device", "state", &device]), state);
}

#[test]
fn prefixes_and_names_do_where_they_fit_one_record() {
    let server = Server::start(300);
    let shell = Shell::synced(&server);
    let devices = shell.json(&["device", "list"]);
    let devices = devices.as_array().unwrap();
    let long = devices
        .iter()
        .find(|device| device["id"] != "device-123")
        .unwrap();
    let id = long["id"].as_str().unwrap();
    let prefix = &id[..id.len() - 1];
    assert_eq!(shell.json(&["device", "show", prefix])["id"], id);
    assert_eq!(shell.json(&["device", "show", "device-12"])["id"], "device-123");

    let twins = ["Twin One", "Twin"];
    for name in [twins[0], twins[1], twins[1]] {
        shell
            .run(&["room", "create", "--house-id", "house-1", "--name", name])
            .ok();
    }
    assert_eq!(shell.json(&["room", "show", "twin one"])["name"], "Twin One");
    let error = shell.error(&["room", "show", "Twin"], 2);
    assert_eq!(error["code"], "ambiguous");
    assert!(error["message"].as_str().unwrap().contains("2 records"));
    assert_eq!(
        shell.error(&["room", "show", "nothing like it"], 1)["code"],
        "not_found"
    );
    shell.run(&["room", "show", ""]).fails(2);
    // A parent that is not there is a mistake, not a room without a house.
    let stray = ["room", "create", "--house-id", "nowhere", "--name", "Stray"];
    assert_eq!(shell.error(&stray, 1)["code"], "not_found");
}

#[test]
fn deleting_a_house_takes_what_is_in_it() {
    let (shell, house, _, device) = offline();
    let deleted = shell.json(&["house", "delete", "cabin"]);
    assert_eq!(deleted, json!({"kind": "house", "id": house, "deleted": true}));
    assert_eq!(shell.error(&["device", "show", &device], 1)["code"], "not_found");
    assert_eq!(shell.json(&["room", "list"]), json!([]));
}

#[test]
fn users_and_events_are_kept_too() {
    let (shell, house, _, device) = offline();
    let user = shell.json(&[
        "user",
        "create",
        "--house-id",
        &house,
        "--name",
        "Ada",
        "--email",
        "ada@example.org",
    ]);
    assert_eq!(user["email"], "ada@example.org");
    let changed = shell.json(&["user", "update", "ada", "--role", "guest"]);
    assert_eq!(changed["role"], "guest");
    let log = [
        "event",
        "log",
        "--type",
        "pressed",
        "--entity-id",
        "lamp",
        "--data",
        r#"{"times": 2}"#,
        "--user-id",
        "Ada",
    ];
    let event = shell.json(&log);
    assert_eq!(event["event_type"], "pressed");
    assert_eq!(event["entity_type"], "device");
    assert_eq!(event["entity_id"], device.as_str());
    assert_eq!(event["user_id"], user["id"]);
    let events = shell.json(&["event", "list", "--entity-id", &device]);
    assert_eq!(events.as_array().unwrap().len(), 1);
    shell.run(&["user", "delete", "ada"]).ok();
    assert_eq!(shell.json(&["user", "list"]), json!([]));
}

#[test]
fn sync_prints_the_result_and_explain_tells_where_a_record_stands() {
    let server = Server::start(50);
    let shell = Shell::synced(&server);
    shell
        .run(&["device", "update", "device-123", "--name", "Lamp"])
        .ok();
    let told = shell.json(&["explain", "device-123"]);
    assert_eq!(told["record"]["name"], "Lamp");
    assert_eq!(told["pending"]["operation"], "update");
    assert!(!told["words"].as_array().unwrap().is_empty());

    let result = shell.json(&["sync"]);
    assert_eq!(result["pushed"], 1);
    for field in [
        "synced_entities",
        "pulled",
        "conflicts",
        "conflicts_resolved",
        "errors",
        "duration_ms",
    ] {
        assert!(!result[field].is_null(), "{field}");
    }
    let told = shell.json(&["explain", "device-123"]);
    assert!(told["pending"].is_null());
    shell.run(&["explain", "device-123"]).ok();

    // A deletion that was not sent is no longer among the living, but can be explained.
    shell.run(&["device", "delete", "device-123"]).ok();
    let told = shell.json(&["explain", "device-123"]);
    assert_eq!(told["pending"]["operation"], "delete");
}

#[test]
fn unsent_edits_are_only_lost_when_asked_for() {
    let server = Server::start(50);
    let shell = Shell::synced(&server);
    shell
        .run(&["device", "update", "device-123", "--name", "Lamp"])
        .ok();
    let error = shell.error(&["reset"], 5);
    assert_eq!(error["code"], "unsent_edits");
    assert!(error["hint"].as_str().unwrap().contains("--force"));
    assert_eq!(shell.json(&["device", "show", "device-123"])["name"], "Lamp");

    shell.run(&["discard", "device-123"]).ok();
    assert_ne!(shell.json(&["device", "show", "device-123"])["name"], "Lamp");
    let lost = shell.json(&["conflicts", "list"]);
    assert_eq!(lost[0]["reason"], "discarded");
    let number = lost[0]["conflict_id"].to_string();
    shell.run(&["conflicts", "show", &number]).ok();
    assert_eq!(shell.json(&["conflicts", "restore", &number])["name"], "Lamp");
    assert_eq!(shell.json(&["status"])["pending"], 1);

    assert_eq!(shell.json(&["retry"]), json!({"queued": 0}));
    shell.run(&["discard", "no-such-record"]).fails(1);
    shell.run(&["reset", "--force"]).ok();
    assert_eq!(shell.json(&["device", "list"]), json!([]));
    shell.run(&["sync"]).ok();
    assert_ne!(shell.json(&["device", "show", "device-123"])["name"], "Lamp");
}

#[test]
fn a_conflict_can_be_seen_restored_and_dismissed() {
    let server = Server::start(50);
    let (first, second) = (Shell::synced(&server), Shell::synced(&server));
    let rename = |name| ["device", "update", "device-123", "--name", name];
    first.run(&rename("From the first")).ok();
    second.run(&["device", "delete", "device-123"]).ok();
    second.run(&["sync"]).ok();
    let synced = first.run(&["sync"]).ok();
    assert!(
        synced
            .stdout
            .contains("1 conflict; see `blowing-off conflicts list`"),
        "{synced:?}"
    );

    let conflicts = first.json(&["conflicts", "list"]);
    let conflict = &conflicts[0];
    assert_eq!(conflict["id"], "device-123");
    assert_eq!(conflict["losing"]["name"], "From the first");
    let number = conflict["conflict_id"].to_string();
    assert_eq!(first.json(&["conflicts", "show", &number]), *conflict);
    first.run(&["conflicts", "restore", &number]).ok();
    first.run(&["sync"]).ok();
    second.run(&["sync"]).ok();
    assert_eq!(
        second.json(&["device", "show", "device-123"])["name"],
        "From the first"
    );

    assert_eq!(
        first.error(&["conflicts", "dismiss", "999"], 1)["code"],
        "not_found"
    );
    first.run(&["conflicts", "dismiss", "--all"]).ok();
    assert_eq!(first.json(&["conflicts", "list"]), json!([]));
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let shell = Shell::new();
    let text = "this is a diary, not a database; ".repeat(50);
    std::fs::write(shell.path("blowing-off.db"), &text).unwrap();
    let error = shell.error(&["room", "list"], 1);
    assert_eq!(error["code"], "storage");
    assert_eq!(
        std::fs::read_to_string(shell.path("blowing-off.db")).unwrap(),
        text
    );
}

#[test]
fn echo_logs_sql_but_no_values() {
    let (shell, ..) = offline();
    let ran = shell
        .run(&["--echo", "house", "create", "--name", "Secret Hideout"])
        .ok();
    assert!(ran.stderr.to_uppercase().contains("INSERT"), "{ran:?}");
    assert!(!ran.stderr.contains("Secret Hideout"), "{ran:?}");
}
