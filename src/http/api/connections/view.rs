//! A connection as the outside reads it.

use serde::Serialize;

use super::schema::SettingsSchema;
use super::status::status_of;
use crate::clock::Timestamp;
use crate::directory::health::Status;
use crate::directory::rules::ConnectionSettings;
use crate::directory::{ConnectionId, TenantId};
use crate::http::api::Api;
use crate::http::errors::Problem;
use crate::store::connections::ConnectionRecord;
use crate::store::pages::overview::{self, Overview};
use crate::store::pages::subscriptions::SubscriptionView;

/// A connection as the outside reads it; secrets never come back.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Connection)]
pub struct ConnectionView {
    /// Its name in addresses.
    #[schema(value_type = String)]
    pub id: ConnectionId,
    /// The name to show.
    pub name: String,
    /// The customer's Entra tenant.
    #[schema(value_type = uuid::Uuid)]
    pub tenant_id: TenantId,
    /// The customer's own app registration; null is the service's.
    pub credentials: Option<CredentialsView>,
    /// What an administrator set.
    #[serde(flatten)]
    #[schema(value_type = SettingsSchema)]
    pub settings: ConnectionSettings,
    /// Its state in one word: `paused`, `quarantined`, `held`, `attention`, `connecting`, `syncing`, `silent` or
    /// `healthy`.
    #[schema(value_type = String)]
    pub status: Status,
    /// Why, in a sentence; null when it is healthy.
    pub status_reason: Option<String>,
    /// When a quarantined connection is tried again.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_attempt_at: Option<Timestamp>,
    /// How much it keeps.
    pub counts: ConnectionCounts,
    /// When the last notification was received.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_notification_at: Option<Timestamp>,
    /// When delta was last read.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_delta_at: Option<Timestamp>,
    /// When the last reconcile ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_reconcile_at: Option<Timestamp>,
    /// Changes applied, by the finder that was first.
    pub found_by: FoundByCounts,
    /// Its Graph subscriptions.
    pub subscriptions: Vec<SubscriptionView>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When an administrator last changed it.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// The app registration, without its secret.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CredentialsView {
    /// The application (client) id.
    pub client_id: String,
}

/// How much a connection keeps.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ConnectionCounts {
    /// Active accounts.
    pub accounts_active: i64,
    /// Accounts that are not active.
    pub accounts_inactive: i64,
    /// Active teams.
    pub teams: i64,
}

/// Changes applied, by the finder that was first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct FoundByCounts {
    /// Announced by a notification.
    pub notification: i64,
    /// Found by delta.
    pub delta: i64,
    /// Found by a reconcile.
    pub reconcile: i64,
}

/// Reads what belongs to the replies about `records`, in their order.
pub async fn views(api: &Api, records: Vec<ConnectionRecord>) -> Result<Vec<ConnectionView>, Problem> {
    let ids: Vec<ConnectionId> = records.iter().map(|record| record.id.clone()).collect();
    let now = api.clock.now();
    let mut overviews = api.db.read(move |db| overview::of(db, &ids, now)).await?;
    let view = |record: ConnectionRecord| {
        let overview = overviews.remove(&record.id).unwrap_or_default();
        ConnectionView::new(record, overview)
    };
    Ok(records.into_iter().map(view).collect())
}

/// Reads what belongs to the reply about `record`.
pub async fn view(api: &Api, record: ConnectionRecord) -> Result<ConnectionView, Problem> {
    let id = record.id.clone();
    let view = views(api, vec![record]).await?.pop();
    view.ok_or_else(|| Problem::not_found("connection", id.as_str()))
}

impl ConnectionView {
    fn new(record: ConnectionRecord, overview: Overview) -> Self {
        let (status, status_reason) = status_of(&record, &overview);
        let state = overview.state;
        Self {
            id: record.id,
            name: record.name,
            tenant_id: record.tenant,
            credentials: record.client_id.map(|client_id| CredentialsView { client_id }),
            settings: record.settings,
            status,
            status_reason,
            next_attempt_at: state.next_attempt_at,
            counts: ConnectionCounts {
                accounts_active: state.accounts_active,
                accounts_inactive: state.accounts_inactive,
                teams: state.teams_active,
            },
            last_notification_at: state.last_notification_at,
            last_delta_at: state.last_delta_at,
            last_reconcile_at: state.last_reconcile_at,
            found_by: FoundByCounts {
                notification: state.found_by_notification,
                delta: state.found_by_delta,
                reconcile: state.found_by_reconcile,
            },
            subscriptions: overview.subscriptions,
            created_at: record.created_at,
            updated_at: record.updated_at,
        }
    }
}
