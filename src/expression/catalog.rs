//! The known functions: names, signatures, and what is said about a name or an argument count that does not fit.

use serde_json::Value;

use super::evaluate::{Arguments, Evaluation, EvaluationError};
use super::functions;
use super::parse::Node;

/// A name further than this from every known one gets no suggestion: it would only confuse.
const SUGGESTION_DISTANCE_MAX: usize = 4;

/// Why arguments do not fit their function.
#[derive(Debug)]
pub(super) struct Misfit {
    /// The argument the message is about, counted from 0; `None`: all of them.
    pub(super) index: Option<usize>,
    pub(super) message: String,
}

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
    /// What else about the written arguments can be refused before any person is known.
    check: fn(&[Node]) -> Result<(), Misfit>,
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
            check: |_| Ok(()),
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

    /// A function with more to check than the number of its arguments.
    pub(super) const fn checked(mut self, check: fn(&[Node]) -> Result<(), Misfit>) -> Self {
        self.check = check;
        self
    }

    /// Refuses arguments that do not fit.
    pub(super) fn check(&self, arguments: &[Node]) -> Result<(), Misfit> {
        let count = arguments.len();
        if count < self.count_min || self.count_max.is_some_and(|count_max| count > count_max) {
            let found = if count == 1 { "1 argument".to_owned() } else { format!("{count} arguments") };
            let message = format!("{found} found where {} is expected.", self.signature());
            return Err(Misfit { index: None, message });
        }
        let is_missing = |index: &usize| matches!(arguments[*index], Node::Omitted) && !self.omittable.contains(index);
        match (0..count).find(is_missing) {
            Some(index) => {
                let message = format!("Argument {} of {} may not be left out.", index + 1, self.signature());
                Err(Misfit { index: Some(index), message })
            }
            None => (self.check)(arguments),
        }
    }

    fn signature(&self) -> String {
        format!("{}({})", self.name, self.parameters)
    }
}

/// Whether a constant argument passes; what is no text constant is only known with a person.
pub(super) fn fits(
    arguments: &[Node],
    index: usize,
    is_fit: impl Fn(&str) -> bool,
    message: &str,
) -> Result<(), Misfit> {
    match arguments.get(index) {
        Some(Node::Constant(Value::String(text))) if !is_fit(text) => {
            Err(Misfit { index: Some(index), message: message.to_owned() })
        }
        _ => Ok(()),
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
