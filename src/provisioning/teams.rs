//! Teams follow their groups: made, renamed and brought back here; ended only through the guard.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::directory::account::{FoundBy, Team};
use crate::directory::profile::Change;
use crate::directory::rules::ConnectionSettings;
use crate::directory::source::SourceGroup;
use crate::directory::{ConnectionId, TeamId};
use crate::store::apply::{self, LogLine};
use crate::store::{DbConnection, StoreError, teams};

/// Brings the team of `group` to what the group is now, if the settings make a team of it.
pub fn put(
    db: &mut DbConnection,
    connection: &ConnectionId,
    settings: &ConnectionSettings,
    group: &SourceGroup,
    found_by: FoundBy,
    now: Timestamp,
) -> Result<(), StoreError> {
    // Without a name the group is limited information: a permission is missing.
    let Some(name) = group.display_name.clone().filter(|_| settings.team_groups().contains(&group.id)) else {
        return Ok(());
    };
    let before = teams::all(db, connection)?.remove(&group.id);
    let after = Team {
        id: before.as_ref().map_or_else(|| TeamId(Uuid::now_v7()), |team| team.id),
        external_id: group.id,
        name,
        description: group.description.clone(),
        active: true,
        created_at: before.as_ref().map_or(now, |team| team.created_at),
        updated_at: now,
    };
    let changes = changes(before.as_ref(), &after);
    if changes.is_empty() {
        return Ok(());
    }
    let (event, action) = match &before {
        Some(team) if team.active => ("team.updated", "update"),
        Some(_) => ("team.created", "enable"),
        None => ("team.created", "create"),
    };
    write(db, connection, &after, changes, Act { event, action, reason: None, found_by, now })
}

/// Ends those of `passed` that nobody is in any more: their groups are gone, or no longer named in the settings. Call
/// only for teams that passed the guard.
pub fn end_empty(
    db: &mut DbConnection,
    connection: &ConnectionId,
    passed: &BTreeSet<TeamId>,
    found_by: FoundBy,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sizes = teams::sizes(db, connection, passed.iter().copied())?;
    let ending = |team: &&Team| team.active && sizes.get(&team.id) == Some(&0);
    let reason = Some("its group is gone or no longer makes a team");
    for team in teams::all(db, connection)?.values().filter(ending) {
        let after = Team { active: false, updated_at: now, ..team.clone() };
        let changes = vec![Change::new("active", true, false)];
        write(db, connection, &after, changes, Act { event: "team.deleted", action: "delete", reason, found_by, now })?;
    }
    Ok(())
}

struct Act {
    event: &'static str,
    action: &'static str,
    reason: Option<&'static str>,
    found_by: FoundBy,
    now: Timestamp,
}

fn write(
    db: &mut DbConnection,
    connection: &ConnectionId,
    team: &Team,
    changes: Vec<Change>,
    act: Act,
) -> Result<(), StoreError> {
    teams::put(db, connection, team)?;
    let previous: Map<String, Value> =
        changes.iter().map(|change| (change.attribute.clone(), change.before.clone())).collect();
    let previous = if act.action == "create" { json!({}) } else { Value::Object(previous) };
    apply::append_team_event(db, connection, act.event, team, previous, act.now)?;
    let count = match act.action {
        "create" | "enable" => 1,
        "delete" => -1,
        _ => 0,
    };
    teams::count_active(db, connection, count, act.now)?;
    let line = LogLine {
        run: None,
        found_by: act.found_by,
        object_kind: "group",
        object_id: team.external_id.to_string(),
        object_name: Some(team.name.clone()),
        action: act.action,
        status: "success",
        reason: act.reason.map(str::to_owned),
        changes,
    };
    apply::append_log(db, connection, vec![line], act.now, std::time::Duration::ZERO)
}

fn changes(before: Option<&Team>, after: &Team) -> Vec<Change> {
    let name = before.map(|team| team.name.clone());
    let description = before.and_then(|team| team.description.clone());
    let was_active = before.is_some_and(|team| team.active);
    let mut changes = Vec::new();
    if name.as_ref() != Some(&after.name) {
        changes.push(Change::new("name", name, after.name.clone()));
    }
    if description != after.description {
        changes.push(Change::new("description", description, after.description.clone()));
    }
    if !was_active {
        changes.push(Change::new("active", false, true));
    }
    changes
}
