//! Changes coming in: new rows, and rows that change again while they wait or are being worked on.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde_json::json;

use super::{Hint, Lane};
use crate::clock::Timestamp;
use crate::directory::account::FoundBy;
use crate::directory::{ConnectionId, ObjectId};
use crate::store::DbConnection;
use crate::store::bulk::{self, Kind, OnConflict, Table};
use crate::store::error::StoreError;

/// That an object changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival<'a> {
    /// Whose object.
    pub connection: &'a ConnectionId,
    /// What kind of work.
    pub lane: Lane,
    /// Which object.
    pub object: ObjectId,
    /// What was said beyond "something changed".
    pub hint: Option<Hint>,
    /// Which finder saw it.
    pub found_by: FoundBy,
    /// When it was received.
    pub received_at: Timestamp,
}

const WORK_ITEMS: Table = Table {
    name: "work_items",
    columns: &[
        ("connection_id", Kind::Text),
        ("lane", Kind::Text),
        ("object_id", Kind::Text),
        ("version", Kind::BigInt),
        ("hint", Kind::Text),
        ("found_by", Kind::Text),
        ("received_at", Kind::BigInt),
        ("changed_at", Kind::BigInt),
        ("due_at", Kind::BigInt),
    ],
    key: "connection_id, lane, object_id",
};

/// What a further change does to a row that is there.
///
/// The version rises even when the row is leased: the running worker must not delete a change it has not seen. A row
/// with second looks behind it was settled, so what was said before is over; otherwise the first finder, the earliest
/// receipt and the strongest hint stay. A finder other than a notification never takes a row from the one that
/// brought it: delta shows, minutes later, what a notification announced.
const CHANGES_AGAIN: &str = "\
    version = work_items.version + 1, \
    hint = CASE \
        WHEN excluded.hint = 'deleted' THEN 'deleted' \
        WHEN work_items.look_count > 0 THEN excluded.hint \
        WHEN work_items.hint = 'deleted' THEN 'deleted' \
        ELSE coalesce(excluded.hint, work_items.hint) END, \
    found_by = CASE \
        WHEN work_items.look_count > 0 AND excluded.found_by = 'notification' THEN excluded.found_by \
        ELSE work_items.found_by END, \
    received_at = CASE \
        WHEN work_items.look_count > 0 OR excluded.received_at < work_items.received_at THEN excluded.received_at \
        ELSE work_items.received_at END, \
    changed_at = excluded.changed_at, \
    due_at = CASE WHEN work_items.due_at < excluded.due_at THEN work_items.due_at ELSE excluded.due_at END, \
    look_count = 0, attempt_count = 0, last_error = NULL, buried_at = NULL";

/// Writes changes, due at once. No two of them may be about the same object of the same lane and connection; they
/// should come in the order of these three, so that two writers on PostgreSQL meet in the same order.
///
/// # Errors
/// [`StoreError::Statement`] when a connection does not exist.
pub fn arrive(db: &mut DbConnection, arrivals: &[Arrival<'_>], now: Timestamp) -> Result<(), StoreError> {
    const FIRST_VERSION: i64 = 1;
    let row = |arrival: &Arrival<'_>| {
        json!([
            arrival.connection.as_str(),
            arrival.lane.as_str(),
            arrival.object.to_string(),
            FIRST_VERSION,
            arrival.hint.map(Hint::as_str),
            arrival.found_by.as_str(),
            arrival.received_at.0,
            now.0,
            now.0
        ])
    };
    bulk::insert(db, &WORK_ITEMS, arrivals.iter().map(row).collect(), OnConflict::Update(CHANGES_AGAIN))?;
    Ok(())
}

/// Whether [`make_due`] has come to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetriedAll {
    /// Nothing waits any more.
    Yes,
    /// Call again, in another transaction.
    NotYet,
}

/// Makes up to `limit` rows of a connection that wait or are buried due now, with a fresh count of attempts.
pub fn make_due(
    db: &mut DbConnection,
    connection: &ConnectionId,
    limit: u32,
    now: Timestamp,
) -> Result<RetriedAll, StoreError> {
    let changed = diesel::sql_query(
        "UPDATE work_items SET buried_at = NULL, due_at = $1, attempt_count = 0 \
         WHERE connection_id = $2 AND (lane, object_id) IN (SELECT lane, object_id FROM work_items \
         WHERE connection_id = $3 AND (buried_at IS NOT NULL OR due_at > $4) ORDER BY lane, object_id LIMIT $5)",
    )
    .bind::<BigInt, _>(now.0)
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(connection.as_str())
    .bind::<BigInt, _>(now.0)
    .bind::<BigInt, _>(i64::from(limit))
    .execute(db)?;
    Ok(if changed < limit as usize { RetriedAll::Yes } else { RetriedAll::NotYet })
}

/// Makes the buried rows of a lane due now: what they were given up for may be over.
///
/// # Errors
/// When the database fails.
pub fn revive_buried(
    db: &mut DbConnection,
    connection: &ConnectionId,
    lane: Lane,
    now: Timestamp,
) -> Result<(), StoreError> {
    diesel::sql_query(
        "UPDATE work_items SET buried_at = NULL, due_at = $1 \
         WHERE connection_id = $2 AND lane = $3 AND buried_at IS NOT NULL",
    )
    .bind::<BigInt, _>(now.0)
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(lane.as_str())
    .execute(db)?;
    Ok(())
}
