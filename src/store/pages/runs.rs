//! Runs and what they plan, as the outside reads them.

mod plan;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use serde::Serialize;

use super::super::accounts::parse;
use super::super::db_connection::DbConnection;
use super::super::error::StoreError;
use super::super::runs::RunCounts;
use crate::clock::Timestamp;
use crate::directory::{ConnectionId, RunId};

pub use plan::{PlanItemView, PlanKey, PlannedObject, plan};

/// A run as the outside reads it.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = Run)]
pub struct RunView {
    /// Its id.
    #[schema(value_type = uuid::Uuid)]
    pub id: RunId,
    /// The connection it belongs to.
    #[schema(value_type = String)]
    pub connection: ConnectionId,
    /// `initial`, `incremental`, `reconcile` or `on_demand`.
    pub kind: String,
    /// Whether it only shows what it would do.
    pub dry_run: bool,
    /// The person of an on-demand run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// `pending`, `running`, `succeeded`, `failed`, `held` or `cancelled`.
    pub status: String,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub queued_at: Timestamp,
    /// When it began.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// How far it is.
    pub progress: RunProgress,
    /// What it did, or would do.
    pub counts: RunCounts,
    /// How many differences a reconcile found that no other finder had.
    pub repairs: i64,
    /// Why it failed or is held, and what to do.
    pub error: Option<String>,
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RunProgress {
    /// What it is doing.
    pub phase: String,
    /// Objects done in this phase.
    pub done: i64,
    /// Objects of this phase, when known.
    pub total: Option<i64>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    connection_id: String,
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
    #[diesel(sql_type = Nullable<BigInt>)]
    started_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    finished_at: Option<i64>,
    #[diesel(sql_type = Text)]
    phase: String,
    #[diesel(sql_type = BigInt)]
    progress_done: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    progress_total: Option<i64>,
    #[diesel(sql_type = Text)]
    counts: String,
    #[diesel(sql_type = BigInt)]
    repairs: i64,
    #[diesel(sql_type = Nullable<Text>)]
    error: Option<String>,
}

const SELECT: &str = "SELECT connection_id, run_id, kind, dry_run, object_id, status, queued_at, started_at, \
     finished_at, phase, progress_done, progress_total, counts, repairs, error FROM runs";

/// At most `limit` runs, newest first, from those queued before `before` on.
pub fn page(
    db: &mut DbConnection,
    connection: &ConnectionId,
    before: Option<(Timestamp, RunId)>,
    limit: i64,
) -> Result<Vec<RunView>, StoreError> {
    // No run is queued at the end of time.
    let (queued_at, run) = before.map_or((i64::MAX, String::new()), |(at, run)| (at.0, run.to_string()));
    let rows: Vec<Row> = diesel::sql_query(format!(
        "{SELECT} WHERE connection_id = $1 AND (queued_at, run_id) < ($2, $3) \
         ORDER BY queued_at DESC, run_id DESC LIMIT $4"
    ))
    .bind::<Text, _>(connection.as_str())
    .bind::<BigInt, _>(queued_at)
    .bind::<Text, _>(run)
    .bind::<BigInt, _>(limit)
    .load(db)?;
    rows.into_iter().map(Row::view).collect()
}

/// The run of this id; the only lookup without a connection, because run ids are given out alone and never twice.
pub fn find(db: &mut DbConnection, run: RunId) -> Result<Option<RunView>, StoreError> {
    let row: Option<Row> = diesel::sql_query(format!("{SELECT} WHERE run_id = $1"))
        .bind::<Text, _>(run.to_string())
        .get_result(db)
        .optional()?;
    row.map(Row::view).transpose()
}

impl Row {
    fn view(self) -> Result<RunView, StoreError> {
        let counts = serde_json::from_str(&self.counts).map_err(|error| StoreError::corrupt("runs.counts", error))?;
        Ok(RunView {
            id: parse("runs.run_id", &self.run_id)?,
            connection: parse("runs.connection_id", &self.connection_id)?,
            kind: self.kind,
            dry_run: self.dry_run,
            user: self.object_id,
            status: self.status,
            queued_at: Timestamp(self.queued_at),
            started_at: self.started_at.map(Timestamp),
            finished_at: self.finished_at.map(Timestamp),
            progress: RunProgress { phase: self.phase, done: self.progress_done, total: self.progress_total },
            counts,
            repairs: self.repairs,
            error: self.error,
        })
    }
}
