//! Functions on multi-valued attributes.

use serde_json::Value;

use crate::expression::catalog::{self, Function};
use crate::expression::evaluate::{Arguments, Evaluation, EvaluationError};

type Answer = Result<Value, EvaluationError>;

pub(super) static FUNCTIONS: [Function; 4] = [
    Function::new("Count", "attribute", 1, count),
    Function::new("Item", "attribute, index", 2, item),
    Function::new("RemoveDuplicates", "attribute", 1, remove_duplicates),
    Function::new("Split", "source, delimiter", 2, split).checked(|arguments| {
        catalog::fits(
            arguments,
            1,
            |delimiter| !delimiter.is_empty(),
            "Split needs a delimiter of at least one character.",
        )
    }),
];

fn count(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    Ok(arguments.list(0, evaluation)?.len().into())
}

/// Null when the list ends before the index, and for the index 0, which the reference says not to use.
fn item(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let items = arguments.list(0, evaluation)?;
    let index = arguments.whole(1, evaluation)?.and_then(|index| usize::try_from(index).ok()?.checked_sub(1));
    Ok(index.and_then(|index| items.into_iter().nth(index)).unwrap_or_default())
}

/// Keeps the first of equal texts, and the order.
fn remove_duplicates(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let mut seen = std::collections::HashSet::new();
    let mut items = arguments.list(0, evaluation)?;
    items.retain(|item| seen.insert(item.to_string()));
    Ok(if items.is_empty() { Value::Null } else { Value::Array(items) })
}

/// The pieces without the spaces around them, as in the reference's example.
fn split(arguments: &Arguments<'_>, evaluation: &mut Evaluation<'_, '_>) -> Answer {
    let Some(source) = arguments.text(0, evaluation)? else { return Ok(Value::Null) };
    let delimiter = arguments.text(1, evaluation)?.filter(|delimiter| !delimiter.is_empty());
    let delimiter = delimiter.ok_or_else(|| arguments.refuse("needs a delimiter of at least one character"))?;
    Ok(source.split(&delimiter).map(str::trim).collect::<Vec<&str>>().into())
}
