//! Accounts, teams, log, events, subscriptions and the queue as they are read.

use serde_json::{Value, json};

use super::{AdminApp, fields};
use crate::support::store::{START, execute};
use crate::support::{TestDatabase, both_databases};

both_databases!(
    accounts_show_manager_and_teams_and_can_be_searched,
    nothing_of_another_connection_can_be_reached,
    teams_show_their_members,
    the_log_is_newest_first_and_can_be_filtered,
    the_feed_is_in_order_and_names_the_oldest_when_older_is_gone,
    the_queue_counts_what_waits,
    subscriptions_are_listed_and_renewed,
    a_nul_character_is_refused_wherever_it_is_sent,
);

const ADA: &str = "00000000-0000-4000-8000-00000000000a";
const BOB: &str = "00000000-0000-4000-8000-00000000000b";
const ADA_PERSON: &str = "10000000-0000-4000-8000-00000000000a";
const BOB_PERSON: &str = "10000000-0000-4000-8000-00000000000b";
const TEAM: &str = "20000000-0000-4000-8000-000000000001";
const GROUP: &str = "30000000-0000-4000-8000-000000000001";

/// Ada reports to Bob; both are in the team; Bob is no longer active.
fn people(connection: &str) -> Vec<String> {
    let account = |id: &str, person: &str, name: &str, manager: &str, active: bool| {
        format!(
            "INSERT INTO accounts (connection_id, account_id, external_id, user_name_key, search_text, profile, \
             profile_hash, manager_external_id, active, observation, created_at, updated_at) VALUES ('{connection}', \
             '{id}', '{person}', '{name}@x', '{name}@x\n{name} 100%', '{{\"user_name\":\"{name}@x\"}}', '', {manager}, \
             {active}, 1, {}, 2)",
            START.0
        )
    };
    let member = |id: &str| format!("INSERT INTO team_members VALUES ('{connection}', '{TEAM}', '{id}')");
    vec![
        account(ADA, ADA_PERSON, "ada", &format!("'{BOB_PERSON}'"), true),
        account(BOB, BOB_PERSON, "bob", "NULL", false),
        format!(
            "INSERT INTO teams (connection_id, team_id, external_id, kind, name, active, created_at, updated_at) \
             VALUES ('{connection}', '{TEAM}', '{GROUP}', 'group', 'Staff', true, 1, 1)"
        ),
        member(ADA),
        member(BOB),
    ]
}

async fn with_people(database: TestDatabase) -> AdminApp {
    let app = AdminApp::start(database).await;
    app.connect("contoso").await;
    app.connect("fabrikam").await;
    execute(&app.db, &people("contoso")).await;
    app
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

async fn accounts_show_manager_and_teams_and_can_be_searched(database: TestDatabase) {
    let app = with_people(database).await;
    let path = "/api/v1/connections/contoso/accounts";
    let (_, ada) = app.get(&format!("{path}/{ADA}")).await;
    for (field, expected) in [
        ("external_id", json!(ADA_PERSON)),
        ("user_name", json!("ada@x")),
        ("manager_id", json!(BOB)),
        ("manager_external_id", json!(BOB_PERSON)),
        ("team_ids", json!([TEAM])),
        ("active", json!(true)),
        ("created_at", json!("2026-11-21T00:00:00Z")),
        ("job_title", Value::Null),
    ] {
        assert_eq!(ada[field], expected, "{field}");
    }
    assert_eq!(app.get(&format!("{path}/{}", ADA_PERSON.to_uppercase())).await, (200, ada));
    for (query, found) in [
        ("", vec![ADA, BOB]),
        ("?active=true", vec![ADA]),
        ("?active=false", vec![BOB]),
        ("?q=BOB", vec![BOB]),
        ("?q=100%25", vec![ADA, BOB]),
        ("?q=_", vec![]),
        (&format!("?team={TEAM}&q=ada"), vec![ADA]),
        (&format!("?team={GROUP}"), vec![]),
        ("?limit=1", vec![ADA]),
    ] {
        assert_eq!(ids(&app.get(&format!("{path}{query}")).await.1), found, "{query}");
    }
    for (query, field) in [("?active=yes", "active"), ("?team=staff", "team"), ("?limit=0", "limit")] {
        let (status, problem) = app.get(&format!("{path}{query}")).await;
        assert_eq!((status, fields(&problem)), (400, vec![field]));
    }
}

async fn nothing_of_another_connection_can_be_reached(database: TestDatabase) {
    let app = with_people(database).await;
    let path = "/api/v1/connections/fabrikam";
    for hidden in [ADA, ADA_PERSON] {
        assert_eq!(app.get(&format!("{path}/accounts/{hidden}")).await.0, 404);
    }
    assert_eq!(app.get(&format!("{path}/teams/{TEAM}")).await.0, 404);
    assert_eq!(app.get(&format!("{path}/teams/{TEAM}/members")).await.0, 404);
    for list in ["accounts", "teams", "runs", "log", "events", "subscriptions"] {
        assert_eq!(ids(&app.get(&format!("{path}/{list}")).await.1), [""; 0], "{list}");
        assert_eq!(app.get(&format!("/api/v1/connections/nobody/{list}")).await.0, 404, "{list}");
    }
    assert_eq!(app.get("/api/v1/connections/nobody/queue").await.0, 404);
}

async fn teams_show_their_members(database: TestDatabase) {
    let app = with_people(database).await;
    let path = "/api/v1/connections/contoso/teams";
    let (_, team) = app.get(&format!("{path}/{TEAM}")).await;
    assert_eq!((&team["name"], &team["kind"], &team["member_count"]), (&json!("Staff"), &json!("group"), &json!(2)));
    assert_eq!(app.get(&format!("{path}/{GROUP}")).await.1, team);
    assert_eq!(app.get(path).await.1, json!({ "items": [team], "next_cursor": null }));
    let (_, first) = app.get(&format!("{path}/{GROUP}/members?limit=1")).await;
    assert_eq!(ids(&first), [ADA]);
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(ids(&app.get(&format!("{path}/{TEAM}/members?cursor={cursor}")).await.1), [BOB]);
}

async fn the_log_is_newest_first_and_can_be_filtered(database: TestDatabase) {
    let app = with_people(database).await;
    let entry = |id: i64, action: &str, status: &str, object: &str| {
        format!(
            "INSERT INTO provisioning_log (connection_id, log_id, at, found_by, object_kind, object_id, object_name, \
             action, status, reason, changes, duration_ms) VALUES ('contoso', {id}, {}, 'delta', 'user', '{object}', \
             'Ada', '{action}', '{status}', NULL, '[{{\"attribute\":\"email\",\"before\":null,\"after\":\"a@x\"}}]', 7)",
            START.0 + id * 1_000_000
        )
    };
    let rows = [
        entry(1, "create", "success", ADA_PERSON),
        entry(2, "update", "failure", BOB_PERSON),
        entry(3, "update", "success", ADA_PERSON),
    ];
    execute(&app.db, &rows).await;
    let path = "/api/v1/connections/contoso/log";
    for (query, found) in [
        (String::new(), vec!["3", "2", "1"]),
        ("?action=update".to_owned(), vec!["3", "2"]),
        ("?status=failure".to_owned(), vec!["2"]),
        (format!("?object={}", ADA_PERSON.to_uppercase()), vec!["3", "1"]),
        ("?since=2026-11-21T00:00:02Z".to_owned(), vec!["3", "2"]),
        ("?limit=1".to_owned(), vec!["3"]),
    ] {
        assert_eq!(ids(&app.get(&format!("{path}{query}")).await.1), found, "{query}");
    }
    let (_, page) = app.get(&format!("{path}?limit=1")).await;
    let first = &page["items"][0];
    assert_eq!(first["object"], json!({ "kind": "user", "id": ADA_PERSON, "name": "Ada" }));
    assert_eq!(first["changes"], json!([{ "attribute": "email", "before": null, "after": "a@x" }]));
    assert_eq!((&first["found_by"], &first["duration_ms"]), (&json!("delta"), &json!(7)));
    let cursor = page["next_cursor"].as_str().unwrap();
    assert_eq!(ids(&app.get(&format!("{path}?cursor={cursor}")).await.1), ["2", "1"]);
    for (query, field) in [("since=yesterday", "since"), ("action=explode", "action"), ("status=fine", "status")] {
        let (status, problem) = app.get(&format!("{path}?{query}")).await;
        assert_eq!((status, fields(&problem)), (400, vec![field]));
    }
}

async fn the_feed_is_in_order_and_names_the_oldest_when_older_is_gone(database: TestDatabase) {
    let app = with_people(database).await;
    let event = |sequence: i64| {
        format!(
            "INSERT INTO events (connection_id, sequence, event_id, event_type, at, data, previous) VALUES \
             ('contoso', {sequence}, 'e{sequence}', 'account.updated', 1, '{{}}', '{{\"email\":null}}')"
        )
    };
    let mut rows: Vec<String> = (4..=6).map(event).collect();
    rows.push("UPDATE connection_states SET event_sequence = 6 WHERE connection_id = 'contoso'".to_owned());
    execute(&app.db, &rows).await;
    let path = "/api/v1/connections/contoso/events";
    for (query, found) in [
        ("", vec!["e4", "e5", "e6"]),
        ("?after=3", vec!["e4", "e5", "e6"]),
        ("?after=5", vec!["e6"]),
        ("?after=6", vec![]),
        ("?after=3&limit=1", vec!["e4"]),
    ] {
        assert_eq!(ids(&app.get(&format!("{path}{query}")).await.1), found, "{query}");
    }
    for after in [0, 2] {
        let (status, problem) = app.get(&format!("{path}?after={after}")).await;
        assert_eq!((status, &problem["oldest"]), (410, &json!(4)), "{problem}");
    }
    for after in ["x", "-1", "1.5"] {
        assert_eq!(app.get(&format!("{path}?after={after}")).await.0, 400, "{after}");
    }
    execute(&app.db, &["DELETE FROM events".to_owned()]).await;
    assert_eq!(app.get(&format!("{path}?after=5")).await.1["oldest"], json!(7));
    assert_eq!(app.get(&format!("{path}?after=6")).await, (200, json!({ "items": [], "next_cursor": null })));
}

async fn the_queue_counts_what_waits(database: TestDatabase) {
    let app = with_people(database).await;
    let path = "/api/v1/connections/contoso/queue";
    assert_eq!(app.get(path).await, (200, json!({ "depth": 0, "oldest_seconds": 0, "buried": 0 })));
    let item = |object: &str, due: i64, attempts: i64, buried: &str| {
        format!(
            "INSERT INTO work_items (connection_id, lane, object_id, version, found_by, received_at, changed_at, due_at, \
             attempt_count, buried_at) VALUES ('contoso', 'user', '{object}', 1, 'notification', {}, 1, {}, {attempts}, \
             {buried})",
            START.0 - 90_000_000,
            START.0 + due * 1_000_000
        )
    };
    let due = item("due", -90, 0, "NULL");
    let rows =
        [due, item("second look later", 60, 0, "NULL"), item("retry", 60, 2, "NULL"), item("given up", -1, 9, "1")];
    execute(&app.db, &rows).await;
    assert_eq!(app.get(path).await, (200, json!({ "depth": 2, "oldest_seconds": 90, "buried": 1 })));
}

async fn subscriptions_are_listed_and_renewed(database: TestDatabase) {
    let app = with_people(database).await;
    let row = "INSERT INTO subscriptions (connection_id, resource, subscription_id, client_state_key_version, expires_at, \
               due_at, created_at) VALUES ('contoso', 'users', 's-1', 1, 1795219201000000, 1795219200000000, 1)";
    execute(&app.db, &[row.to_owned()]).await;
    let (_, list) = app.get("/api/v1/connections/contoso/subscriptions").await;
    let subscription = &list["items"][0];
    assert_eq!((&subscription["subscription_id"], &subscription["status"]), (&json!("s-1"), &json!("active")));
    assert_eq!(subscription["expires_at"], "2026-11-21T00:00:01Z");
    assert_eq!(app.get("/api/v1/connections/contoso").await.1["subscriptions"], list["items"]);

    let renew = "/api/v1/subscriptions/renew";
    let (status, report) = app.post(renew, json!({ "connection": "contoso", "force": true })).await;
    assert_eq!((status, &report["results"][0]["action"]), (200, &json!("renewed")));
    assert_eq!(app.post(renew, json!({ "connection": null })).await.0, 200);
    let calls = ["renew Some(ConnectionId(\"contoso\")) force=true", "renew None force=false"];
    assert_eq!(app.operations.calls(), calls);
    assert_eq!(app.post(renew, json!({ "connection": "nobody" })).await.0, 404);
    let (status, problem) = app.post(renew, json!({ "force": "yes" })).await;
    assert_eq!((status, fields(&problem)), (422, vec!["force"]));
}

async fn a_nul_character_is_refused_wherever_it_is_sent(database: TestDatabase) {
    let app = with_people(database).await;
    let path = "/api/v1/connections/contoso";
    for address in [
        "accounts?q=a%00b",
        "accounts/%00",
        "log?object=%00",
        "log?cursor=%00",
        "teams/%00",
        "teams/%00/members",
        "events?after=%00",
        "%00",
    ] {
        let (status, problem) = app.get(&format!("{path}/{address}")).await;
        assert_eq!(status, 400, "{address}: {problem}");
    }
    assert_eq!(app.get(&format!("{path}/accounts?q=%2500")).await.0, 200);
    assert_eq!(app.patch(path, json!({ "name": "Con\0toso" })).await.0, 400);
    assert_eq!(app.patch(path, json!({ "scope": { "filter": "\0" } })).await.0, 400);
    assert_eq!(app.post(&format!("{path}/sync"), json!({ "user": "\0" })).await.0, 400);
}
