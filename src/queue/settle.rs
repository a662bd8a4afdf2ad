//! What becomes of leased rows, inside the transaction that applied what was found.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::directory::ObjectId;
use crate::store::leases::{self, Lease};
use crate::store::work_items::{self, Failure, Kept, Lane, WorkItem};
use crate::store::{DbConnection, StoreError};

/// What became of a row that was worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Nothing changed since it was leased and no second look is left: deleted.
    Done,
    /// Nothing changed since it was leased: kept for a second look.
    SecondLook {
        /// When that is due.
        due_at: Timestamp,
    },
    /// It changed while it was worked on: due again at once.
    ChangedMeanwhile,
    /// The row is gone or somebody else's; nothing was written.
    NotOurs,
}

/// Settles rows whose objects were fetched and applied. `rechecks` are the second looks, counted from the latest
/// change.
///
/// # Errors
/// [`StoreError::LeaseLost`] when somebody else has taken over: the caller's whole transaction must be rolled back.
pub fn settle(
    db: &mut DbConnection,
    lease: &Lease,
    lane: Lane,
    items: &[WorkItem],
    rechecks: &[Duration],
    now: Timestamp,
) -> Result<Vec<(ObjectId, Settled)>, StoreError> {
    leases::check(db, lease, now)?;
    let objects: Vec<ObjectId> = items.iter().map(|item| item.object).collect();
    let stored = work_items::stored_versions(db, lease, lane, &objects)?;
    let settled: Vec<(ObjectId, Settled)> =
        items.iter().map(|item| (item.object, outcome(item, stored.get(&item.object), rechecks))).collect();
    let of = |wanted: Settled| settled.iter().filter(move |(_, is)| *is == wanted).map(|(object, _)| *object);
    let kept: Vec<Kept> = settled.iter().filter_map(kept).collect();
    work_items::delete(db, lease, lane, &of(Settled::Done).collect::<Vec<_>>())?;
    work_items::keep(db, lease, lane, &kept)?;
    work_items::make_due_at_once(db, lease, lane, &of(Settled::ChangedMeanwhile).collect::<Vec<_>>(), now)?;
    Ok(settled)
}

fn outcome(item: &WorkItem, stored_version: Option<&i64>, rechecks: &[Duration]) -> Settled {
    match stored_version {
        None => Settled::NotOurs,
        Some(version) if *version != item.version => Settled::ChangedMeanwhile,
        Some(_) => match rechecks.get(item.look_count as usize) {
            Some(after) => Settled::SecondLook { due_at: item.changed_at.plus(*after) },
            None => Settled::Done,
        },
    }
}

fn kept((object, settled): &(ObjectId, Settled)) -> Option<Kept> {
    match settled {
        Settled::SecondLook { due_at } => Some(Kept { object: *object, due_at: *due_at }),
        _ => None,
    }
}

/// Gives rows whose attempt failed back, due at `due_at`; those that changed meanwhile are due at once.
/// `count_attempt` is false for waits that are not the items' fault, such as a Retry-After.
///
/// # Errors
/// [`StoreError::LeaseLost`] as with [`settle`].
pub fn retry(
    db: &mut DbConnection,
    lease: &Lease,
    lane: Lane,
    failed: &[(WorkItem, String)],
    due_at: Timestamp,
    count_attempt: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let failures = unchanged(db, lease, lane, failed, now)?;
    work_items::retry(db, lease, lane, &failures, due_at, count_attempt)
}

/// Gives rows up for a person to see; those that changed meanwhile are due at once instead.
///
/// # Errors
/// [`StoreError::LeaseLost`] as with [`settle`].
pub fn bury(
    db: &mut DbConnection,
    lease: &Lease,
    lane: Lane,
    failed: &[(WorkItem, String)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let failures = unchanged(db, lease, lane, failed, now)?;
    work_items::bury(db, lease, lane, &failures, now)
}

/// The failures of rows that did not change since they were leased; the others are made due at once.
fn unchanged(
    db: &mut DbConnection,
    lease: &Lease,
    lane: Lane,
    failed: &[(WorkItem, String)],
    now: Timestamp,
) -> Result<Vec<Failure>, StoreError> {
    leases::check(db, lease, now)?;
    let objects: Vec<ObjectId> = failed.iter().map(|(item, _)| item.object).collect();
    let stored = work_items::stored_versions(db, lease, lane, &objects)?;
    let (same, changed): (Vec<_>, Vec<_>) =
        failed.iter().partition(|(item, _)| stored.get(&item.object) == Some(&item.version));
    let changed: Vec<ObjectId> = changed.into_iter().map(|(item, _)| item.object).collect();
    work_items::make_due_at_once(db, lease, lane, &changed, now)?;
    Ok(same.into_iter().map(|(item, error)| Failure { object: item.object, error: error.clone() }).collect())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::directory::account::FoundBy;

    const RECHECKS: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(300)];

    fn item(look_count: u32) -> WorkItem {
        WorkItem {
            object: ObjectId(Uuid::from_u128(1)),
            version: 3,
            hint: None,
            found_by: FoundBy::Notification,
            received_at: Timestamp(0),
            changed_at: Timestamp(1_000_000),
            look_count,
            attempt_count: 0,
        }
    }

    #[test]
    fn second_looks_are_counted_from_the_latest_change_and_then_it_is_done() {
        let outcomes: Vec<Settled> = (0..3).map(|looks| outcome(&item(looks), Some(&3), &RECHECKS)).collect();
        let second = |seconds: i64| Settled::SecondLook { due_at: Timestamp((1 + seconds) * 1_000_000) };
        assert_eq!(outcomes, [second(60), second(300), Settled::Done]);
    }

    #[test]
    fn without_second_looks_it_is_done_at_once() {
        assert_eq!(outcome(&item(0), Some(&3), &[]), Settled::Done);
    }

    #[test]
    fn a_row_with_another_version_changed_meanwhile_and_a_missing_one_is_not_ours() {
        assert_eq!(outcome(&item(0), Some(&4), &RECHECKS), Settled::ChangedMeanwhile);
        assert_eq!(outcome(&item(0), None, &RECHECKS), Settled::NotOurs);
    }
}
