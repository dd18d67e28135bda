//! `Retry-After`, in seconds or as a date. Pure: the present is an argument.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime};

use crate::model::Timestamp;

/// The longest wait a server can ask for.
const MAX_WAIT: Duration = Duration::from_secs(3600);

/// How long to wait. A date counts from the server's own `Date` if it sent one,
/// so that a wrong clock on either side does no harm; else from `now`.
pub(super) fn wait(retry_after: &str, date: Option<&str>, now: Timestamp) -> Option<Duration> {
    let text = retry_after.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Only a number beyond 64 bits fails here.
        let wait = text.parse().map_or(MAX_WAIT, Duration::from_secs);
        return Some(wait.min(MAX_WAIT));
    }
    let until = http_date(text)?;
    let since = date.and_then(http_date).unwrap_or(now);
    let micros = until.micros().saturating_sub(since.micros()).max(0);
    Some(Duration::from_micros(micros.unsigned_abs()).min(MAX_WAIT))
}

/// Reads the three forms of RFC 9110, section 5.6.7.
fn http_date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc2822(text) {
        return Some(Timestamp::from_micros(time.timestamp_micros()));
    }
    ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .map(|time| Timestamp::from_micros(time.and_utc().timestamp_micros()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn seconds(text: &str, date: Option<&str>) -> Option<u64> {
        wait(text, date, Timestamp::from_micros(784_111_777_000_000)).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_are_taken_up_to_an_hour() {
        assert_eq!(seconds("0", None), Some(0));
        assert_eq!(seconds(" 120 ", None), Some(120));
        assert_eq!(seconds("3601", None), Some(3600));
        assert_eq!(seconds("99999999999999999999999", None), Some(3600));
    }

    #[test]
    fn all_three_forms_of_a_date_are_read() {
        for text in [
            "Sun, 06 Nov 1994 08:50:07 GMT",
            "Sunday, 06-Nov-94 08:50:07 GMT",
            "Sun Nov  6 08:50:07 1994",
        ] {
            assert_eq!(seconds(text, None), Some(30), "{text}");
        }
    }

    #[test]
    fn a_date_counts_from_the_servers_own() {
        assert_eq!(seconds("Sun, 06 Nov 1994 08:51:07 GMT", Some(DATE)), Some(90));
        assert_eq!(seconds("Sat, 05 Nov 1994 08:51:07 GMT", Some(DATE)), Some(0));
        assert_eq!(seconds("Mon, 07 Nov 1994 08:51:07 GMT", Some(DATE)), Some(3600));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:50:07 GMT", Some("soon")), Some(30));
    }

    #[test]
    fn what_is_neither_is_no_wait() {
        for text in ["", "soon", "-1", "1.5", "+5", "Sun, 32 Nov 1994 08:49:37 GMT"] {
            assert_eq!(seconds(text, None), None, "{text}");
        }
    }
}
