//! Times: microseconds since 1970 in UTC, as the protocol and SQLite carry them.

use std::fmt;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, Timelike as _, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One second, in the unit of [`Timestamp`].
pub const SECOND: i64 = 1_000_000;

/// 9999-12-31T23:59:59.999999, the last time that the wire format can carry.
const MAX_MICROS: i64 = 253_402_300_799_999_999;
/// 0001-01-01T00:00:00, the first.
const MIN_MICROS: i64 = -62_135_596_800_000_000;

/// A moment, in microseconds since 1970-01-01T00:00:00 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Text that is not a time, or one outside the years 1 to 9999.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an ISO 8601 time within the years 1 to 9999: {text:?}")]
pub struct InvalidTimestamp {
    /// The first 40 characters of what was read.
    pub text: String,
}

impl Timestamp {
    /// Wraps a count of microseconds, held to the years 1 to 9999.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(MIN_MICROS, MAX_MICROS))
    }

    /// Microseconds since 1970, UTC.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since 1970, UTC, rounded down; the unit of UUIDv7.
    pub fn millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// This moment and so many microseconds more (or less).
    pub fn plus_micros(self, micros: i64) -> Self {
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// Reads ISO 8601: no offset means UTC; `Z` and any offset are understood,
    /// with or without a fraction; `T` or a space between date and time.
    pub fn parse(text: &str) -> Result<Self, InvalidTimestamp> {
        let invalid = || InvalidTimestamp {
            text: text.chars().take(40).collect(),
        };
        if text.len() > 64 {
            return Err(invalid());
        }
        let micros = if let Some(micros) = written_here(text) {
            micros
        } else if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            time.timestamp_micros()
        } else if let Ok(time) = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%#z") {
            time.timestamp_micros()
        } else {
            ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
                .iter()
                .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
                .ok_or_else(invalid)?
                .and_utc()
                .timestamp_micros()
        };
        if (MIN_MICROS..=MAX_MICROS).contains(&micros) {
            Ok(Self(micros))
        } else {
            Err(invalid())
        }
    }

    fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or_default()
    }
}

/// Reads a time that is spelled as [`Timestamp`] spells its own, which nearly
/// every one is; `None` for any other spelling, which may be a time all the same.
fn written_here(text: &str) -> Option<i64> {
    const SHAPE: &[u8; 26] = b"0000-00-00T00:00:00.000000";
    let bytes: &[u8; 26] = text.as_bytes().try_into().ok()?;
    let alike = |(byte, shape): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        _ => byte == shape,
    };
    if !bytes.iter().zip(SHAPE).all(alike) {
        return None;
    }
    let number = |from: usize, to: usize| {
        let digits = bytes[from..to].iter();
        digits.fold(0u32, |number, digit| number * 10 + u32::from(digit - b'0'))
    };
    let date = NaiveDate::from_ymd_opt(i32::try_from(number(0, 4)).ok()?, number(5, 7), number(8, 10))?;
    let time = date.and_hms_micro_opt(number(11, 13), number(14, 16), number(17, 19), number(20, 26))?;
    Some(time.and_utc().timestamp_micros())
}

/// `2026-11-22T07:59:21.194774`: UTC, always six digits, no offset. FunkyGibbon
/// 0.1 answers 500 to a `last_sync` that has an offset.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By hand: `format` would read its pattern anew for each of many thousand rows.
        let time = self.utc();
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}",
            time.year(),
            time.month(),
            time.day(),
            time.hour(),
            time.minute(),
            time.second(),
            self.0.rem_euclid(SECOND),
        )
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Timestamp::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_one_moment_is_read_alike() {
        let expected = Timestamp::from_micros(1_795_334_361_194_774);
        for text in [
            "2026-11-22T07:59:21.194774",
            "2026-11-22 07:59:21.194774",
            "2026-11-22T07:59:21.194774Z",
            "2026-11-22T07:59:21.194774+00:00",
            "2026-11-22T12:59:21.194774+05:00",
            "2026-11-22T12:59:21.194774+0500",
        ] {
            assert_eq!(Timestamp::parse(text), Ok(expected), "{text}");
        }
        assert_eq!(expected.to_string(), "2026-11-22T07:59:21.194774");
        assert_eq!(
            Timestamp::parse("2026-11-22T07:59:21").map(|t| t.to_string()),
            Ok("2026-11-22T07:59:21.000000".to_owned())
        );
    }

    #[test]
    fn its_own_spelling_is_read_back() {
        for micros in [
            MIN_MICROS,
            -62_135_596_800_000_001 + 1_000_000 * 86_400 * 366,
            -1,
            0,
            999_999,
            951_782_399_999_999,
            951_868_800_000_001,
            1_795_334_361_194_774,
            MAX_MICROS,
        ] {
            let time = Timestamp::from_micros(micros);
            let text = time.to_string();
            assert_eq!(written_here(&text), Some(micros), "{text}");
            assert_eq!(text, time.utc().format("%Y-%m-%dT%H:%M:%S%.6f").to_string());
        }
        // Alike, but no time.
        for text in ["2026-02-30T00:00:00.000000", "2026-01-01T24:00:00.000000"] {
            assert_eq!(written_here(text), None);
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-13-01T00:00:00",
            "2026-11-22T25:00:00Z",
            "+12026-01-01T00:00:00Z",
            "2026-11-22",
        ] {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
    }
}
