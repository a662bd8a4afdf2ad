//! Graph subscriptions of a connection, one row for each resource.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::accounts::parse;
use super::db_connection::DbConnection;
use super::error::StoreError;
use crate::clock::Timestamp;
use crate::directory::{ConnectionId, SubscriptionId};
use crate::secrets::KeyVersion;

/// A subscription as we know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionRow {
    /// `users` or `groups`.
    pub resource: String,
    /// Graph's id; `None` while there is none.
    pub id: Option<SubscriptionId>,
    /// The data key its client state is made with.
    pub key_version: KeyVersion,
    /// When Graph ends it, as Graph said.
    pub expires_at: Option<Timestamp>,
    /// What went wrong last; `None` when all is well.
    pub error: Option<String>,
    /// Failures in a row.
    pub attempt_count: u32,
    /// When it is looked at next.
    pub due_at: Timestamp,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    resource: String,
    #[diesel(sql_type = Nullable<Text>)]
    subscription_id: Option<String>,
    #[diesel(sql_type = BigInt)]
    client_state_key_version: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    expires_at: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    error: Option<String>,
    #[diesel(sql_type = BigInt)]
    attempt_count: i64,
    #[diesel(sql_type = BigInt)]
    due_at: i64,
}

impl TryFrom<Row> for SubscriptionRow {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let version = i32::try_from(row.client_state_key_version)
            .map_err(|error| StoreError::corrupt("subscriptions.client_state_key_version", error))?;
        Ok(Self {
            resource: row.resource,
            id: row.subscription_id.map(|id| parse("subscriptions.subscription_id", &id)).transpose()?,
            key_version: KeyVersion(version),
            expires_at: row.expires_at.map(Timestamp),
            error: row.error,
            attempt_count: u32::try_from(row.attempt_count).unwrap_or(u32::MAX),
            due_at: Timestamp(row.due_at),
        })
    }
}

/// The subscriptions of a connection by resource.
pub fn of(db: &mut DbConnection, connection: &ConnectionId) -> Result<Vec<SubscriptionRow>, StoreError> {
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT resource, subscription_id, client_state_key_version, expires_at, error, attempt_count, due_at \
         FROM subscriptions WHERE connection_id = $1 ORDER BY resource",
    )
    .bind::<Text, _>(connection.as_str())
    .load(db)?;
    rows.into_iter().map(SubscriptionRow::try_from).collect()
}

/// Wants a subscription for each of `resources`, due now; those already wanted stay as they are.
pub fn want(
    db: &mut DbConnection,
    connection: &ConnectionId,
    resources: &[&str],
    key_version: KeyVersion,
    now: Timestamp,
) -> Result<(), StoreError> {
    for resource in resources {
        diesel::sql_query(
            "INSERT INTO subscriptions (connection_id, resource, client_state_key_version, due_at, created_at) \
             VALUES ($1, $2, $3, $4, $4) ON CONFLICT (connection_id, resource) DO NOTHING",
        )
        .bind::<Text, _>(connection.as_str())
        .bind::<Text, _>(*resource)
        .bind::<BigInt, _>(i64::from(key_version.0))
        .bind::<BigInt, _>(now.0)
        .execute(db)?;
    }
    Ok(())
}

/// Writes what became of a subscription; `renewed_at` when it was renewed or made.
pub fn put(
    db: &mut DbConnection,
    connection: &ConnectionId,
    row: &SubscriptionRow,
    renewed_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    diesel::sql_query(
        "UPDATE subscriptions SET subscription_id = $1, client_state_key_version = $2, expires_at = $3, error = $4, \
         attempt_count = $5, due_at = $6, renewed_at = COALESCE($7, renewed_at) WHERE connection_id = $8 AND resource = $9",
    )
    .bind::<Nullable<Text>, _>(row.id.map(|id| id.to_string()))
    .bind::<BigInt, _>(i64::from(row.key_version.0))
    .bind::<Nullable<BigInt>, _>(row.expires_at.map(|at| at.0))
    .bind::<Nullable<Text>, _>(row.error.as_deref())
    .bind::<BigInt, _>(i64::from(row.attempt_count))
    .bind::<BigInt, _>(row.due_at.0)
    .bind::<Nullable<BigInt>, _>(renewed_at.map(|at| at.0))
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(&row.resource)
    .execute(db)?;
    Ok(())
}

#[derive(QueryableByName)]
struct ConnectionRow {
    #[diesel(sql_type = Text)]
    connection_id: String,
}

/// Connections with a subscription that is due, the longest overdue first.
pub fn due(db: &mut DbConnection, now: Timestamp, limit: i64) -> Result<Vec<ConnectionId>, StoreError> {
    let rows: Vec<ConnectionRow> = diesel::sql_query(
        "SELECT connection_id FROM subscriptions WHERE due_at <= $1 \
         GROUP BY connection_id ORDER BY MIN(due_at) LIMIT $2",
    )
    .bind::<BigInt, _>(now.0)
    .bind::<BigInt, _>(limit)
    .load(db)?;
    rows.iter().map(|row| parse("subscriptions.connection_id", &row.connection_id)).collect()
}
