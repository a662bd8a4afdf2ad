//! The durable queue of changed objects, one row for each.
//!
//! A change is coalesced into the row of its object: a burst of ten is one look. A row carries a version that rises
//! with every change, also while it is leased, and is done only at the version its worker saw (design rule 2).
//!
//! ```text
//! fold       inbox -> rows due now, and wakes the workers
//! enqueue    the same for delta, group changes and runs, in their own transaction
//! lease      up to `limit` due rows of a lane, under the one lease a connection has
//! settle     done | kept for a second look | changed meanwhile: due at once
//! retry      again later          bury     given up, kept for a person
//! release    given back           rescue   needs nobody: whoever takes a lease that ran out takes its rows
//! ```

pub mod fold;
mod lease;
mod settle;

use crate::clock::Timestamp;
use crate::directory::account::FoundBy;
use crate::directory::{ConnectionId, ObjectId};
use crate::store::work_items::{self, Arrival, RetriedAll};
use crate::store::{Db, DbConnection, StoreError};

pub use crate::store::work_items::{Depth, Failure, Hint, Lane, LaneDepth, WorkItem, depth, depth_by_lane};
pub use lease::{DueWork, LeasedBatch, SYNC_LEASE, lease, next_connections, release};
pub use settle::{Settled, bury, retry, settle};

/// Rows in one statement: on SQLite below the 20 ms a transaction may take, even where a backlog of hundreds of
/// thousands makes each row touch pages of its own (measured: 10 µs a row in key order, 30 to 60 µs scattered).
pub const SLICE_ROWS_MAX: usize = 300;

/// Why and how objects are enqueued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What is said of them beyond "something changed".
    pub hint: Option<Hint>,
    /// Which finder saw it.
    pub found_by: FoundBy,
    /// When.
    pub received_at: Timestamp,
}

/// Makes objects of a connection due now, in the caller's transaction; objects named twice count once.
///
/// # Errors
/// When the database fails, or the connection does not exist.
pub fn enqueue(
    db: &mut DbConnection,
    connection: &ConnectionId,
    lane: Lane,
    objects: &[ObjectId],
    reason: Reason,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut objects = objects.to_vec();
    objects.sort_unstable();
    objects.dedup();
    let Reason { hint, found_by, received_at } = reason;
    for slice in objects.chunks(SLICE_ROWS_MAX) {
        let arrival = |object: &ObjectId| Arrival { connection, lane, object: *object, hint, found_by, received_at };
        work_items::arrive(db, &slice.iter().map(arrival).collect::<Vec<_>>(), now)?;
    }
    Ok(())
}

/// Makes everything of a connection that waits or is buried due now, in slices.
///
/// # Errors
/// When the database fails; what was made due by then stays due.
pub async fn retry_all(db: &Db, connection: &ConnectionId, now: Timestamp) -> Result<(), StoreError> {
    loop {
        let connection = connection.clone();
        let limit = SLICE_ROWS_MAX as u32;
        if db.write(move |db| work_items::make_due(db, &connection, limit, now)).await? == RetriedAll::Yes {
            return Ok(());
        }
    }
}
