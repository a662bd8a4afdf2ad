//! Which sets of leavers are held.

use std::time::Duration;

use serde_json::json;

use crate::support::scenes::{engineering, engineering_with, people_in, sorted};
use crate::support::{TestDatabase, both_databases};

both_databases!(
    more_leavers_than_the_percentage_are_held_whole,
    as_many_leavers_as_the_percentage_go,
    more_leavers_than_the_maximum_are_held_however_large_the_connection,
    leavers_one_by_one_are_held_beyond_the_daily_maximum,
    the_window_of_a_day_moves_with_the_clock,
    an_emptied_group_of_five_is_held_and_one_of_four_is_not,
    a_hundred_per_cent_switches_the_shares_off,
    people_who_return_leave_the_list_and_an_empty_list_has_succeeded,
    one_who_returns_and_leaves_again_counts_once,
    disabled_people_in_one_batch_are_one_set,
);

async fn more_leavers_than_the_percentage_are_held_whole(database: TestDatabase) {
    let (app, group, people) = engineering(database, 40).await;
    app.remove_members(group, &people[..5]);
    let joiner = people_in(&app, group, 1);
    app.tenant.update_user(people[20], "jobTitle", json!("Countess"));
    app.settle().await;

    assert_eq!(app.active(&people).await, people);
    assert_eq!(app.active(&joiner).await, joiner);
    assert_eq!(app.account(people[20]).await["job_title"], "Countess");
    let run = app.held_run().await;
    assert_eq!((&run["kind"], &run["status"]), (&json!("incremental"), &json!("held")));
    assert_eq!(app.planned_leavers(&run).await, sorted(&people[..5]));
    assert_eq!(app.plan(&run).await.len(), 10, "accounts and memberships");
    let connection = app.connection().await;
    assert_eq!(connection["status"], "held", "{connection}");

    // Later leavers are judged by themselves; those beyond join the same list.
    app.remove_members(group, &people[5..11]);
    app.settle().await;
    let again = app.held_run().await;
    assert_eq!(again["id"], run["id"]);
    assert_eq!(app.planned_leavers(&again).await, sorted(&people[..11]));
    app.stop().await;
}

async fn as_many_leavers_as_the_percentage_go(database: TestDatabase) {
    let (app, group, people) = engineering(database, 60).await;
    app.remove_members(group, &people[..6]);
    app.settle().await;
    assert!(app.runs("held").await.is_empty());
    app.assert_in_step(&[group]).await;

    app.tenant.remove_member(group, people[6]);
    app.settle().await;
    assert_eq!(app.planned_leavers(&app.held_run().await).await, people[6..7]);
    app.stop().await;
}

async fn more_leavers_than_the_maximum_are_held_however_large_the_connection(database: TestDatabase) {
    let guard = json!({ "guard": { "deactivations_max": 2, "deactivations_percent_max": 100 } });
    let (app, group, people) = engineering_with(database, 60, guard).await;
    app.remove_members(group, &people[..3]);
    app.settle().await;
    assert_eq!(app.active(&people).await, people);
    assert_eq!(app.planned_leavers(&app.held_run().await).await, sorted(&people[..3]));
    app.stop().await;
}

async fn leavers_one_by_one_are_held_beyond_the_daily_maximum(database: TestDatabase) {
    let guard = json!({ "guard": { "deactivations_max": 3, "deactivations_percent_max": 100 } });
    let (app, group, people) = engineering_with(database, 20, guard).await;
    for person in &people[..8] {
        app.tenant.remove_member(group, *person);
        app.settle().await;
    }
    assert_eq!(app.active(&people).await, people[3..]);
    assert_eq!(app.planned_leavers(&app.held_run().await).await, sorted(&people[3..8]));
    app.stop().await;
}

async fn the_window_of_a_day_moves_with_the_clock(database: TestDatabase) {
    let guard = json!({ "guard": { "deactivations_max": 2, "deactivations_percent_max": 100 } });
    let (app, group, people) = engineering_with(database, 20, guard).await;
    app.remove_members(group, &people[..2]);
    app.settle().await;
    app.pass(Duration::from_secs(23 * 3_600)).await;
    app.remove_members(group, &people[2..3]);
    app.settle().await;
    assert_eq!(app.active(&people).await, people[2..]);
    app.add_members(group, &people[2..3]);
    app.settle().await;

    app.pass(Duration::from_secs(3_601)).await;
    app.remove_members(group, &people[3..5]);
    app.settle().await;
    assert_eq!(app.active(&people).await, [&people[2..3], &people[5..]].concat());
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn an_emptied_group_of_five_is_held_and_one_of_four_is_not(database: TestDatabase) {
    let (app, group, people) = engineering(database, 100).await;
    let (four, five) = (app.tenant.add_group("Four"), app.tenant.add_group("Five"));
    let (few, more) = (people_in(&app, four, 4), people_in(&app, five, 5));
    app.change(json!({ "scope": { "groups": [group, four, five] } })).await;
    app.assert_in_step(&[group, four, five]).await;

    app.remove_members(four, &few);
    app.settle().await;
    assert!(app.active(&few).await.is_empty());
    app.remove_members(five, &more);
    app.settle().await;
    assert_eq!(app.active(&more).await, more);
    assert_eq!(app.planned_leavers(&app.held_run().await).await, sorted(&more));
    assert_eq!(app.active(&people).await, people);
    app.stop().await;
}

async fn a_hundred_per_cent_switches_the_shares_off(database: TestDatabase) {
    let guard = json!({ "guard": { "deactivations_max": 500, "deactivations_percent_max": 100 } });
    let (app, group, people) = engineering_with(database, 12, guard).await;
    app.remove_members(group, &people);
    app.settle().await;
    assert!(app.active(&people).await.is_empty());
    assert!(app.runs("held").await.is_empty());
    app.stop().await;
}

async fn people_who_return_leave_the_list_and_an_empty_list_has_succeeded(database: TestDatabase) {
    let (app, group, people) = engineering(database, 20).await;
    app.remove_members(group, &people[..6]);
    app.settle().await;
    let run = app.held_run().await;
    app.add_members(group, &people[..4]);
    app.settle().await;
    assert_eq!(app.planned_leavers(&app.held_run().await).await, sorted(&people[4..6]));

    app.add_members(group, &people[4..6]);
    app.settle().await;
    assert_eq!(app.run(&run).await["status"], "succeeded");
    assert_eq!(app.connection().await["status"], "healthy");
    app.assert_in_step(&[group]).await;
    assert!(app.event_types(0).await.iter().all(|kind| kind != "account.deactivated"));
    app.stop().await;
}

async fn one_who_returns_and_leaves_again_counts_once(database: TestDatabase) {
    let guard = json!({ "guard": { "deactivations_max": 2, "deactivations_percent_max": 100 } });
    let (app, group, people) = engineering_with(database, 10, guard).await;
    for _ in 0..4 {
        app.remove_members(group, &people[..1]);
        app.settle().await;
        assert_eq!(app.active(&people).await, people[1..]);
        app.add_members(group, &people[..1]);
        app.settle().await;
    }
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn disabled_people_in_one_batch_are_one_set(database: TestDatabase) {
    let (app, _, people) = engineering(database, 20).await;
    people[..7].iter().for_each(|person| app.tenant.disable(*person));
    app.settle().await;
    assert_eq!(app.active(&people).await, people);
    assert_eq!(app.planned_leavers(&app.held_run().await).await, sorted(&people[..7]));
    app.stop().await;
}
