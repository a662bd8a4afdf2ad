//! The walk over a parsed expression for one person.

use serde_json::{Map, Value};

use super::bounded::{RESULT_BYTES_MAX, TooLong};
use super::functions::LOOK_BYTES_MAX;
use super::parse::{Call, Node};
use super::value::{text_of, whole_of};

/// What an evaluation may know besides the person, and what it reports besides the value.
pub struct Context<'a> {
    /// The present instant, in microseconds since 1970-01-01T00:00:00Z, for `Now`.
    pub now_micros: i64,
    /// Random bits for `RandomString` and `Guid`; these give a new value each time, so they are only stable under
    /// `apply = on_create`. Passwords may be made of it: use a cryptographic source outside tests.
    pub random: &'a mut dyn FnMut() -> u64,
    /// Whether a value is already in use in the target, for `SelectUniqueValue`.
    pub is_taken: &'a dyn Fn(&str) -> bool,
    /// Set by the evaluation: the result is empty and `IgnoreFlowIfNullOrEmpty` wants the attribute left as it is.
    pub is_flow_ignored: bool,
}

impl<'a> Context<'a> {
    /// A context for any number of evaluations.
    pub fn new(now_micros: i64, random: &'a mut dyn FnMut() -> u64, is_taken: &'a dyn Fn(&str) -> bool) -> Self {
        Self { now_micros, random, is_taken, is_flow_ignored: false }
    }
}

/// Why an expression gives no value for this person; no message holds a value of the person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// A value does not fit the function it was given to.
    #[error("{function} {reason}")]
    Refused {
        /// The function's name.
        function: &'static str,
        /// The rest of the sentence.
        reason: String,
    },
    /// An attribute leads to an object, or to a list of them.
    #[error("[{attribute}] holds an object, not a value; name a member of it, as in [{attribute}.member]")]
    NotAValue {
        /// The attribute as written.
        attribute: String,
    },
    /// A function's result outgrew its bound.
    #[error("{function} would give more than {RESULT_BYTES_MAX} bytes; shorten what goes into it")]
    TooLong {
        /// The function's name.
        function: &'static str,
    },
    /// `SelectUniqueValue` ran out of candidates.
    #[error("SelectUniqueValue found every value it could make already taken or empty; add a rule that makes another")]
    NoUniqueValue,
    /// A scoping filter gave something other than a boolean.
    #[error("the scoping filter gave {kind} where True or False is needed")]
    NotBoolean {
        /// What it gave instead, without the value.
        kind: &'static str,
    },
}

/// One expression being evaluated for one person.
pub(super) struct Evaluation<'e, 'c> {
    attributes: &'e Map<String, Value>,
    pub(super) context: &'e mut Context<'c>,
    /// What pattern searches may still look at.
    pub(super) look_bytes_left: usize,
}

impl<'e, 'c> Evaluation<'e, 'c> {
    pub(super) fn new(attributes: &'e Map<String, Value>, context: &'e mut Context<'c>) -> Self {
        Self { attributes, context, look_bytes_left: LOOK_BYTES_MAX }
    }

    /// The value of a part of the expression.
    pub(super) fn value(&mut self, node: &Node) -> Result<Value, EvaluationError> {
        match node {
            Node::Omitted => Ok(Value::Null),
            Node::Constant(value) => Ok(value.clone()),
            Node::Attribute(path) => path.resolve(self.attributes),
            Node::Call(call) => self.call(call),
            Node::Comparison { operator, sides } => {
                let left = self.single(&sides.0, "A comparison")?;
                let right = self.single(&sides.1, "A comparison")?;
                Ok(Value::Bool(operator.holds(&left, &right)))
            }
        }
    }

    fn call(&mut self, call: &Call) -> Result<Value, EvaluationError> {
        let value = (call.function.evaluate)(&Arguments { call }, self)?;
        let bytes = match &value {
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::len).sum(),
            _ => 0,
        };
        if bytes > RESULT_BYTES_MAX {
            return Err(EvaluationError::TooLong { function: call.function.name });
        }
        Ok(value)
    }

    fn single(&mut self, node: &Node, function: &'static str) -> Result<Value, EvaluationError> {
        match self.value(node)? {
            Value::Array(mut items) if items.len() < 2 => Ok(items.pop().unwrap_or_default()),
            Value::Array(_) => {
                let reason =
                    "takes one value here, not a list of several; pick one with Item or combine them with Join";
                Err(EvaluationError::Refused { function, reason: reason.to_owned() })
            }
            value => Ok(value),
        }
    }
}

/// The arguments of one call; those left out are null.
pub(super) struct Arguments<'n> {
    pub(super) call: &'n Call,
}

impl Arguments<'_> {
    pub(super) fn name(&self) -> &'static str {
        self.call.function.name
    }

    pub(super) fn count(&self) -> usize {
        self.call.arguments.len()
    }

    /// Whether the argument was written at all; `""` was.
    pub(super) fn is_given(&self, index: usize) -> bool {
        !matches!(self.node(index), Node::Omitted)
    }

    fn node(&self, index: usize) -> &Node {
        self.call.arguments.get(index).unwrap_or(&Node::Omitted)
    }

    pub(super) fn value(&self, index: usize, evaluation: &mut Evaluation<'_, '_>) -> Result<Value, EvaluationError> {
        evaluation.value(self.node(index))
    }

    /// One value: lists of several are refused.
    pub(super) fn single(&self, index: usize, evaluation: &mut Evaluation<'_, '_>) -> Result<Value, EvaluationError> {
        evaluation.single(self.node(index), self.name())
    }

    /// One value as text; `None` for null.
    pub(super) fn text(
        &self,
        index: usize,
        evaluation: &mut Evaluation<'_, '_>,
    ) -> Result<Option<String>, EvaluationError> {
        self.single(index, evaluation).map(|value| text_of(&value))
    }

    /// One value as a whole number; `None` for null.
    pub(super) fn whole(
        &self,
        index: usize,
        evaluation: &mut Evaluation<'_, '_>,
    ) -> Result<Option<i64>, EvaluationError> {
        match self.single(index, evaluation)? {
            Value::Null => Ok(None),
            value => match whole_of(&value) {
                Some(number) => Ok(Some(number)),
                None => Err(self.refuse(format!("needs a whole number as argument {}", index + 1))),
            },
        }
    }

    /// The list an argument holds; one value is a list of one, null of none.
    pub(super) fn list(
        &self,
        index: usize,
        evaluation: &mut Evaluation<'_, '_>,
    ) -> Result<Vec<Value>, EvaluationError> {
        Ok(match self.value(index, evaluation)? {
            Value::Null => Vec::new(),
            Value::Array(items) => items,
            single => vec![single],
        })
    }

    pub(super) fn refuse(&self, reason: impl Into<String>) -> EvaluationError {
        EvaluationError::Refused { function: self.name(), reason: reason.into() }
    }

    pub(super) fn too_long(&self, TooLong: TooLong) -> EvaluationError {
        EvaluationError::TooLong { function: self.name() }
    }
}
