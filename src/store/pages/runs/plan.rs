//! The items of a run's plan.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde::Serialize;
use serde_json::Value;

use crate::directory::{ConnectionId, RunId};
use crate::store::DbConnection;
use crate::store::error::StoreError;

/// What a dry run would do to one object, or what a held run waits to do.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = PlanItem)]
pub struct PlanItemView {
    /// The object.
    pub object: PlannedObject,
    /// `create`, `update`, `disable`, `enable`, `delete`, `add_member`, `remove_member` or `none`.
    pub action: String,
    /// Why; says so when the accidental-deletion guard holds it or would.
    pub reason: Option<String>,
    /// What would differ: `attribute`, `before`, `after`.
    #[schema(value_type = Vec<Object>)]
    pub changes: Value,
    /// `planned`, `held`, `allowed` or `rejected`.
    pub state: String,
    /// Where the next page begins.
    #[serde(skip)]
    pub key: PlanKey,
}

/// The object of a planned item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PlannedObject {
    /// `user`, `group` or `membership`.
    pub kind: String,
    /// The object's id; for a membership the person's.
    pub id: String,
    /// The name to show.
    pub name: Option<String>,
    /// The team of a membership.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team_id: Option<String>,
}

/// The place of an item in its plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanKey {
    /// The stored kind.
    pub kind: String,
    /// The object.
    pub object_id: String,
    /// The team of a membership, otherwise empty.
    pub team_id: String,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    object_id: String,
    #[diesel(sql_type = Text)]
    team_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    object_name: Option<String>,
    #[diesel(sql_type = Text)]
    action: String,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = Text)]
    changes: String,
    #[diesel(sql_type = Text)]
    state: String,
}

/// At most `limit` items of a run's plan, from after `after` on.
pub fn plan(
    db: &mut DbConnection,
    connection: &ConnectionId,
    run: RunId,
    after: &PlanKey,
    limit: i64,
) -> Result<Vec<PlanItemView>, StoreError> {
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT kind, object_id, team_id, object_name, action, reason, changes, state FROM run_items \
         WHERE connection_id = $1 AND run_id = $2 AND (kind, object_id, team_id) > ($3, $4, $5) \
         ORDER BY kind, object_id, team_id LIMIT $6",
    )
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(run.to_string())
    .bind::<Text, _>(&after.kind)
    .bind::<Text, _>(&after.object_id)
    .bind::<Text, _>(&after.team_id)
    .bind::<BigInt, _>(limit)
    .load(db)?;
    rows.into_iter().map(Row::view).collect()
}

impl Row {
    fn view(self) -> Result<PlanItemView, StoreError> {
        let changes =
            serde_json::from_str(&self.changes).map_err(|error| StoreError::corrupt("run_items.changes", error))?;
        // Held leavers are stored by what they lose; outside, objects are called what they are in the directory.
        let kind = match self.kind.as_str() {
            "account" => "user",
            "team" => "group",
            other => other,
        };
        Ok(PlanItemView {
            object: PlannedObject {
                kind: kind.to_owned(),
                id: self.object_id.clone(),
                name: self.object_name,
                team_id: Some(self.team_id.clone()).filter(|team| !team.is_empty()),
            },
            action: self.action,
            reason: self.reason,
            changes,
            state: self.state,
            key: PlanKey { kind: self.kind, object_id: self.object_id, team_id: self.team_id },
        })
    }
}
