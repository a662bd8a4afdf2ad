//! What an administrator decides about a held run.

use serde_json::json;

use crate::support::scenes::{engineering, sorted};
use crate::support::{TestDatabase, both_databases};

both_databases!(
    an_allowed_run_deactivates_each_after_checking_again,
    allowed_leavers_do_not_count_for_the_day,
    a_rejected_run_changes_nothing_and_a_later_full_run_holds_again,
    a_rejected_person_is_held_again_by_a_new_change,
    leavers_of_a_full_run_are_held_as_that_run,
    a_newer_full_run_takes_the_list_over,
    leavers_held_already_stay_on_their_list_in_a_full_run,
    a_run_that_is_not_held_can_be_neither_allowed_nor_rejected,
);

async fn an_allowed_run_deactivates_each_after_checking_again(database: TestDatabase) {
    let (app, group, people) = engineering(database, 20).await;
    app.remove_members(group, &people[..6]);
    app.settle().await;
    let run = app.held_run().await;
    // One returns, and nobody tells.
    app.simulator.lose_notifications(true);
    app.add_members(group, &people[..1]);
    app.simulator.deliver().await;
    app.simulator.lose_notifications(false);

    let (status, reply) = app.decide(&run, "allow").await;
    assert_eq!(status, 200, "{reply}");
    assert_eq!(app.active(&people).await, [&people[..1], &people[6..]].concat());
    assert_eq!(app.run(&run).await["status"], "succeeded");
    app.assert_in_step(&[group]).await;
    assert_eq!(app.connection().await["status"], "healthy");
    app.assert_gapless().await;
    app.stop().await;
}

async fn allowed_leavers_do_not_count_for_the_day(database: TestDatabase) {
    let (app, group, people) = engineering(database, 40).await;
    app.remove_members(group, &people[..10]);
    app.settle().await;
    let run = app.held_run().await;
    assert_eq!(app.decide(&run, "allow").await.0, 200);
    app.remove_members(group, &people[10..14]);
    app.settle().await;
    assert_eq!(app.active(&people).await, people[14..]);
    app.stop().await;
}

async fn a_rejected_run_changes_nothing_and_a_later_full_run_holds_again(database: TestDatabase) {
    let (app, group, people) = engineering(database, 20).await;
    app.remove_members(group, &people[..6]);
    app.settle().await;
    let run = app.held_run().await;
    let before = app.events().await.len();
    assert_eq!(app.decide(&run, "reject").await.0, 200);
    assert_eq!(app.run(&run).await["status"], "cancelled");
    assert_eq!(app.active(&people).await, people);
    assert_eq!(app.events().await.len(), before);
    assert!(app.runs("held").await.is_empty());
    app.pass(std::time::Duration::from_secs(301)).await;
    assert!(app.runs("held").await.is_empty());

    let full = app.sync(json!({ "full": true })).await;
    assert_eq!((&full["kind"], &full["status"]), (&json!("reconcile"), &json!("held")), "{full}");
    assert_eq!(app.planned_leavers(&full).await, sorted(&people[..6]));
    assert_eq!(app.active(&people).await, people);

    assert_eq!(app.decide(&full, "allow").await.0, 200);
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn a_rejected_person_is_held_again_by_a_new_change(database: TestDatabase) {
    let (app, group, people) = engineering(database, 20).await;
    app.remove_members(group, &people[..6]);
    app.settle().await;
    let run = app.held_run().await;
    app.decide(&run, "reject").await;
    app.tenant.disable(people[0]);
    app.settle().await;
    let again = app.held_run().await;
    assert_ne!(again["id"], run["id"]);
    assert_eq!(app.planned_leavers(&again).await, people[..1]);
    assert_eq!(app.active(&people).await, people);
    app.stop().await;
}

async fn leavers_of_a_full_run_are_held_as_that_run(database: TestDatabase) {
    let (app, group, people) = engineering(database, 20).await;
    app.simulator.lose_notifications(true);
    app.remove_members(group, &people[..6]);
    app.tenant.update_user(people[10], "jobTitle", json!("Countess"));
    app.simulator.deliver().await;
    app.simulator.lose_notifications(false);

    let run = app.sync(json!({ "full": true })).await;
    assert_eq!((&run["kind"], &run["status"]), (&json!("reconcile"), &json!("held")), "{run}");
    assert_eq!(app.planned_leavers(&run).await, sorted(&people[..6]));
    assert_eq!(app.account(people[10]).await["job_title"], "Countess");
    assert_eq!(app.active(&people).await, people);
    assert_eq!(app.runs("held").await.len(), 1);

    assert_eq!(app.decide(&run, "allow").await.0, 200);
    app.assert_in_step(&[group]).await;
    assert_eq!(app.sync(json!({ "full": true })).await["repairs"], 0);
    app.stop().await;
}

async fn a_newer_full_run_takes_the_list_over(database: TestDatabase) {
    let (app, group, people) = engineering(database, 20).await;
    app.simulator.lose_notifications(true);
    app.remove_members(group, &people[..6]);
    app.simulator.deliver().await;
    let first = app.sync(json!({ "full": true })).await;
    app.remove_members(group, &people[6..8]);
    app.add_members(group, &people[..1]);
    app.simulator.deliver().await;
    let second = app.sync(json!({ "full": true })).await;

    assert_eq!(app.run(&first).await["status"], "cancelled");
    assert_eq!(app.held_run().await["id"], second["id"]);
    assert_eq!(app.planned_leavers(&second).await, sorted(&people[1..8]));
    let third = app.sync(json!({ "full": true })).await;
    assert_eq!(app.held_run().await["id"], third["id"]);
    assert_eq!(app.planned_leavers(&third).await, sorted(&people[1..8]));

    app.add_members(group, &people[1..8]);
    app.simulator.deliver().await;
    let last = app.sync(json!({ "full": true })).await;
    assert_eq!(last["status"], "succeeded", "{last}");
    assert!(app.runs("held").await.is_empty());
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn leavers_held_already_stay_on_their_list_in_a_full_run(database: TestDatabase) {
    let (app, group, people) = engineering(database, 20).await;
    app.remove_members(group, &people[..6]);
    app.settle().await;
    let run = app.held_run().await;
    let full = app.sync(json!({ "full": true })).await;
    assert_eq!((&full["status"], &full["repairs"]), (&json!("succeeded"), &json!(0)), "{full}");
    assert_eq!(app.held_run().await["id"], run["id"]);
    assert_eq!(app.planned_leavers(&run).await, sorted(&people[..6]));

    // Whatever else is said of them, they stay on that list alone.
    let count = app.list("runs").await.len();
    app.tenant.disable(people[0]);
    app.settle().await;
    assert_eq!(app.list("runs").await.len(), count);
    app.stop().await;
}

async fn a_run_that_is_not_held_can_be_neither_allowed_nor_rejected(database: TestDatabase) {
    let (app, _, _) = engineering(database, 2).await;
    let run = app.sync(json!({ "full": true })).await;
    assert_eq!(app.decide(&run, "allow").await.0, 409);
    assert_eq!(app.decide(&run, "reject").await.0, 409);
    app.stop().await;
}
