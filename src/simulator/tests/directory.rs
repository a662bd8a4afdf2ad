//! Users, groups and what is between them.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::support::Stage;
use crate::simulator::{GroupKind, NewGroup, NewUser, Population};

fn names(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn ids(objects: &[Value]) -> BTreeSet<Uuid> {
    objects.iter().map(|object| object["id"].as_str().unwrap().parse().unwrap()).collect()
}

#[actix_web::test]
async fn nothing_is_returned_that_was_not_selected() {
    let stage = Stage::start().await;
    let ada = stage.tenant.add_user(NewUser::named("Ada", "Lovelace").with("jobTitle", "Countess"));
    let default = stage.get(&format!("users/{ada}")).await.body;
    assert!(names(&default).contains("jobTitle") && !names(&default).contains("accountEnabled"));
    assert_eq!(default["businessPhones"], json!([]));
    assert_eq!(default["officeLocation"], json!(null));
    let selected = stage.get("users?$select=displayName,accountEnabled").await;
    assert_eq!(names(&selected.value()[0]), ["accountEnabled", "displayName"].into());
    let unknown = stage.get("users?$select=nickname").await;
    assert_eq!((unknown.status, unknown.code()), (400, "BadRequest"));
    assert_eq!(stage.get("users?$select=skills").await.status, 501);
    stage.stop().await;
}

#[actix_web::test]
async fn unknown_options_and_paths_and_versions_are_refused() {
    let stage = Stage::start().await;
    for path in
        ["users?$orderby=displayName", "users?select=id", "users?$skip=5", "me", "users?$top=0", "users?$top=1000"]
    {
        assert_eq!(stage.get(path).await.status, 400, "{path}");
    }
    assert_eq!(stage.get("users?$top=5&$top=6").await.status, 400);
    let beta = format!("{}/beta/users", stage.running.graph_url());
    assert_eq!(stage.get(&beta).await.status, 400);
    stage.stop().await;
}

#[actix_web::test]
async fn pages_are_stable_while_the_directory_changes() {
    let stage = Stage::start().await;
    let (users, _) = stage.tenant.populate(&Population::of(25, 0));
    let first = stage.get("users?$select=id&$top=10").await;
    stage.tenant.purge(users[3]);
    stage.tenant.soft_delete_user(users[15]);
    let link = first.body["@odata.nextLink"].as_str().unwrap().to_owned();
    let rest = stage.walk(&link).await;
    let mut expected: BTreeSet<_> = users[10..].iter().copied().collect();
    expected.remove(&users[15]);
    assert_eq!(ids(&rest), expected);
    assert_eq!(rest.len(), 14);
    let edited = link.replace("top=10", "top=5");
    assert_eq!(stage.get(&edited).await.status, 400, "a link is followed as it is");
    stage.stop().await;
}

#[actix_web::test]
async fn filters_find_by_id_and_name_and_refuse_more_than_fifteen_values() {
    let stage = Stage::start().await;
    let (users, _) = stage.tenant.populate(&Population::of(20, 0));
    let quoted = |count: usize| users[..count].iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(",");
    let found = stage.get(&format!("users?$filter=id in ({})", quoted(15))).await;
    assert_eq!(found.value().len(), 15);
    assert_eq!(stage.get(&format!("users?$filter=id in ({})", quoted(16))).await.status, 400);
    let name = stage.tenant.user(users[4]).unwrap().user_principal_name;
    let found = stage.get(&format!("users?$filter=userPrincipalName eq '{}'", name.to_uppercase())).await;
    assert_eq!(ids(found.value()), [users[4]].into());
    assert_eq!(stage.get("users?$filter=startswith(displayName,'A')").await.status, 400);
    stage.stop().await;
}

#[actix_web::test]
async fn counting_needs_the_eventual_consistency_level() {
    let stage = Stage::start().await;
    stage.tenant.populate(&Population::of(12, 0));
    assert_eq!(stage.get("users?$count=true").await.status, 400);
    let counted = stage.get_eventual("users?$count=true&$top=5").await;
    assert_eq!((counted.value().len(), &counted.body["@odata.count"]), (5, &json!(12)));
    assert_eq!(stage.get_eventual("users/$count").await.body, json!(12));
    stage.stop().await;
}

#[actix_web::test]
async fn managers_are_read_alone_and_expanded() {
    let stage = Stage::start().await;
    let ada = stage.tenant.add_user(NewUser::named("Ada", "Lovelace"));
    let bob = stage.tenant.add_user(NewUser::named("Bob", "Ross"));
    let path = format!("users/{ada}/manager");
    assert_eq!(stage.get(&path).await.status, 404);
    stage.tenant.set_manager(ada, Some(bob));
    assert_eq!(stage.get(&path).await.body["@odata.type"], "#microsoft.graph.user");
    let listed = stage.get("users?$select=id&$expand=manager($levels=1;$select=id)").await;
    let manager = json!({ "@odata.type": "#microsoft.graph.user", "id": bob });
    assert_eq!(listed.value(), &[json!({ "id": ada, "manager": manager }), json!({ "id": bob })]);
    let plain = stage.get(&format!("users/{ada}?$select=id&$expand=manager")).await;
    assert_eq!(plain.body["manager"]["displayName"], "Bob Ross");
    assert_eq!(stage.get("users?$expand=manager($select=id)").await.status, 400);
    stage.tenant.soft_delete_user(bob);
    assert_eq!(stage.get(&path).await.status, 404);
    stage.stop().await;
}

#[actix_web::test]
async fn get_by_ids_leaves_out_what_is_not_there() {
    let stage = Stage::start().await;
    let ada = stage.tenant.add_user(NewUser::named("Ada", "Lovelace").with("department", "Engines"));
    let bob = stage.tenant.add_user(NewUser::named("Bob", "Ross"));
    let team = stage.tenant.add_group("Team");
    stage.tenant.soft_delete_user(bob);
    let body = json!({ "ids": [ada, bob, team, Uuid::nil()], "@odata.type": "ignored" });
    let found = stage.post("directoryObjects/getByIds?$select=id,department", body).await;
    let expected = [
        json!({ "@odata.type": "#microsoft.graph.user", "id": ada, "department": "Engines" }),
        json!({ "@odata.type": "#microsoft.graph.group", "id": team }),
    ];
    assert_eq!(found.value(), &expected);
    let users =
        stage.post("directoryObjects/getByIds", json!({ "ids": [ada, team], "types": ["microsoft.graph.user"] })).await;
    assert_eq!(users.value().len(), 1);
    assert_eq!(users.value()[0].get("department"), None);
    stage.stop().await;
}

#[actix_web::test]
async fn get_by_ids_takes_a_thousand_ids_and_no_malformed_one() {
    let stage = Stage::start().await;
    let ids = |count: u128| (0..count).map(Uuid::from_u128).collect::<Vec<_>>();
    let path = "directoryObjects/getByIds?$select=id";
    assert_eq!(stage.post(path, json!({ "ids": ids(1000) })).await.status, 200);
    assert_eq!(stage.post(path, json!({ "ids": ids(1001) })).await.status, 400);
    assert_eq!(stage.post(path, json!({ "ids": ["ada"] })).await.status, 400);
    assert_eq!(stage.post(path, json!({ "ids": ids(1), "types": ["spaceship"] })).await.status, 400);
    stage.stop().await;
}

#[actix_web::test]
async fn members_are_direct_and_transitive_members_are_all_below_once() {
    let stage = Stage::start().await;
    let tenant = &stage.tenant;
    let (users, _) = tenant.populate(&Population::of(6, 0));
    let [top, middle, bottom] = ["Top", "Middle", "Bottom"].map(|name| tenant.add_group(name));
    tenant.add_member(top, middle);
    tenant.add_member(middle, bottom);
    tenant.add_member(bottom, top);
    tenant.add_member(top, users[0]);
    tenant.add_member(bottom, users[0]);
    tenant.add_member(bottom, users[1]);
    assert_eq!(ids(&stage.walk(&format!("groups/{top}/members?$select=id")).await), [middle, users[0]].into());
    let all = stage.walk(&format!("groups/{top}/transitiveMembers?$select=id&$top=2")).await;
    assert_eq!((all.len(), ids(&all)), (4, [middle, bottom, users[0], users[1]].into()));
    assert!(all.iter().all(|item| item["@odata.type"].is_string()));
    let cast = format!("groups/{top}/transitiveMembers/microsoft.graph.user?$select=id&$count=true");
    assert_eq!(stage.get(&cast).await.status, 400, "a cast needs ConsistencyLevel: eventual");
    assert_eq!(ids(&stage.walk(&cast).await), tenant.transitive_users_of(top));
    let above = stage.walk(&format!("users/{}/transitiveMemberOf?$select=id", users[1])).await;
    assert_eq!(ids(&above), [top, middle, bottom].into());
    assert_eq!(ids(&stage.walk(&format!("users/{}/memberOf", users[1])).await), [bottom].into());
    stage.stop().await;
}

#[actix_web::test]
async fn deleted_people_come_back_with_what_they_had() {
    let mut stage = Stage::start().await;
    let ada = stage.tenant.add_user(NewUser::named("Ada", "Lovelace"));
    let team = stage.tenant.add_new_group(NewGroup::named("Team").of_kind(GroupKind::Microsoft365));
    stage.tenant.add_member(team, ada);
    stage.tenant.soft_delete_user(ada);
    assert_eq!(stage.get(&format!("users/{ada}")).await.status, 404);
    assert!(stage.walk(&format!("groups/{team}/members")).await.is_empty());
    let listed =
        stage.get("directory/deletedItems/microsoft.graph.user?$select=id,userPrincipalName,deletedDateTime").await;
    let name = listed.value()[0]["userPrincipalName"].as_str().unwrap();
    assert_eq!(name, format!("{}ada.lovelace@contoso.example", ada.simple()));
    let path = format!("directory/deletedItems/{ada}");
    assert_eq!(stage.get(&path).await.status, 200);
    assert_eq!(
        stage.post(&format!("{path}/restore"), json!({})).await.status,
        403,
        "restoring needs a write permission"
    );
    stage.tenant.set_roles(&["User.ReadWrite.All", "Group.Read.All"]);
    stage.token = stage.token_for(&stage.tenant).await;
    assert_eq!(stage.post(&format!("{path}/restore"), json!({})).await.status, 200);
    assert_eq!(stage.get("users/Ada.Lovelace@contoso.example").await.status, 200);
    assert_eq!(stage.walk(&format!("groups/{team}/members")).await.len(), 1);
    stage.tenant.soft_delete_user(ada);
    assert_eq!(stage.send("DELETE", &path, None).await.status, 204);
    assert_eq!(stage.get(&path).await.status, 404);
    stage.stop().await;
}

#[actix_web::test]
async fn deleted_items_are_purged_after_thirty_days() {
    let stage = Stage::start().await;
    let ada = stage.tenant.add_user(NewUser::named("Ada", "Lovelace"));
    stage.tenant.soft_delete_user(ada);
    stage.simulator.advance(Duration::from_secs(29 * 86_400));
    assert_eq!(stage.tenant.deleted_ids(), [ada].into());
    stage.simulator.advance(Duration::from_secs(2 * 86_400));
    assert!(stage.tenant.deleted_ids().is_empty());
    stage.stop().await;
}

#[actix_web::test]
async fn without_permission_for_people_members_show_only_id_and_type() {
    let mut stage = Stage::start().await;
    let ada = stage.tenant.add_user(NewUser::named("Ada", "Lovelace"));
    let team = stage.tenant.add_group("Team");
    stage.tenant.add_member(team, ada);
    stage.tenant.set_roles(&["GroupMember.Read.All"]);
    stage.token = stage.token_for(&stage.tenant).await;
    let members = stage.walk(&format!("groups/{team}/members?$select=id,displayName")).await;
    let expected = json!({ "@odata.type": "#microsoft.graph.user", "id": ada, "displayName": null });
    assert_eq!(members, [expected]);
    assert_eq!(stage.get("users").await.status, 403);
    stage.stop().await;
}

#[actix_web::test]
async fn a_batch_answers_each_request_on_its_own() {
    let stage = Stage::start().await;
    let ada = stage.tenant.add_user(NewUser::named("Ada", "Lovelace"));
    let requests = json!({ "requests": [
        { "id": "1", "method": "GET", "url": format!("/users/{ada}?$select=id") },
        { "id": "2", "method": "GET", "url": "/users/nobody@contoso.example" },
        { "id": "3", "method": "GET", "url": "/organization", "dependsOn": ["2"] },
        { "id": "4", "method": "POST", "url": "/directoryObjects/getByIds?$select=id",
          "headers": { "Content-Type": "application/json" }, "body": { "ids": [ada] } },
    ]});
    let answer = stage.post("$batch", requests).await;
    let status = |id: &str| {
        let responses = answer.body["responses"].as_array().unwrap();
        responses.iter().find(|response| response["id"] == id).unwrap()["status"].as_u64().unwrap()
    };
    assert_eq!(["1", "2", "3", "4"].map(status), [200, 404, 424, 200]);
    let counters = stage.simulator.counters();
    assert_eq!((counters.requests, counters.batch_subrequests, counters.of("users.get")), (1, 3, 2));
    stage.stop().await;
}

#[actix_web::test]
async fn a_batch_is_refused_whole_for_its_size_and_for_equal_ids() {
    let stage = Stage::start().await;
    let part = |id: usize| json!({ "id": id.to_string(), "method": "GET", "url": "/users" });
    let many: Vec<_> = (0..21).map(part).collect();
    assert_eq!(stage.post("$batch", json!({ "requests": many[..20] })).await.status, 200);
    assert_eq!(stage.post("$batch", json!({ "requests": many })).await.status, 400);
    assert_eq!(stage.post("$batch", json!({ "requests": [part(1), part(1)] })).await.status, 400);
    stage.stop().await;
}

#[actix_web::test]
async fn photos_are_found_only_where_set() {
    let stage = Stage::start().await;
    let ada = stage.tenant.add_user(NewUser::named("Ada", "Lovelace"));
    let path = format!("users/{ada}/photo");
    assert_eq!(stage.get(&format!("{path}/$value")).await.status, 404);
    stage.tenant.set_photo(ada, Some(b"GIF89a".to_vec()));
    let value = stage.get(&format!("{path}/$value")).await;
    assert_eq!((value.status, value.body), (200, json!("GIF89a")));
    let metadata = stage.get(&path).await;
    assert_eq!(metadata.body["@odata.mediaContentType"], "image/gif");
    assert_eq!(metadata.body["@odata.mediaEtag"], value.headers["etag"].to_str().unwrap());
    stage.stop().await;
}

#[actix_web::test]
async fn the_same_seed_makes_the_same_directory() {
    let (one, two) = (Stage::start().await, Stage::start().await);
    let population = Population::of(40, 12);
    assert_eq!(one.tenant.populate(&population), two.tenant.populate(&population));
    let users = one.tenant.users();
    let strip = |users: &[crate::simulator::UserSnapshot]| {
        users.iter().map(|user| (user.user_principal_name.clone(), user.manager)).collect::<Vec<_>>()
    };
    assert_eq!(strip(&users), strip(&two.tenant.users()));
    assert_eq!(one.tenant.groups().iter().map(|group| &group.members).collect::<Vec<_>>().len(), 12);
    let organization = one.get("organization?$select=id,displayName").await;
    assert_eq!(organization.value()[0]["displayName"], "contoso");
    one.stop().await;
    two.stop().await;
}
