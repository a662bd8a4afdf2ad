//! Functions that choose or ask: what is evaluated is only what is chosen.

use serde_json::Value;

use crate::expression::catalog::{Function, Misfit};
use crate::expression::evaluate::{Arguments, Evaluation, EvaluationError};
use crate::expression::parse::Node;
use crate::expression::value::{is_null_or_empty, kind, number_of, text_of, truth_of};

type Answer = Result<Value, EvaluationError>;

pub(super) static FUNCTIONS: [Function; 13] = [
    Function::new("CBool", "Expression", 1, to_boolean),
    Function::new("CStr", "value", 1, to_text),
    Function::new("Coalesce", "source1, source2, ..., defaultValue", 1, coalesce).optional(None, &[]),
    Function::new("IIF", "condition, valueIfTrue, valueIfFalse", 3, iif),
    Function::new("IgnoreFlowIfNullOrEmpty", "expression", 1, ignore_flow_if_null_or_empty),
    Function::new("IsNull", "Expression", 1, is_null),
    Function::new("IsNullOrEmpty", "Expression", 1, is_null_or_empty_text),
    Function::new("IsPresent", "Expression", 1, is_present),
    Function::new("IsString", "Expression", 1, is_string),
    Function::new("Not", "source", 1, not),
    Function::new("Redact", "value", 1, redact),
    Function::new("SelectUniqueValue", "uniqueValueRule1, uniqueValueRule2, ...", 2, select_unique_value)
        .optional(None, &[])
        .outermost_only()
        .unrepeatable(),
    Function::new("Switch", "source, defaultValue, key1, value1, key2, value2, ...", 4, switch)
        .optional(None, &[1])
        .checked(has_pairs),
];

fn to_boolean(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    truth(arguments, evaluation).map(Value::Bool)
}

fn truth(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Result<bool, EvaluationError> {
    let value = arguments.single(0, evaluation)?;
    truth_of(&value).ok_or_else(|| arguments.refuse(format!("needs True, False or a number, not {}", kind(&value))))
}

fn to_text(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    Ok(arguments.text(0, evaluation)?.into())
}

fn coalesce(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    for index in 0..arguments.count() {
        let value = arguments.value(index, evaluation)?;
        if !value.is_null() {
            return Ok(value);
        }
    }
    Ok(Value::Null)
}

fn iif(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let chosen = if truth(arguments, evaluation)? { 1 } else { 2 };
    arguments.value(chosen, evaluation)
}

fn ignore_flow_if_null_or_empty(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let value = arguments.value(0, evaluation)?;
    if is_null_or_empty(&value) {
        evaluation.context.is_flow_ignored = true;
    }
    Ok(value)
}

fn is_null(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    Ok(arguments.value(0, evaluation)?.is_null().into())
}

fn is_null_or_empty_text(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    Ok(is_null_or_empty(&arguments.value(0, evaluation)?).into())
}

fn is_present(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    Ok((!is_null_or_empty(&arguments.value(0, evaluation)?)).into())
}

fn is_string(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    Ok(arguments.value(0, evaluation)?.is_string().into())
}

fn not(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let source = arguments.text(0, evaluation)?;
    Ok((!source.is_some_and(|source| source.eq_ignore_ascii_case("true"))).into())
}

/// The value itself: that the log must not show it is known from the expression (`Expression::is_redacted`).
fn redact(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    arguments.value(0, evaluation)
}

fn select_unique_value(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    for index in 0..arguments.count() {
        let candidate = arguments.text(index, evaluation)?.filter(|candidate| !candidate.is_empty());
        if let Some(candidate) = candidate.filter(|candidate| !(evaluation.context.is_taken)(candidate)) {
            return Ok(candidate.into());
        }
    }
    Err(EvaluationError::NoUniqueValue)
}

fn has_pairs(arguments: &[Node]) -> Result<(), Misfit> {
    if arguments.len().is_multiple_of(2) {
        return Ok(());
    }
    let message = "A key has no value: keys and values come in pairs, as in \
                   Switch(source, defaultValue, key1, value1, key2, value2, ...).";
    Err(Misfit { index: Some(arguments.len() - 1), message: message.to_owned() })
}

/// The first value whose key matches; the empty key matches a source that is empty or null.
fn switch(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let source = arguments.single(0, evaluation)?;
    for index in (2..arguments.count()).step_by(2) {
        let key = arguments.single(index, evaluation)?;
        if is_match(&source, &key) {
            return arguments.value(index + 1, evaluation);
        }
    }
    arguments.value(1, evaluation)
}

fn is_match(source: &Value, key: &Value) -> bool {
    if is_null_or_empty(source) || is_null_or_empty(key) {
        return is_null_or_empty(source) && is_null_or_empty(key);
    }
    let is_same_number = source.is_number() && key.is_number() && number_of(source) == number_of(key);
    is_same_number || text_of(source) == text_of(key)
}
