//! Reading a text part by part.

use super::{
    ABBREVIATION, Civil, FRACTION_DIGITS_MAX, MONTHS, Moment, Part, TICKS_PER_SECOND, TWO_DIGIT_YEAR_MAX, WEEKDAYS,
};

/// What has been read of a text so far.
#[derive(Default)]
pub(super) struct Reader<'t> {
    rest: &'t str,
    allows_spaces: bool,
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    weekday: Option<usize>,
    hour: i64,
    hour_of_half: Option<i64>,
    is_afternoon: bool,
    minute: i64,
    second: i64,
    fraction: i64,
    offset_minutes: Option<i64>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str, allows_spaces: bool) -> Self {
        Self { rest: text, allows_spaces, ..Self::default() }
    }

    /// Reads one part; `None` when something else stands there.
    pub(super) fn take(&mut self, part: Part) -> Option<()> {
        if self.allows_spaces {
            self.rest = self.rest.trim_start();
        }
        match part {
            Part::Literal(space) if self.allows_spaces && space.is_whitespace() => {}
            Part::Literal(character) => self.rest = self.rest.strip_prefix(character)?,
            Part::Zulu => {
                self.rest = self.rest.strip_prefix(['Z', 'z'])?;
                self.offset_minutes = Some(0);
            }
            Part::PointedFraction(digits) => {
                if let Some(behind) = self.rest.strip_prefix('.') {
                    self.rest = behind;
                    self.fraction = self.fraction(1, digits)?;
                }
            }
            Part::Field(letter, count) => self.field(letter, count)?,
        }
        Some(())
    }

    fn field(&mut self, letter: char, count: usize) -> Option<()> {
        match (letter, count) {
            ('y', 1..=2) => {
                let year = self.number(count, 2)?;
                self.year = Some(if year > TWO_DIGIT_YEAR_MAX { 1900 + year } else { 2000 + year });
            }
            ('y', _) => self.year = Some(self.number(count, count.max(4))?),
            ('M', 1..=2) => self.month = Some(self.number(count, 2)?),
            ('M', _) => self.month = i64::try_from(self.name(&MONTHS, count)? + 1).ok(),
            ('d', 1..=2) => self.day = Some(self.number(count, 2)?),
            ('d', _) => self.weekday = Some(self.name(&WEEKDAYS, count)?),
            ('H', _) => self.hour = self.number(count.min(2), 2)?,
            ('h', _) => self.hour_of_half = Some(self.number(count.min(2), 2).filter(|hour| *hour <= 12)?),
            ('m', _) => self.minute = self.number(count.min(2), 2)?,
            ('s', _) => self.second = self.number(count.min(2), 2)?,
            ('f', _) => self.fraction = self.fraction(count, count)?,
            ('F', _) => self.fraction = self.fraction(0, count)?,
            ('t', _) => self.half(count)?,
            ('K', _) if self.rest.starts_with(['Z', 'z']) => self.take(Part::Zulu)?,
            ('K', _) if !self.rest.starts_with(['+', '-']) => {}
            _ => self.offset_minutes = Some(self.offset()?),
        }
        Some(())
    }

    fn digits(&mut self, min: usize, max: usize) -> Option<&'t str> {
        let count = self.rest.bytes().take(max).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        (count >= min).then_some(digits)
    }

    fn number(&mut self, min: usize, max: usize) -> Option<i64> {
        self.digits(min, max)?.parse().ok()
    }

    fn fraction(&mut self, min: usize, max: usize) -> Option<i64> {
        format!("{:0<FRACTION_DIGITS_MAX$}", self.digits(min, max)?).parse().ok()
    }

    fn name(&mut self, names: &[&str], count: usize) -> Option<usize> {
        let length = |name: &str| if count == ABBREVIATION { ABBREVIATION } else { name.len() };
        let is_here = |name: &&str| {
            self.rest.get(..length(name)).is_some_and(|found| found.eq_ignore_ascii_case(&name[..length(name)]))
        };
        let index = names.iter().position(is_here)?;
        self.rest = &self.rest[length(names[index])..];
        Some(index)
    }

    fn half(&mut self, count: usize) -> Option<()> {
        let found = self.rest.get(..count.min(2))?.to_ascii_uppercase();
        self.is_afternoon = found.starts_with('P');
        self.rest = &self.rest[found.len()..];
        matches!(found.as_str(), "A" | "P" | "AM" | "PM").then_some(())
    }

    /// `+hh:mm`, `+hhmm` or `+hh`, in minutes east of Greenwich.
    fn offset(&mut self) -> Option<i64> {
        let is_west = self.rest.starts_with('-');
        self.rest = self.rest.strip_prefix(['+', '-'])?;
        let hours = self.number(1, 2).filter(|hours| *hours <= 14)?;
        let has_minutes = self.rest.starts_with(|next: char| next == ':' || next.is_ascii_digit());
        self.rest = self.rest.strip_prefix(':').unwrap_or(self.rest);
        let minutes = if has_minutes { self.number(2, 2).filter(|minutes| *minutes < 60)? } else { 0 };
        let offset = hours * 60 + minutes;
        Some(if is_west { -offset } else { offset })
    }

    /// The instant, once every part was read and nothing is left over.
    pub(super) fn finish(self, today: Option<Moment>) -> Option<(Moment, bool)> {
        if !self.rest.is_empty() {
            return None;
        }
        let today = today.map(Moment::civil);
        let has_date = self.year.is_some() || self.month.is_some() || self.day.is_some();
        let default = |today: Option<i64>| if has_date { 1 } else { today.unwrap_or(1) };
        let this_year = today.map_or(1, |today| today.year);
        let half = i64::from(self.is_afternoon) * 12;
        let civil = Civil {
            year: self.year.unwrap_or(this_year),
            month: self.month.unwrap_or_else(|| default(today.map(|today| today.month))),
            day: self.day.unwrap_or_else(|| default(today.map(|today| today.day))),
            hour: self.hour_of_half.map_or(self.hour, |hour| hour % 12 + half),
            minute: self.minute,
            second: self.second,
            fraction: self.fraction,
        };
        let moment = civil.moment()?;
        let is_that_day = self.weekday.is_none_or(|weekday| weekday == moment.weekday());
        let offset_ticks = self.offset_minutes.unwrap_or(0) * (60 * TICKS_PER_SECOND);
        let moment = moment.plus_ticks(-offset_ticks).filter(|_| is_that_day)?;
        Some((moment, self.offset_minutes.is_some()))
    }
}
