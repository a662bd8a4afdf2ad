//! Functions that cut, join and search text; positions count characters from 1.

use serde_json::Value;

use crate::expression::bounded::BoundedText;
use crate::expression::catalog::{self, Function, Misfit};
use crate::expression::evaluate::{Arguments, Evaluation, EvaluationError};
use crate::expression::parse::Node;
use crate::expression::value::text_of;

use super::diacritics;

type Answer = Result<Value, EvaluationError>;

pub(super) static FUNCTIONS: [Function; 9] = [
    Function::new("Append", "source, suffix", 2, append),
    Function::new("InStr", "value1, value2, start, compareType", 2, in_str)
        .optional(Some(4), &[2, 3])
        .checked(has_compare_type),
    Function::new("Join", "separator, source1, source2, ...", 2, join).optional(None, &[]),
    Function::new("Left", "String, NumChars", 2, left),
    Function::new("Mid", "source, start, length", 3, mid),
    Function::new("NormalizeDiacritics", "source", 1, normalize_diacritics),
    Function::new("StripSpaces", "source", 1, strip_spaces),
    Function::new("ToLower", "source, culture", 1, to_lower).optional(Some(2), &[1]),
    Function::new("ToUpper", "source, culture", 1, to_upper).optional(Some(2), &[1]),
];

/// Null when the source is: a suffix alone is nobody's name.
fn append(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let Some(source) = arguments.text(0, evaluation)? else { return Ok(Value::Null) };
    let suffix = arguments.text(1, evaluation)?.unwrap_or_default();
    Ok(format!("{source}{suffix}").into())
}

fn has_compare_type(arguments: &[Node]) -> Result<(), Misfit> {
    let is_known = |text: &str| matches!(text, "vbTextCompare" | "vbBinaryCompare");
    catalog::fits(arguments, 3, is_known, "InStr compares with vbTextCompare or vbBinaryCompare only.")
}

fn in_str(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let Some(searched) = arguments.text(0, evaluation)? else { return Ok(0.into()) };
    let wanted = arguments.text(1, evaluation)?.unwrap_or_default();
    let start = position(arguments, 2, evaluation)?.unwrap_or(0);
    let fold: fn(&str) -> String = match arguments.text(3, evaluation)?.as_deref() {
        None | Some("vbBinaryCompare") => str::to_owned,
        Some("vbTextCompare") => |text| text.chars().map(|character| lower(character, false)).collect(),
        Some(_) => return Err(arguments.refuse("compares with vbTextCompare or vbBinaryCompare only")),
    };
    let searched: String = fold(&searched).chars().skip(start).collect();
    let found = searched.find(&fold(&wanted)).filter(|_| !wanted.is_empty());
    Ok(found.map_or(0, |byte| start + searched[..byte].chars().count() + 1).into())
}

/// A position written from 1, given back from 0.
fn position(
    arguments: &Arguments<'_>,
    index: usize,
    evaluation: &mut Evaluation<'_, '_>,
) -> Result<Option<usize>, EvaluationError> {
    let position = arguments.whole(index, evaluation)?;
    let counted = position.map(|position| usize::try_from(position).ok().and_then(|position| position.checked_sub(1)));
    match counted {
        Some(None) => Err(arguments.refuse("counts characters from 1; its start lies before that")),
        counted => Ok(counted.flatten()),
    }
}

/// Null when every source is null.
fn join(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let separator = arguments.text(0, evaluation)?.unwrap_or_default();
    let (mut joined, mut is_null, mut is_first) = (BoundedText::default(), true, true);
    for index in 1..arguments.count() {
        for piece in arguments.list(index, evaluation)?.iter().filter_map(text_of) {
            is_null = false;
            if piece.is_empty() {
                continue;
            }
            if !std::mem::take(&mut is_first) {
                joined.push(&separator).map_err(|error| arguments.too_long(error))?;
            }
            joined.push(&piece).map_err(|error| arguments.too_long(error))?;
        }
    }
    Ok(if is_null { Value::Null } else { joined.finish().into() })
}

fn left(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let source = arguments.text(0, evaluation)?.unwrap_or_default();
    let count = arguments.whole(1, evaluation)?.ok_or_else(|| arguments.refuse("needs a number of characters"))?;
    Ok(match usize::try_from(count) {
        Ok(count) => source.chars().take(count).collect::<String>().into(),
        Err(_) => source.into(),
    })
}

fn mid(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let Some(source) = arguments.text(0, evaluation)? else { return Ok(Value::Null) };
    let start = position(arguments, 1, evaluation)?.ok_or_else(|| arguments.refuse("needs a start"))?;
    let length = arguments.whole(2, evaluation)?.and_then(|length| usize::try_from(length).ok());
    let length = length.ok_or_else(|| arguments.refuse("needs a length of 0 or more"))?;
    Ok(source.chars().skip(start).take(length).collect::<String>().into())
}

fn normalize_diacritics(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    Ok(arguments.text(0, evaluation)?.map(|source| diacritics::normalize(&source)).into())
}

fn strip_spaces(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    Ok(arguments.text(0, evaluation)?.map(|source| source.replace(' ', "")).into())
}

fn to_lower(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let Some(source) = arguments.text(0, evaluation)? else { return Ok(Value::Null) };
    let is_turkic = is_turkic(arguments.text(1, evaluation)?);
    Ok(source.chars().map(|character| lower(character, is_turkic)).collect::<String>().into())
}

fn to_upper(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let Some(source) = arguments.text(0, evaluation)? else { return Ok(Value::Null) };
    let is_turkic = is_turkic(arguments.text(1, evaluation)?);
    Ok(source.chars().map(|character| upper(character, is_turkic)).collect::<String>().into())
}

/// Turkish and Azeri are the cultures in which .NET changes the case of single characters differently.
fn is_turkic(culture: Option<String>) -> bool {
    let culture = culture.unwrap_or_default();
    let language = culture.split('-').next().unwrap_or_default();
    language.eq_ignore_ascii_case("tr") || language.eq_ignore_ascii_case("az")
}

/// .NET changes case character by character: what would become several characters stays as it is.
pub(super) fn lower(character: char, is_turkic: bool) -> char {
    match character {
        'I' if is_turkic => 'ı',
        'İ' if is_turkic => 'i',
        _ => alone(character, character.to_lowercase()),
    }
}

/// The counterpart of [`lower`]; outside Turkic cultures the dotless i has no capital of its own.
pub(super) fn upper(character: char, is_turkic: bool) -> char {
    match character {
        'i' if is_turkic => 'İ',
        'ı' if !is_turkic => 'ı',
        _ => alone(character, character.to_uppercase()),
    }
}

fn alone(character: char, mut changed: impl Iterator<Item = char>) -> char {
    match (changed.next(), changed.next()) {
        (Some(only), None) => only,
        _ => character,
    }
}
