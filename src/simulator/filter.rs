//! `$filter`, as far as it is answered: `name eq 'x' or ...`, `name in ('x','y')`.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::directory::{Directory, Slot};
use super::errors::GraphError;
use super::properties::{ID, Kind, PropertyId};

/// Values in one `in`, or clauses joined by `or`. Graph: filter-query-parameter.
pub(super) const FILTER_VALUES_MAX: usize = 15;
/// Ids in the filter of a delta query. Graph: user-delta.
pub(super) const DELTA_FILTER_IDS_MAX: usize = 50;

/// The properties that can be filtered by.
const FILTERABLE: [&str; 7] =
    ["id", "userPrincipalName", "mail", "displayName", "mailNickname", "employeeId", "department"];

/// Objects with any of these values.
#[derive(Debug)]
pub(super) struct Filter {
    clauses: Vec<(PropertyId, String)>,
}

#[derive(Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

fn refuse() -> GraphError {
    GraphError::unsupported_query("Unsupported or invalid query filter clause specified.")
}

fn tokens(filter: &str) -> Result<Vec<Token>, GraphError> {
    let mut characters = filter.chars().peekable();
    let mut tokens = Vec::new();
    while let Some(character) = characters.next() {
        match character {
            ' ' => {}
            '(' | ')' | ',' => tokens.push(Token::Sign(character)),
            '\'' => tokens.push(Token::Text(quoted(&mut characters)?)),
            first => {
                let mut word = String::from(first);
                while let Some(next) = characters.next_if(|next| next.is_alphanumeric() || *next == '_') {
                    word.push(next);
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Ok(tokens)
}

/// The rest of a quoted text; a quote inside is written twice.
fn quoted(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, GraphError> {
    let mut text = String::new();
    loop {
        match characters.next() {
            None => return Err(refuse()),
            Some('\'') if characters.next_if_eq(&'\'').is_none() => return Ok(text),
            Some(character) => text.push(character),
        }
    }
}

impl Filter {
    /// Reads a filter on objects of a kind.
    ///
    /// # Errors
    /// 400 for what is not answered and for more than 15 values.
    pub(super) fn parse(directory: &Directory, kind: Kind, filter: &str) -> Result<Self, GraphError> {
        let clauses = named_clauses(filter)?;
        if clauses.len() > FILTER_VALUES_MAX {
            let message = format!(
                "Too many child clauses specified in search filter expression containing 'OR' operators: {}. Max allowed: {FILTER_VALUES_MAX}.",
                clauses.len()
            );
            return Err(GraphError::unsupported_query(message));
        }
        let found = clauses.into_iter().map(|(name, value)| {
            let is_filterable = FILTERABLE.iter().any(|known| known.eq_ignore_ascii_case(&name));
            let property = directory.schema.find(kind, &name).filter(|_| is_filterable).ok_or_else(refuse)?;
            Ok((property, value))
        });
        Ok(Self { clauses: found.collect::<Result<_, _>>()? })
    }

    /// The live objects it names, when only ids and user principal names are asked for.
    pub(super) fn direct(&self, directory: &Directory, kind: Kind) -> Option<BTreeSet<Slot>> {
        let by_name = directory.schema.find(Kind::User, "userPrincipalName");
        let mut slots = BTreeSet::new();
        for (property, value) in &self.clauses {
            let found = match *property {
                ID => Uuid::parse_str(value).ok().and_then(|id| directory.live(id, kind)),
                name if kind == Kind::User && Some(name) == by_name => directory.live_named(value),
                _ => return None,
            };
            slots.extend(found);
        }
        Some(slots)
    }

    /// Whether a live object has one of the values, in any case.
    pub(super) fn matches(&self, directory: &Directory, slot: Slot) -> bool {
        self.clauses.iter().any(|(property, value)| match *property {
            ID => directory.object(slot).id.to_string() == value.to_ascii_lowercase(),
            property => directory.text(slot, property).is_some_and(|text| text.to_lowercase() == value.to_lowercase()),
        })
    }
}

fn named_clauses(filter: &str) -> Result<Vec<(String, String)>, GraphError> {
    let mut tokens = tokens(filter)?.into_iter().peekable();
    let mut clauses = Vec::new();
    loop {
        let (Some(Token::Word(name)), Some(Token::Word(operator))) = (tokens.next(), tokens.next()) else {
            return Err(refuse());
        };
        match (operator.as_str(), tokens.next()) {
            ("eq", Some(Token::Text(value))) => clauses.push((name, value)),
            ("in", Some(Token::Sign('('))) => loop {
                match (tokens.next(), tokens.next()) {
                    (Some(Token::Text(value)), Some(Token::Sign(sign))) => {
                        clauses.push((name.clone(), value));
                        if sign == ')' {
                            break;
                        }
                    }
                    _ => return Err(refuse()),
                }
            },
            _ => return Err(refuse()),
        }
        match tokens.next() {
            None => return Ok(clauses),
            Some(Token::Word(word)) if word == "or" => {}
            Some(_) => return Err(refuse()),
        }
    }
}

/// The ids of a delta query's filter, `id eq 'x' or id eq 'y'`.
///
/// # Errors
/// 400 for any other filter and for more than 50 ids.
pub(super) fn delta_ids(filter: &str) -> Result<Vec<Uuid>, GraphError> {
    let clauses = named_clauses(filter)?;
    if clauses.len() > DELTA_FILTER_IDS_MAX || filter.contains(" in ") {
        return Err(refuse());
    }
    let id = |(name, value): (String, String)| Uuid::parse_str(&value).ok().filter(|_| name == "id").ok_or_else(refuse);
    clauses.into_iter().map(id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_are_read_with_doubled_quotes_and_lists() {
        let clauses = named_clauses("mail eq 'o''neil' or id in ('a','b')").unwrap();
        let expected = [("mail", "o'neil"), ("id", "a"), ("id", "b")];
        assert_eq!(clauses, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn anything_else_is_refused() {
        for filter in ["", "mail", "mail ne 'x'", "mail eq 'x' and id eq 'y'", "mail eq 'x", "id in ('a' 'b')"] {
            assert_eq!(named_clauses(filter).unwrap_err().status, 400, "{filter}");
        }
    }
}
