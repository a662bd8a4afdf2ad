//! Delta: page shapes, links and resets.

use crate::directory::source::{Member, MemberKind};

use super::*;

/// A last page with these changes.
fn settled(changes: Value) -> Bench {
    Bench::new(move |request| {
        let link = format!("http://{}/v1.0/users/delta?$deltatoken=n", request.headers["host"]);
        Canned::json(200, json!({"value": changes.clone(), "@odata.deltaLink": link}))
    })
}

#[tokio::test]
async fn delta_from_now_has_only_a_link() {
    let bench = settled(json!([]));
    let page = bench.graph.users_delta(DeltaFrom::Now, &with_managers()).await.unwrap();
    assert!(page.changes.is_empty());
    let DeltaNext::Settled(link) = page.next else { panic!("{:?}", page.next) };
    assert_eq!(link.as_str(), bench.link("users/delta?$deltatoken=n"));
    bench.graph.groups_delta(DeltaFrom::Now).await.unwrap();
    bench.graph.users_delta(DeltaFrom::Link(&link), &with_managers()).await.unwrap();
    let calls = bench.calls();
    assert_eq!(calls[0].path, "/v1.0/users/delta");
    assert_eq!(calls[0].query["$deltatoken"], "latest");
    assert_eq!(calls[0].query["$select"], "accountEnabled,department,id,userPrincipalName,manager");
    assert_eq!(calls[1].query["$select"], "id,displayName,description,members");
    assert_eq!(calls[2].raw_query, "$deltatoken=n");
}

#[tokio::test]
async fn user_changes_say_how_a_user_left() {
    let bench = settled(json!([
        {"id": id(1), "displayName": "A", "manager@delta": [{"id": id(9)}]},
        {"@removed": {"reason": "changed"}, "id": id(2)},
        {"id": id(3), "@removed": {"reason": "deleted"}},
        {"id": id(4), "@removed": "Deleted"},
        {"id": id(5), "@removed": {}},
        {"id": id(6), "@removed": null},
    ]));
    let page = bench.graph.users_delta(DeltaFrom::Now, &plain()).await.unwrap();
    let removed: Vec<_> = page.changes.iter().map(|change| change.removed).collect();
    let (changed, deleted) = (Some(RemovedReason::Changed), Some(RemovedReason::Deleted));
    assert_eq!(removed, [None, changed, deleted, deleted, changed, None]);
    assert_eq!(page.changes.iter().map(|change| change.id).collect::<Vec<_>>(), ids(1..7));
}

#[tokio::test]
async fn group_changes_show_edges_in_both_spellings() {
    let bench = settled(json!([
        {"id": id(1), "displayName": "T", "members@delta": [
            {"@odata.type": "#microsoft.graph.user", "id": id(11)},
            {"@odata.type": "#microsoft.graph.group", "id": id(12), "@removed": {"reason": "deleted"}},
            {"id": id(13), "@removed": "deleted"}]},
        {"id": id(2)},
        {"id": id(3), "@removed": {"reason": "deleted"}},
    ]));
    let page = bench.graph.groups_delta(DeltaFrom::Now).await.unwrap();
    let edge = |n, kind, removed| MemberChange { member: Member { id: id(n), kind }, removed };
    let edges =
        [edge(11, MemberKind::User, false), edge(12, MemberKind::Group, true), edge(13, MemberKind::User, true)];
    assert_eq!(page.changes[0].members, edges);
    assert_eq!((page.changes[1].removed, page.changes[1].members.len()), (None, 0));
    assert_eq!(page.changes[2].removed, Some(RemovedReason::Deleted));
}

#[tokio::test]
async fn an_empty_page_may_have_a_next_one() {
    let bench = Bench::new(|request| {
        let next = format!("http://{}/v1.0/users/delta?$skiptoken=x", request.headers["host"]);
        Canned::json(200, json!({"value": [], "@odata.nextLink": next}))
    });
    let page = bench.graph.users_delta(DeltaFrom::Now, &plain()).await.unwrap();
    let DeltaNext::Page(next) = page.next else { panic!("{:?}", page.next) };
    let error = bench.graph.users_delta(DeltaFrom::Page(&next), &plain()).await.unwrap_err();
    assert!(matches!(error, GraphError::Protocol(_)), "the same page again: {error:?}");
}

#[tokio::test]
async fn a_delta_page_has_exactly_one_link_and_readable_changes() {
    let bodies = [
        json!({"value": []}),
        json!({"value": [], "@odata.nextLink": "HOST/a", "@odata.deltaLink": "HOST/b"}),
        json!({"value": [], "@odata.deltaLink": "https://evil.example/delta"}),
        json!({"value": [{"id": id(1), "members@delta": {}}], "@odata.deltaLink": "HOST/b"}),
        json!({"value": [{"id": id(1), "members@delta": [{}]}], "@odata.deltaLink": "HOST/b"}),
        json!({"@odata.deltaLink": "HOST/b"}),
    ];
    for body in bodies {
        let text = body.to_string();
        let bench = Bench::new(move |request| {
            Canned::text(200, text.replace("HOST", &format!("http://{}", request.headers["host"])))
        });
        let error = bench.graph.groups_delta(DeltaFrom::Now).await.unwrap_err();
        assert!(matches!(error, GraphError::Protocol(_)), "{body}: {error:?}");
    }
}

async fn error_of(status: u16, code: &str) -> GraphError {
    let body = json!({"error": {"code": code, "message": ""}});
    let bench = Bench::new(move |_| Canned::json(status, body.clone()));
    let link = DeltaLink::from(bench.link("users/delta?$deltatoken=x"));
    bench.graph.users_delta(DeltaFrom::Link(&link), &plain()).await.unwrap_err()
}

#[tokio::test]
async fn an_old_delta_link_is_reset() {
    let resets = [
        (410, ""),
        (400, "syncStateNotFound"),
        (410, "SyncStateNotFound"),
        (404, "resyncRequired"),
        (400, "Directory_ExpiredDeltaToken"),
    ];
    for (status, code) in resets {
        let error = error_of(status, code).await;
        assert!(matches!(error, GraphError::DeltaReset), "{status} {code}: {error:?}");
    }
}

#[tokio::test]
async fn other_refusals_of_a_delta_link_are_no_reset() {
    assert!(matches!(error_of(400, "Request_BadRequest").await, GraphError::Rejected { .. }));
    assert!(matches!(error_of(429, "syncStateNotFound").await, GraphError::Throttled { .. }));
    assert!(matches!(error_of(403, "Authorization_RequestDenied").await, GraphError::Forbidden { .. }));
    assert!(matches!(error_of(503, "resyncRequired").await, GraphError::Unavailable { .. }));
}

#[tokio::test]
async fn a_new_beginning_cannot_be_reset() {
    let bench = Bench::new(|_| Canned::json(410, json!({"error": {"code": "resyncRequired", "message": ""}})));
    let error = bench.graph.users_delta(DeltaFrom::Now, &plain()).await.unwrap_err();
    assert!(matches!(error, GraphError::Rejected { status: 410, .. }), "or the caller would begin for ever: {error:?}");
}

#[tokio::test]
async fn a_delta_link_that_leads_away_is_not_followed() {
    let bench = settled(json!([]));
    let link = DeltaLink::from("https://evil.example/v1.0/users/delta?$deltatoken=x".to_owned());
    let error = bench.graph.groups_delta(DeltaFrom::Link(&link)).await.unwrap_err();
    assert!(matches!(error, GraphError::Protocol(_)), "{error:?}");
    assert!(bench.server.requests().is_empty());
}
