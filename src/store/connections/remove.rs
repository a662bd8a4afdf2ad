//! Removing a connection with everything it has, except its events.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::directory::ConnectionId;
use crate::store::error::StoreError;
use crate::store::{Db, DbConnection};

/// Rows deleted in one transaction: a few milliseconds, so that on SQLite no other writer waits long.
const SLICE_ROWS: i64 = 1_000;

/// The tables that grow with the directory and the columns that name a row of each beside the connection; the rest goes
/// with the connection's own row.
const BIG_TABLES: [(&str, &str); 7] = [
    ("work_items", "lane, object_id"),
    ("team_members", "team_id, account_id"),
    ("mirror_edges", "group_id, member_id"),
    ("accounts", "account_id"),
    ("provisioning_log", "log_id"),
    ("run_items", "run_id, kind, object_id, team_id"),
    ("guard_ledger", "kind, object_id, team_id"),
];

/// What became of a connection that was to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Removal {
    /// It is gone; this is the sequence of its last event, `connection.removed`.
    Done {
        /// The sequence.
        event_sequence: i64,
    },
    /// There is no such connection.
    Missing,
}

/// Removes a connection: pauses it, deletes what is big in slices, then the rest together with the appended event.
///
/// A removal that was interrupted leaves the connection paused, and is carried on by the next one.
pub async fn remove(db: &Db, id: &ConnectionId, now: Timestamp) -> Result<Removal, StoreError> {
    let paused = id.clone();
    if !db.write(move |db| super::set_paused(db, &paused, true, now)).await? {
        return Ok(Removal::Missing);
    }
    for (table, key) in BIG_TABLES {
        loop {
            let id = id.clone();
            // Ends: what is paused gets no new accounts, and each turn but the last deletes a whole slice.
            if db.write(move |db| delete_slice(db, &id, table, key)).await? < SLICE_ROWS as usize {
                break;
            }
        }
    }
    let id = id.clone();
    db.write(move |db| remove_rest(db, &id, now)).await
}

fn delete_slice(db: &mut DbConnection, id: &ConnectionId, table: &str, key: &str) -> Result<usize, StoreError> {
    let statement = format!(
        "DELETE FROM {table} WHERE connection_id = $1 AND ({key}) IN \
         (SELECT {key} FROM {table} WHERE connection_id = $2 LIMIT $3)"
    );
    Ok(diesel::sql_query(statement)
        .bind::<Text, _>(id.as_str())
        .bind::<Text, _>(id.as_str())
        .bind::<BigInt, _>(SLICE_ROWS)
        .execute(db)?)
}

#[derive(QueryableByName)]
struct SequenceRow {
    #[diesel(sql_type = BigInt)]
    event_sequence: i64,
}

fn remove_rest(db: &mut DbConnection, id: &ConnectionId, now: Timestamp) -> Result<Removal, StoreError> {
    let Some(record) = super::get(db, id)? else {
        return Ok(Removal::Missing);
    };
    let row: SequenceRow = diesel::sql_query(
        "UPDATE connection_states SET event_sequence = event_sequence + 1 WHERE connection_id = $1 \
         RETURNING event_sequence",
    )
    .bind::<Text, _>(id.as_str())
    .get_result(db)?;
    let data = serde_json::json!({ "id": id, "name": record.name });
    diesel::sql_query(
        "INSERT INTO events (connection_id, sequence, event_id, event_type, at, data, previous) \
         VALUES ($1, $2, $3, 'connection.removed', $4, $5, '{}')",
    )
    .bind::<Text, _>(id.as_str())
    .bind::<BigInt, _>(row.event_sequence)
    .bind::<Text, _>(Uuid::new_v4().to_string())
    .bind::<BigInt, _>(now.0)
    .bind::<Text, _>(data.to_string())
    .execute(db)?;
    diesel::sql_query("DELETE FROM connections WHERE connection_id = $1").bind::<Text, _>(id.as_str()).execute(db)?;
    diesel::sql_query("DELETE FROM leases WHERE connection_id = $1").bind::<Text, _>(id.as_str()).execute(db)?;
    Ok(Removal::Done { event_sequence: row.event_sequence })
}
