//! Finds the paths in Rust code, those of `use` declarations and all others.

use crate::scanner::{Token, is_word, line_at, tokens};

/// A path of at least two segments, or one that stands alone behind `use`.
#[derive(Debug, PartialEq, Eq)]
pub struct Path {
    /// Its words in order; a glob is `*`.
    pub segments: Vec<String>,
    /// Its line, counted from 1.
    pub line: usize,
}

/// All paths in code that went through `scanner::production_code`, with `{...}` of use declarations expanded.
pub fn paths(code: &str) -> Vec<Path> {
    let chars: Vec<char> = code.chars().collect();
    let tokens = tokens(&chars);
    let mut paths = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if !is_word(&tokens[at].text) {
            at += 1;
            continue;
        }
        let after_use = at >= 1 && tokens[at - 1].text == "use";
        let mut found = Vec::new();
        let end = read_path(&tokens, at, &[], &mut found);
        let line = line_at(&chars, tokens[at].position);
        paths.extend(found.into_iter().filter(|p| p.len() > 1 || after_use).map(|segments| Path { segments, line }));
        at = end;
    }
    paths
}

/// Reads the path that begins at token `at` below `prefix`; returns the token behind it.
fn read_path(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut segments = prefix.to_vec();
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    loop {
        if text(at) == "{" && !segments.is_empty() {
            return read_group(tokens, at + 1, &segments, found);
        }
        if !is_word(text(at)) && text(at) != "*" {
            break;
        }
        segments.push(text(at).to_owned());
        at += 1;
        if text(at) != "::" {
            break;
        }
        at += 1;
    }
    found.push(segments);
    at
}

fn read_group(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<Vec<String>>) -> usize {
    while at < tokens.len() && tokens[at].text != "}" {
        at = match tokens[at].text.as_str() {
            "as" => at + 2,
            text if is_word(text) || text == "*" => read_path(tokens, at, prefix, found),
            _ => at + 1,
        };
    }
    at + 1
}
