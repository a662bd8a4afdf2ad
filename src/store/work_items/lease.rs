//! Taking rows to work on, and giving them back in one of four ways: done, kept for a second look, again later, buried.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde_json::{Value, json};

use super::{Lane, WorkItem, object_id};
use crate::clock::Timestamp;
use crate::directory::{ConnectionId, ObjectId};
use crate::store::bulk;
use crate::store::error::StoreError;
use crate::store::leases::{LEASE_TERM, Lease};
use crate::store::{DbConnection, Dialect};

#[derive(QueryableByName)]
struct ItemRow {
    #[diesel(sql_type = Text)]
    object_id: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Nullable<Text>)]
    hint: Option<String>,
    #[diesel(sql_type = Text)]
    found_by: String,
    #[diesel(sql_type = BigInt)]
    received_at: i64,
    #[diesel(sql_type = BigInt)]
    changed_at: i64,
    #[diesel(sql_type = BigInt)]
    look_count: i64,
    #[diesel(sql_type = BigInt)]
    attempt_count: i64,
}

impl ItemRow {
    fn read(self) -> Result<WorkItem, StoreError> {
        let hint = self.hint.as_deref().map(str::parse).transpose();
        let found_by = self.found_by.parse();
        Ok(WorkItem {
            object: object_id(&self.object_id)?,
            version: self.version,
            hint: hint.map_err(|error: String| StoreError::corrupt("work_items.hint", error))?,
            found_by: found_by.map_err(|error: String| StoreError::corrupt("work_items.found_by", error))?,
            received_at: Timestamp(self.received_at),
            changed_at: Timestamp(self.changed_at),
            look_count: u32::try_from(self.look_count).unwrap_or(u32::MAX),
            attempt_count: u32::try_from(self.attempt_count).unwrap_or(u32::MAX),
        })
    }
}

/// Marks up to `limit` due rows of a lane with the lease's token; longest due first.
pub fn lease(
    db: &mut DbConnection,
    lease: &Lease,
    lane: Lane,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<WorkItem>, StoreError> {
    // PostgreSQL: a row the fold is just changing will be there next time; waiting for it could deadlock.
    let skip_locked = match db.dialect() {
        Dialect::Postgresql => "FOR UPDATE SKIP LOCKED",
        Dialect::Sqlite => "",
    };
    let rows: Vec<ItemRow> = diesel::sql_query(format!(
        "WITH due AS (SELECT object_id FROM work_items WHERE connection_id = $1 AND lane = $2 AND due_at <= $3 \
         AND buried_at IS NULL ORDER BY due_at, object_id LIMIT $4 {skip_locked}) \
         UPDATE work_items SET lease_token = $5, lease_until = $6 \
         WHERE connection_id = $7 AND lane = $8 AND object_id IN (SELECT object_id FROM due) \
         RETURNING object_id, version, hint, found_by, received_at, changed_at, look_count, attempt_count"
    ))
    .bind::<Text, _>(&lease.connection)
    .bind::<Text, _>(lane.as_str())
    .bind::<BigInt, _>(now.0)
    .bind::<BigInt, _>(i64::from(limit))
    .bind::<Text, _>(lease.token())
    .bind::<BigInt, _>(now.plus(LEASE_TERM).0)
    .bind::<Text, _>(&lease.connection)
    .bind::<Text, _>(lane.as_str())
    .load(db)?;
    rows.into_iter().map(ItemRow::read).collect()
}

#[derive(QueryableByName)]
struct VersionRow {
    #[diesel(sql_type = Text)]
    object_id: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

/// The versions that leased rows have now, locked until the end of the transaction. Rows that are gone, or were
/// marked by another lease since, are missing.
pub fn stored_versions(
    db: &mut DbConnection,
    lease: &Lease,
    lane: Lane,
    objects: &[ObjectId],
) -> Result<HashMap<ObjectId, i64>, StoreError> {
    let lock = match db.dialect() {
        Dialect::Postgresql => "FOR UPDATE",
        Dialect::Sqlite => "",
    };
    let list = bulk::list(db, 4);
    let rows: Vec<VersionRow> = diesel::sql_query(format!(
        "SELECT object_id, version FROM work_items WHERE connection_id = $1 AND lane = $2 AND lease_token = $3 \
         AND object_id IN {list} ORDER BY object_id {lock}"
    ))
    .bind::<Text, _>(&lease.connection)
    .bind::<Text, _>(lane.as_str())
    .bind::<Text, _>(lease.token())
    .bind::<Text, _>(bulk::texts(objects))
    .load(db)?;
    rows.into_iter().map(|row| Ok((object_id(&row.object_id)?, row.version))).collect()
}

/// Deletes leased rows that are done.
pub fn delete(db: &mut DbConnection, lease: &Lease, lane: Lane, objects: &[ObjectId]) -> Result<(), StoreError> {
    let list = bulk::list(db, 4);
    diesel::sql_query(format!(
        "DELETE FROM work_items WHERE connection_id = $1 AND lane = $2 AND lease_token = $3 AND object_id IN {list}"
    ))
    .bind::<Text, _>(&lease.connection)
    .bind::<Text, _>(lane.as_str())
    .bind::<Text, _>(lease.token())
    .bind::<Text, _>(bulk::texts(objects))
    .execute(db)?;
    Ok(())
}

/// A row that stays for a second look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The object.
    pub object: ObjectId,
    /// When the second look is due.
    pub due_at: Timestamp,
}

/// Gives leased rows back for their next second look.
pub fn keep(db: &mut DbConnection, lease: &Lease, lane: Lane, rows: &[Kept]) -> Result<(), StoreError> {
    let values = rows.iter().map(|row| json!([row.object.to_string(), row.due_at.0, null_text()])).collect();
    update(
        db,
        lease,
        lane,
        values,
        "due_at = given.due_at, look_count = look_count + 1, attempt_count = 0, last_error = NULL",
    )
}

/// Gives leased rows back to be worked on again at once.
pub fn make_due_at_once(
    db: &mut DbConnection,
    lease: &Lease,
    lane: Lane,
    objects: &[ObjectId],
    now: Timestamp,
) -> Result<(), StoreError> {
    let values = objects.iter().map(|object| json!([object.to_string(), now.0, null_text()])).collect();
    update(db, lease, lane, values, "due_at = given.due_at")
}

/// A row whose attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The object.
    pub object: ObjectId,
    /// What a person is told.
    pub error: String,
}

/// Gives leased rows back for another attempt at `due_at`. `counts` is false for a wait that is not the item's fault.
pub fn retry(
    db: &mut DbConnection,
    lease: &Lease,
    lane: Lane,
    failures: &[Failure],
    due_at: Timestamp,
    counts: bool,
) -> Result<(), StoreError> {
    let set = if counts {
        "due_at = given.due_at, last_error = given.error, attempt_count = attempt_count + 1"
    } else {
        "due_at = given.due_at, last_error = given.error"
    };
    update(db, lease, lane, values_of(failures, due_at), set)
}

/// Gives leased rows up; they stay for a person to see.
pub fn bury(
    db: &mut DbConnection,
    lease: &Lease,
    lane: Lane,
    failures: &[Failure],
    now: Timestamp,
) -> Result<(), StoreError> {
    let set = "buried_at = given.due_at, last_error = given.error, attempt_count = attempt_count + 1";
    update(db, lease, lane, values_of(failures, now), set)
}

fn values_of(failures: &[Failure], at: Timestamp) -> Vec<Value> {
    failures.iter().map(|failure| json!([failure.object.to_string(), at.0, failure.error])).collect()
}

fn null_text() -> Option<&'static str> {
    None
}

/// Runs a `SET` list on leased rows and takes the lease's mark off; `values` are object, instant and error.
fn update(db: &mut DbConnection, lease: &Lease, lane: Lane, values: Vec<Value>, set: &str) -> Result<(), StoreError> {
    if values.is_empty() {
        return Ok(());
    }
    let source = match db.dialect() {
        Dialect::Postgresql => "jsonb_array_elements($1::jsonb)",
        Dialect::Sqlite => "json_each($1)",
    };
    diesel::sql_query(format!(
        "UPDATE work_items SET {set}, lease_token = NULL, lease_until = NULL \
         FROM (SELECT value->>0 AS object_id, CAST(value->>1 AS BIGINT) AS due_at, value->>2 AS error FROM {source}) \
         AS given \
         WHERE work_items.connection_id = $2 AND work_items.lane = $3 AND work_items.lease_token = $4 \
         AND work_items.object_id = given.object_id"
    ))
    .bind::<Text, _>(Value::Array(values).to_string())
    .bind::<Text, _>(&lease.connection)
    .bind::<Text, _>(lane.as_str())
    .bind::<Text, _>(lease.token())
    .execute(db)?;
    Ok(())
}

/// Takes the lease's mark off every row that still has it; they stay due.
pub fn release(db: &mut DbConnection, lease: &Lease) -> Result<(), StoreError> {
    diesel::sql_query(
        "UPDATE work_items SET lease_token = NULL, lease_until = NULL WHERE connection_id = $1 AND lease_token = $2",
    )
    .bind::<Text, _>(&lease.connection)
    .bind::<Text, _>(lease.token())
    .execute(db)?;
    Ok(())
}

#[derive(QueryableByName)]
struct DueRow {
    #[diesel(sql_type = Text)]
    connection_id: String,
    #[diesel(sql_type = Text)]
    lane: String,
    #[diesel(sql_type = BigInt)]
    due_at: i64,
}

/// Connections and lanes with due rows, longest due first; without the paused, the waiting and those under the lease
/// `name`.
pub fn due_lanes(
    db: &mut DbConnection,
    name: &str,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(ConnectionId, Lane, Timestamp)>, StoreError> {
    // One look into the index for each connection and lane, however long their queues are.
    let rows: Vec<DueRow> = diesel::sql_query(
        "SELECT connection_id, lane, due_at FROM (\
            SELECT connections.connection_id, lanes.lane, (SELECT min(due_at) FROM work_items \
                WHERE work_items.connection_id = connections.connection_id AND work_items.lane = lanes.lane \
                AND buried_at IS NULL) AS due_at \
            FROM connections \
            CROSS JOIN (SELECT 'user' AS lane UNION ALL SELECT 'group' UNION ALL SELECT 'photo') AS lanes \
            WHERE NOT connections.paused \
            AND NOT EXISTS (SELECT 1 FROM connection_states WHERE \
                connection_states.connection_id = connections.connection_id AND next_attempt_at > $1) \
            AND NOT EXISTS (SELECT 1 FROM leases WHERE \
                leases.connection_id = connections.connection_id AND name = $2 AND until > $3)\
        ) AS waiting WHERE due_at <= $4 ORDER BY due_at, connection_id, lane LIMIT $5",
    )
    .bind::<BigInt, _>(now.0)
    .bind::<Text, _>(name)
    .bind::<BigInt, _>(now.0)
    .bind::<BigInt, _>(now.0)
    .bind::<BigInt, _>(i64::from(limit))
    .load(db)?;
    let read = |row: DueRow| {
        let connection = row.connection_id.parse();
        let lane = row.lane.parse();
        Ok((
            connection.map_err(|error| StoreError::corrupt("work_items.connection_id", error))?,
            lane.map_err(|error: String| StoreError::corrupt("work_items.lane", error))?,
            Timestamp(row.due_at),
        ))
    };
    rows.into_iter().map(read).collect()
}
