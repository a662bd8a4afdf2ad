//! What a change of a connection does to the whole service.

use std::time::Duration;

use serde_json::json;

use crate::support::scenes::engineering_with;
use crate::support::{TestDatabase, both_databases};

both_databases!(a_new_time_of_the_nightly_run_holds_from_the_same_day_on);

async fn a_new_time_of_the_nightly_run_holds_from_the_same_day_on(database: TestDatabase) {
    // The clock begins at midnight UTC.
    let at = json!({ "reconcile": { "at": "23:00", "time_zone": "UTC" } });
    let (app, _, _) = engineering_with(database, 1, at).await;
    let reconciles = async || app.runs("succeeded").await.iter().filter(|run| run["kind"] == "reconcile").count();
    let sooner = json!({ "reconcile": { "at": "02:00", "time_zone": "Europe/Helsinki" } });
    assert_eq!(app.patch("/api/v1/connections/contoso", sooner).await.0, 200);
    app.pass(Duration::from_secs(23 * 3_600 + 1_800)).await;
    assert_eq!(reconciles().await, 0, "neither the old time nor the new one, which was over");
    let later = json!({ "reconcile": { "at": "23:45", "time_zone": "UTC" } });
    assert_eq!(app.patch("/api/v1/connections/contoso", later).await.0, 200);
    app.pass(Duration::from_secs(16 * 60)).await;
    assert_eq!(reconciles().await, 1);
    app.stop().await;
}
