//! What can go wrong inside a batch.

use std::time::Duration;

use super::*;

/// All but the first call is a batch of two lookups, answered with `responses`.
fn bench(status: u16, responses: Value) -> Bench {
    Bench::new(move |request| match request.path.as_str() {
        "/v1.0/$batch" => Canned::json(status, json!({"responses": responses.clone()})),
        _ => Canned::json(200, json!({"value": []})),
    })
}

async fn error_of(status: u16, responses: Value) -> GraphError {
    bench(status, responses).graph.users_by_ids(&ids(1..3), &plain()).await.unwrap_err()
}

fn part(number: u8, status: u16) -> Value {
    json!({"id": number.to_string(), "status": status, "headers": {}, "body": not_found_body()})
}

fn throttled(number: u8, retry_after: Value) -> Value {
    json!({"id": number.to_string(), "status": 429, "headers": {"retry-After": retry_after}, "body": {"error": {"code": "TooManyRequests"}}})
}

#[tokio::test]
async fn a_throttled_part_makes_the_whole_wait_for_the_longest_term() {
    for status in [200, 424] {
        let error = error_of(status, json!([throttled(2, json!("2.5")), throttled(1, json!(11))])).await;
        assert_eq!(error.retry_after(), Some(Duration::from_secs(11)), "{error:?}");
    }
    let error = error_of(200, json!([part(1, 404), throttled(2, json!(null))])).await;
    assert!(matches!(error, GraphError::Throttled { retry_after: None }), "{error:?}");
}

#[tokio::test]
async fn a_part_that_failed_fails_the_whole() {
    let error = error_of(200, json!([part(1, 404), part(2, 424)])).await;
    assert!(matches!(error, GraphError::Unavailable { status: 424, .. }), "{error:?}");
    let error = error_of(200, json!([part(1, 500), part(2, 404)])).await;
    assert!(error.is_transient(), "{error:?}");
    let error = error_of(200, json!([part(1, 403), part(2, 404)])).await;
    assert!(error.is_about_permissions(), "{error:?}");
}

#[tokio::test]
async fn a_batch_must_answer_each_request_once() {
    let wrong = [
        json!([]),
        json!([part(2, 404)]),
        json!([part(1, 404), part(1, 404)]),
        json!([part(1, 404), part(2, 404), part(3, 404)]),
        json!([part(0, 404), part(2, 404)]),
        json!(null),
    ];
    for responses in wrong {
        let error = error_of(200, responses.clone()).await;
        assert!(matches!(error, GraphError::Protocol(_)), "{responses}: {error:?}");
    }
}

#[tokio::test]
async fn a_part_refused_for_its_token_is_sent_again_with_a_new_one() {
    let bench = Bench::new(|request| match (request.path.as_str(), request.headers["authorization"].as_str()) {
        ("/v1.0/$batch", "Bearer token-1") => Canned::json(200, json!({"responses": [part(1, 404), part(2, 401)]})),
        ("/v1.0/$batch", _) => Canned::json(200, json!({"responses": [part(2, 404), part(1, 404)]})),
        _ => Canned::json(200, json!({"value": []})),
    });
    let seen = bench.graph.users_by_ids(&ids(1..3), &plain()).await.unwrap();
    assert_eq!(seen.len(), 2);
    assert_eq!(bench.token_requests().len(), 2);
}

#[tokio::test]
async fn a_part_without_graphs_error_object_is_not_absence() {
    let blank = json!({"id": "1", "status": 404});
    let error = error_of(200, json!([blank, part(2, 404)])).await;
    assert!(matches!(error, GraphError::Rejected { status: 404, .. }), "{error:?}");
}
