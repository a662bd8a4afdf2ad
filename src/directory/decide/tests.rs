use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::clock::Timestamp;
use crate::directory::AccountId;
use crate::directory::account::Observation;
use crate::directory::scope::Path;

const ADA: ObjectId = ObjectId(Uuid::from_u128(1));
const GROUP: ObjectId = ObjectId(Uuid::from_u128(10));
const TEAM: TeamId = TeamId(Uuid::from_u128(20));

struct Case {
    account: Option<Account>,
    standing: Standing,
    memberships: BTreeSet<TeamId>,
    evidence: Evidence,
}

impl Case {
    fn new(account: Option<Account>, in_scope: bool) -> Self {
        let standing = Standing {
            scope: in_scope.then(|| Path(vec![GROUP])),
            team_groups: in_scope.then_some(GROUP).into_iter().collect(),
        };
        Self { account, standing, memberships: BTreeSet::new(), evidence: Evidence::FetchOnly }
    }

    fn decide(&self, observed: Observed<SourceUser>) -> Decision {
        let teams = HashMap::from([(GROUP, TEAM)]);
        let known = Known {
            account: self.account.as_ref(),
            standing: &self.standing,
            scope_listed: true,
            memberships: &self.memberships,
            teams: &teams,
        };
        let rules = Rules { mapping: Mapping::compile(&[]).unwrap(), required: Vec::new(), filter: None };
        decide(ADA, known, &observed, self.evidence, &rules, Moment { now: Timestamp(0), seed: 0 })
    }

    fn step(&self, observed: Observed<SourceUser>) -> AccountStep {
        match self.decide(observed) {
            Decision::Plan(plan) => plan.step,
            other => panic!("no plan: {other:?}"),
        }
    }
}

fn source(enabled: bool, title: &str) -> Observed<SourceUser> {
    let attributes = json!({
        "userPrincipalName": "ada@contoso.example", "displayName": "Ada", "accountEnabled": enabled, "jobTitle": title,
    });
    let attributes = attributes.as_object().unwrap().clone();
    Observed::Present(SourceUser { id: ADA, attributes, manager: ManagerSeen::Nobody })
}

fn account(active: bool, title: &str) -> Account {
    let profile = Profile {
        user_name: "ada@contoso.example".into(),
        email: Some("ada@contoso.example".into()),
        display_name: Some("Ada".into()),
        job_title: Some(title.into()),
        ..Profile::default()
    };
    Account {
        id: AccountId(Uuid::from_u128(30)),
        external_id: Some(ADA),
        profile,
        manager: None,
        active,
        deactivated_reason: (!active).then_some(DeactivatedReason::LeftScope),
        deactivated_at: (!active).then_some(Timestamp(1)),
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
        observation: Observation(1),
    }
}

#[test]
fn a_person_who_enters_scope_gets_an_account_and_the_team() {
    let Decision::Plan(plan) = Case::new(None, true).decide(source(true, "Clerk")) else { panic!("no plan") };
    assert!(matches!(&plan.step, AccountStep::Create { profile, .. } if profile.job_title.as_deref() == Some("Clerk")));
    assert_eq!(plan.join, BTreeSet::from([TEAM]));
}

#[test]
fn a_changed_person_is_updated_by_what_differs_only() {
    let step = Case::new(Some(account(true, "Clerk")), true).step(source(true, "Countess"));
    let AccountStep::Update(update) = step else { panic!("{step:?}") };
    assert_eq!(update.changes, [Change::new("job_title", "Clerk", "Countess")]);
    assert!(!update.reactivate);
}

#[test]
fn an_unchanged_person_is_kept() {
    let mut case = Case::new(Some(account(true, "Clerk")), true);
    case.memberships.insert(TEAM);
    let Decision::Plan(plan) = case.decide(source(true, "Clerk")) else { panic!("no plan") };
    assert!(plan.is_nothing(), "{plan:?}");
}

#[test]
fn leaving_scope_and_being_disabled_deactivate_with_their_reason() {
    for (in_scope, enabled, wanted) in
        [(false, true, DeactivatedReason::LeftScope), (true, false, DeactivatedReason::DisabledInSource)]
    {
        let step = Case::new(Some(account(true, "Clerk")), in_scope).step(source(enabled, "Clerk"));
        assert!(matches!(step, AccountStep::Deactivate { reason, .. } if reason == wanted), "{step:?}");
    }
}

#[test]
fn a_disabled_person_gets_no_new_account() {
    assert_eq!(Case::new(None, true).step(source(false, "Clerk")), AccountStep::Skip(SkipReason::Disabled));
}

#[test]
fn a_person_who_returns_is_reactivated_with_the_same_account() {
    let step = Case::new(Some(account(false, "Clerk")), true).step(source(true, "Clerk"));
    assert!(matches!(step, AccountStep::Update(update) if update.reactivate && update.changes.is_empty()));
}

#[test]
fn what_an_operator_deactivated_stays_so() {
    let mut account = account(false, "Clerk");
    account.deactivated_reason = Some(DeactivatedReason::ByOperator);
    let step = Case::new(Some(account), true).step(source(true, "Clerk"));
    assert!(matches!(step, AccountStep::Keep { .. }), "{step:?}");
}

#[test]
fn one_404_deactivates_nobody() {
    let case = Case::new(Some(account(true, "Clerk")), true);
    let decision = case.decide(Observed::Absent(Absence::NotFound));
    assert_eq!(decision, Decision::Unknown(Unknown::UnconfirmedAbsence));
}

#[test]
fn a_confirmed_absence_deactivates() {
    for evidence in [Evidence::DeletedHint, Evidence::LastLook, Evidence::CompleteListing] {
        let mut case = Case::new(Some(account(true, "Clerk")), true);
        case.evidence = evidence;
        let step = case.step(Observed::Absent(Absence::NotFound));
        assert!(matches!(step, AccountStep::Deactivate { reason: DeactivatedReason::DeletedInSource, .. }));
    }
    let step = Case::new(Some(account(true, "Clerk")), true).step(Observed::Absent(Absence::SoftDeleted));
    assert!(matches!(step, AccountStep::Deactivate { reason: DeactivatedReason::DeletedInSource, .. }));
}

#[test]
fn a_null_filled_object_changes_nothing() {
    let shell = SourceUser { id: ADA, attributes: serde_json::Map::new(), manager: ManagerSeen::NotAsked };
    let decision = Case::new(Some(account(true, "Clerk")), true).decide(Observed::Present(shell));
    assert_eq!(decision, Decision::Unknown(Unknown::LimitedInformation));
}

#[test]
fn a_fetch_that_did_not_ask_for_managers_keeps_the_known_one() {
    let mut known = account(true, "Clerk");
    known.manager = Some(GROUP);
    let Observed::Present(mut user) = source(true, "Clerk") else { unreachable!() };
    user.manager = ManagerSeen::NotAsked;
    let step = Case::new(Some(known), true).step(Observed::Present(user));
    assert!(matches!(step, AccountStep::Keep { .. }), "{step:?}");
}

#[test]
fn a_scoping_filter_puts_people_out_of_scope_and_an_unclear_one_changes_nothing() {
    let case = Case::new(Some(account(true, "Clerk")), true);
    let decided = |filter: &str| {
        let rules = Rules {
            mapping: Mapping::compile(&[]).unwrap(),
            required: Vec::new(),
            filter: Some(Expression::parse(filter).unwrap()),
        };
        let teams = HashMap::new();
        let known = Known {
            account: case.account.as_ref(),
            standing: &case.standing,
            memberships: &case.memberships,
            teams: &teams,
            scope_listed: true,
        };
        let moment = Moment { now: Timestamp(0), seed: 0 };
        decide(ADA, known, &source(true, "Clerk"), Evidence::FetchOnly, &rules, moment)
    };
    let step = |filter| match decided(filter) {
        Decision::Plan(plan) => plan.step,
        other => panic!("no plan: {other:?}"),
    };
    assert!(matches!(step("[jobTitle] = \"Clerk\""), AccountStep::Keep { .. }));
    assert!(matches!(step("[jobTitle] = \"Chief\""), AccountStep::Deactivate { .. }));
    assert!(matches!(decided("[jobTitle]"), Decision::Unmappable(_)));
}
