//! Listings and members, page by page.

use crate::directory::source::{Absence, Member, MemberKind, Observed};

use super::*;

#[tokio::test]
async fn users_are_listed_page_by_page() {
    let bench = Bench::new(|request| match request.query.get("$skiptoken") {
        None => {
            let next = format!("http://{}/v1.0/users?$skiptoken=a%2Bb", request.headers["host"]);
            Canned::json(200, json!({"value": [user_json(id(1))], "@odata.nextLink": next}))
        }
        Some(_) => Canned::json(200, json!({"value": []})),
    });
    let first = bench.graph.users_page(None, &with_managers(), 5000).await.unwrap();
    assert_eq!(first.items.len(), 1);
    let last = bench.graph.users_page(first.next.as_ref(), &with_managers(), 5000).await.unwrap();
    assert_eq!((last.items.len(), last.next), (0, None));
    let calls = bench.calls();
    assert_eq!(calls[0].query["$top"], "999");
    assert_eq!(calls[0].query["$expand"], "manager($levels=1;$select=id)");
    assert_eq!(calls[1].raw_query, "$skiptoken=a%2Bb", "a link is followed as it is");
}

#[tokio::test]
async fn a_listing_in_the_background_may_be_refused_first() {
    let bench = Bench::new(|_| Canned::json(200, json!({"value": []})));
    bench.graph.in_background().users_page(None, &plain(), 100).await.unwrap();
    bench.graph.users_page(None, &plain(), 100).await.unwrap();
    let calls = bench.calls();
    assert_eq!(calls[0].headers["x-ms-throttle-priority"], "low");
    assert_eq!(calls[0].query["$top"], "100");
    assert!(!calls[1].headers.contains_key("x-ms-throttle-priority"));
    assert_eq!(bench.token_requests().len(), 1, "both share one token");
}

#[tokio::test]
async fn a_link_that_leads_away_is_refused_before_any_token_is_sent() {
    let bench = Bench::new(|_| {
        let next = "https://evil.example/v1.0/users?$skiptoken=x";
        Canned::json(200, json!({"value": [], "@odata.nextLink": next}))
    });
    let error = bench.graph.users_page(None, &plain(), 999).await.unwrap_err();
    assert!(matches!(error, GraphError::Protocol(_)), "{error:?}");
    let stored = NextLink::from("https://evil.example/v1.0/users".to_owned());
    let error = bench.graph.users_page(Some(&stored), &plain(), 999).await.unwrap_err();
    assert!(matches!(error, GraphError::Protocol(_)), "{error:?}");
    assert_eq!(bench.calls().len(), 1);
}

#[tokio::test]
async fn a_next_link_to_the_same_page_is_refused() {
    let bench = Bench::new(|request| {
        let next = format!("http://{}/v1.0/users?$skiptoken=x", request.headers["host"]);
        Canned::json(200, json!({"value": [], "@odata.nextLink": next}))
    });
    let first = bench.graph.users_page(None, &plain(), 999).await.unwrap();
    let error = bench.graph.users_page(first.next.as_ref(), &plain(), 999).await.unwrap_err();
    assert!(matches!(error, GraphError::Protocol(_)), "{error:?}");
}

#[tokio::test]
async fn an_old_next_link_says_that_the_walk_starts_over() {
    let expired = json!({"error": {"code": "Directory_ExpiredPageToken", "message": "expired"}});
    let bench = Bench::new(move |_| Canned::json(400, expired.clone()));
    let link = NextLink::from(bench.link("users?$skiptoken=x"));
    let error = bench.graph.users_page(Some(&link), &plain(), 999).await.unwrap_err();
    assert!(matches!(error, GraphError::PageExpired), "{error:?}");
    let error = bench.graph.members_page(id(1), Some(&link)).await.unwrap_err();
    assert!(matches!(error, GraphError::PageExpired), "{error:?}");
}

#[tokio::test]
async fn members_have_a_kind() {
    let members = json!([
        {"@odata.type": "#microsoft.graph.user", "id": id(1)},
        {"@odata.type": "#Microsoft.Graph.Group", "id": id(2)},
        {"@odata.type": "#microsoft.graph.device", "id": id(3)},
        {"id": id(4)},
    ]);
    let bench = Bench::new(move |_| Canned::json(200, json!({"value": members.clone()})));
    let Observed::Present(page) = bench.graph.members_page(id(7), None).await.unwrap() else { panic!() };
    let kinds = [MemberKind::User, MemberKind::Group, MemberKind::Other, MemberKind::User];
    let expected: Vec<Member> = (1..).map(id).zip(kinds).map(|(id, kind)| Member { id, kind }).collect();
    assert_eq!(page.items, expected);
    let call = &bench.calls()[0];
    assert_eq!(call.path, format!("/v1.0/groups/{}/members", id(7)));
    assert_eq!((call.query["$select"].as_str(), call.query["$top"].as_str()), ("id", "999"));
}

#[tokio::test]
async fn a_group_that_is_not_found_is_absent_and_not_empty() {
    let bench = Bench::new(|_| not_found());
    let seen = bench.graph.members_page(id(7), None).await.unwrap();
    assert_eq!(seen, Observed::Absent(Absence::NotFound));
    let bench = Bench::new(|_| Canned::text(404, "<html>"));
    assert!(bench.graph.members_page(id(7), None).await.is_err(), "a proxy knows nothing of groups");
}
