//! The simulated wall clock, and the ways Graph writes an instant.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};

/// Microseconds between two seconds.
pub(super) const MICROS_PER_SECOND: i64 = 1_000_000;

/// .NET ticks (100 ns since the year 1) at the Unix epoch; `sequenceNumber` counts in them.
const TICKS_AT_UNIX_EPOCH: i64 = 621_355_968_000_000_000;

/// A clock that follows the system's, ahead of it by what was advanced, or stands still where it was set.
#[derive(Debug, Default)]
pub(super) struct SimulatedClock {
    fixed: Option<i64>,
    ahead_micros: i64,
}

impl SimulatedClock {
    /// Microseconds since the Unix epoch.
    #[expect(
        clippy::disallowed_methods,
        reason = "the simulator keeps its own clock: it shares nothing with the crate"
    )]
    pub(super) fn now(&self) -> i64 {
        let system = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.fixed.unwrap_or_else(|| micros(system()) + self.ahead_micros)
    }

    /// Stands still at this instant until advanced.
    pub(super) fn fix(&mut self, at_micros: i64) {
        self.fixed = Some(at_micros);
    }

    pub(super) fn advance(&mut self, by: Duration) {
        match &mut self.fixed {
            Some(fixed) => *fixed += micros(by),
            None => self.ahead_micros += micros(by),
        }
    }
}

/// A duration in microseconds, at most what an instant can hold.
pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}

/// The instant as a `DateTime`; instants outside chrono's range become the epoch.
pub(super) fn date_time(at_micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at_micros).unwrap_or_default()
}

/// `2026-11-21T10:17:05Z`, as Graph writes properties.
pub(super) fn in_seconds(at_micros: i64) -> String {
    date_time(at_micros).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-11-21T10:17:05`, as Graph writes the date of an error.
pub(super) fn without_zone(at_micros: i64) -> String {
    date_time(at_micros).format("%Y-%m-%dT%H:%M:%S").to_string()
}

/// `2026-11-21T10:17:05.1234560`: seven digits, without the zone, as notifications write instants.
pub(super) fn in_ticks_text(at_micros: i64) -> String {
    format!("{}0", date_time(at_micros).format("%Y-%m-%dT%H:%M:%S%.6f"))
}

/// .NET ticks, as `sequenceNumber` counts. Above 2^53.
pub(super) fn in_ticks(at_micros: i64) -> i64 {
    at_micros * 10 + TICKS_AT_UNIX_EPOCH
}

/// Reads an RFC 3339 instant with any number of fractional digits.
pub(super) fn parse(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|instant| instant.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_match_a_captured_notification() {
        let at = parse("2018-11-22T01:47:00.245582Z").unwrap();
        assert_eq!(in_ticks(at), 636_784_480_202_455_820);
        assert_eq!(in_ticks_text(at), "2018-11-22T01:47:00.2455820");
    }

    #[test]
    fn a_fixed_clock_moves_only_when_advanced() {
        let mut clock = SimulatedClock::default();
        clock.fix(5);
        clock.advance(Duration::from_micros(2));
        assert_eq!(clock.now(), 7);
    }
}
