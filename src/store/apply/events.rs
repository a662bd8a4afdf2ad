//! Events of what was applied: numbered without a gap, in the transaction of the change itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::bulk::{self, Kind, OnConflict, Table};
use super::super::db_connection::DbConnection;
use super::super::error::StoreError;
use super::super::sequences::{self, Counter};
use super::super::{accounts, teams};
use super::{Context, Step, touched_teams};
use crate::clock::Timestamp;
use crate::directory::account::{Account, Team};
use crate::directory::decide::AccountStep;
use crate::directory::views::{AccountView, TeamView};
use crate::directory::{AccountId, ConnectionId, ObjectId, TeamId};

const EVENTS: Table = Table {
    name: "events",
    columns: &[
        ("connection_id", Kind::Text),
        ("sequence", Kind::BigInt),
        ("event_id", Kind::Text),
        ("event_type", Kind::Text),
        ("at", Kind::BigInt),
        ("data", Kind::Text),
        ("previous", Kind::Text),
    ],
    key: "connection_id, sequence",
};

struct Event {
    kind: &'static str,
    data: Value,
    previous: Value,
}

fn append(
    db: &mut DbConnection,
    connection: &ConnectionId,
    events: Vec<Event>,
    now: Timestamp,
) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    let first = sequences::draw(db, connection, Counter::Events, events.len())?;
    let row = |(sequence, event): (i64, Event)| {
        json!([
            connection.as_str(),
            sequence,
            Uuid::now_v7().to_string(),
            event.kind,
            now.0,
            event.data.to_string(),
            event.previous.to_string(),
        ])
    };
    bulk::insert(db, &EVENTS, (first..).zip(events).map(row).collect(), OnConflict::Refuse)?;
    Ok(())
}

/// Appends `team.created`, `team.updated` or `team.deleted`.
pub fn append_team_event(
    db: &mut DbConnection,
    connection: &ConnectionId,
    kind: &'static str,
    team: &Team,
    previous: Value,
    now: Timestamp,
) -> Result<(), StoreError> {
    let size = teams::sizes(db, connection, [team.id])?.remove(&team.id).unwrap_or_default();
    append(db, connection, vec![Event { kind, data: to_value(TeamView::new(team, size))?, previous }], now)
}

fn to_value(view: impl serde::Serialize) -> Result<Value, StoreError> {
    serde_json::to_value(view).map_err(|error| StoreError::corrupt("events.data", error))
}

pub(super) fn append_steps(
    db: &mut DbConnection,
    connection: &ConnectionId,
    steps: &[Step<'_>],
    context: &Context,
) -> Result<(), StoreError> {
    let mut events = account_events(db, connection, steps)?;
    events.extend(member_events(db, connection, steps)?);
    append(db, connection, events, context.now)
}

fn account_events(
    db: &mut DbConnection,
    connection: &ConnectionId,
    steps: &[Step<'_>],
) -> Result<Vec<Event>, StoreError> {
    let changed: Vec<&Step<'_>> = steps.iter().filter(|step| step.changes_account()).collect();
    if changed.is_empty() {
        return Ok(Vec::new());
    }
    let managers = managers(db, connection, &changed)?;
    let mut memberships = accounts::memberships(db, connection, changed.iter().filter_map(|step| step.id))?;
    let mut events = Vec::new();
    for step in changed {
        let Some(after) = &step.after else { continue };
        let teams = memberships.remove(&after.id).unwrap_or_default().into_iter().collect();
        let manager = after.manager.and_then(|person| managers.get(&person)).copied();
        let view = AccountView::new(after.clone(), manager, teams);
        events.push(Event { kind: kind(&step.plan.step), data: to_value(view)?, previous: previous(step, &managers)? });
    }
    Ok(events)
}

fn kind(step: &AccountStep) -> &'static str {
    match step {
        AccountStep::Create { .. } => "account.created",
        AccountStep::Update(update) if update.reactivate => "account.reactivated",
        AccountStep::Deactivate { .. } => "account.deactivated",
        _ => "account.updated",
    }
}

/// The accounts of all managers before and after, by person.
fn managers(
    db: &mut DbConnection,
    connection: &ConnectionId,
    steps: &[&Step<'_>],
) -> Result<HashMap<ObjectId, AccountId>, StoreError> {
    let before = steps.iter().filter_map(|step| step.before.and_then(|account| account.manager));
    let after = steps.iter().filter_map(|step| step.after.as_ref().and_then(|account| account.manager));
    let people: BTreeSet<ObjectId> = before.chain(after).collect();
    if people.is_empty() {
        return Ok(HashMap::new());
    }
    let people: Vec<ObjectId> = people.into_iter().collect();
    let accounts = accounts::by_external_ids(db, connection, &people)?;
    Ok(accounts.into_iter().map(|(person, account)| (person, account.id)).collect())
}

/// The fields that changed, as they were.
fn previous(step: &Step<'_>, managers: &HashMap<ObjectId, AccountId>) -> Result<Value, StoreError> {
    let (Some(before), Some(after)) = (step.before, &step.after) else {
        return Ok(json!({}));
    };
    let view = |account: &Account| {
        let manager = account.manager.and_then(|person| managers.get(&person)).copied();
        to_value(AccountView::new(account.clone(), manager, Vec::new()))
    };
    let (Value::Object(before), Value::Object(after)) = (view(before)?, view(after)?) else {
        return Ok(json!({}));
    };
    let changed: Map<String, Value> =
        before.into_iter().filter(|(name, value)| name != "updated_at" && after.get(name) != Some(value)).collect();
    Ok(Value::Object(changed))
}

fn member_events(
    db: &mut DbConnection,
    connection: &ConnectionId,
    steps: &[Step<'_>],
) -> Result<Vec<Event>, StoreError> {
    let touched = touched_teams(steps);
    if touched.is_empty() {
        return Ok(Vec::new());
    }
    let views = team_views(db, connection, touched)?;
    let mut events = Vec::new();
    for step in steps {
        let Some(account) = step.id else { continue };
        let joined = step.plan.join.iter().map(|team| ("team.member_added", team));
        let left = step.plan.leave.iter().map(|team| ("team.member_removed", team));
        for (kind, team) in joined.chain(left) {
            let Some(view) = views.get(team) else { continue };
            let mut data = view.clone();
            data["member"] = json!({ "id": account, "external_id": step.plan.object });
            events.push(Event { kind, data, previous: json!({}) });
        }
    }
    Ok(events)
}

fn team_views(
    db: &mut DbConnection,
    connection: &ConnectionId,
    touched: BTreeSet<TeamId>,
) -> Result<BTreeMap<TeamId, Value>, StoreError> {
    let sizes = teams::sizes(db, connection, touched.iter().copied())?;
    let all = teams::all(db, connection)?;
    let of = |team: &Team| Some((team.id, to_value(TeamView::new(team, *sizes.get(&team.id)?))));
    all.values().filter_map(of).map(|(id, view)| Ok((id, view?))).collect()
}
