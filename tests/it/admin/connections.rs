//! Connections over the admin API: created, changed, paused and removed.

use rollcall::store::connections::{CLIENT_SECRET, get};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{AdminApp, body, fields};
use crate::support::store::{count, execute};
use crate::support::{TestDatabase, both_databases};

both_databases!(
    a_connection_is_created_with_defaults_and_shown,
    a_connection_created_with_start_false_is_paused_and_resume_starts_it,
    a_merge_patch_sets_clears_and_keeps_secrets,
    a_second_connection_of_the_same_registration_names_the_first,
    removing_a_connection_keeps_its_events_and_appends_the_last_one,
    connections_are_listed_page_by_page,
    the_status_tells_the_worst_first,
    two_changes_at_once_are_both_kept,
);

async fn a_connection_is_created_with_defaults_and_shown(database: TestDatabase) {
    let app = AdminApp::start(database).await;
    let mut new = body("x");
    new.as_object_mut().unwrap().remove("id");
    new["name"] = json!("Contoso & Söhne, Ltd.");
    let (status, reply) = app.post("/api/v1/connections", new.clone()).await;
    assert_eq!(status, 201, "{reply}");
    assert_eq!(reply["id"], "contoso-s-hne-ltd");
    assert_eq!(reply["tenant_id"], new["tenant_id"]);
    for (field, expected) in [
        ("source", json!("graph")),
        ("scope", json!({ "groups": [], "all_users": true, "nested": true, "filter": null })),
        ("teams", json!({ "groups": "scope", "departments": false })),
        ("matching", json!(["external_id"])),
        ("managers", json!(true)),
        ("photos", json!(false)),
        ("guard", json!({ "deactivations_max": 500, "deactivations_percent_max": 10 })),
        ("credentials", Value::Null),
        ("status", json!("connecting")),
        ("counts", json!({ "accounts_active": 0, "accounts_inactive": 0, "teams": 0 })),
        ("found_by", json!({ "notification": 0, "delta": 0, "reconcile": 0 })),
        ("last_delta_at", Value::Null),
        ("subscriptions", json!([])),
    ] {
        assert_eq!(reply[field], expected, "{field}");
    }
    assert_eq!(app.operations.calls(), ["created contoso-s-hne-ltd"]);

    new["tenant_id"] = json!(uuid::Uuid::new_v4());
    let (_, second) = app.post("/api/v1/connections", new).await;
    assert_eq!(second["id"], "contoso-s-hne-ltd-2");
    assert_eq!(app.get("/api/v1/connections/contoso-s-hne-ltd").await, (200, reply));
    for unknown in ["nobody", "Not-An-Id", "a%2Fb"] {
        assert_eq!(app.get(&format!("/api/v1/connections/{unknown}")).await.0, 404, "{unknown}");
    }
    let (status, problem) = app.post("/api/v1/connections", body("contoso-s-hne-ltd")).await;
    assert_eq!(status, 409, "{problem}");
}

async fn a_connection_created_with_start_false_is_paused_and_resume_starts_it(database: TestDatabase) {
    let app = AdminApp::start(database).await;
    let mut new = body("contoso");
    new["start"] = json!(false);
    let (status, reply) = app.post("/api/v1/connections", new).await;
    assert_eq!((status, &reply["status"]), (201, &json!("paused")));
    assert_eq!(app.operations.calls(), [""; 0]);

    let (status, reply) = app.post("/api/v1/connections/contoso/resume", json!({})).await;
    assert_eq!((status, &reply["status"]), (200, &json!("connecting")));
    assert_eq!(app.operations.calls(), ["created contoso"]);

    execute(&app.db, &["UPDATE connection_states SET initial_cycle_at = 1".to_owned()]).await;
    let (status, reply) = app.post("/api/v1/connections/contoso/pause", json!({})).await;
    assert_eq!((status, &reply["status"]), (200, &json!("paused")));
    app.post("/api/v1/connections/contoso/resume", json!({})).await;
    assert_eq!(app.operations.calls(), ["changed contoso rescan=false", "changed contoso rescan=false"]);
    assert_eq!(app.post("/api/v1/connections/nobody/pause", json!({})).await.0, 404);
}

async fn a_merge_patch_sets_clears_and_keeps_secrets(database: TestDatabase) {
    let app = AdminApp::start(database).await;
    let mut new = body("contoso");
    new["credentials"] = json!({ "client_id": "app", "client_secret": "s3cret" });
    new["guard"] = json!({ "deactivations_max": 5, "deactivations_percent_max": 20 });
    let (_, reply) = app.post("/api/v1/connections", new).await;
    assert_eq!(reply["credentials"], json!({ "client_id": "app" }));
    app.operations.calls();
    let path = "/api/v1/connections/contoso";

    let (status, reply) = app.patch(path, json!({ "name": "New", "guard": { "deactivations_max": null } })).await;
    assert_eq!((status, &reply["name"]), (200, &json!("New")));
    assert_eq!(reply["guard"], json!({ "deactivations_max": 500, "deactivations_percent_max": 20 }));
    assert_eq!(secret(&app).await.as_deref(), Some("s3cret"));

    let group = uuid::Uuid::new_v4();
    let (_, reply) = app.patch(path, json!({ "scope": { "all_users": null, "groups": [group] } })).await;
    assert_eq!(reply["scope"], json!({ "groups": [group], "all_users": false, "nested": true, "filter": null }));
    assert_eq!(app.operations.calls(), ["changed contoso rescan=false", "changed contoso rescan=true"]);

    app.patch(path, json!({ "credentials": { "client_secret": "newer" } })).await;
    assert_eq!(secret(&app).await.as_deref(), Some("newer"));
    for (patch, field) in [
        (json!({ "credentials": { "client_id": "other" } }), "credentials.client_secret"),
        (json!({ "credentials": { "client_secret": null } }), "credentials.client_secret"),
        (json!({ "name": null }), "name"),
        (json!({ "id": "other" }), "id"),
        (json!({ "tenant_id": uuid::Uuid::new_v4() }), "tenant_id"),
        (json!({ "scope": null }), "scope"),
        (json!({ "start": true }), "start"),
    ] {
        let (status, problem) = app.patch(path, patch.clone()).await;
        assert_eq!((status, fields(&problem)), (422, vec![field]), "{patch}");
    }
    let (status, reply) = app.patch(path, json!({ "credentials": null })).await;
    assert_eq!((status, &reply["credentials"]), (200, &Value::Null));
    assert_eq!(secret(&app).await, None);
    assert_eq!(app.patch("/api/v1/connections/nobody", json!({})).await.0, 404);
}

async fn secret(app: &AdminApp) -> Option<String> {
    let record = app.db.read(|db| get(db, &"contoso".parse().unwrap())).await.unwrap().unwrap();
    let opened = |sealed| app.keyring.open(&record.id, CLIENT_SECRET, &sealed).unwrap().expose_secret().to_owned();
    record.credential.clone().map(opened)
}

async fn a_second_connection_of_the_same_registration_names_the_first(database: TestDatabase) {
    let app = AdminApp::start(database).await;
    let first = app.connect("contoso").await;
    let mut second = body("second");
    second["tenant_id"] = first["tenant_id"].clone();
    let (status, problem) = app.post("/api/v1/connections", second.clone()).await;
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().unwrap().contains("\"contoso\""), "{problem}");

    second["credentials"] = json!({ "client_id": "app", "client_secret": "s3cret" });
    assert_eq!(app.post("/api/v1/connections", second).await.0, 201);
    let (status, problem) = app.patch("/api/v1/connections/second", json!({ "credentials": null })).await;
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().unwrap().contains("\"contoso\""), "{problem}");
}

async fn removing_a_connection_keeps_its_events_and_appends_the_last_one(database: TestDatabase) {
    let app = AdminApp::start(database).await;
    app.connect("contoso").await;
    app.connect("fabrikam").await;
    execute(
        &app.db,
        &[
            "INSERT INTO events (connection_id, sequence, event_id, event_type, at, data, previous) VALUES \
             ('contoso', 1, 'e1', 'account.created', 1, '{\"id\":\"a\"}', '{}')"
                .to_owned(),
            "UPDATE connection_states SET event_sequence = 1 WHERE connection_id = 'contoso'".to_owned(),
        ],
    )
    .await;
    assert_eq!(app.delete("/api/v1/connections/contoso").await, (204, Value::Null));
    assert_eq!(app.operations.calls(), ["before removal of contoso"]);
    assert_eq!(app.get("/api/v1/connections/contoso").await.0, 404);
    assert_eq!(app.delete("/api/v1/connections/contoso").await.0, 404);
    assert_eq!(count(&app.db, "connections").await, 1);

    let (status, feed) = app.get("/api/v1/connections/contoso/events").await;
    assert_eq!(status, 200);
    let last = &feed["items"][1];
    assert_eq!((&last["type"], &last["sequence"]), (&json!("connection.removed"), &json!(2)));
    assert_eq!(last["data"], json!({ "id": "contoso", "name": "contoso" }));
    assert_eq!(last["previous"], json!({}));
}

async fn connections_are_listed_page_by_page(database: TestDatabase) {
    let app = AdminApp::start(database).await;
    for id in ["b", "c", "a"] {
        app.connect(id).await;
    }
    let ids = |page: &Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let (_, first) = app.get("/api/v1/connections?limit=2").await;
    assert_eq!(ids(&first), ["a", "b"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let (_, second) = app.get(&format!("/api/v1/connections?limit=2&cursor={cursor}")).await;
    assert_eq!((ids(&second), &second["next_cursor"]), (vec!["c".to_owned()], &Value::Null));
    for wrong in ["limit=0", "limit=1001", "limit=ten", "cursor=2", "cursor="] {
        let (status, problem) = app.get(&format!("/api/v1/connections?{wrong}")).await;
        assert_eq!((status, fields(&problem)), (400, vec![wrong.split('=').next().unwrap()]), "{wrong}");
    }
    let (status, _) = app.get(&format!("/api/v1/connections/a/teams?cursor={cursor}")).await;
    assert_eq!(status, 400);
}

async fn the_status_tells_the_worst_first(database: TestDatabase) {
    let app = AdminApp::start(database).await;
    let group = uuid::Uuid::new_v4();
    let mut new = body("contoso");
    new["scope"] = json!({ "groups": [group] });
    app.post("/api/v1/connections", new).await;
    let subscription = |resource: &str| {
        format!(
            "INSERT INTO subscriptions (connection_id, resource, subscription_id, client_state_key_version, expires_at, \
             due_at, created_at) VALUES ('contoso', '{resource}', 's', 1, {}, 1, 1)",
            i64::MAX
        )
    };
    let steps = [
        ("connecting", "SELECT 1".to_owned()),
        ("connecting", subscription("users")),
        ("syncing", subscription("groups")),
        ("healthy", "UPDATE connection_states SET initial_cycle_at = 1".to_owned()),
        ("attention", "UPDATE subscriptions SET expires_at = 1 WHERE resource = 'users'".to_owned()),
        ("attention", "UPDATE subscriptions SET error = 'no'".to_owned()),
        ("healthy", "UPDATE subscriptions SET expires_at = 2000000000000000".to_owned()),
        ("attention", "UPDATE subscriptions SET attempt_count = 3".to_owned()),
        (
            "attention",
            format!(
                "INSERT INTO mirror_groups (connection_id, group_id, display_name, gone_at) \
                 VALUES ('contoso', '{group}', 'Staff', 1)"
            ),
        ),
        ("held", super::run_row("contoso", rollcall::directory::RunId(group), "held", 1)),
        (
            "quarantined",
            "UPDATE connection_states SET trouble_cause = 'credential', trouble_detail = 'It expired.', \
             next_attempt_at = 1795219200000000"
                .to_owned(),
        ),
    ];
    for (status, statement) in steps {
        if statement != "SELECT 1" {
            execute(&app.db, std::slice::from_ref(&statement)).await;
        }
        let (_, reply) = app.get("/api/v1/connections/contoso").await;
        assert_eq!(reply["status"], status, "{statement}: {reply}");
        assert_eq!(reply["status_reason"].is_null(), status == "healthy", "{reply}");
    }
    let (_, reply) = app.get("/api/v1/connections/contoso").await;
    assert_eq!(
        (&reply["status_reason"], &reply["next_attempt_at"]),
        (&json!("It expired."), &json!("2026-11-21T00:00:00Z"))
    );
}

async fn two_changes_at_once_are_both_kept(database: TestDatabase) {
    let app = AdminApp::start(database).await;
    app.connect("contoso").await;
    let path = "/api/v1/connections/contoso";
    for round in 0..5 {
        let (name, alert) = (format!("Contoso {round}"), format!("it-{round}@contoso.example"));
        let (one, other) =
            tokio::join!(app.patch(path, json!({ "name": name })), app.patch(path, json!({ "alerts": [alert] })));
        assert_eq!((one.0, other.0), (200, 200));
        let (_, reply) = app.get(path).await;
        assert_eq!((&reply["name"], &reply["alerts"]), (&json!(name), &json!([alert])));
    }
}
