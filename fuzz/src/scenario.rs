//! Scenarios, as the stage reads them.

use std::path::PathBuf;

use serde_json::Value;
use wildthing::conformance::{Scenario, StageError};

/// A file of these bytes, under the name that it gives itself: what is refused is
/// refused with its place, and of what is read every client is there.
pub fn scenario(bytes: &[u8]) {
    let written: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let name = written["name"].as_str().unwrap_or("unnamed");
    let file = PathBuf::from(format!("{name}.json"));
    let steps = written["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    match Scenario::parse(&file, bytes) {
        Ok(read) => {
            assert_eq!(read.name, name);
            assert!(matches!(read.protocol.as_str(), "v1" | "v2"));
            let there = |name: &str| written["clients"].get(name).is_some();
            for step in steps {
                let waited_for = ["event", "waits"].map(|what| &step["until"][what]["client"]);
                let mut named = [&[&step["client"]][..], &waited_for].concat().into_iter();
                let stranger = named.find(|name| name.as_str().is_some_and(|name| !there(name)));
                assert!(stranger.is_none(), "nobody is called {stranger:?}");
            }
        }
        Err(StageError::Scenario { at, problem, .. }) => {
            let step = at.strip_prefix("steps[").and_then(|rest| rest.strip_suffix(']'));
            match (at.as_str(), step.map(str::parse::<usize>)) {
                (_, Some(Ok(index))) => assert!(index < steps.len(), "{at} of {}", steps.len()),
                ("the top", _) => assert!(problem.contains(" at line "), "where? {problem}"),
                ("name" | "protocol" | "clients", _) => assert!(written[&at] != Value::Null),
                _ => panic!("{at} is no place"),
            }
            assert!(!problem.is_empty(), "{at}: what is wrong?");
        }
        Err(error) => panic!("not about the scenario: {error}"),
    }
}
