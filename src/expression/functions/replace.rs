//! `Replace`, the one function with regular expressions.
//!
//! Patterns are written for .NET and run by an engine that never backtracks: one search takes time in proportion to pattern
//! and text, however hostile the pattern is. Look-around and back references do not exist in it and are refused when
//! parsed. Replacing every match searches again behind each, so what all searches of an evaluation look at is bounded too.

use std::borrow::Cow;

use regex::{Captures, Regex, RegexBuilder};
use serde_json::Value;

use crate::expression::bounded::{BoundedText, TooLong, replace_all};
use crate::expression::catalog::{Function, Misfit};
use crate::expression::evaluate::{Arguments, Evaluation, EvaluationError};
use crate::expression::parse::Node;

type Answer = Result<Value, EvaluationError>;

/// The size of a compiled pattern, in bytes. Measured: patterns as the reference has them take 1 to 64 KiB, `\w{20}` 512,
/// because \w knows every script; at 512 KiB the slowest pattern found spends some 0.15 ms on a byte.
const PATTERN_BYTES_MAX: usize = 512 << 10;

/// How deep a pattern's groups may be nested; compiling one recurses.
const PATTERN_DEPTH_MAX: u32 = 50;

/// What all searches of one evaluation may look at, in bytes, each counted to the end of its text: enough to replace every
/// character of a text of 250, and some five seconds with the most hostile pattern found.
pub(in crate::expression) const LOOK_BYTES_MAX: usize = 32_768;

/// What compiling a pattern that is not constant counts as, so that one evaluation compiles at most 32.
const COMPILE_LOOK_BYTES: usize = 1_024;

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
    [Function::new("Replace", PARAMETERS, 3, replace).optional(Some(7), &[1, 2, 3, 4, 5, 6]).checked(has_combination)];

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(in crate::expression) struct Pattern(Regex);

impl Pattern {
    /// The constant pattern among the arguments of a call, and its index.
    pub(in crate::expression) fn written<'n>(function: &Function, arguments: &'n [Node]) -> Option<(usize, &'n str)> {
        match arguments.get(REGEX_PATTERN)? {
            Node::Constant(Value::String(pattern)) if function.name == "Replace" => Some((REGEX_PATTERN, pattern)),
            _ => None,
        }
    }

    /// Compiles a pattern, or says why it cannot be used.
    pub(in crate::expression) fn compile(pattern: &str) -> Result<Self, String> {
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

/// What is done, decided by which arguments are given (Entra: Replace).
enum Way {
    Extract,
    Pattern,
    Template,
    Text,
}

impl Way {
    fn of(is_given: impl Fn(usize) -> bool) -> Option<Self> {
        let both = |one, other| is_given(one) && is_given(other);
        if both(REGEX_PATTERN, REPLACEMENT_ATTRIBUTE_NAME) {
            Some(Self::Extract)
        } else if both(REGEX_PATTERN, REPLACEMENT_VALUE) {
            Some(Self::Pattern)
        } else if both(OLD_VALUE, TEMPLATE) {
            Some(Self::Template)
        } else if both(OLD_VALUE, REPLACEMENT_VALUE) {
            Some(Self::Text)
        } else {
            None
        }
    }
}

fn has_combination(arguments: &[Node]) -> Result<(), Misfit> {
    let is_given = |index: usize| arguments.get(index).is_some_and(|node| !matches!(node, Node::Omitted));
    let message = "Replace needs oldValue with replacementValue or template, or regexPattern with replacementValue or \
                   replacementAttributeName, as in Replace(source, oldValue, regexPattern, regexGroupName, \
                   replacementValue, replacementAttributeName, template).";
    Way::of(is_given).map(|_| ()).ok_or_else(|| Misfit { index: None, message: message.to_owned() })
}

fn replace(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let way = Way::of(|index| arguments.is_given(index));
    if matches!(way, Some(Way::Extract)) {
        return extract(arguments, evaluation);
    }
    let Some(source) = arguments.text(SOURCE, evaluation)? else { return Ok(Value::Null) };
    if matches!(way, Some(Way::Pattern)) {
        return replace_pattern(arguments, evaluation, &source);
    }
    let old = arguments.text(OLD_VALUE, evaluation)?.unwrap_or_default();
    let replaced = if matches!(way, Some(Way::Template)) {
        replace_all(&arguments.text(TEMPLATE, evaluation)?.unwrap_or_default(), &old, &source)
    } else {
        replace_all(&source, &old, &arguments.text(REPLACEMENT_VALUE, evaluation)?.unwrap_or_default())
    };
    Ok(replaced.map_err(|error| arguments.too_long(error))?.into())
}

/// The source if it has a value, else the group cut out of the replacement attribute; null when that does not match.
fn extract(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    if let Some(source) = arguments.text(SOURCE, evaluation)?.filter(|source| !source.is_empty()) {
        return Ok(source.into());
    }
    let Some(other) = arguments.text(REPLACEMENT_ATTRIBUTE_NAME, evaluation)? else { return Ok(Value::Null) };
    let pattern = pattern_for(arguments, evaluation)?;
    let group = arguments.text(REGEX_GROUP_NAME, evaluation)?;
    look(arguments, evaluation, other.len())?;
    let found = pattern.captures(&other).and_then(|captures| match &group {
        Some(name) => captures.name(name),
        None => captures.get(0),
    });
    Ok(found.map(|found| found.as_str().to_owned()).into())
}

/// Every match is replaced as .NET does, which also finds an empty match right behind another one.
fn replace_pattern(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>, source: &str) -> Answer {
    let pattern = pattern_for(arguments, evaluation)?;
    let replacement = arguments.text(REPLACEMENT_VALUE, evaluation)?.unwrap_or_default();
    let group = arguments.text(REGEX_GROUP_NAME, evaluation)?;
    let (mut built, mut copied, mut from) = (BoundedText::default(), 0, 0);
    while from <= source.len() {
        look(arguments, evaluation, source.len() - from)?;
        let Some(captures) = pattern.captures_at(source, from) else { break };
        let whole = captures.get_match();
        let replaced = built.push(&source[copied..whole.start()]).and_then(|()| match &group {
            Some(name) => replace_group(&captures, name, &replacement, &mut built),
            None => expand(&captures, &replacement, &mut built),
        });
        replaced.map_err(|error| arguments.too_long(error))?;
        copied = whole.end();
        let next = source[copied..].chars().next().map_or(1, char::len_utf8);
        from = if whole.is_empty() { copied + next } else { copied };
    }
    built.push(&source[copied..]).map_err(|error| arguments.too_long(error))?;
    Ok(built.finish().into())
}

/// Counts what a search may look at against what is left for this evaluation.
fn look(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>, bytes: usize) -> Result<(), EvaluationError> {
    let left = evaluation.look_bytes_left.checked_sub(bytes);
    evaluation.look_bytes_left = left.ok_or_else(|| {
        arguments.refuse("finds too many matches in too long a text; shorten the text with Left or match more at once")
    })?;
    Ok(())
}

fn pattern_for<'n>(
    arguments: &Arguments<'n>,
    evaluation: &mut Evaluation<'_, '_>,
) -> Result<Cow<'n, Regex>, EvaluationError> {
    if let Some(pattern) = &arguments.call.pattern {
        return Ok(Cow::Borrowed(&pattern.0));
    }
    let written = arguments.text(REGEX_PATTERN, evaluation)?.unwrap_or_default();
    look(arguments, evaluation, COMPILE_LOOK_BYTES)?;
    let compiled = Pattern::compile(&written);
    compiled
        .map(|pattern| Cow::Owned(pattern.0))
        .map_err(|_| arguments.refuse("was given a pattern that cannot be used"))
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
