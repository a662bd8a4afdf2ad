//! The delta poll: the ceiling when notifications are lost.

use std::time::Duration;

use rollcall::simulator::{ExpiredDelta, NewUser};
use serde_json::json;

use crate::support::scenes::{engineering, people_in};
use crate::support::{TestDatabase, both_databases};

both_databases!(
    what_no_notification_told_is_found_by_delta,
    delta_is_polled_every_five_minutes,
    an_idle_poll_leaves_no_run,
    a_property_mapped_later_is_found_by_delta_as_well,
    a_change_announced_in_time_is_not_counted_for_delta,
    an_expired_delta_link_ends_in_a_full_run,
    an_expired_delta_link_may_be_told_by_its_code,
    empty_pages_and_people_outside_cost_nothing,
    a_purged_person_found_by_delta_is_deactivated_at_once,
);

async fn what_no_notification_told_is_found_by_delta(database: TestDatabase) {
    let (app, group, people) = engineering(database, 5).await;
    app.simulator.lose_notifications(true);
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.tenant.remove_member(group, people[1]);
    let joiner = people_in(&app, group, 1);
    app.settle().await;
    assert!(!app.has_account(joiner[0]).await);

    let run = app.sync(json!({ "full": false })).await;
    assert_eq!((&run["kind"], &run["status"]), (&json!("incremental"), &json!("succeeded")), "{run}");
    app.assert_in_step(&[group]).await;
    let found_by = &app.connection().await["found_by"];
    assert_eq!((&found_by["delta"], &found_by["notification"]), (&json!(3), &json!(0)));
    let entries = app.list(&format!("log?object={}", people[0])).await;
    assert!(entries.iter().any(|entry| entry["found_by"] == "delta" && entry["action"] == "update"), "{entries:?}");
    app.assert_gapless().await;
    app.stop().await;
}

async fn delta_is_polled_every_five_minutes(database: TestDatabase) {
    let (app, group, people) = engineering(database, 2).await;
    app.simulator.lose_notifications(true);
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.pass(Duration::from_secs(299)).await;
    assert_eq!(app.account(people[0]).await["job_title"], json!(null));
    app.pass(Duration::from_secs(2)).await;
    app.assert_in_step(&[group]).await;
    app.tenant.update_user(people[0], "jobTitle", json!("Enchantress"));
    app.pass(Duration::from_secs(301)).await;
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn a_property_mapped_later_is_found_by_delta_as_well(database: TestDatabase) {
    let (app, _, people) = engineering(database, 2).await;
    app.change(json!({ "mapping": [{ "target": "custom.city", "source": "city" }] })).await;
    app.simulator.lose_notifications(true);
    app.tenant.update_user(people[0], "city", json!("London"));
    app.settle().await;
    assert_eq!(app.account(people[0]).await["custom"]["city"], json!(null));
    app.sync(json!({ "full": false })).await;
    assert_eq!(app.account(people[0]).await["custom"]["city"], "London");
    assert_eq!(app.connection().await["found_by"]["delta"], 1);
    app.stop().await;
}

async fn an_idle_poll_leaves_no_run(database: TestDatabase) {
    let (app, _, _) = engineering(database, 2).await;
    let before = (app.list("runs").await.len(), app.connection().await["last_delta_at"].clone());
    app.pass(Duration::from_secs(301)).await;
    assert_eq!(app.list("runs").await.len(), before.0);
    assert_ne!(app.connection().await["last_delta_at"], before.1);
    app.stop().await;
}

async fn a_change_announced_in_time_is_not_counted_for_delta(database: TestDatabase) {
    let (app, group, people) = engineering(database, 5).await;
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.tenant.remove_member(group, people[1]);
    app.settle().await;
    app.pass(Duration::from_secs(301)).await;
    let found_by = &app.connection().await["found_by"];
    assert_eq!((&found_by["delta"], &found_by["notification"]), (&json!(0), &json!(2)));
    app.stop().await;
}

async fn an_expired_delta_link_ends_in_a_full_run(database: TestDatabase) {
    expired_links_are_replaced(database, ExpiredDelta::Gone).await;
}

async fn an_expired_delta_link_may_be_told_by_its_code(database: TestDatabase) {
    expired_links_are_replaced(database, ExpiredDelta::SyncStateNotFound).await;
}

async fn expired_links_are_replaced(database: TestDatabase, how: ExpiredDelta) {
    let (app, group, people) = engineering(database, 20).await;
    app.simulator.faults(|faults| faults.expired_delta = how);
    app.simulator.lose_notifications(true);
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.tenant.remove_member(group, people[1]);
    app.settle().await;
    app.tenant.expire_delta_tokens();
    app.pass(Duration::from_secs(301)).await;

    app.assert_in_step(&[group]).await;
    let runs = app.runs("succeeded").await;
    assert_eq!(runs.iter().filter(|run| run["kind"] == "reconcile").count(), 1, "{runs:?}");
    assert_eq!(app.connection().await["status"], "healthy");
    app.tenant.update_user(people[2], "jobTitle", json!("Countess"));
    app.pass(Duration::from_secs(301)).await;
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn empty_pages_and_people_outside_cost_nothing(database: TestDatabase) {
    let (app, group, people) = engineering(database, 3).await;
    app.simulator.faults(|faults| faults.empty_delta_pages = true);
    app.simulator.lose_notifications(true);
    let outside = app.tenant.add_user(NewUser::named("Out", "Side"));
    app.tenant.update_user(outside, "jobTitle", json!("Stranger"));
    app.settle().await;
    app.simulator.reset_counters();
    app.sync(json!({ "full": false })).await;
    assert!(!app.has_account(outside).await);
    let asked = app.simulator.counters().by_operation;
    let operations: Vec<&str> = asked.keys().map(String::as_str).collect();
    assert_eq!(operations, ["groups.delta", "users.delta"]);

    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.sync(json!({ "full": false })).await;
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn a_purged_person_found_by_delta_is_deactivated_at_once(database: TestDatabase) {
    let (app, group, people) = engineering(database, 6).await;
    app.simulator.lose_notifications(true);
    assert!(app.tenant.purge(people[0]));
    app.settle().await;
    app.sync(json!({ "full": false })).await;
    assert_eq!(app.account(people[0]).await["deactivated_reason"], "deleted_in_source");
    app.assert_in_step(&[group]).await;
    app.stop().await;
}
