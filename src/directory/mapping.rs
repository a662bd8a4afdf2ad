//! Attribute mapping: from the directory's properties to an account's fields.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::profile::{FIELDS, Profile};
use super::rules::{Apply, FieldError, MappingRow};
use super::source::SourceUser;
use crate::clock::Timestamp;
use crate::expression::{Context, EvaluationError, Expression};

/// The most rows one connection may have, default rows not counted: every one is evaluated for every person.
pub const ROWS_MAX: usize = 200;

/// The rows in force without any setting: target and expression.
///
/// `email` falls back to the user principal name because `mail` is often null (Graph: resources/user).
const DEFAULT_ROWS: [(&str, &str); 12] = [
    ("user_name", "[userPrincipalName]"),
    ("email", "Coalesce([mail],[userPrincipalName])"),
    ("given_name", "[givenName]"),
    ("family_name", "[surname]"),
    ("display_name", "[displayName]"),
    ("job_title", "[jobTitle]"),
    ("department", "[department]"),
    ("office_location", "[officeLocation]"),
    ("preferred_language", "[preferredLanguage]"),
    ("employee_id", "[employeeId]"),
    ("hire_date", "[employeeHireDate]"),
    ("phone", "Coalesce([mobilePhone],[businessPhones])"),
];

/// Mapping rows, checked once and evaluated for every person.
#[derive(Clone, Debug)]
pub struct Mapping {
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    target: Target,
    source: Source,
    apply: Apply,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    Field(&'static str),
    Custom(String),
}

#[derive(Clone, Debug)]
enum Source {
    Expression(Expression),
    Constant(Value),
}

/// What an evaluation may ask for besides the person: the time, and numbers nobody can guess.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The present instant.
    pub now: Timestamp,
    /// Where random values begin; drawn by the caller, so that deciding stays repeatable.
    pub seed: u64,
}

impl Moment {
    /// Evaluates for one person. Whether a value is taken is not known here: rows that would ask are refused.
    pub fn evaluate(self, expression: &Expression, user: &SourceUser) -> Result<Evaluated, EvaluationError> {
        let mut state = self.seed ^ user.id.0.as_u64_pair().1;
        let mut random = || split_mix(&mut state);
        let mut context = Context::new(self.now.0, &mut random, &|_| false);
        let value = expression.evaluate(&user.attributes, &mut context)?;
        Ok(if context.is_flow_ignored { Evaluated::Keep } else { Evaluated::Value(value) })
    }

    /// Whether a scoping filter lets one person in.
    pub fn matches(self, filter: &Expression, user: &SourceUser) -> Result<bool, EvaluationError> {
        let mut state = self.seed;
        let mut random = || split_mix(&mut state);
        filter.matches(&user.attributes, &mut Context::new(self.now.0, &mut random, &|_| false))
    }
}

/// What a row gives for one person.
#[derive(Clone, Debug, PartialEq)]
pub enum Evaluated {
    /// This value; null clears.
    Value(Value),
    /// What the account has stays.
    Keep,
}

/// SplitMix64 (Steele, Lea and Flood, 2014): spreads one seed over as many numbers as an expression asks for.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A person cannot be mapped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// A field without which there is no account is empty.
    #[error("{0} is empty, and an account needs it; check the mapping of {0} and the person's properties")]
    RequiredEmpty(String),
    /// An expression does not fit the person's values.
    #[error("the expression of {target} cannot be evaluated for this person: {error}")]
    Expression {
        /// The row's target, or `scope.filter`.
        target: String,
        /// What does not fit; holds no value of the person.
        error: EvaluationError,
    },
}

impl Mapping {
    /// Checks `rows` and lays them over the default rows.
    pub fn compile(rows: &[MappingRow]) -> Result<Self, Vec<FieldError>> {
        let mut problems = Vec::new();
        if rows.len() > ROWS_MAX {
            problems.push(FieldError::new("mapping", format!("at most {ROWS_MAX} rows")));
        }
        let mut compiled = default_rows().map_err(|problem| vec![problem])?;
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
        let expressions = self.rows.iter().filter_map(|row| match &row.source {
            Source::Expression(expression) => Some(expression),
            Source::Constant(_) => None,
        });
        expressions.flat_map(Expression::attributes).map(str::to_owned).collect()
    }

    /// The fields for `user`. Rows that apply only on creation keep what `existing` has.
    pub fn profile(
        &self,
        user: &SourceUser,
        existing: Option<&Profile>,
        required: &[String],
        moment: Moment,
    ) -> Result<Profile, MappingError> {
        let mut profile = Profile::default();
        let blank = Profile::default();
        for row in &self.rows {
            match row.evaluate(user, existing.is_some(), moment)? {
                Evaluated::Keep => row.target.copy(existing.unwrap_or(&blank), &mut profile),
                Evaluated::Value(value) => row.target.set(&mut profile, value),
            }
        }
        let empty = |name: &&str| profile.field(name).is_none();
        match std::iter::once("user_name").chain(required.iter().map(String::as_str)).find(empty) {
            Some(name) => Err(MappingError::RequiredEmpty(name.to_owned())),
            None => Ok(profile),
        }
    }
}

fn default_rows() -> Result<Vec<Row>, FieldError> {
    let row = |(target, expression): &(&'static str, &str)| {
        let source = Source::parse(expression).map_err(|message| FieldError::new(*target, message))?;
        Ok(Row { target: Target::Field(target), source, apply: Apply::Always })
    };
    DEFAULT_ROWS.iter().map(row).collect()
}

impl Row {
    fn compile(row: &MappingRow, index: usize) -> Result<Self, FieldError> {
        let at = |part: &str| format!("mapping[{index}]{part}");
        let target = Target::parse(&row.target).ok_or_else(|| {
            let message = format!("{:?} is no field; use one of {} or custom.NAME", row.target, FIELDS.join(", "));
            FieldError::new(at(".target"), message)
        })?;
        let source = match (&row.source, &row.expression, &row.constant) {
            (Some(name), None, None) => Source::property(name).map_err(|text| FieldError::new(at(".source"), text))?,
            (None, Some(text), None) => {
                Source::parse(text).map_err(|message| FieldError::new(at(".expression"), message))?
            }
            (None, None, Some(value)) => Source::Constant(value.clone()),
            _ => return Err(FieldError::new(at(""), "give exactly one of source, expression and constant")),
        };
        if row.apply == Apply::Always && !source.is_repeatable() {
            let message = "gives another value every time; set \"apply\": \"on_create\"";
            return Err(FieldError::new(at(".apply"), message));
        }
        Ok(Self { target, source, apply: row.apply })
    }

    fn evaluate(&self, user: &SourceUser, exists: bool, moment: Moment) -> Result<Evaluated, MappingError> {
        match &self.source {
            _ if exists && self.apply == Apply::OnCreate => Ok(Evaluated::Keep),
            Source::Constant(value) => Ok(Evaluated::Value(value.clone())),
            Source::Expression(expression) => moment
                .evaluate(expression, user)
                .map_err(|error| MappingError::Expression { target: self.target.to_string(), error }),
        }
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

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => f.write_str(name),
            Self::Custom(name) => write!(f, "custom.{name}"),
        }
    }
}

impl Source {
    fn property(name: &str) -> Result<Self, String> {
        let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !plain {
            return Err(format!("{name:?} is no property; use a Graph property such as givenName"));
        }
        Self::parse(&format!("[{name}]"))
    }

    fn parse(text: &str) -> Result<Self, String> {
        if text.contains("SelectUniqueValue") {
            return Err("this version cannot look up which values are taken; use another function".to_owned());
        }
        Expression::parse(text).map(Self::Expression).map_err(|error| error.to_string())
    }

    fn is_repeatable(&self) -> bool {
        match self {
            Self::Expression(expression) => expression.is_repeatable(),
            Self::Constant(_) => true,
        }
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

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::directory::ObjectId;
    use crate::directory::source::ManagerSeen;

    const MOMENT: Moment = Moment { now: Timestamp(0), seed: 7 };

    fn user(attributes: Value) -> SourceUser {
        let mut attributes = attributes.as_object().unwrap().clone();
        attributes.entry("userPrincipalName").or_insert_with(|| json!("ada@contoso.example"));
        SourceUser { id: ObjectId(Uuid::from_u128(1)), attributes, manager: ManagerSeen::NotAsked }
    }

    fn rows(rows: Value) -> Mapping {
        let rows: Vec<MappingRow> = serde_json::from_value(rows).unwrap();
        Mapping::compile(&rows).unwrap()
    }

    fn profile(mapping: &Mapping, attributes: Value, existing: Option<&Profile>) -> Profile {
        mapping.profile(&user(attributes), existing, &[], MOMENT).unwrap()
    }

    #[test]
    fn without_settings_e_mail_falls_back_and_the_phone_is_the_first_there_is() {
        let mapping = rows(json!([]));
        let ada = profile(&mapping, json!({ "mail": null, "businessPhones": ["+44 1"], "jobTitle": "Clerk" }), None);
        assert_eq!(ada.email.as_deref(), Some("ada@contoso.example"));
        assert_eq!(ada.phone.as_deref(), Some("+44 1"));
        assert_eq!(ada.job_title.as_deref(), Some("Clerk"));
    }

    #[test]
    fn a_row_overrides_the_default_of_the_same_target_and_a_custom_one_keeps_its_type() {
        let mapping = rows(json!([
            { "target": "display_name", "expression": "Join(\" \",[givenName],[surname])" },
            { "target": "custom.floors", "source": "otherMails" },
        ]));
        let ada = profile(&mapping, json!({ "givenName": "Ada", "surname": "L", "otherMails": ["a", "b"] }), None);
        assert_eq!(ada.display_name.as_deref(), Some("Ada L"));
        assert_eq!(ada.custom["floors"], json!(["a", "b"]));
        assert!(mapping.properties().contains("otherMails") && mapping.properties().contains("surname"));
    }

    #[test]
    fn a_row_for_creation_only_keeps_what_the_account_has() {
        let mapping = rows(json!([{ "target": "role", "constant": "guest", "apply": "on_create" }]));
        assert_eq!(profile(&mapping, json!({}), None).role.as_deref(), Some("guest"));
        let existing = Profile { role: Some("admin".into()), ..Profile::default() };
        assert_eq!(profile(&mapping, json!({}), Some(&existing)).role.as_deref(), Some("admin"));
    }

    #[test]
    fn wrong_rows_are_named_all_at_once() {
        let wrong: Vec<MappingRow> = serde_json::from_value(json!([
            { "target": "shoe_size", "source": "jobTitle" },
            { "target": "role" },
            { "target": "email", "expression": "Coalesce([mail]" },
            { "target": "phone", "source": "no such" },
            { "target": "custom.id", "expression": "Guid()" },
        ]))
        .unwrap();
        let fields: Vec<String> = Mapping::compile(&wrong).unwrap_err().into_iter().map(|error| error.field).collect();
        let expected =
            ["mapping[0].target", "mapping[1]", "mapping[2].expression", "mapping[3].source", "mapping[4].apply"];
        assert_eq!(fields, expected);
    }

    #[test]
    fn a_person_without_a_required_field_is_not_mapped() {
        let outcome = rows(json!([])).profile(&user(json!({})), None, &["department".to_owned()], MOMENT);
        assert_eq!(outcome, Err(MappingError::RequiredEmpty("department".to_owned())));
    }
}
