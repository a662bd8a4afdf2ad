//! Quotas, failures on demand and counters.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::support::{Stage, read};
use crate::simulator::Population;

#[actix_web::test]
async fn requests_cost_what_graph_says() {
    let stage = Stage::start().await;
    stage.tenant.populate(&Population::of(30, 1));
    let group = stage.tenant.group_ids()[0];
    let costs = [
        ("users".to_owned(), "2"),
        ("users?$select=id".to_owned(), "1"),
        ("users?$expand=manager".to_owned(), "3"),
        ("users?$top=5".to_owned(), "1"),
        (format!("groups/{group}/members"), "3"),
        (format!("groups/{group}/transitiveMembers?$select=id"), "4"),
        ("users/delta".to_owned(), "1"),
    ];
    for (path, cost) in costs {
        assert_eq!(stage.get(&path).await.header("x-ms-resource-unit"), cost, "{path}");
    }
    let body = json!({ "ids": [Uuid::nil()] });
    assert_eq!(stage.post("directoryObjects/getByIds", body.clone()).await.header("x-ms-resource-unit"), "5");
    let selected = stage.post("directoryObjects/getByIds?$select=id", body).await;
    assert_eq!(selected.header("x-ms-resource-unit"), "2");
    assert_eq!(stage.simulator.counters().resource_units, 2 + 1 + 3 + 1 + 3 + 4 + 1 + 5 + 2);
    stage.stop().await;
}

#[actix_web::test]
async fn above_the_quota_graph_asks_to_wait_and_answers_again_afterwards() {
    let stage = Stage::start().await;
    stage.simulator.set_time(stage.simulator.now());
    stage.simulator.faults(|faults| faults.resource_unit_quota = Some(10));
    for number in 1..=10 {
        let answer = stage.get("organization").await;
        let expected = if number >= 8 { format!("{:.1}", f64::from(number) / 10.0) } else { String::new() };
        assert_eq!((answer.status, answer.header("x-ms-throttle-limit-percentage")), (200, expected.as_str()));
    }
    stage.simulator.advance(Duration::from_millis(2500));
    let refused = stage.get("organization").await;
    assert_eq!((refused.status, refused.code()), (429, "TooManyRequests"));
    assert_eq!(refused.header("retry-after"), "7.500");
    assert_eq!(refused.header("x-ms-throttle-information"), "ResourceUnitLimitExceeded");
    let batch = json!({ "requests": [{ "id": "1", "method": "GET", "url": "/organization" }] });
    let inner = stage.post("$batch", batch).await;
    assert_eq!((inner.status, &inner.body["responses"][0]["status"]), (200, &json!(429)));
    assert_eq!(inner.body["responses"][0]["headers"]["Retry-After"], "7.500");
    stage.simulator.advance(Duration::from_millis(7500));
    assert_eq!(stage.get("organization").await.status, 200);
    assert_eq!(stage.simulator.counters().throttled, 2);
    stage.stop().await;
}

#[actix_web::test]
async fn requests_fail_on_demand_also_only_those_of_one_operation() {
    let stage = Stage::start().await;
    stage.simulator.fail_next_of("users.list", 1, 503);
    assert_eq!(stage.get("organization").await.status, 200);
    let failed = stage.get("users").await;
    assert_eq!((failed.status, failed.code()), (503, "ServiceUnavailable"));
    assert_eq!(stage.get("users").await.status, 200);
    stage.simulator.fail_next(2, 500);
    assert_eq!([stage.get("users").await.status, stage.get("groups").await.status], [500, 500]);
    stage.simulator.reset_counters();
    assert_eq!(stage.get("users").await.status, 200);
    assert_eq!((stage.simulator.counters().requests, stage.simulator.counters().of("users.list")), (1, 1));
    stage.stop().await;
}

#[actix_web::test]
async fn answers_repeat_the_callers_request_id_and_wait_when_told_to() {
    let stage = Stage::start().await;
    let delay = Duration::from_millis(30);
    stage.simulator.faults(|faults| faults.answer_delay = delay);
    let url = format!("{}/v1.0/users/nobody", stage.running.graph_url());
    let started = std::time::Instant::now();
    let request = stage.client.get(url).bearer_auth(&stage.token).header("client-request-id", "mine");
    let answer = read(request).await;
    assert!(started.elapsed() >= delay);
    assert_eq!((answer.status, answer.header("client-request-id")), (404, "mine"));
    assert_eq!(answer.body["error"]["innerError"]["client-request-id"], "mine");
    assert_eq!(answer.header("request-id"), answer.body["error"]["innerError"]["request-id"]);
    stage.stop().await;
}
