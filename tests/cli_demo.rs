//! The demo, as a newcomer runs it: it must end well, and what it leaves must
//! agree with a script that shares no code with it.
#![cfg(all(feature = "cli", feature = "hub", unix))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn play(extra: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_blowing-off"))
        .args(["demo", "--json"])
        .args(extra)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn check(told: &Value) {
    let digests = told["digests"].as_array().unwrap();
    assert_eq!(digests.len(), 3);
    for digest in digests {
        assert_eq!(digest["state_digest"], digests[0]["state_digest"]);
        assert_eq!(digest["content_digest"], digests[0]["content_digest"]);
    }
    let edits = &told["edits"];
    let count = |name: &str| edits[name].as_u64().unwrap();
    assert_eq!(count("missing"), 0, "{edits}");
    assert_eq!(
        count("made"),
        count("live") + count("superseded") + count("journal"),
        "{edits}"
    );
    assert!(count("journal") >= 3, "the demo has three conflicts: {edits}");
}

#[test]
fn the_sample_house_ends_in_agreement() {
    check(&play(&[]));
}

#[test]
fn the_recorded_house_ends_in_agreement_and_a_script_agrees() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let keep = folder.path().join("kept");
    let house = root.join("tests/data/v1-delta.json");
    let told = play(&[
        "--house",
        house.to_str().unwrap(),
        "--keep",
        keep.to_str().unwrap(),
    ]);
    check(&told);
    let databases = ["hub.db", "ann.db", "ben.db"].map(|name| keep.join(name));
    for database in &databases {
        assert!(database.exists(), "{}", database.display());
    }
    let script = Command::new("python3")
        .arg(root.join("scripts/content_digest.py"))
        .args(&databases)
        .output();
    let Ok(output) = script else {
        println!("python3 is not here: the digests were NOT recomputed by the script");
        return;
    };
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let expected = told["digests"][0]["content_digest"].as_str().unwrap();
    assert_eq!(
        said.lines().filter(|line| line.starts_with(expected)).count(),
        3,
        "{said}"
    );
}
