//! Delta rounds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::support::Stage;
use crate::simulator::{ExpiredDelta, GroupKind, NewGroup, NewUser, Population, SimulatorSettings};

const USERS: &str = "users/delta?$select=displayName,jobTitle,accountEnabled,manager";
const GROUPS: &str = "groups/delta?$select=displayName,members";

#[actix_web::test]
async fn latest_gives_a_link_that_shows_only_what_comes_after() {
    let stage = Stage::start().await;
    stage.tenant.populate(&Population::of(5, 0));
    let (items, link) = stage.round("users/microsoft.graph.delta()?$deltatoken=latest&$select=displayName").await;
    assert!(items.is_empty());
    let ada = stage.tenant.add_user(NewUser::named("Ada", "Lovelace"));
    let (items, link) = stage.round(&link).await;
    assert_eq!(items, [json!({ "displayName": "Ada Lovelace", "id": ada })]);
    assert!(stage.round(&link).await.0.is_empty());
    stage.stop().await;
}

#[actix_web::test]
async fn changes_of_unselected_properties_do_not_surface() {
    let stage = Stage::start().await;
    let ada = stage.tenant.add_user(NewUser::named("Ada", "Lovelace"));
    let (_, link) = stage.round(USERS).await;
    stage.tenant.update_user(ada, "officeLocation", json!("London"));
    let (items, link) = stage.round(&link).await;
    assert!(items.is_empty());
    stage.tenant.update_user(ada, "jobTitle", json!("Countess"));
    stage.tenant.update_user(ada, "jobTitle", json!(null));
    let minimal = stage.get_minimal(&link).await;
    assert_eq!(minimal.value(), &[json!({ "jobTitle": null, "id": ada })], "a cleared property is null");
    let (items, _) = stage.round(&link).await;
    let whole = json!({ "displayName": "Ada Lovelace", "jobTitle": null, "accountEnabled": true, "id": ada });
    assert_eq!(items, [whole]);
    stage.stop().await;
}

#[actix_web::test]
async fn removed_says_changed_while_restorable_and_deleted_afterwards() {
    let stage = Stage::start().await;
    let ada = stage.tenant.add_user(NewUser::named("Ada", "Lovelace"));
    let (_, link) = stage.round(USERS).await;
    stage.tenant.soft_delete_user(ada);
    let (items, link) = stage.round(&link).await;
    assert_eq!(items, [json!({ "id": ada, "@removed": { "reason": "changed" } })]);
    assert_eq!(stage.round(USERS).await.0, items, "also in a first round");
    stage.tenant.restore(ada);
    let (items, link) = stage.round(&link).await;
    assert_eq!((items.len(), items[0].get("@removed")), (1, None));
    stage.tenant.purge(ada);
    let (items, _) = stage.round(&link).await;
    assert_eq!(items, [json!({ "id": ada, "@removed": { "reason": "deleted" } })]);
    stage.stop().await;
}

#[actix_web::test]
async fn manager_changes_are_links() {
    let stage = Stage::start().await;
    let [ada, bob] = ["Ada", "Bob"].map(|name| stage.tenant.add_user(NewUser::named(name, "Ross")));
    let (_, link) = stage.round(USERS).await;
    stage.tenant.set_manager(ada, Some(bob));
    let (items, link) = stage.round(&link).await;
    assert_eq!(items[0]["manager@delta"], json!([{ "@odata.type": "#microsoft.graph.user", "id": bob }]));
    stage.tenant.set_manager(ada, None);
    let (items, _) = stage.round(&link).await;
    let removed = json!([{ "@odata.type": "#microsoft.graph.user", "id": bob, "@removed": { "reason": "deleted" } }]);
    assert_eq!(items[0]["manager@delta"], removed);
    stage.stop().await;
}

#[actix_web::test]
async fn member_changes_are_links_also_when_the_member_is_deleted() {
    let stage = Stage::start().await;
    let [ada, bob, eve] = ["Ada", "Bob", "Eve"].map(|name| stage.tenant.add_user(NewUser::named(name, "Ross")));
    let team = stage.tenant.add_new_group(NewGroup::named("Team").of_kind(GroupKind::Microsoft365));
    stage.tenant.add_member(team, ada);
    stage.tenant.add_member(team, eve);
    let (items, link) = stage.round(GROUPS).await;
    let user = |id| json!({ "@odata.type": "#microsoft.graph.user", "id": id });
    let gone = |id| json!({ "@odata.type": "#microsoft.graph.user", "id": id, "@removed": { "reason": "deleted" } });
    assert_eq!(items, [json!({ "id": team, "displayName": "Team", "members@delta": [user(ada), user(eve)] })]);
    stage.tenant.add_member(team, bob);
    stage.tenant.remove_member(team, eve);
    stage.tenant.soft_delete_user(ada);
    let (items, link) = stage.round(&link).await;
    assert_eq!(items[0]["members@delta"], json!([gone(ada), user(bob), gone(eve)]));
    stage.tenant.restore(ada);
    stage.tenant.rename_group(team, "Crew");
    let (items, _) = stage.round(&link).await;
    assert_eq!(items, [json!({ "id": team, "displayName": "Crew", "members@delta": [user(ada)] })]);
    stage.stop().await;
}

#[actix_web::test]
async fn large_groups_come_in_slices_and_empty_pages_lead_on() {
    let settings = SimulatorSettings { seed: 7, delta_page_size: 10, ..Default::default() };
    let stage = Stage::with(settings).await;
    let (users, _) = stage.tenant.populate(&Population::of(45, 0));
    let team = stage.tenant.add_group("Team");
    users.iter().for_each(|user| assert!(stage.tenant.add_member(team, *user)));
    stage.simulator.faults(|faults| faults.empty_delta_pages = true);
    let members = |items: &[Value]| -> BTreeSet<String> {
        let links = items.iter().flat_map(|item| item["members@delta"].as_array().cloned().unwrap_or_default());
        links.map(|link| link["id"].as_str().unwrap().to_owned()).collect()
    };
    assert!(stage.get(GROUPS).await.value().is_empty());
    let (items, link) = stage.round(GROUPS).await;
    assert!(items.len() > 3 && items.iter().all(|item| item["id"] == team.to_string()));
    assert_eq!(members(&items).len(), 45);
    users.iter().for_each(|user| assert!(stage.tenant.remove_member(team, *user)));
    let (items, _) = stage.round(&link).await;
    assert_eq!(members(&items).len(), 45);
    stage.stop().await;
}

#[actix_web::test]
async fn rounds_are_complete_with_pages_of_any_size() {
    for delta_page_size in [1, 2, 3] {
        let stage = Stage::with(SimulatorSettings { seed: 7, delta_page_size, ..Default::default() }).await;
        let (_, link) = stage.round("groups/delta?$deltatoken=latest&$select=displayName,members").await;
        stage.tenant.populate(&Population { members_per_group: 3, ..Population::of(6, 5) });
        let deleted = stage.tenant.add_new_group(NewGroup::named("Gone").of_kind(GroupKind::Microsoft365));
        stage.tenant.add_member(deleted, stage.tenant.user_ids()[0]);
        stage.tenant.delete_group(deleted);
        stage.tenant.restore(deleted);
        let expected: BTreeMap<_, _> =
            stage.tenant.groups().into_iter().map(|group| (group.id, group.members)).collect();
        for start in [GROUPS, &link] {
            assert_eq!(memberships(&stage.round(start).await.0), expected, "{delta_page_size} {start}");
        }
        stage.stop().await;
    }
}

/// The members of each group after all pages of a round were applied to nothing.
fn memberships(items: &[Value]) -> BTreeMap<Uuid, BTreeSet<Uuid>> {
    let id = |value: &Value| value["id"].as_str().unwrap().parse::<Uuid>().unwrap();
    let mut groups: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
    for item in items {
        let members = groups.entry(id(item)).or_default();
        for link in item["members@delta"].as_array().into_iter().flatten() {
            if link.get("@removed").is_some() {
                members.remove(&id(link));
            } else {
                members.insert(id(link));
            }
        }
    }
    groups
}

#[actix_web::test]
async fn what_changes_during_the_first_round_comes_again_in_the_next() {
    let settings = SimulatorSettings { seed: 7, delta_page_size: 2, ..Default::default() };
    let stage = Stage::with(settings).await;
    let (users, _) = stage.tenant.populate(&Population::of(5, 0));
    let first = stage.get("users/delta?$select=jobTitle").await;
    stage.tenant.update_user(users[0], "jobTitle", json!("Countess"));
    let (_, link) = stage.round(first.body["@odata.nextLink"].as_str().unwrap()).await;
    let (items, _) = stage.round(&link).await;
    assert_eq!(items, [json!({ "id": users[0], "jobTitle": "Countess" })]);
    stage.stop().await;
}

#[actix_web::test]
async fn expired_links_are_refused_in_both_documented_ways() {
    let mut stage = Stage::start().await;
    let (_, link) = stage.round(USERS).await;
    stage.tenant.expire_delta_tokens();
    let gone = stage.get(&link).await;
    assert_eq!((gone.status, gone.code()), (410, "SyncStateNotFound"));
    let (_, link) = stage.round(gone.header("location")).await;
    stage.simulator.faults(|faults| faults.expired_delta = ExpiredDelta::SyncStateNotFound);
    stage.simulator.advance(Duration::from_secs(7 * 86_400 + 1));
    stage.token = stage.token_for(&stage.tenant).await;
    assert_eq!(stage.get(&link).await.status, 400);
    stage.stop().await;
}

#[actix_web::test]
async fn links_are_not_edited_and_options_delta_lacks_are_refused() {
    let stage = Stage::start().await;
    let ada = stage.tenant.add_user(NewUser::named("Ada", "Lovelace"));
    let (_, link) = stage.round(USERS).await;
    for path in [format!("{link}x"), format!("{link}&$select=id"), "users/delta?$top=5".to_owned()] {
        assert_eq!(stage.get(&path).await.status, 400, "{path}");
    }
    let filter = |count: usize| format!("users/delta?$filter={}", vec![format!("id eq '{ada}'"); count].join(" or "));
    assert_eq!(stage.round(&filter(50)).await.0.len(), 1);
    assert_eq!(stage.get(&filter(51)).await.status, 400);
    stage.stop().await;
}
