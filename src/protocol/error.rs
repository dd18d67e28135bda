//! What can be wrong with a message.

/// A message that can't be used. Nothing of it was applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// The message is larger than we take.
    #[error("the message is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The message nests too deeply.
    #[error("the message nests deeper than {limit} levels")]
    TooDeep {
        /// The limit, in levels.
        limit: usize,
    },
    /// The message has too many changes.
    #[error("the message holds {count} changes, at most {limit} are taken")]
    TooManyChanges {
        /// How many it has.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// The message is not UTF-8.
    #[error("the message is not UTF-8: bad byte at offset {offset}")]
    NotUtf8 {
        /// Where the first bad byte is.
        offset: usize,
    },
    /// The message is not JSON.
    #[error("the message is not JSON: {problem} at line {line}, column {column}")]
    NotJson {
        /// What the parser said.
        problem: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// The answer is a web page: probably not an Inbetweenies server.
    #[error("the answer is a web page, not an Inbetweenies message; is the server URL right?")]
    WebPage,
    /// A field is missing or of the wrong type.
    #[error("{path}: expected {expected}, found {found}")]
    Field {
        /// Where, for example `changes[3].data.floor`.
        path: String,
        /// What belongs there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
}

impl ProtocolError {
    /// Puts `prefix` before the path of a field error.
    #[must_use]
    pub fn within(self, prefix: &str) -> Self {
        match self {
            ProtocolError::Field {
                path,
                expected,
                found,
            } => ProtocolError::Field {
                path: if path.is_empty() {
                    prefix.to_owned()
                } else if path.starts_with('[') {
                    format!("{prefix}{path}")
                } else {
                    format!("{prefix}.{path}")
                },
                expected,
                found,
            },
            other => other,
        }
    }
}
