//! What can go wrong on a stage, for the people who write scenarios and runners.

/// Why a scenario can't go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum StageError {
    /// The file is no scenario.
    #[error("{file}: {at}: {problem}")]
    Scenario {
        /// The file.
        file: String,
        /// Where in it, such as `steps[3]`.
        at: String,
        /// What is wrong there.
        problem: String,
    },
    /// Something else came than the scenario expects.
    #[error("step {step}: {problem}")]
    Unexpected {
        /// Which step, counted from 1; 0 is before the first.
        step: u64,
        /// Where it differs.
        problem: String,
    },
    /// What the scenario waits for did not come within a minute.
    #[error("step {step}: waited in vain for {what}")]
    Stuck {
        /// Which step.
        step: u64,
        /// For what.
        what: String,
    },
    /// The runner does not keep to the rules.
    #[error("runner: {problem}")]
    Runner {
        /// What it did.
        problem: String,
    },
    /// The stage itself failed.
    #[error("stage: {problem}")]
    Broken {
        /// How.
        problem: String,
    },
}

impl StageError {
    pub(super) fn broken(problem: impl ToString) -> Self {
        StageError::Broken {
            problem: problem.to_string(),
        }
    }

    pub(super) fn runner(problem: impl ToString) -> Self {
        StageError::Runner {
            problem: problem.to_string(),
        }
    }
}
