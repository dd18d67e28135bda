//! The paths of the questions beside the sync.

use super::{GRAPH_PATH, STATUS_PATH};

/// Which protocol a server speaks: answered 200 by v2, 404 by v1.
pub fn status_path(device_id: &str) -> String {
    format!("{STATUS_PATH}?device_id={}", escaped(device_id))
}

/// An entity's current version.
pub fn entity_path(id: &str) -> String {
    format!("{GRAPH_PATH}/entities/{}", escaped(id))
}

/// One version of an entity.
pub fn version_path(id: &str, version: &str) -> String {
    format!("{}?version={}", entity_path(id), escaped(version))
}

/// Every version of an entity.
pub fn versions_path(id: &str) -> String {
    format!("{}/versions", entity_path(id))
}

/// All edges. Not filtered by entity: filters drop edges that are pinned to
/// superseded versions.
pub fn relationships_path() -> String {
    format!("{GRAPH_PATH}/relationships")
}

/// Text as a part of a path or a query: ids hold any character.
fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' => out.push(char::from(byte)),
            // A part of dots alone would be taken for a folder.
            b'.' if text.bytes().any(|byte| byte != b'.') => out.push('.'),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}
