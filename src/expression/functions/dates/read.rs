//! Dates read without being told their format: ISO 8601, and the format every date function gives.

use super::civil::Moment;
use super::pattern::Pattern;

/// Longer texts are no dates; the bound saves trying every format on them.
const DATE_BYTES_MAX: usize = 64;

/// The formats tried, in order; `K` also stands for no offset.
const PATTERNS: [&str; 13] = [
    "yyyy-MM-ddK",
    "yyyy-MM-ddTHH:mm:ss.FFFFFFFK",
    "yyyy-MM-ddTHH:mmK",
    "yyyy-MM-dd HH:mm:ss.FFFFFFFK",
    "yyyy-MM-dd HH:mm:ss.FFFFFFF K",
    "yyyy-MM-dd HH:mmK",
    "yyyy-MM-dd HH:mm K",
    "M/d/yyyy",
    "M/d/yyyy h:mm:ss tt",
    "M/d/yyyy h:mm tt",
    "M/d/yyyy H:mm:ss",
    "M/d/yyyy H:mm",
    "yyyy/M/d",
];

/// The instant a text names, as UTC; `None` when it is in none of the known formats.
pub(in crate::expression) fn read(text: &str) -> Option<Moment> {
    let text = text.trim();
    if text.len() > DATE_BYTES_MAX || !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let patterns = PATTERNS.iter().filter_map(|pattern| Pattern::parse(pattern));
    patterns.filter_map(|pattern| pattern.read(text, false, None)).map(|(moment, _)| moment).next()
}
