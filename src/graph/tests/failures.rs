//! Each kind of failure, by what the caller can do about it.

use std::error::Error as _;
use std::time::Duration;

use super::*;

async fn error_of(answer: Canned) -> GraphError {
    let bench = Bench::new(move |_| answer.clone());
    bench.graph.users_page(None, &plain(), 999).await.unwrap_err()
}

fn refusal(code: &str) -> Value {
    json!({"error": {"code": code, "message": "m", "innererror": {"date": "2026-11-21T10:00:00"}}})
}

#[tokio::test]
async fn a_throttled_call_says_how_long_to_wait() {
    let body = refusal("TooManyRequests");
    let error = error_of(Canned::json(429, body.clone()).with("Retry-After", "2.128")).await;
    assert_eq!(error.retry_after(), Some(Duration::from_millis(2128)));
    assert_eq!(error.to_string(), "Graph is throttling this connection and asks to wait 2.128s");
    let error = error_of(Canned::json(429, body.clone())).await;
    assert!(matches!(error, GraphError::Throttled { retry_after: None }));
    let date = "Sat, 21 Nov 2026 10:00:30 GMT";
    let error = error_of(Canned::json(503, body).with("Retry-After", date)).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
}

#[tokio::test]
async fn a_server_in_trouble_is_unavailable() {
    for status in [500, 502, 503, 504, 507, 509, 408, 424] {
        let error = error_of(Canned::text(status, "<html>")).await;
        assert!(matches!(error, GraphError::Unavailable { status: seen, .. } if seen == status), "{error:?}");
        assert!(error.is_transient());
    }
}

#[tokio::test]
async fn a_missing_permission_is_forbidden() {
    let error = error_of(Canned::json(403, refusal("Authorization_RequestDenied"))).await;
    assert!(error.is_about_permissions() && !error.is_about_credentials() && !error.is_transient());
    assert!(error.to_string().contains("Authorization_RequestDenied"), "{error}");
}

#[tokio::test]
async fn other_refusals_are_final() {
    for (status, code) in [(400, "Request_BadRequest"), (404, "Request_ResourceNotFound"), (501, "NotImplemented")] {
        let error = error_of(Canned::json(status, refusal(code))).await;
        assert!(!error.is_transient());
        match error {
            GraphError::Rejected { status: seen, code: shown } => {
                assert_eq!((seen, shown.as_deref()), (status, Some(code)));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_empty_code_is_no_code() {
    let error = error_of(Canned::json(400, refusal(""))).await;
    assert!(matches!(error, GraphError::Rejected { status: 400, code: None }), "{error:?}");
}

#[tokio::test]
async fn a_cut_body_is_no_answer() {
    let whole = json!({"value": [user_json(id(1))]});
    let error = error_of(Canned::json(200, whole.clone()).cut()).await;
    assert!(matches!(error, GraphError::Unreachable { .. }), "{error:?}");
    let half = whole.to_string().split_at(30).0.to_owned();
    let error = error_of(Canned::text(200, half)).await;
    assert!(matches!(error, GraphError::Unreachable { .. }), "{error:?}");
    assert!(!error.to_string().contains(&error.source().unwrap().to_string()), "the cause is printed once");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let bench = Bench::new(|_| not_found());
    let clock = bench.clock.clone();
    let nobody = session(&Url::parse("http://127.0.0.1:1").unwrap(), clock);
    let error = nobody.list_subscriptions().await.unwrap_err();
    assert_eq!(error.to_string(), "the login service could not be reached");
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_server_that_does_not_answer_in_time_is_unreachable() {
    let server = Server::start(|_| {
        std::thread::park_timeout(Duration::from_secs(5));
        not_found()
    });
    let mut settings = settings(&server.url);
    settings.request_timeout = Duration::from_millis(50);
    let client = GraphClient::new(settings, FixedClock::at(Timestamp(0))).unwrap();
    let secret = CredentialSecret::ClientSecret(SecretString::from("s"));
    let credentials = Credentials { client_id: "app".to_owned(), secret };
    let graph = client.session("contoso".parse().unwrap(), TENANT.parse().unwrap(), credentials);
    let error = graph.list_subscriptions().await.unwrap_err();
    assert_eq!(error.to_string(), "the login service did not answer in time");
}

#[tokio::test]
async fn a_page_without_a_list_is_not_an_empty_page() {
    for body in [json!({}), json!({"value": null}), json!({"value": {}}), json!([]), json!({"value": [1]})] {
        let error = error_of(Canned::json(200, body.clone())).await;
        assert!(matches!(error, GraphError::Protocol(_)), "{body}: {error:?}");
    }
}

#[tokio::test]
async fn a_page_with_an_object_without_id_is_refused() {
    for object in [json!({"userPrincipalName": "ada"}), json!({"id": null}), json!({"id": "ada"})] {
        let error = error_of(Canned::json(200, json!({"value": [user_json(id(1)), object]}))).await;
        assert!(matches!(error, GraphError::Protocol(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let bench = Bench::new(|_| Canned::text(302, "").with("Location", "http://127.0.0.1:1/"));
    let error = bench.graph.users_page(None, &plain(), 999).await.unwrap_err();
    assert!(matches!(error, GraphError::Protocol(_)), "{error:?}");
    assert_eq!(bench.calls().len(), 1);
}

#[tokio::test]
async fn a_body_without_end_is_refused() {
    let error = error_of(Canned::text(200, " ".repeat(64 * 1024 * 1024 + 1))).await;
    assert!(matches!(error, GraphError::Protocol("the body is larger than 64 MiB")), "{error:?}");
}
