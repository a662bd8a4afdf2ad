//! Functions on dates. A date is text, always UTC, as the reference says: `M/d/yyyy h:mm:ss tt`.
//!
//! What is read without an offset counts as UTC, what has one is moved to UTC: what .NET does on a machine in UTC.

mod civil;
mod pattern;
mod read;

use serde_json::Value;

use crate::expression::catalog::{self, Function, Misfit};
use crate::expression::evaluate::{Arguments, Evaluation, EvaluationError};
use crate::expression::parse::Node;

use civil::{Moment, TICKS_PER_SECOND};
use pattern::Pattern;
pub(in crate::expression) use read::read;

type Answer = Result<Value, EvaluationError>;

/// The format of every date a function gives.
const DATE_PATTERN: &str = "M/d/yyyy h:mm:ss tt";

/// From 1601-01-01, where Active Directory counts from, to 1970-01-01, in ticks of 100 nanoseconds.
const ACTIVE_DIRECTORY_EPOCH_TICKS: i64 = 11_644_473_600 * TICKS_PER_SECOND;

/// The number by which Active Directory says "never".
const ACTIVE_DIRECTORY_NEVER: i64 = i64::MAX;

/// .NET's names of ways to read a date (DateTimeStyles).
const STYLES: [&str; 10] = [
    "None",
    "AllowLeadingWhite",
    "AllowTrailingWhite",
    "AllowInnerWhite",
    "AllowWhiteSpaces",
    "NoCurrentDateDefault",
    "AdjustToUniversal",
    "AssumeLocal",
    "AssumeUniversal",
    "RoundtripKind",
];

pub(super) static FUNCTIONS: [Function; 7] = [
    Function::new("CDate", "expression", 1, to_date),
    Function::new("DateAdd", "interval, value, dateTime", 3, date_add).checked(has_interval),
    Function::new("DateDiff", "interval, date1, date2", 3, date_diff).checked(has_interval),
    Function::new("DateFromNum", "value", 1, date_from_number),
    Function::new("FormatDateTime", "source, dateTimeStyles, inputFormat, outputFormat", 4, format_date)
        .optional(Some(4), &[1])
        .checked(has_formats),
    Function::new("Now", "", 0, now),
    Function::new("NumFromDate", "value", 1, number_from_date),
];

fn shown(moment: Moment) -> Value {
    Pattern::parse(DATE_PATTERN).map_or(Value::Null, |pattern| pattern.write(moment, true).into())
}

fn to_date(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    Ok(moment(arguments, 0, evaluation)?.map_or(Value::Null, shown))
}

/// The date an argument holds; `None` for null and empty text.
fn moment(
    arguments: &Arguments<'_>,
    index: usize,
    evaluation: &mut Evaluation<'_, '_>,
) -> Result<Option<Moment>, EvaluationError> {
    let Some(text) = arguments.text(index, evaluation)?.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    read(&text).map(Some).ok_or_else(|| {
        let reason = "reads dates such as 2021-06-30, 2021-06-30T01:45:30-07:00 or 6/30/2021 1:45:30 AM and was given \
                      another text; use FormatDateTime first";
        arguments.refuse(reason)
    })
}

fn date_add(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let interval = interval(arguments, evaluation)?;
    let amount = arguments.whole(1, evaluation)?;
    let Some((amount, moment)) = amount.zip(moment(arguments, 2, evaluation)?) else { return Ok(Value::Null) };
    let later = match interval {
        Interval::Months(months) => amount.checked_mul(months).and_then(|months| moment.plus_months(months)),
        Interval::Weeks => amount.checked_mul(civil::TICKS_PER_DAY * 7).and_then(|ticks| moment.plus_ticks(ticks)),
        Interval::Ticks(ticks) => amount.checked_mul(ticks).and_then(|ticks| moment.plus_ticks(ticks)),
    };
    later.map(shown).ok_or_else(|| arguments.refuse("would leave the years 1 to 9999"))
}

/// Counts as Visual Basic does, which gives every number in the reference: months and years by calendar, weeks by the
/// Sundays between, the rest in whole units.
fn date_diff(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let interval = interval(arguments, evaluation)?;
    let from = moment(arguments, 1, evaluation)?;
    let Some((from, to)) = from.zip(moment(arguments, 2, evaluation)?) else { return Ok(Value::Null) };
    let difference = match interval {
        Interval::Months(12) => to.civil().year - from.civil().year,
        Interval::Months(_) => to.month_number() - from.month_number(),
        Interval::Weeks => (to.week_begin_ticks() - from.week_begin_ticks()) / civil::TICKS_PER_DAY / 7,
        Interval::Ticks(ticks) => (to.ticks() - from.ticks()) / ticks,
    };
    Ok(difference.into())
}

/// What an interval's name stands for.
enum Interval {
    Months(i64),
    Weeks,
    Ticks(i64),
}

fn has_interval(arguments: &[Node]) -> Result<(), Misfit> {
    catalog::fits(arguments, 0, |name| Interval::of(name).is_some(), "The interval is yyyy, m, d, ww, h, n or s.")
}

fn interval(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Result<Interval, EvaluationError> {
    let name = arguments.text(0, evaluation)?.unwrap_or_default();
    Interval::of(&name).ok_or_else(|| arguments.refuse("knows the intervals yyyy, m, d, ww, h, n and s only"))
}

impl Interval {
    fn of(name: &str) -> Option<Self> {
        match name {
            "yyyy" => Some(Self::Months(12)),
            "m" => Some(Self::Months(1)),
            "d" => Some(Self::Ticks(civil::TICKS_PER_DAY)),
            "ww" => Some(Self::Weeks),
            "h" => Some(Self::Ticks(3_600 * TICKS_PER_SECOND)),
            "n" => Some(Self::Ticks(60 * TICKS_PER_SECOND)),
            "s" => Some(Self::Ticks(TICKS_PER_SECOND)),
            _ => None,
        }
    }
}

/// Null for "never".
fn date_from_number(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let number = arguments.whole(0, evaluation)?.filter(|&number| number != ACTIVE_DIRECTORY_NEVER);
    let Some(number) = number else { return Ok(Value::Null) };
    let moment = number.checked_sub(ACTIVE_DIRECTORY_EPOCH_TICKS).filter(|_| number >= 0).and_then(Moment::of_ticks);
    moment.map(shown).ok_or_else(|| arguments.refuse("needs a number between the years 1601 and 9999"))
}

fn number_from_date(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let Some(moment) = moment(arguments, 0, evaluation)? else { return Ok(Value::Null) };
    let number = moment.ticks() + ACTIVE_DIRECTORY_EPOCH_TICKS;
    if number < 0 {
        return Err(arguments.refuse("needs a date from the year 1601 on"));
    }
    Ok(number.into())
}

fn now(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    present(evaluation).map(shown).ok_or_else(|| arguments.refuse("was asked at a time outside the years 1 to 9999"))
}

fn present(evaluation: &Evaluation<'_, '_>) -> Option<Moment> {
    evaluation.context.now_micros.checked_mul(10).and_then(Moment::of_ticks)
}

fn format_date(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let Some(source) = arguments.text(0, evaluation)?.filter(|source| !source.is_empty()) else {
        return Ok(Value::Null);
    };
    let written = arguments.text(1, evaluation)?.unwrap_or_default();
    let styles = styles_in(&written)
        .ok_or_else(|| arguments.refuse(format!("knows the dateTimeStyles {} only", STYLES.join(", "))))?;
    let input = pattern(arguments, 2, evaluation)?;
    let output = pattern(arguments, 3, evaluation)?;
    let has = |name: &str| {
        styles.iter().any(|style| *style == name || *style == "AllowWhiteSpaces" && name.ends_with("White"))
    };
    let mut text = source.as_str();
    if has("AllowLeadingWhite") {
        text = text.trim_start();
    }
    if has("AllowTrailingWhite") {
        text = text.trim_end();
    }
    let today = if has("NoCurrentDateDefault") { None } else { present(evaluation) };
    let (moment, has_offset) = input
        .read(text, has("AllowInnerWhite"), today)
        .ok_or_else(|| arguments.refuse("was given a date that does not look like its inputFormat"))?;
    let is_utc = has_offset || has("AssumeUniversal") || has("AdjustToUniversal");
    Ok(output.write(moment, is_utc).into())
}

/// What a custom format may not be, for the person who wrote it.
const FORMAT_RULE: &str = "a .NET custom date format such as yyyy-MM-dd: at least two characters (%d for d alone), \
                           quotation marks in pairs, at most seven f, no era (g)";

fn has_formats(arguments: &[Node]) -> Result<(), Misfit> {
    let message = format!("The dateTimeStyles are of {}.", STYLES.join(", "));
    catalog::fits(arguments, 1, |written| styles_in(written).is_some(), &message)?;
    let message = format!("This is not {FORMAT_RULE}.");
    let is_format = |written: &str| Pattern::parse(written).is_some();
    catalog::fits(arguments, 2, is_format, &message).and_then(|()| catalog::fits(arguments, 3, is_format, &message))
}

/// The named styles, or the reference's default for none; `None` when one is unknown.
fn styles_in(written: &str) -> Option<Vec<&str>> {
    if written.trim().is_empty() {
        return Some(vec!["RoundtripKind", "AllowLeadingWhite", "AllowTrailingWhite"]);
    }
    let names = written.split([',', '|']).map(|name| name.trim().trim_start_matches("DateTimeStyles."));
    names.map(|name| Some(name).filter(|name| STYLES.contains(name))).collect()
}

fn pattern(
    arguments: &Arguments<'_>,
    index: usize,
    evaluation: &mut Evaluation<'_, '_>,
) -> Result<Pattern, EvaluationError> {
    let written = arguments.text(index, evaluation)?.unwrap_or_default();
    Pattern::parse(&written).ok_or_else(|| arguments.refuse(format!("needs as argument {} {FORMAT_RULE}", index + 1)))
}
