//! Ours are those with our notification address; others are never touched.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::app::TestApp;
use crate::support::scenes::{engineering, people_in};
use crate::support::{TestDatabase, both_databases};

both_databases!(
    a_subscription_of_ours_that_was_forgotten_is_replaced,
    a_subscription_that_a_removed_connection_left_behind_is_replaced,
    a_foreign_subscription_is_left_alone_and_shown,
    a_removed_connection_takes_its_subscriptions_away,
    a_refused_subscription_does_not_stop_the_sync,
);

/// Asks Graph as the application would.
async fn graph(app: &TestApp, method: reqwest::Method, path: &str, body: Option<Value>) -> Value {
    let client = reqwest::Client::new();
    let form = [
        ("client_id", app.tenant.client_id().to_string()),
        ("client_secret", app.tenant.client_secret()),
        ("scope", "https://graph.microsoft.com/.default".to_owned()),
        ("grant_type", "client_credentials".to_owned()),
    ];
    let login = format!("{}/{}/oauth2/v2.0/token", app.login_url(), app.tenant.id());
    let token: Value = client.post(login).form(&form).send().await.unwrap().json().await.unwrap();
    let url = format!("{}/v1.0/{path}", app.graph_url());
    let mut request = client.request(method, url).bearer_auth(token["access_token"].as_str().unwrap());
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.unwrap();
    assert!(response.status().is_success(), "{}", response.text().await.unwrap());
    response.json().await.unwrap()
}

fn wanted(app: &TestApp, resource: &str, address: &str) -> Value {
    let ends = app.simulator.now() + chrono::Duration::days(2);
    json!({
        "changeType": "updated,deleted", "resource": resource, "notificationUrl": address,
        "clientState": "unknown", "expirationDateTime": ends.to_rfc3339(),
    })
}

async fn a_subscription_of_ours_that_was_forgotten_is_replaced(database: TestDatabase) {
    let (app, group, people) = engineering(database, 2).await;
    let before = ids(&app);
    // As after a process that died between Graph's answer and its own note.
    app.app.engine.db.write(forget_ids).await.unwrap();
    app.settle().await;
    let after = ids(&app);
    assert!(after.len() == 2 && after.iter().all(|id| !before.contains(id)), "{before:?} {after:?}");
    let mut shown: Vec<Uuid> = app
        .list("subscriptions")
        .await
        .iter()
        .map(|shown| shown["subscription_id"].as_str().unwrap().parse().unwrap())
        .collect();
    shown.sort_unstable();
    assert_eq!(shown, after);
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.settle().await;
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn a_subscription_that_a_removed_connection_left_behind_is_replaced(database: TestDatabase) {
    let app = TestApp::start(database).await;
    let group = app.tenant.add_group("Engineering");
    let people = people_in(&app, group, 2);
    // Made under another id or another data key: its client state is not known here.
    for resource in ["users", "groups"] {
        let ours = wanted(&app, resource, &app.public_url("/graph/notifications"));
        graph(&app, reqwest::Method::POST, "subscriptions", Some(ours)).await;
    }
    app.connect(json!({ "scope": { "groups": [group] } })).await;
    assert_eq!(app.connection().await["status"], "healthy");
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.settle().await;
    assert_eq!(app.account(people[0]).await["job_title"], "Countess");
    assert_eq!(app.connection().await["found_by"]["notification"], 1);
    app.stop().await;
}

fn ids(app: &TestApp) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = app.tenant.subscriptions().iter().map(|known| known.id).collect();
    ids.sort_unstable();
    ids
}

fn forget_ids(db: &mut rollcall::store::DbConnection) -> Result<(), rollcall::store::StoreError> {
    let connection = "contoso".parse().unwrap();
    for mut row in rollcall::store::subscriptions::of(db, &connection)? {
        (row.id, row.expires_at, row.due_at) = (None, None, rollcall::clock::Timestamp(0));
        rollcall::store::subscriptions::put(db, &connection, &row, None)?;
    }
    Ok(())
}

async fn a_foreign_subscription_is_left_alone_and_shown(database: TestDatabase) {
    let app = TestApp::start(database).await;
    let group = app.tenant.add_group("Engineering");
    let people = people_in(&app, group, 2);
    let elsewhere = app.public_url("/graph/notifications?deployment=staging");
    let foreign = graph(&app, reqwest::Method::POST, "subscriptions", Some(wanted(&app, "users", &elsewhere))).await;
    app.connect(json!({ "scope": { "groups": [group] } })).await;
    assert_eq!(app.active(&people).await, people);
    let connection = app.connection().await;
    assert_eq!(connection["status"], "attention", "{connection}");
    let shown = app.list("subscriptions").await;
    let users = shown.iter().find(|shown| shown["resource"] == "users").unwrap();
    assert!(users["error"].as_str().unwrap().contains("another subscription"), "{users}");
    let path = format!("subscriptions/{}", foreign["id"].as_str().unwrap());
    assert_eq!(graph(&app, reqwest::Method::GET, &path, None).await["notificationUrl"], json!(elsewhere));

    // Delta is as good as before.
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.pass(std::time::Duration::from_secs(301)).await;
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn a_removed_connection_takes_its_subscriptions_away(database: TestDatabase) {
    let (app, _, _) = engineering(database, 2).await;
    assert_eq!(app.delete("/api/v1/connections/contoso").await.0, 204);
    app.settle().await;
    assert!(app.tenant.subscriptions().is_empty());
    assert_eq!(app.get("/api/v1/connections/contoso").await.0, 404);
    app.stop().await;
}

async fn a_refused_subscription_does_not_stop_the_sync(database: TestDatabase) {
    let app = TestApp::start(database).await;
    let group = app.tenant.add_group("Engineering");
    let people = people_in(&app, group, 2);
    app.simulator.fail_next_of("subscriptions.create", 100, 403);
    app.connect(json!({ "scope": { "groups": [group] } })).await;
    assert_eq!(app.active(&people).await, people);
    assert_eq!(app.connection().await["status"], "attention");
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.pass(std::time::Duration::from_secs(301)).await;
    app.assert_in_step(&[group]).await;
    app.simulator.faults(|faults| *faults = rollcall::simulator::Faults::default());
    app.pass(std::time::Duration::from_secs(86_400)).await;
    assert_eq!(app.connection().await["status"], "healthy");
    app.stop().await;
}
