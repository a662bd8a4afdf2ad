//! Who works on what: one batch of a connection at a time, claimed for ten seconds and renewed.

use crate::clock::Timestamp;
use crate::directory::ConnectionId;
use crate::store::leases::{self, Lease};
use crate::store::work_items::{self, Lane, WorkItem};
use crate::store::{Db, StoreError};

/// The lease under which a connection's batch is worked on: one batch of a connection in flight (design rule 3).
pub const SYNC_LEASE: &str = "sync";

/// A connection and lane with due rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueWork {
    /// The connection.
    pub connection: ConnectionId,
    /// The kind of work.
    pub lane: Lane,
    /// When the longest due row became due.
    pub due_at: Timestamp,
}

/// What a worker holds: the connection's lease, and the rows taken under it.
#[derive(Clone, Debug)]
pub struct LeasedBatch {
    /// The lease; work under it inside [`leases::holding`], and give it back with [`release`].
    pub lease: Lease,
    /// The kind of work.
    pub lane: Lane,
    /// The rows, in no particular order.
    pub items: Vec<WorkItem>,
}

/// Connections with due work, longest due first. Left out: the paused, those waiting for `next_attempt_at` (a
/// Retry-After, a quarantine), and those somebody works on.
///
/// # Errors
/// When the database fails.
pub async fn next_connections(db: &Db, now: Timestamp, limit: u32) -> Result<Vec<DueWork>, StoreError> {
    let due = db.read(move |db| work_items::due_lanes(db, SYNC_LEASE, now, limit)).await?;
    Ok(due.into_iter().map(|(connection, lane, due_at)| DueWork { connection, lane, due_at }).collect())
}

/// Takes the connection's lease and up to `limit` due rows of a lane, longest due first. `None` when somebody else
/// works on this connection, or nothing is due.
///
/// # Errors
/// When the database fails.
pub async fn lease(
    db: &Db,
    connection: &ConnectionId,
    lane: Lane,
    now: Timestamp,
    limit: u32,
) -> Result<Option<LeasedBatch>, StoreError> {
    let connection = connection.clone();
    db.write(move |db| {
        let Some(lease) = leases::acquire(db, connection.as_str(), SYNC_LEASE, now)? else { return Ok(None) };
        let items = work_items::lease(db, &lease, lane, limit, now)?;
        if items.is_empty() {
            leases::release(db, &lease)?;
            return Ok(None);
        }
        Ok(Some(LeasedBatch { lease, lane, items }))
    })
    .await
}

/// Ends a batch: gives the lease back, and every row that was neither settled, retried nor buried.
///
/// # Errors
/// When the database fails; the lease then runs out by itself.
pub async fn release(db: &Db, lease: &Lease) -> Result<(), StoreError> {
    let lease = lease.clone();
    db.write(move |db| {
        work_items::release(db, &lease)?;
        leases::release(db, &lease)
    })
    .await
}
