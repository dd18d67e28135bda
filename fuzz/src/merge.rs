//! Merge patches (RFC 7386).

use serde_json::Value;
use wildthing::model::{JsonObject, merge_patch as merge};

/// Two objects, a line each: the second patches the first.
pub fn merge_patch(bytes: &[u8]) {
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n').map(object);
    let (Some(Some(mut target)), Some(Some(patch))) = (lines.next(), lines.next()) else {
        return;
    };
    merge(&mut target, &patch);
    let once = target.clone();
    merge(&mut target, &patch);
    assert_eq!(target, once, "the second time it says something else: {patch:?}");
    for (name, change) in &patch {
        match change {
            Value::Null => assert!(!once.contains_key(name), "{name:?} was to go"),
            Value::Object(_) => assert!(once.get(name).is_some_and(Value::is_object)),
            other => assert_eq!(once.get(name), Some(other)),
        }
    }
}

fn object(bytes: &[u8]) -> Option<JsonObject> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    }
}
