//! .NET's custom date and time formats with invariant names, for reading and writing.
//!
//! Source: Microsoft, "Custom date and time format strings". Left out: eras (`g`) and the one-letter standard formats.

use std::fmt::Write;

use super::civil::{Civil, Moment, TICKS_PER_SECOND};

mod scan;

use scan::Reader;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The letters of the abbreviated names of days and months.
const ABBREVIATION: usize = 3;

/// .NET keeps seven digits of a second.
const FRACTION_DIGITS_MAX: usize = 7;

/// The two-digit years up to this one belong to the 21st century (.NET: TwoDigitYearMax 2049).
const TWO_DIGIT_YEAR_MAX: i64 = 49;

/// A date format.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Part>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// A letter of the format and how often it stands there.
    Field(char, usize),
    /// `.F`: a fraction that takes its point with it when it is zero.
    PointedFraction(usize),
    /// `Z` outside quotation marks: itself, and when read the mark of UTC.
    Zulu,
    Literal(char),
}

impl Pattern {
    /// Reads a format; `None` for an empty or one-letter one, an era, more than seven digits, an unclosed quotation.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut rest: Vec<char> = text.chars().rev().collect();
        if rest.is_empty() || rest.len() == 1 && text.starts_with(|only: char| only.is_ascii_alphabetic()) {
            return None;
        }
        let mut parts = Vec::new();
        while let Some(first) = rest.pop() {
            match first {
                'y' | 'M' | 'd' | 'H' | 'h' | 'm' | 's' | 'f' | 'F' | 't' | 'z' | 'K' => {
                    let part = field(first, repeated(first, &mut rest), &mut parts)?;
                    parts.push(part);
                }
                'g' => return None,
                'Z' => parts.push(Part::Zulu),
                '%' => {}
                '\\' => parts.push(Part::Literal(rest.pop()?)),
                '\'' | '"' => quoted(first, &mut rest, &mut parts)?,
                other => parts.push(Part::Literal(other)),
            }
        }
        Some(Self(parts))
    }

    /// The instant a text in this format names, and whether the text said its offset.
    ///
    /// A missing date is that of `today`, or the first of January of the year 1; a missing time is midnight.
    pub(super) fn read(&self, text: &str, allows_spaces: bool, today: Option<Moment>) -> Option<(Moment, bool)> {
        let mut reader = Reader::new(text, allows_spaces);
        for part in &self.0 {
            reader.take(*part)?;
        }
        reader.finish(today)
    }

    /// An instant in this format; `is_utc` says whether `K` shows an offset.
    pub(super) fn write(&self, moment: Moment, is_utc: bool) -> String {
        let civil = moment.civil();
        let mut text = String::new();
        for part in &self.0 {
            // Writing to a String cannot fail.
            let _ = match part {
                Part::Literal(character) => text.write_char(*character),
                Part::Zulu => text.write_char('Z'),
                Part::PointedFraction(digits) => {
                    let fraction = fraction(&civil, *digits, true);
                    if fraction.is_empty() { Ok(()) } else { write!(text, ".{fraction}") }
                }
                Part::Field('K', _) => text.write_str(if is_utc { "Z" } else { "" }),
                Part::Field(letter, count) => text.write_str(&shown(*letter, *count, &civil, moment.weekday())),
            };
        }
        text
    }
}

fn repeated(first: char, rest: &mut Vec<char>) -> usize {
    let mut count = 1;
    while first != 'K' && rest.last() == Some(&first) {
        rest.pop();
        count += 1;
    }
    count
}

fn field(letter: char, count: usize, parts: &mut Vec<Part>) -> Option<Part> {
    match letter {
        'f' | 'F' if count > FRACTION_DIGITS_MAX => None,
        'F' if parts.last() == Some(&Part::Literal('.')) => {
            parts.pop();
            Some(Part::PointedFraction(count))
        }
        // More than five would only pad; the calendar ends with the year 9999.
        'y' => Some(Part::Field(letter, count.min(5))),
        _ => Some(Part::Field(letter, count)),
    }
}

fn quoted(mark: char, rest: &mut Vec<char>, parts: &mut Vec<Part>) -> Option<()> {
    loop {
        match rest.pop()? {
            closing if closing == mark => return Some(()),
            '\\' => parts.push(Part::Literal(rest.pop()?)),
            other => parts.push(Part::Literal(other)),
        }
    }
}

fn shown(letter: char, count: usize, civil: &Civil, weekday: usize) -> String {
    let hour_of_half = (civil.hour + 11) % 12 + 1;
    let half = if civil.hour < 12 { "AM" } else { "PM" };
    match (letter, count) {
        ('y', 1..=2) => padded(civil.year % 100, count),
        ('y', _) => padded(civil.year, count),
        ('M', 1..=2) => padded(civil.month, count),
        ('M', _) => name(&MONTHS, usize::try_from(civil.month - 1).unwrap_or(0), count),
        ('d', 1..=2) => padded(civil.day, count),
        ('d', _) => name(&WEEKDAYS, weekday, count),
        ('H', _) => padded(civil.hour, count.min(2)),
        ('h', _) => padded(hour_of_half, count.min(2)),
        ('m', _) => padded(civil.minute, count.min(2)),
        ('s', _) => padded(civil.second, count.min(2)),
        ('f', _) => fraction(civil, count, false),
        ('F', _) => fraction(civil, count, true),
        ('t', 1) => half[..1].to_owned(),
        ('t', _) => half.to_owned(),
        ('z', 1) => "+0".to_owned(),
        ('z', 2) => "+00".to_owned(),
        _ => "+00:00".to_owned(),
    }
}

fn padded(number: i64, digits: usize) -> String {
    format!("{number:0digits$}")
}

fn name(names: &[&str], index: usize, count: usize) -> String {
    let name = names.get(index).copied().unwrap_or_default();
    if count == ABBREVIATION { name[..ABBREVIATION].to_owned() } else { name.to_owned() }
}

fn fraction(civil: &Civil, digits: usize, drops_zeros: bool) -> String {
    let all = padded(civil.fraction, FRACTION_DIGITS_MAX);
    let cut = &all[..digits];
    if drops_zeros { cut.trim_end_matches('0').to_owned() } else { cut.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pattern: &str, text: &str) -> Option<String> {
        let today = Civil { year: 2026, month: 3, day: 9, hour: 5, minute: 6, second: 7, fraction: 8 }.moment();
        let (moment, is_utc) = Pattern::parse(pattern)?.read(text, false, today)?;
        Some(Pattern::parse("yyyy-MM-ddTHH:mm:ss.FFFFFFFK")?.write(moment, is_utc))
    }

    #[test]
    fn every_field_is_read_as_dot_net_reads_it() {
        for (pattern, text, expected) in [
            ("dddd, d MMMM yyyy", "sunday, 1 February 2026", "2026-02-01T00:00:00"),
            ("ddd dd MMM yy", "Sun 01 Feb 26", "2026-02-01T00:00:00"),
            ("yyMMdd", "500101", "1950-01-01T00:00:00"),
            ("M/d/yyyy h:mm:ss tt", "12/31/2020 12:05:09 am", "2020-12-31T00:05:09"),
            ("M/d/yyyy h:mm tt", "1/2/2020 12:05 PM", "2020-01-02T12:05:00"),
            ("yyyy-MM-dd'T'HHmmss.fff", "2020-01-02T030405.678", "2020-01-02T03:04:05.678"),
            ("yyyy-MM-ddTHH:mm:ss.FFFZ", "2020-01-02T03:04:05Z", "2020-01-02T03:04:05Z"),
            ("yyyy-MM-ddzzz", "2021-06-30+08:00", "2021-06-29T16:00:00Z"),
            ("yyyy-MM-ddzz", "2021-06-30-01", "2021-06-30T01:00:00Z"),
            ("HH:mm", "23:59", "2026-03-09T23:59:00"),
            ("MM-dd", "12-24", "2026-12-24T00:00:00"),
            ("yyyy", "2020", "2020-01-01T00:00:00"),
            ("%d \\d", "9 d", "2026-01-09T00:00:00"),
        ] {
            assert_eq!(read(pattern, text).as_deref(), Some(expected), "{text} as {pattern}");
        }
    }

    #[test]
    fn what_does_not_look_like_the_format_is_no_date() {
        for (pattern, text) in [
            ("yyyy-MM-dd", "2021-2-3"),
            ("yyyy-MM-dd", "2021-02-29"),
            ("yyyy-MM-dd", "2021-01-01 "),
            ("yyyy-MM-dd", "0000-01-01"),
            ("dddd d/M/yyyy", "Monday 1/2/2026"),
            ("HH:mm", "24:00"),
            ("hh:mm tt", "13:00 PM"),
            ("yyyy-MM-ddzzz", "0001-01-01+08:00"),
        ] {
            assert_eq!(read(pattern, text), None, "{text} as {pattern}");
        }
        for pattern in ["", "d", "yyyy g", "'open", "ffffffff", "yyyy\\"] {
            assert!(Pattern::parse(pattern).is_none(), "{pattern}");
        }
    }

    #[test]
    fn every_field_is_written_as_dot_net_writes_it() {
        let moment =
            Civil { year: 2021, month: 7, day: 2, hour: 0, minute: 3, second: 8, fraction: 1_200_000 }.moment();
        let write = |pattern: &str, is_utc| Pattern::parse(pattern).unwrap().write(moment.unwrap(), is_utc);
        for (pattern, expected) in [
            ("dddd ddd dd %d", "Friday Fri 02 2"),
            ("MMMM MMM MM M yyyyy yyyy yy", "July Jul 07 7 02021 2021 21"),
            ("hh h HH H mm m ss s tt t", "12 12 00 0 03 3 08 8 AM A"),
            ("ss.fff ss.FFF .f", "08.120 08.12 .1"),
            ("zzz zz z Z", "+00:00 +00 +0 Z"),
            ("HH'h' \"min\" \\m", "00h min m"),
        ] {
            assert_eq!(write(pattern, false), expected, "{pattern}");
        }
        assert_eq!((write("mmK", true), write("mmK", false)), ("03Z".to_owned(), "03".to_owned()));
    }
}
