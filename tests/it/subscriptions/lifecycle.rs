//! From creation to renewal and back again when Graph lost one.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::scenes::{engineering, people_in};
use crate::support::{TestDatabase, both_databases};

both_databases!(
    one_for_users_and_one_for_groups_with_a_lifecycle_address,
    renewed_when_half_of_the_returned_life_is_gone,
    a_lost_subscription_is_made_again_and_what_was_missed_is_caught_up,
    an_expired_subscription_is_made_again_and_what_was_missed_is_caught_up,
    a_subscription_that_could_only_be_made_later_catches_up_as_well,
    a_demand_to_reauthorize_is_answered_by_a_renewal,
    renewing_by_hand_answers_what_was_done,
);

const DAY: Duration = Duration::from_secs(86_400);
const RENEW: &str = "/api/v1/subscriptions/renew";

async fn one_for_users_and_one_for_groups_with_a_lifecycle_address(database: TestDatabase) {
    let (app, _, _) = engineering(database, 1).await;
    let subscriptions = app.tenant.subscriptions();
    let mut resources: Vec<&str> =
        subscriptions.iter().map(|subscription| subscription.resource.trim_start_matches('/')).collect();
    resources.sort_unstable();
    assert_eq!(resources, ["groups", "users"]);
    for subscription in &subscriptions {
        assert_eq!(subscription.change_type, "updated,deleted");
        assert!(subscription.notification_url.starts_with(&app.public_url("/")), "{subscription:?}");
        assert!(subscription.lifecycle_notification_url.is_some(), "{subscription:?}");
    }
    let shown = app.list("subscriptions").await;
    assert!(shown.iter().all(|subscription| subscription["status"] == "active"), "{shown:?}");
    app.stop().await;
}

async fn renewed_when_half_of_the_returned_life_is_gone(database: TestDatabase) {
    let (app, group, people) = engineering(database, 2).await;
    let ends = |app: &crate::support::app::TestApp| {
        app.tenant.subscriptions().iter().map(|subscription| subscription.expires_at).min().unwrap()
    };
    let (before, ids) = (ends(&app), app.tenant.subscriptions().iter().map(|known| known.id).collect::<Vec<_>>());
    app.pass(DAY * 3).await;
    assert_eq!(ends(&app), before);
    app.pass(DAY).await;
    assert!(ends(&app) > before);
    for _ in 0..6 {
        app.pass(DAY * 4).await;
    }
    assert_eq!(app.tenant.subscriptions().iter().map(|known| known.id).collect::<Vec<_>>(), ids);
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.settle().await;
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn a_lost_subscription_is_made_again_and_what_was_missed_is_caught_up(database: TestDatabase) {
    let (app, group, people) = engineering(database, 2).await;
    let lost = app.tenant.subscriptions();
    lost.iter().for_each(|subscription| assert!(app.tenant.remove_subscription(subscription.id)));
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    let joiner = people_in(&app, group, 1);
    app.settle().await;
    assert!(!app.has_account(joiner[0]).await);

    let (status, reply) = app.post(RENEW, json!({ "connection": "contoso", "force": true })).await;
    assert_eq!(status, 200, "{reply}");
    assert_eq!(actions(&reply), ["recreated", "recreated"]);
    app.settle().await;
    app.assert_in_step(&[group]).await;
    assert_eq!(app.tenant.subscriptions().len(), 2);
    assert!(app.tenant.subscriptions().iter().all(|new| lost.iter().all(|old| old.id != new.id)));
    app.tenant.update_user(people[1], "jobTitle", json!("Countess"));
    app.settle().await;
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn an_expired_subscription_is_made_again_and_what_was_missed_is_caught_up(database: TestDatabase) {
    let (app, group, people) = engineering(database, 2).await;
    // Nobody is there for a month and a half.
    app.clock.advance(DAY * 45);
    app.simulator.set_time(rollcall::clock::Clock::now(&*app.clock).to_datetime());
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.settle().await;
    app.assert_in_step(&[group]).await;
    let live = app.tenant.subscriptions().iter().filter(|subscription| !subscription.expired).count();
    assert_eq!(live, 2);
    app.tenant.update_user(people[1], "jobTitle", json!("Countess"));
    app.settle().await;
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn a_subscription_that_could_only_be_made_later_catches_up_as_well(database: TestDatabase) {
    let (app, group, people) = engineering(database, 2).await;
    for subscription in app.tenant.subscriptions() {
        app.tenant.expire_subscription_after(subscription.id, Duration::ZERO);
        app.tenant.remove_subscription(subscription.id);
    }
    app.simulator.fail_next_of("subscriptions.create", 2, 503);
    let renewed_at = async || app.list("subscriptions").await[0]["renewed_at"].clone();
    let before = renewed_at().await;
    app.clock.advance(Duration::from_secs(1));
    let (_, reply) = app.post(RENEW, json!({ "connection": null, "force": true })).await;
    assert_eq!(actions(&reply), ["failed", "failed"], "{reply}");
    assert_eq!(renewed_at().await, before);
    assert!(reply["results"][0]["error"].as_str().unwrap().contains("unavailable"), "{reply}");
    assert_eq!(app.connection().await["status"], "attention");
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.settle().await;
    app.pass(Duration::from_secs(61)).await;
    app.assert_in_step(&[group]).await;
    assert_eq!(app.connection().await["status"], "healthy");

    // The same after both had expired.
    app.simulator.fail_next_of("subscriptions.create", 2, 503);
    app.clock.advance(DAY * 8);
    app.pass(Duration::ZERO).await;
    assert_eq!(app.connection().await["status"], "attention");
    app.tenant.update_user(people[1], "jobTitle", json!("Countess"));
    app.pass(Duration::from_secs(61)).await;
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn a_demand_to_reauthorize_is_answered_by_a_renewal(database: TestDatabase) {
    let (app, group, people) = engineering(database, 2).await;
    app.pass(DAY).await;
    app.tenant.suspend_subscriptions();
    assert_eq!(app.tenant.require_reauthorization(), 2);
    app.simulator.reset_counters();
    app.settle().await;
    let asked = app.simulator.counters();
    assert_eq!(asked.of("subscriptions.update"), 2);
    assert_eq!(asked.of("subscriptions.reauthorize"), 0);
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.settle().await;
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn renewing_by_hand_answers_what_was_done(database: TestDatabase) {
    let (app, _, _) = engineering(database, 1).await;
    let (status, reply) = app.post(RENEW, json!({ "connection": null, "force": false })).await;
    assert_eq!((status, actions(&reply)), (200, vec!["skipped".to_owned(), "skipped".to_owned()]));
    let (_, reply) = app.post(RENEW, json!({ "connection": "contoso", "force": true })).await;
    assert_eq!(actions(&reply), ["renewed", "renewed"]);
    for result in reply["results"].as_array().unwrap() {
        assert_eq!(result["connection"], "contoso");
        assert!(["users", "groups"].contains(&result["resource"].as_str().unwrap()), "{result}");
        assert!(result["subscription_id"].is_string() && result["expires_at"].is_string(), "{result}");
        assert_eq!(result["error"], json!(null));
    }
    app.stop().await;
}

fn actions(reply: &Value) -> Vec<String> {
    let results = reply["results"].as_array().unwrap();
    results.iter().map(|result| result["action"].as_str().unwrap().to_owned()).collect()
}
