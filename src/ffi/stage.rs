//! The stage of the scenarios, for the runners of other languages (feature
//! `testing`). What it does is in [`crate::conformance`].

use std::path::Path;
use std::sync::Arc;

use crate::conformance::{Stage, StageError};

/// A scenario being played: ask for one order after the other, do it by the public
/// API, and say what came of it. `docs/conformance.md` has the rules.
#[derive(Debug, uniffi::Object)]
pub struct ConformanceStage(Stage);

#[uniffi::export]
impl ConformanceStage {
    /// Sets the stage for a scenario's file, with what it needs in `folder`, which is emptied.
    #[uniffi::constructor]
    pub fn new(scenario: String, folder: String) -> Result<Arc<Self>, StageError> {
        let stage = Stage::new(Path::new(&scenario), Path::new(&folder))?;
        Ok(Arc::new(Self(stage)))
    }

    /// The next order as JSON, `None` at the end. Blocks: call it off the thread that
    /// runs your async code.
    pub fn next_order(&self) -> Result<Option<String>, StageError> {
        self.0.next()
    }

    /// What came of it, as JSON. Blocks likewise.
    pub fn done(&self, answer: String) -> Result<(), StageError> {
        self.0.done(&answer)
    }

    /// What happened up to now, a line of JSON each.
    pub fn transcript(&self) -> String {
        self.0.transcript()
    }
}
