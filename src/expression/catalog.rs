//! The known functions: names, signatures, and what is said about a name or an argument count that does not fit.

use serde_json::Value;

use super::evaluate::{Arguments, Evaluation, EvaluationError};
use super::functions;
use super::parse::Node;

/// A name further than this from every known one gets no suggestion: it would only confuse.
const SUGGESTION_DISTANCE_MAX: usize = 4;

/// A function of the language.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: &'static str,
    /// The argument list as the reference prints it.
    pub(super) parameters: &'static str,
    pub(super) count_min: usize,
    /// `None`: no upper bound but the length of the expression.
    pub(super) count_max: Option<usize>,
    /// Arguments, counted from 0, that may be left empty between two commas.
    pub(super) omittable: &'static [usize],
    pub(super) is_outermost_only: bool,
    pub(super) is_unrepeatable: bool,
    pub(super) evaluate: fn(&Arguments<'_>, &mut Evaluation<'_, '_>) -> Result<Value, EvaluationError>,
}

impl Function {
    /// A function with `count` arguments, none of which may be left out.
    pub(super) const fn new(
        name: &'static str,
        parameters: &'static str,
        count: usize,
        evaluate: fn(&Arguments<'_>, &mut Evaluation<'_, '_>) -> Result<Value, EvaluationError>,
    ) -> Self {
        Self {
            name,
            parameters,
            count_min: count,
            count_max: Some(count),
            omittable: &[],
            is_outermost_only: false,
            is_unrepeatable: false,
            evaluate,
        }
    }

    /// Up to `count_max` arguments; those in `omittable` may also be left empty.
    pub(super) const fn optional(mut self, count_max: Option<usize>, omittable: &'static [usize]) -> Self {
        self.count_max = count_max;
        self.omittable = omittable;
        self
    }

    /// A function that gives another value each time.
    pub(super) const fn unrepeatable(mut self) -> Self {
        self.is_unrepeatable = true;
        self
    }

    /// A function that cannot be an argument of another.
    pub(super) const fn outermost_only(mut self) -> Self {
        self.is_outermost_only = true;
        self
    }

    /// Refuses arguments that do not fit, with the argument the sentence is about.
    pub(super) fn check(&self, arguments: &[Node]) -> Result<(), (Option<usize>, String)> {
        let count = arguments.len();
        if count < self.count_min || self.count_max.is_some_and(|count_max| count > count_max) {
            let found = if count == 1 { "1 argument".to_owned() } else { format!("{count} arguments") };
            return Err((None, format!("{found} found where {} is expected.", self.signature())));
        }
        if self.name == "Switch" && count % 2 == 1 {
            let message = format!("A key has no value: keys and values come in pairs, as in {}.", self.signature());
            return Err((None, message));
        }
        let is_missing = |index: &usize| matches!(arguments[*index], Node::Omitted) && !self.omittable.contains(index);
        match (0..count).find(is_missing) {
            Some(index) => {
                let message = format!("Argument {} of {} may not be left out.", index + 1, self.signature());
                Err((Some(index), message))
            }
            None => Ok(()),
        }
    }

    fn signature(&self) -> String {
        format!("{}({})", self.name, self.parameters)
    }
}

/// The function of this name, or a sentence that says why there is none.
pub(super) fn find(name: &str) -> Result<&'static Function, String> {
    if matches!(name, "SingleAppRoleAssignment" | "AppRoleAssignmentsComplex") {
        return Err(format!(
            "{name} needs the app roles assigned in Entra, which are not among the attributes of a person; \
             map a role from an attribute or decide it by group instead."
        ));
    }
    if let Some(function) = all().find(|function| function.name == name) {
        return Ok(function);
    }
    let nearest = all().map(|known| (distance(name, known.name), known.name)).min();
    Err(match nearest {
        Some((_, known)) if known.eq_ignore_ascii_case(name) => {
            format!("Function names are case-sensitive: write {known} instead of {name}.")
        }
        Some((far, known)) if far <= SUGGESTION_DISTANCE_MAX && far < name.len() => {
            format!("There is no function {name}; did you mean {known}?")
        }
        _ => format!("There is no function {name}."),
    })
}

fn all() -> impl Iterator<Item = &'static Function> {
    functions::ALL.iter().copied().flatten()
}

/// How many letters must be added, dropped or replaced to turn one name into the other, in whatever case.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<u8> = other.to_ascii_lowercase().into_bytes();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, left) in one.to_ascii_lowercase().bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, right) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}
