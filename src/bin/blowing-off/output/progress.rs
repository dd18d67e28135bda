//! The progress bar of a sync, for people who look at stderr.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use wildthing::client::types::ChangeEvent;

use super::Out;

/// Shown while it lives.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar, unless nobody would see it.
    pub(crate) fn new(out: &Out) -> Option<Self> {
        if !out.shows_progress() {
            return None;
        }
        // Hidden until it is dressed: a bar is drawn as soon as it has something to say.
        let bar = ProgressBar::hidden();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        bar.set_message("syncing");
        bar.set_draw_target(ProgressDrawTarget::stderr());
        bar.enable_steady_tick(Duration::from_millis(100));
        Some(Self { bar })
    }

    /// Takes what an event tells of the sync.
    pub(crate) fn show(&self, event: &ChangeEvent) {
        let ChangeEvent::SyncProgress { done, total } = *event else {
            return;
        };
        let Some(total) = total.filter(|total| *total > 0) else {
            // Servers do not tell how much there is.
            self.bar.set_message(format!("syncing, {done} entities so far"));
            return;
        };
        if self.bar.length() != Some(total) {
            if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}") {
                self.bar.set_style(style);
            }
            self.bar.set_length(total);
        }
        self.bar.set_position(done.min(total));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
