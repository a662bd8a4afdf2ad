//! What commands print.

use std::fmt::Display;
use std::io::Write as _;

use serde_json::Value;

use super::CommandError;

/// Prints a line on stdout. Unlike `println!` it fails when nobody reads, instead of panicking.
pub fn line(text: impl Display) -> Result<(), CommandError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(CommandError::Output)
}

/// Prints a JSON value on stdout.
pub fn json(value: &Value) -> Result<(), CommandError> {
    line(format_args!("{value:#}"))
}

/// Prints rows under their heads, each column as wide as its longest cell.
pub fn table(heads: &[&str], rows: &[Vec<String>]) -> Result<(), CommandError> {
    for text in aligned(heads, rows) {
        line(text)?;
    }
    Ok(())
}

/// Prints names and values, one pair a line.
pub fn pairs(pairs: &[(&str, String)]) -> Result<(), CommandError> {
    let width = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default() + 1;
    for (name, value) in pairs {
        line(format_args!("{:<width$} {value}", format!("{name}:")).to_string().trim_end())?;
    }
    Ok(())
}

/// A field of a reply as text; empty when it is missing or null.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn aligned(heads: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let heads: Vec<String> = heads.iter().map(|head| head.to_uppercase()).collect();
    let all = || std::iter::once(&heads).chain(rows);
    let width = |column: usize| all().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..heads.len()).map(|column| width(column).unwrap_or_default()).collect();
    let joined = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all().map(joined).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_longest_cell_and_lines_end_without_spaces() {
        let rows = [
            vec!["contoso".to_owned(), "ö".to_owned(), "x".to_owned()],
            vec!["a".to_owned(), "healthy".to_owned(), String::new()],
        ];
        let expected = ["ID       STATUS   WHY", "contoso  ö        x", "a        healthy"];
        assert_eq!(aligned(&["id", "status", "why"], &rows), expected);
    }

    #[test]
    fn a_missing_field_is_an_empty_text_and_a_text_has_no_quotes() {
        let value = serde_json::json!({ "a": "b", "n": 3, "nothing": null });
        let texts = ["a", "n", "nothing", "missing"].map(|name| text(&value[name]));
        assert_eq!(texts, ["b", "3", "", ""]);
    }
}
