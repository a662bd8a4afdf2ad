//! The six comparison operators.

use std::cmp::Ordering;

use serde_json::Value;

use super::functions::dates;
use super::value::{is_null_or_empty, number_of, text_of};

/// A comparison operator of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    /// Whether the comparison holds; never with a null or empty side (Entra: IIF, known limitations).
    pub(super) fn holds(self, left: &Value, right: &Value) -> bool {
        if is_null_or_empty(left) || is_null_or_empty(right) {
            return false;
        }
        match self {
            Self::Equal => is_equal(left, right),
            Self::NotEqual => !is_equal(left, right),
            Self::Less => order(left, right).is_lt(),
            Self::LessOrEqual => order(left, right).is_le(),
            Self::Greater => order(left, right).is_gt(),
            Self::GreaterOrEqual => order(left, right).is_ge(),
        }
    }
}

/// Numbers by value, booleans in whatever case, texts exactly.
fn is_equal(left: &Value, right: &Value) -> bool {
    let (left_text, right_text) = (text_of(left), text_of(right));
    if left.is_boolean() || right.is_boolean() {
        return left_text.zip(right_text).is_some_and(|(left, right)| left.eq_ignore_ascii_case(&right));
    }
    let is_numeric = left.is_number() || right.is_number();
    left_text == right_text || (is_numeric && number_of(left).zip(number_of(right)).is_some_and(|(l, r)| l == r))
}

fn order(left: &Value, right: &Value) -> Ordering {
    if let Some(order) = number_of(left).zip(number_of(right)).and_then(|(left, right)| left.partial_cmp(&right)) {
        return order;
    }
    let (left, right) = (text_of(left).unwrap_or_default(), text_of(right).unwrap_or_default());
    match dates::read(&left).zip(dates::read(&right)) {
        Some((left, right)) => left.cmp(&right),
        None => left.cmp(&right),
    }
}
