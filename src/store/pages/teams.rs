//! Teams as the outside reads them.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::super::accounts::parse;
use super::super::db_connection::DbConnection;
use super::super::error::StoreError;
use crate::clock::Timestamp;
use crate::directory::views::{TeamKind, TeamView};
use crate::directory::{ConnectionId, TeamId};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    team_id: String,
    #[diesel(sql_type = Text)]
    external_id: String,
    #[diesel(sql_type = Text)]
    kind: String,
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
    #[diesel(sql_type = BigInt)]
    member_count: i64,
}

const SELECT: &str = "SELECT t.team_id, t.external_id, t.kind, t.name, t.description, t.active, t.created_at, \
     t.updated_at, (SELECT COUNT(*) FROM team_members m \
     WHERE m.connection_id = t.connection_id AND m.team_id = t.team_id) AS member_count FROM teams t";

/// At most `limit` teams by id, ended ones included, from after `after` on.
pub fn page(
    db: &mut DbConnection,
    connection: &ConnectionId,
    after: Option<TeamId>,
    limit: i64,
) -> Result<Vec<TeamView>, StoreError> {
    let rows: Vec<Row> = diesel::sql_query(format!(
        "{SELECT} WHERE t.connection_id = $1 AND t.team_id > $2 ORDER BY t.team_id LIMIT $3"
    ))
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(after.map(|id| id.to_string()).unwrap_or_default())
    .bind::<BigInt, _>(limit)
    .load(db)?;
    rows.into_iter().map(Row::view).collect()
}

/// The team of this id, or the one of the group of this object id.
pub fn get(db: &mut DbConnection, connection: &ConnectionId, id: &str) -> Result<Option<TeamView>, StoreError> {
    let id = id.to_ascii_lowercase();
    let row: Option<Row> = diesel::sql_query(format!(
        "{SELECT} WHERE t.connection_id = $1 AND (t.team_id = $2 OR t.external_id = $3) ORDER BY t.team_id LIMIT 1"
    ))
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(&id)
    .bind::<Text, _>(&id)
    .get_result(db)
    .optional()?;
    row.map(Row::view).transpose()
}

impl Row {
    fn view(self) -> Result<TeamView, StoreError> {
        let kind = match self.kind.as_str() {
            "group" => TeamKind::Group,
            "department" => TeamKind::Department,
            other => return Err(StoreError::corrupt("teams.kind", other)),
        };
        Ok(TeamView {
            id: parse("teams.team_id", &self.team_id)?,
            external_id: parse("teams.external_id", &self.external_id)?,
            name: self.name,
            description: self.description,
            kind,
            member_count: self.member_count,
            active: self.active,
            created_at: Timestamp(self.created_at),
            updated_at: Timestamp(self.updated_at),
        })
    }
}
