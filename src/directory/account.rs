//! Accounts and teams as they are kept.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ids::{AccountId, ObjectId, TeamId};
use super::profile::Profile;
use crate::clock::Timestamp;

/// An account Rollcall keeps for a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// The same for all time.
    pub id: AccountId,
    /// The person it is linked to; `None` after an operator's unlink.
    pub external_id: Option<ObjectId>,
    /// The mapped fields.
    pub profile: Profile,
    /// The manager's object id, also while the manager has no account.
    pub manager: Option<ObjectId>,
    /// Whether the person may use the application.
    pub active: bool,
    /// Why it is not active.
    pub deactivated_reason: Option<DeactivatedReason>,
    /// Since when it is not active.
    pub deactivated_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
    /// The number of the observation it was last decided by; a lower one never overwrites it.
    pub observation: Observation,
}

/// A number drawn from the database before a fetch begins: the order of fetches, whatever the replicas' clocks say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Observation(pub i64);

/// Why an account was deactivated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeactivatedReason {
    /// The person is no longer in scope.
    LeftScope,
    /// `accountEnabled` is false.
    DisabledInSource,
    /// The person was deleted.
    DeletedInSource,
    /// An operator did it.
    ByOperator,
}

impl DeactivatedReason {
    /// The word used in tables and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LeftScope => "left_scope",
            Self::DisabledInSource => "disabled_in_source",
            Self::DeletedInSource => "deleted_in_source",
            Self::ByOperator => "by_operator",
        }
    }
}

impl fmt::Display for DeactivatedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeactivatedReason {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::LeftScope, Self::DisabledInSource, Self::DeletedInSource, Self::ByOperator]
            .into_iter()
            .find(|reason| reason.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no reason"))
    }
}

/// A team Rollcall keeps for a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Team {
    /// The same for all time.
    pub id: TeamId,
    /// The group.
    pub external_id: ObjectId,
    /// The group's display name; not unique.
    pub name: String,
    /// The group's description.
    pub description: Option<String>,
    /// False after its group ended or was taken out of the settings.
    pub active: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Which finder was first to see a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundBy {
    /// A change notification.
    Notification,
    /// The delta poll.
    Delta,
    /// The nightly reconcile.
    Reconcile,
    /// The initial cycle.
    Initial,
    /// An operator's provisioning on demand.
    OnDemand,
    /// Entra's own provisioning.
    Scim,
    /// An operator.
    Operator,
}

impl FoundBy {
    /// The word used in tables, metrics and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notification => "notification",
            Self::Delta => "delta",
            Self::Reconcile => "reconcile",
            Self::Initial => "initial",
            Self::OnDemand => "on_demand",
            Self::Scim => "scim",
            Self::Operator => "operator",
        }
    }
}

impl FromStr for FoundBy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Notification, Self::Delta, Self::Reconcile, Self::Initial, Self::OnDemand, Self::Scim, Self::Operator]
            .into_iter()
            .find(|finder| finder.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no finder"))
    }
}
