//! From `[attribute]` to a value of the person, as Graph gives the person.
//!
//! - A property of exactly the written name wins, also when the name holds dots (schema extensions in a flat source).
//! - Otherwise dots lead into objects, `[0]` picks from a list counting from 0, `[type eq "work"]` keeps the members of a
//!   list that say so; a dot behind a list reads the member of each. What does not exist is null.
//! - `extensionAttribute1` to `15` live in `onPremisesExtensionAttributes`, and Entra's own names that differ from Graph's
//!   lead to Graph's (`ALIASES`).
//! - `userPrincipalName` of a B2B guest, `alias_theirdomain#EXT#@yourdomain`, is read as their original `alias@theirdomain`;
//!   `originalUserPrincipalName` keeps it whole (Entra: how-provisioning-works, B2B guest users).
//! - `IsSoftDeleted` is computed: the opposite of `accountEnabled`, null when that is unknown. People who left scope or were
//!   deleted are never evaluated.

use serde_json::{Map, Value};

use super::evaluate::EvaluationError;
use super::parse::ParseError;
use super::value;

/// Where Entra separates a guest's own name from the inviting tenant.
const GUEST_MARK: &str = "#EXT#@";

/// Entra's names of source attributes and where Graph keeps the value.
const ALIASES: [(&str, &str); 8] = [
    ("objectId", "id"),
    ("originalUserPrincipalName", "userPrincipalName"),
    ("IsSoftDeleted", "accountEnabled"),
    ("telephoneNumber", "businessPhones[0]"),
    ("mobile", "mobilePhone"),
    ("physicalDeliveryOfficeName", "officeLocation"),
    ("facsimileTelephoneNumber", "faxNumber"),
    ("immutableId", "onPremisesImmutableId"),
];

/// How many extension attributes a directory synchronized from Active Directory has.
const EXTENSION_ATTRIBUTES_MAX: u8 = 15;

/// A way from a person to one of their values.
#[derive(Clone, Debug)]
pub(super) struct AttributePath {
    written: String,
    root: String,
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    Member(String),
    Index(usize),
    Where { member: String, value: String },
}

impl AttributePath {
    /// Reads what stood between the brackets; `at` is the place of the opening one.
    pub(super) fn parse(inside: &str, at: usize) -> Result<Self, ParseError> {
        let written = inside.trim();
        let graph_name = graph_name(written);
        let (root, steps) = split(&graph_name).ok_or_else(|| {
            let message =
                "This is no attribute; write [name], [name.member], [name[0]] or [name[type eq \"work\"].member].";
            ParseError::new(at, message)
        })?;
        Ok(Self { written: written.to_owned(), root, steps })
    }

    /// The property to ask Graph for.
    pub(super) fn root(&self) -> &str {
        &self.root
    }

    /// The value of this attribute: null, boolean, number, text, or a list of at least one text.
    pub(super) fn resolve(&self, attributes: &Map<String, Value>) -> Result<Value, EvaluationError> {
        if let Some(found) = attributes.get(&self.written) {
            return self.plain(self.as_entra_shows(found.clone(), true));
        }
        let mut found = attributes.get(&self.root).cloned().unwrap_or_default();
        for step in &self.steps {
            found = step.take(found);
        }
        self.plain(self.as_entra_shows(found, false))
    }

    fn as_entra_shows(&self, value: Value, is_literal: bool) -> Value {
        match (self.written.as_str(), value) {
            ("userPrincipalName", Value::String(name)) => Value::String(home_name(&name)),
            ("IsSoftDeleted", Value::Bool(is_enabled)) if !is_literal => Value::Bool(!is_enabled),
            (_, other) => other,
        }
    }

    fn plain(&self, value: Value) -> Result<Value, EvaluationError> {
        let refused = || EvaluationError::NotAValue { attribute: self.written.clone() };
        match value {
            Value::Object(_) => Err(refused()),
            Value::Array(items) => {
                let present = items.iter().filter(|item| !item.is_null());
                let texts: Option<Vec<Value>> = present.map(|item| value::text_of(item).map(Value::String)).collect();
                let texts = texts.ok_or_else(refused)?;
                Ok(if texts.is_empty() { Value::Null } else { Value::Array(texts) })
            }
            scalar => Ok(scalar),
        }
    }
}

impl Step {
    fn take(&self, value: Value) -> Value {
        match (self, value) {
            (Self::Member(name), Value::Object(mut object)) => object.remove(name).unwrap_or_default(),
            (Self::Member(name), Value::Array(items)) => {
                Value::Array(items.into_iter().filter_map(|item| item.get(name).cloned()).collect())
            }
            (Self::Index(index), Value::Array(mut items)) if *index < items.len() => items.swap_remove(*index),
            (Self::Where { member, value }, Value::Array(mut items)) => {
                items.retain(|item| {
                    item.get(member).and_then(Value::as_str).is_some_and(|found| found.eq_ignore_ascii_case(value))
                });
                Value::Array(items)
            }
            _ => Value::Null,
        }
    }
}

fn graph_name(written: &str) -> String {
    if let Some((_, name)) = ALIASES.iter().find(|(entra, _)| *entra == written) {
        return (*name).to_owned();
    }
    let number = written.strip_prefix("extensionAttribute").filter(|digits| !digits.starts_with(['0', '+']));
    match number.and_then(|digits| digits.parse().ok()) {
        Some(1..=EXTENSION_ATTRIBUTES_MAX) => format!("onPremisesExtensionAttributes.{written}"),
        _ => written.to_owned(),
    }
}

/// The root and the steps behind it; `None` when the text is no path.
fn split(path: &str) -> Option<(String, Vec<Step>)> {
    // A SCIM extension's name holds dots of its own ("…:2.0:User:manager"): its steps begin behind the last colon.
    let scheme = if path.starts_with("urn:") { path.rfind(':')? + 1 } else { 0 };
    let (first, mut rest) = cut(&path[scheme..]);
    let root = format!("{}{first}", &path[..scheme]);
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix('.') {
            let (member, next) = cut(behind);
            steps.push(Step::Member(Some(member).filter(|name| is_name(name))?.to_owned()));
            rest = next;
        } else {
            let (selector, next) = rest.strip_prefix('[')?.split_once(']')?;
            steps.push(selected(selector)?);
            rest = next;
        }
    }
    is_name(&root).then_some((root, steps))
}

fn cut(text: &str) -> (&str, &str) {
    text.split_at(text.find(['.', '[', ']']).unwrap_or(text.len()))
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.chars().any(|character| character.is_control() || matches!(character, '"' | ',' | '(' | ')'))
}

fn selected(selector: &str) -> Option<Step> {
    if let Ok(index) = selector.parse() {
        return Some(Step::Index(index));
    }
    let (member, value) = selector.split_once(" eq ")?;
    let value = value.trim().strip_prefix('"')?.strip_suffix('"')?;
    Some(Step::Where { member: member.trim().to_owned(), value: value.to_owned() })
}

/// The name a guest has at home. Host names hold no underscore, so the last one stands for the at sign; without one, only
/// the mark and what follows it is cut off.
fn home_name(name: &str) -> String {
    let Some((encoded, _)) = name.split_once(GUEST_MARK) else { return name.to_owned() };
    match encoded.rsplit_once('_') {
        Some((alias, domain)) => format!("{alias}@{domain}"),
        None => encoded.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resolved(written: &str, person: &Value) -> Value {
        AttributePath::parse(written, 1).unwrap().resolve(person.as_object().unwrap()).unwrap()
    }

    #[test]
    fn entra_names_and_paths_lead_to_graph_values() {
        let person = json!({
            "id": "7", "accountEnabled": false, "businessPhones": ["1", "2"], "otherMails": [],
            "onPremisesExtensionAttributes": { "extensionAttribute1": "x" },
            "userPrincipalName": "ada_fabrikam.com#EXT#@contoso.onmicrosoft.com",
            "addresses": [{ "type": "home", "city": "Bath" }, { "type": "work", "city": "York" }],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "manager": "n" },
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager": { "value": "m" },
        });
        for (written, expected) in [
            ("objectId", json!("7")),
            ("IsSoftDeleted", json!(true)),
            ("telephoneNumber", json!("1")),
            ("businessPhones", json!(["1", "2"])),
            ("otherMails", json!(null)),
            ("absent.member[3]", json!(null)),
            ("extensionAttribute1", json!("x")),
            ("onPremisesExtensionAttributes.extensionAttribute1", json!("x")),
            ("userPrincipalName", json!("ada@fabrikam.com")),
            ("originalUserPrincipalName", json!("ada_fabrikam.com#EXT#@contoso.onmicrosoft.com")),
            ("addresses.city", json!(["Bath", "York"])),
            ("addresses[0].city", json!("Bath")),
            ("addresses[type eq \"work\"].city", json!(["York"])),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value", json!("m")),
        ] {
            assert_eq!(resolved(written, &person), expected, "{written}");
        }
    }

    #[test]
    fn a_guest_is_named_as_at_home_and_everyone_else_as_they_are() {
        for (name, expected) in [
            ("ada_l_fabrikam.com#EXT#@contoso.onmicrosoft.com", "ada_l@fabrikam.com"),
            ("ada#EXT#@contoso.onmicrosoft.com", "ada"),
            ("ada_l@contoso.com", "ada_l@contoso.com"),
            ("", ""),
        ] {
            assert_eq!(resolved("userPrincipalName", &json!({ "userPrincipalName": name })), json!(expected), "{name}");
        }
    }

    #[test]
    fn an_object_is_refused_with_the_way_to_its_members() {
        let person = json!({ "employeeOrgData": { "division": "x" } });
        let path = AttributePath::parse("employeeOrgData", 1).unwrap();
        let error = path.resolve(person.as_object().unwrap()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "[employeeOrgData] holds an object, not a value; name a member of it, as in [employeeOrgData.member]"
        );
    }
}
