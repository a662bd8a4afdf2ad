//! From the inbox into the queue: sorted, de-duplicated, in bounded batches.
//!
//! Rows of the inbox are deleted only after everything they told is committed. A crash in between folds them twice,
//! which raises versions and changes nothing else; on SQLite the two lie in two files, so there is no other way.

mod gather;

use std::collections::HashSet;
use std::sync::Arc;

use metrics::counter;
use tokio::sync::Notify;

use super::SLICE_ROWS_MAX;
use crate::clock::{SharedClock, Timestamp};
use crate::directory::{ConnectionId, SubscriptionId};
use crate::store::inbox::{AppendRefused, Inbox, Sign};
use crate::store::leases::{self, Lease, NO_CONNECTION};
use crate::store::work_items::{self, Arrival};
use crate::store::{Db, Location, StoreError, folding};

use gather::{Change, Gathered};

/// The lease under which one process at a time folds on PostgreSQL: two would only do each other's work again.
const FOLD_LEASE: &str = "fold";

/// Inbox rows in one batch: the more, the more repetitions fall together.
const BATCH_ROWS_MAX: u32 = 4_000;

/// Bytes of packed batches in one batch: some 450,000 notifications, about 50 MB of memory while they are sorted.
const BATCH_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Batches in one run, so that a run ends and its lease can move on however much keeps coming.
const RUN_BATCH_COUNT_MAX: u32 = 1_000;

/// Connections or subscriptions noted in one transaction: single-row statements of some 10 µs each.
const NOTED_COUNT_MAX: usize = 500;

/// Notifications whose connection was removed before they were folded.
const DISCARDED_TOTAL: &str = "rollcall_notifications_discarded_total";

/// Moves notifications from the inbox into the queue.
#[derive(Debug)]
pub struct Fold {
    /// The database of the queue.
    pub db: Db,
    /// The inbox; [`Inbox::appended`] says when to run.
    pub inbox: Inbox,
    /// Says when rows are due: now.
    pub clock: SharedClock,
    /// Is notified when there is new work: wakes the workers.
    pub work: Arc<Notify>,
}

/// What a run of the fold came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folded {
    /// Another process folds; look again soon, it may have read just before the latest commit.
    ByAnother,
    /// Everything that was there is in the queue now.
    All {
        /// Inbox rows.
        row_count: u64,
        /// Work items written, after repetitions fell together.
        item_count: u64,
    },
}

impl Folded {
    /// Whether nothing was there.
    pub fn is_idle(self) -> bool {
        self == Self::All { row_count: 0, item_count: 0 }
    }
}

/// A run of the fold failed; what it had not deleted is folded by the next one.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// The queue's database failed, or the lease was lost.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folded rows could not be deleted.
    #[error(transparent)]
    Inbox(#[from] AppendRefused),
}

impl Fold {
    /// Folds until the inbox is empty.
    ///
    /// # Errors
    /// [`FoldError`]; nothing is lost by it.
    pub async fn run_once(&self) -> Result<Folded, FoldError> {
        let lease = match self.db.location() {
            // One process has the file: nobody to exclude.
            Location::Sqlite(_) => None,
            // Looked at first, because an idle process must not write a lease every half second.
            Location::Postgresql(_) if self.inbox.oldest(0, 1, 1).await?.is_empty() => {
                return Ok(Folded::All { row_count: 0, item_count: 0 });
            }
            Location::Postgresql(_) => match self.acquire().await? {
                None => return Ok(Folded::ByAnother),
                held => held,
            },
        };
        let folded = self.drain(lease.as_ref()).await;
        if let Some(lease) = lease {
            self.db.write(move |db| leases::release(db, &lease)).await?;
        }
        folded
    }

    async fn acquire(&self) -> Result<Option<Lease>, StoreError> {
        let now = self.clock.now();
        self.db.write(move |db| leases::acquire(db, NO_CONNECTION, FOLD_LEASE, now)).await
    }

    async fn drain(&self, lease: Option<&Lease>) -> Result<Folded, FoldError> {
        let (mut row_count, mut item_count, mut after) = (0, 0, 0);
        for _ in 0..RUN_BATCH_COUNT_MAX {
            let rows = self.inbox.oldest(after, BATCH_ROWS_MAX, BATCH_BYTES_MAX).await?;
            let Some(last) = rows.last() else { break };
            after = last.id;
            let gathered = tokio::task::spawn_blocking(move || Gathered::from_rows(rows)).await;
            let gathered = gathered.map_err(|error| StoreError::Panicked(error.to_string()))?;
            row_count += gathered.row_ids.len() as u64;
            item_count += self.store(gathered, lease).await?;
            self.work.notify_waiters();
        }
        Ok(Folded::All { row_count, item_count })
    }

    /// Writes everything a batch told, in key order, and deletes the batch.
    async fn store(&self, gathered: Gathered, lease: Option<&Lease>) -> Result<u64, FoldError> {
        let Gathered { row_ids, changes, subscriptions, received } = gathered;
        let mut item_count = 0;
        for slice in slices(changes, SLICE_ROWS_MAX) {
            item_count += self.in_slice(lease, move |db, now| arrive(db, &slice, now)).await?;
        }
        for slice in slices(received, NOTED_COUNT_MAX) {
            let note = move |db: &mut _, _| {
                slice.iter().try_for_each(|(connection, at)| folding::note_notification(db, connection, *at))
            };
            self.in_slice(lease, note).await?;
        }
        for slice in slices(subscriptions, NOTED_COUNT_MAX) {
            let note =
                move |db: &mut _, now| slice.iter().try_for_each(|(c, sign, id)| note_sign(db, c, *sign, *id, now));
            self.in_slice(lease, note).await?;
        }
        self.inbox.delete(row_ids).await?;
        Ok(item_count)
    }

    async fn in_slice<T: Send + 'static>(
        &self,
        lease: Option<&Lease>,
        mut work: impl FnMut(&mut crate::store::DbConnection, Timestamp) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (lease, now) = (lease.cloned(), self.clock.now());
        self.db
            .write(move |db| {
                if let Some(lease) = &lease {
                    leases::check(db, lease, now)?;
                }
                work(db, now)
            })
            .await
    }
}

fn slices<T>(items: Vec<T>, count_max: usize) -> impl Iterator<Item = Vec<T>> {
    let mut items = items.into_iter();
    std::iter::from_fn(move || {
        Some(items.by_ref().take(count_max).collect()).filter(|slice: &Vec<T>| !slice.is_empty())
    })
}

/// Writes the changes of connections that still exist; returns how many.
fn arrive(db: &mut crate::store::DbConnection, slice: &[Change], now: Timestamp) -> Result<u64, StoreError> {
    let mut named: Vec<&ConnectionId> = slice.iter().map(|change| &*change.connection).collect();
    named.dedup();
    let existing: HashSet<ConnectionId> = folding::existing_connections(db, &named)?.into_iter().collect();
    let arrivals: Vec<Arrival<'_>> =
        slice.iter().filter(|change| existing.contains(&*change.connection)).map(|change| change.arrival()).collect();
    work_items::arrive(db, &arrivals, now)?;
    let discarded_count = slice.len() - arrivals.len();
    if discarded_count > 0 {
        counter!(DISCARDED_TOTAL, "reason" => "connection_removed").increment(discarded_count as u64);
    }
    Ok(arrivals.len() as u64)
}

/// The subscriptions worker acts on what is due.
fn note_sign(
    db: &mut crate::store::DbConnection,
    connection: &ConnectionId,
    sign: Sign,
    subscription: SubscriptionId,
    now: Timestamp,
) -> Result<(), StoreError> {
    folding::make_subscription_due(db, connection, subscription, now)?;
    match sign {
        Sign::SubscriptionRemoved | Sign::NotificationsMissed => folding::make_delta_due(db, connection, now),
        _ => Ok(()),
    }
}
