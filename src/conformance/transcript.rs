//! What happened, one line each, in the order in which it happened.

use std::sync::Mutex;

use super::canonical::canonical;
use super::lock;
use crate::model::Json;

/// The lines so far.
#[derive(Debug, Default)]
pub(super) struct Transcript(Mutex<Written>);

#[derive(Debug, Default)]
struct Written {
    lines: Vec<String>,
    masks: Vec<(String, &'static str)>,
    muted: bool,
}

impl Transcript {
    /// Shows `text` as `shown` from here on: it differs from run to run, or is a secret.
    pub(super) fn mask(&self, text: String, shown: &'static str) {
        lock(&self.0).masks.push((text, shown));
    }

    pub(super) fn line(&self, line: &Json) {
        let mut written = lock(&self.0);
        if !written.muted {
            let line = canonical(line, &written.masks).to_string();
            written.lines.push(line);
        }
    }

    /// Writes nothing down, or does so again.
    pub(super) fn mute(&self, muted: bool) {
        lock(&self.0).muted = muted;
    }

    pub(super) fn text(&self) -> String {
        let written = lock(&self.0);
        let lines = written.lines.iter().map(|line| format!("{line}\n"));
        lines.collect()
    }
}
