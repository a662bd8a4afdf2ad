//! What the fold writes beside work items: that notifications came, and what was said of subscriptions.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::bulk;
use super::db_connection::{DbConnection, Dialect};
use super::error::StoreError;
use crate::clock::Timestamp;
use crate::directory::{ConnectionId, SubscriptionId};

#[derive(QueryableByName)]
struct ConnectionRow {
    #[diesel(sql_type = Text)]
    connection_id: String,
}

/// Those of `connections` that exist, and cannot be removed before this transaction ends.
pub fn existing_connections(
    db: &mut DbConnection,
    connections: &[&ConnectionId],
) -> Result<Vec<ConnectionId>, StoreError> {
    let lock = match db.dialect() {
        Dialect::Postgresql => "FOR KEY SHARE",
        Dialect::Sqlite => "",
    };
    let list = bulk::list(db, 1);
    let rows: Vec<ConnectionRow> = diesel::sql_query(format!(
        "SELECT connection_id FROM connections WHERE connection_id IN {list} ORDER BY connection_id {lock}"
    ))
    .bind::<Text, _>(bulk::texts(connections))
    .load(db)?;
    let read = |row: ConnectionRow| {
        row.connection_id.parse().map_err(|error| StoreError::corrupt("connections.connection_id", error))
    };
    rows.into_iter().map(read).collect()
}

/// Notes that a change notification of a connection was received.
pub fn note_notification(
    db: &mut DbConnection,
    connection: &ConnectionId,
    received_at: Timestamp,
) -> Result<(), StoreError> {
    diesel::sql_query(
        "UPDATE connection_states SET last_notification_at = $1 \
         WHERE connection_id = $2 AND (last_notification_at IS NULL OR last_notification_at < $3)",
    )
    .bind::<BigInt, _>(received_at.0)
    .bind::<Text, _>(connection.as_str())
    .bind::<BigInt, _>(received_at.0)
    .execute(db)?;
    Ok(())
}

/// Makes a subscription due now; all of the connection's when none has this id, because it may have been replaced or
/// not have been noted yet.
pub fn make_subscription_due(
    db: &mut DbConnection,
    connection: &ConnectionId,
    subscription: SubscriptionId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let due =
        "UPDATE subscriptions SET due_at = CASE WHEN due_at < $1 THEN due_at ELSE $2 END WHERE connection_id = $3";
    let changed = diesel::sql_query(format!("{due} AND lower(subscription_id) = $4"))
        .bind::<BigInt, _>(now.0)
        .bind::<BigInt, _>(now.0)
        .bind::<Text, _>(connection.as_str())
        .bind::<Text, _>(subscription.to_string())
        .execute(db)?;
    if changed == 0 {
        diesel::sql_query(due)
            .bind::<BigInt, _>(now.0)
            .bind::<BigInt, _>(now.0)
            .bind::<Text, _>(connection.as_str())
            .execute(db)?;
    }
    Ok(())
}

/// Makes the delta poll of a connection due now: notifications may have been lost.
pub fn make_delta_due(db: &mut DbConnection, connection: &ConnectionId, now: Timestamp) -> Result<(), StoreError> {
    diesel::sql_query(
        "UPDATE connection_states SET delta_due_at = $1 \
         WHERE connection_id = $2 AND (delta_due_at IS NULL OR delta_due_at > $3)",
    )
    .bind::<BigInt, _>(now.0)
    .bind::<Text, _>(connection.as_str())
    .bind::<BigInt, _>(now.0)
    .execute(db)?;
    Ok(())
}
