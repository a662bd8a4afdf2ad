//! What is to be done about one person: pure, so that every case can be read and tested here.

use std::collections::{BTreeSet, HashMap};

use super::account::{Account, DeactivatedReason};
use super::ids::{ObjectId, TeamId};
use super::mapping::{Mapping, MappingError, Moment};
use super::profile::{Change, Profile};
use super::scope::Standing;
use super::source::{Absence, ManagerSeen, Observed, SourceUser};
use crate::expression::Expression;

/// A connection's rules, checked once.
#[derive(Clone, Debug)]
pub struct Rules {
    /// From properties to fields.
    pub mapping: Mapping,
    /// Fields without which a person gets no account.
    pub required: Vec<String>,
    /// The scoping filter: who does not match is out of scope.
    pub filter: Option<Expression>,
}

/// What is known about a person when deciding.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The linked account.
    pub account: Option<&'a Account>,
    /// Where the person stands in the mirror.
    pub standing: &'a Standing,
    /// Whether every scope group was listed, so that whoever is in none of them is out of scope.
    pub scope_listed: bool,
    /// The teams the account is in now.
    pub memberships: &'a BTreeSet<TeamId>,
    /// The active teams by their group.
    pub teams: &'a HashMap<ObjectId, TeamId>,
}

/// What besides the fetch says whether an absent person is really gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Evidence {
    /// Only the fetch: a first 404 proves little, the directory is eventually consistent.
    #[default]
    FetchOnly,
    /// A `deleted` notification or `@removed` in delta.
    DeletedHint,
    /// Every second look was taken, and this is the last.
    LastLook,
    /// A listing that was read to its end does not have the person.
    CompleteListing,
}

/// What is to be done about one person.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly every decision is a plan: boxing it would cost every person")]
pub enum Decision {
    /// Known well enough to act on, if only by doing nothing.
    Plan(PersonPlan),
    /// Not known well enough: look again, change nothing.
    Unknown(Unknown),
    /// The person cannot be mapped; an administrator has to act.
    Unmappable(MappingError),
}

/// Why a fetch did not settle the matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// Not found, and nothing confirms a deletion.
    UnconfirmedAbsence,
    /// The object came without the properties everyone has: a permission is missing.
    LimitedInformation,
    /// A scope group was never listed: the person may be in it.
    ScopeNotListed,
}

/// The steps for one person.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonPlan {
    /// Whom it is about.
    pub object: ObjectId,
    /// The name to show in the log.
    pub name: Option<String>,
    /// What happens to the account.
    pub step: AccountStep,
    /// Teams to be added to.
    pub join: BTreeSet<TeamId>,
    /// Teams to be removed from.
    pub leave: BTreeSet<TeamId>,
}

/// What happens to one person's account.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "an initial cycle creates for everybody: boxing it would cost each")]
pub enum AccountStep {
    /// A joiner without an account.
    Create {
        /// The fields.
        profile: Profile,
        /// The manager's object id.
        manager: Option<ObjectId>,
    },
    /// A mover, or a joiner who returns to the account of old.
    Update(Box<AccountUpdate>),
    /// A leaver.
    Deactivate {
        /// The account as it is.
        account: Box<Account>,
        /// Why.
        reason: DeactivatedReason,
    },
    /// The account, if there is one, is as it should be.
    Keep {
        /// The account as it is.
        account: Option<Box<Account>>,
    },
    /// There is no account, and none is due.
    Skip(SkipReason),
}

/// A changed account.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountUpdate {
    /// The account as it is.
    pub before: Account,
    /// The fields as they are to be.
    pub profile: Profile,
    /// The manager as it is to be.
    pub manager: Option<ObjectId>,
    /// Whether the account becomes active again.
    pub reactivate: bool,
    /// What differs.
    pub changes: Vec<Change>,
}

/// Why a person gets no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// Not in scope.
    OutOfScope,
    /// Disabled in the directory: disabled people get no new account.
    Disabled,
    /// Deleted before there was an account.
    Deleted,
}

impl SkipReason {
    /// The sentence in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OutOfScope => "not in scope",
            Self::Disabled => "disabled in the directory; disabled people get no new account",
            Self::Deleted => "deleted in the directory",
        }
    }
}

impl PersonPlan {
    /// Whether applying this plan changes nothing.
    pub fn is_nothing(&self) -> bool {
        matches!(self.step, AccountStep::Keep { .. } | AccountStep::Skip(_))
            && self.join.is_empty()
            && self.leave.is_empty()
    }
}

/// Decides about the person `object`.
pub fn decide(
    object: ObjectId,
    known: Known<'_>,
    observed: &Observed<SourceUser>,
    evidence: Evidence,
    rules: &Rules,
    moment: Moment,
) -> Decision {
    match observed {
        Observed::Absent(absence) => decide_absent(object, known, *absence, evidence),
        Observed::Present(user) => match user.enabled() {
            _ if user.is_limited() => Decision::Unknown(Unknown::LimitedInformation),
            None => Decision::Unknown(Unknown::LimitedInformation),
            _ if known.account.is_some() && !known.standing.in_scope() && !known.scope_listed => {
                Decision::Unknown(Unknown::ScopeNotListed)
            }
            Some(enabled) => decide_present(known, user, enabled, rules, moment).unwrap_or_else(Decision::Unmappable),
        },
    }
}

fn decide_absent(object: ObjectId, known: Known<'_>, absence: Absence, evidence: Evidence) -> Decision {
    let confirmed = absence == Absence::SoftDeleted || evidence != Evidence::FetchOnly;
    // A joiner may have been announced before the replica that was asked knows of it.
    if !confirmed && (known.account.is_some() || known.standing.in_scope()) {
        return Decision::Unknown(Unknown::UnconfirmedAbsence);
    }
    let name = known.account.and_then(|account| account.profile.display_name.clone());
    let step = leave(known.account, DeactivatedReason::DeletedInSource, SkipReason::Deleted);
    Decision::Plan(PersonPlan { object, name, step, join: BTreeSet::new(), leave: known.memberships.clone() })
}

fn decide_present(
    known: Known<'_>,
    user: &SourceUser,
    enabled: bool,
    rules: &Rules,
    moment: Moment,
) -> Result<Decision, MappingError> {
    let step = if !known.standing.in_scope() || !passes_filter(user, rules, moment)? {
        leave(known.account, DeactivatedReason::LeftScope, SkipReason::OutOfScope)
    } else if !enabled {
        leave(known.account, DeactivatedReason::DisabledInSource, SkipReason::Disabled)
    } else {
        stay(known.account, user, rules, moment)?
    };
    let has_account = known.account.is_some() || matches!(step, AccountStep::Create { .. });
    let wanted = if has_account { wanted_teams(known) } else { BTreeSet::new() };
    Ok(Decision::Plan(PersonPlan {
        object: user.id,
        name: user.text("displayName").map(str::to_owned),
        step,
        join: wanted.difference(known.memberships).copied().collect(),
        leave: known.memberships.difference(&wanted).copied().collect(),
    }))
}

/// A filter that cannot be evaluated says nothing about the person, so it changes nothing.
fn passes_filter(user: &SourceUser, rules: &Rules, moment: Moment) -> Result<bool, MappingError> {
    let Some(filter) = &rules.filter else { return Ok(true) };
    let target = || "scope.filter".to_owned();
    moment.matches(filter, user).map_err(|error| MappingError::Expression { target: target(), error })
}

/// What the mirror alone says of a person who fell out of a group: what would be lost, if anything.
pub fn decide_fallen(object: ObjectId, known: Known<'_>) -> Option<PersonPlan> {
    let account = known.account?;
    let step = if known.standing.in_scope() {
        keep(account)
    } else {
        leave(Some(account), DeactivatedReason::LeftScope, SkipReason::OutOfScope)
    };
    let leave = known.memberships.difference(&wanted_teams(known)).copied().collect();
    let name = account.profile.display_name.clone();
    Some(PersonPlan { object, name, step, join: BTreeSet::new(), leave })
}

/// A team's members are the accounts of the people in its group, nested ones included.
fn wanted_teams(known: Known<'_>) -> BTreeSet<TeamId> {
    known.standing.team_groups.iter().filter_map(|group| known.teams.get(group)).copied().collect()
}

fn leave(account: Option<&Account>, reason: DeactivatedReason, skip: SkipReason) -> AccountStep {
    match account {
        None => AccountStep::Skip(skip),
        Some(account) if account.active => AccountStep::Deactivate { account: Box::new(account.clone()), reason },
        Some(account) => keep(account),
    }
}

fn keep(account: &Account) -> AccountStep {
    AccountStep::Keep { account: Some(Box::new(account.clone())) }
}

fn stay(
    account: Option<&Account>,
    user: &SourceUser,
    rules: &Rules,
    moment: Moment,
) -> Result<AccountStep, MappingError> {
    let existing = account.map(|account| &account.profile);
    let profile = rules.mapping.profile(user, existing, &rules.required, moment)?;
    let Some(before) = account else {
        return Ok(AccountStep::Create { profile, manager: seen_manager(user.manager, None) });
    };
    // What an operator switched off stays off until an operator switches it on.
    if !before.active && before.deactivated_reason == Some(DeactivatedReason::ByOperator) {
        return Ok(keep(before));
    }
    let manager = seen_manager(user.manager, before.manager);
    let mut changes = profile.changes_since(&before.profile);
    if manager != before.manager {
        let text = |id: Option<ObjectId>| id.map(|id| id.to_string());
        changes.push(Change::new("manager_external_id", text(before.manager), text(manager)));
    }
    if before.active && changes.is_empty() {
        return Ok(keep(before));
    }
    let reactivate = !before.active;
    Ok(AccountStep::Update(Box::new(AccountUpdate { before: before.clone(), profile, manager, reactivate, changes })))
}

fn seen_manager(seen: ManagerSeen, known: Option<ObjectId>) -> Option<ObjectId> {
    match seen {
        ManagerSeen::NotAsked => known,
        ManagerSeen::Nobody => None,
        ManagerSeen::Person(id) => Some(id),
    }
}

#[cfg(test)]
mod tests;
