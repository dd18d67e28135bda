//! Version strings: `{time}+00:00-{counter}-{user id}`.
//!
//! They are compared as text: with six digits of fraction always there, the
//! order of bytes is the order of time. Who hands out counters is not here.

use std::fmt;

use crate::model::Timestamp;

/// Where the counter starts again.
const COUNTER_MODULUS: u32 = 1_000_000;

/// A version string in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionStamp {
    time: Timestamp,
    counter: u32,
    user_id: String,
}

/// Text that is not a version string of v2. Servers hold such ones too: as
/// names of versions they are as good as any other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a version string: {text:?}")]
pub struct InvalidVersion {
    /// The first 80 characters of what was read.
    pub text: String,
}

impl VersionStamp {
    /// The version of an edit; the counter is taken modulo a million.
    pub fn new(time: Timestamp, counter: u32, user_id: impl Into<String>) -> Self {
        Self {
            time,
            counter: counter % COUNTER_MODULUS,
            user_id: user_id.into(),
        }
    }

    /// Reads a version string. The user id is all that follows the counter,
    /// hyphens included. `Z` is read like `+00:00`, and over after it.
    pub fn parse(text: &str) -> Result<Self, InvalidVersion> {
        Self::read(text).ok_or_else(|| InvalidVersion {
            text: text.chars().take(80).collect(),
        })
    }

    fn read(text: &str) -> Option<Self> {
        let (time, rest) = split_time(text)?;
        let rest = rest.strip_prefix('Z').unwrap_or(rest);
        let (counter, user_id) = rest.strip_prefix('-')?.split_once('-')?;
        let digits = counter.len() == 6 && counter.bytes().all(|byte| byte.is_ascii_digit());
        Some(Self {
            time,
            counter: digits.then(|| counter.parse().ok()).flatten()?,
            user_id: user_id.to_owned(),
        })
    }

    /// When the edit was made, by its author's clock.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// The author's counter, below a million.
    pub fn counter(&self) -> u32 {
        self.counter
    }

    /// The author.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }
}

impl fmt::Display for VersionStamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+00:00-{:06}-{}", self.time, self.counter, self.user_id)
    }
}

/// The time in a version string, also where its rest is not ours to read.
pub fn version_time(text: &str) -> Option<Timestamp> {
    split_time(text).map(|(time, _)| time)
}

/// The time, and what follows its offset. Hyphens tell nothing: the date has
/// them, and user ids do.
fn split_time(text: &str) -> Option<(Timestamp, &str)> {
    ["+00:00", "Z"].iter().find_map(|offset| {
        let (time, rest) = text.split_once(offset)?;
        Some((Timestamp::parse(time).ok()?, rest))
    })
}
