//! Teams and who belongs to them.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::accounts::parse;
use super::bulk;
use super::db_connection::DbConnection;
use super::error::StoreError;
use crate::clock::Timestamp;
use crate::directory::account::Team;
use crate::directory::{ConnectionId, ObjectId, TeamId};

#[derive(QueryableByName)]
struct TeamRow {
    #[diesel(sql_type = Text)]
    team_id: String,
    #[diesel(sql_type = Text)]
    external_id: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Text>)]
    description: Option<String>,
    #[diesel(sql_type = Bool)]
    active: bool,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    updated_at: i64,
}

/// Every team of a connection, ended ones included, by group.
pub fn all(db: &mut DbConnection, connection: &ConnectionId) -> Result<HashMap<ObjectId, Team>, StoreError> {
    let rows: Vec<TeamRow> = diesel::sql_query(
        "SELECT team_id, external_id, name, description, active, created_at, updated_at FROM teams \
         WHERE connection_id = $1 AND kind = 'group'",
    )
    .bind::<Text, _>(connection.as_str())
    .load(db)?;
    let team = |row: TeamRow| {
        let external_id = parse("teams.external_id", &row.external_id)?;
        let team = Team {
            id: parse("teams.team_id", &row.team_id)?,
            external_id,
            name: row.name,
            description: row.description,
            active: row.active,
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
        };
        Ok((external_id, team))
    };
    rows.into_iter().map(team).collect()
}

/// Writes a team, new or changed.
pub fn put(db: &mut DbConnection, connection: &ConnectionId, team: &Team) -> Result<(), StoreError> {
    diesel::sql_query(
        "INSERT INTO teams (connection_id, team_id, external_id, kind, name, description, active, created_at, updated_at) \
         VALUES ($1, $2, $3, 'group', $4, $5, $6, $7, $8) \
         ON CONFLICT (connection_id, team_id) DO UPDATE SET name = excluded.name, \
         description = excluded.description, active = excluded.active, updated_at = excluded.updated_at",
    )
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(team.id.to_string())
    .bind::<Text, _>(team.external_id.to_string())
    .bind::<Text, _>(&team.name)
    .bind::<Nullable<Text>, _>(team.description.as_deref())
    .bind::<Bool, _>(team.active)
    .bind::<BigInt, _>(team.created_at.0)
    .bind::<BigInt, _>(team.updated_at.0)
    .execute(db)?;
    Ok(())
}

#[derive(QueryableByName)]
struct SizeRow {
    #[diesel(sql_type = Text)]
    team_id: String,
    #[diesel(sql_type = BigInt)]
    size: i64,
}

/// How many accounts are in each of `teams`; empty ones count zero.
pub fn sizes(
    db: &mut DbConnection,
    connection: &ConnectionId,
    teams: impl IntoIterator<Item = TeamId>,
) -> Result<BTreeMap<TeamId, i64>, StoreError> {
    let mut sizes: BTreeMap<TeamId, i64> = teams.into_iter().map(|team| (team, 0)).collect();
    if sizes.is_empty() {
        return Ok(sizes);
    }
    let list = bulk::list(db, 2);
    let rows: Vec<SizeRow> = diesel::sql_query(format!(
        "SELECT team_id, COUNT(*) AS size FROM team_members WHERE connection_id = $1 AND team_id IN {list} \
         GROUP BY team_id"
    ))
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(bulk::texts(sizes.keys()))
    .load(db)?;
    for row in rows {
        sizes.insert(parse("team_members.team_id", &row.team_id)?, row.size);
    }
    Ok(sizes)
}

/// Counts teams that began or ended.
pub fn count_active(
    db: &mut DbConnection,
    connection: &ConnectionId,
    teams: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    super::snapshots::count_changes(db, connection, &super::snapshots::Changes { teams, ..Default::default() }, now)
}
