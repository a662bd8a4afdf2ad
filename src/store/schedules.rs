//! When a connection's delta poll and nightly reconcile are due, and when they last ended.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::accounts::parse;
use super::db_connection::DbConnection;
use super::error::StoreError;
use super::leases::DELTA_LEASE;
use crate::clock::Timestamp;
use crate::directory::ConnectionId;

#[derive(QueryableByName)]
struct DueRow {
    #[diesel(sql_type = Text)]
    connection_id: String,
}

/// Which of a connection's two schedules.
#[derive(Clone, Copy, Debug)]
pub enum Schedule {
    /// The delta poll.
    Delta,
    /// The nightly reconcile.
    Reconcile,
}

impl Schedule {
    /// The lease of whoever is at it; a full run is only queued when due, which takes none.
    fn lease(self) -> &'static str {
        match self {
            Self::Delta => DELTA_LEASE,
            Self::Reconcile => "",
        }
    }

    fn column(self) -> &'static str {
        match self {
            Self::Delta => "delta_due_at",
            Self::Reconcile => "reconcile_due_at",
        }
    }
}

/// Connections whose schedule is due and that are neither paused nor waiting, the longest overdue first.
pub fn due(
    db: &mut DbConnection,
    schedule: Schedule,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<ConnectionId>, StoreError> {
    let column = schedule.column();
    let rows: Vec<DueRow> = diesel::sql_query(format!(
        "SELECT s.connection_id FROM connection_states s JOIN connections c ON c.connection_id = s.connection_id \
         WHERE s.{column} <= $1 AND c.paused = $2 AND (s.next_attempt_at IS NULL OR s.next_attempt_at <= $1) \
         AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.connection_id = s.connection_id AND l.name = $3 \
         AND l.until > $1) ORDER BY s.{column} LIMIT $4"
    ))
    .bind::<BigInt, _>(now.0)
    .bind::<diesel::sql_types::Bool, _>(false)
    .bind::<Text, _>(schedule.lease())
    .bind::<BigInt, _>(limit)
    .load(db)?;
    rows.iter().map(|row| parse("connection_states.connection_id", &row.connection_id)).collect()
}

/// Sets when a schedule is due next; `None` switches it off.
pub fn set_due(
    db: &mut DbConnection,
    connection: &ConnectionId,
    schedule: Schedule,
    due_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let column = schedule.column();
    diesel::sql_query(format!("UPDATE connection_states SET {column} = $1 WHERE connection_id = $2"))
        .bind::<Nullable<BigInt>, _>(due_at.map(|at| at.0))
        .bind::<Text, _>(connection.as_str())
        .execute(db)?;
    Ok(())
}

/// Makes a delta poll that is planned due now: something may have been missed. Before the first full run none is.
pub fn bring_forward(db: &mut DbConnection, connection: &ConnectionId, now: Timestamp) -> Result<(), StoreError> {
    diesel::sql_query("UPDATE connection_states SET delta_due_at = $1 WHERE connection_id = $2 AND delta_due_at > $1")
        .bind::<BigInt, _>(now.0)
        .bind::<Text, _>(connection.as_str())
        .execute(db)?;
    Ok(())
}

/// Records that a delta round or a full run was read to its end.
pub fn set_last(
    db: &mut DbConnection,
    connection: &ConnectionId,
    schedule: Schedule,
    now: Timestamp,
) -> Result<(), StoreError> {
    let column = match schedule {
        Schedule::Delta => "last_delta_at",
        Schedule::Reconcile => "last_reconcile_at",
    };
    diesel::sql_query(format!("UPDATE connection_states SET {column} = $1 WHERE connection_id = $2"))
        .bind::<BigInt, _>(now.0)
        .bind::<Text, _>(connection.as_str())
        .execute(db)?;
    Ok(())
}

/// Records the end of the initial cycle.
pub fn set_initial_cycle(db: &mut DbConnection, connection: &ConnectionId, now: Timestamp) -> Result<(), StoreError> {
    diesel::sql_query("UPDATE connection_states SET initial_cycle_at = $1 WHERE connection_id = $2")
        .bind::<BigInt, _>(now.0)
        .bind::<Text, _>(connection.as_str())
        .execute(db)?;
    Ok(())
}
