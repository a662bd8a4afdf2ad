//! What is counted.

use metrics_exporter_prometheus::PrometheusBuilder;

use super::*;

#[tokio::test]
async fn calls_their_price_and_their_refusals_are_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _counting = metrics::set_default_local_recorder(&recorder);
    let bench = Bench::new(|request| match (request.path.as_str(), request.method.as_str()) {
        ("/v1.0/users", _) => Canned::json(200, json!({"value": []})).with("x-ms-resource-unit", "7"),
        ("/v1.0/$batch", _) => {
            let part = |number: &str| json!({"id": number, "status": 429, "body": {}});
            Canned::json(200, json!({"responses": [part("1"), part("2")]}))
        }
        _ => Canned::json(200, json!({"value": []})),
    });
    bench.graph.users_page(None, &plain(), 999).await.unwrap();
    bench.graph.users_by_ids(&ids(1..3), &plain()).await.unwrap_err();
    let text = recorder.handle().render();
    for line in [
        r#"rollcall_graph_requests_total{operation="token",status="200"} 1"#,
        r#"rollcall_graph_requests_total{operation="users_page",status="200"} 1"#,
        r#"rollcall_graph_requests_total{operation="users_by_ids",status="200"} 1"#,
        r#"rollcall_graph_requests_total{operation="batch",status="200"} 1"#,
        r#"rollcall_graph_requests_total{operation="deleted_item",status="429"} 2"#,
        // As told for the page; estimated at 2 for the ids and 1 for each lookup.
        "rollcall_graph_resource_units_total 11",
        "rollcall_graph_throttled_total 2",
    ] {
        assert!(text.lines().any(|seen| seen == line), "{line} is missing in\n{text}");
    }
}
