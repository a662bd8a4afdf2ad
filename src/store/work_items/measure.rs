//! How much waits.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::Lane;
use crate::clock::Timestamp;
use crate::directory::ConnectionId;
use crate::store::DbConnection;
use crate::store::error::StoreError;

/// How much of one connection waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Changes nobody has looked at yet, leased ones and failed ones included; second looks are not waiting.
    pub depth: u64,
    /// When the oldest of them was received.
    pub oldest_received_at: Option<Timestamp>,
    /// Given up, kept for a person.
    pub buried: u64,
}

/// How much of one lane waits, over all connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneDepth {
    /// The lane.
    pub lane: Lane,
    /// Changes nobody has looked at yet.
    pub depth: u64,
    /// When the oldest of them was received.
    pub oldest_received_at: Option<Timestamp>,
}

#[derive(QueryableByName)]
struct DepthRow {
    #[diesel(sql_type = BigInt)]
    depth: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    oldest: Option<i64>,
    #[diesel(sql_type = BigInt)]
    buried: i64,
}

/// How much of a connection waits.
pub fn depth(db: &mut DbConnection, connection: &ConnectionId) -> Result<Depth, StoreError> {
    let row: DepthRow = diesel::sql_query(
        "SELECT count(CASE WHEN buried_at IS NULL AND look_count = 0 THEN 1 END) AS depth, \
         min(CASE WHEN buried_at IS NULL AND look_count = 0 THEN received_at END) AS oldest, \
         count(buried_at) AS buried FROM work_items WHERE connection_id = $1",
    )
    .bind::<Text, _>(connection.as_str())
    .get_result(db)?;
    Ok(Depth {
        depth: row.depth.unsigned_abs(),
        oldest_received_at: row.oldest.map(Timestamp),
        buried: row.buried.unsigned_abs(),
    })
}

#[derive(QueryableByName)]
struct LaneRow {
    #[diesel(sql_type = Text)]
    lane: String,
    #[diesel(sql_type = BigInt)]
    depth: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    oldest: Option<i64>,
}

/// How much of each lane waits; empty lanes are missing.
pub fn depth_by_lane(db: &mut DbConnection) -> Result<Vec<LaneDepth>, StoreError> {
    let rows: Vec<LaneRow> = diesel::sql_query(
        "SELECT lane, count(*) AS depth, min(received_at) AS oldest FROM work_items \
         WHERE buried_at IS NULL AND look_count = 0 GROUP BY lane ORDER BY lane",
    )
    .load(db)?;
    let read = |row: LaneRow| {
        let lane = row.lane.parse().map_err(|error: String| StoreError::corrupt("work_items.lane", error))?;
        Ok(LaneDepth { lane, depth: row.depth.unsigned_abs(), oldest_received_at: row.oldest.map(Timestamp) })
    };
    rows.into_iter().map(read).collect()
}
