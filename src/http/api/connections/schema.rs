//! What an administrator writes, described for OpenAPI: the rules themselves know no web library.

use serde_json::Value;
use uuid::Uuid;

/// A connection as it is created.
#[derive(utoipa::ToSchema)]
#[schema(as = NewConnection)]
pub struct NewConnectionSchema {
    /// 1 to 63 of a-z, 0-9 and inner hyphens; made from the name when left out.
    pub id: Option<String>,
    /// The name to show.
    pub name: String,
    /// The customer's Entra tenant.
    pub tenant_id: Uuid,
    /// The customer's own app registration; left out, the service's own.
    pub credentials: Option<NewCredentialsSchema>,
    /// False creates it paused and without subscriptions.
    #[schema(default = true)]
    pub start: Option<bool>,
    /// The settings.
    #[serde(flatten)]
    pub settings: SettingsSchema,
}

/// An app registration with its secret.
#[derive(utoipa::ToSchema)]
#[schema(as = NewCredentials)]
pub struct NewCredentialsSchema {
    /// The application (client) id.
    pub client_id: String,
    /// The client secret; never comes back.
    #[schema(write_only)]
    pub client_secret: String,
}

/// Everything an administrator sets for a connection, apart from its identity and credentials.
#[derive(utoipa::ToSchema)]
#[schema(as = ConnectionSettings)]
pub struct SettingsSchema {
    /// `graph`.
    #[schema(default = "graph")]
    pub source: Option<String>,
    /// Who is provisioned.
    pub scope: ScopeSchema,
    /// Which groups become teams.
    pub teams: Option<TeamsSchema>,
    /// The attributes by which a person's account is found: `["external_id"]`.
    pub matching: Option<Vec<String>>,
    /// What happens when an unlinked account matches: `propose`, `always` or `never`.
    #[schema(default = "propose")]
    pub adopt: Option<String>,
    /// Attribute mappings that override the default row of the same target.
    pub mapping: Option<Vec<MappingRowSchema>>,
    /// Fields without which a person gets no account, besides `user_name`.
    pub required: Option<Vec<String>>,
    /// Whether managers are kept.
    #[schema(default = true)]
    pub managers: Option<bool>,
    /// Whether photos are kept.
    #[schema(default = false)]
    pub photos: Option<bool>,
    /// When invitations are mailed: `never` or `on_create`.
    #[schema(default = "never")]
    pub invitations: Option<String>,
    /// The accidental-deletion guard.
    pub guard: Option<GuardSchema>,
    /// When the nightly reconcile runs.
    pub reconcile: Option<ReconcileSchema>,
    /// Who is mailed about trouble.
    pub alerts: Option<Vec<String>>,
}

/// Who is provisioned.
#[derive(utoipa::ToSchema)]
#[schema(as = Scope)]
pub struct ScopeSchema {
    /// The groups whose members are in scope.
    pub groups: Option<Vec<Uuid>>,
    /// Whether everyone is in scope; groups are empty then.
    #[schema(default = false)]
    pub all_users: Option<bool>,
    /// Whether members of nested groups count.
    #[schema(default = true)]
    pub nested: Option<bool>,
    /// A scoping filter.
    pub filter: Option<String>,
}

/// Which groups become teams.
#[derive(utoipa::ToSchema)]
#[schema(as = Teams)]
pub struct TeamsSchema {
    /// `"scope"`, `"none"` or a list of group ids.
    pub groups: Option<Value>,
    /// Whether each department becomes a team.
    #[schema(default = false)]
    pub departments: Option<bool>,
}

/// One attribute mapping: exactly one of `source`, `expression` and `constant`.
#[derive(utoipa::ToSchema)]
#[schema(as = MappingRow)]
pub struct MappingRowSchema {
    /// The account's field, or `custom.NAME`.
    pub target: String,
    /// The directory's property.
    pub source: Option<String>,
    /// An expression over properties.
    pub expression: Option<String>,
    /// A fixed value.
    pub constant: Option<Value>,
    /// `always` or `on_create`.
    #[schema(default = "always")]
    pub apply: Option<String>,
}

/// The limits of the accidental-deletion guard.
#[derive(utoipa::ToSchema)]
#[schema(as = Guard)]
pub struct GuardSchema {
    /// More leavers than this in 24 hours are held.
    #[schema(default = 500)]
    pub deactivations_max: Option<u32>,
    /// More than this share is held, from 5 leavers on; 100 switches the share off.
    #[schema(default = 10, maximum = 100)]
    pub deactivations_percent_max: Option<u32>,
}

/// When the nightly reconcile runs.
#[derive(utoipa::ToSchema)]
#[schema(as = Reconcile)]
pub struct ReconcileSchema {
    /// Local time as `HH:MM`; left out, somewhen between 01:00 and 05:00.
    pub at: Option<String>,
    /// An IANA time zone.
    #[schema(default = "UTC")]
    pub time_zone: Option<String>,
}
