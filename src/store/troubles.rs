//! What keeps a connection from working, and when it is tried again.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::db_connection::DbConnection;
use super::error::StoreError;
use crate::clock::Timestamp;
use crate::directory::ConnectionId;

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    trouble_count: i64,
}

/// How often the connection failed in a row.
pub fn count(db: &mut DbConnection, connection: &ConnectionId) -> Result<u32, StoreError> {
    let row: Option<CountRow> =
        diesel::sql_query("SELECT trouble_count FROM connection_states WHERE connection_id = $1")
            .bind::<Text, _>(connection.as_str())
            .get_result(db)
            .optional()?;
    Ok(row.map(|row| u32::try_from(row.trouble_count).unwrap_or(u32::MAX)).unwrap_or_default())
}

/// Records a failure: the connection waits until `next_attempt_at`. With a cause it is quarantined, without one it
/// only pauses, and a quarantine that is in force stays.
pub fn record(
    db: &mut DbConnection,
    connection: &ConnectionId,
    cause: Option<&str>,
    detail: &str,
    next_attempt_at: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    diesel::sql_query(
        "UPDATE connection_states SET trouble_cause = COALESCE($1, trouble_cause), \
         trouble_detail = CASE WHEN $1 IS NOT NULL OR trouble_cause IS NULL THEN $2 ELSE trouble_detail END, \
         trouble_since = COALESCE(trouble_since, $3), trouble_count = trouble_count + 1, \
         next_attempt_at = CASE WHEN next_attempt_at > $4 THEN next_attempt_at ELSE $4 END WHERE connection_id = $5",
    )
    .bind::<Nullable<Text>, _>(cause)
    .bind::<Text, _>(detail)
    .bind::<BigInt, _>(now.0)
    .bind::<BigInt, _>(next_attempt_at.0)
    .bind::<Text, _>(connection.as_str())
    .execute(db)?;
    Ok(())
}

/// Clears what is recorded: the connection works again. A wait that has not ended stays: whoever succeeded meanwhile
/// had begun before it was asked for.
pub fn clear(db: &mut DbConnection, connection: &ConnectionId, now: Timestamp) -> Result<bool, StoreError> {
    let cleared = diesel::sql_query(
        "UPDATE connection_states SET trouble_cause = NULL, trouble_detail = NULL, trouble_since = NULL, \
         trouble_count = 0, next_attempt_at = NULL \
         WHERE connection_id = $1 AND (trouble_count > 0 OR next_attempt_at IS NOT NULL) \
         AND (next_attempt_at IS NULL OR next_attempt_at <= $2)",
    )
    .bind::<Text, _>(connection.as_str())
    .bind::<BigInt, _>(now.0)
    .execute(db)?;
    Ok(cleared == 1)
}

/// New credentials: a quarantine is over, and subscriptions that were refused are tried again now. A wait that Graph
/// asked for goes on.
pub fn forgive(db: &mut DbConnection, connection: &ConnectionId, now: Timestamp) -> Result<(), StoreError> {
    diesel::sql_query(
        "UPDATE connection_states SET trouble_cause = NULL, trouble_detail = NULL, trouble_since = NULL, \
         trouble_count = 0, next_attempt_at = NULL WHERE connection_id = $1 AND trouble_cause IS NOT NULL",
    )
    .bind::<Text, _>(connection.as_str())
    .execute(db)?;
    diesel::sql_query("UPDATE subscriptions SET due_at = $1 WHERE connection_id = $2 AND error IS NOT NULL")
        .bind::<BigInt, _>(now.0)
        .bind::<Text, _>(connection.as_str())
        .execute(db)?;
    Ok(())
}
