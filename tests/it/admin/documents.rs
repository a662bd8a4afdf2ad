//! What an administrator writes is checked as a whole, and each problem names its field.

use serde_json::{Value, json};

use super::{AdminApp, body, fields};
use crate::support::sqlite;

#[tokio::test]
async fn every_wrong_field_is_named() {
    let app = AdminApp::start(sqlite::fresh_database()).await;
    let cases = [
        ("id", json!("Not An Id")),
        ("name", json!("  ")),
        ("tenant_id", json!("contoso.example")),
        ("source", json!("ldap")),
        ("start", json!("no")),
        ("credentials", json!("secret")),
        ("credentials.client_id", json!("")),
        ("credentials.client_secret", json!("")),
        ("credentials.certificate_pem", json!("-----BEGIN CERTIFICATE-----")),
        ("credentials.password", json!("x")),
        ("scope", json!(["g"])),
        ("scope.groups", json!([])),
        ("scope.groups[0]", json!("staff")),
        ("guard", json!([1, 2])),
        ("credentials", json!(["app", "s3cret"])),
        ("mapping[0]", json!(["role", "jobTitle"])),
        ("scope.nested", json!("yes")),
        ("scope.filter", json!("[department] = ")),
        ("scope.group", json!("x")),
        ("teams.groups", json!("all")),
        ("teams.departments", json!(1)),
        ("matching", json!("email")),
        ("adopt", json!("maybe")),
        ("mapping[0].target", json!("shoe_size")),
        ("mapping[0].sauce", json!("x")),
        ("required[0]", json!("shoe_size")),
        ("managers", json!("true")),
        ("photos", json!(true)),
        ("invitations", json!("on_create")),
        ("guard.deactivations_max", json!(-1)),
        ("guard.deactivations_percent_max", json!(101)),
        ("reconcile.at", json!("25:00")),
        ("reconcile.time_zone", json!("Mars/Olympus")),
        ("alerts[0]", json!("nobody")),
        ("nonsense", json!(1)),
        ("status", json!("healthy")),
    ];
    for (field, value) in cases {
        let mut wrong = complete();
        put(&mut wrong, field, value);
        if field == "scope.groups" {
            wrong["scope"] = json!({ "groups": [] });
        }
        let (status, problem) = app.post("/api/v1/connections", wrong).await;
        assert_eq!(status, 422, "{field}: {problem}");
        assert!(fields(&problem).contains(&field), "{field}: {problem}");
        assert!(!problem["detail"].as_str().unwrap().is_empty());
    }
    assert_eq!(app.get("/api/v1/connections").await.1["items"], json!([]));
    assert_eq!(app.post("/api/v1/connections", complete()).await.0, 201);
}

fn complete() -> Value {
    let mut whole = body("contoso");
    whole["credentials"] = json!({ "client_id": "app", "client_secret": "s3cret" });
    whole["mapping"] = json!([{ "target": "role", "constant": "guest", "apply": "on_create" }]);
    whole["guard"] = json!({ "deactivations_max": 5 });
    whole["reconcile"] = json!({ "at": "02:00", "time_zone": "Europe/London" });
    whole["alerts"] = json!(["it@contoso.example"]);
    whole
}

/// Sets the value at a path such as `a.b[0].c`, making what is missing.
fn put(document: &mut Value, path: &str, value: Value) {
    let mut place = document;
    for part in path.split('.') {
        let (name, index) = part.split_once('[').map_or((part, None), |(name, _)| (name, Some(0)));
        place = &mut place[name];
        if let Some(index) = index {
            if !place.is_array() {
                *place = json!([null]);
            }
            place = &mut place[index as usize];
        }
    }
    *place = value;
}

#[tokio::test]
async fn all_problems_come_in_one_answer() {
    let app = AdminApp::start(sqlite::fresh_database()).await;
    let wrong = json!({ "nmae": "Contoso", "photos": true, "guard": { "deactivations_percent_max": 200 } });
    let (status, problem) = app.post("/api/v1/connections", wrong).await;
    assert_eq!(status, 422);
    let mut named = fields(&problem);
    named.sort_unstable();
    assert_eq!(named, ["guard.deactivations_percent_max", "name", "nmae", "photos", "scope", "tenant_id"]);
}

#[tokio::test]
async fn what_is_no_json_object_is_a_bad_request() {
    let app = AdminApp::start(sqlite::fresh_database()).await;
    for bytes in ["", "{", "[]", "7", "name=contoso"] {
        let request = app.request(reqwest::Method::POST, "/api/v1/connections").bearer_auth(super::TOKEN);
        let response = request.body(bytes).send().await.unwrap();
        assert_eq!(response.status(), 400, "{bytes:?}");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
    }
}

#[tokio::test]
async fn without_credentials_the_service_must_have_its_own_registration() {
    let app = AdminApp::start_with(sqlite::fresh_database(), Some(super::TOKEN), false).await;
    let (status, problem) = app.post("/api/v1/connections", body("contoso")).await;
    assert_eq!((status, fields(&problem)), (422, vec!["credentials"]));
    assert!(problem["detail"].as_str().unwrap().contains("ROLLCALL_CLIENT_ID"), "{problem}");

    let mut own = body("contoso");
    own["credentials"] = json!({ "client_id": "app" });
    let (status, problem) = app.post("/api/v1/connections", own.clone()).await;
    assert_eq!((status, fields(&problem)), (422, vec!["credentials.client_secret"]));
    own["credentials"]["client_secret"] = json!("s3cret");
    assert_eq!(app.post("/api/v1/connections", own).await.0, 201);
}
