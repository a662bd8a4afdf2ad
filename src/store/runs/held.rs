//! Runs that wait for an administrator.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

use super::{RunKind, RunRequest, RunStatus, in_status, insert, set_status};
use crate::clock::Timestamp;
use crate::directory::{ConnectionId, RunId};
use crate::store::DbConnection;
use crate::store::error::StoreError;

/// The open held run of a kind, made when there is none: one for each connection and kind.
pub fn open_held(
    db: &mut DbConnection,
    connection: &ConnectionId,
    kind: RunKind,
    now: Timestamp,
) -> Result<RunId, StoreError> {
    let held = in_status(db, connection, RunStatus::Held)?;
    if let Some(run) = held.iter().find(|run| run.kind == kind && !run.dry_run) {
        return Ok(run.id);
    }
    let request = RunRequest { kind, dry_run: false, object: None, anew: true };
    let id = insert(db, connection, &request, RunStatus::Held, now)?;
    set_status(db, connection, id, RunStatus::Held, None, now)?;
    Ok(id)
}

/// Ends older held full runs: the list of `newer` takes their place.
pub fn replace_held(
    db: &mut DbConnection,
    connection: &ConnectionId,
    newer: RunId,
    now: Timestamp,
) -> Result<(), StoreError> {
    for run in in_status(db, connection, RunStatus::Held)? {
        if run.id == newer || run.kind == RunKind::Incremental {
            continue;
        }
        diesel::sql_query("DELETE FROM run_items WHERE connection_id = $1 AND run_id = $2 AND state = 'held'")
            .bind::<Text, _>(connection.as_str())
            .bind::<Text, _>(run.id.to_string())
            .execute(db)?;
        let why = format!("a newer full run took its place: {newer}");
        set_status(db, connection, run.id, RunStatus::Cancelled, Some(&why), now)?;
    }
    Ok(())
}

/// Holds a run for `reason`; with `overwrite` false a reason it has already stays.
pub fn set_held(
    db: &mut DbConnection,
    connection: &ConnectionId,
    run: RunId,
    reason: &str,
    overwrite: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let held = diesel::sql_query(
        "UPDATE runs SET status = 'held', phase = 'held', started_at = COALESCE(started_at, $1), \
         error = CASE WHEN $2 THEN $3 ELSE COALESCE(error, $3) END \
         WHERE connection_id = $4 AND run_id = $5 AND status IN ('running', 'held')",
    )
    .bind::<BigInt, _>(now.0)
    .bind::<Bool, _>(overwrite)
    .bind::<Text, _>(reason)
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(run.to_string())
    .execute(db)?;
    // Its list would be one that nobody can allow or reject.
    if held == 1 { Ok(()) } else { Err(StoreError::RunEnded) }
}

/// Ends held runs whose list has become empty: everybody on it returned.
pub fn finish_empty_held(db: &mut DbConnection, connection: &ConnectionId, now: Timestamp) -> Result<(), StoreError> {
    diesel::sql_query(
        "UPDATE runs SET status = 'succeeded', phase = 'finished', finished_at = $1 \
         WHERE connection_id = $2 AND status = 'held' AND NOT EXISTS (SELECT 1 FROM run_items i \
         WHERE i.connection_id = runs.connection_id AND i.run_id = runs.run_id AND i.state = 'held')",
    )
    .bind::<BigInt, _>(now.0)
    .bind::<Text, _>(connection.as_str())
    .execute(db)?;
    Ok(())
}
