//! Groups: nesting, names, teams, and what happens when one is gone.

use rollcall::simulator::NewUser;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::scenes::{engineering, engineering_with, people_in, sorted};
use crate::support::{TestDatabase, both_databases};

both_databases!(
    a_nested_group_brings_and_takes_its_people,
    a_person_in_two_nested_groups_stays_until_the_last_is_gone,
    groups_nested_in_a_circle_come_to_rest,
    without_nesting_only_direct_members_count,
    a_renamed_group_renames_its_team,
    teams_can_be_none_or_named_groups,
    a_scope_group_that_is_gone_is_not_an_empty_group,
    the_same_scope_group_restored_empties_the_held_list,
    a_changed_scope_brings_joiners_and_judges_leavers,
    nobody_leaves_a_scope_that_was_not_listed_yet,
);

async fn a_nested_group_brings_and_takes_its_people(database: TestDatabase) {
    let (app, group, _) = engineering(database, 30).await;
    let (platform, storage) = (app.tenant.add_group("Platform"), app.tenant.add_group("Storage"));
    let below = [people_in(&app, platform, 1), people_in(&app, storage, 1)].concat();
    app.tenant.add_member(platform, storage);
    app.settle().await;
    assert!(app.active(&below).await.is_empty());

    app.tenant.add_member(group, platform);
    app.settle().await;
    assert_eq!(app.active(&below).await, below);
    app.assert_in_step(&[group]).await;

    let joiner = people_in(&app, storage, 1);
    app.settle().await;
    assert_eq!(app.active(&joiner).await, joiner);

    app.tenant.remove_member(platform, storage);
    app.settle().await;
    assert_eq!(app.active(&below).await, below[..1]);
    app.assert_in_step(&[group]).await;

    app.tenant.remove_member(group, platform);
    app.settle().await;
    assert!(app.active(&below).await.is_empty());
    app.assert_in_step(&[group]).await;
    app.assert_gapless().await;
    app.stop().await;
}

async fn a_person_in_two_nested_groups_stays_until_the_last_is_gone(database: TestDatabase) {
    let (app, group, _) = engineering(database, 10).await;
    let (left, right) = (app.tenant.add_group("Left"), app.tenant.add_group("Right"));
    let person = people_in(&app, left, 1);
    app.tenant.add_member(right, person[0]);
    app.add_members(group, &[left, right]);
    app.settle().await;
    assert_eq!(app.active(&person).await, person);

    app.tenant.remove_member(group, left);
    app.settle().await;
    assert_eq!(app.active(&person).await, person);
    app.assert_in_step(&[group]).await;

    app.tenant.remove_member(group, right);
    app.settle().await;
    assert!(app.active(&person).await.is_empty());
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn groups_nested_in_a_circle_come_to_rest(database: TestDatabase) {
    let (app, group, _) = engineering(database, 10).await;
    let circle = app.tenant.add_group("Circle");
    let person = people_in(&app, circle, 1);
    app.tenant.add_member(group, circle);
    app.tenant.add_member(circle, group);
    app.settle().await;
    assert_eq!(app.active(&person).await, person);
    app.assert_in_step(&[group]).await;
    assert_eq!(app.sync(json!({ "full": true })).await["repairs"], 0);

    app.tenant.remove_member(group, circle);
    app.settle().await;
    assert!(app.active(&person).await.is_empty());
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn without_nesting_only_direct_members_count(database: TestDatabase) {
    let app = TestApp::start(database).await;
    let (group, nested) = (app.tenant.add_group("Engineering"), app.tenant.add_group("Platform"));
    let (direct, below) = (people_in(&app, group, 2), people_in(&app, nested, 2));
    app.tenant.add_member(group, nested);
    app.connect(json!({ "scope": { "groups": [group], "nested": false } })).await;
    assert_eq!(app.active(&direct).await, direct);
    assert!(app.active(&below).await.is_empty());

    let later = people_in(&app, nested, 1);
    app.settle().await;
    assert!(app.active(&later).await.is_empty());

    app.change(json!({ "scope": { "groups": [group], "nested": true } })).await;
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn a_renamed_group_renames_its_team(database: TestDatabase) {
    let (app, group, _) = engineering(database, 2).await;
    let before = (app.team(group).await, app.events().await.len());
    app.tenant.rename_group(group, "Research");
    app.settle().await;

    let team = app.team(group).await;
    assert_eq!((&team["id"], &team["name"]), (&before.0["id"], &json!("Research")));
    let events = app.events().await;
    assert_eq!(app.event_types(before.1).await, ["team.updated"]);
    assert_eq!(events[before.1]["previous"], json!({ "name": "Engineering" }));
    app.stop().await;
}

async fn teams_can_be_none_or_named_groups(database: TestDatabase) {
    let (app, group, people) = engineering_with(database, 3, json!({ "teams": { "groups": "none" } })).await;
    assert!(app.list("teams").await.is_empty());
    assert_eq!(app.active(&people).await, people);

    let readers = app.tenant.add_group("Readers");
    let outside = app.tenant.add_user(NewUser::named("Out", "Side"));
    app.add_members(readers, &[people[0], outside]);
    app.settle().await;
    app.change(json!({ "teams": { "groups": [readers] } })).await;
    let team = app.team(readers).await;
    assert_eq!(team["member_count"], 1, "{team}");
    assert!(!app.has_account(outside).await);
    assert_eq!(app.list("teams").await.len(), 1);

    app.tenant.add_member(readers, people[1]);
    app.settle().await;
    assert_eq!(app.team(readers).await["member_count"], 2);

    app.change(json!({ "teams": { "groups": "scope" } })).await;
    app.assert_in_step(&[group]).await;
    let ended = app.team(readers).await;
    assert_eq!((&ended["active"], &ended["member_count"]), (&json!(false), &json!(0)), "{ended}");
    app.assert_gapless().await;
    app.stop().await;
}

async fn a_scope_group_that_is_gone_is_not_an_empty_group(database: TestDatabase) {
    let (app, group, people) = engineering(database, 3).await;
    app.tenant.delete_group(group);
    app.settle().await;

    assert_eq!(app.active(&people).await, people);
    let run = app.held_run().await;
    assert_eq!(run["kind"], "incremental");
    assert_eq!(app.planned_leavers(&run).await, sorted(&people));
    assert_eq!(app.connection().await["status"], "held");

    // A person on the list whose job changes is still on the list.
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.settle().await;
    app.sync(json!({ "full": true })).await;
    app.pass(std::time::Duration::from_secs(86_400)).await;
    assert_eq!(app.active(&people).await, people);

    let held = app.runs("held").await;
    let first = held.iter().find(|held| held["id"] == run["id"]).unwrap();
    assert_eq!(app.decide(first, "reject").await.0, 200);
    assert_eq!(app.active(&people).await, people);
    assert_eq!(app.run(first).await["status"], "cancelled");
    assert_eq!(app.connection().await["status"], "attention");
    app.stop().await;
}

async fn the_same_scope_group_restored_empties_the_held_list(database: TestDatabase) {
    let (app, group, people) = engineering(database, 6).await;
    app.tenant.soft_delete_security_groups(true);
    app.tenant.delete_group(group);
    app.settle().await;
    let run = app.held_run().await;
    assert_eq!(app.active(&people).await, people);

    assert!(app.tenant.restore(group));
    app.settle().await;
    assert_eq!(app.active(&people).await, people);
    assert_eq!(app.run(&run).await["status"], "succeeded");
    assert_eq!(app.connection().await["status"], "healthy");
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn a_changed_scope_brings_joiners_and_judges_leavers(database: TestDatabase) {
    let (app, old, people) = engineering(database, 8).await;
    let new = app.tenant.add_group("Sales");
    let joiners = people_in(&app, new, 4);
    app.tenant.add_member(new, people[0]);
    app.settle().await;

    app.change(json!({ "scope": { "groups": [new] } })).await;
    assert_eq!(app.active(&joiners).await, joiners);
    assert_eq!(app.active(&people).await, people);
    let run = app.held_run().await;
    assert_eq!(run["kind"], "reconcile");
    assert_eq!(app.planned_leavers(&run).await, sorted(&people[1..]));

    assert_eq!(app.decide(&run, "allow").await.0, 200);
    assert_eq!(app.active(&people).await, people[..1]);
    app.assert_in_step(&[new]).await;
    let ended = app.team(old).await;
    assert_eq!((&ended["active"], &ended["member_count"]), (&json!(false), &json!(0)), "{ended}");
    app.assert_gapless().await;
    app.stop().await;
}

async fn nobody_leaves_a_scope_that_was_not_listed_yet(database: TestDatabase) {
    let (app, old, people) = engineering(database, 8).await;
    let new = app.tenant.add_group("Sales");
    app.add_members(new, &people);
    app.settle().await;
    let (status, reply) = app.patch("/api/v1/connections/contoso", json!({ "scope": { "groups": [new] } })).await;
    assert_eq!(status, 200, "{reply}");
    // The full run has not begun, and a change of a person comes first.
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.simulator.deliver().await;
    app.app.engine.fold.run_once().await.unwrap();
    assert!(app.app.engine.worker.run_once().await.unwrap());
    assert_eq!(app.active(&people).await, people);

    app.settle().await;
    app.assert_in_step(&[new]).await;
    assert!(app.event_types(0).await.iter().all(|kind| kind != "account.deactivated"));
    // The team of the old group would be emptied, and that is for a person to decide.
    assert_eq!(app.held_run().await["kind"], "reconcile");
    assert_eq!(app.team(old).await["member_count"], 8);
    app.stop().await;
}
