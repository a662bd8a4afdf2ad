//! Time-bounded claims by which several processes share the work without waiting for one another.

use std::sync::OnceLock;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use uuid::Uuid;

use super::db::Db;
use super::db_connection::DbConnection;
use super::error::StoreError;
use crate::clock::{SharedClock, Timestamp};

/// How long a lease lasts without renewal: the longest time work stands still after a process died.
pub const LEASE_TERM: Duration = Duration::from_secs(10);

/// How often a holder renews: three chances before it runs out.
pub const LEASE_RENEWAL_INTERVAL: Duration = Duration::from_secs(3);

/// How far the clocks of replicas may differ: a holder that renews in time always has this left, so that a replica
/// whose clock is ahead by less takes over no living lease. Beyond it work is done twice, but nothing is written twice:
/// every write checks the lease's token.
pub const CLOCK_DIFFERENCE_MAX: Duration = Duration::from_secs(5);

/// How long a renewal itself may take.
const RENEWAL_TIME_MAX: Duration = Duration::from_secs(2);

const _: () = assert!(
    LEASE_TERM.as_secs()
        >= LEASE_RENEWAL_INTERVAL.as_secs() + RENEWAL_TIME_MAX.as_secs() + CLOCK_DIFFERENCE_MAX.as_secs()
);

/// The lease under which one process carries out a connection's runs.
pub const RUN_LEASE: &str = "run";

/// The lease of a connection's one delta reader.
pub const DELTA_LEASE: &str = "delta";

/// The owner of leases that belong to no connection.
pub const NO_CONNECTION: &str = "";

/// A held lease; proof of it is checked inside the transaction of whatever it protects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The connection, or [`NO_CONNECTION`].
    pub connection: String,
    /// What is claimed.
    pub name: String,
    token: String,
}

impl Lease {
    /// The token that marks rows claimed under this lease.
    pub fn token(&self) -> &str {
        &self.token
    }
}

/// Takes the lease `name` of `connection` unless somebody else holds it, by a clock that may be ahead of the holder's by
/// [`CLOCK_DIFFERENCE_MAX`].
pub fn acquire(
    db: &mut DbConnection,
    connection: &str,
    name: &str,
    now: Timestamp,
) -> Result<Option<Lease>, StoreError> {
    let token = format!("{}/{}", process(), Uuid::new_v4());
    let taken = diesel::sql_query(
        "INSERT INTO leases (connection_id, name, token, until) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (connection_id, name) DO UPDATE SET token = excluded.token, until = excluded.until \
         WHERE leases.until <= $5",
    )
    .bind::<Text, _>(connection)
    .bind::<Text, _>(name)
    .bind::<Text, _>(&token)
    .bind::<BigInt, _>(now.plus(LEASE_TERM).0)
    .bind::<BigInt, _>(now.0)
    .execute(db)?;
    Ok((taken == 1).then(|| Lease { connection: connection.to_owned(), name: name.to_owned(), token }))
}

/// Extends a held lease, never to an earlier end than it has; fails with [`StoreError::LeaseLost`] when somebody else holds it now.
pub fn renew(db: &mut DbConnection, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
    let renewed = diesel::sql_query(
        "UPDATE leases SET until = CASE WHEN until > $1 THEN until ELSE $1 END \
             WHERE connection_id = $2 AND name = $3 AND token = $4",
    )
    .bind::<BigInt, _>(now.plus(LEASE_TERM).0)
    .bind::<Text, _>(&lease.connection)
    .bind::<Text, _>(&lease.name)
    .bind::<Text, _>(&lease.token)
    .execute(db)?;
    if renewed == 1 { Ok(()) } else { Err(StoreError::LeaseLost) }
}

/// Does `work` while renewing `lease`, so that it may take longer than the term; ends with
/// [`StoreError::LeaseLost`] as soon as somebody else has taken over.
pub async fn holding<T>(
    db: &Db,
    lease: &Lease,
    clock: &SharedClock,
    work: impl Future<Output = T>,
) -> Result<T, StoreError> {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Ok(done),
            () = tokio::time::sleep(LEASE_RENEWAL_INTERVAL) => {
                let (lease, now) = (lease.clone(), clock.now());
                db.write(move |db| renew(db, &lease, now)).await?;
            }
        }
    }
}

/// Checks, inside the transaction it is called in, that the lease is still held; extends it, so that a rival waits.
pub fn check(db: &mut DbConnection, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
    renew(db, lease, now)
}

/// Gives a lease back so that the next worker need not wait for its term. Nothing happens when it was lost.
pub fn release(db: &mut DbConnection, lease: &Lease) -> Result<(), StoreError> {
    diesel::sql_query("DELETE FROM leases WHERE connection_id = $1 AND name = $2 AND token = $3")
        .bind::<Text, _>(&lease.connection)
        .bind::<Text, _>(&lease.name)
        .bind::<Text, _>(&lease.token)
        .execute(db)?;
    Ok(())
}

/// What the tokens of this process begin with.
fn process() -> &'static str {
    static PROCESS: OnceLock<String> = OnceLock::new();
    PROCESS.get_or_init(|| Uuid::new_v4().to_string())
}

/// Gives back every lease of this process, and every row taken under one: when it stops.
pub fn release_process(db: &mut DbConnection) -> Result<(), StoreError> {
    let ours = format!("{}/%", process());
    diesel::sql_query("DELETE FROM leases WHERE token LIKE $1").bind::<Text, _>(&ours).execute(db)?;
    diesel::sql_query("UPDATE work_items SET lease_token = NULL, lease_until = NULL WHERE lease_token LIKE $1")
        .bind::<Text, _>(&ours)
        .execute(db)?;
    Ok(())
}

/// Voids every lease: on SQLite at start, when no other process can hold one.
pub fn void_all(db: &mut DbConnection) -> Result<(), StoreError> {
    diesel::sql_query("DELETE FROM leases").execute(db)?;
    diesel::sql_query("UPDATE work_items SET lease_token = NULL, lease_until = NULL WHERE lease_token IS NOT NULL")
        .execute(db)?;
    Ok(())
}
