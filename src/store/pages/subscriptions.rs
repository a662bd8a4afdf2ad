//! Graph subscriptions as the outside reads them; client states never show.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde::Serialize;

use super::super::accounts::parse;
use super::super::bulk;
use super::super::db_connection::DbConnection;
use super::super::error::StoreError;
use crate::clock::Timestamp;
use crate::directory::ConnectionId;

/// From this many failures in a row on, a subscription that still lives counts as refused: fewer may be throttling.
const REFUSED_ATTEMPT_COUNT_MIN: i64 = 3;

/// A Graph subscription as the outside reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Subscription)]
pub struct SubscriptionView {
    /// The connection.
    #[schema(value_type = String)]
    pub connection: ConnectionId,
    /// What it watches: `users` or `groups`.
    pub resource: String,
    /// Its id at Graph; null while there is none.
    pub subscription_id: Option<String>,
    /// `active`, `pending`, `expired` or `refused`.
    pub status: &'static str,
    /// When it ends unless it is renewed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// When it was last renewed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub renewed_at: Option<Timestamp>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it is looked at next.
    #[schema(value_type = String, format = DateTime)]
    pub next_attempt_at: Timestamp,
    /// What went wrong last, and what to do.
    pub error: Option<String>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    connection_id: String,
    #[diesel(sql_type = Text)]
    resource: String,
    #[diesel(sql_type = Nullable<Text>)]
    subscription_id: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    expires_at: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    error: Option<String>,
    #[diesel(sql_type = BigInt)]
    attempt_count: i64,
    #[diesel(sql_type = BigInt)]
    due_at: i64,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    renewed_at: Option<i64>,
}

/// The subscriptions of several connections, by connection and resource; a connection has one for each resource.
pub fn of(
    db: &mut DbConnection,
    connections: &[ConnectionId],
    now: Timestamp,
) -> Result<Vec<SubscriptionView>, StoreError> {
    let wanted = bulk::list(db, 1);
    let rows: Vec<Row> = diesel::sql_query(format!(
        "SELECT connection_id, resource, subscription_id, expires_at, error, attempt_count, due_at, created_at, renewed_at \
         FROM subscriptions WHERE connection_id IN {wanted} ORDER BY connection_id, resource"
    ))
    .bind::<Text, _>(bulk::texts(connections))
    .load(db)?;
    rows.into_iter().map(|row| row.view(now)).collect()
}

impl Row {
    fn view(self, now: Timestamp) -> Result<SubscriptionView, StoreError> {
        let expires_at = self.expires_at.map(Timestamp);
        let lives = self.subscription_id.is_some() && expires_at.is_none_or(|until| until > now);
        let refused = self.error.is_some() && (!lives || self.attempt_count >= REFUSED_ATTEMPT_COUNT_MIN);
        let status = match (refused, lives, &self.subscription_id) {
            (true, ..) => "refused",
            (false, true, _) => "active",
            (false, false, Some(_)) => "expired",
            (false, false, None) => "pending",
        };
        Ok(SubscriptionView {
            connection: parse("subscriptions.connection_id", &self.connection_id)?,
            resource: self.resource,
            subscription_id: self.subscription_id,
            status,
            expires_at,
            renewed_at: self.renewed_at.map(Timestamp),
            created_at: Timestamp(self.created_at),
            next_attempt_at: Timestamp(self.due_at),
            error: self.error,
        })
    }
}
