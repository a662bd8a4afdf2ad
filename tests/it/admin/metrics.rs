//! What the metrics say of the whole service.

use rollcall::engine::Shown;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::scenes::{engineering, people_in};
use crate::support::{TestDatabase, both_databases};

both_databases!(gauges_follow_the_queue_the_states_and_the_connections);

async fn gauges_follow_the_queue_the_states_and_the_connections(database: TestDatabase) {
    let (app, group, _) = engineering(database, 2).await;
    let mut shown = Shown::default();
    people_in(&app, group, 1);
    app.simulator.deliver().await;
    app.app.engine.fold.run_once().await.unwrap();
    let text = measured(&app, &mut shown).await;
    for line in [
        "rollcall_queue_depth{lane=\"group\"} 1",
        "rollcall_connections{status=\"healthy\"} 1",
        "rollcall_connections{status=\"paused\"} 0",
        "rollcall_accounts{connection=\"contoso\",state=\"active\"} 2",
        "rollcall_subscription_expires_seconds{connection=\"contoso\",resource=\"users\"} 604800",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }

    app.settle().await;
    app.post("/api/v1/connections/contoso/pause", json!({})).await;
    let text = measured(&app, &mut shown).await;
    for line in [
        "rollcall_queue_depth{lane=\"group\"} 0",
        "rollcall_queue_oldest_seconds{lane=\"group\"} 0",
        "rollcall_connections{status=\"healthy\"} 0",
        "rollcall_connections{status=\"paused\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }

    assert_eq!(app.delete("/api/v1/connections/contoso").await.0, 204);
    let text = measured(&app, &mut shown).await;
    assert!(!text.contains("contoso"), "{text}");
    assert!(text.lines().any(|found| found == "rollcall_connections{status=\"paused\"} 0"), "{text}");
    app.stop().await;
}

async fn measured(app: &TestApp, shown: &mut Shown) -> String {
    app.app.engine.measure(shown).await.unwrap();
    let url = format!("http://{}/metrics", app.app.ports().admin);
    reqwest::get(url).await.unwrap().text().await.unwrap()
}
