//! Provisioning log lines of what was applied.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::super::bulk::{self, Kind, OnConflict, Table};
use super::super::db_connection::DbConnection;
use super::super::error::StoreError;
use super::super::sequences::{self, Counter};
use super::{Context, Step, team_names, touched_teams};
use crate::directory::account::FoundBy;
use crate::directory::decide::AccountStep;
use crate::directory::profile::Change;
use crate::directory::{ConnectionId, RunId, TeamId};

const LOG: Table = Table {
    name: "provisioning_log",
    columns: &[
        ("connection_id", Kind::Text),
        ("log_id", Kind::BigInt),
        ("at", Kind::BigInt),
        ("run_id", Kind::Text),
        ("found_by", Kind::Text),
        ("object_kind", Kind::Text),
        ("object_id", Kind::Text),
        ("object_name", Kind::Text),
        ("action", Kind::Text),
        ("status", Kind::Text),
        ("reason", Kind::Text),
        ("changes", Kind::Text),
        ("duration_ms", Kind::BigInt),
    ],
    key: "connection_id, log_id",
};

/// One line of the provisioning log, before it has a number.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// The run it belongs to.
    pub run: Option<RunId>,
    /// Who found it.
    pub found_by: FoundBy,
    /// `user`, `group` or `membership`.
    pub object_kind: &'static str,
    /// The object's id.
    pub object_id: String,
    /// The name to show.
    pub object_name: Option<String>,
    /// `create`, `update`, `disable`, `enable`, `delete`, `add_member`, `remove_member` or `none`.
    pub action: &'static str,
    /// `success`, `failure`, `skipped` or `warning`.
    pub status: &'static str,
    /// Why, in a sentence.
    pub reason: Option<String>,
    /// What differs.
    pub changes: Vec<Change>,
}

/// Appends lines to a connection's provisioning log.
pub fn append(
    db: &mut DbConnection,
    connection: &ConnectionId,
    lines: Vec<LogLine>,
    now: crate::clock::Timestamp,
    took: std::time::Duration,
) -> Result<(), StoreError> {
    if lines.is_empty() {
        return Ok(());
    }
    let first = sequences::draw(db, connection, Counter::Log, lines.len())?;
    let duration_ms = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
    let rows = (first..)
        .zip(lines)
        .map(|(number, line)| row(connection, number, line, now, duration_ms))
        .collect::<Result<Vec<_>, _>>()?;
    bulk::insert(db, &LOG, rows, OnConflict::Refuse)?;
    Ok(())
}

fn row(
    connection: &ConnectionId,
    number: i64,
    line: LogLine,
    now: crate::clock::Timestamp,
    duration_ms: i64,
) -> Result<Value, StoreError> {
    let changes =
        serde_json::to_string(&line.changes).map_err(|error| StoreError::corrupt("provisioning_log.changes", error))?;
    Ok(json!([
        connection.as_str(),
        number,
        now.0,
        line.run.map(|run| run.to_string()),
        line.found_by.as_str(),
        line.object_kind,
        line.object_id,
        line.object_name,
        line.action,
        line.status,
        line.reason,
        changes,
        duration_ms,
    ]))
}

pub(super) fn append_steps(
    db: &mut DbConnection,
    connection: &ConnectionId,
    steps: &[Step<'_>],
    context: &Context,
) -> Result<(), StoreError> {
    let names = if touched_teams(steps).is_empty() { HashMap::new() } else { team_names(db, connection)? };
    let lines = steps.iter().flat_map(|step| lines_of(step, &names, context)).collect();
    append(db, connection, lines, context.now, context.took)
}

fn lines_of(step: &Step<'_>, teams: &HashMap<TeamId, String>, context: &Context) -> Vec<LogLine> {
    let plan = step.plan;
    let line = |object_kind, object_name, action, reason, changes| LogLine {
        run: context.run,
        found_by: context.finder(plan.object),
        object_kind,
        object_id: plan.object.to_string(),
        object_name,
        action,
        status: "success",
        reason,
        changes,
    };
    let account =
        account_action(step).map(|(action, reason, changes)| line("user", plan.name.clone(), action, reason, changes));
    let membership = |action| {
        move |team: &TeamId| {
            let team = teams.get(team).map_or("a team", String::as_str);
            let name = plan.name.as_deref().unwrap_or("somebody");
            line("membership", Some(format!("{name} in {team}")), action, None, Vec::new())
        }
    };
    let joined = plan.join.iter().map(membership("add_member"));
    let left = plan.leave.iter().map(membership("remove_member"));
    let memberships: Vec<LogLine> = if step.id.is_some() { joined.chain(left).collect() } else { Vec::new() };
    account.into_iter().chain(memberships).collect()
}

fn account_action(step: &Step<'_>) -> Option<(&'static str, Option<String>, Vec<Change>)> {
    match &step.plan.step {
        AccountStep::Create { profile, .. } => {
            Some(("create", None, profile.changes_since(&crate::directory::profile::Profile::default())))
        }
        AccountStep::Update(update) if update.reactivate => {
            let mut changes = vec![Change::new("active", false, true)];
            changes.extend(update.changes.iter().cloned());
            Some(("enable", None, changes))
        }
        AccountStep::Update(update) => Some(("update", None, update.changes.clone())),
        AccountStep::Deactivate { reason, .. } => {
            Some(("disable", Some(reason.to_string()), vec![Change::new("active", true, false)]))
        }
        AccountStep::Keep { .. } | AccountStep::Skip(_) => None,
    }
}
