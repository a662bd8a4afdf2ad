//! Applies plans that passed the guard, in one transaction: accounts, teams, provisioning log and events.
//!
//! It makes no choices; it refuses what would break a rule: an observation older than the one an account was last
//! decided by, and a user name that is taken.

mod events;
mod log;
mod rows;
mod user_names;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use uuid::Uuid;

use super::db_connection::DbConnection;
use super::error::StoreError;
use super::work_items::{self, Lane};
use super::{accounts, bulk, snapshots, teams};
use crate::clock::Timestamp;
use crate::directory::account::{Account, FoundBy, Observation};
use crate::directory::decide::{AccountStep, PersonPlan};
use crate::directory::guard::ClearedPlans;
use crate::directory::{AccountId, ConnectionId, ObjectId, RunId, TeamId};

pub use events::append_team_event;
pub use log::{LogLine, append as append_log};

/// What a batch of plans is applied under.
#[derive(Clone, Debug)]
pub struct Context {
    /// The number drawn before the fetch began.
    pub observation: Observation,
    /// Who found each person; those missing were found by `found_by_default`.
    pub found_by: HashMap<ObjectId, FoundBy>,
    /// The finder of everybody else.
    pub found_by_default: FoundBy,
    /// The run this belongs to.
    pub run: Option<RunId>,
    /// The present instant.
    pub now: Timestamp,
    /// How long the batch took until now.
    pub took: Duration,
}

impl Context {
    /// Who found `person` first.
    pub fn finder(&self, person: ObjectId) -> FoundBy {
        self.found_by.get(&person).copied().unwrap_or(self.found_by_default)
    }
}

/// What became of the plans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Accounts created.
    pub created: u64,
    /// Accounts updated, membership changes included.
    pub updated: u64,
    /// Accounts that became active again.
    pub reactivated: u64,
    /// Accounts deactivated.
    pub deactivated: u64,
    /// Plans that had nothing to do.
    pub unchanged: u64,
    /// People who get no account.
    pub skipped: u64,
    /// People whose plan was dropped because a newer observation was applied meanwhile.
    pub overtaken: Vec<ObjectId>,
    /// People whose user name is taken, and by whom.
    pub refused: Vec<(ObjectId, String)>,
    /// People for whom something changed.
    pub changed: Vec<ObjectId>,
}

impl Applied {
    /// Adds what became of another slice.
    pub fn add(&mut self, other: Self) {
        self.created += other.created;
        self.updated += other.updated;
        self.reactivated += other.reactivated;
        self.deactivated += other.deactivated;
        self.unchanged += other.unchanged;
        self.skipped += other.skipped;
        self.overtaken.extend(other.overtaken);
        self.refused.extend(other.refused);
        self.changed.extend(other.changed);
    }
}

/// One plan on its way into the tables: the account before and after, and the id it has or gets.
struct Step<'a> {
    plan: &'a PersonPlan,
    id: Option<AccountId>,
    before: Option<&'a Account>,
    after: Option<Account>,
}

impl Step<'_> {
    fn changes_account(&self) -> bool {
        self.after.is_some()
    }

    /// Whether somebody else can have this account's user name from now on.
    fn frees_user_name(&self) -> bool {
        let (Some(before), Some(after)) = (self.before, &self.after) else { return false };
        before.active && (!after.active || before.profile.user_name_key() != after.profile.user_name_key())
    }
}

/// Applies `cleared` to `connection`. The caller checks its lease in the same transaction.
pub fn apply(
    db: &mut DbConnection,
    connection: &ConnectionId,
    cleared: &ClearedPlans,
    context: &Context,
) -> Result<Applied, StoreError> {
    lock(db, connection)?;
    let mut applied = Applied::default();
    let current = drop_overtaken(db, connection, cleared.plans(), context.observation, &mut applied)?;
    let plans = user_names::refuse_taken(db, connection, current, &mut applied.refused)?;
    let steps: Vec<Step<'_>> = plans.into_iter().map(|plan| step(plan, context)).collect();
    count(&steps, &mut applied);
    rows::write_accounts(db, connection, &steps)?;
    rows::write_memberships(db, connection, &steps)?;
    rows::mark_seen(db, connection, &steps, context.observation)?;
    if steps.iter().any(Step::frees_user_name) {
        work_items::revive_buried(db, connection, Lane::User, context.now)?;
    }
    log::append_steps(db, connection, &steps, context)?;
    events::append_steps(db, connection, &steps, context)?;
    snapshots::count_changes(db, connection, &changes(&steps, context), context.now)?;
    Ok(applied)
}

/// Locks the connection's state row first, so that transactions of one connection follow each other on PostgreSQL
/// as they do on SQLite, and never meet in a deadlock.
fn lock(db: &mut DbConnection, connection: &ConnectionId) -> Result<(), StoreError> {
    diesel::sql_query("UPDATE connection_states SET event_sequence = event_sequence WHERE connection_id = $1")
        .bind::<Text, _>(connection.as_str())
        .execute(db)?;
    Ok(())
}

#[derive(QueryableByName)]
struct StoredRow {
    #[diesel(sql_type = Text)]
    external_id: String,
    #[diesel(sql_type = BigInt)]
    observation: i64,
}

/// Takes out plans that were made from what is stored no longer, or by an older look than the stored one.
fn drop_overtaken<'a>(
    db: &mut DbConnection,
    connection: &ConnectionId,
    plans: &'a [PersonPlan],
    observation: Observation,
    applied: &mut Applied,
) -> Result<Vec<&'a PersonPlan>, StoreError> {
    let list = bulk::list(db, 2);
    let rows: Vec<StoredRow> = diesel::sql_query(format!(
        "SELECT external_id, observation FROM accounts WHERE connection_id = $1 AND external_id IN {list}"
    ))
    .bind::<Text, _>(connection.as_str())
    .bind::<Text, _>(bulk::texts(plans.iter().map(|plan| plan.object)))
    .load(db)?;
    let stored = rows
        .iter()
        .map(|row| Ok((accounts::parse("accounts.external_id", &row.external_id)?, Observation(row.observation))))
        .collect::<Result<HashMap<ObjectId, Observation>, StoreError>>()?;
    let is_current = |plan: &&PersonPlan| {
        let stored = stored.get(&plan.object).copied();
        stored.is_none_or(|stored| stored <= observation) && stored == known(plan)
    };
    let (current, overtaken): (Vec<&PersonPlan>, Vec<&PersonPlan>) = plans.iter().partition(is_current);
    applied.overtaken.extend(overtaken.into_iter().map(|plan| plan.object));
    Ok(current)
}

/// The observation of the account a plan was made from.
fn known(plan: &PersonPlan) -> Option<Observation> {
    match &plan.step {
        AccountStep::Create { .. } | AccountStep::Skip(_) => None,
        AccountStep::Update(update) => Some(update.before.observation),
        AccountStep::Deactivate { account, .. } => Some(account.observation),
        AccountStep::Keep { account } => account.as_ref().map(|account| account.observation),
    }
}

fn step<'a>(plan: &'a PersonPlan, context: &Context) -> Step<'a> {
    let (before, after) = match &plan.step {
        AccountStep::Create { profile, manager } => (None, Some(created(plan, profile, *manager, context))),
        AccountStep::Update(update) => {
            let mut after = update.before.clone();
            after.profile = update.profile.clone();
            after.manager = update.manager;
            if update.reactivate {
                (after.active, after.deactivated_reason, after.deactivated_at) = (true, None, None);
            }
            (Some(&update.before), Some(after))
        }
        AccountStep::Deactivate { account, reason } => {
            let mut after = (**account).clone();
            after.active = false;
            after.deactivated_reason = Some(*reason);
            after.deactivated_at = Some(context.now);
            (Some(&**account), Some(after))
        }
        AccountStep::Keep { account } => (account.as_deref(), None),
        AccountStep::Skip(_) => (None, None),
    };
    let after = after.map(|account| Account { updated_at: context.now, observation: context.observation, ..account });
    let id = after.as_ref().or(before).map(|account| account.id);
    Step { plan, id, before, after }
}

fn created(
    plan: &PersonPlan,
    profile: &crate::directory::profile::Profile,
    manager: Option<ObjectId>,
    context: &Context,
) -> Account {
    Account {
        id: AccountId(Uuid::now_v7()),
        external_id: Some(plan.object),
        profile: profile.clone(),
        manager,
        active: true,
        deactivated_reason: None,
        deactivated_at: None,
        created_at: context.now,
        updated_at: context.now,
        observation: context.observation,
    }
}

fn count(steps: &[Step<'_>], applied: &mut Applied) {
    for step in steps {
        let slot = match &step.plan.step {
            AccountStep::Create { .. } => &mut applied.created,
            AccountStep::Update(update) if update.reactivate => &mut applied.reactivated,
            AccountStep::Update(_) => &mut applied.updated,
            AccountStep::Deactivate { .. } => &mut applied.deactivated,
            AccountStep::Keep { .. } if step.plan.is_nothing() => &mut applied.unchanged,
            AccountStep::Keep { .. } => &mut applied.updated,
            AccountStep::Skip(_) => &mut applied.skipped,
        };
        *slot += 1;
        if !step.plan.is_nothing() {
            applied.changed.push(step.plan.object);
        }
    }
}

fn changes(steps: &[Step<'_>], context: &Context) -> snapshots::Changes {
    let mut changes = snapshots::Changes::default();
    for step in steps {
        let was = step.before.map(|account| account.active);
        let is = step.after.as_ref().map_or(was, |account| Some(account.active));
        changes.count_account(was, is);
        if step.id.is_some() {
            changes.memberships += step.plan.join.len() as i64 - step.plan.leave.len() as i64;
        }
        if !step.plan.is_nothing() {
            changes.count_finder(context.finder(step.plan.object));
        }
    }
    changes
}

/// The teams any of the steps touches.
fn touched_teams(steps: &[Step<'_>]) -> BTreeSet<TeamId> {
    steps.iter().flat_map(|step| step.plan.join.iter().chain(&step.plan.leave)).copied().collect()
}

fn team_names(db: &mut DbConnection, connection: &ConnectionId) -> Result<HashMap<TeamId, String>, StoreError> {
    Ok(teams::all(db, connection)?.into_values().map(|team| (team.id, team.name)).collect())
}
