//! Attribute mapping: from the directory's properties to an account's fields.

use std::collections::BTreeSet;

use serde_json::Value;

use super::profile::{FIELDS, Profile};
use super::rules::{Apply, FieldError, MappingRow};
use super::source::SourceUser;

/// The most rows one connection may have, default rows not counted: every one is evaluated for every person.
pub const ROWS_MAX: usize = 200;

/// The rows in force without any setting: target, and the properties of which the first with a value is taken.
///
/// `email` falls back to the user principal name because `mail` is often null (Graph: resources/user).
const DEFAULT_ROWS: [(&str, &[&str]); 12] = [
    ("user_name", &["userPrincipalName"]),
    ("email", &["mail", "userPrincipalName"]),
    ("given_name", &["givenName"]),
    ("family_name", &["surname"]),
    ("display_name", &["displayName"]),
    ("job_title", &["jobTitle"]),
    ("department", &["department"]),
    ("office_location", &["officeLocation"]),
    ("preferred_language", &["preferredLanguage"]),
    ("employee_id", &["employeeId"]),
    ("hire_date", &["employeeHireDate"]),
    ("phone", &["mobilePhone", "businessPhones"]),
];

/// Mapping rows, checked once and evaluated for every person.
#[derive(Clone, Debug)]
pub struct Mapping {
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    target: Target,
    value: Source,
    apply: Apply,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    Field(&'static str),
    Custom(String),
}

#[derive(Clone, Debug)]
enum Source {
    /// The first of these properties that has a value.
    FirstOf(Vec<String>),
    Constant(Value),
}

/// A person cannot be mapped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// A field without which there is no account is empty.
    #[error("{0} is empty, and an account needs it; check the mapping of {0} and the person's properties")]
    RequiredEmpty(String),
}

impl Mapping {
    /// Checks `rows` and lays them over the default rows.
    pub fn compile(rows: &[MappingRow]) -> Result<Self, Vec<FieldError>> {
        let mut problems = Vec::new();
        if rows.len() > ROWS_MAX {
            problems.push(FieldError::new("mapping", format!("at most {ROWS_MAX} rows")));
        }
        let mut compiled = default_rows();
        let mut seen = BTreeSet::new();
        for (index, row) in rows.iter().enumerate() {
            if !seen.insert(row.target.clone()) {
                let message = format!("{:?} is mapped twice; keep one row", row.target);
                problems.push(FieldError::new(format!("mapping[{index}].target"), message));
            }
            match Row::compile(row, index) {
                Ok(row) => {
                    compiled.retain(|default| default.target != row.target);
                    compiled.push(row);
                }
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(Self { rows: compiled }) } else { Err(problems) }
    }

    /// The directory's properties these rows read, for `$select`.
    pub fn properties(&self) -> BTreeSet<String> {
        let sources = self.rows.iter().filter_map(|row| match &row.value {
            Source::FirstOf(names) => Some(names),
            Source::Constant(_) => None,
        });
        sources.flatten().map(|name| property_of(name).to_owned()).collect()
    }

    /// The fields for `user`. Rows that apply only on creation keep what `existing` has.
    pub fn profile(
        &self,
        user: &SourceUser,
        existing: Option<&Profile>,
        required: &[String],
    ) -> Result<Profile, MappingError> {
        let mut profile = Profile::default();
        for row in &self.rows {
            match (row.apply, existing) {
                (Apply::OnCreate, Some(existing)) => row.target.copy(existing, &mut profile),
                _ => row.target.set(&mut profile, row.value.evaluate(user)),
            }
        }
        let empty = |name: &&str| profile.field(name).is_none();
        match std::iter::once("user_name").chain(required.iter().map(String::as_str)).find(empty) {
            Some(name) => Err(MappingError::RequiredEmpty(name.to_owned())),
            None => Ok(profile),
        }
    }
}

fn default_rows() -> Vec<Row> {
    let row = |(target, names): &(&'static str, &[&str])| Row {
        target: Target::Field(target),
        value: Source::FirstOf(names.iter().map(|name| (*name).to_owned()).collect()),
        apply: Apply::Always,
    };
    DEFAULT_ROWS.iter().map(row).collect()
}

/// The property to select for a source: `extensionAttribute1` to `15` live inside one property
/// (Graph: resources/user, onPremisesExtensionAttributes).
fn property_of(name: &str) -> &str {
    if name.starts_with("extensionAttribute") { "onPremisesExtensionAttributes" } else { name }
}

impl Row {
    fn compile(row: &MappingRow, index: usize) -> Result<Self, FieldError> {
        let at = |part: &str| format!("mapping[{index}]{part}");
        let target = Target::parse(&row.target).ok_or_else(|| {
            let message = format!("{:?} is no field; use one of {} or custom.NAME", row.target, FIELDS.join(", "));
            FieldError::new(at(".target"), message)
        })?;
        let value = match (&row.source, &row.expression, &row.constant) {
            (Some(name), None, None) => Source::property(name).map_err(|text| FieldError::new(at(".source"), text))?,
            (None, Some(_), None) => {
                return Err(FieldError::new(at(".expression"), "this version evaluates no expressions; use source"));
            }
            (None, None, Some(value)) => Source::Constant(value.clone()),
            _ => return Err(FieldError::new(at(""), "give exactly one of source, expression and constant")),
        };
        Ok(Self { target, value, apply: row.apply })
    }
}

impl Target {
    fn parse(text: &str) -> Option<Self> {
        if let Some(name) = text.strip_prefix("custom.") {
            return (!name.is_empty()).then(|| Self::Custom(name.to_owned()));
        }
        FIELDS.iter().find(|field| **field == text).map(|field| Self::Field(field))
    }

    fn set(&self, profile: &mut Profile, value: Value) {
        match self {
            Self::Field(name) => {
                profile.set_field(name, as_text(value));
            }
            Self::Custom(_) if value.is_null() => {}
            Self::Custom(name) => {
                profile.custom.insert(name.clone(), value);
            }
        }
    }

    fn copy(&self, from: &Profile, to: &mut Profile) {
        match self {
            Self::Field(name) => {
                to.set_field(name, from.field(name).map(str::to_owned));
            }
            Self::Custom(name) => to.custom.extend(from.custom.get(name).map(|value| (name.clone(), value.clone()))),
        }
    }
}

impl Source {
    fn property(name: &str) -> Result<Self, String> {
        let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !plain {
            return Err(format!("{name:?} is no property; use a Graph property such as givenName"));
        }
        Ok(Self::FirstOf(vec![name.to_owned()]))
    }

    fn evaluate(&self, user: &SourceUser) -> Value {
        match self {
            Self::Constant(value) => value.clone(),
            Self::FirstOf(names) => {
                names.iter().map(|name| property(user, name)).find(|value| !is_empty(value)).unwrap_or_default()
            }
        }
    }
}

fn property(user: &SourceUser, name: &str) -> Value {
    let owner = property_of(name);
    let value = user.attributes.get(owner).cloned().unwrap_or_default();
    if owner == name { value } else { value.get(name).cloned().unwrap_or_default() }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// A value as one field's text: the first of several, numbers and booleans as written in JSON.
fn as_text(value: Value) -> Option<String> {
    match value {
        Value::Null | Value::Object(_) => None,
        Value::String(text) => Some(text),
        Value::Array(items) => items.into_iter().next().and_then(as_text),
        other => Some(other.to_string()),
    }
}
