//! The full listing: from scratch, at night or when asked for.

use std::time::Duration;

use rollcall::simulator::NewUser;
use serde_json::json;
use uuid::Uuid;

use crate::support::app::TestApp;
use crate::support::scenes::{engineering, engineering_with, people_in};
use crate::support::{TestDatabase, both_databases};

both_databases!(
    what_neither_notification_nor_delta_told_is_repaired_and_counted,
    a_reconcile_after_everything_settled_finds_nothing,
    what_new_settings_change_is_no_repair,
    the_nightly_run_comes_at_its_local_time_once_a_day,
    everyone_in_the_tenant_can_be_in_scope,
    a_missed_night_is_made_up_at_the_next_start,
    a_full_run_that_fails_begins_again_and_changes_nobody_meanwhile,
);

async fn what_neither_notification_nor_delta_told_is_repaired_and_counted(database: TestDatabase) {
    let (app, group, people) = engineering(database, 20).await;
    app.simulator.lose_notifications(true);
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.tenant.disable(people[1]);
    app.settle().await;
    let run = app.sync(json!({ "full": true })).await;
    assert_eq!((&run["kind"], &run["status"], &run["repairs"]), (&json!("reconcile"), &json!("succeeded"), &json!(2)));
    assert_eq!(run["counts"]["updated"], 1, "{run}");
    assert_eq!(run["counts"]["deactivated"], 1, "{run}");
    assert_eq!(run["counts"]["unchanged"], 18, "{run}");
    app.assert_in_step(&[group]).await;
    assert_eq!(app.connection().await["found_by"]["reconcile"], 2);

    // Delta shows the same later, and it is nothing new.
    app.pass(Duration::from_secs(301)).await;
    assert_eq!(app.connection().await["found_by"]["delta"], 0);
    app.stop().await;
}

async fn what_new_settings_change_is_no_repair(database: TestDatabase) {
    let (app, _, people) = engineering(database, 3).await;
    app.pass(Duration::from_secs(1)).await;
    app.change(json!({ "mapping": [{ "target": "role", "constant": "guest" }] })).await;
    assert_eq!(app.account(people[0]).await["role"], "guest");
    let runs = app.list("runs").await;
    assert_eq!((&runs[0]["kind"], &runs[0]["repairs"]), (&json!("reconcile"), &json!(0)), "{runs:?}");
    assert_eq!(runs[0]["counts"]["updated"], 3, "{runs:?}");
    app.stop().await;
}

async fn a_reconcile_after_everything_settled_finds_nothing(database: TestDatabase) {
    let (app, group, people) = engineering(database, 10).await;
    let nested = app.tenant.add_group("Platform");
    people_in(&app, nested, 2);
    app.tenant.add_member(group, nested);
    app.tenant.set_manager(people[0], Some(people[1]));
    app.tenant.disable(people[2]);
    app.tenant.soft_delete_user(people[3]);
    app.settle().await;
    let before = app.events().await.len();
    let run = app.sync(json!({ "full": true })).await;
    assert_eq!((&run["status"], &run["repairs"]), (&json!("succeeded"), &json!(0)), "{run}");
    assert_eq!(run["progress"]["done"], run["progress"]["total"], "{run}");
    assert_eq!(app.events().await.len(), before);
    app.assert_in_step(&[group]).await;
    app.assert_gapless().await;
    app.stop().await;
}

async fn the_nightly_run_comes_at_its_local_time_once_a_day(database: TestDatabase) {
    // The clock begins at midnight UTC; 02:00 in Helsinki is midnight in winter.
    let at = json!({ "reconcile": { "at": "03:30", "time_zone": "Europe/Helsinki" } });
    let (app, _, _) = engineering_with(database, 2, at).await;
    let reconciles = async || app.runs("succeeded").await.iter().filter(|run| run["kind"] == "reconcile").count();
    app.pass(Duration::from_secs(89 * 60)).await;
    assert_eq!(reconciles().await, 0);
    app.pass(Duration::from_secs(2 * 60)).await;
    assert_eq!(reconciles().await, 1);
    app.pass(Duration::from_secs(23 * 3_600)).await;
    assert_eq!(reconciles().await, 1);
    app.pass(Duration::from_secs(3_600)).await;
    assert_eq!(reconciles().await, 2);
    app.stop().await;
}

async fn everyone_in_the_tenant_can_be_in_scope(database: TestDatabase) {
    let app = TestApp::start(database).await;
    let people: Vec<Uuid> =
        (0..40).map(|number| app.tenant.add_user(NewUser::named(&format!("Ada{number}"), "Lovelace"))).collect();
    let disabled = app.tenant.add_user(NewUser::named("Dis", "Abled").disabled());
    app.connect(json!({ "scope": { "groups": [], "all_users": true } })).await;
    assert_eq!(app.active(&people).await, people);
    assert!(!app.has_account(disabled).await);

    let joiner = app.tenant.add_user(NewUser::named("Grace", "Hopper"));
    app.settle().await;
    assert!(app.has_account(joiner).await);

    app.simulator.lose_notifications(true);
    assert!(app.tenant.purge(people[0]));
    app.tenant.soft_delete_user(people[1]);
    app.settle().await;
    let run = app.sync(json!({ "full": true })).await;
    assert_eq!((&run["status"], &run["repairs"]), (&json!("succeeded"), &json!(2)), "{run}");
    assert_eq!(app.active(&people).await, people[2..]);
    assert_eq!(app.account(people[0]).await["deactivated_reason"], "deleted_in_source");

    assert!(app.tenant.restore(people[1]));
    app.settle().await;
    app.sync(json!({ "full": true })).await;
    assert_eq!(app.active(&people).await, people[1..]);
    app.assert_gapless().await;
    app.stop().await;
}

async fn a_missed_night_is_made_up_at_the_next_start(database: TestDatabase) {
    let (app, group, people) = engineering(database, 2).await;
    app.simulator.lose_notifications(true);
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.simulator.deliver().await;
    app.clock.advance(Duration::from_secs(30 * 3_600));
    app.simulator.set_time(rollcall::clock::Clock::now(&*app.clock).to_datetime());
    let app = app.restart().await;
    app.settle().await;
    let runs = app.list("runs").await;
    assert_eq!(runs.iter().filter(|run| run["kind"] == "reconcile").count(), 1, "{runs:?}");
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn a_full_run_that_fails_begins_again_and_changes_nobody_meanwhile(database: TestDatabase) {
    let (app, group, people) = engineering(database, 8).await;
    app.simulator.lose_notifications(true);
    app.tenant.remove_member(group, people[0]);
    app.simulator.deliver().await;
    app.simulator.fail_next(1_000, 503);
    let failed = app.sync(json!({ "full": true })).await;
    assert_eq!(failed["status"], "failed", "{failed}");
    assert_eq!(app.active(&people).await, people);
    assert_ne!(app.connection().await["next_attempt_at"], json!(null));

    app.simulator.faults(|faults| *faults = rollcall::simulator::Faults::default());
    app.pass(Duration::from_secs(61)).await;
    app.assert_in_step(&[group]).await;
    let runs = app.list("runs").await;
    assert!(runs.iter().any(|run| run["kind"] == "reconcile" && run["status"] == "succeeded"), "{runs:?}");
    assert_eq!(app.connection().await["next_attempt_at"], json!(null));
    app.stop().await;
}
