//! The writer's statements.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Text};
use serde_json::Value;

use super::InboxSize;
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

/// All rows with one statement and two parameters: the bytes in one piece, and where each row's begin and end.
pub(super) fn insert(connection: &mut DbConnection, bytes: &[u8], rows: &[Value]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let statement = match connection {
        DbConnection::Postgresql(_) => {
            "INSERT INTO inbox (received_at, batch) \
             SELECT (value->>0)::bigint, substr($1, (value->>1)::int, (value->>2)::int) \
             FROM jsonb_array_elements($2::jsonb)"
        }
        DbConnection::Sqlite(_) => {
            "INSERT INTO inbox (received_at, batch) \
             SELECT value->>0, substr($1, value->>1, value->>2) FROM json_each($2)"
        }
    };
    let rows = serde_json::to_string(rows).map_err(|error| StoreError::corrupt("inbox", error))?;
    diesel::sql_query(statement).bind::<Binary, _>(bytes).bind::<Text, _>(rows).execute(connection)?;
    Ok(())
}

#[derive(QueryableByName)]
struct DeletedRow {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
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
