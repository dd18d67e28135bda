//! The scenarios of `tests/conformance`, as they are played by the Rust client: each
//! comes to its end, the same way each time; and what is no scenario is refused with
//! its place.
#![cfg(feature = "testing")]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use wildthing::conformance::{Scenario, StageError};

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/scenarios")
}

fn play(scenarios: &Path, to: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conformance"));
    command.arg("run").args([scenarios, to]).output().unwrap()
}

#[test]
fn every_scenario_ends_well_and_the_same_way_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let (once, again) = (folder.path().join("once"), folder.path().join("again"));
    for to in [&once, &again] {
        let played = play(&scenarios(), to);
        assert!(
            played.status.success(),
            "{}",
            String::from_utf8_lossy(&played.stderr)
        );
    }
    let mut count = 0;
    for entry in fs::read_dir(&once).unwrap() {
        let path = entry.unwrap().path();
        let first = fs::read_to_string(&path).unwrap();
        let second = fs::read_to_string(again.join(path.file_name().unwrap())).unwrap();
        let mut lines = first.lines().zip(second.lines()).enumerate();
        let differs = lines.find(|(_, (one, other))| one != other);
        assert!(first == second, "{}: {differs:?}", path.display());
        count += 1;
    }
    assert!(count >= 60, "{count} scenarios");
}

type Change = fn(&mut Value);

/// A small scenario with `change` made to it.
fn written(folder: &Path, change: impl FnOnce(&mut Value)) -> PathBuf {
    let mut scenario = json!({
        "name": "small", "about": "A house.", "covers": ["nothing"], "protocol": "v1",
        "clients": {"ann": {}},
        "steps": [{"client": "ann", "call": "get_houses", "expect": {"ok": []}}, {"stage": "advance", "ms": 5}],
    });
    change(&mut scenario);
    let path = folder.join("small.json");
    fs::write(&path, scenario.to_string()).unwrap();
    path
}

#[test]
fn what_is_not_of_the_format_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Scenario::read(&written(folder.path(), |_| {})).is_ok());
    let changes: &[(&str, &str, Change)] = &[
        ("the top", "colour", |it| it["colour"] = json!(1)),
        ("the top", "frost", |it| it["clients"]["ann"]["frost"] = json!(1)),
        ("protocol", "v1 or v2", |it| it["protocol"] = json!("v3")),
        ("name", "file", |it| it["name"] = json!("other")),
        ("clients", "\"../ann\"", |it| it["clients"]["../ann"] = json!({})),
        ("clients", "eve", |it| it["clients"]["ann"]["file"] = json!("eve")),
        ("clients", "at most", |it| {
            for number in 0..255 {
                it["clients"][format!("c{number}")] = json!({});
            }
        }),
        ("steps[0]", "argz", |it| it["steps"][0]["argz"] = json!({})),
        ("steps[0]", "eve", |it| it["steps"][0]["client"] = json!("eve")),
        ("steps[0]", "eve", |it| {
            it["steps"][0]["until"] = json!({"waits": {"client": "eve", "wait": "quiet"}});
        }),
        ("steps[1]", "eve", |it| {
            it["steps"][1] = json!({"stage": "await", "until": {"event": {"client": "eve", "event": "x"}}});
        }),
        ("steps[1]", "mss", |it| it["steps"][1]["mss"] = json!(1)),
        ("steps[1]", "soon", |it| it["steps"][1]["ms"] = json!("soon")),
        ("steps[1]", "dance", |it| it["steps"][1]["stage"] = json!("dance")),
        ("steps[1]", "one of", |it| it["steps"][1] = json!({"ms": 5})),
        ("steps[1]", "object", |it| it["steps"][1] = json!(5)),
    ];
    for (place, word, change) in changes {
        match Scenario::read(&written(folder.path(), change)) {
            Err(StageError::Scenario { at, problem, .. }) => {
                assert_eq!(&at, place, "{word}");
                assert!(problem.contains(word), "{word}: {problem}");
            }
            other => panic!("{word}: {other:?}"),
        }
    }
}

#[test]
fn what_does_not_come_as_expected_fails_the_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let changes: &[(&str, Change)] = &[
        (".ok is []", |it| {
            it["steps"][0]["expect"] = json!({"ok": [{"name": "Cabin"}]})
        }),
        ("not_found", |it| {
            it["steps"][0] = json!({"client": "ann", "call": "get_room", "args": {"room_id": "x"}});
        }),
        ("no such call", |it| it["steps"][0]["call"] = json!("dance")),
        ("no argument", |it| it["steps"][0]["args"] = json!({"colour": 1})),
        ("nothing is called $hall", |it| {
            it["steps"][0] = json!({"client": "ann", "call": "get_room", "args": {"room_id": "$hall"}});
        }),
    ];
    for (word, change) in changes {
        written(folder.path(), change);
        let to = folder.path().join("to");
        let played = play(folder.path(), &to);
        assert!(!played.status.success(), "{word}");
        let said = String::from_utf8_lossy(&played.stderr).into_owned();
        assert!(said.contains(word), "{word}: {said}");
        let transcript = fs::read_to_string(to.join("small.jsonl")).unwrap();
        assert!(
            transcript.lines().last().unwrap().starts_with("{\"failed\":"),
            "{transcript}"
        );
    }
}
