//! What is not known for certain changes nobody: second looks, errors, missing permissions, wrong credentials.

use std::time::Duration;

use rollcall::simulator::Faults;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::scenes::{engineering, engineering_with, people_in};
use crate::support::{TestDatabase, both_databases};

both_databases!(
    an_unconfirmed_absence_waits_for_the_last_look,
    a_purge_that_was_announced_is_believed_at_once,
    a_change_during_a_batch_is_fetched_again,
    an_outage_changes_nobody_and_everything_is_applied_afterwards,
    a_wait_asked_for_by_graph_is_kept,
    without_the_permission_to_read_users_nobody_is_deactivated,
    a_wrong_secret_quarantines_until_it_is_mended,
    a_paused_connection_accepts_and_applies_nothing_until_resumed,
    a_crash_after_the_acknowledgement_loses_nothing,
);

async fn an_unconfirmed_absence_waits_for_the_last_look(database: TestDatabase) {
    let app = TestApp::start_with(database, &[("DELTA_POLL_SECONDS", "3600")]).await;
    let group = app.tenant.add_group("Engineering");
    let people = people_in(&app, group, 12);
    app.connect(json!({ "scope": { "groups": [group] } })).await;
    // An earlier change is acknowledged; the purge after it is announced to nobody.
    app.tenant.touch(people[0]);
    app.simulator.deliver().await;
    app.simulator.lose_notifications(true);
    assert!(app.tenant.purge(people[0]));
    app.settle().await;
    assert_eq!(app.active(&people).await, people);
    app.pass(Duration::from_secs(61)).await;
    assert_eq!(app.active(&people).await, people);
    app.pass(Duration::from_secs(240)).await;
    assert_eq!(app.account(people[0]).await["deactivated_reason"], "deleted_in_source");
    app.sync(json!({ "full": true })).await;
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn a_purge_that_was_announced_is_believed_at_once(database: TestDatabase) {
    let (app, group, people) = engineering(database, 12).await;
    assert!(app.tenant.purge(people[0]));
    app.settle().await;
    assert_eq!(app.account(people[0]).await["deactivated_reason"], "deleted_in_source");
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn a_change_during_a_batch_is_fetched_again(database: TestDatabase) {
    let (app, group, people) = engineering(database, 3).await;
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.simulator.deliver().await;
    app.app.engine.fold.run_once().await.unwrap();
    app.simulator.faults(|faults| faults.answer_delay = Duration::from_millis(300));
    let asked = app.simulator.counters().requests;
    let working = tokio::spawn({
        let worker = app.app.engine.worker.clone();
        async move { worker.run_once().await.unwrap() }
    });
    // While the answer is on its way, the next change is announced and folded.
    while app.simulator.counters().requests == asked {
        tokio::task::yield_now().await;
    }
    app.tenant.update_user(people[0], "jobTitle", json!("Enchantress"));
    app.simulator.deliver().await;
    app.app.engine.fold.run_once().await.unwrap();
    assert!(working.await.unwrap());
    app.simulator.faults(|faults| *faults = Faults::default());
    app.settle().await;
    assert!(app.simulator.counters().requests > asked + 1);
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn an_outage_changes_nobody_and_everything_is_applied_afterwards(database: TestDatabase) {
    let (app, group, people) = engineering(database, 12).await;
    app.simulator.fail_next(1_000, 503);
    app.tenant.disable(people[0]);
    app.tenant.remove_member(group, people[1]);
    let joiner = people_in(&app, group, 1);
    app.settle().await;
    assert_eq!(app.active(&people).await, people);
    let connection = app.connection().await;
    assert_ne!(connection["next_attempt_at"], json!(null), "{connection}");
    assert_eq!(connection["status"], "healthy", "{connection}");

    app.simulator.faults(|faults| *faults = Faults::default());
    app.pass(Duration::from_secs(61)).await;
    assert_eq!(app.active(&joiner).await, joiner);
    app.assert_in_step(&[group]).await;
    assert_eq!(app.connection().await["next_attempt_at"], json!(null));
    app.assert_gapless().await;
    app.stop().await;
}

async fn a_wait_asked_for_by_graph_is_kept(database: TestDatabase) {
    let (app, group, people) = engineering(database, 3).await;
    app.simulator.faults(|faults| faults.resource_unit_quota = Some(0));
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.settle().await;
    let until = app.connection().await["next_attempt_at"].clone();
    assert_ne!(until, json!(null));
    let asked = app.simulator.counters().requests;

    // A new notification does not shorten it.
    app.tenant.update_user(people[1], "jobTitle", json!("Countess"));
    app.settle().await;
    assert_eq!(app.connection().await["next_attempt_at"], until);
    assert_eq!(app.simulator.counters().requests, asked);

    app.simulator.faults(|faults| faults.resource_unit_quota = None);
    app.pass(Duration::from_secs(61)).await;
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn without_the_permission_to_read_users_nobody_is_deactivated(database: TestDatabase) {
    // Without managers people are fetched by id, which shows objects without properties instead of refusing; the
    // guard, which would hold so many, is off.
    let settings =
        json!({ "managers": false, "guard": { "deactivations_max": 500, "deactivations_percent_max": 100 } });
    let (app, group, people) = engineering_with(database, 12, settings).await;
    app.tenant.set_roles(&["Group.Read.All", "GroupMember.Read.All"]);
    app.simulator.expire_access_tokens();
    people.iter().for_each(|person| app.tenant.touch(*person));
    app.settle().await;
    app.sync(json!({ "full": true })).await;
    app.pass(Duration::from_secs(61)).await;
    app.pass(Duration::from_secs(301)).await;
    app.pass(Duration::from_secs(86_400)).await;
    assert_eq!(app.active(&people).await, people);
    assert!(app.event_types(0).await.iter().all(|kind| !kind.contains("updated") && !kind.contains("deactivated")));

    app.tenant.set_roles(&["User.Read.All", "Group.Read.All", "GroupMember.Read.All", "Directory.Read.All"]);
    app.simulator.expire_access_tokens();
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.pass(Duration::from_secs(86_400)).await;
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn a_wrong_secret_quarantines_until_it_is_mended(database: TestDatabase) {
    let (app, group, people) = engineering(database, 3).await;
    app.tenant.set_client_secret("a new one");
    app.simulator.expire_access_tokens();
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.settle().await;
    let connection = app.connection().await;
    assert_eq!(connection["status"], "quarantined", "{connection}");
    assert!(connection["status_reason"].as_str().unwrap().contains("secret"), "{connection}");
    assert_ne!(connection["next_attempt_at"], json!(null), "{connection}");

    // What comes meanwhile is accepted and kept.
    app.tenant.update_user(people[1], "jobTitle", json!("Countess"));
    assert_eq!(app.simulator.deliver().await.items_failed, 0);
    let credentials = json!({ "client_id": app.tenant.client_id(), "client_secret": "a new one" });
    app.change(json!({ "credentials": credentials })).await;
    app.assert_in_step(&[group]).await;
    assert_eq!(app.connection().await["status"], "healthy");
    app.stop().await;
}

async fn a_paused_connection_accepts_and_applies_nothing_until_resumed(database: TestDatabase) {
    let (app, group, people) = engineering(database, 12).await;
    assert_eq!(app.post("/api/v1/connections/contoso/pause", json!({})).await.0, 200);
    app.tenant.remove_member(group, people[0]);
    let joiner = people_in(&app, group, 1);
    app.settle().await;
    // Half of a subscription's life later it was renewed all the same.
    let ends = app.tenant.subscriptions()[0].expires_at;
    app.pass(Duration::from_secs(86_400 * 20)).await;
    assert!(app.tenant.subscriptions().iter().all(|subscription| subscription.expires_at > ends));
    assert_eq!(app.active(&people).await, people);
    assert!(!app.has_account(joiner[0]).await);
    assert_eq!(app.connection().await["status"], "paused");

    assert_eq!(app.post("/api/v1/connections/contoso/resume", json!({})).await.0, 200);
    app.settle().await;
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn a_crash_after_the_acknowledgement_loses_nothing(database: TestDatabase) {
    let (app, group, people) = engineering(database, 12).await;
    app.tenant.remove_member(group, people[0]);
    app.tenant.update_user(people[1], "jobTitle", json!("Countess"));
    let joiner = people_in(&app, group, 1);
    app.simulator.deliver().await;
    let app = app.restart().await;
    app.settle().await;
    app.assert_in_step(&[group]).await;
    assert_eq!(app.active(&joiner).await, joiner);
    app.stop().await;
}
