//! User names: unique among active accounts, checked after a whole batch.

use rollcall::simulator::NewUser;
use serde_json::json;
use uuid::Uuid;

use crate::support::app::TestApp;
use crate::support::scenes::engineering;
use crate::support::{TestDatabase, both_databases};

both_databases!(
    two_people_swap_their_user_names,
    three_people_pass_their_user_names_round,
    many_people_swap_their_user_names_at_once,
    a_taken_user_name_is_refused_and_given_once_it_is_free,
    a_leaver_frees_the_user_name_for_a_joiner,
    everything_at_once_leaves_no_gap_in_the_events,
);

fn name(app: &TestApp, person: Uuid) -> String {
    app.tenant.user(person).unwrap().user_principal_name
}

fn rename(app: &TestApp, person: Uuid, name: &str) {
    app.tenant.update_user(person, "userPrincipalName", json!(name));
}

/// Each person takes the name of the next.
fn pass_round(app: &TestApp, people: &[Uuid]) {
    let names: Vec<String> = people.iter().map(|person| name(app, *person)).collect();
    for (number, person) in people.iter().enumerate() {
        rename(app, *person, &format!("free{number}@contoso.example"));
    }
    for (number, person) in people.iter().enumerate() {
        rename(app, *person, &names[(number + 1) % names.len()]);
    }
}

async fn two_people_swap_their_user_names(database: TestDatabase) {
    let (app, group, people) = engineering(database, 3).await;
    pass_round(&app, &people[..2]);
    app.settle().await;
    app.assert_in_step(&[group]).await;
    assert_eq!(app.event_types(0).await.iter().filter(|kind| *kind == "account.updated").count(), 2);
    app.assert_gapless().await;
    app.stop().await;
}

async fn three_people_pass_their_user_names_round(database: TestDatabase) {
    let (app, group, people) = engineering(database, 3).await;
    pass_round(&app, &people);
    app.settle().await;
    app.assert_in_step(&[group]).await;
    app.stop().await;
}

async fn many_people_swap_their_user_names_at_once(database: TestDatabase) {
    let (app, group, people) = engineering(database, 450).await;
    pass_round(&app, &people);
    app.settle().await;
    app.assert_in_step(&[group]).await;
    app.assert_gapless().await;
    app.stop().await;
}

async fn a_taken_user_name_is_refused_and_given_once_it_is_free(database: TestDatabase) {
    let app = TestApp::start(database).await;
    let group = app.tenant.add_group("Engineering");
    let same = |given: &str| NewUser::named(given, "Lovelace").with("employeeId", "4711");
    let (first, second) = (app.tenant.add_user(same("Ada")), app.tenant.add_user(same("Grace")));
    app.tenant.add_member(group, first);
    let mapping = json!([{ "target": "user_name", "source": "employeeId" }]);
    app.connect(json!({ "scope": { "groups": [group] }, "mapping": mapping })).await;
    app.tenant.add_member(group, second);
    app.settle().await;
    assert!(app.has_account(first).await && !app.has_account(second).await);
    let entries = app.list(&format!("log?object={second}&status=failure")).await;
    assert!(entries[0]["reason"].as_str().unwrap().contains("4711"), "{entries:?}");
    assert_eq!(app.connection().await["status"], "attention");
    app.sync(json!({ "full": true })).await;
    assert!(!app.has_account(second).await);
    assert_eq!(app.connection().await["status"], "attention");

    app.tenant.update_user(first, "employeeId", json!("4712"));
    app.settle().await;
    assert_eq!(app.account(second).await["user_name"], "4711");
    assert_eq!(app.account(first).await["user_name"], "4712");
    assert_eq!(app.connection().await["status"], "healthy");
    app.assert_gapless().await;
    app.stop().await;
}

async fn a_leaver_frees_the_user_name_for_a_joiner(database: TestDatabase) {
    let (app, group, people) = engineering(database, 6).await;
    let taken = name(&app, people[0]);
    app.tenant.soft_delete_user(people[0]);
    let joiner = app.tenant.add_user(NewUser::named("Grace", "Hopper").with_user_principal_name(&taken));
    app.tenant.add_member(group, joiner);
    app.settle().await;
    app.assert_in_step(&[group]).await;
    assert_eq!(app.account(joiner).await["user_name"], json!(taken));
    app.stop().await;
}

async fn everything_at_once_leaves_no_gap_in_the_events(database: TestDatabase) {
    let (app, group, people) = engineering(database, 40).await;
    pass_round(&app, &people[..2]);
    app.tenant.disable(people[2]);
    app.tenant.remove_member(group, people[3]);
    app.tenant.soft_delete_user(people[4]);
    app.tenant.rename_group(group, "Research");
    let joiner = app.tenant.add_user(NewUser::named("Grace", "Hopper"));
    app.tenant.add_member(group, joiner);
    app.tenant.set_manager(joiner, Some(people[5]));
    app.settle().await;
    app.tenant.enable(people[2]);
    app.tenant.add_member(group, people[3]);
    app.settle().await;
    app.sync(json!({ "full": true })).await;
    app.assert_in_step(&[group]).await;
    app.assert_gapless().await;
    app.stop().await;
}
