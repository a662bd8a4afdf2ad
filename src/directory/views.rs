//! Accounts and teams as the outside reads them: in the API, the event feed and webhooks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::account::{Account, DeactivatedReason, Team};
use super::ids::{AccountId, ObjectId, TeamId};
use crate::clock::Timestamp;

/// An account as the outside reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Account)]
pub struct AccountView {
    /// The same for all time.
    #[schema(value_type = uuid::Uuid)]
    pub id: AccountId,
    /// The Entra object id.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub external_id: Option<ObjectId>,
    /// Unique among active accounts.
    pub user_name: String,
    /// Falls back to the user principal name; need not be unique.
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
    /// A language tag.
    pub preferred_language: Option<String>,
    /// Employee id.
    pub employee_id: Option<String>,
    /// The first working day.
    pub hire_date: Option<String>,
    /// A telephone number.
    pub phone: Option<String>,
    /// The application's role.
    pub role: Option<String>,
    /// Whether the person may use the application.
    pub active: bool,
    /// The manager's account; null while the manager has none.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub manager_id: Option<AccountId>,
    /// The manager's Entra object id.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub manager_external_id: Option<ObjectId>,
    /// The team by which applications with one team per person sort people; null without a rule for it.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub primary_team_id: Option<TeamId>,
    /// The teams the person belongs to.
    #[schema(value_type = Vec<uuid::Uuid>)]
    pub team_ids: Vec<TeamId>,
    /// Custom fields.
    pub custom: BTreeMap<String, Value>,
    /// Changes with the photo.
    pub photo_etag: Option<String>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Since when it is not active.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deactivated_at: Option<Timestamp>,
    /// Why it is not active: `left_scope`, `disabled_in_source`, `deleted_in_source` or `by_operator`.
    #[schema(value_type = Option<String>)]
    pub deactivated_reason: Option<DeactivatedReason>,
}

impl AccountView {
    /// The view of `account`, whose manager's account and teams were looked up.
    pub fn new(account: Account, manager_id: Option<AccountId>, team_ids: Vec<TeamId>) -> Self {
        let profile = account.profile;
        Self {
            id: account.id,
            external_id: account.external_id,
            user_name: profile.user_name,
            email: profile.email,
            given_name: profile.given_name,
            family_name: profile.family_name,
            display_name: profile.display_name,
            job_title: profile.job_title,
            department: profile.department,
            office_location: profile.office_location,
            preferred_language: profile.preferred_language,
            employee_id: profile.employee_id,
            hire_date: profile.hire_date,
            phone: profile.phone,
            role: profile.role,
            active: account.active,
            manager_id,
            manager_external_id: account.manager,
            primary_team_id: None,
            team_ids,
            custom: profile.custom,
            photo_etag: None,
            created_at: account.created_at,
            updated_at: account.updated_at,
            deactivated_at: account.deactivated_at,
            deactivated_reason: account.deactivated_reason,
        }
    }
}

/// What a team is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TeamKind {
    /// A group of the directory.
    Group,
    /// Everyone with the same department.
    Department,
}

/// A team as the outside reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Team)]
pub struct TeamView {
    /// The same for all time.
    #[schema(value_type = uuid::Uuid)]
    pub id: TeamId,
    /// The Entra group's object id.
    #[schema(value_type = uuid::Uuid)]
    pub external_id: ObjectId,
    /// The name; not unique.
    pub name: String,
    /// The description.
    pub description: Option<String>,
    /// What it is made of.
    pub kind: TeamKind,
    /// How many accounts belong to it.
    pub member_count: i64,
    /// False after its group ended.
    pub active: bool,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl TeamView {
    /// The view of `team`.
    pub fn new(team: &Team, member_count: i64) -> Self {
        Self {
            id: team.id,
            external_id: team.external_id,
            name: team.name.clone(),
            description: team.description.clone(),
            kind: TeamKind::Group,
            member_count,
            active: team.active,
            created_at: team.created_at,
            updated_at: team.updated_at,
        }
    }
}
