//! The writer's statements.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Text};

use super::{InboxSize, PackedBatch};
use crate::clock::Timestamp;
use crate::store::DbConnection;
use crate::store::bulk;
use crate::store::db::{Location, connect};
use crate::store::error::StoreError;

/// PostgreSQL: how long a connection may take, and unanswered bytes may stay unanswered, before it counts as gone.
/// Seconds for the first, so that a request in the meantime gets its 503 from its own deadline.
const PG_LIMITS: &str = "connect_timeout=3&tcp_user_timeout=5000";

/// A connection whose commits are on the disk when they return.
pub(super) fn open(location: &Location) -> Result<DbConnection, StoreError> {
    match location {
        Location::Sqlite(_) => connect(location),
        Location::Postgresql(url) => {
            let separator = if url.contains('?') { '&' } else { '?' };
            let mut connection = connect(&Location::Postgresql(format!("{url}{separator}{PG_LIMITS}")))?;
            // An administrator may have switched it off for everything else.
            connection.batch_execute(
                "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'; \
                 SET statement_timeout = '10s'",
            )?;
            Ok(connection)
        }
    }
}

/// All rows with one statement and two parameters, whatever their number.
pub(super) fn insert(connection: &mut DbConnection, rows: &[(Timestamp, PackedBatch)]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    match connection {
        DbConnection::Postgresql(pg) => insert_arrays(pg, rows)?,
        DbConnection::Sqlite(sqlite) => insert_pieces(sqlite, rows)?,
    };
    Ok(())
}

fn insert_arrays(pg: &mut PgConnection, rows: &[(Timestamp, PackedBatch)]) -> QueryResult<usize> {
    let received: Vec<i64> = rows.iter().map(|(received_at, _)| received_at.0).collect();
    let batches: Vec<&[u8]> = rows.iter().map(|(_, batch)| batch.as_bytes()).collect();
    diesel::sql_query("INSERT INTO inbox (received_at, batch) SELECT * FROM unnest($1, $2)")
        .bind::<Array<BigInt>, _>(received)
        .bind::<Array<Binary>, _>(batches)
        .execute(pg)
}

/// The bytes of all rows in one piece, and for each row when it was received, where its bytes begin (from 1, as SQL
/// counts) and how many there are.
fn insert_pieces(sqlite: &mut SqliteConnection, rows: &[(Timestamp, PackedBatch)]) -> QueryResult<usize> {
    let mut bytes = Vec::with_capacity(rows.iter().map(|(_, batch)| batch.as_bytes().len()).sum());
    let mut places = String::from("[");
    for (received_at, batch) in rows {
        let separator = if bytes.is_empty() { "" } else { "," };
        places.push_str(&format!("{separator}[{},{},{}]", received_at.0, bytes.len() + 1, batch.as_bytes().len()));
        bytes.extend_from_slice(batch.as_bytes());
    }
    places.push(']');
    diesel::sql_query(
        "INSERT INTO inbox (received_at, batch) \
         SELECT value->>0, substr($1, value->>1, value->>2) FROM json_each($2)",
    )
    .bind::<Binary, _>(bytes)
    .bind::<Text, _>(places)
    .execute(sqlite)
}

#[derive(QueryableByName)]
struct DeletedRow {
    #[diesel(sql_type = BigInt)]
    byte_count: i64,
}

pub(super) fn delete(connection: &mut DbConnection, ids: &[i64]) -> Result<InboxSize, StoreError> {
    let list = bulk::list(connection, 1);
    let statement = match connection {
        DbConnection::Postgresql(_) => format!("DELETE FROM inbox WHERE inbox_id = ANY(ARRAY{list}::bigint[])"),
        DbConnection::Sqlite(_) => {
            format!("DELETE FROM inbox WHERE inbox_id IN (SELECT CAST(value AS INTEGER) FROM {list})")
        }
    };
    let rows: Vec<DeletedRow> =
        diesel::sql_query(format!("{statement} RETURNING CAST(length(batch) AS BIGINT) AS byte_count"))
            .bind::<Text, _>(bulk::texts(ids))
            .load(connection)?;
    let bytes = rows.iter().map(|row| row.byte_count.unsigned_abs()).sum();
    Ok(InboxSize { rows: rows.len() as u64, bytes })
}
