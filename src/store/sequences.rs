//! Gapless numbers from the connection's counter row, raised inside the transaction that uses them: a database
//! sequence would leave gaps on rollback.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::db_connection::DbConnection;
use super::error::StoreError;
use crate::directory::ConnectionId;

/// Which counter of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Counter {
    Events,
    Log,
}

#[derive(QueryableByName)]
struct NumberRow {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Draws `count` numbers in a row; returns the first.
pub(super) fn draw(
    db: &mut DbConnection,
    connection: &ConnectionId,
    counter: Counter,
    count: usize,
) -> Result<i64, StoreError> {
    let column = match counter {
        Counter::Events => "event_sequence",
        Counter::Log => "log_sequence",
    };
    let count = i64::try_from(count).map_err(|error| StoreError::corrupt("connection_states", error))?;
    let row: NumberRow = diesel::sql_query(format!(
        "UPDATE connection_states SET {column} = {column} + $1 WHERE connection_id = $2 RETURNING {column} AS number"
    ))
    .bind::<BigInt, _>(count)
    .bind::<Text, _>(connection.as_str())
    .get_result(db)?;
    Ok(row.number - count + 1)
}
