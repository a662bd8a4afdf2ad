//! How much work waits.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde::Serialize;

use super::super::db_connection::DbConnection;
use super::super::error::StoreError;
use crate::clock::Timestamp;
use crate::directory::ConnectionId;

/// The work of one connection that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Queue)]
pub struct QueueView {
    /// Objects that are due, being worked on or to be tried again; second looks count once they are due.
    pub depth: i64,
    /// How long the oldest of them has waited, in seconds.
    pub oldest_seconds: u64,
    /// Objects given up after repeated failure, kept for a person to look at.
    pub buried: i64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    depth: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    oldest: Option<i64>,
    #[diesel(sql_type = BigInt)]
    buried: i64,
}

/// The work of one connection that waits at `now`.
pub fn queue(db: &mut DbConnection, connection: &ConnectionId, now: Timestamp) -> Result<QueueView, StoreError> {
    // A second look waits since it became due, a change since it was received.
    let row: Row = diesel::sql_query(
        "SELECT COALESCE(SUM(CASE WHEN waits THEN 1 ELSE 0 END), 0) AS depth, \
         MIN(CASE WHEN waits THEN since END) AS oldest, \
         COALESCE(SUM(CASE WHEN buried THEN 1 ELSE 0 END), 0) AS buried FROM (\
         SELECT buried_at IS NOT NULL AS buried, \
         buried_at IS NULL AND (due_at <= $1 OR attempt_count > 0 OR lease_token IS NOT NULL) AS waits, \
         CASE WHEN attempt_count = 0 AND due_at > received_at THEN due_at ELSE received_at END AS since \
         FROM work_items WHERE connection_id = $2) AS items",
    )
    .bind::<BigInt, _>(now.0)
    .bind::<Text, _>(connection.as_str())
    .get_result(db)?;
    let oldest_seconds = row.oldest.map_or(0, |oldest| now.since(Timestamp(oldest)).as_secs());
    Ok(QueueView { depth: row.depth, oldest_seconds, buried: row.buried })
}
