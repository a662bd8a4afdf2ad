//! Who is let in, and what answers without a token.

use reqwest::Method;
use serde_json::Value;

use super::{AdminApp, TOKEN};
use crate::support::sqlite;
use crate::support::store::execute;

#[tokio::test]
async fn a_request_without_the_token_is_told_how_to_send_one() {
    let app = AdminApp::start(sqlite::fresh_database()).await;
    for path in ["/api/v1/connections", "/api/v1/openapi.json", "/api/v1/runs/x", "/api/v1/nothing"] {
        for header in [None, Some("Bearer wrong"), Some("Basic YWRtaW46YWRtaW4="), Some(TOKEN)] {
            let mut request = app.request(Method::GET, path);
            if let Some(header) = header {
                request = request.header("authorization", header);
            }
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 401, "{path} {header:?}");
            assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
            assert_eq!(response.headers()["content-type"], "application/problem+json");
        }
    }
}

#[tokio::test]
async fn without_a_configured_token_every_call_names_the_setting() {
    let app = AdminApp::start_with(sqlite::fresh_database(), None, true).await;
    let (status, problem) = app.get("/api/v1/connections").await;
    assert_eq!(status, 401);
    assert!(problem["detail"].as_str().unwrap().contains("ROLLCALL_ADMIN_TOKEN"), "{problem}");
}

#[tokio::test]
async fn probes_and_metrics_answer_without_a_token() {
    let app = AdminApp::start(sqlite::fresh_database()).await;
    let text = async |path: &str| {
        let response = app.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.text().await.unwrap()
    };
    assert_eq!(text("/healthz").await, r#"{"status":"ok"}"#);
    assert_eq!(text("/readyz").await, r#"{"status":"ready","checks":{"database":"ok"}}"#);
    assert!(text("/metrics").await.contains("# TYPE rollcall_notifications_total counter"));
}

#[tokio::test]
async fn an_address_that_is_none_and_a_method_that_is_not_answered_are_problems() {
    let app = AdminApp::start(sqlite::fresh_database()).await;
    assert_eq!(app.get("/api/v1/nothing").await.0, 404);
    assert_eq!(app.get("/nothing").await.0, 404);
    assert_eq!(app.patch("/api/v1/connections", Value::Null).await.0, 405);
    assert_eq!(app.delete("/api/v1/connections/contoso/sync").await.0, 405);
    let put = app.request(Method::PUT, "/api/v1/connections/contoso").bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!((put.status().as_u16(), &put.headers()["allow"]), (405, &"GET, PATCH, DELETE".parse().unwrap()));
    let (status, problem) = app.get("/api/v1/connections?limit=1&limit=2").await;
    assert_eq!((status, problem["status"].as_u64()), (400, Some(400)));
}

#[tokio::test]
async fn every_described_call_is_answered_by_a_handler() {
    let app = AdminApp::start(sqlite::fresh_database()).await;
    app.connect("contoso").await;
    let (_, document) = app.get("/api/v1/openapi.json").await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() >= 25, "{} paths", paths.len());
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            let address = path.replace("{connection}", "contoso");
            let method: Method = method.to_uppercase().parse().unwrap();
            let response = app.request(method.clone(), &address).bearer_auth(TOKEN).send().await.unwrap();
            let (status, text) = (response.status().as_u16().to_string(), response.text().await.unwrap());
            assert!(!text.contains("nothing at"), "{method} {path}: {text}");
            assert!(operation["responses"].get(&status).is_some(), "{method} {path} answered {status}: {text}");
            if method == Method::DELETE {
                app.connect("contoso").await;
            }
        }
    }
}

#[tokio::test]
async fn a_database_that_fails_is_told_without_its_words() {
    let app = AdminApp::start(sqlite::fresh_database()).await;
    execute(&app.db, &["ALTER TABLE connections RENAME TO elsewhere".to_owned()]).await;
    let response = app.request(Method::GET, "/readyz").send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.text().await.unwrap(), r#"{"status":"not_ready","checks":{"database":"unreachable"}}"#);
    let (status, problem) = app.get("/api/v1/connections").await;
    assert_eq!(status, 500);
    assert!(!problem.to_string().contains("connections"), "{problem}");
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let app = AdminApp::start(sqlite::fresh_database()).await;
    let (status, problem) = app.post("/api/v1/connections", Value::from("x".repeat(2 * 1024 * 1024))).await;
    assert_eq!((status, problem["status"].as_u64()), (413, Some(413)));
}
