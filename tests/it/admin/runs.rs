//! Runs: asked for, listed, allowed and rejected.

use rollcall::directory::RunId;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{AdminApp, fields, run_row};
use crate::support::store::{START, execute};
use crate::support::{TestDatabase, both_databases};

both_databases!(
    a_sync_answers_with_the_queued_run,
    runs_are_listed_newest_first,
    a_plan_is_read_page_by_page,
    a_held_run_is_allowed_or_rejected_by_the_workers,
);

async fn a_sync_answers_with_the_queued_run(database: TestDatabase) {
    let app = AdminApp::start(database).await;
    app.connect("contoso").await;
    let path = "/api/v1/connections/contoso/sync";
    let (status, run) = app.post(path, json!({ "full": true, "dry_run": true, "user": null })).await;
    assert_eq!(status, 202, "{run}");
    assert_eq!(
        (&run["connection"], &run["status"], &run["kind"]),
        (&json!("contoso"), &json!("pending"), &json!("reconcile"))
    );
    assert_eq!(run["progress"], json!({ "phase": "waiting", "done": 0, "total": null }));
    assert_eq!(run["counts"]["created"], 2);
    assert_eq!(app.operations.calls(), ["run contoso RunRequest { full: true, dry_run: true, user: None }"]);

    let (status, problem) = app.post(path, json!({ "user": "nobody" })).await;
    assert_eq!((status, &problem["detail"]), (404, &json!("There is nobody of this name.")));
    let (status, problem) = app.post(path, json!({ "fll": true })).await;
    assert_eq!((status, fields(&problem)), (422, vec!["fll"]));
    assert_eq!(app.post("/api/v1/connections/nobody/sync", json!({})).await.0, 404);
}

async fn runs_are_listed_newest_first(database: TestDatabase) {
    let app = AdminApp::start(database).await;
    app.connect("contoso").await;
    let runs: Vec<RunId> = (0..3).map(|_| RunId(Uuid::new_v4())).collect();
    // Two of the same instant: the order is still one, and no row is left out between pages.
    let rows: Vec<String> =
        runs.iter().zip([1, 2, 2]).map(|(run, at)| run_row("contoso", *run, "succeeded", START.0 + at)).collect();
    execute(&app.db, &rows).await;
    let path = "/api/v1/connections/contoso/runs?limit=1";
    let mut seen = Vec::new();
    let mut next = path.to_owned();
    loop {
        let (_, page) = app.get(&next).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("{path}&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[2], runs[0].to_string());
    let (status, run) = app.get(&format!("/api/v1/runs/{}", runs[0])).await;
    assert_eq!((status, &run["id"]), (200, &json!(runs[0].to_string())));
    for unknown in [Uuid::new_v4().to_string(), "latest".to_owned()] {
        assert_eq!(app.get(&format!("/api/v1/runs/{unknown}")).await.0, 404);
    }
}

async fn a_plan_is_read_page_by_page(database: TestDatabase) {
    let app = AdminApp::start(database).await;
    app.connect("contoso").await;
    let run = RunId(Uuid::new_v4());
    let item = |kind: &str, object: &str, team: &str| {
        format!(
            "INSERT INTO run_items (connection_id, run_id, kind, object_id, team_id, object_name, action, reason, \
             changes, state) VALUES ('contoso', '{run}', '{kind}', '{object}', '{team}', 'Ada', 'disable', \
             'left_scope', '[]', 'held')"
        )
    };
    let rows = [
        run_row("contoso", run, "held", START.0),
        item("account", "a", ""),
        item("membership", "a", "t1"),
        item("membership", "a", "t2"),
        item("team", "t", ""),
    ];
    execute(&app.db, &rows).await;
    let path = format!("/api/v1/runs/{run}/plan");
    let (_, first) = app.get(&format!("{path}?limit=2")).await;
    assert_eq!(
        first["items"][0],
        json!({ "object": { "kind": "user", "id": "a", "name": "Ada" }, "action": "disable", "reason": "left_scope",
                "changes": [], "state": "held" })
    );
    let cursor = first["next_cursor"].as_str().unwrap();
    let (_, second) = app.get(&format!("{path}?limit=2&cursor={cursor}")).await;
    assert_eq!(
        second["items"][0]["object"],
        json!({ "kind": "membership", "id": "a", "name": "Ada", "team_id": "t2" })
    );
    assert_eq!((&second["items"][1]["object"]["kind"], &second["next_cursor"]), (&json!("group"), &Value::Null));
}

async fn a_held_run_is_allowed_or_rejected_by_the_workers(database: TestDatabase) {
    let app = AdminApp::start(database).await;
    app.connect("contoso").await;
    let run = RunId(Uuid::new_v4());
    execute(&app.db, &[run_row("contoso", run, "held", START.0)]).await;
    assert_eq!(app.post(&format!("/api/v1/runs/{run}/allow"), json!({})).await.0, 200);
    assert_eq!(app.post(&format!("/api/v1/runs/{run}/reject"), json!({})).await.0, 200);
    let (status, problem) = app.post(&format!("/api/v1/runs/{run}/cancel"), json!({})).await;
    assert_eq!((status, &problem["detail"]), (409, &json!("The run has ended.")));
    let acts = ["allow", "reject", "cancel"].map(|act| format!("{act} contoso {run}"));
    assert_eq!(app.operations.calls(), acts);
    assert_eq!(app.post(&format!("/api/v1/runs/{}/allow", Uuid::new_v4()), json!({})).await.0, 404);
}
