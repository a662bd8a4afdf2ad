//! Claims that run out.

use std::time::Duration;

use rollcall::clock::Timestamp;
use rollcall::store::leases::{self, CLOCK_DIFFERENCE_MAX, LEASE_RENEWAL_INTERVAL, LEASE_TERM};
use rollcall::store::{Db, StoreError};

use crate::support::store::{START, opened};
use crate::support::{TestDatabase, both_databases};

both_databases!(
    a_check_with_an_older_clock_does_not_shorten_a_lease,
    a_replica_whose_clock_is_ahead_within_the_tolerance_takes_over_no_living_lease,
);

async fn acquire(db: &Db, now: Timestamp) -> Option<leases::Lease> {
    db.write(move |db| leases::acquire(db, "contoso", "sync", now)).await.unwrap()
}

async fn a_check_with_an_older_clock_does_not_shorten_a_lease(database: TestDatabase) {
    let db = opened(&database).await;
    let lease = acquire(&db, START).await.unwrap();
    let renewed_at = START.plus(Duration::from_secs(8));
    let (held, earlier) = (lease.clone(), START.plus(Duration::from_secs(1)));
    db.write(move |db| {
        leases::renew(db, &held, renewed_at)?;
        leases::check(db, &held, earlier)
    })
    .await
    .unwrap();
    assert!(acquire(&db, renewed_at.plus(LEASE_TERM).minus(Duration::from_micros(1))).await.is_none());
    assert!(acquire(&db, renewed_at.plus(LEASE_TERM)).await.is_some());
    let lost = db.write(move |db| leases::check(db, &lease, earlier)).await;
    assert!(matches!(lost, Err(StoreError::LeaseLost)), "{lost:?}");
}

async fn a_replica_whose_clock_is_ahead_within_the_tolerance_takes_over_no_living_lease(database: TestDatabase) {
    let db = opened(&database).await;
    let lease = acquire(&db, START).await.unwrap();
    let renewed_at = START.plus(LEASE_RENEWAL_INTERVAL);
    assert!(acquire(&db, renewed_at.plus(CLOCK_DIFFERENCE_MAX)).await.is_none());
    db.write(move |db| leases::renew(db, &lease, renewed_at)).await.unwrap();
}
