//! The ordered feed of events of one connection.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde::Serialize;
use serde_json::Value;

use super::super::db_connection::DbConnection;
use super::super::error::StoreError;
use crate::clock::Timestamp;
use crate::directory::ConnectionId;

/// An event as the outside reads it, in the feed and in webhooks.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = Event)]
pub struct EventView {
    /// The same on every delivery.
    pub id: String,
    /// Its place in the connection's feed: from 1, without a gap.
    pub sequence: i64,
    /// Such as `account.created`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The connection.
    #[schema(value_type = String)]
    pub connection: ConnectionId,
    /// The account or team after the change.
    #[schema(value_type = Object)]
    pub data: Value,
    /// The values before, of changed fields only.
    #[schema(value_type = Object)]
    pub previous: Value,
}

/// Where a connection's feed begins and ends now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedRange {
    /// The oldest event that is kept; one beyond the newest when none is.
    pub oldest: i64,
    /// The newest event there was; 0 before the first.
    pub newest: i64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    sequence: i64,
    #[diesel(sql_type = Text)]
    event_id: String,
    #[diesel(sql_type = Text)]
    event_type: String,
    #[diesel(sql_type = BigInt)]
    at: i64,
    #[diesel(sql_type = Text)]
    data: String,
    #[diesel(sql_type = Text)]
    previous: String,
}

/// At most `limit` events in their order, from after the sequence `after` on.
pub fn page(
    db: &mut DbConnection,
    connection: &ConnectionId,
    after: i64,
    limit: i64,
) -> Result<Vec<EventView>, StoreError> {
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT sequence, event_id, event_type, at, data, previous FROM events \
         WHERE connection_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3",
    )
    .bind::<Text, _>(connection.as_str())
    .bind::<BigInt, _>(after)
    .bind::<BigInt, _>(limit)
    .load(db)?;
    rows.into_iter().map(|row| row.view(connection)).collect()
}

#[derive(QueryableByName)]
struct RangeRow {
    #[diesel(sql_type = Nullable<BigInt>)]
    oldest: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    newest: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    drawn: Option<i64>,
}

/// The feed's ends; `None` when there is neither such a connection nor an event of one that was removed.
pub fn range(db: &mut DbConnection, connection: &ConnectionId) -> Result<Option<FeedRange>, StoreError> {
    let row: RangeRow = diesel::sql_query(
        "SELECT (SELECT MIN(sequence) FROM events WHERE connection_id = $1) AS oldest, \
         (SELECT MAX(sequence) FROM events WHERE connection_id = $2) AS newest, \
         (SELECT event_sequence FROM connection_states WHERE connection_id = $3) AS drawn",
    )
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(connection.as_str())
    .get_result(db)?;
    let newest = row.newest.max(row.drawn);
    Ok(newest.map(|newest| FeedRange { oldest: row.oldest.unwrap_or(newest + 1), newest }))
}

impl Row {
    fn view(self, connection: &ConnectionId) -> Result<EventView, StoreError> {
        let read = |column, text: &str| serde_json::from_str(text).map_err(|error| StoreError::corrupt(column, error));
        Ok(EventView {
            id: self.event_id,
            sequence: self.sequence,
            event_type: self.event_type,
            at: Timestamp(self.at),
            connection: connection.clone(),
            data: read("events.data", &self.data)?,
            previous: read("events.previous", &self.previous)?,
        })
    }
}
