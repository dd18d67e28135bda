//! What is left when somebody logs out of a machine, or a replica was damaged.

use serde_json::Value;

use crate::cli_support::{Server, Shell, TOKEN};
use crate::looking::{files, modes};

fn saved_token(shell: &Shell) -> Value {
    let config = std::fs::read(shell.path(".blowing-off.json")).unwrap();
    serde_json::from_slice::<Value>(&config).unwrap()["auth_token"].clone()
}

fn is_on_disk(shell: &Shell, words: &str) -> bool {
    let found = |bytes: &[u8]| bytes.windows(words.len()).any(|part| part == words.as_bytes());
    files(shell.folder()).iter().any(|(_, bytes)| found(bytes))
}

#[test]
fn a_wipe_is_refused_while_edits_are_unsent_and_says_which() {
    let server = Server::start(10);
    let shell = Shell::synced(&server);
    for number in 0..7 {
        let name = format!("Cabin {number}");
        shell.run(&["house", "create", "--name", &name]).ok();
    }
    let refused = shell.error(&["logout", "--wipe"], 5);
    assert_eq!(refused["code"], "unsent_edits");
    let words = refused["message"].as_str().unwrap();
    for part in [
        "7 unsent edits",
        "create of house \"Cabin 0\"",
        "Cabin 4",
        "and 2 more",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    // Nothing is forgotten.
    assert_eq!(saved_token(&shell), TOKEN);
    assert_eq!(shell.json(&["status"])["pending"], 7);
    shell.run(&["logout", "--force"]).fails(2);

    shell.run(&["sync"]).ok();
    let done = shell.json(&["logout", "--wipe"]);
    assert_eq!(
        (&done["logged_out"], &done["wiped"]),
        (&true.into(), &true.into())
    );
    assert_eq!(saved_token(&shell), Value::Null);
    assert!(!is_on_disk(&shell, "Cabin"));
    // The house is where it was.
    shell.run(&["connect", "--auth-token", TOKEN]).ok();
    shell.run(&["sync"]).ok();
    assert!(is_on_disk(&shell, "Cabin 6"));
}

#[test]
fn a_forced_wipe_leaves_nothing_of_the_house_in_any_file() {
    let server = Server::start(40);
    let shell = Shell::synced(&server);
    shell.run(&["house", "create", "--name", "Hideaway"]).ok();
    shell.run(&["house", "create", "--name", "Hideaway two"]).ok();
    // Deleted before, and out of sight since.
    shell.run(&["discard", "Hideaway two"]).ok();
    shell.run(&["search", "Hideaway"]).ok();
    assert!(is_on_disk(&shell, "Hideaway"));
    let names: Vec<Value> = shell.json(&["device", "list"]).as_array().unwrap().clone();
    let left = shell.run(&["logout", "--wipe", "--force"]).ok();
    assert!(left.stdout.contains("empty"), "{left:?}");
    assert!(!is_on_disk(&shell, "Hideaway"));
    assert!(names.len() > 10);
    for device in names {
        assert!(!is_on_disk(&shell, device["name"].as_str().unwrap()), "{device}");
    }
    assert!(!is_on_disk(&shell, TOKEN));
}

#[test]
fn what_was_set_aside_is_private_and_told_at_a_wipe() {
    let server = Server::start(40);
    let shell = Shell::synced(&server);
    let db = shell.path("blowing-off.db");
    let mut bytes = std::fs::read(&db).unwrap();
    // Behind the first page, which says that it is a database.
    let end = bytes.len().min(60_000);
    bytes[4_096..end].fill(0xa5);
    std::fs::write(&db, bytes).unwrap();
    // One run notices, the next one sets aside.
    shell.run(&["device", "list"]);
    shell.run(&["device", "list"]).ok();
    let aside: Vec<_> = modes(shell.folder())
        .into_iter()
        .filter(|(name, _)| name.contains(".damaged-"))
        .collect();
    assert!(!aside.is_empty());
    for (name, mode) in modes(shell.folder()) {
        assert_eq!(mode, 0o600, "{name}");
    }
    let done = shell.run(&["logout", "--wipe", "--force"]).ok();
    assert!(done.stderr.contains(&aside[0].0), "{done:?}");
    assert!(shell.path(&aside[0].0).exists());
}
