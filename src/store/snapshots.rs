//! Counters of a connection, and how many were active by the hour.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::db_connection::DbConnection;
use super::error::StoreError;
use crate::clock::Timestamp;
use crate::directory::ConnectionId;
use crate::directory::account::FoundBy;
use crate::directory::guard::LeaverCounts;

/// One hour in microseconds: how finely the guard remembers what was active.
const HOUR: i64 = 3_600_000_000;

/// What one transaction changes of a connection's counters.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Changes {
    pub(super) active: i64,
    pub(super) inactive: i64,
    pub(super) memberships: i64,
    pub(super) teams: i64,
    pub(super) notification: i64,
    pub(super) delta: i64,
    pub(super) reconcile: i64,
}

impl Changes {
    /// Counts an account that was and is active or not, or did not exist.
    pub(super) fn count_account(&mut self, was: Option<bool>, is: Option<bool>) {
        self.active += i64::from(is == Some(true)) - i64::from(was == Some(true));
        self.inactive += i64::from(is == Some(false)) - i64::from(was == Some(false));
    }

    /// Counts a change by the finder that was first; only the three finders count.
    pub(super) fn count_finder(&mut self, finder: FoundBy) {
        match finder {
            FoundBy::Notification => self.notification += 1,
            FoundBy::Delta => self.delta += 1,
            FoundBy::Reconcile => self.reconcile += 1,
            FoundBy::Initial | FoundBy::OnDemand | FoundBy::Scim | FoundBy::Operator => {}
        }
    }
}

#[derive(QueryableByName)]
struct CountsRow {
    #[diesel(sql_type = BigInt)]
    accounts: i64,
    #[diesel(sql_type = BigInt)]
    memberships: i64,
    #[diesel(sql_type = BigInt)]
    teams: i64,
}

impl From<CountsRow> for LeaverCounts {
    fn from(row: CountsRow) -> Self {
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        Self { accounts: count(row.accounts), memberships: count(row.memberships), teams: count(row.teams) }
    }
}

/// Adds `changes` to the connection's counters and keeps the hour's snapshot.
pub(super) fn count_changes(
    db: &mut DbConnection,
    connection: &ConnectionId,
    changes: &Changes,
    now: Timestamp,
) -> Result<(), StoreError> {
    // What was active before this hour's first change is what the hour began with.
    keep_snapshot(db, connection, now)?;
    diesel::sql_query(
        "UPDATE connection_states SET accounts_active = accounts_active + $1, \
         accounts_inactive = accounts_inactive + $2, memberships = memberships + $3, \
         teams_active = teams_active + $4, found_by_notification = found_by_notification + $5, \
         found_by_delta = found_by_delta + $6, found_by_reconcile = found_by_reconcile + $7 WHERE connection_id = $8",
    )
    .bind::<BigInt, _>(changes.active)
    .bind::<BigInt, _>(changes.inactive)
    .bind::<BigInt, _>(changes.memberships)
    .bind::<BigInt, _>(changes.teams)
    .bind::<BigInt, _>(changes.notification)
    .bind::<BigInt, _>(changes.delta)
    .bind::<BigInt, _>(changes.reconcile)
    .bind::<Text, _>(connection.as_str())
    .execute(db)?;
    Ok(())
}

fn keep_snapshot(db: &mut DbConnection, connection: &ConnectionId, now: Timestamp) -> Result<(), StoreError> {
    diesel::sql_query(
        "INSERT INTO guard_snapshots (connection_id, hour, accounts, memberships, teams) \
         SELECT connection_id, $1, accounts_active, memberships, teams_active FROM connection_states \
         WHERE connection_id = $2 ON CONFLICT (connection_id, hour) DO NOTHING",
    )
    .bind::<BigInt, _>(now.0.div_euclid(HOUR))
    .bind::<Text, _>(connection.as_str())
    .execute(db)?;
    Ok(())
}

/// What is active now.
pub(super) fn active_now(db: &mut DbConnection, connection: &ConnectionId) -> Result<LeaverCounts, StoreError> {
    let row: CountsRow = diesel::sql_query(
        "SELECT accounts_active AS accounts, memberships, teams_active AS teams FROM connection_states \
         WHERE connection_id = $1",
    )
    .bind::<Text, _>(connection.as_str())
    .get_result(db)?;
    Ok(row.into())
}

/// What was active 24 hours ago: what the first change since then found. Zero when nothing changed since.
pub(super) fn active_then(
    db: &mut DbConnection,
    connection: &ConnectionId,
    now: Timestamp,
) -> Result<LeaverCounts, StoreError> {
    let row: Option<CountsRow> = diesel::sql_query(
        "SELECT accounts, memberships, teams FROM guard_snapshots WHERE connection_id = $1 AND hour >= $2 \
         ORDER BY hour LIMIT 1",
    )
    .bind::<Text, _>(connection.as_str())
    .bind::<BigInt, _>(now.0.div_euclid(HOUR) - 24)
    .get_result(db)
    .optional()?;
    Ok(row.map(LeaverCounts::from).unwrap_or_default())
}
