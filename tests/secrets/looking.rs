//! What another user of the machine, or a thief, would look at.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::support::front::pass_on;
use crate::support::raw_http::RawServer;

/// The command lines of all processes.
pub(crate) fn command_lines() -> String {
    let processes = std::fs::read_dir("/proc").unwrap().map_while(Result::ok);
    processes
        // Whoever has ended meanwhile has none.
        .filter_map(|process| std::fs::read(process.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " ") + "\n")
        .collect()
}

/// Stands before a server, and looks at all command lines at every request: then
/// the command that sent it is running.
pub(crate) struct Watched {
    server: RawServer,
    seen: Arc<Mutex<String>>,
}

impl Watched {
    pub(crate) fn before(hub: &str) -> Self {
        let hub = hub.to_owned();
        let seen = Arc::new(Mutex::new(String::new()));
        let noted = Arc::clone(&seen);
        let server = RawServer::start(move |request| {
            noted.lock().unwrap().push_str(&command_lines());
            pass_on(&hub, &request)
        });
        Self { server, seen }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// All that were seen.
    pub(crate) fn command_lines(&self) -> String {
        let seen = self.seen.lock().unwrap().clone();
        assert!(seen.contains("blowing-off"), "the command was not seen");
        seen
    }
}

/// The files of a folder with their bytes.
pub(crate) fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .filter_map(|entry| {
            // One that was there for a moment only.
            let bytes = std::fs::read(entry.path()).ok()?;
            Some((entry.file_name().to_string_lossy().into_owned(), bytes))
        })
        .collect()
}

/// The files of a folder with what others may do with them.
pub(crate) fn modes(folder: &Path) -> Vec<(String, u32)> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .filter_map(|entry| {
            let mode = entry.metadata().ok()?.permissions().mode() & 0o777;
            Some((entry.file_name().to_string_lossy().into_owned(), mode))
        })
        .collect()
}

/// A token in its last hour, by the clock of the system.
pub(crate) fn nearly_over() -> String {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let body = json!({"sub": "admin", "role": "admin", "iat": now - 600_000, "exp": now + 3_600});
    let signature = "c2lnbmF0dXJlLW5vdC10by1iZS1zZWVu";
    format!("e30.{}.{signature}", URL_SAFE_NO_PAD.encode(body.to_string()))
}
