//! What the accidental-deletion guard remembers: leavers of the last day, and lists that are held or were rejected.

mod lists;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde_json::json;

pub use lists::{allow, held, held_in, hold, listed, rejected, set_state, strike};

use super::accounts::parse;
use super::bulk::{self, Kind, OnConflict, Table};
use super::db_connection::DbConnection;
use super::error::StoreError;
use super::{snapshots, teams};
use crate::clock::Timestamp;
use crate::directory::ConnectionId;
use crate::directory::guard::{HeldLeaver, LeaverCounts, LeaverKey, Ledger};

/// The window over which leavers are counted.
const WINDOW: Duration = Duration::from_secs(24 * 3_600);

const LEDGER: Table = Table {
    name: "guard_ledger",
    columns: &[
        ("connection_id", Kind::Text),
        ("kind", Kind::Text),
        ("object_id", Kind::Text),
        ("team_id", Kind::Text),
        ("at", Kind::BigInt),
    ],
    key: "connection_id, kind, object_id, team_id",
};

const RUN_ITEMS: Table = Table {
    name: "run_items",
    columns: &[
        ("connection_id", Kind::Text),
        ("run_id", Kind::Text),
        ("kind", Kind::Text),
        ("object_id", Kind::Text),
        ("team_id", Kind::Text),
        ("object_name", Kind::Text),
        ("action", Kind::Text),
        ("reason", Kind::Text),
        ("changes", Kind::Text),
        ("state", Kind::Text),
    ],
    key: "connection_id, run_id, kind, object_id, team_id",
};

/// A leaver's key as columns: kind, object, team.
fn columns(key: &LeaverKey) -> (&'static str, String, String) {
    match key {
        LeaverKey::Account(person) => ("account", person.to_string(), String::new()),
        LeaverKey::Membership(person, team) => ("membership", person.to_string(), team.to_string()),
        LeaverKey::Team(team) => ("team", team.to_string(), String::new()),
    }
}

fn flat(key: &LeaverKey) -> String {
    let (kind, object, team) = columns(key);
    format!("{kind}/{object}/{team}")
}

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    object_id: String,
    #[diesel(sql_type = Text)]
    team_id: String,
}

impl TryFrom<KeyRow> for LeaverKey {
    type Error = StoreError;

    fn try_from(row: KeyRow) -> Result<Self, StoreError> {
        let object = "run_items.object_id";
        Ok(match row.kind.as_str() {
            "account" => Self::Account(parse(object, &row.object_id)?),
            "membership" => Self::Membership(parse(object, &row.object_id)?, parse("run_items.team_id", &row.team_id)?),
            "team" => Self::Team(parse(object, &row.object_id)?),
            other => return Err(StoreError::corrupt("run_items.kind", other)),
        })
    }
}

/// What the guard has to know to judge `set`.
pub fn ledger(
    db: &mut DbConnection,
    connection: &ConnectionId,
    set: &[HeldLeaver],
    now: Timestamp,
) -> Result<Ledger, StoreError> {
    let touched: BTreeSet<_> = set
        .iter()
        .filter_map(|leaver| match leaver.key {
            LeaverKey::Membership(_, team) => Some(team),
            _ => None,
        })
        .collect();
    let sizes = teams::sizes(db, connection, touched)?;
    Ok(Ledger {
        applied: applied(db, connection, set, now)?,
        active_now: snapshots::active_now(db, connection)?,
        active_then: snapshots::active_then(db, connection, now)?,
        team_sizes: sizes.into_iter().map(|(team, size)| (team, u64::try_from(size).unwrap_or_default())).collect(),
        emptied_groups: Vec::new(),
        source_gone: None,
        held: held(db, connection)?,
        taken_over: HashSet::new(),
    })
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Leavers of the last day besides those of `set`: a set that passed once, when its group was read, is not counted
/// again when its people are fetched.
fn applied(
    db: &mut DbConnection,
    connection: &ConnectionId,
    set: &[HeldLeaver],
    now: Timestamp,
) -> Result<LeaverCounts, StoreError> {
    let list = bulk::list(db, 3);
    let rows: Vec<CountRow> = diesel::sql_query(format!(
        "SELECT kind, COUNT(*) AS number FROM guard_ledger WHERE connection_id = $1 AND at > $2 \
         AND kind || '/' || object_id || '/' || team_id NOT IN {list} GROUP BY kind"
    ))
    .bind::<Text, _>(connection.as_str())
    .bind::<BigInt, _>(now.minus(WINDOW).0)
    .bind::<Text, _>(bulk::texts(set.iter().map(|leaver| flat(&leaver.key))))
    .load(db)?;
    let numbers: BTreeMap<String, u64> =
        rows.into_iter().map(|row| (row.kind, u64::try_from(row.number).unwrap_or_default())).collect();
    let of = |kind: &str| numbers.get(kind).copied().unwrap_or_default();
    Ok(LeaverCounts { accounts: of("account"), memberships: of("membership"), teams: of("team") })
}

/// Counts leavers that passed. Each counts once however often a crash makes its batch run again.
pub fn reserve(
    db: &mut DbConnection,
    connection: &ConnectionId,
    leavers: &[LeaverKey],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut keys: Vec<_> = leavers.iter().map(columns).collect();
    keys.sort_unstable();
    keys.dedup();
    let row =
        |(kind, object, team): (&'static str, String, String)| json!([connection.as_str(), kind, object, team, now.0]);
    bulk::insert(db, &LEDGER, keys.into_iter().map(row).collect(), OnConflict::Update("at = excluded.at"))?;
    diesel::sql_query("DELETE FROM guard_ledger WHERE connection_id = $1 AND at <= $2")
        .bind::<Text, _>(connection.as_str())
        .bind::<BigInt, _>(now.minus(WINDOW).0)
        .execute(db)?;
    Ok(())
}
