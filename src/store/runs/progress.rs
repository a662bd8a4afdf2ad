//! How far a run is, and what it has done so far.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::RunCounts;
use crate::clock::Timestamp;
use crate::directory::{ConnectionId, RunId};
use crate::store::apply::Applied;
use crate::store::{DbConnection, StoreError};

/// Marks a pending run as begun; `progress` starts from zero. False when it was cancelled meanwhile.
pub fn start(db: &mut DbConnection, connection: &ConnectionId, run: RunId, now: Timestamp) -> Result<bool, StoreError> {
    let started = diesel::sql_query(
        "UPDATE runs SET status = 'running', started_at = COALESCE(started_at, $1), phase = 'starting', \
         progress_done = 0, progress_total = NULL WHERE connection_id = $2 AND run_id = $3 AND status = 'pending'",
    )
    .bind::<BigInt, _>(now.0)
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(run.to_string())
    .execute(db)?;
    Ok(started == 1)
}

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// What it is doing: `groups`, `people` or `leavers`.
    pub phase: &'static str,
    /// How many are done.
    pub done: u64,
    /// Of how many; `None` while nobody knows.
    pub total: Option<u64>,
}

/// Records how far a run is. False when it was cancelled, or its connection paused, meanwhile.
pub fn progress(
    db: &mut DbConnection,
    connection: &ConnectionId,
    run: RunId,
    progress: Progress,
    counts: &RunCounts,
) -> Result<bool, StoreError> {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let counts = serde_json::to_string(counts).map_err(|error| StoreError::corrupt("runs.counts", error))?;
    let updated = diesel::sql_query(
        "UPDATE runs SET phase = $1, progress_done = $2, progress_total = $3, counts = $4 \
         WHERE connection_id = $5 AND run_id = $6 AND status = 'running' AND NOT EXISTS (SELECT 1 FROM connections c \
         WHERE c.connection_id = runs.connection_id AND c.paused = $7 AND runs.dry_run <> $7)",
    )
    .bind::<Text, _>(progress.phase)
    .bind::<BigInt, _>(number(progress.done))
    .bind::<Nullable<BigInt>, _>(progress.total.map(number))
    .bind::<Text, _>(counts)
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(run.to_string())
    .bind::<Bool, _>(true)
    .execute(db)?;
    Ok(updated == 1)
}

/// Adds to a run's counts what was done after it was allowed.
pub fn add_counts(
    db: &mut DbConnection,
    connection: &ConnectionId,
    run: RunId,
    applied: &Applied,
) -> Result<(), StoreError> {
    let row: CountsRow = diesel::sql_query("SELECT counts FROM runs WHERE connection_id = $1 AND run_id = $2")
        .bind::<Text, _>(connection.as_str())
        .bind::<Text, _>(run.to_string())
        .get_result(db)?;
    let corrupt = |error| StoreError::corrupt("runs.counts", error);
    let mut counts: RunCounts = serde_json::from_str(&row.counts).map_err(corrupt)?;
    counts.add(applied);
    diesel::sql_query("UPDATE runs SET counts = $1 WHERE connection_id = $2 AND run_id = $3")
        .bind::<Text, _>(serde_json::to_string(&counts).map_err(corrupt)?)
        .bind::<Text, _>(connection.as_str())
        .bind::<Text, _>(run.to_string())
        .execute(db)?;
    Ok(())
}

#[derive(QueryableByName)]
struct CountsRow {
    #[diesel(sql_type = Text)]
    counts: String,
}

/// Records how many differences a reconcile repaired.
pub fn set_repairs(
    db: &mut DbConnection,
    connection: &ConnectionId,
    run: RunId,
    repairs: u64,
) -> Result<(), StoreError> {
    diesel::sql_query("UPDATE runs SET repairs = $1 WHERE connection_id = $2 AND run_id = $3")
        .bind::<BigInt, _>(i64::try_from(repairs).unwrap_or(i64::MAX))
        .bind::<Text, _>(connection.as_str())
        .bind::<Text, _>(run.to_string())
        .execute(db)?;
    Ok(())
}
