//! The state row of a connection.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::clock::Timestamp;
use crate::directory::ConnectionId;
use crate::store::DbConnection;
use crate::store::bulk;
use crate::store::error::StoreError;

/// What changes of a connection without an administrator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionState {
    /// The sequence of its newest event.
    pub event_sequence: i64,
    /// Active accounts.
    pub accounts_active: i64,
    /// Accounts that are not active.
    pub accounts_inactive: i64,
    /// Places of active accounts in active teams.
    pub memberships: i64,
    /// Active teams.
    pub teams_active: i64,
    /// Changes a notification was first to announce.
    pub found_by_notification: i64,
    /// Changes delta was first to find.
    pub found_by_delta: i64,
    /// Changes a reconcile was first to find.
    pub found_by_reconcile: i64,
    /// When the last notification was received.
    pub last_notification_at: Option<Timestamp>,
    /// When delta was last read to its end.
    pub last_delta_at: Option<Timestamp>,
    /// When the last reconcile ended.
    pub last_reconcile_at: Option<Timestamp>,
    /// When the initial cycle ended; `None` before.
    pub initial_cycle_at: Option<Timestamp>,
    /// When delta is due.
    pub delta_due_at: Option<Timestamp>,
    /// When the nightly reconcile is due.
    pub reconcile_due_at: Option<Timestamp>,
    /// Why it is quarantined, in one word; `None` while it is not.
    pub trouble_cause: Option<String>,
    /// What happened and what to do about it.
    pub trouble_detail: Option<String>,
    /// Since when.
    pub trouble_since: Option<Timestamp>,
    /// How often it failed since then.
    pub trouble_count: i64,
    /// When it is tried again.
    pub next_attempt_at: Option<Timestamp>,
}

#[derive(QueryableByName)]
pub(super) struct StateRow {
    #[diesel(sql_type = Text)]
    connection_id: String,
    #[diesel(sql_type = BigInt)]
    event_sequence: i64,
    #[diesel(sql_type = BigInt)]
    accounts_active: i64,
    #[diesel(sql_type = BigInt)]
    accounts_inactive: i64,
    #[diesel(sql_type = BigInt)]
    memberships: i64,
    #[diesel(sql_type = BigInt)]
    teams_active: i64,
    #[diesel(sql_type = BigInt)]
    found_by_notification: i64,
    #[diesel(sql_type = BigInt)]
    found_by_delta: i64,
    #[diesel(sql_type = BigInt)]
    found_by_reconcile: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    last_notification_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    last_delta_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    last_reconcile_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    initial_cycle_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    delta_due_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    reconcile_due_at: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    trouble_cause: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    trouble_detail: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    trouble_since: Option<i64>,
    #[diesel(sql_type = BigInt)]
    trouble_count: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    next_attempt_at: Option<i64>,
}

/// The state of one connection; `None` when there is no such connection.
pub fn state(db: &mut DbConnection, id: &ConnectionId) -> Result<Option<ConnectionState>, StoreError> {
    Ok(states(db, std::slice::from_ref(id))?.into_iter().next().map(|(_, state)| state))
}

/// The states of several connections, by id.
pub fn states(db: &mut DbConnection, ids: &[ConnectionId]) -> Result<Vec<(ConnectionId, ConnectionState)>, StoreError> {
    let wanted = bulk::list(db, 1);
    let rows: Vec<StateRow> = diesel::sql_query(format!(
        "SELECT connection_id, event_sequence, accounts_active, accounts_inactive, memberships, teams_active, \
         found_by_notification, found_by_delta, found_by_reconcile, last_notification_at, last_delta_at, \
         last_reconcile_at, initial_cycle_at, delta_due_at, reconcile_due_at, trouble_cause, trouble_detail, \
         trouble_since, trouble_count, next_attempt_at \
         FROM connection_states WHERE connection_id IN {wanted} ORDER BY connection_id"
    ))
    .bind::<Text, _>(bulk::texts(ids))
    .load(db)?;
    rows.into_iter().map(StateRow::state).collect()
}

impl StateRow {
    fn state(self) -> Result<(ConnectionId, ConnectionState), StoreError> {
        let id = self.connection_id.parse();
        let id = id.map_err(|error| StoreError::corrupt("connection_states.connection_id", error))?;
        let state = ConnectionState {
            event_sequence: self.event_sequence,
            accounts_active: self.accounts_active,
            accounts_inactive: self.accounts_inactive,
            memberships: self.memberships,
            teams_active: self.teams_active,
            found_by_notification: self.found_by_notification,
            found_by_delta: self.found_by_delta,
            found_by_reconcile: self.found_by_reconcile,
            last_notification_at: self.last_notification_at.map(Timestamp),
            last_delta_at: self.last_delta_at.map(Timestamp),
            last_reconcile_at: self.last_reconcile_at.map(Timestamp),
            initial_cycle_at: self.initial_cycle_at.map(Timestamp),
            delta_due_at: self.delta_due_at.map(Timestamp),
            reconcile_due_at: self.reconcile_due_at.map(Timestamp),
            trouble_cause: self.trouble_cause,
            trouble_detail: self.trouble_detail,
            trouble_since: self.trouble_since.map(Timestamp),
            trouble_count: self.trouble_count,
            next_attempt_at: self.next_attempt_at.map(Timestamp),
        };
        Ok((id, state))
    }
}
