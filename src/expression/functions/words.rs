//! `PCase` and `Word`: functions that see words in a text.

use serde_json::Value;

use crate::expression::catalog::Function;
use crate::expression::evaluate::{Arguments, Evaluation, EvaluationError};

use super::text::{lower, upper};

type Answer = Result<Value, EvaluationError>;

pub(super) static FUNCTIONS: [Function; 2] = [
    Function::new("PCase", "source, wordSeparators", 1, proper_case).optional(Some(2), &[1]),
    Function::new("Word", "String, WordNumber, Delimiters", 3, word),
];

fn proper_case(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let Some(source) = arguments.text(0, evaluation)? else { return Ok(Value::Null) };
    Ok(match arguments.text(1, evaluation)? {
        Some(separators) => capitalized(&source, |character| separators.contains(character)),
        None => title_case(&source),
    }
    .into())
}

fn capitalized(source: &str, is_separator: impl Fn(char) -> bool) -> String {
    let mut begins = true;
    let cased = source.chars().map(|character| {
        let shown = if begins { upper(character, false) } else { lower(character, false) };
        begins = is_separator(character);
        shown
    });
    cased.collect()
}

/// As .NET's `TextInfo.ToTitleCase` of a lower-case text: a word begins at a letter and goes on over digits, marks and
/// apostrophes; digits do not begin one ("2nd" becomes "2Nd").
fn title_case(source: &str) -> String {
    let mut is_inside = false;
    let cased = source.chars().map(|character| {
        let goes_on = character.is_alphanumeric() || is_combining_mark(character) || character == '\'';
        let shown = if is_inside { lower(character, false) } else { upper(character, false) };
        is_inside = if is_inside { goes_on } else { character.is_alphabetic() };
        shown
    });
    cased.collect()
}

fn is_combining_mark(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}')
}

/// A word is a run of characters that are no delimiters; several delimiters in a row separate once.
fn word(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let source = arguments.text(0, evaluation)?.unwrap_or_default();
    let number = arguments.whole(1, evaluation)?.ok_or_else(|| arguments.refuse("needs a word number"))?;
    let delimiters = arguments.text(2, evaluation)?.unwrap_or_default();
    let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    let mut words = source.split(|character| delimiters.contains(character)).filter(|word| !word.is_empty());
    Ok(index.and_then(|index| words.nth(index)).unwrap_or_default().into())
}
