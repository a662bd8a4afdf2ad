//! The provisioning log as the outside reads it.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use serde::Serialize;
use serde_json::Value;

use super::super::accounts::parse;
use super::super::db_connection::DbConnection;
use super::super::error::StoreError;
use crate::clock::Timestamp;
use crate::directory::account::FoundBy;
use crate::directory::{ConnectionId, RunId};

/// One entry of the provisioning log.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = LogEntry)]
pub struct LogEntryView {
    /// Unique within the connection; rises with time.
    pub id: String,
    /// When it was done.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The connection.
    #[schema(value_type = String)]
    pub connection: ConnectionId,
    /// The run it was part of.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub run_id: Option<RunId>,
    /// `notification`, `delta`, `reconcile`, `initial`, `on_demand`, `scim` or `operator`.
    #[schema(value_type = String)]
    pub found_by: FoundBy,
    /// What it was done to.
    pub object: LogObject,
    /// `create`, `update`, `disable`, `enable`, `delete`, `add_member`, `remove_member` or `none`.
    pub action: String,
    /// `success`, `failure`, `skipped` or `warning`.
    pub status: String,
    /// Why.
    pub reason: Option<String>,
    /// What differs: `attribute`, `before`, `after`.
    #[schema(value_type = Vec<Object>)]
    pub changes: Value,
    /// The steps that led to it: `name`, `status`, `detail`.
    #[schema(value_type = Vec<Object>)]
    pub steps: Vec<Value>,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
}

/// What a log entry is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct LogObject {
    /// `user`, `group` or `membership`.
    pub kind: String,
    /// The object's id in the directory; for a membership the person's.
    pub id: String,
    /// The name to show.
    pub name: Option<String>,
}

/// Which entries to list; the default is all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Only this action.
    pub action: Option<String>,
    /// Only this status.
    pub status: Option<String>,
    /// Only about the object of this id.
    pub object: Option<String>,
    /// Only from this instant on.
    pub since: Option<Timestamp>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    log_id: i64,
    #[diesel(sql_type = BigInt)]
    at: i64,
    #[diesel(sql_type = Nullable<Text>)]
    run_id: Option<String>,
    #[diesel(sql_type = Text)]
    found_by: String,
    #[diesel(sql_type = Text)]
    object_kind: String,
    #[diesel(sql_type = Text)]
    object_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    object_name: Option<String>,
    #[diesel(sql_type = Text)]
    action: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = Text)]
    changes: String,
    #[diesel(sql_type = BigInt)]
    duration_ms: i64,
}

/// At most `limit` entries, newest first, from those before the entry `before` on.
pub fn page(
    db: &mut DbConnection,
    connection: &ConnectionId,
    filter: &LogFilter,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<LogEntryView>, StoreError> {
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT log_id, at, run_id, found_by, object_kind, object_id, object_name, action, status, reason, changes, \
         duration_ms FROM provisioning_log \
         WHERE connection_id = $1 AND log_id < $2 AND ($3 OR action = $4) AND ($5 OR status = $6) \
         AND ($7 OR object_id = $8) AND at >= $9 ORDER BY log_id DESC LIMIT $10",
    )
    .bind::<Text, _>(connection.as_str())
    .bind::<BigInt, _>(before.unwrap_or(i64::MAX))
    .bind::<Bool, _>(filter.action.is_none())
    .bind::<Text, _>(filter.action.as_deref().unwrap_or_default())
    .bind::<Bool, _>(filter.status.is_none())
    .bind::<Text, _>(filter.status.as_deref().unwrap_or_default())
    .bind::<Bool, _>(filter.object.is_none())
    .bind::<Text, _>(filter.object.as_deref().unwrap_or_default().to_ascii_lowercase())
    .bind::<BigInt, _>(filter.since.map_or(i64::MIN, |since| since.0))
    .bind::<BigInt, _>(limit)
    .load(db)?;
    rows.into_iter().map(|row| row.view(connection)).collect()
}

impl Row {
    fn view(self, connection: &ConnectionId) -> Result<LogEntryView, StoreError> {
        Ok(LogEntryView {
            id: self.log_id.to_string(),
            at: Timestamp(self.at),
            connection: connection.clone(),
            run_id: self.run_id.map(|id| parse("provisioning_log.run_id", &id)).transpose()?,
            found_by: parse("provisioning_log.found_by", &self.found_by)?,
            object: LogObject { kind: self.object_kind, id: self.object_id, name: self.object_name },
            action: self.action,
            status: self.status,
            reason: self.reason,
            changes: serde_json::from_str(&self.changes)
                .map_err(|error| StoreError::corrupt("provisioning_log.changes", error))?,
            steps: Vec::new(),
            duration_ms: self.duration_ms,
        })
    }
}
