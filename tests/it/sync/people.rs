//! Joiners, movers and leavers.

use rollcall::simulator::NewUser;
use serde_json::json;
use uuid::Uuid;

use crate::support::app::TestApp;
use crate::support::{TestDatabase, both_databases};

both_databases!(
    the_first_sync_brings_accounts_teams_and_managers,
    a_joiner_gets_an_account_and_a_place_in_the_team,
    a_mover_is_updated_by_what_changed,
    a_leaver_is_deactivated_and_returns_to_the_same_account,
    a_disabled_person_is_deactivated,
    a_deleted_person_is_deactivated_and_a_restored_one_returns,
);

async fn scoped(database: TestDatabase, people: usize) -> (TestApp, Uuid, Vec<Uuid>) {
    let app = TestApp::start(database).await;
    let group = app.tenant.add_group("Engineering");
    let people: Vec<Uuid> = (0..people)
        .map(|number| {
            let person = app.tenant.add_user(NewUser::named(&format!("Ada{number}"), "Lovelace"));
            app.tenant.add_member(group, person);
            person
        })
        .collect();
    app.connect(json!({ "scope": { "groups": [group] } })).await;
    (app, group, people)
}

async fn the_first_sync_brings_accounts_teams_and_managers(database: TestDatabase) {
    let app = TestApp::start(database).await;
    let (engineering, platform) = (app.tenant.add_group("Engineering"), app.tenant.add_group("Platform"));
    app.tenant.add_member(engineering, platform);
    let ada = app.tenant.add_user(NewUser::named("Ada", "Lovelace").with("jobTitle", "Countess"));
    let grace = app.tenant.add_user(NewUser::named("Grace", "Hopper"));
    let outside = app.tenant.add_user(NewUser::named("Out", "Side"));
    app.tenant.add_member(engineering, ada);
    app.tenant.add_member(platform, grace);
    app.tenant.set_manager(grace, Some(ada));

    app.connect(json!({ "scope": { "groups": [engineering] } })).await;

    app.assert_in_step(&[engineering]).await;
    assert!(!app.has_account(outside).await);
    let (ada, grace) = (app.account(ada).await, app.account(grace).await);
    assert_eq!(grace["manager_id"], ada["id"]);
    assert_eq!(ada["job_title"], "Countess");
    let connection = app.connection().await;
    assert_eq!(connection["status"], "healthy", "{connection}");
    assert_eq!(connection["counts"]["accounts_active"], 2, "{connection}");
    assert_eq!(app.tenant.subscriptions().len(), 2);
    app.stop().await;
}

async fn a_joiner_gets_an_account_and_a_place_in_the_team(database: TestDatabase) {
    let (app, group, _) = scoped(database, 1).await;
    let joiner = app.tenant.add_user(NewUser::named("Grace", "Hopper"));
    app.tenant.add_member(group, joiner);
    app.settle().await;

    app.assert_in_step(&[group]).await;
    let types: Vec<_> = app.events().await.iter().map(|event| event["type"].clone()).collect();
    assert_eq!(types[types.len() - 2..], [json!("account.created"), json!("team.member_added")], "{types:?}");
    let entry = &app.list(&format!("log?object={joiner}")).await;
    assert!(entry.iter().any(|entry| entry["action"] == "create" && entry["found_by"] == "notification"), "{entry:?}");
    app.stop().await;
}

async fn a_mover_is_updated_by_what_changed(database: TestDatabase) {
    let (app, group, people) = scoped(database, 1).await;
    app.tenant.update_user(people[0], "jobTitle", json!("Countess"));
    app.tenant.update_user(people[0], "department", json!("Engines"));
    app.settle().await;

    app.assert_in_step(&[group]).await;
    let event = app.events().await.pop().unwrap();
    assert_eq!(event["type"], "account.updated");
    assert_eq!(event["data"]["job_title"], "Countess");
    assert_eq!(event["previous"], json!({ "job_title": null, "department": null }));
    assert_eq!(app.connection().await["found_by"]["notification"], 1);
    app.stop().await;
}

async fn a_leaver_is_deactivated_and_returns_to_the_same_account(database: TestDatabase) {
    let (app, group, people) = scoped(database, 3).await;
    let before = app.account(people[0]).await;
    app.tenant.remove_member(group, people[0]);
    app.settle().await;

    let left = app.account(people[0]).await;
    assert_eq!((&left["active"], &left["deactivated_reason"]), (&json!(false), &json!("left_scope")));
    assert_eq!(left["team_ids"], json!([]));
    app.assert_in_step(&[group]).await;

    app.tenant.add_member(group, people[0]);
    app.settle().await;
    let returned = app.account(people[0]).await;
    assert_eq!(returned["id"], before["id"]);
    assert_eq!(returned["active"], true);
    assert_eq!(app.events().await.iter().filter(|event| event["type"] == "account.reactivated").count(), 1);
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn a_disabled_person_is_deactivated(database: TestDatabase) {
    let (app, group, people) = scoped(database, 3).await;
    app.tenant.disable(people[1]);
    app.settle().await;
    assert_eq!(app.account(people[1]).await["deactivated_reason"], "disabled_in_source");
    app.assert_in_step(&[group]).await;
    app.tenant.enable(people[1]);
    app.settle().await;
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn a_deleted_person_is_deactivated_and_a_restored_one_returns(database: TestDatabase) {
    let (app, group, people) = scoped(database, 3).await;
    app.tenant.soft_delete_user(people[2]);
    app.settle().await;
    assert_eq!(app.account(people[2]).await["deactivated_reason"], "deleted_in_source");
    app.assert_in_step(&[group]).await;
    assert!(app.tenant.restore(people[2]));
    app.settle().await;
    app.sync(json!({ "full": true })).await;
    app.assert_in_step(&[group]).await;
    app.stop().await;
}
