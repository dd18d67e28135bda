//! The graph in the shell: entities, relationships, paths and search, without a
//! server, and what a replica without a graph says.

#![cfg(all(feature = "cli", feature = "hub", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod cli_support;

use cli_support::{Shell, nobody};
use serde_json::{Value, json};

/// A folder whose database holds a graph, since its server is said to.
fn graph() -> Shell {
    let shell = Shell::new();
    let connect = ["connect", "--server-url", &nobody(), "--protocol", "v2"];
    assert_eq!(shell.error(&connect, 3)["code"], "offline");
    shell
}

fn id(record: &Value) -> String {
    record["id"].as_str().unwrap().to_owned()
}

fn create(shell: &Shell, entity_type: &str, name: &str, content: &str) -> String {
    id(&shell.json(&[
        "entity",
        "create",
        "--type",
        entity_type,
        "--name",
        name,
        "--content",
        content,
    ]))
}

#[test]
fn entities_are_made_listed_shown_changed_and_deleted() {
    let shell = graph();
    let note = create(
        &shell,
        "note",
        "WiFi",
        r#"{"text": "Network: Home", "big": 12345678901234567890123}"#,
    );
    create(&shell, "home", "Cabin", "{}");
    let shown = shell.run(&["entity", "show", "wifi", "--json"]).ok();
    assert!(shown.stdout.contains("12345678901234567890123"), "{shown:?}");
    let shown = shown.json();
    assert_eq!(
        (&shown["entity_type"], &shown["source_type"]),
        (&json!("note"), &json!("manual"))
    );
    assert_eq!(shown["content"]["text"], "Network: Home");
    assert_eq!(shown["sync_status"], "pending");
    let plain = shell.run(&["entity", "show", &note[..30]]).ok();
    assert!(
        plain.rows().contains(&vec!["content.text", "Network: Home"]),
        "{plain:?}"
    );

    let update = [
        "entity",
        "update",
        "WiFi",
        "--name",
        "WLAN",
        "--set",
        "text=null",
        "--set",
        "n=[1]",
    ];
    let changed = shell.json(&update);
    assert_eq!(
        changed["content"],
        json!({"big": changed["content"]["big"], "n": [1]})
    );
    let piped = [
        "entity",
        "update",
        "wlan",
        "--content",
        "-",
        "--replace",
        "--source",
        "imported",
        "--json",
    ];
    let replaced = shell.run_with_input(&piped, r#"{"a": {"b": 1}}"#).ok().json();
    assert_eq!(
        (&replaced["content"], &replaced["source_type"]),
        (&json!({"a": {"b": 1}}), &json!("imported"))
    );
    let nonsense = shell.run_with_input(&piped, "[1]").error(2);
    assert_eq!(nonsense["code"], "usage");

    let list = shell.run(&["entity", "list"]).ok();
    let rows: Vec<Vec<&str>> = list.rows();
    assert_eq!(
        rows.iter().map(|row| row[1]).collect::<Vec<_>>(),
        ["home", "note"]
    );
    assert_eq!(rows[1], [note.as_str(), "note", "WLAN", "pending"]);
    let notes = shell.json(&["entity", "list", "--type", "note"]);
    assert_eq!(notes.as_array().unwrap().len(), 1);
    assert_eq!(shell.json(&["house", "list"])[0]["name"], "Cabin");

    let deleted = shell.json(&["entity", "delete", "wlan"]);
    assert_eq!(deleted, json!({"kind": "note", "id": note, "deleted": true}));
    assert_eq!(shell.error(&["entity", "show", &note], 1)["code"], "not_found");
}

#[test]
fn things_are_connected_by_name_and_paths_are_found() {
    let shell = graph();
    let lamp = create(&shell, "device", "Lamp", "{}");
    let manual = create(&shell, "manual", "Handbook", "{}");
    let app = create(&shell, "app", "Remote", "{}");
    let add = [
        "relation",
        "add",
        "lamp",
        "documented_by",
        "handbook",
        "--properties",
        r#"{"page": 3}"#,
    ];
    let edge = shell.json(&add);
    assert_eq!((&edge["from_id"], &edge["to_id"]), (&json!(lamp), &json!(manual)));
    shell.run(&["relation", "add", "remote", "controls", &lamp]).ok();
    let all = shell.json(&["relation", "list"]);
    assert_eq!(all.as_array().unwrap().len(), 2);
    let list = shell.run(&["relation", "list", "--from", "lamp"]).ok();
    let wanted = [
        &id(&edge),
        &lamp,
        "documented_by",
        &manual,
        r#"{"page":3}"#,
        "pending",
    ];
    assert_eq!(list.rows(), [wanted.to_vec()]);
    for filter in [["--to", "lamp"], ["--of", "remote"], ["--type", "controls"]] {
        let found = shell.json(&[&["relation", "list"][..], &filter].concat());
        assert_eq!(found[0]["from_id"], app.as_str(), "{filter:?}");
        assert_eq!(found.as_array().unwrap().len(), 1, "{filter:?}");
    }

    let path = shell.run(&["path", "remote", "handbook"]).ok();
    let rows = path.rows();
    assert_eq!(rows[0], [app.as_str(), "app", "Remote", "", ""]);
    assert_eq!(rows[1][2..], ["Lamp", "controls", "outgoing"]);
    assert_eq!(rows[2][2..], ["Handbook", "documented_by", "outgoing"]);
    let back = shell.json(&["path", "handbook", "remote"]);
    assert_eq!(back["relationships"].as_array().unwrap().len(), 2);
    assert_eq!(
        shell.error(&["path", "remote", "handbook", "--max-depth", "1"], 1)["code"],
        "no_path"
    );

    shell.run(&["relation", "remove", &id(&edge)]).ok();
    assert_eq!(
        shell.error(&["relation", "remove", &id(&edge)], 1)["code"],
        "not_found"
    );
    assert_eq!(shell.error(&["path", "remote", "handbook"], 1)["code"], "no_path");
    let likes = shell.error(&["relation", "add", "lamp", "likes", "handbook"], 2);
    assert!(
        likes["message"]
            .as_str()
            .unwrap()
            .contains("located_in, controls"),
        "{likes}"
    );
}

#[test]
fn words_are_found_best_first() {
    let shell = graph();
    create(
        &shell,
        "note",
        "Shopping",
        r#"{"items": ["milk", "thermostat\nbatteries"]}"#,
    );
    let device = create(&shell, "device", "Thermostat", "{}");
    let found = shell.json(&["search", "thermo"]);
    let names: Vec<&Value> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| &hit["entity"]["name"])
        .collect();
    assert_eq!(names, ["Thermostat", "Shopping"]);
    let plain = shell.run(&["search", "thermostat", "batt"]).ok();
    assert_eq!(
        plain.rows()[0][1..],
        ["note", "Shopping", "milk thermostat batteries"]
    );
    let typed = shell.json(&["search", "thermo", "--type", "device", "--limit", "5"]);
    assert_eq!(typed[0]["entity"]["id"], device.as_str());
    assert_eq!(typed.as_array().unwrap().len(), 1);
    assert_eq!(shell.run(&["search", "--", "-x\"*"]).ok().stdout, "");
    assert_eq!(shell.error(&["search"], 2)["code"], "usage");
}

#[test]
fn the_protocol_is_remembered_and_without_a_graph_there_is_no_note() {
    let shell = graph();
    let config = std::fs::read_to_string(shell.path(".blowing-off.json")).unwrap();
    assert!(config.contains(r#""protocol": "v2""#), "{config}");
    assert_eq!(shell.json(&["status"])["protocol"], "v2");

    let other = Shell::new();
    let refused = other.error(&["entity", "create", "--type", "note", "--name", "X"], 1);
    assert_eq!(refused["code"], "unsupported_by_server");
    assert!(
        refused["hint"].as_str().unwrap().contains("--protocol v2"),
        "{refused}"
    );
    let house = id(&other.json(&["house", "create", "--name", "Cabin"]));
    assert_eq!(other.json(&["entity", "list"])[0]["id"], house.as_str());
    let refused = other.error(&["entity", "create", "--type", "gadget", "--name", "X"], 2);
    assert!(
        refused["message"].as_str().unwrap().contains("automation"),
        "{refused}"
    );
    other.error(&["connect", "--server-url", &nobody(), "--protocol", "v1"], 3);
    let refused = other.error(&["relation", "add", "cabin", "controls", "cabin"], 2);
    assert_eq!(refused["code"], "invalid");
    let refused = other.error(&["connect", "--server-url", &nobody(), "--protocol", "v2"], 1);
    assert_eq!(refused["code"], "other_server");
}
