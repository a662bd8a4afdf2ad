//! Reads Rust just well enough for the rules: text without comments, strings and test parts; tokens; functions.

use std::ops::Range;

/// The text with comments and the contents of strings and characters blanked; every line stays where it was.
pub fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = end_of_blank(&chars, at);
        if end == at {
            code.push(chars[at]);
            at += 1;
        } else {
            code.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    code
}

/// The text with its test parts (`#[cfg(test)]` and the item behind it) blanked as well.
pub fn production_code(text: &str) -> String {
    let code = code_only(text);
    let mut chars: Vec<char> = code.chars().collect();
    for part in test_parts(&chars) {
        for c in &mut chars[part] {
            if *c != '\n' {
                *c = ' ';
            }
        }
    }
    chars.into_iter().collect()
}

/// How many lines the text has without its test parts.
pub fn production_line_count(text: &str) -> usize {
    let chars: Vec<char> = code_only(text).chars().collect();
    let in_tests: usize = test_parts(&chars).into_iter().map(|part| lines_in(&chars[part]) + 1).sum();
    text.lines().count() - in_tests
}

/// The line, counted from 1, in which the character at `position` stands.
pub fn line_at(chars: &[char], position: usize) -> usize {
    lines_in(&chars[..position]) + 1
}

fn lines_in(chars: &[char]) -> usize {
    chars.iter().filter(|c| **c == '\n').count()
}

/// Where the comment, string or character that begins at `at` ends; `at` itself when none begins there.
fn end_of_blank(chars: &[char], at: usize) -> usize {
    let follows = |pattern: &str| chars[at..].iter().copied().take(pattern.len()).eq(pattern.chars());
    if follows("//") {
        return position_from(chars, at, |c| c == '\n');
    }
    if follows("/*") {
        return end_of_block_comment(chars, at);
    }
    match chars[at] {
        '"' => end_of_string(chars, at + 1),
        '\'' => end_of_character(chars, at),
        // b"", c"" need nothing of their own: their quotation mark is met next.
        'r' if !continues_a_word(chars, at) => end_of_raw_string(chars, at),
        _ => at,
    }
}

fn position_from(chars: &[char], from: usize, found: impl Fn(char) -> bool) -> usize {
    (from..chars.len()).find(|at| found(chars[*at])).unwrap_or(chars.len())
}

fn end_of_block_comment(chars: &[char], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0);
    while at < chars.len() {
        let step = match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => 1,
            ('*', Some('/')) => -1,
            _ => 0,
        };
        depth += step;
        at += if step == 0 { 1 } else { 2 };
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

fn end_of_string(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// `'x'` and `'\n'` are characters, `'a` without a second mark is a lifetime and stays.
fn end_of_character(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), _) => position_from(chars, at + 3, |c| c == '\'') + 1,
        (Some(_), Some('\'')) => at + 3,
        _ => at,
    }
}

fn end_of_raw_string(chars: &[char], at: usize) -> usize {
    let quote = position_from(chars, at + 1, |c| c != '#');
    if chars.get(quote) != Some(&'"') {
        return at;
    }
    let hashes = quote - at - 1;
    let closes = |at: &usize| chars[*at] == '"' && chars[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes;
    (quote + 1..chars.len()).find(closes).map_or(chars.len(), |end| end + 1 + hashes)
}

/// Whether the letter at `at` stands inside a longer word; a single `b` or `c` before it is a string's prefix.
fn continues_a_word(chars: &[char], at: usize) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let is_prefix = at >= 1 && matches!(chars[at - 1], 'b' | 'c') && (at == 1 || !is_word(chars[at - 2]));
    at >= 1 && is_word(chars[at - 1]) && !is_prefix
}

/// From each `#[cfg(test)]` to the end of its item: the closing brace, or the semicolon.
fn test_parts(chars: &[char]) -> Vec<Range<usize>> {
    const MARK: &str = "#[cfg(test)]";
    let mut parts = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        if chars[at..].iter().copied().take(MARK.len()).eq(MARK.chars()) {
            let end = end_of_item(chars, at + MARK.len());
            parts.push(at..end);
            at = end;
        } else {
            at += 1;
        }
    }
    parts
}

/// Where the item that begins at `start` ends.
fn end_of_item(chars: &[char], start: usize) -> usize {
    match body_of_item(chars, start) {
        Some(open) => closing_brace(chars, open).map_or(chars.len(), |close| close + 1),
        None => position_from(chars, start, |c| c == ';').saturating_add(1).min(chars.len()),
    }
}

/// The opening brace of the item that begins at `start`; `None` when it ends with a semicolon before that.
fn body_of_item(chars: &[char], start: usize) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in chars.iter().enumerate().skip(start) {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ';' if depth == 0 => return None,
            '{' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

fn closing_brace(chars: &[char], open: usize) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in chars.iter().enumerate().skip(open) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// A function as the scanner sees it.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// What stands behind `fn`.
    pub name: String,
    /// The line of `fn`, counted from 1.
    pub line: usize,
    /// The lines between the one with the opening brace and the one with the closing brace.
    pub body_line_count: usize,
}

/// All functions with a body in code that went through [`code_only`] or [`production_code`].
pub fn functions(code: &str) -> Vec<Function> {
    let chars: Vec<char> = code.chars().collect();
    let tokens = tokens(&chars);
    let named = tokens.windows(2).filter(|pair| pair[0].text == "fn" && is_word(&pair[1].text));
    named.filter_map(|pair| function_at(&chars, &pair[0], &pair[1])).collect()
}

fn function_at(chars: &[char], keyword: &Token, name: &Token) -> Option<Function> {
    let open = body_of_item(chars, name.position)?;
    let close = closing_brace(chars, open).unwrap_or(chars.len());
    Some(Function {
        name: name.text.clone(),
        line: line_at(chars, keyword.position),
        body_line_count: lines_in(&chars[open..close]).saturating_sub(1),
    })
}

/// A word, `::`, or any other single character.
#[derive(Debug)]
pub struct Token {
    /// As written.
    pub text: String,
    /// The place of its first character.
    pub position: usize,
}

/// The tokens of code that went through [`code_only`] or [`production_code`].
pub fn tokens(chars: &[char]) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let end = match chars[at] {
            c if c.is_alphanumeric() || c == '_' => position_from(chars, at, |c| !c.is_alphanumeric() && c != '_'),
            ':' if chars.get(at + 1) == Some(&':') => at + 2,
            _ => at + 1,
        };
        if !chars[at].is_whitespace() {
            tokens.push(Token { text: chars[at..end].iter().collect(), position: at });
        }
        at = end;
    }
    tokens
}

/// Whether a token is a name or a keyword.
pub fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}
