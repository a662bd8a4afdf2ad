//! The mirror of memberships: which groups matter, and who is directly in them.

mod people;

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use serde_json::json;

pub use people::{direct_groups, people_below};

use super::accounts::parse;
use super::bulk::{self, Kind, OnConflict, Table};
use super::db_connection::DbConnection;
use super::error::StoreError;
use crate::clock::Timestamp;
use crate::directory::account::Observation;
use crate::directory::rules::ConnectionSettings;
use crate::directory::scope::GroupGraph;
use crate::directory::source::{Member, MemberKind, SourceGroup};
use crate::directory::{ConnectionId, ObjectId};

const EDGES: Table = Table {
    name: "mirror_edges",
    columns: &[
        ("connection_id", Kind::Text),
        ("group_id", Kind::Text),
        ("member_id", Kind::Text),
        ("is_group", Kind::Bool),
    ],
    key: "connection_id, group_id, member_id",
};

const GROUPS: Table = Table {
    name: "mirror_groups",
    columns: &[("connection_id", Kind::Text), ("group_id", Kind::Text)],
    key: "connection_id, group_id",
};

#[derive(QueryableByName)]
struct EdgeRow {
    #[diesel(sql_type = Text)]
    group_id: String,
    #[diesel(sql_type = Text)]
    member_id: String,
}

impl EdgeRow {
    fn ids(&self) -> Result<(ObjectId, ObjectId), StoreError> {
        Ok((parse("mirror_edges.group_id", &self.group_id)?, parse("mirror_edges.member_id", &self.member_id)?))
    }
}

/// A group of the mirror.
#[derive(Clone, Debug)]
pub struct MirrorGroup {
    /// Its object id.
    pub id: ObjectId,
    /// Its name when last fetched.
    pub display_name: Option<String>,
    /// Its description when last fetched.
    pub description: Option<String>,
    /// The observation of its last whole listing; zero before the first.
    pub listed: Observation,
    /// Since when Graph answers that it does not exist.
    pub gone_at: Option<Timestamp>,
}

#[derive(QueryableByName)]
struct GroupRow {
    #[diesel(sql_type = Text)]
    group_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    display_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    description: Option<String>,
    #[diesel(sql_type = BigInt)]
    listed_observation: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    gone_at: Option<i64>,
}

/// Edges that are about to be removed from one group.
#[derive(Clone, Debug)]
pub struct RemovedEdges {
    /// The group.
    pub group: ObjectId,
    /// Its members no longer.
    pub members: HashSet<ObjectId>,
}

impl RemovedEdges {
    /// Whether this edge is one of them.
    pub fn contains(&self, group: ObjectId, member: ObjectId) -> bool {
        self.group == group && self.members.contains(&member)
    }
}

/// The groups of a connection and their nesting, under its present settings; as if `without` were removed already.
pub fn graph(
    db: &mut DbConnection,
    connection: &ConnectionId,
    settings: &ConnectionSettings,
    without: Option<&RemovedEdges>,
) -> Result<GroupGraph, StoreError> {
    let rows: Vec<EdgeRow> =
        diesel::sql_query("SELECT group_id, member_id FROM mirror_edges WHERE connection_id = $1 AND is_group = $2")
            .bind::<Text, _>(connection.as_str())
            .bind::<Bool, _>(true)
            .load(db)?;
    let mut edges = rows.iter().map(EdgeRow::ids).collect::<Result<Vec<_>, _>>()?;
    edges.retain(|(group, member)| without.is_none_or(|removed| !removed.contains(*group, *member)));
    Ok(GroupGraph::new(&settings.scope, settings.team_groups(), edges))
}

/// Every group of the mirror by id.
pub fn groups(db: &mut DbConnection, connection: &ConnectionId) -> Result<HashMap<ObjectId, MirrorGroup>, StoreError> {
    let rows: Vec<GroupRow> = diesel::sql_query(
        "SELECT group_id, display_name, description, listed_observation, gone_at FROM mirror_groups \
         WHERE connection_id = $1",
    )
    .bind::<Text, _>(connection.as_str())
    .load(db)?;
    let group = |row: GroupRow| {
        let id = parse("mirror_groups.group_id", &row.group_id)?;
        let group = MirrorGroup {
            id,
            display_name: row.display_name,
            description: row.description,
            listed: Observation(row.listed_observation),
            gone_at: row.gone_at.map(Timestamp),
        };
        Ok((id, group))
    };
    rows.into_iter().map(group).collect()
}

/// Begins to mirror `groups`; those already mirrored stay as they are. Returns how many are new.
pub fn track(
    db: &mut DbConnection,
    connection: &ConnectionId,
    groups: impl IntoIterator<Item = ObjectId>,
) -> Result<usize, StoreError> {
    let rows = groups.into_iter().map(|group| json!([connection.as_str(), group.to_string()])).collect();
    bulk::insert(db, &GROUPS, rows, OnConflict::Keep)
}

/// Stops mirroring `groups` and forgets their members.
pub fn forget(db: &mut DbConnection, connection: &ConnectionId, groups: &[ObjectId]) -> Result<(), StoreError> {
    let list = bulk::list(db, 2);
    for table in ["mirror_edges", "mirror_groups"] {
        diesel::sql_query(format!("DELETE FROM {table} WHERE connection_id = $1 AND group_id IN {list}"))
            .bind::<Text, _>(connection.as_str())
            .bind::<Text, _>(bulk::texts(groups))
            .execute(db)?;
    }
    Ok(())
}

/// Claims a group for a look numbered `observation`; false when a later look was there first.
pub fn claim(
    db: &mut DbConnection,
    connection: &ConnectionId,
    group: ObjectId,
    observation: Observation,
) -> Result<bool, StoreError> {
    let claimed = diesel::sql_query(
        "UPDATE mirror_groups SET listed_observation = $1 \
         WHERE connection_id = $2 AND group_id = $3 AND listed_observation <= $1",
    )
    .bind::<BigInt, _>(observation.0)
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(group.to_string())
    .execute(db)?;
    Ok(claimed == 1)
}

/// Records what a group is called; its members were listed whole by the look that claimed it.
pub fn put_group(db: &mut DbConnection, connection: &ConnectionId, group: &SourceGroup) -> Result<(), StoreError> {
    diesel::sql_query(
        "UPDATE mirror_groups SET display_name = $1, description = $2, gone_at = NULL \
         WHERE connection_id = $3 AND group_id = $4",
    )
    .bind::<Nullable<Text>, _>(group.display_name.as_deref())
    .bind::<Nullable<Text>, _>(group.description.as_deref())
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(group.id.to_string())
    .execute(db)?;
    Ok(())
}

/// Records that Graph does not have a group; its members stay as they were, because a missing group is not an
/// empty one.
pub fn mark_gone(
    db: &mut DbConnection,
    connection: &ConnectionId,
    group: ObjectId,
    now: Timestamp,
) -> Result<(), StoreError> {
    diesel::sql_query(
        "UPDATE mirror_groups SET gone_at = $1 WHERE connection_id = $2 AND group_id = $3 AND gone_at IS NULL",
    )
    .bind::<BigInt, _>(now.0)
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(group.to_string())
    .execute(db)?;
    Ok(())
}

#[derive(QueryableByName)]
struct MemberRow {
    #[diesel(sql_type = Text)]
    member_id: String,
    #[diesel(sql_type = Bool)]
    is_group: bool,
}

/// The direct members of one group.
pub fn members(
    db: &mut DbConnection,
    connection: &ConnectionId,
    group: ObjectId,
) -> Result<HashSet<Member>, StoreError> {
    let rows: Vec<MemberRow> =
        diesel::sql_query("SELECT member_id, is_group FROM mirror_edges WHERE connection_id = $1 AND group_id = $2")
            .bind::<Text, _>(connection.as_str())
            .bind::<Text, _>(group.to_string())
            .load(db)?;
    let member = |row: MemberRow| {
        let kind = if row.is_group { MemberKind::Group } else { MemberKind::User };
        Ok(Member { id: parse("mirror_edges.member_id", &row.member_id)?, kind })
    };
    rows.into_iter().map(member).collect()
}

/// Adds direct members to a group; edges already there stay.
pub fn add_members(
    db: &mut DbConnection,
    connection: &ConnectionId,
    group: ObjectId,
    members: &[Member],
) -> Result<(), StoreError> {
    let row = |member: &Member| {
        json!([connection.as_str(), group.to_string(), member.id.to_string(), member.kind == MemberKind::Group])
    };
    let rows = members.iter().filter(|member| member.kind != MemberKind::Other).map(row).collect();
    bulk::insert(db, &EDGES, rows, OnConflict::Keep)?;
    Ok(())
}

/// Removes direct members from a group.
pub fn remove_members(
    db: &mut DbConnection,
    connection: &ConnectionId,
    group: ObjectId,
    members: &[Member],
) -> Result<(), StoreError> {
    let list = bulk::list(db, 3);
    diesel::sql_query(format!(
        "DELETE FROM mirror_edges WHERE connection_id = $1 AND group_id = $2 AND member_id IN {list}"
    ))
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(group.to_string())
    .bind::<Text, _>(bulk::texts(members.iter().map(|member| member.id)))
    .execute(db)?;
    Ok(())
}
