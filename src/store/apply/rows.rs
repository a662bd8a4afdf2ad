//! The rows of accounts and memberships, written many at a time.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::bulk::{self, Kind, OnConflict, Table};
use super::super::db_connection::DbConnection;
use super::super::error::StoreError;
use super::Step;
use crate::directory::ConnectionId;
use crate::directory::account::{Account, Observation};

const ACCOUNTS: Table = Table {
    name: "accounts",
    columns: &[
        ("connection_id", Kind::Text),
        ("account_id", Kind::Text),
        ("external_id", Kind::Text),
        ("user_name_key", Kind::Text),
        ("search_text", Kind::Text),
        ("profile", Kind::Text),
        ("profile_hash", Kind::Text),
        ("manager_external_id", Kind::Text),
        ("active", Kind::Bool),
        ("deactivated_reason", Kind::Text),
        ("deactivated_at", Kind::BigInt),
        ("observation", Kind::BigInt),
        ("created_at", Kind::BigInt),
        ("updated_at", Kind::BigInt),
    ],
    key: "connection_id, account_id",
};

const ACCOUNT_UPDATE: &str = "user_name_key = excluded.user_name_key, search_text = excluded.search_text, \
     profile = excluded.profile, profile_hash = excluded.profile_hash, \
     manager_external_id = excluded.manager_external_id, active = excluded.active, \
     deactivated_reason = excluded.deactivated_reason, deactivated_at = excluded.deactivated_at, \
     observation = excluded.observation, updated_at = excluded.updated_at";

const TEAM_MEMBERS: Table = Table {
    name: "team_members",
    columns: &[("connection_id", Kind::Text), ("team_id", Kind::Text), ("account_id", Kind::Text)],
    key: "connection_id, team_id, account_id",
};

pub(super) fn write_accounts(
    db: &mut DbConnection,
    connection: &ConnectionId,
    steps: &[Step<'_>],
) -> Result<(), StoreError> {
    let mut accounts: Vec<&Account> = steps.iter().filter_map(|step| step.after.as_ref()).collect();
    // In key order, so that two transactions on PostgreSQL lock alike.
    accounts.sort_by_key(|account| account.id);
    let rows = accounts.into_iter().map(|account| row(connection, account)).collect::<Result<_, _>>()?;
    bulk::insert(db, &ACCOUNTS, rows, OnConflict::Update(ACCOUNT_UPDATE))?;
    Ok(())
}

fn row(connection: &ConnectionId, account: &Account) -> Result<Value, StoreError> {
    let profile =
        serde_json::to_string(&account.profile).map_err(|error| StoreError::corrupt("accounts.profile", error))?;
    let hash = hash(&profile, account);
    Ok(json!([
        connection.as_str(),
        account.id.to_string(),
        account.external_id.map(|id| id.to_string()),
        account.profile.user_name_key(),
        account.profile.search_text(),
        profile,
        hash,
        account.manager.map(|id| id.to_string()),
        account.active,
        account.deactivated_reason.map(|reason| reason.as_str()),
        account.deactivated_at.map(|at| at.0),
        account.observation.0,
        account.created_at.0,
        account.updated_at.0,
    ]))
}

/// Half of a SHA-256 in hexadecimal: two states of one account never collide by accident.
fn hash(profile: &str, account: &Account) -> String {
    let manager = account.manager.map(|id| id.to_string()).unwrap_or_default();
    let digest = Sha256::new().chain_update(manager.len().to_be_bytes()).chain_update(manager).chain_update(profile);
    digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn write_memberships(
    db: &mut DbConnection,
    connection: &ConnectionId,
    steps: &[Step<'_>],
) -> Result<(), StoreError> {
    let mut joining = Vec::new();
    let mut leaving = Vec::new();
    for step in steps {
        let Some(account) = step.id else { continue };
        joining.extend(step.plan.join.iter().map(|team| (*team, account)));
        leaving.extend(step.plan.leave.iter().map(|team| format!("{team}/{account}")));
    }
    joining.sort_unstable();
    let rows = joining
        .into_iter()
        .map(|(team, account)| json!([connection.as_str(), team.to_string(), account.to_string()]))
        .collect();
    bulk::insert(db, &TEAM_MEMBERS, rows, OnConflict::Keep)?;
    if !leaving.is_empty() {
        delete_memberships(db, connection, leaving)?;
    }
    Ok(())
}

/// Raises the observation of accounts that stay as they are, where an older look could still arrive: their memberships
/// changed, or somebody has them in work. Others are not written, so an unchanged directory costs nothing.
pub(super) fn mark_seen(
    db: &mut DbConnection,
    connection: &ConnectionId,
    steps: &[Step<'_>],
    observation: Observation,
) -> Result<(), StoreError> {
    let kept = |step: &&Step<'_>| step.after.is_none() && step.id.is_some();
    let (moved, still): (Vec<&Step<'_>>, Vec<&Step<'_>>) =
        steps.iter().filter(kept).partition(|step| !step.plan.is_nothing());
    let list = bulk::list(db, 3);
    for (steps, condition) in [(moved, "true"), (still, IN_WORK)] {
        if steps.is_empty() {
            continue;
        }
        diesel::sql_query(format!(
            "UPDATE accounts SET observation = $1 WHERE connection_id = $2 AND account_id IN {list} \
             AND observation < $1 AND {condition}"
        ))
        .bind::<BigInt, _>(observation.0)
        .bind::<Text, _>(connection.as_str())
        .bind::<Text, _>(bulk::texts(steps.iter().filter_map(|step| step.id)))
        .execute(db)?;
    }
    Ok(())
}

/// Somebody works on the person, and may have looked before.
const IN_WORK: &str = "EXISTS (SELECT 1 FROM work_items w WHERE w.connection_id = accounts.connection_id \
     AND w.lane = 'user' AND w.object_id = accounts.external_id AND w.lease_token IS NOT NULL)";

fn delete_memberships(db: &mut DbConnection, connection: &ConnectionId, pairs: Vec<String>) -> Result<(), StoreError> {
    let list = bulk::list(db, 3);
    // The accounts are named once more by themselves so that the index on them can be used.
    let accounts = bulk::texts(pairs.iter().filter_map(|pair| pair.split_once('/')).map(|(_, account)| account));
    let of = bulk::list(db, 2);
    diesel::sql_query(format!(
        "DELETE FROM team_members WHERE connection_id = $1 AND account_id IN {of} \
         AND team_id || '/' || account_id IN {list}"
    ))
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(accounts)
    .bind::<Text, _>(bulk::texts(pairs))
    .execute(db)?;
    Ok(())
}
