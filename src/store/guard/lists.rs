//! The lists of held and rejected leavers.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use serde_json::{Value, json};

use super::{KeyRow, RUN_ITEMS, columns, flat};
use crate::directory::guard::{HeldLeaver, LeaverKey};
use crate::directory::{ConnectionId, RunId};
use crate::store::DbConnection;
use crate::store::bulk::{self, OnConflict};
use crate::store::error::StoreError;

/// Leavers that are held, or were rejected and stay as they are until somebody decides again.
pub fn held(db: &mut DbConnection, connection: &ConnectionId) -> Result<HashSet<LeaverKey>, StoreError> {
    let rows: Vec<KeyRow> = diesel::sql_query(
        "SELECT kind, object_id, team_id FROM run_items WHERE connection_id = $1 AND state IN ('held', 'rejected')",
    )
    .bind::<Text, _>(connection.as_str())
    .load(db)?;
    rows.into_iter().map(LeaverKey::try_from).collect()
}

/// Leavers that an administrator rejected and nothing was decided about since.
pub fn rejected(db: &mut DbConnection, connection: &ConnectionId) -> Result<HashSet<LeaverKey>, StoreError> {
    let rows: Vec<KeyRow> = diesel::sql_query(
        "SELECT kind, object_id, team_id FROM run_items WHERE connection_id = $1 AND state = 'rejected'",
    )
    .bind::<Text, _>(connection.as_str())
    .load(db)?;
    rows.into_iter().map(LeaverKey::try_from).collect()
}

/// Puts leavers on the list of a held run; those once rejected move there.
pub fn hold(
    db: &mut DbConnection,
    connection: &ConnectionId,
    run: RunId,
    leavers: &[HeldLeaver],
) -> Result<(), StoreError> {
    let list = bulk::list(db, 2);
    diesel::sql_query(format!(
        "DELETE FROM run_items WHERE connection_id = $1 AND state = 'rejected' \
         AND kind || '/' || object_id || '/' || team_id IN {list}"
    ))
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(bulk::texts(leavers.iter().map(|leaver| flat(&leaver.key))))
    .execute(db)?;
    let rows = leavers.iter().map(|leaver| item(connection, run, leaver)).collect();
    bulk::insert(db, &RUN_ITEMS, rows, OnConflict::Keep)?;
    Ok(())
}

/// The leavers on the lists of held runs: of the incremental one, or of the others.
pub fn held_in(
    db: &mut DbConnection,
    connection: &ConnectionId,
    incremental: bool,
) -> Result<HashSet<LeaverKey>, StoreError> {
    let rows: Vec<KeyRow> = diesel::sql_query(
        "SELECT i.kind, i.object_id, i.team_id FROM run_items i \
         JOIN runs r ON r.connection_id = i.connection_id AND r.run_id = i.run_id \
         WHERE i.connection_id = $1 AND i.state = 'held' AND (r.kind = 'incremental') = $2",
    )
    .bind::<Text, _>(connection.as_str())
    .bind::<Bool, _>(incremental)
    .load(db)?;
    rows.into_iter().map(LeaverKey::try_from).collect()
}

fn item(connection: &ConnectionId, run: RunId, leaver: &HeldLeaver) -> Value {
    let (kind, object, team) = columns(&leaver.key);
    let action = match leaver.key {
        LeaverKey::Account(_) => "disable",
        LeaverKey::Membership(..) => "remove_member",
        LeaverKey::Team(_) => "delete",
    };
    json!([
        connection.as_str(),
        run.to_string(),
        kind,
        object,
        team,
        leaver.name,
        action,
        leaver.reason.map(|reason| reason.as_str()),
        "[]",
        "held",
    ])
}

/// Takes leavers off every held or rejected list: they returned, or are gone already.
pub fn strike(db: &mut DbConnection, connection: &ConnectionId, returned: &[LeaverKey]) -> Result<(), StoreError> {
    if returned.is_empty() {
        return Ok(());
    }
    let list = bulk::list(db, 2);
    diesel::sql_query(format!(
        "DELETE FROM run_items WHERE connection_id = $1 AND state IN ('held', 'rejected') \
         AND kind || '/' || object_id || '/' || team_id IN {list}"
    ))
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(bulk::texts(returned.iter().map(flat)))
    .execute(db)?;
    Ok(())
}

/// The leavers on one run's list that are in `state`.
pub fn listed(
    db: &mut DbConnection,
    connection: &ConnectionId,
    run: RunId,
    state: &str,
) -> Result<Vec<LeaverKey>, StoreError> {
    let rows: Vec<KeyRow> = diesel::sql_query(
        "SELECT kind, object_id, team_id FROM run_items WHERE connection_id = $1 AND run_id = $2 AND state = $3",
    )
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(run.to_string())
    .bind::<Text, _>(state)
    .load(db)?;
    rows.into_iter().map(LeaverKey::try_from).collect()
}

/// Moves some leavers on a run's list from held to allowed.
pub fn allow(
    db: &mut DbConnection,
    connection: &ConnectionId,
    run: RunId,
    keys: impl IntoIterator<Item = LeaverKey>,
) -> Result<(), StoreError> {
    let list = bulk::list(db, 3);
    diesel::sql_query(format!(
        "UPDATE run_items SET state = 'allowed' WHERE connection_id = $1 AND run_id = $2 AND state = 'held' \
         AND kind || '/' || object_id || '/' || team_id IN {list}"
    ))
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(run.to_string())
    .bind::<Text, _>(bulk::texts(keys.into_iter().map(|key| flat(&key))))
    .execute(db)?;
    Ok(())
}

/// Moves every leaver on a run's list from one state to another.
pub fn set_state(
    db: &mut DbConnection,
    connection: &ConnectionId,
    run: RunId,
    from: &str,
    to: &str,
) -> Result<(), StoreError> {
    diesel::sql_query("UPDATE run_items SET state = $1 WHERE connection_id = $2 AND run_id = $3 AND state = $4")
        .bind::<Text, _>(to)
        .bind::<Text, _>(connection.as_str())
        .bind::<Text, _>(run.to_string())
        .bind::<Text, _>(from)
        .execute(db)?;
    Ok(())
}
