//! Subscriptions: what is asked for, and what each refusal means.

use std::time::Duration;

use crate::directory::SubscriptionId;

use super::*;

const ID: &str = "7f105c7d-2dc5-4530-97cd-4e7ae6534c07";

fn shown() -> Value {
    json!({"id": ID, "resource": "/Users", "changeType": "updated,deleted", "clientState": null,
        "notificationUrl": "https://h.example/graph", "lifecycleNotificationUrl": null,
        "expirationDateTime": "2026-11-28T10:00:00.0000000Z", "creatorId": "x", "encryptionCertificate": null})
}

fn new(bench: &Bench, lifetime: Duration) -> NewSubscription {
    NewSubscription {
        resource: Resource::Users,
        notification_url: Url::parse("https://h.example/graph").unwrap(),
        lifecycle_url: Url::parse("https://h.example/graph/lifecycle").unwrap(),
        expires_at: crate::clock::Clock::now(&*bench.clock).plus(lifetime),
        client_state: SecretString::from("s3cret"),
    }
}

fn subscription_id() -> SubscriptionId {
    ID.parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

#[tokio::test]
async fn a_subscription_is_asked_for_in_one_canonical_way() {
    let bench = Bench::new(|_| Canned::json(201, shown()));
    let new = new(&bench, Duration::from_secs(7 * 24 * 3600));
    let subscription = bench.graph.create_subscription(&new).await.unwrap();
    assert_eq!(subscription.id, subscription_id());
    assert_eq!(subscription.resource, Some(Resource::Users));
    assert_eq!(subscription.expires_at, at("2026-11-28T10:00:00Z"));
    let expected = json!({"changeType": "updated,deleted", "notificationUrl": "https://h.example/graph",
        "lifecycleNotificationUrl": "https://h.example/graph/lifecycle", "resource": "users",
        "expirationDateTime": "2026-11-28T10:00:00Z", "clientState": "s3cret", "latestSupportedTlsVersion": "v1_2"});
    assert_eq!(bench.calls()[0].json(), expected);
    assert!(!format!("{new:?}").contains("s3cret"));
}

#[tokio::test]
async fn no_longer_lifetime_is_asked_for_than_graph_grants() {
    let bench = Bench::new(|_| Canned::json(201, shown()));
    let new = new(&bench, Duration::from_secs(400 * 24 * 3600));
    bench.graph.create_subscription(&new).await.unwrap();
    assert_eq!(bench.calls()[0].json()["expirationDateTime"], "2026-12-20T09:00:00Z");
}

async fn refused(status: u16, code: &str, message: &str) -> GraphError {
    let body = json!({"error": {"code": code, "message": message}});
    let bench = Bench::new(move |_| Canned::json(status, body.clone()));
    bench.graph.create_subscription(&new(&bench, Duration::from_secs(3600))).await.unwrap_err()
}

#[tokio::test]
async fn a_duplicate_names_the_one_that_exists() {
    let error = refused(409, "", &format!("Subscription Id {ID} already exists for the requested combination")).await;
    let GraphError::SubscriptionConflict { existing } = error else { panic!("{error:?}") };
    assert_eq!(existing, Some(subscription_id()));
    let error = refused(409, "Conflict", "no").await;
    assert!(matches!(error, GraphError::SubscriptionConflict { existing: None }), "{error:?}");
}

#[tokio::test]
async fn refusals_to_create_say_what_to_do() {
    let validation = "Subscription validation request failed. Notification endpoint must respond with 200 OK.";
    let error = refused(400, "ValidationError", validation).await;
    assert!(matches!(&error, GraphError::EndpointValidation { detail } if detail == validation), "{error:?}");
    let error = refused(400, "InvalidRequest", "Subscription validation request timed out.").await;
    assert!(matches!(error, GraphError::EndpointValidation { .. }), "{error:?}");
    let error = refused(400, "InvalidRequest", "expirationDateTime is a required property").await;
    assert!(matches!(error, GraphError::Rejected { status: 400, .. }), "{error:?}");
    let error = refused(403, "Forbidden", "Maximum number of subscriptions per application reached: limit 100").await;
    assert!(matches!(error, GraphError::QuotaExceeded { .. }), "{error:?}");
    let error = refused(403, "ExtensionError", "Operation: Create; Exception: [Status Code: Forbidden]").await;
    assert!(matches!(error, GraphError::Forbidden { .. }), "{error:?}");
}

#[tokio::test]
async fn subscriptions_are_listed_with_those_of_others() {
    let bench = Bench::new(|request| match request.query.get("page") {
        None => {
            let next = format!("http://{}/v1.0/subscriptions?page=2", request.headers["host"]);
            let odd =
                json!({"id": "not-a-guid", "resource": "me/events", "expirationDateTime": "2026-11-28T10:00:00Z"});
            Canned::json(200, json!({"value": [shown(), odd], "@odata.nextLink": next}))
        }
        Some(_) => {
            let mut other = shown();
            other["resource"] = json!("chats/1/messages");
            Canned::json(200, json!({"value": [other]}))
        }
    });
    let listed = bench.graph.list_subscriptions().await.unwrap();
    let resources: Vec<_> = listed.iter().map(|subscription| subscription.resource).collect();
    assert_eq!(resources, [Some(Resource::Users), None]);
    assert_eq!(listed[0].notification_url, "https://h.example/graph");
}

#[tokio::test]
async fn a_list_of_subscriptions_that_does_not_end_is_refused() {
    let bench = Bench::new(|request| {
        let next = format!("http://{}/v1.0/subscriptions?page=2", request.headers["host"]);
        Canned::json(200, json!({"value": [], "@odata.nextLink": next}))
    });
    let error = bench.graph.list_subscriptions().await.unwrap_err();
    assert!(matches!(error, GraphError::Protocol(_)), "{error:?}");
}

#[tokio::test]
async fn a_renewal_is_one_patch_of_the_expiry() {
    let bench = Bench::new(|_| Canned::json(200, shown()));
    let until = at("2026-11-28T10:00:00Z");
    let renewed = bench.graph.renew_subscription(subscription_id(), until).await.unwrap();
    assert!(matches!(renewed, Renewed::Renewed(subscription) if subscription.expires_at == until));
    let calls = bench.calls();
    assert_eq!((calls[0].method.as_str(), calls.len()), ("PATCH", 1));
    assert_eq!(calls[0].path, format!("/v1.0/subscriptions/{ID}"));
    assert_eq!(calls[0].json(), json!({"expirationDateTime": "2026-11-28T10:00:00Z"}));
}

#[tokio::test]
async fn a_subscription_that_is_gone_is_told_apart_from_a_failure() {
    let gone = Bench::new(|_| not_found());
    let until = at("2026-11-28T10:00:00Z");
    assert_eq!(gone.graph.renew_subscription(subscription_id(), until).await.unwrap(), Renewed::Gone);
    assert_eq!(gone.graph.subscription(subscription_id()).await.unwrap(), None);
    gone.graph.delete_subscription(subscription_id()).await.unwrap();
    assert_eq!(gone.calls().last().unwrap().method, "DELETE");

    let broken = Bench::new(|_| Canned::text(404, "<html>"));
    assert!(broken.graph.renew_subscription(subscription_id(), until).await.is_err());
    assert!(broken.graph.subscription(subscription_id()).await.is_err());

    let deleted = Bench::new(|_| Canned::text(204, ""));
    deleted.graph.delete_subscription(subscription_id()).await.unwrap();
}
