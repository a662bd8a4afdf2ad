//! The Gregorian calendar from year 1 to 9999, in ticks of 100 nanoseconds as .NET has them.
//!
//! Days and dates are converted as in "chrono-Compatible Low-Level Date Algorithms" by Howard Hinnant: years begin in
//! March, so that the leap day comes last, and repeat every 400 years.

pub(super) const TICKS_PER_SECOND: i64 = 10_000_000;
pub(super) const TICKS_PER_DAY: i64 = 86_400 * TICKS_PER_SECOND;

/// The days of 400 years.
const DAYS_PER_ERA: i64 = 146_097;

/// From the first of March of the year 0 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;

/// An instant in ticks since 1970-01-01T00:00:00Z, within the years 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::expression) struct Moment(i64);

/// A calendar date with a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    /// Ticks of 100 nanoseconds.
    pub(super) fraction: i64,
}

impl Civil {
    /// The instant of this UTC date and time; `None` when the calendar has no such day or the clock no such time.
    pub(super) fn moment(&self) -> Option<Moment> {
        let exists = (1..=9999).contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=days_in_month(self.year, self.month)).contains(&self.day)
            && (0..24).contains(&self.hour)
            && (0..60).contains(&self.minute)
            && (0..60).contains(&self.second)
            && (0..TICKS_PER_SECOND).contains(&self.fraction);
        let seconds = (self.hour * 60 + self.minute) * 60 + self.second;
        exists.then(|| {
            Moment(days(self.year, self.month, self.day) * TICKS_PER_DAY + seconds * TICKS_PER_SECOND + self.fraction)
        })
    }
}

impl Moment {
    pub(super) fn of_ticks(ticks: i64) -> Option<Self> {
        let (first, end) = (days(1, 1, 1) * TICKS_PER_DAY, days(10_000, 1, 1) * TICKS_PER_DAY);
        (first..end).contains(&ticks).then_some(Self(ticks))
    }

    pub(super) fn ticks(self) -> i64 {
        self.0
    }

    pub(super) fn plus_ticks(self, ticks: i64) -> Option<Self> {
        self.0.checked_add(ticks).and_then(Self::of_ticks)
    }

    /// The same day some months later, or the month's last day when it is shorter.
    pub(super) fn plus_months(self, months: i64) -> Option<Self> {
        let mut civil = self.civil();
        let number = self.month_number().checked_add(months)?;
        (civil.year, civil.month) = (number.div_euclid(12), number.rem_euclid(12) + 1);
        civil.day = civil.day.min(days_in_month(civil.year, civil.month));
        civil.moment()
    }

    /// The months since January of the year 0.
    pub(super) fn month_number(self) -> i64 {
        let civil = self.civil();
        civil.year * 12 + civil.month - 1
    }

    /// 0 is Sunday.
    pub(super) fn weekday(self) -> usize {
        // 1970-01-01 was a Thursday.
        usize::try_from((self.0.div_euclid(TICKS_PER_DAY) + 4).rem_euclid(7)).unwrap_or(0)
    }

    /// This time of day on the Sunday on or before this day.
    pub(super) fn week_begin_ticks(self) -> i64 {
        self.0 - (self.0.div_euclid(TICKS_PER_DAY) + 4).rem_euclid(7) * TICKS_PER_DAY
    }

    pub(super) fn civil(self) -> Civil {
        let (year, month, day) = date(self.0.div_euclid(TICKS_PER_DAY));
        let ticks = self.0.rem_euclid(TICKS_PER_DAY);
        let seconds = ticks / TICKS_PER_SECOND;
        Civil {
            year,
            month,
            day,
            hour: seconds / 3_600,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            fraction: ticks % TICKS_PER_SECOND,
        }
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// The days from 1970-01-01 to a date.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    era * DAYS_PER_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - DAYS_TO_1970
}

/// The year, month and day a number of days after 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + DAYS_TO_1970;
    let (era, day_of_era) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_ten_thousand_years_comes_back_as_itself_and_the_next_one_follows() {
        let mut expected = (1, 1, 1);
        for day in days(1, 1, 1)..days(10_000, 1, 1) {
            assert_eq!(date(day), expected);
            assert_eq!(days(expected.0, expected.1, expected.2), day);
            expected.2 += 1;
            if expected.2 > days_in_month(expected.0, expected.1) {
                expected = if expected.1 == 12 { (expected.0 + 1, 1, 1) } else { (expected.0, expected.1 + 1, 1) };
            }
        }
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(2000, 3, 1), 11_017);
    }

    #[test]
    fn a_month_later_ends_where_the_shorter_month_ends() {
        let last = Civil { year: 2024, month: 1, day: 31, hour: 1, minute: 2, second: 3, fraction: 4 };
        let later = last.moment().unwrap().plus_months(1).unwrap().civil();
        assert_eq!(later, Civil { month: 2, day: 29, ..last });
        assert_eq!(last.moment().unwrap().plus_months(i64::MAX), None);
        assert_eq!(last.moment().unwrap().plus_months(-2_024 * 12), None);
    }
}
