//! The accidental-deletion guard: the only way from a plan that deactivates to one that may be applied.
//!
//! [`ClearedPlans`] cannot be made outside this module, and the store applies nothing else: no code path deactivates
//! anybody without passing here.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use super::account::DeactivatedReason;
use super::decide::{AccountStep, PersonPlan};
use super::ids::{ObjectId, TeamId};
use super::rules::GuardLimits;

/// From this many leavers on, the percentage counts: below it a small team could lose nobody.
pub const PERCENT_COUNTS_FROM: u64 = 5;

/// Leavers by what they lose, counted apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaverCounts {
    /// Accounts to deactivate.
    pub accounts: u64,
    /// Memberships to remove.
    pub memberships: u64,
    /// Teams to end.
    pub teams: u64,
}

impl LeaverCounts {
    fn kinds(self) -> [(&'static str, u64); 3] {
        [("accounts", self.accounts), ("memberships", self.memberships), ("teams", self.teams)]
    }
}

/// What the guard knows of the last 24 hours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Leavers applied in the last 24 hours, those a person allowed not counted.
    pub applied: LeaverCounts,
    /// What is active now.
    pub active_now: LeaverCounts,
    /// What was active 24 hours ago.
    pub active_then: LeaverCounts,
    /// How many members each team of the set has now.
    pub team_sizes: BTreeMap<TeamId, u64>,
    /// Names of scope groups of five or more that the set's finder saw emptied.
    pub emptied_groups: Vec<String>,
    /// The name of a scope group that no longer exists: a missing group is not an empty one, so its people are held
    /// however few they are.
    pub source_gone: Option<String>,
    /// Leavers of this connection that are held or were rejected: they stay so, whatever set they come in.
    pub held: HashSet<LeaverKey>,
    /// Those of them whose list this set replaces: they are judged with it, and stay held whatever the judgement.
    pub taken_over: HashSet<LeaverKey>,
}

/// One thing somebody would lose.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LeaverKey {
    /// The account of this person.
    Account(ObjectId),
    /// This person's place in this team.
    Membership(ObjectId, TeamId),
    /// This team.
    Team(TeamId),
}

impl LeaverKey {
    /// The person who would lose something; `None` for a team.
    pub fn person(&self) -> Option<ObjectId> {
        match self {
            Self::Account(person) | Self::Membership(person, _) => Some(*person),
            Self::Team(_) => None,
        }
    }
}

/// A leaver that the guard holds back.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldLeaver {
    /// Who would lose what.
    pub key: LeaverKey,
    /// The name to show.
    pub name: Option<String>,
    /// Why the account would be deactivated.
    pub reason: Option<DeactivatedReason>,
}

/// Plans that passed the guard, and the teams that may end.
#[derive(Debug)]
pub struct ClearedPlans {
    plans: Vec<PersonPlan>,
    teams: BTreeSet<TeamId>,
}

impl ClearedPlans {
    /// The plans, ready to be applied as they are.
    pub fn plans(&self) -> &[PersonPlan] {
        &self.plans
    }

    /// The teams that may end.
    pub fn teams(&self) -> &BTreeSet<TeamId> {
        &self.teams
    }

    /// Everything that passed and takes something away.
    pub fn leavers(&self) -> Vec<LeaverKey> {
        let people = self.plans.iter().flat_map(leavers_of).map(|leaver| leaver.key);
        people.chain(self.teams.iter().copied().map(LeaverKey::Team)).collect()
    }

    /// The same plans in slices of at most `size`.
    pub fn slices(&self, size: usize) -> impl Iterator<Item = ClearedPlans> {
        self.plans.chunks(size).map(|plans| ClearedPlans { plans: plans.to_vec(), teams: BTreeSet::new() })
    }

    /// The plans of some of the people.
    pub fn of(&self, people: &BTreeSet<ObjectId>) -> ClearedPlans {
        let plans = self.plans.iter().filter(|plan| people.contains(&plan.object)).cloned().collect();
        ClearedPlans { plans, teams: BTreeSet::new() }
    }
}

/// What the guard made of one set.
#[derive(Debug)]
pub struct Passed {
    /// What may be applied: everything but the held leavers.
    pub cleared: ClearedPlans,
    /// What is held; empty when nothing is.
    pub held: Vec<HeldLeaver>,
    /// Why it is held.
    pub reason: Option<String>,
}

/// Passes the plans of one set (a batch, a notified group, a delta round, a full run) and the `teams` it would end.
///
/// The whole set of leavers is held or none of it; joiners and movers always go on. Leavers that are held already
/// stay so and do not count again.
pub fn pass(plans: Vec<PersonPlan>, teams: &[HeldLeaver], ledger: &Ledger, limits: GuardLimits) -> Passed {
    let leavers: Vec<HeldLeaver> = plans.iter().flat_map(leavers_of).chain(teams.iter().cloned()).collect();
    let is_held = |leaver: &HeldLeaver| ledger.held.contains(&leaver.key);
    let is_judged = |leaver: &&HeldLeaver| !is_held(leaver) || ledger.taken_over.contains(&leaver.key);
    let judged: Vec<HeldLeaver> = leavers.iter().filter(is_judged).cloned().collect();
    let reason = judge(&judged, ledger, limits);
    let held: Vec<HeldLeaver> = leavers.into_iter().filter(|leaver| reason.is_some() || is_held(leaver)).collect();
    let cleared = without(plans, teams, &held);
    Passed { cleared, held, reason }
}

/// Lets plans through that an administrator allowed, as long as each is still due.
pub fn pass_allowed(plans: Vec<PersonPlan>, allowed: &HashSet<LeaverKey>) -> ClearedPlans {
    let refused: Vec<HeldLeaver> =
        plans.iter().flat_map(leavers_of).filter(|leaver| !allowed.contains(&leaver.key)).collect();
    without(plans, &[], &refused)
}

/// Why this set is held, or `None` when it may go on.
fn judge(set: &[HeldLeaver], ledger: &Ledger, limits: GuardLimits) -> Option<String> {
    if set.is_empty() {
        return None;
    }
    if let Some(name) = &ledger.source_gone {
        return Some(format!("the group {name} no longer exists in the directory"));
    }
    let counts = count(set);
    let shares = limits.deactivations_percent_max < 100;
    too_many(counts, ledger, limits).or_else(|| shares.then(|| emptied(set, ledger)).flatten())
}

fn too_many(counts: LeaverCounts, ledger: &Ledger, limits: GuardLimits) -> Option<String> {
    let numbers = counts.kinds().into_iter().zip(ledger.applied.kinds());
    let bases = ledger.active_now.kinds().into_iter().zip(ledger.active_then.kinds());
    for (((kind, new), (_, applied)), ((_, now), (_, then))) in numbers.zip(bases) {
        if new == 0 {
            continue;
        }
        let total = new + applied;
        if total > u64::from(limits.deactivations_max) {
            return Some(format!(
                "{total} {kind} would be lost within 24 hours, more than deactivations_max ({})",
                limits.deactivations_max
            ));
        }
        let base = then.max(now + applied);
        let percent_max = u64::from(limits.deactivations_percent_max);
        if percent_max < 100 && total >= PERCENT_COUNTS_FROM && total * 100 > percent_max * base {
            return Some(format!(
                "{total} of {base} {kind} would be lost within 24 hours, more than deactivations_percent_max \
                 ({percent_max} per cent)"
            ));
        }
    }
    None
}

fn emptied(set: &[HeldLeaver], ledger: &Ledger) -> Option<String> {
    if let Some(name) = ledger.emptied_groups.first() {
        return Some(format!("the group {name} would be emptied"));
    }
    let mut leaving: BTreeMap<TeamId, u64> = BTreeMap::new();
    for leaver in set {
        if let LeaverKey::Membership(_, team) = leaver.key {
            *leaving.entry(team).or_default() += 1;
        }
    }
    let whole = |(team, count): (&TeamId, &u64)| {
        let size = ledger.team_sizes.get(team).copied().unwrap_or_default();
        size >= PERCENT_COUNTS_FROM && *count >= size
    };
    leaving.iter().any(whole).then(|| "a team of five or more would be emptied".to_owned())
}

fn count(set: &[HeldLeaver]) -> LeaverCounts {
    let mut counts = LeaverCounts::default();
    for leaver in set {
        match leaver.key {
            LeaverKey::Account(_) => counts.accounts += 1,
            LeaverKey::Membership(..) => counts.memberships += 1,
            LeaverKey::Team(_) => counts.teams += 1,
        }
    }
    counts
}

/// What one plan would take away.
pub fn leavers_of(plan: &PersonPlan) -> Vec<HeldLeaver> {
    let held = |key, reason| HeldLeaver { key, name: plan.name.clone(), reason };
    let account = match &plan.step {
        AccountStep::Deactivate { reason, .. } => Some(held(LeaverKey::Account(plan.object), Some(*reason))),
        _ => None,
    };
    let memberships = plan.leave.iter().map(|team| held(LeaverKey::Membership(plan.object, *team), None));
    account.into_iter().chain(memberships).collect()
}

/// The plans with everything held taken out of them.
fn without(plans: Vec<PersonPlan>, teams: &[HeldLeaver], held: &[HeldLeaver]) -> ClearedPlans {
    let keys: HashSet<&LeaverKey> = held.iter().map(|leaver| &leaver.key).collect();
    let through = |leaver: &HeldLeaver| match leaver.key {
        LeaverKey::Team(team) if !keys.contains(&leaver.key) => Some(team),
        _ => None,
    };
    let strip = |mut plan: PersonPlan| {
        plan.step = match plan.step {
            AccountStep::Deactivate { account, .. } if keys.contains(&LeaverKey::Account(plan.object)) => {
                AccountStep::Keep { account: Some(account) }
            }
            step => step,
        };
        plan.leave.retain(|team| !keys.contains(&LeaverKey::Membership(plan.object, *team)));
        plan
    };
    ClearedPlans { plans: plans.into_iter().map(strip).collect(), teams: teams.iter().filter_map(through).collect() }
}

#[cfg(test)]
mod tests;
