//! Runs an administrator asks for: one person, once more, or no longer.

use rollcall::simulator::NewUser;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::scenes::{engineering, people_in};
use crate::support::{TestDatabase, both_databases};

both_databases!(
    a_person_is_provisioned_on_demand_by_name_or_id,
    a_person_nobody_knows_fails_with_a_reason,
    a_further_request_joins_the_queued_run,
    a_full_request_joins_the_initial_cycle,
    a_cancelled_run_changes_nothing_and_the_next_one_can_begin,
    a_connection_made_without_start_waits_for_resume,
);

const SYNC: &str = "/api/v1/connections/contoso/sync";

async fn a_person_is_provisioned_on_demand_by_name_or_id(database: TestDatabase) {
    let (app, group, people) = engineering(database, 2).await;
    app.simulator.lose_notifications(true);
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.tenant.update_user(people[1], "jobTitle", json!("Enchantress"));
    app.settle().await;
    let run = app.sync(json!({ "user": people[0] })).await;
    assert_eq!((&run["kind"], &run["status"]), (&json!("on_demand"), &json!("succeeded")), "{run}");
    assert_eq!(run["counts"]["updated"], 1, "{run}");
    assert_eq!(app.account(people[0]).await["job_title"], "Countess");
    assert_eq!(app.account(people[1]).await["job_title"], json!(null));

    let name = app.tenant.user(people[1]).unwrap().user_principal_name;
    let run = app.sync(json!({ "user": name })).await;
    assert_eq!(run["status"], "succeeded", "{run}");
    app.assert_in_step(&[group]).await;
    let found_by = &app.connection().await["found_by"];
    assert_eq!(*found_by, json!({ "notification": 0, "delta": 0, "reconcile": 0 }));
    app.stop().await;
}

async fn a_person_nobody_knows_fails_with_a_reason(database: TestDatabase) {
    let (app, _, _) = engineering(database, 2).await;
    for nobody in ["nobody@contoso.example".to_owned(), uuid::Uuid::from_u128(1).to_string()] {
        let run = app.sync(json!({ "user": nobody })).await;
        let outside = run["counts"]["skipped"] == 1;
        assert!(run["status"] == "failed" || outside, "{run}");
        assert!(outside || run["error"].as_str().unwrap().contains(&nobody), "{run}");
    }
    assert_eq!(app.connection().await["status"], "healthy");
    app.stop().await;
}

async fn a_further_request_joins_the_queued_run(database: TestDatabase) {
    let (app, _, _) = engineering(database, 2).await;
    let request = async |body: Value| {
        let (status, run) = app.post(SYNC, body).await;
        assert_eq!(status, 202, "{run}");
        run["id"].clone()
    };
    let first = request(json!({ "full": true })).await;
    assert_eq!(request(json!({ "full": true })).await, first);
    let incremental = request(json!({ "full": false })).await;
    assert_ne!(incremental, first);
    assert_eq!(request(json!({ "full": false })).await, incremental);
    app.settle().await;
    assert!(app.runs("pending").await.is_empty() && app.runs("running").await.is_empty());
    assert_ne!(request(json!({ "full": true })).await, first);
    app.settle().await;
    app.stop().await;
}

async fn a_full_request_joins_the_initial_cycle(database: TestDatabase) {
    let app = TestApp::start(database).await;
    let group = app.tenant.add_group("Engineering");
    people_in(&app, group, 3);
    let body = json!({
        "id": "contoso", "name": "Contoso", "tenant_id": app.tenant.id(), "scope": { "groups": [group] },
        "credentials": { "client_id": app.tenant.client_id(), "client_secret": app.tenant.client_secret() },
    });
    assert_eq!(app.post("/api/v1/connections", body).await.0, 201);
    let initial = app.list("runs").await.remove(0);
    assert_eq!(initial["kind"], "initial");
    let (_, run) = app.post(SYNC, json!({ "full": true })).await;
    assert_eq!(run["id"], initial["id"]);
    app.settle().await;
    assert_eq!(app.list("runs").await.len(), 1);
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn a_cancelled_run_changes_nothing_and_the_next_one_can_begin(database: TestDatabase) {
    let (app, group, people) = engineering(database, 2).await;
    app.simulator.lose_notifications(true);
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.simulator.deliver().await;
    let (_, run) = app.post(SYNC, json!({ "full": true })).await;
    assert_eq!(app.decide(&run, "cancel").await.0, 200);
    assert_eq!(app.run(&run).await["status"], "cancelled");
    assert_eq!(app.account(people[0]).await["job_title"], json!(null));
    assert_eq!(app.decide(&run, "cancel").await.0, 409);

    let run = app.sync(json!({ "full": true })).await;
    assert_eq!(run["status"], "succeeded", "{run}");
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn a_connection_made_without_start_waits_for_resume(database: TestDatabase) {
    let app = TestApp::start(database).await;
    let group = app.tenant.add_group("Engineering");
    let ada = app.tenant.add_user(NewUser::named("Ada", "Lovelace"));
    app.tenant.add_member(group, ada);
    app.connect(json!({ "scope": { "groups": [group] }, "start": false })).await;
    assert!(!app.has_account(ada).await);
    assert!(app.tenant.subscriptions().is_empty());
    assert_eq!(app.connection().await["status"], "paused");

    assert_eq!(app.post("/api/v1/connections/contoso/resume", json!({})).await.0, 200);
    app.settle().await;
    app.assert_in_step(&[group]).await;
    assert_eq!(app.connection().await["status"], "healthy");
    app.stop().await;
}
