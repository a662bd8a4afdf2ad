//! One set of plans on its way through the guard, and the lists of what is held.

use std::collections::HashSet;

use crate::clock::Timestamp;
use crate::directory::decide::PersonPlan;
use crate::directory::guard::{self, ClearedPlans, HeldLeaver, LeaverKey};
use crate::directory::rules::ConnectionSettings;
use crate::directory::{ConnectionId, ObjectId, RunId};
use crate::store::runs::{self, RunKind};
use crate::store::{Db, DbConnection, StoreError, guard as guard_store};

use super::Knowledge;

/// Passes the plans of one set through the guard: holds its leavers if there are too many, takes people who returned
/// off the lists, and counts those who may go.
pub async fn pass_guard(
    db: &Db,
    connection: &ConnectionId,
    settings: &ConnectionSettings,
    knowledge: &Knowledge,
    plans: Vec<PersonPlan>,
    set: GuardedSet,
) -> Result<ClearedPlans, StoreError> {
    let returned = returned(&plans, set.teams.as_deref(), &knowledge.held);
    let limits = settings.guard;
    let teams = set.teams.clone().unwrap_or_default();
    if returned.is_empty() && teams.is_empty() && plans.iter().all(|plan| guard::leavers_of(plan).is_empty()) {
        return Ok(guard::pass(plans, &teams, &guard::Ledger::default(), limits).cleared);
    }
    let connection = connection.clone();
    db.write(move |db| {
        guard_store::strike(db, &connection, &returned)?;
        let leavers: Vec<HeldLeaver> = plans.iter().flat_map(guard::leavers_of).chain(teams.iter().cloned()).collect();
        let mut ledger = guard_store::ledger(db, &connection, &leavers, set.now)?;
        ledger.emptied_groups.clone_from(&set.emptied_groups);
        ledger.source_gone.clone_from(&set.source_gone);
        let elsewhere = elsewhere(db, &connection, &set)?;
        if set.hold_in != HoldIn::Incremental {
            ledger.taken_over = ledger.held.difference(&elsewhere).cloned().collect();
        }
        let passed = guard::pass(plans.clone(), &teams, &ledger, limits);
        hold(db, &connection, &passed, &elsewhere, &set)?;
        guard_store::reserve(db, &connection, &passed.cleared.leavers(), set.now)?;
        runs::finish_empty_held(db, &connection, set.now)?;
        Ok(passed.cleared)
    })
    .await
}

/// What the guard has to know of a set besides its plans.
#[derive(Clone, Debug)]
pub struct GuardedSet {
    /// Where it is held.
    pub hold_in: HoldIn,
    /// The present instant.
    pub now: Timestamp,
    /// Names of scope groups of five or more that were seen empty.
    pub emptied_groups: Vec<String>,
    /// The name of a scope group that no longer exists: its people are held however few they are.
    pub source_gone: Option<String>,
    /// The teams this set would end; `None` when it does not decide about teams.
    pub teams: Option<Vec<HeldLeaver>>,
    /// People who are looked at again without a new change: what was rejected of them stays so.
    pub second_looks: HashSet<ObjectId>,
}

impl GuardedSet {
    /// A set of which nothing else is known.
    pub fn new(hold_in: HoldIn, now: Timestamp) -> Self {
        Self { hold_in, now, emptied_groups: Vec::new(), source_gone: None, teams: None, second_looks: HashSet::new() }
    }
}

/// The run whose list held leavers are put on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldIn {
    /// The one open incremental run: leavers found by notifications and delta.
    Incremental,
    /// This full run, whose list replaces that of an older one.
    FullRun(RunId),
}

/// Leavers that stay where they are: on another run's list, or rejected when nothing new was heard of them.
fn elsewhere(
    db: &mut DbConnection,
    connection: &ConnectionId,
    set: &GuardedSet,
) -> Result<HashSet<LeaverKey>, StoreError> {
    let mut elsewhere = guard_store::held_in(db, connection, set.hold_in != HoldIn::Incremental)?;
    if !set.second_looks.is_empty() {
        let rejected = guard_store::rejected(db, connection)?;
        elsewhere
            .extend(rejected.into_iter().filter(|key| key.person().is_some_and(|id| set.second_looks.contains(&id))));
    }
    Ok(elsewhere)
}

/// Puts what is held on the list it belongs to. Who is on another run's list stays there alone.
fn hold(
    db: &mut DbConnection,
    connection: &ConnectionId,
    passed: &guard::Passed,
    elsewhere: &HashSet<LeaverKey>,
    set: &GuardedSet,
) -> Result<(), StoreError> {
    let held: Vec<HeldLeaver> = passed.held.iter().filter(|leaver| !elsewhere.contains(&leaver.key)).cloned().collect();
    if held.is_empty() {
        return Ok(());
    }
    let run = match set.hold_in {
        HoldIn::Incremental => runs::open_held(db, connection, RunKind::Incremental, set.now)?,
        HoldIn::FullRun(run) => {
            runs::replace_held(db, connection, run, set.now)?;
            run
        }
    };
    guard_store::hold(db, connection, run, &held)?;
    let reason = passed.reason.as_deref();
    runs::set_held(db, connection, run, reason.unwrap_or(HELD_BEFORE), reason.is_some(), set.now)?;
    if let Some(reason) = reason {
        tracing::warn!(
            connection.id = %connection, run.id = %run, leavers.count = held.len(),
            "The accidental-deletion guard holds a set of leavers: {reason}"
        );
    }
    Ok(())
}

/// Why leavers stay held that no judgement was needed for.
const HELD_BEFORE: &str = "these leavers were held or rejected before, and are leaving still";

/// Held leavers among the planned people who are leaving no longer.
fn returned(plans: &[PersonPlan], teams: Option<&[HeldLeaver]>, held: &HashSet<LeaverKey>) -> Vec<LeaverKey> {
    if held.is_empty() {
        return Vec::new();
    }
    let planned: HashSet<ObjectId> = plans.iter().map(|plan| plan.object).collect();
    let leaving: HashSet<LeaverKey> = plans.iter().flat_map(guard::leavers_of).map(|leaver| leaver.key).collect();
    let is_back = |key: &&LeaverKey| match key {
        LeaverKey::Account(person) | LeaverKey::Membership(person, _) => {
            planned.contains(person) && !leaving.contains(*key)
        }
        LeaverKey::Team(_) => teams.is_some_and(|teams| teams.iter().all(|team| team.key != **key)),
    };
    held.iter().filter(is_back).cloned().collect()
}
