//! What an administrator sets for a connection, and what is wrong with it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ids::ObjectId;
use super::mapping::Mapping;
use crate::expression::Expression;

/// The most scope or team groups one connection may name: each costs a listing every night.
pub const GROUPS_MAX: usize = 1_000;

/// The longest name of a connection, as Entra limits display names.
pub const NAME_LENGTH_MAX: usize = 256;

/// One thing that is wrong with a setting, by its path in the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The path, such as `scope.groups` or `mapping[2].target`.
    pub field: String,
    /// What is wrong and what is accepted.
    pub message: String,
}

impl FieldError {
    /// An error about `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Everything an administrator sets for a connection, apart from its identity and credentials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionSettings {
    /// Where people come from.
    #[serde(default)]
    pub source: SourceKind,
    /// Who is provisioned.
    pub scope: Scope,
    /// Which groups become teams.
    #[serde(default)]
    pub teams: Teams,
    /// The attributes by which a person's existing account is found.
    #[serde(default = "default_matching")]
    pub matching: Vec<String>,
    /// What happens when an unlinked account matches.
    #[serde(default)]
    pub adopt: Adopt,
    /// Attribute mappings that override or extend the default rows.
    #[serde(default)]
    pub mapping: Vec<MappingRow>,
    /// Targets without which a person gets no account, besides `user_name`.
    #[serde(default)]
    pub required: Vec<String>,
    /// Whether managers are kept.
    #[serde(default = "default_true")]
    pub managers: bool,
    /// Whether photos are kept.
    #[serde(default)]
    pub photos: bool,
    /// When invitations are mailed.
    #[serde(default)]
    pub invitations: Invitations,
    /// The accidental-deletion guard.
    #[serde(default)]
    pub guard: GuardLimits,
    /// When the nightly reconcile runs.
    #[serde(default)]
    pub reconcile: ReconcileAt,
    /// Who is mailed about trouble.
    #[serde(default)]
    pub alerts: Vec<String>,
}

fn default_matching() -> Vec<String> {
    vec!["external_id".to_owned()]
}

fn default_true() -> bool {
    true
}

/// Where a connection's people come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Rollcall reads them from Microsoft Graph.
    #[default]
    Graph,
    /// Entra's own provisioning pushes them.
    Scim,
}

/// Who is provisioned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// The groups whose members are in scope.
    #[serde(default)]
    pub groups: Vec<ObjectId>,
    /// Whether everyone is in scope.
    #[serde(default)]
    pub all_users: bool,
    /// Whether members of nested groups count.
    #[serde(default = "default_true")]
    pub nested: bool,
    /// A scoping filter: an expression that must be true.
    #[serde(default)]
    pub filter: Option<String>,
}

impl Default for Scope {
    fn default() -> Self {
        Self { groups: Vec::new(), all_users: false, nested: true, filter: None }
    }
}

/// Which groups become teams.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Teams {
    /// Scope groups, none, or a list.
    pub groups: TeamGroups,
    /// Whether each department becomes a team.
    pub departments: bool,
}

/// Which groups become teams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "must be \"scope\", \"none\" or a list of group ids")]
pub enum TeamGroups {
    /// `"scope"` or `"none"`.
    Named(NamedTeamGroups),
    /// These groups.
    List(Vec<ObjectId>),
}

impl Default for TeamGroups {
    fn default() -> Self {
        Self::Named(NamedTeamGroups::Scope)
    }
}

/// The two choices of team groups that have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NamedTeamGroups {
    /// The scope groups, not those nested below them.
    Scope,
    /// No group.
    None,
}

/// What happens when an account without a link to a person matches one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Adopt {
    /// A person decides.
    #[default]
    Propose,
    /// It is linked.
    Always,
    /// It is left alone.
    Never,
}

/// When invitations are mailed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Invitations {
    /// Never.
    #[default]
    Never,
    /// When an account is created.
    OnCreate,
}

/// One attribute mapping: exactly one of `source`, `expression` and `constant`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingRow {
    /// The account's field, or `custom.NAME`.
    pub target: String,
    /// The directory's property.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// An expression over properties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// A fixed value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constant: Option<Value>,
    /// When the row applies.
    #[serde(default)]
    pub apply: Apply,
}

/// When a mapping row applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Apply {
    /// Whenever the person changes.
    #[default]
    Always,
    /// Only when the account is created.
    OnCreate,
}

/// The limits of the accidental-deletion guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GuardLimits {
    /// More leavers than this in 24 hours are held.
    pub deactivations_max: u32,
    /// More than this share is held, from 5 leavers on; 100 switches the share off.
    pub deactivations_percent_max: u32,
}

impl Default for GuardLimits {
    fn default() -> Self {
        Self { deactivations_max: 500, deactivations_percent_max: 10 }
    }
}

/// When the nightly reconcile runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReconcileAt {
    /// Local time as `HH:MM`; without it the connections are spread over 01:00 to 05:00.
    pub at: Option<String>,
    /// An IANA time zone.
    pub time_zone: String,
}

impl Default for ReconcileAt {
    fn default() -> Self {
        Self { at: None, time_zone: "UTC".to_owned() }
    }
}

impl ConnectionSettings {
    /// The groups that become teams.
    pub fn team_groups(&self) -> Vec<ObjectId> {
        match &self.teams.groups {
            TeamGroups::Named(NamedTeamGroups::Scope) => self.scope.groups.clone(),
            TeamGroups::Named(NamedTeamGroups::None) => Vec::new(),
            TeamGroups::List(groups) => groups.clone(),
        }
    }

    /// Everything that is wrong with these settings; empty when they can be used.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut problems = self.scope_problems();
        if let Err(mapping) = Mapping::compile(&self.mapping) {
            problems.extend(mapping);
        }
        problems.extend(self.matching_problems());
        if self.guard.deactivations_percent_max > 100 {
            problems.push(FieldError::new("guard.deactivations_percent_max", "must be 0 to 100"));
        }
        problems.extend(self.not_yet_problems());
        problems
    }

    fn scope_problems(&self) -> Vec<FieldError> {
        let mut problems = Vec::new();
        let scope = &self.scope;
        if self.source == SourceKind::Graph && scope.groups.is_empty() && !scope.all_users {
            problems.push(FieldError::new("scope.groups", "name at least one group, or set \"all_users\": true"));
        }
        if scope.all_users && !scope.groups.is_empty() {
            problems.push(FieldError::new("scope.all_users", "with everyone in scope, leave scope.groups empty"));
        }
        if let Some(Err(error)) = scope.filter.as_deref().map(Expression::parse) {
            problems.push(FieldError::new("scope.filter", error.to_string()));
        }
        if scope.groups.len() > GROUPS_MAX {
            problems.push(FieldError::new("scope.groups", format!("at most {GROUPS_MAX} groups")));
        }
        if self.team_groups().len() > GROUPS_MAX {
            problems.push(FieldError::new("teams.groups", format!("at most {GROUPS_MAX} groups")));
        }
        problems
    }

    fn matching_problems(&self) -> Vec<FieldError> {
        let known = |name: &String| name == "external_id" || super::profile::FIELDS.contains(&name.as_str());
        let mut problems = Vec::new();
        for (index, name) in self.matching.iter().enumerate().filter(|(_, name)| !known(name)) {
            problems.push(FieldError::new(
                format!("matching[{index}]"),
                format!("{name:?} is no field; use external_id, user_name, email or another field of the account"),
            ));
        }
        for (index, name) in self.required.iter().enumerate().filter(|(_, name)| !known(name)) {
            problems
                .push(FieldError::new(format!("required[{index}]"), format!("{name:?} is no field of the account")));
        }
        problems
    }

    /// Settings this version knows but does not carry out: refused rather than silently ignored.
    fn not_yet_problems(&self) -> Vec<FieldError> {
        let refused = [
            (self.source == SourceKind::Scim, "source", "this version reads from Graph only; use \"graph\""),
            (self.teams.departments, "teams.departments", "this version makes teams of groups only; use false"),
            (self.photos, "photos", "this version keeps no photos; use false"),
            (self.invitations != Invitations::Never, "invitations", "this version sends none; use \"never\""),
            (
                self.matching != default_matching(),
                "matching",
                "this version matches by the object id only; use [\"external_id\"]",
            ),
        ];
        refused.into_iter().filter(|(wrong, ..)| *wrong).map(|(_, field, text)| FieldError::new(field, text)).collect()
    }
}
