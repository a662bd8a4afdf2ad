//! When the nightly reconcile is due: a local time, exactly once a day, also on the two days the clocks change.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::directory::ConnectionId;
use crate::directory::rules::ReconcileAt;

/// Without a time of its own a connection runs in these four hours of the night.
const SPREAD_BEGINS_AT_HOUR: u32 = 1;
const SPREAD_MINUTES: u32 = 240;

/// No zone has skipped more than this since 1970 but for whole days; minutes tried to find the end of a gap.
const GAP_MINUTES_MAX: i64 = 24 * 60 + 1;

fn parse_time(text: &str) -> Option<NaiveTime> {
    (text.len() == 5).then(|| NaiveTime::parse_from_str(text, "%H:%M").ok()).flatten()
}

/// The first time after `after` at which `connection` reconciles.
pub fn next(settings: &ReconcileAt, connection: &ConnectionId, after: Timestamp) -> Timestamp {
    let zone: Tz = settings.time_zone.parse().unwrap_or(Tz::UTC);
    let time = settings.at.as_deref().and_then(parse_time).unwrap_or_else(|| spread(connection));
    let after = after.to_datetime();
    let first = after.with_timezone(&zone).date_naive() - Days::new(1);
    let instants = first.iter_days().take(5).map(|day| instant(zone, day, time));
    let next = instants.into_iter().find(|at| *at > after);
    next.map_or_else(|| Timestamp::from_datetime(after).plus(Duration::from_secs(86_400)), Timestamp::from_datetime)
}

/// The instant at which a local clock shows `time` on `day`: the first of two, or the end of a gap without it.
fn instant(zone: Tz, day: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
    let local = day.and_time(time);
    let candidates = (0..GAP_MINUTES_MAX).map(|minutes| local + TimeDelta::minutes(minutes));
    let found = candidates.filter_map(|local| zone.from_local_datetime(&local).earliest()).next();
    found.map_or_else(|| local.and_utc(), |at| at.with_timezone(&Utc))
}

fn spread(connection: &ConnectionId) -> NaiveTime {
    let digest = Sha256::digest(connection.as_str());
    let number = u32::from(digest[0]) << 8 | u32::from(digest[1]);
    let minutes = SPREAD_BEGINS_AT_HOUR * 60 + number % SPREAD_MINUTES;
    NaiveTime::from_hms_opt(minutes / 60, minutes % 60, 0).unwrap_or(NaiveTime::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn london(at: &str) -> ReconcileAt {
        ReconcileAt { at: Some(at.into()), time_zone: "Europe/London".into() }
    }

    fn runs(settings: &ReconcileAt, from: &str, until: &str) -> Vec<String> {
        let connection = "contoso".parse().unwrap();
        let (mut now, until) = (Timestamp::parse_rfc3339(from).unwrap(), Timestamp::parse_rfc3339(until).unwrap());
        let mut found = Vec::new();
        loop {
            now = next(settings, &connection, now);
            if now >= until {
                return found;
            }
            found.push(now.to_string());
        }
    }

    #[test]
    fn it_runs_once_when_the_clocks_go_forward_over_its_time() {
        let found = runs(&london("01:30"), "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z");
        assert_eq!(found, ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
    }

    #[test]
    fn it_runs_once_when_the_clocks_go_back_over_its_time() {
        let found = runs(&london("01:30"), "2026-10-24T00:00:00Z", "2026-10-27T00:00:00Z");
        assert_eq!(found, ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    }

    #[test]
    fn a_time_outside_the_change_is_kept_in_local_time() {
        let found = runs(&london("02:30"), "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z");
        assert_eq!(found, ["2026-03-28T02:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T01:30:00Z"]);
    }

    #[test]
    fn connections_without_a_time_are_spread_over_four_hours_of_the_night() {
        let settings = ReconcileAt::default();
        for name in ["contoso", "fabrikam", "adatum", "northwind"] {
            let at = next(&settings, &name.parse().unwrap(), Timestamp(0)).to_datetime();
            let time = at.time();
            assert!(
                time >= NaiveTime::from_hms_opt(1, 0, 0).unwrap() && time < NaiveTime::from_hms_opt(5, 0, 0).unwrap()
            );
        }
    }
}
