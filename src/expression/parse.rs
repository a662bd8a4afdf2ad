//! The grammar: functions, attributes, constants and one comparison, nested.

use serde_json::Value;

use super::EXPRESSION_CHARACTERS_MAX;
use super::attributes::AttributePath;
use super::catalog::{self, Function};
use super::compare::Operator;
use super::functions::Pattern;
use super::scan::Scanner;

/// How deep calls may be nested: IIF chains stand in for AND and OR, so they get long; the bound keeps the stack small.
const NESTING_DEPTH_MAX: usize = 100;

/// How many constant patterns an expression may hold: each keeps its compiled form in memory as long as the mapping lives.
const PATTERNS_MAX: usize = 20;

/// The words that stand alone as an argument: the compare types of `InStr`.
const KEYWORDS: [&str; 2] = ["vbTextCompare", "vbBinaryCompare"];

/// Why a text is not an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Character {at}: {message}")]
pub struct ParseError {
    /// The character the message is about, counted from 1.
    pub at: usize,
    /// One or two sentences for the person who wrote the expression.
    pub message: String,
}

impl ParseError {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

/// A part of an expression.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// Nothing between two commas.
    Omitted,
    Constant(Value),
    Attribute(AttributePath),
    Call(Call),
    Comparison {
        operator: Operator,
        sides: Box<(Node, Node)>,
    },
}

/// A function with its arguments; their number fits.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) function: &'static Function,
    pub(super) arguments: Vec<Node>,
    /// The constant pattern of `Replace`, compiled once.
    pub(super) pattern: Option<Pattern>,
}

impl Node {
    /// Shows every node of the tree, outermost first.
    pub(super) fn visit<'n>(&'n self, show: &mut impl FnMut(&'n Node)) {
        show(self);
        match self {
            Self::Call(call) => call.arguments.iter().for_each(|argument| argument.visit(show)),
            Self::Comparison { sides, .. } => {
                sides.0.visit(show);
                sides.1.visit(show);
            }
            Self::Omitted | Self::Constant(_) | Self::Attribute(_) => {}
        }
    }
}

/// Reads a whole expression.
pub(super) fn parse(text: &str) -> Result<Node, ParseError> {
    if text.chars().nth(EXPRESSION_CHARACTERS_MAX).is_some() {
        let message = format!("The expression is longer than {EXPRESSION_CHARACTERS_MAX} characters.");
        return Err(ParseError::new(EXPRESSION_CHARACTERS_MAX + 1, message));
    }
    let mut parser = Parser { scanner: Scanner::new(text), depth: 0, pattern_count: 0 };
    let root = parser.argument()?;
    match parser.scanner.peek() {
        None => Ok(root),
        Some(_) => Err(ParseError::new(parser.scanner.at(), "The expression ends before this; remove the rest.")),
    }
}

struct Parser {
    scanner: Scanner,
    depth: usize,
    pattern_count: usize,
}

impl Parser {
    /// An operand, or two with a comparison between them.
    fn argument(&mut self) -> Result<Node, ParseError> {
        let left = self.operand()?;
        let Some(operator) = self.operator() else { return Ok(left) };
        let right = self.operand()?;
        let at = self.scanner.at();
        if self.operator().is_some() {
            return Err(ParseError::new(at, "Only one comparison fits here; nest IIF for AND and OR."));
        }
        Ok(Node::Comparison { operator, sides: Box::new((left, right)) })
    }

    fn operator(&mut self) -> Option<Operator> {
        let first = self.scanner.peek().filter(|character| matches!(character, '=' | '<' | '>'))?;
        self.scanner.takes(first);
        Some(match first {
            '=' => Operator::Equal,
            '<' if self.scanner.takes('>') => Operator::NotEqual,
            '<' if self.scanner.takes('=') => Operator::LessOrEqual,
            '<' => Operator::Less,
            _ if self.scanner.takes('=') => Operator::GreaterOrEqual,
            _ => Operator::Greater,
        })
    }

    fn operand(&mut self) -> Result<Node, ParseError> {
        self.scanner.skip_spaces();
        let at = self.scanner.at();
        let node = match self.scanner.peek() {
            Some('"') => Node::Constant(Value::String(self.scanner.constant()?)),
            Some('[') => Node::Attribute(AttributePath::parse(&self.scanner.bracketed()?, at)?),
            Some('0'..='9' | '-' | '&') => Node::Constant(self.scanner.number()?),
            Some(letter) if letter.is_ascii_alphabetic() => self.word()?,
            other => return Err(ParseError::new(at, not_an_operand(other))),
        };
        self.scanner.skip_spaces();
        Ok(node)
    }

    fn word(&mut self) -> Result<Node, ParseError> {
        let at = self.scanner.at();
        let name = self.scanner.take_while(|character| character.is_ascii_alphanumeric() || character == '_');
        self.scanner.skip_spaces();
        if self.scanner.peek() == Some('(') {
            return self.call(&name, at);
        }
        if KEYWORDS.contains(&name.as_str()) {
            return Ok(Node::Constant(Value::String(name)));
        }
        let message = format!(
            "{name} stands alone; write [{name}] for an attribute, \"{name}\" for text, {name}(…) for a function."
        );
        Err(ParseError::new(at, message))
    }

    fn call(&mut self, name: &str, at: usize) -> Result<Node, ParseError> {
        let function = catalog::find(name).map_err(|message| ParseError::new(at, message))?;
        if function.is_outermost_only && self.depth > 0 {
            let message = format!("{name} must be the outermost function and cannot be nested.");
            return Err(ParseError::new(at, message));
        }
        self.depth += 1;
        if self.depth > NESTING_DEPTH_MAX {
            let message = format!("Functions are nested more than {NESTING_DEPTH_MAX} deep here.");
            return Err(ParseError::new(at, message));
        }
        let (arguments, places) = self.arguments(function)?;
        self.depth -= 1;
        function.check(&arguments).map_err(|misfit| {
            let place = misfit.index.and_then(|index| places.get(index).copied());
            ParseError::new(place.unwrap_or(at), misfit.message)
        })?;
        let pattern = self.pattern(function, &arguments, &places)?;
        Ok(Node::Call(Call { function, arguments, pattern }))
    }

    fn pattern(
        &mut self,
        function: &Function,
        arguments: &[Node],
        places: &[usize],
    ) -> Result<Option<Pattern>, ParseError> {
        let Some((index, written)) = Pattern::written(function, arguments) else { return Ok(None) };
        self.pattern_count += 1;
        if self.pattern_count > PATTERNS_MAX {
            let message = format!("There are more than {PATTERNS_MAX} patterns in the expression with this one.");
            return Err(ParseError::new(places[index], message));
        }
        Pattern::compile(written).map(Some).map_err(|message| ParseError::new(places[index], message))
    }

    /// The arguments between the parentheses, and where each begins.
    fn arguments(&mut self, function: &Function) -> Result<(Vec<Node>, Vec<usize>), ParseError> {
        let begin = self.scanner.at();
        self.scanner.takes('(');
        let (mut arguments, mut places) = (Vec::new(), Vec::new());
        self.scanner.skip_spaces();
        if self.scanner.takes(')') {
            return Ok((arguments, places));
        }
        loop {
            self.scanner.skip_spaces();
            places.push(self.scanner.at());
            arguments.push(match self.scanner.peek() {
                Some(',' | ')') => Node::Omitted,
                _ => self.argument()?,
            });
            if self.scanner.takes(')') {
                return Ok((arguments, places));
            }
            if !self.scanner.takes(',') {
                return Err(self.not_closed(function, begin));
            }
        }
    }

    fn not_closed(&self, function: &Function, begin: usize) -> ParseError {
        match self.scanner.peek() {
            None => ParseError::new(begin, format!("{} has no closing parenthesis.", function.name)),
            Some(found) => {
                let message =
                    format!("A comma or a closing parenthesis of {} is expected here, not {found:?}.", function.name);
                ParseError::new(self.scanner.at(), message)
            }
        }
    }
}

fn not_an_operand(found: Option<char>) -> String {
    match found {
        None => "The expression ends where an attribute, a text, a number or a function is expected.".to_owned(),
        Some('“' | '”' | '„' | '‘' | '’' | '\'') => {
            "Texts are enclosed in straight double quotation marks (\").".to_owned()
        }
        Some(other) => format!("An attribute, a text, a number or a function is expected here, not {other:?}."),
    }
}
