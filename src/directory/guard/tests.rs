use std::collections::BTreeSet;

use uuid::Uuid;

use super::*;
use crate::clock::Timestamp;
use crate::directory::AccountId;
use crate::directory::account::{Account, Observation};
use crate::directory::profile::Profile;

fn person(number: u128) -> ObjectId {
    ObjectId(Uuid::from_u128(number))
}

fn team(number: u128) -> TeamId {
    TeamId(Uuid::from_u128(number))
}

fn leaver(number: u128) -> PersonPlan {
    let account = Account {
        id: AccountId(Uuid::from_u128(number)),
        external_id: Some(person(number)),
        profile: Profile::default(),
        manager: None,
        active: true,
        deactivated_reason: None,
        deactivated_at: None,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
        observation: Observation(0),
    };
    PersonPlan {
        object: person(number),
        name: None,
        step: AccountStep::Deactivate { account: Box::new(account), reason: DeactivatedReason::LeftScope },
        join: BTreeSet::new(),
        leave: BTreeSet::new(),
    }
}

fn ledger(applied: u64, now: u64, then: u64) -> Ledger {
    let accounts = |accounts| LeaverCounts { accounts, ..LeaverCounts::default() };
    Ledger { applied: accounts(applied), active_now: accounts(now), active_then: accounts(then), ..Ledger::default() }
}

fn held(leavers: u128, ledger: &Ledger, limits: GuardLimits) -> usize {
    pass((1..=leavers).map(leaver).collect(), &[], ledger, limits).held.len()
}

fn limits(max: u32, percent: u32) -> GuardLimits {
    GuardLimits { deactivations_max: max, deactivations_percent_max: percent }
}

#[test]
fn more_than_the_maximum_is_held_whole() {
    assert_eq!(held(500, &ledger(0, 100_000, 100_000), limits(500, 10)), 0);
    assert_eq!(held(501, &ledger(0, 100_000, 100_000), limits(500, 10)), 501);
}

#[test]
fn what_was_applied_within_a_day_counts() {
    assert_eq!(held(1, &ledger(499, 100_000, 100_000), limits(500, 10)), 0);
    assert_eq!(held(1, &ledger(500, 100_000, 100_000), limits(500, 10)), 1);
}

#[test]
fn a_share_above_the_percentage_is_held_from_five_leavers_on() {
    assert_eq!(held(4, &ledger(0, 10, 10), limits(500, 10)), 0);
    assert_eq!(held(5, &ledger(0, 50, 50), limits(500, 10)), 0);
    assert_eq!(held(6, &ledger(0, 50, 50), limits(500, 10)), 6);
    assert_eq!(held(6, &ledger(0, 50, 60), limits(500, 10)), 0);
}

#[test]
fn a_hundred_per_cent_switches_the_share_off() {
    assert_eq!(held(50, &ledger(0, 50, 50), limits(500, 100)), 0);
}

#[test]
fn emptying_a_team_of_five_is_held() {
    let mut plans: Vec<PersonPlan> = (1..=5).map(leaver).collect();
    for plan in &mut plans {
        plan.step = AccountStep::Keep { account: None };
        plan.leave.insert(team(9));
    }
    let mut ledger = ledger(0, 100, 100);
    ledger.active_now.memberships = 1_000;
    ledger.team_sizes.insert(team(9), 6);
    assert!(pass(plans.clone(), &[], &ledger, limits(500, 10)).held.is_empty());
    ledger.team_sizes.insert(team(9), 5);
    let passed = pass(plans, &[], &ledger, limits(500, 10));
    assert_eq!(passed.held.len(), 5);
    assert!(passed.cleared.plans().iter().all(|plan| plan.leave.is_empty()));
}

#[test]
fn a_held_leaver_stays_held_alone_and_does_not_count_again() {
    let mut ledger = ledger(0, 100, 100);
    ledger.held.insert(LeaverKey::Account(person(1)));
    let passed = pass(vec![leaver(1), leaver(2)], &[], &ledger, limits(500, 10));
    assert_eq!(passed.held.len(), 1);
    assert!(passed.reason.is_none());
    assert!(matches!(passed.cleared.plans()[0].step, AccountStep::Keep { .. }));
    assert!(matches!(passed.cleared.plans()[1].step, AccountStep::Deactivate { .. }));
}

#[test]
fn only_what_was_allowed_is_let_through() {
    let cleared = pass_allowed(vec![leaver(1), leaver(2)], &HashSet::from([LeaverKey::Account(person(2))]));
    assert!(matches!(cleared.plans()[0].step, AccountStep::Keep { .. }));
    assert!(matches!(cleared.plans()[1].step, AccountStep::Deactivate { .. }));
}
