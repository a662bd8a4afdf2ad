//! `Replace`, the one function with regular expressions.
//!
//! Patterns are written for .NET and run by an engine that never backtracks: time stays in proportion to pattern and text
//! however hostile the pattern is. Look-around and back references do not exist in it and are refused when parsed.

use regex::{Captures, Regex, RegexBuilder};
use serde_json::Value;

use crate::expression::bounded::{BoundedText, TooLong, replace_all};
use crate::expression::catalog::Function;
use crate::expression::evaluate::{Arguments, Evaluation, EvaluationError};
use crate::expression::parse::{Node, ParseError};

type Answer = Result<Value, EvaluationError>;

/// The size of a compiled pattern, in bytes: room for dozens of Unicode classes, not for nested counted repetitions.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// How deep a pattern's groups may be nested; compiling one recurses.
const PATTERN_DEPTH_MAX: u32 = 50;

/// The longest text a pattern is applied to, in bytes. Replacing all matches may look at the rest of the text once per
/// match, so the bound keeps the product small; Graph's own strings end far below it.
const PATTERN_SOURCE_BYTES_MAX: usize = 4_096;

const SOURCE: usize = 0;
const OLD_VALUE: usize = 1;
const REGEX_PATTERN: usize = 2;
const REGEX_GROUP_NAME: usize = 3;
const REPLACEMENT_VALUE: usize = 4;
const REPLACEMENT_ATTRIBUTE_NAME: usize = 5;
const TEMPLATE: usize = 6;

const PARAMETERS: &str =
    "source, oldValue, regexPattern, regexGroupName, replacementValue, replacementAttributeName, template";

pub(super) static FUNCTIONS: [Function; 1] =
    [Function::new("Replace", PARAMETERS, 3, replace).optional(Some(7), &[1, 2, 3, 4, 5, 6])];

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(in crate::expression) struct Pattern(Regex);

impl Pattern {
    /// The pattern of a call to `Replace`, when it is constant; `places` says where the arguments begin.
    pub(in crate::expression) fn of_call(
        function: &Function,
        arguments: &[Node],
        places: &[usize],
    ) -> Result<Option<Self>, ParseError> {
        match arguments.get(REGEX_PATTERN) {
            Some(Node::Constant(Value::String(pattern))) if function.name == "Replace" => {
                let refused = |reason| ParseError::new(places[REGEX_PATTERN], reason);
                Self::compile(pattern).map(Some).map_err(refused)
            }
            _ => Ok(None),
        }
    }

    fn compile(pattern: &str) -> Result<Self, String> {
        let built = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).nest_limit(PATTERN_DEPTH_MAX).build();
        built.map(Self).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "This pattern is too large; use smaller repetition counts.".to_owned(),
            other => {
                // The engine draws the pattern with a pointer under it; the last line is the sentence.
                let text = other.to_string();
                let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                format!("This pattern cannot be used: {reason}.")
            }
        })
    }
}

/// Which arguments are given decides what is done (Entra: Replace).
fn replace(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    if arguments.is_given(REGEX_PATTERN) && arguments.is_given(REPLACEMENT_ATTRIBUTE_NAME) {
        return extract(arguments, evaluation);
    }
    let Some(source) = arguments.text(SOURCE, evaluation)? else { return Ok(Value::Null) };
    let replaced = if arguments.is_given(REGEX_PATTERN) && arguments.is_given(REPLACEMENT_VALUE) {
        replace_pattern(arguments, evaluation, &source)?
    } else if arguments.is_given(OLD_VALUE) && arguments.is_given(TEMPLATE) {
        let old = arguments.text(OLD_VALUE, evaluation)?.unwrap_or_default();
        replace_all(&arguments.text(TEMPLATE, evaluation)?.unwrap_or_default(), &old, &source)
    } else if arguments.is_given(OLD_VALUE) && arguments.is_given(REPLACEMENT_VALUE) {
        let old = arguments.text(OLD_VALUE, evaluation)?.unwrap_or_default();
        replace_all(&source, &old, &arguments.text(REPLACEMENT_VALUE, evaluation)?.unwrap_or_default())
    } else {
        let reason = "needs oldValue with replacementValue or template, or regexPattern with replacementValue or \
                      replacementAttributeName";
        return Err(arguments.refuse(reason));
    };
    Ok(replaced.map_err(|error| arguments.too_long(error))?.into())
}

/// The source if it has a value, else the group cut out of the replacement attribute; null when that does not match.
fn extract(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    if let Some(source) = arguments.text(SOURCE, evaluation)?.filter(|source| !source.is_empty()) {
        return Ok(source.into());
    }
    let Some(other) = arguments.text(REPLACEMENT_ATTRIBUTE_NAME, evaluation)? else { return Ok(Value::Null) };
    let pattern = pattern_for(arguments, evaluation, &other)?;
    let group = arguments.text(REGEX_GROUP_NAME, evaluation)?;
    let found = pattern.captures(&other).and_then(|captures| match &group {
        Some(name) => captures.name(name),
        None => captures.get(0),
    });
    Ok(found.map(|found| found.as_str().to_owned()).into())
}

fn replace_pattern(
    arguments: &Arguments<'_>,
    evaluation: &mut Evaluation<'_, '_>,
    source: &str,
) -> Result<Result<String, TooLong>, EvaluationError> {
    let pattern = pattern_for(arguments, evaluation, source)?;
    let replacement = arguments.text(REPLACEMENT_VALUE, evaluation)?.unwrap_or_default();
    let group = arguments.text(REGEX_GROUP_NAME, evaluation)?;
    Ok(replace_matches(&pattern, source, |captures, built| match &group {
        Some(name) => replace_group(captures, name, &replacement, built),
        None => expand(captures, &replacement, built),
    }))
}

fn pattern_for(
    arguments: &Arguments<'_>,
    evaluation: &mut Evaluation<'_, '_>,
    source: &str,
) -> Result<Regex, EvaluationError> {
    if source.len() > PATTERN_SOURCE_BYTES_MAX {
        let reason =
            format!("applies a pattern to at most {PATTERN_SOURCE_BYTES_MAX} bytes; shorten the text with Left");
        return Err(arguments.refuse(reason));
    }
    if let Some(pattern) = &arguments.call.pattern {
        return Ok(pattern.0.clone());
    }
    let written = arguments.text(REGEX_PATTERN, evaluation)?.unwrap_or_default();
    let compiled = Pattern::compile(&written);
    compiled.map(|pattern| pattern.0).map_err(|_| arguments.refuse("was given a pattern that cannot be used"))
}

/// Every match is replaced as .NET does, which also finds an empty match right behind another one.
fn replace_matches(
    pattern: &Regex,
    source: &str,
    replacement: impl Fn(&Captures<'_>, &mut BoundedText) -> Result<(), TooLong>,
) -> Result<String, TooLong> {
    let (mut built, mut copied, mut from) = (BoundedText::default(), 0, 0);
    while from <= source.len() {
        let Some(captures) = pattern.captures_at(source, from) else { break };
        let whole = captures.get_match();
        built.push(&source[copied..whole.start()])?;
        replacement(&captures, &mut built)?;
        copied = whole.end();
        let next = source[copied..].chars().next().map_or(1, char::len_utf8);
        from = if whole.is_empty() { copied + next } else { copied };
    }
    built.push(&source[copied..])?;
    Ok(built.finish())
}

/// The match with one group replaced; without such a group in it, the match as it was.
fn replace_group(captures: &Captures<'_>, name: &str, new: &str, built: &mut BoundedText) -> Result<(), TooLong> {
    let whole = captures.get_match();
    let Some(group) = captures.name(name) else { return built.push(whole.as_str()) };
    built.push(&whole.as_str()[..group.start() - whole.start()])?;
    built.push(new)?;
    built.push(&whole.as_str()[group.end() - whole.start()..])
}

/// Writes a replacement with .NET's `$1`, `${name}`, `$&` and `$$`; any other dollar sign stands for itself.
fn expand(captures: &Captures<'_>, replacement: &str, built: &mut BoundedText) -> Result<(), TooLong> {
    let mut rest = replacement;
    while let Some(dollar) = rest.find('$') {
        built.push(&rest[..dollar])?;
        let behind = &rest[dollar + 1..];
        let (shown, length) = substitution(captures, behind).unwrap_or(("$", 0));
        built.push(shown)?;
        rest = &behind[length..];
    }
    built.push(rest)
}

/// What a dollar sign before `behind` stands for, and how much of `behind` belongs to it.
fn substitution<'t>(captures: &Captures<'t>, behind: &str) -> Option<(&'t str, usize)> {
    if let Some(named) = behind.strip_prefix('{') {
        let name = &named[..named.find('}')?];
        let group = name.parse().map_or_else(|_| captures.name(name), |index: usize| captures.get(index));
        return group.map(|group| (group.as_str(), name.len() + 2));
    }
    if behind.starts_with('$') {
        return Some(("$", 1));
    }
    if behind.starts_with('&') {
        return Some((captures.get_match().as_str(), 1));
    }
    let digits = behind.len() - behind.trim_start_matches(|character: char| character.is_ascii_digit()).len();
    let index: usize = behind[..digits].parse().ok()?;
    (index < captures.len()).then(|| (captures.get(index).map_or("", |group| group.as_str()), digits))
}
