//! From characters to words: spaces, names, constants and attribute brackets.

use serde_json::{Number, Value};

use super::parse::ParseError;

/// A place in the text of an expression.
pub(super) struct Scanner {
    characters: Vec<char>,
    position: usize,
}

impl Scanner {
    pub(super) fn new(text: &str) -> Self {
        Self { characters: text.chars().collect(), position: 0 }
    }

    /// The place of the next character, counted from 1.
    pub(super) fn at(&self) -> usize {
        self.position + 1
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.characters.get(self.position).copied()
    }

    /// Takes the next character when it is the wanted one.
    pub(super) fn takes(&mut self, wanted: char) -> bool {
        let is_there = self.peek() == Some(wanted);
        self.position += usize::from(is_there);
        is_there
    }

    pub(super) fn skip_spaces(&mut self) {
        self.take_while(char::is_whitespace);
    }

    pub(super) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let rest = &self.characters[self.position..];
        let taken: String = rest.iter().copied().take_while(|&character| wanted(character)).collect();
        self.position += taken.chars().count();
        taken
    }

    /// The text constant that begins here; a backslash escapes a backslash or a quotation mark, and nothing else.
    pub(super) fn constant(&mut self) -> Result<String, ParseError> {
        let begin = self.at();
        self.position += 1;
        let mut text = String::new();
        while let Some(character) = self.peek() {
            self.position += 1;
            match character {
                '"' => return Ok(text),
                '\\' => text.push(self.escaped()?),
                other => text.push(other),
            }
        }
        Err(ParseError::new(begin, "This text has no closing quotation mark."))
    }

    fn escaped(&mut self) -> Result<char, ParseError> {
        match self.peek() {
            Some(character @ ('"' | '\\')) => {
                self.position += 1;
                Ok(character)
            }
            _ => Err(ParseError::new(
                self.position,
                r#"A backslash may only stand before " or another backslash; write \\ for a backslash."#,
            )),
        }
    }

    /// What the square brackets that begin here enclose, with inner brackets in pairs.
    pub(super) fn bracketed(&mut self) -> Result<String, ParseError> {
        let begin = self.position;
        let mut depth = 0_usize;
        for (offset, character) in self.characters[begin..].iter().enumerate() {
            match character {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.position = begin + offset + 1;
                return Ok(self.characters[begin + 1..begin + offset].iter().collect());
            }
        }
        Err(ParseError::new(begin + 1, "This attribute has no closing bracket; write [attributeName]."))
    }

    /// A number: `7`, `-10`, `2.5`, or hexadecimal as `&HF7`.
    pub(super) fn number(&mut self) -> Result<Value, ParseError> {
        let begin = self.at();
        let number = if self.takes('&') { self.hexadecimal() } else { self.decimal() };
        number.map(Value::Number).ok_or_else(|| {
            ParseError::new(begin, "This is not a number; write 7, -10, 2.5, or &HF7, at most 9223372036854775807.")
        })
    }

    fn hexadecimal(&mut self) -> Option<Number> {
        if !self.takes('H') {
            return None;
        }
        let digits = self.take_while(|character| character.is_ascii_alphanumeric());
        i64::from_str_radix(&digits, 16).ok().map(Number::from)
    }

    fn decimal(&mut self) -> Option<Number> {
        let sign = if self.takes('-') { "-" } else { "" };
        let digits = self.take_while(|character| character.is_ascii_alphanumeric() || character == '.');
        let is_plain = digits.starts_with(|first: char| first.is_ascii_digit())
            && digits.chars().all(|character| character.is_ascii_digit() || character == '.');
        let text = format!("{sign}{digits}");
        match text.parse::<i64>() {
            Ok(whole) => Some(whole.into()),
            Err(_) if is_plain && digits.contains('.') => text.parse().ok().and_then(Number::from_f64),
            Err(_) => None,
        }
    }
}
