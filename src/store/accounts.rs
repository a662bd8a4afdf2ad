//! Accounts by the person they are linked to.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::bulk;
use super::db_connection::DbConnection;
use super::error::StoreError;
use crate::clock::Timestamp;
use crate::directory::account::{Account, Observation};
use crate::directory::{AccountId, ConnectionId, ObjectId, TeamId};

/// The columns of [`AccountRow`], for the queries that read whole accounts.
pub(super) const COLUMNS: &str = "a.account_id, a.external_id, a.profile, a.manager_external_id, a.active, \
     a.deactivated_reason, a.deactivated_at, a.observation, a.created_at, a.updated_at";

/// A row of `accounts`.
#[derive(QueryableByName)]
pub(super) struct AccountRow {
    #[diesel(sql_type = Text)]
    account_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    external_id: Option<String>,
    #[diesel(sql_type = Text)]
    profile: String,
    #[diesel(sql_type = Nullable<Text>)]
    manager_external_id: Option<String>,
    #[diesel(sql_type = Bool)]
    active: bool,
    #[diesel(sql_type = Nullable<Text>)]
    deactivated_reason: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    deactivated_at: Option<i64>,
    #[diesel(sql_type = BigInt)]
    observation: i64,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    updated_at: i64,
}

impl TryFrom<AccountRow> for Account {
    type Error = StoreError;

    fn try_from(row: AccountRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: parse("accounts.account_id", &row.account_id)?,
            external_id: row.external_id.map(|id| parse("accounts.external_id", &id)).transpose()?,
            profile: serde_json::from_str(&row.profile)
                .map_err(|error| StoreError::corrupt("accounts.profile", error))?,
            manager: row.manager_external_id.map(|id| parse("accounts.manager_external_id", &id)).transpose()?,
            active: row.active,
            deactivated_reason: row
                .deactivated_reason
                .map(|reason| parse("accounts.deactivated_reason", &reason))
                .transpose()?,
            deactivated_at: row.deactivated_at.map(Timestamp),
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
            observation: Observation(row.observation),
        })
    }
}

/// Reads a stored text back into its type.
pub(super) fn parse<T: std::str::FromStr>(column: &'static str, text: &str) -> Result<T, StoreError>
where
    T::Err: ToString,
{
    text.parse().map_err(|error: T::Err| StoreError::corrupt(column, error.to_string()))
}

/// The accounts linked to `people`, by person.
pub fn by_external_ids(
    db: &mut DbConnection,
    connection: &ConnectionId,
    people: &[ObjectId],
) -> Result<HashMap<ObjectId, Account>, StoreError> {
    let list = bulk::list(db, 2);
    let rows: Vec<AccountRow> = diesel::sql_query(format!(
        "SELECT {COLUMNS} FROM accounts a WHERE a.connection_id = $1 AND a.external_id IN {list}"
    ))
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(bulk::texts(people))
    .load(db)?;
    let accounts = rows.into_iter().map(Account::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(accounts.into_iter().filter_map(|account| Some((account.external_id?, account))).collect())
}

#[derive(QueryableByName)]
struct MembershipRow {
    #[diesel(sql_type = Text)]
    team_id: String,
    #[diesel(sql_type = Text)]
    account_id: String,
}

/// The teams each of `accounts` is in; accounts in no team are missing.
pub fn memberships(
    db: &mut DbConnection,
    connection: &ConnectionId,
    accounts: impl IntoIterator<Item = AccountId>,
) -> Result<HashMap<AccountId, BTreeSet<TeamId>>, StoreError> {
    let list = bulk::list(db, 2);
    let rows: Vec<MembershipRow> = diesel::sql_query(format!(
        "SELECT team_id, account_id FROM team_members WHERE connection_id = $1 AND account_id IN {list}"
    ))
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(bulk::texts(accounts))
    .load(db)?;
    let mut found: HashMap<AccountId, BTreeSet<TeamId>> = HashMap::new();
    for row in rows {
        let account = parse("team_members.account_id", &row.account_id)?;
        found.entry(account).or_default().insert(parse("team_members.team_id", &row.team_id)?);
    }
    Ok(found)
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = Text)]
    external_id: String,
}

/// The linked people after `after` in the order of their ids, at most `limit`; for walking all of them.
pub fn linked_people_after(
    db: &mut DbConnection,
    connection: &ConnectionId,
    after: Option<ObjectId>,
    limit: i64,
) -> Result<Vec<ObjectId>, StoreError> {
    let rows: Vec<IdRow> = diesel::sql_query(
        "SELECT external_id FROM accounts WHERE connection_id = $1 AND external_id > $2 \
         ORDER BY external_id LIMIT $3",
    )
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(after.map(|id| id.to_string()).unwrap_or_default())
    .bind::<BigInt, _>(limit)
    .load(db)?;
    rows.iter().map(|row| parse("accounts.external_id", &row.external_id)).collect()
}

#[derive(QueryableByName)]
struct NumberRow {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Draws the number of an observation that is about to begin.
pub fn next_observation(db: &mut DbConnection, connection: &ConnectionId) -> Result<Observation, StoreError> {
    let row: NumberRow = diesel::sql_query(
        "UPDATE connection_states SET observation_sequence = observation_sequence + 1 WHERE connection_id = $1 \
         RETURNING observation_sequence AS number",
    )
    .bind::<Text, _>(connection.as_str())
    .get_result(db)?;
    Ok(Observation(row.number))
}
