//! `Retry-After`, in the three spellings that occur.

use std::time::Duration;

use chrono::DateTime;

use crate::clock::Timestamp;

/// Nothing is left waiting longer than this on one answer's word: asking once an hour cannot hurt a throttled service,
/// and a nonsense date must not stop a connection for good.
pub(super) const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// Reads seconds, seconds with decimals (Graph's throttling sample says `2.128`) or an HTTP date (RFC 9110 section
/// 10.2.3). `None` when it is neither.
pub(super) fn parse(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return from_seconds(seconds);
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    let at = Timestamp::from_datetime(date.to_utc());
    Some(at.since(now).min(RETRY_AFTER_MAX))
}

fn from_seconds(seconds: f64) -> Option<Duration> {
    if seconds.is_nan() || seconds < 0.0 {
        return None;
    }
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(RETRY_AFTER_MAX).min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn seconds_may_have_decimals() {
        let now = Timestamp::default();
        assert_eq!(parse("2.128", now), Some(Duration::from_millis(2128)));
        assert_eq!(parse(" 10 ", now), Some(Duration::from_secs(10)));
        assert_eq!(parse("0", now), Some(Duration::ZERO));
    }

    #[test]
    fn a_date_counts_from_now() {
        let now = at("2026-11-21T10:00:00Z");
        assert_eq!(parse("Sat, 21 Nov 2026 10:00:30 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(parse("Sat, 21 Nov 2026 09:00:00 GMT", now), Some(Duration::ZERO));
    }

    #[test]
    fn nonsense_is_no_wait_and_no_wait_is_endless() {
        let now = at("2026-11-21T10:00:00Z");
        for text in ["", "soon", "-1", "NaN"] {
            assert_eq!(parse(text, now), None, "{text}");
        }
        for text in ["inf", "1e300", "86400", "Sat, 21 Nov 2076 10:00:30 GMT"] {
            assert_eq!(parse(text, now), Some(RETRY_AFTER_MAX), "{text}");
        }
    }
}
