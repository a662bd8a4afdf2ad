//! People: what is known of them, what was observed, what is to be done, and doing it.

mod guarding;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use uuid::Uuid;

use crate::clock::{Clock, Timestamp};
use crate::directory::account::{Account, FoundBy, Observation};
use crate::directory::decide::{self, Decision, Evidence, Known, PersonPlan, Rules, Unknown};
use crate::directory::guard::{ClearedPlans, LeaverKey};
use crate::directory::mapping::{MappingError, Moment};
use crate::directory::rules::ConnectionSettings;
use crate::directory::scope::Standing;
use crate::directory::source::{Observed, SourceUser};
use crate::directory::{AccountId, ConnectionId, ObjectId, RunId, TeamId};
use crate::store::apply::{self, Applied, Context, LogLine};
use crate::store::leases::{self, Lease};
use crate::store::mirror::RemovedEdges;
use crate::store::{Db, DbConnection, StoreError, accounts, guard as guard_store, mirror, teams};

pub use guarding::{GuardedSet, HoldIn, pass_guard};

use super::SLICE_SIZE;

/// What one fetch showed of a person, and what else is known about an absence.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Whom.
    pub person: ObjectId,
    /// What Graph showed.
    pub observed: Observed<SourceUser>,
    /// What confirms an absence.
    pub evidence: Evidence,
    /// Which finder was first.
    pub found_by: FoundBy,
}

/// People fetched together: one set for the guard.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The number drawn before the fetch began.
    pub observation: Observation,
    /// What was seen.
    pub seen: Vec<Seen>,
    /// The run it belongs to, if any.
    pub run: Option<RunId>,
}

/// What the database knows of some people.
#[derive(Debug, Default)]
pub struct Knowledge {
    accounts: HashMap<ObjectId, Account>,
    standings: HashMap<ObjectId, Standing>,
    memberships: HashMap<AccountId, BTreeSet<TeamId>>,
    teams: HashMap<ObjectId, TeamId>,
    held: HashSet<LeaverKey>,
    scope_listed: bool,
    nowhere: Standing,
    none: BTreeSet<TeamId>,
}

impl Knowledge {
    /// Whether a change of this person can concern us: in scope, or with an account.
    pub fn concerns(&self, person: ObjectId) -> bool {
        self.accounts.contains_key(&person) || self.standing(person).in_scope()
    }

    /// The account linked to a person.
    pub fn account(&self, person: ObjectId) -> Option<&Account> {
        self.accounts.get(&person)
    }

    fn standing(&self, person: ObjectId) -> &Standing {
        self.standings.get(&person).unwrap_or(&self.nowhere)
    }

    fn known(&self, person: ObjectId) -> Known<'_> {
        let account = self.accounts.get(&person);
        let memberships = account.and_then(|account| self.memberships.get(&account.id)).unwrap_or(&self.none);
        let (standing, scope_listed) = (self.standing(person), self.scope_listed);
        Known { account, standing, scope_listed, memberships, teams: &self.teams }
    }
}

/// Reads what is known of `people` under the connection's present settings; as if the edges `without` were removed
/// already.
pub fn know(
    db: &mut DbConnection,
    connection: &ConnectionId,
    settings: &ConnectionSettings,
    people: &[ObjectId],
    without: Option<&RemovedEdges>,
) -> Result<Knowledge, StoreError> {
    let graph = mirror::graph(db, connection, settings, without)?;
    let accounts = accounts::by_external_ids(db, connection, people)?;
    let mut direct = mirror::direct_groups(db, connection, people)?;
    for (person, groups) in &mut direct {
        groups.retain(|group| without.is_none_or(|removed| !removed.contains(*group, *person)));
    }
    let none = Vec::new();
    let standing = |person: &ObjectId| (*person, graph.standing(direct.get(person).unwrap_or(&none)));
    let memberships = accounts::memberships(db, connection, accounts.values().map(|account| account.id))?;
    let teams = teams::all(db, connection)?;
    let listed = mirror::groups(db, connection)?;
    let is_listed = |group: &ObjectId| listed.get(group).is_some_and(|group| group.listed > Observation(0));
    Ok(Knowledge {
        scope_listed: settings.scope.groups.iter().all(is_listed),
        standings: people.iter().map(standing).collect(),
        accounts,
        memberships,
        teams: teams.into_iter().filter(|(_, team)| team.active).map(|(group, team)| (group, team.id)).collect(),
        held: guard_store::held(db, connection)?,
        nowhere: graph.standing(&[]),
        none: BTreeSet::new(),
    })
}

/// What is to be done about a batch.
#[derive(Debug, Default)]
pub struct Planned {
    /// People known well enough.
    pub plans: Vec<PersonPlan>,
    /// People to look at again.
    pub unknown: Vec<(ObjectId, Unknown)>,
    /// People who cannot be mapped.
    pub unmappable: Vec<(ObjectId, MappingError)>,
}

/// Decides about everybody in a batch.
pub fn plan(knowledge: &Knowledge, seen: &[Seen], rules: &Rules, moment: Moment) -> Planned {
    let mut planned = Planned::default();
    for one in seen {
        match decide::decide(one.person, knowledge.known(one.person), &one.observed, one.evidence, rules, moment) {
            Decision::Plan(plan) => planned.plans.push(plan),
            Decision::Unknown(unknown) => planned.unknown.push((one.person, unknown)),
            Decision::Unmappable(error) => planned.unmappable.push((one.person, error)),
        }
    }
    planned
}

/// What expressions may ask for now: the time, and a seed that nobody can guess.
pub fn moment(clock: &dyn Clock) -> Moment {
    Moment { now: clock.now(), seed: Uuid::new_v4().as_u64_pair().0 }
}

/// What is to be done about people who are no longer in their groups, as far as the mirror alone says.
///
/// The guard looks at these before anybody of them is queued; the fetch then decides about each.
pub fn plan_fallen(knowledge: &Knowledge, people: &[ObjectId]) -> Vec<PersonPlan> {
    people.iter().filter_map(|person| decide::decide_fallen(*person, knowledge.known(*person))).collect()
}

/// Applies plans that passed the guard in slices, each under the lease; for runs, which have no work items to settle.
///
/// Who is refused because a user name is taken is tried once more, together: people of different slices may swap.
pub async fn apply_all(
    db: &Db,
    lease: &Lease,
    connection: &ConnectionId,
    cleared: ClearedPlans,
    context: &Context,
) -> Result<Applied, StoreError> {
    let mut total = Applied::default();
    for slice in cleared.slices(SLICE_SIZE) {
        total.add(apply_under(db, lease, connection, slice, context).await?);
    }
    let refused = std::mem::take(&mut total.refused);
    if !refused.is_empty() {
        let rest = cleared.of(&refused.into_iter().map(|(person, _)| person).collect());
        total.add(apply_under(db, lease, connection, rest, context).await?);
        let failures: Vec<LogLine> =
            total.refused.iter().map(|(person, why)| failure(*person, why.clone(), context)).collect();
        let (id, now, took) = (connection.clone(), context.now, context.took);
        db.write(move |db| apply::append_log(db, &id, failures.clone(), now, took)).await?;
    }
    Ok(total)
}

async fn apply_under(
    db: &Db,
    lease: &Lease,
    connection: &ConnectionId,
    slice: ClearedPlans,
    context: &Context,
) -> Result<Applied, StoreError> {
    let (lease, connection, context) = (lease.clone(), connection.clone(), context.clone());
    db.write(move |db| {
        leases::check(db, &lease, context.now)?;
        apply::apply(db, &connection, &slice, &context)
    })
    .await
}

/// The log line of a person who could not be provisioned.
pub fn failure(person: ObjectId, why: String, context: &Context) -> LogLine {
    LogLine {
        run: context.run,
        found_by: context.finder(person),
        object_kind: "user",
        object_id: person.to_string(),
        object_name: None,
        action: "none",
        status: "failure",
        reason: Some(why),
        changes: Vec::new(),
    }
}

impl Batch {
    /// Under what this batch is applied.
    pub fn context(&self, default: FoundBy, began: Timestamp, now: Timestamp) -> Context {
        let took: Duration = now.since(began);
        Context {
            observation: self.observation,
            found_by: self.seen.iter().map(|one| (one.person, one.found_by)).collect(),
            found_by_default: default,
            run: self.run,
            now,
            took,
        }
    }
}
