//! Entra's attribute-mapping expressions: parsed once, evaluated for many people.
//!
//! The language is the one of Microsoft's "Reference for writing expressions for attribute mappings in Microsoft Entra
//! ID", so that an expression can be carried over as it stands. Pure: the time, randomness and knowledge of taken values
//! are handed in through [`Context`].
//!
//! What this engine adds to, or decides where, the reference is silent:
//! - A whole expression may also be an attribute, a constant or a comparison: `[mail]`, `"guest"`, `[country] = "USA"`.
//! - Attribute names are Graph's; the names Entra's own mapping pages use lead to the same values (see `attributes`).
//! - A list of one value counts as that value; an empty list is null. A longer list where one value is needed is refused.
//! - Null stays null through a function that changes a text or a date, unless the reference gives another answer.
//! - A comparison with a null or empty side is false, whichever operator it has.
//! - `IsPresent`, `IsNull` and `IsNullOrEmpty` also work as condition of `IIF`, where the reference calls them unsupported.
//! - Text equality is case-sensitive; an ordering compares numbers, then dates, then text by code point.
//! - `Join` leaves out null and empty sources, as the reference's own example shows.

mod attributes;
mod bounded;
mod catalog;
mod compare;
mod evaluate;
mod functions;
mod parse;
mod scan;
mod value;

#[cfg(test)]
mod documented;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod robustness;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

pub use evaluate::{Context, EvaluationError};
pub use parse::ParseError;

use evaluate::Evaluation;
use parse::Node;

/// The longest expression, in characters: Entra's own limit, so whatever it accepts fits.
pub const EXPRESSION_CHARACTERS_MAX: usize = 10_000;

/// A parsed attribute-mapping expression.
#[derive(Clone, Debug)]
pub struct Expression {
    root: Node,
}

impl Expression {
    /// Reads an expression; everything that can be refused without knowing a person is refused here.
    ///
    /// # Errors
    /// A sentence with the character it is about: syntax, unknown function, wrong argument count, invalid pattern, size.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        parse::parse(text).map(|root| Self { root })
    }

    /// The top-level Graph properties the expression reads, so that `$select` can be built from them.
    pub fn attributes(&self) -> BTreeSet<&str> {
        let mut roots = BTreeSet::new();
        self.root.visit(&mut |node| {
            if let Node::Attribute(path) = node {
                roots.insert(path.root());
            }
        });
        roots
    }

    /// The value for one person: a string, boolean, number, array of strings, or null.
    ///
    /// `attributes` is the person as Graph gives it. `context.is_flow_ignored` tells afterwards whether the attribute is
    /// to be left as it is (`IgnoreFlowIfNullOrEmpty`) rather than cleared.
    ///
    /// # Errors
    /// A value that does not fit its function. The message holds no value of the person, so it may be logged.
    pub fn evaluate(
        &self,
        attributes: &Map<String, Value>,
        context: &mut Context<'_>,
    ) -> Result<Value, EvaluationError> {
        context.is_flow_ignored = false;
        let value = Evaluation::new(attributes, context).value(&self.root)?;
        context.is_flow_ignored &= value::is_null_or_empty(&value);
        Ok(value)
    }

    /// Whether a scoping filter lets this person in: the value must be a boolean, `"True"` or `"False"`.
    ///
    /// # Errors
    /// As [`Expression::evaluate`], and when the value is neither; null is neither, because unknown must not remove anyone.
    pub fn matches(&self, attributes: &Map<String, Value>, context: &mut Context<'_>) -> Result<bool, EvaluationError> {
        let value = self.evaluate(attributes, context)?;
        match &value {
            Value::Bool(is_in_scope) => Ok(*is_in_scope),
            Value::String(text) if text == "True" => Ok(true),
            Value::String(text) if text == "False" => Ok(false),
            _ => Err(EvaluationError::NotBoolean { kind: value::kind(&value) }),
        }
    }

    /// Whether evaluating again for an unchanged person and time gives the same value.
    ///
    /// False with `RandomString`, `Guid` or `SelectUniqueValue`: such a mapping is only stable under `apply = on_create`.
    pub fn is_repeatable(&self) -> bool {
        !self.calls(|function| function.is_unrepeatable)
    }

    /// Whether the value is kept out of the provisioning log, which shows `[Redact]` instead: `Redact` occurs in it.
    pub fn is_redacted(&self) -> bool {
        self.calls(|function| function.name == "Redact")
    }

    fn calls(&self, wanted: impl Fn(&catalog::Function) -> bool) -> bool {
        let mut found = false;
        self.root.visit(&mut |node| found |= matches!(node, Node::Call(call) if wanted(call.function)));
        found
    }
}
