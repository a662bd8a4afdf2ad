//! An account's fields, and what differs between two states of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The mapped fields of an account; `None` is a cleared or never set value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// Unique among the active accounts of a connection, compared without case; never empty.
    pub user_name: String,
    /// Need not be unique.
    pub email: Option<String>,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub family_name: Option<String>,
    /// The name to show.
    pub display_name: Option<String>,
    /// Job title.
    pub job_title: Option<String>,
    /// Department.
    pub department: Option<String>,
    /// Office location.
    pub office_location: Option<String>,
    /// A language tag such as `en-GB`.
    pub preferred_language: Option<String>,
    /// Employee id.
    pub employee_id: Option<String>,
    /// The first working day, as the directory wrote it.
    pub hire_date: Option<String>,
    /// A telephone number.
    pub phone: Option<String>,
    /// The application's role.
    pub role: Option<String>,
    /// Targets named `custom.NAME`.
    pub custom: BTreeMap<String, Value>,
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The field's name as in the account.
    pub attribute: String,
    /// The value before.
    pub before: Value,
    /// The value after.
    pub after: Value,
}

impl Change {
    /// A difference between two texts.
    pub fn new(attribute: &str, before: impl Into<Value>, after: impl Into<Value>) -> Self {
        Self { attribute: attribute.to_owned(), before: before.into(), after: after.into() }
    }
}

/// The single-valued fields by name, in the order of the contract.
pub const FIELDS: [&str; 13] = [
    "user_name",
    "email",
    "given_name",
    "family_name",
    "display_name",
    "job_title",
    "department",
    "office_location",
    "preferred_language",
    "employee_id",
    "hire_date",
    "phone",
    "role",
];

impl Profile {
    /// The value of one of [`FIELDS`].
    pub fn field(&self, name: &str) -> Option<&str> {
        if name == "user_name" {
            return Some(&self.user_name).filter(|text| !text.is_empty()).map(String::as_str);
        }
        self.slot_ref(name).and_then(Option::as_deref)
    }

    /// Sets one of [`FIELDS`]; an empty text clears it. False when there is no such field.
    pub fn set_field(&mut self, name: &str, value: Option<String>) -> bool {
        let value = value.filter(|text| !text.is_empty());
        if name == "user_name" {
            self.user_name = value.unwrap_or_default();
            return true;
        }
        match self.slot(name) {
            Some(slot) => {
                *slot = value;
                true
            }
            None => false,
        }
    }

    /// The fields that differ from `before`, in a fixed order.
    pub fn changes_since(&self, before: &Self) -> Vec<Change> {
        let mut changes: Vec<Change> = FIELDS
            .iter()
            .filter(|name| self.field(name) != before.field(name))
            .map(|name| Change::new(name, before.field(name), self.field(name)))
            .collect();
        let names: std::collections::BTreeSet<&String> = self.custom.keys().chain(before.custom.keys()).collect();
        for name in names {
            let (old, new) = (before.custom.get(name), self.custom.get(name));
            if old != new {
                let attribute = format!("custom.{name}");
                changes.push(Change {
                    attribute,
                    before: old.cloned().unwrap_or_default(),
                    after: new.cloned().unwrap_or_default(),
                });
            }
        }
        changes
    }

    /// The user name as it is compared: without case.
    pub fn user_name_key(&self) -> String {
        self.user_name.to_lowercase()
    }

    /// What a search by `q` looks into: user name, e-mail and names, lower-cased.
    pub fn search_text(&self) -> String {
        let parts = [
            Some(self.user_name.as_str()),
            self.email.as_deref(),
            self.display_name.as_deref(),
            self.given_name.as_deref(),
            self.family_name.as_deref(),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("\n").to_lowercase()
    }

    fn slot(&mut self, name: &str) -> Option<&mut Option<String>> {
        Some(match name {
            "email" => &mut self.email,
            "given_name" => &mut self.given_name,
            "family_name" => &mut self.family_name,
            "display_name" => &mut self.display_name,
            "job_title" => &mut self.job_title,
            "department" => &mut self.department,
            "office_location" => &mut self.office_location,
            "preferred_language" => &mut self.preferred_language,
            "employee_id" => &mut self.employee_id,
            "hire_date" => &mut self.hire_date,
            "phone" => &mut self.phone,
            "role" => &mut self.role,
            _ => return None,
        })
    }

    fn slot_ref(&self, name: &str) -> Option<&Option<String>> {
        Some(match name {
            "email" => &self.email,
            "given_name" => &self.given_name,
            "family_name" => &self.family_name,
            "display_name" => &self.display_name,
            "job_title" => &self.job_title,
            "department" => &self.department,
            "office_location" => &self.office_location,
            "preferred_language" => &self.preferred_language,
            "employee_id" => &self.employee_id,
            "hire_date" => &self.hire_date,
            "phone" => &self.phone,
            "role" => &self.role,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_name_each_field_with_before_and_after() {
        let before = Profile { user_name: "ada@x".into(), job_title: Some("Clerk".into()), ..Profile::default() };
        let mut after = before.clone();
        assert!(after.set_field("job_title", None));
        after.custom.insert("badge".into(), Value::from(7));
        assert_eq!(
            after.changes_since(&before),
            [Change::new("job_title", "Clerk", Value::Null), Change::new("custom.badge", Value::Null, 7)]
        );
    }

    #[test]
    fn every_field_can_be_set_and_read_by_name() {
        for name in FIELDS {
            let mut profile = Profile::default();
            assert!(profile.set_field(name, Some("x".into())), "{name}");
            assert_eq!(profile.field(name), Some("x"), "{name}");
        }
        assert!(!Profile::default().set_field("nonsense", None));
    }
}
