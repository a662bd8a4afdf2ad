//! Users and groups by id.

use std::collections::HashSet;

use crate::directory::source::{Absence, ManagerSeen, Observed};

use super::*;

/// Finds whoever is asked for except `missing`; those are looked up by single calls or batches.
fn directory(missing: &'static [u128], soft_deleted: &'static [u128]) -> impl Fn(&Request) -> Canned {
    let missing: HashSet<ObjectId> = missing.iter().copied().map(id).collect();
    let soft_deleted: HashSet<ObjectId> = soft_deleted.iter().copied().map(id).collect();
    move |request| match request.path.as_str() {
        "/v1.0/directoryObjects/getByIds" => by_ids(&request.json(), &missing),
        "/v1.0/$batch" => batch(&request.json(), &soft_deleted),
        path => {
            let (status, body) = deleted_item(path.rsplit_once('/').unwrap().1, &soft_deleted);
            Canned::json(status, body)
        }
    }
}

fn by_ids(body: &Value, missing: &HashSet<ObjectId>) -> Canned {
    let asked: Vec<ObjectId> = serde_json::from_value(body["ids"].clone()).unwrap();
    let found: Vec<Value> = asked.into_iter().rev().filter(|id| !missing.contains(id)).map(user_json).collect();
    Canned::json(200, json!({"value": found}))
}

fn deleted_item(id: &str, soft_deleted: &HashSet<ObjectId>) -> (u16, Value) {
    let id: ObjectId = id.parse().unwrap();
    if soft_deleted.contains(&id) { (200, json!({"id": id})) } else { (404, not_found_body()) }
}

fn batch(body: &Value, soft_deleted: &HashSet<ObjectId>) -> Canned {
    let responses = body["requests"].as_array().unwrap().iter().rev().map(|request| {
        let url = request["url"].as_str().unwrap();
        let id = url.strip_prefix("/directory/deletedItems/").unwrap().strip_suffix("?$select=id").unwrap();
        let (status, body) = deleted_item(id, soft_deleted);
        json!({"id": request["id"], "status": status, "body": body})
    });
    Canned::json(200, json!({"responses": responses.collect::<Vec<_>>()}))
}

#[tokio::test]
async fn ids_are_asked_for_by_the_thousand() {
    let bench = Bench::new(directory(&[], &[]));
    let asked = ids(1..2502);
    let seen = bench.graph.users_by_ids(&asked, &plain()).await.unwrap();
    assert_eq!(seen.iter().map(|(id, _)| *id).collect::<Vec<_>>(), asked);
    assert!(seen.iter().all(|(id, user)| matches!(user, Observed::Present(user) if user.id == *id)));
    let calls = bench.calls();
    let sizes: Vec<usize> = calls.iter().map(|call| call.json()["ids"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [1000, 1000, 501]);
    assert_eq!(calls[0].query["$select"], "accountEnabled,department,id,userPrincipalName");
    assert_eq!(calls[0].json()["types"], json!(["user"]));
}

#[tokio::test]
async fn an_id_asked_for_twice_is_answered_once() {
    let bench = Bench::new(directory(&[], &[]));
    let seen = bench.graph.users_by_ids(&[id(1), id(2), id(1)], &plain()).await.unwrap();
    assert_eq!(seen.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [id(1), id(2)]);
    assert!(bench.graph.users_by_ids(&[], &plain()).await.unwrap().is_empty());
    assert_eq!(bench.calls().len(), 1, "nothing is asked for nobody");
}

#[tokio::test]
async fn one_missing_id_is_looked_up_by_a_plain_call() {
    let bench = Bench::new(directory(&[2], &[2]));
    let seen = bench.graph.users_by_ids(&ids(1..4), &plain()).await.unwrap();
    assert_eq!(seen[1], (id(2), Observed::Absent(Absence::SoftDeleted)));
    let lookup = &bench.calls()[1];
    assert_eq!(lookup.path, format!("/v1.0/directory/deletedItems/{}", id(2)));
    assert_eq!(lookup.query["$select"], "id");
}

#[tokio::test]
async fn many_missing_ids_are_looked_up_in_batches_of_twenty() {
    const MISSING: [u128; 45] = {
        let mut missing = [0; 45];
        let mut n = 0;
        while n < 45 {
            missing[n] = n as u128 + 1;
            n += 1;
        }
        missing
    };
    let bench = Bench::new(directory(&MISSING, &[7, 44]));
    let seen = bench.graph.users_by_ids(&ids(1..61), &plain()).await.unwrap();
    let soft: Vec<ObjectId> =
        seen.iter().filter(|(_, seen)| *seen == Observed::Absent(Absence::SoftDeleted)).map(|(id, _)| *id).collect();
    assert_eq!(soft, [id(7), id(44)]);
    assert_eq!(seen.iter().filter(|(_, seen)| *seen == Observed::Absent(Absence::NotFound)).count(), 43);
    let sizes: Vec<usize> =
        bench.calls()[1..].iter().map(|call| call.json()["requests"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [20, 20, 5]);
}

#[tokio::test]
async fn an_error_while_looking_up_makes_nobody_absent() {
    let refusals = [
        Canned::json(403, json!({"error": {"code": "Authorization_RequestDenied", "message": ""}})),
        Canned::text(404, "<html>a proxy knows no such page</html>"),
        Canned::json(200, json!({"id": id(99)})),
        Canned::json(200, json!({})),
    ];
    for refusal in refusals {
        let shown = format!("{refusal:?}");
        let found = directory(&[2], &[]);
        let bench = Bench::new(move |request| if request.method == "POST" { found(request) } else { refusal.clone() });
        let result = bench.graph.users_by_ids(&ids(1..4), &plain()).await;
        assert!(result.is_err(), "{shown}");
    }
}

#[tokio::test]
async fn groups_are_asked_for_by_their_own_type() {
    let group =
        json!({"@odata.type": "#microsoft.graph.group", "id": id(1), "displayName": "Crew", "description": null});
    let bench = Bench::new(move |request| match request.method.as_str() {
        "POST" => Canned::json(200, json!({"value": [group.clone()]})),
        _ => not_found(),
    });
    let seen = bench.graph.groups_by_ids(&ids(1..3)).await.unwrap();
    let Observed::Present(group) = &seen[0].1 else { panic!("{seen:?}") };
    assert_eq!((group.display_name.as_deref(), group.description.as_deref()), (Some("Crew"), None));
    assert_eq!(seen[1].1, Observed::Absent(Absence::NotFound));
    let call = &bench.calls()[0];
    assert_eq!(call.json()["types"], json!(["group"]));
    assert_eq!(call.query["$select"], "id,displayName,description");
}

#[tokio::test]
async fn up_to_fifteen_users_with_managers_are_one_plain_call() {
    let users = json!([
        {"id": id(1), "userPrincipalName": "a", "manager": {"@odata.type": "#microsoft.graph.user", "id": id(9)}},
        {"id": id(2), "userPrincipalName": "b"},
        {"id": id(3), "userPrincipalName": "c", "manager": null, "department@odata.x": 1},
    ]);
    let bench = Bench::new(move |_| Canned::json(200, json!({"value": users.clone()})));
    let seen = bench.graph.users_by_ids(&ids(1..4), &with_managers()).await.unwrap();
    let managers: Vec<ManagerSeen> = seen.iter().map(|(_, seen)| present(seen).manager).collect();
    assert_eq!(managers, [ManagerSeen::Person(id(9)), ManagerSeen::Nobody, ManagerSeen::Nobody]);
    assert_eq!(present(&seen[2].1).attributes.keys().collect::<Vec<_>>(), ["userPrincipalName"]);
    let call = &bench.calls()[0];
    assert_eq!((call.method.as_str(), call.path.as_str()), ("GET", "/v1.0/users"));
    assert_eq!(call.query["$filter"], format!("id in ('{}','{}','{}')", id(1), id(2), id(3)));
    assert_eq!(call.query["$expand"], "manager($levels=1;$select=id)");
    assert!(!call.raw_query.contains('+'), "{}", call.raw_query);
}

fn present<T>(seen: &Observed<T>) -> &T {
    match seen {
        Observed::Present(seen) => seen,
        Observed::Absent(absence) => panic!("{absence:?}"),
    }
}

/// The ids of a filter in a relative address.
fn filter_ids(url: &str) -> Vec<String> {
    let url = Url::parse("http://x").unwrap().join(url).unwrap();
    let (_, filter) = url.query_pairs().find(|(key, _)| key == "$filter").unwrap();
    filter.split('\'').filter(|part| part.len() == 36).map(str::to_owned).collect()
}

#[tokio::test]
async fn many_users_with_managers_are_filtered_by_fifteen_in_batches_of_twenty() {
    let bench = Bench::new(|request| {
        let users =
            |url: &str| filter_ids(url).into_iter().map(|id| user_json(id.parse().unwrap())).collect::<Vec<_>>();
        if request.method == "GET" {
            return Canned::json(200, json!({"value": users(&format!("/users?{}", request.raw_query))}));
        }
        let body = request.json();
        let responses = body["requests"].as_array().unwrap().iter().rev().map(
            |part| json!({"id": part["id"], "status": 200, "body": {"value": users(part["url"].as_str().unwrap())}}),
        );
        Canned::json(200, json!({"responses": responses.collect::<Vec<_>>()}))
    });
    let asked = ids(1..302);
    let seen = bench.graph.users_by_ids(&asked, &with_managers()).await.unwrap();
    assert_eq!(seen.len(), 301);
    assert!(seen.iter().all(|(id, seen)| present(seen).id == *id));
    let calls = bench.calls();
    let parts = calls[0].json()["requests"].as_array().unwrap().clone();
    assert_eq!(parts.len(), 20);
    assert!(parts.iter().all(|part| filter_ids(part["url"].as_str().unwrap()).len() == 15));
    assert_eq!((calls[1].method.as_str(), calls.len()), ("GET", 2));
}

#[tokio::test]
async fn an_object_filled_with_nulls_is_limited_information() {
    let shell =
        json!({"@odata.type": "#microsoft.graph.user", "id": id(1), "userPrincipalName": null, "department": null});
    let bench = Bench::new(move |_| Canned::json(200, json!({"value": [shell.clone()]})));
    let seen = bench.graph.users_by_ids(&[id(1)], &plain()).await.unwrap();
    let user = present(&seen[0].1);
    assert!(user.is_limited());
    assert_eq!((user.manager, user.enabled()), (ManagerSeen::NotAsked, None));
}

#[tokio::test]
async fn an_answer_by_ids_that_has_pages_is_read_to_its_end() {
    let server: Arc<std::sync::OnceLock<Url>> = Arc::default();
    let base = server.clone();
    let bench = Bench::new(move |request| match request.method.as_str() {
        "POST" => Canned::json(
            200,
            json!({"value": [user_json(id(1))], "@odata.nextLink": format!("{}v1.0/more", base.get().unwrap())}),
        ),
        _ => Canned::json(200, json!({"value": [user_json(id(2))]})),
    });
    server.set(bench.server.url.clone()).unwrap();
    let seen = bench.graph.users_by_ids(&ids(1..3), &plain()).await.unwrap();
    assert!(seen.iter().all(|(_, seen)| matches!(seen, Observed::Present(_))));
}

#[tokio::test]
async fn where_get_by_ids_is_forbidden_a_filter_by_id_does() {
    let forbidden = || Canned::json(403, json!({"error": {"code": "Authorization_RequestDenied", "message": ""}}));
    let bench = Bench::new(move |request| match request.path.as_str() {
        "/v1.0/groups" => Canned::json(200, json!({"value": [{"id": id(1), "displayName": "Crew"}]})),
        path if path.starts_with("/v1.0/directory/") => not_found(),
        _ => forbidden(),
    });
    let seen = bench.graph.groups_by_ids(&ids(1..3)).await.unwrap();
    assert_eq!(present(&seen[0].1).display_name.as_deref(), Some("Crew"));
    assert_eq!(seen[1].1, Observed::Absent(Absence::NotFound));
    assert_eq!(bench.calls()[1].query["$filter"], format!("id in ('{}','{}')", id(1), id(2)));
    let error = bench.graph.users_by_ids(&ids(1..3), &plain()).await.unwrap_err();
    assert!(error.is_about_permissions(), "users may not be read either way: {error:?}");
}
