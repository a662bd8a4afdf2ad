//! What the state of a connection is judged by, for several connections at once.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::super::accounts::parse;
use super::super::bulk;
use super::super::connections::{ConnectionState, states};
use super::super::db_connection::DbConnection;
use super::super::error::StoreError;
use super::subscriptions::{self, SubscriptionView};
use crate::clock::Timestamp;
use crate::directory::{ConnectionId, ObjectId};

/// What is known of one connection beside its settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    /// Its state row.
    pub state: ConnectionState,
    /// Its subscriptions, by resource.
    pub subscriptions: Vec<SubscriptionView>,
    /// Runs the accidental-deletion guard holds.
    pub held_runs: i64,
    /// People given up after repeated failure.
    pub buried: i64,
    /// Groups of the mirror that answered 404, with the name they had.
    pub gone_groups: Vec<(ObjectId, Option<String>)>,
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = Text)]
    connection_id: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct GroupRow {
    #[diesel(sql_type = Text)]
    connection_id: String,
    #[diesel(sql_type = Text)]
    group_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    display_name: Option<String>,
}

/// The overviews of several connections; those that do not exist are missing.
pub fn of(
    db: &mut DbConnection,
    connections: &[ConnectionId],
    now: Timestamp,
) -> Result<HashMap<ConnectionId, Overview>, StoreError> {
    let mut overviews: HashMap<ConnectionId, Overview> = states(db, connections)?
        .into_iter()
        .map(|(id, state)| (id, Overview { state, ..Overview::default() }))
        .collect();
    for subscription in subscriptions::of(db, connections, now)? {
        if let Some(overview) = overviews.get_mut(&subscription.connection) {
            overview.subscriptions.push(subscription);
        }
    }
    count(db, connections, "runs", "status = 'held'", &mut overviews, |overview| &mut overview.held_runs)?;
    count(db, connections, "work_items", "buried_at IS NOT NULL", &mut overviews, |overview| &mut overview.buried)?;
    gone_groups(db, connections, &mut overviews)?;
    Ok(overviews)
}

fn count(
    db: &mut DbConnection,
    connections: &[ConnectionId],
    table: &str,
    condition: &str,
    overviews: &mut HashMap<ConnectionId, Overview>,
    place: fn(&mut Overview) -> &mut i64,
) -> Result<(), StoreError> {
    let wanted = bulk::list(db, 1);
    let rows: Vec<CountRow> = diesel::sql_query(format!(
        "SELECT connection_id, COUNT(*) AS count FROM {table} \
         WHERE connection_id IN {wanted} AND {condition} GROUP BY connection_id"
    ))
    .bind::<Text, _>(bulk::texts(connections))
    .load(db)?;
    for row in rows {
        if let Some(overview) = overviews.get_mut(&parse("connection_id", &row.connection_id)?) {
            *place(overview) = row.count;
        }
    }
    Ok(())
}

fn gone_groups(
    db: &mut DbConnection,
    connections: &[ConnectionId],
    overviews: &mut HashMap<ConnectionId, Overview>,
) -> Result<(), StoreError> {
    let wanted = bulk::list(db, 1);
    let rows: Vec<GroupRow> = diesel::sql_query(format!(
        "SELECT connection_id, group_id, display_name FROM mirror_groups \
         WHERE connection_id IN {wanted} AND gone_at IS NOT NULL ORDER BY group_id"
    ))
    .bind::<Text, _>(bulk::texts(connections))
    .load(db)?;
    for row in rows {
        let group = parse("mirror_groups.group_id", &row.group_id)?;
        if let Some(overview) = overviews.get_mut(&parse("mirror_groups.connection_id", &row.connection_id)?) {
            overview.gone_groups.push((group, row.display_name));
        }
    }
    Ok(())
}
