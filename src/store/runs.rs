//! Runs: full listings, incremental cycles and people provisioned on demand, from queued to finished.

mod held;
mod kinds;
mod progress;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use uuid::Uuid;

pub use held::{finish_empty_held, open_held, replace_held, set_held};
pub use kinds::{RunCounts, RunKind, RunStatus};
pub use progress::{Progress, add_counts, progress, set_repairs, start};

use super::accounts::parse;
use super::db_connection::DbConnection;
use super::error::StoreError;
use super::leases::RUN_LEASE;
use crate::clock::Timestamp;
use crate::directory::{ConnectionId, RunId};

/// A run as a worker needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// What it does.
    pub kind: RunKind,
    /// Whether it only plans.
    pub dry_run: bool,
    /// The person of an on-demand run: object id or user principal name.
    pub object: Option<String>,
    /// Where it is.
    pub status: RunStatus,
    /// When it was asked for.
    pub queued_at: Timestamp,
}

#[derive(QueryableByName)]
struct RunRow {
    #[diesel(sql_type = Text)]
    run_id: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    dry_run: bool,
    #[diesel(sql_type = Nullable<Text>)]
    object_id: Option<String>,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = BigInt)]
    queued_at: i64,
}

impl TryFrom<RunRow> for Run {
    type Error = StoreError;

    fn try_from(row: RunRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: parse("runs.run_id", &row.run_id)?,
            kind: parse("runs.kind", &row.kind)?,
            dry_run: row.dry_run,
            object: row.object_id,
            status: parse("runs.status", &row.status)?,
            queued_at: Timestamp(row.queued_at),
        })
    }
}

const SELECT: &str = "SELECT run_id, kind, dry_run, object_id, status, queued_at FROM runs WHERE connection_id = $1";

/// One run.
pub fn get(db: &mut DbConnection, connection: &ConnectionId, run: RunId) -> Result<Option<Run>, StoreError> {
    let row: Option<RunRow> = diesel::sql_query(format!("{SELECT} AND run_id = $2"))
        .bind::<Text, _>(connection.as_str())
        .bind::<Text, _>(run.to_string())
        .get_result(db)
        .optional()?;
    row.map(Run::try_from).transpose()
}

/// Runs in `status`, oldest first.
pub fn in_status(db: &mut DbConnection, connection: &ConnectionId, status: RunStatus) -> Result<Vec<Run>, StoreError> {
    let rows: Vec<RunRow> = diesel::sql_query(format!("{SELECT} AND status = $2 ORDER BY queued_at, run_id"))
        .bind::<Text, _>(connection.as_str())
        .bind::<Text, _>(status.as_str())
        .load(db)?;
    rows.into_iter().map(Run::try_from).collect()
}

/// What somebody asks to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRequest {
    /// What it does.
    pub kind: RunKind,
    /// Whether it only plans.
    pub dry_run: bool,
    /// The person of an on-demand run.
    pub object: Option<String>,
    /// Whether it must begin after this request: the settings have changed, and what runs goes by the old ones.
    pub anew: bool,
}

/// Queues a run, or returns the one that already does or will do the same: a full run joins an initial cycle that
/// has not ended, and while one of a kind runs the next is queued once.
pub fn request(
    db: &mut DbConnection,
    connection: &ConnectionId,
    request: &RunRequest,
    now: Timestamp,
) -> Result<RunId, StoreError> {
    let pending = in_status(db, connection, RunStatus::Pending)?;
    let running = in_status(db, connection, RunStatus::Running)?;
    let joinable: &[Run] = if request.anew { &[] } else { &running };
    let initial = pending.iter().chain(joinable).find(|run| run.kind == RunKind::Initial && !run.dry_run);
    // A full listing that has not ended will show everything a new one would.
    if matches!(request.kind, RunKind::Reconcile | RunKind::Initial)
        && !request.dry_run
        && let Some(run) = initial
    {
        return Ok(run.id);
    }
    let same = |run: &&Run| run.kind == request.kind && run.dry_run == request.dry_run && run.object == request.object;
    match pending.iter().find(same) {
        Some(run) => Ok(run.id),
        None => insert(db, connection, request, RunStatus::Pending, now),
    }
}

fn insert(
    db: &mut DbConnection,
    connection: &ConnectionId,
    request: &RunRequest,
    status: RunStatus,
    now: Timestamp,
) -> Result<RunId, StoreError> {
    let id = RunId(Uuid::now_v7());
    diesel::sql_query(
        "INSERT INTO runs (connection_id, run_id, kind, dry_run, object_id, status, queued_at, phase, counts) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', '{}')",
    )
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(id.to_string())
    .bind::<Text, _>(request.kind.as_str())
    .bind::<Bool, _>(request.dry_run)
    .bind::<Nullable<Text>, _>(request.object.as_deref())
    .bind::<Text, _>(status.as_str())
    .bind::<BigInt, _>(now.0)
    .execute(db)?;
    Ok(id)
}

/// Connections with a run that can begin: those with an initial cycle wait until their subscriptions were tried once,
/// so that no change falls between listing and listening; paused ones only make dry runs.
pub fn connections_with_pending(
    db: &mut DbConnection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<ConnectionId>, StoreError> {
    let rows: Vec<ConnectionRow> = diesel::sql_query(
        "SELECT r.connection_id FROM runs r JOIN connections c ON c.connection_id = r.connection_id \
         JOIN connection_states s ON s.connection_id = r.connection_id \
         WHERE r.status IN ('pending', 'running') AND (c.paused = $1 OR r.dry_run = $2) \
         AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.connection_id = r.connection_id AND l.name = $3 \
         AND l.until > $4) \
         AND (s.next_attempt_at IS NULL OR s.next_attempt_at <= $4) \
         AND (r.kind <> 'initial' OR NOT EXISTS (SELECT 1 FROM subscriptions u \
         WHERE u.connection_id = r.connection_id AND u.subscription_id IS NULL AND u.attempt_count = 0)) \
         GROUP BY r.connection_id ORDER BY MIN(r.queued_at) LIMIT $5",
    )
    .bind::<Bool, _>(false)
    .bind::<Bool, _>(true)
    .bind::<Text, _>(RUN_LEASE)
    .bind::<BigInt, _>(now.0)
    .bind::<BigInt, _>(limit)
    .load(db)?;
    rows.iter().map(|row| parse("runs.connection_id", &row.connection_id)).collect()
}

#[derive(QueryableByName)]
struct ConnectionRow {
    #[diesel(sql_type = Text)]
    connection_id: String,
}

/// Ends or holds a run. A run that has ended stays as it is.
pub fn set_status(
    db: &mut DbConnection,
    connection: &ConnectionId,
    run: RunId,
    status: RunStatus,
    error: Option<&str>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let finished = !matches!(status, RunStatus::Held | RunStatus::Pending | RunStatus::Running);
    let updated = diesel::sql_query(
        "UPDATE runs SET status = $1, error = $2, finished_at = $3, started_at = COALESCE(started_at, $4), \
         phase = CASE WHEN $5 THEN 'finished' WHEN $1 = 'held' THEN 'held' ELSE phase END \
         WHERE connection_id = $6 AND run_id = $7 AND status IN ('pending', 'running', 'held')",
    )
    .bind::<Text, _>(status.as_str())
    .bind::<Nullable<Text>, _>(error)
    .bind::<Nullable<BigInt>, _>(finished.then_some(now.0))
    .bind::<BigInt, _>(now.0)
    .bind::<Bool, _>(finished)
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(run.to_string())
    .execute(db)?;
    Ok(updated == 1)
}

/// Ends incremental runs whose connection has no due work left: what they asked for is done.
pub fn finish_drained(db: &mut DbConnection, connection: &ConnectionId, now: Timestamp) -> Result<bool, StoreError> {
    let finished = diesel::sql_query(
        "UPDATE runs SET status = 'succeeded', phase = 'finished', finished_at = $1 \
         WHERE connection_id = $2 AND status = 'running' AND kind = 'incremental' AND phase = 'queue' \
         AND NOT EXISTS (SELECT 1 FROM work_items w WHERE w.connection_id = runs.connection_id \
         AND w.buried_at IS NULL AND w.due_at <= $1)",
    )
    .bind::<BigInt, _>(now.0)
    .bind::<Text, _>(connection.as_str())
    .execute(db)?;
    Ok(finished > 0)
}

/// Puts runs that a dead process left running back to pending, so that they begin again.
pub fn rescue(db: &mut DbConnection, connection: &ConnectionId) -> Result<usize, StoreError> {
    let rescued = diesel::sql_query(
        "UPDATE runs SET status = 'pending', phase = 'queued' WHERE connection_id = $1 \
         AND status = 'running' AND phase <> 'queue'",
    )
    .bind::<Text, _>(connection.as_str())
    .execute(db)?;
    Ok(rescued)
}
