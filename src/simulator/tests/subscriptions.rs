//! Subscriptions and their handshake.

use std::time::Duration;

use serde_json::json;

use super::support::{Endpoint, Stage};
use crate::simulator::OverLongExpiration;

#[actix_web::test]
async fn creating_calls_back_on_both_urls_and_hides_the_client_state_afterwards() {
    let (stage, endpoint) = (Stage::start().await, Endpoint::start());
    let wanted = endpoint.subscription("users", stage.simulator.now() + Duration::from_secs(86_400));
    let created = stage.post("subscriptions", wanted).await;
    assert_eq!((created.status, &created.body["clientState"]), (201, &json!("s3cret")));
    let handshakes = endpoint.with(|mailbox| mailbox.handshakes.clone());
    assert_eq!(handshakes.len(), 2);
    assert!(handshakes[0].starts_with("/notifications?shared=1&validationToken=Validation%3A+"), "{handshakes:?}");
    let id = created.body["id"].as_str().unwrap();
    let read = stage.get(&format!("subscriptions/{id}")).await;
    assert_eq!((read.status, &read.body["clientState"]), (200, &json!(null)));
    assert_eq!(stage.get("subscriptions").await.ids(), [id]);
    endpoint.stop().await;
    stage.stop().await;
}

#[actix_web::test]
async fn a_handshake_that_is_not_echoed_exactly_leaves_no_subscription() {
    let (stage, endpoint) = (Stage::start().await, Endpoint::start());
    let wanted = endpoint.subscription("users", stage.simulator.now() + Duration::from_secs(86_400));
    for echo in [(200, "Validation%3A"), (202, "x"), (403, "no")] {
        endpoint.with(|mailbox| mailbox.echo_instead = Some((echo.0, echo.1.to_owned())));
        let refused = stage.post("subscriptions", wanted.clone()).await;
        assert_eq!((refused.status, refused.code()), (400, "ValidationError"));
    }
    assert_eq!(stage.tenant.subscriptions(), []);
    endpoint.stop().await;
    let refused = stage.post("subscriptions", wanted).await;
    assert_eq!((refused.status, refused.code()), (400, "ValidationError"));
    stage.stop().await;
}

#[actix_web::test]
async fn the_same_combination_is_refused_and_gone_ones_are_not_found() {
    let (stage, endpoint) = (Stage::start().await, Endpoint::start());
    let expires_at = stage.simulator.now() + Duration::from_secs(86_400);
    let first = stage.post("subscriptions", endpoint.subscription("/Users", expires_at)).await;
    let second = stage.post("subscriptions", endpoint.subscription("users", expires_at)).await;
    assert_eq!(second.status, 409);
    let id = first.body["id"].as_str().unwrap();
    let message = format!("Subscription Id {id} already exists for the requested combination");
    assert_eq!(second.body["error"]["message"], message);
    let path = format!("subscriptions/{id}");
    assert_eq!(stage.send("DELETE", &path, None).await.status, 204);
    let renewal = json!({ "expirationDateTime": expires_at.to_rfc3339() });
    let gone = stage.send("PATCH", &path, Some(renewal)).await;
    assert_eq!((gone.status, gone.code()), (404, "ResourceNotFound"));
    endpoint.stop().await;
    stage.stop().await;
}

#[actix_web::test]
async fn expirations_have_a_floor_a_ceiling_and_an_end() {
    let mut stage = Stage::start().await;
    let endpoint = Endpoint::start();
    let now = stage.simulator.now();
    stage.simulator.set_time(now);
    let soon = stage.post("subscriptions", endpoint.subscription("users", now + Duration::from_secs(60))).await;
    let raised: chrono::DateTime<chrono::Utc> = soon.body["expirationDateTime"].as_str().unwrap().parse().unwrap();
    assert_eq!(raised.timestamp(), now.timestamp() + 45 * 60);
    let far = now + Duration::from_secs(30 * 86_400);
    assert_eq!(stage.post("subscriptions", endpoint.subscription("groups", far)).await.status, 400);
    stage.simulator.faults(|faults| faults.over_long_expiration = OverLongExpiration::Clamp);
    assert_eq!(stage.post("subscriptions", endpoint.subscription("groups", far)).await.status, 201);
    stage.simulator.advance(Duration::from_secs(46 * 60));
    stage.token = stage.token_for(&stage.tenant).await;
    let id = soon.body["id"].as_str().unwrap();
    assert_eq!(stage.get(&format!("subscriptions/{id}")).await.status, 404);
    assert!(stage.get("subscriptions").await.ids().contains(&id), "the list still shows an expired one");
    endpoint.stop().await;
    stage.stop().await;
}

#[actix_web::test]
async fn the_hundred_and_first_subscription_is_refused() {
    let (stage, endpoint) = (Stage::start().await, Endpoint::start());
    let expires_at = stage.simulator.now() + Duration::from_secs(86_400);
    for number in 0..101 {
        let user = uuid::Uuid::from_u128(number);
        let mut wanted = endpoint.subscription(&format!("users/{user}"), expires_at);
        wanted["lifecycleNotificationUrl"] = json!(null);
        let created = stage.post("subscriptions", wanted).await;
        assert_eq!(created.status, if number < 100 { 201 } else { 403 });
    }
    assert_eq!(stage.walk("subscriptions").await.len(), 100);
    endpoint.stop().await;
    stage.stop().await;
}

#[actix_web::test]
async fn what_graph_does_not_take_is_refused_before_any_handshake() {
    let (stage, endpoint) = (Stage::start().await, Endpoint::start());
    let good = endpoint.subscription("users", stage.simulator.now() + Duration::from_secs(86_400));
    let changes = [
        ("clientState", json!("x".repeat(129))),
        ("includeResourceData", json!(true)),
        ("notificationUrl", json!("http://example.com/notifications")),
        ("resource", json!("me/messages")),
        ("changeType", json!("renamed")),
        ("expirationDateTime", json!(null)),
        ("surprise", json!(1)),
    ];
    for (name, value) in changes {
        let mut wanted = good.clone();
        wanted[name] = value;
        assert_eq!(stage.post("subscriptions", wanted).await.status, 400, "{name}");
    }
    assert_eq!(stage.simulator.counters().handshakes, 0);
    endpoint.stop().await;
    stage.stop().await;
}

#[actix_web::test]
async fn only_expiration_and_url_can_be_updated_and_a_new_url_is_validated() {
    let (stage, endpoint) = (Stage::start().await, Endpoint::start());
    let expires_at = stage.simulator.now() + Duration::from_secs(86_400);
    let created = stage.post("subscriptions", endpoint.subscription("users", expires_at)).await;
    let path = format!("subscriptions/{}", created.body["id"].as_str().unwrap());
    let later = json!({ "expirationDateTime": (expires_at + Duration::from_secs(86_400)).to_rfc3339() });
    let renewed = stage.send("PATCH", &path, Some(later)).await;
    assert_eq!(renewed.status, 200);
    assert_ne!(renewed.body["expirationDateTime"], created.body["expirationDateTime"]);
    let state = json!({ "clientState": "another" });
    assert_eq!(stage.send("PATCH", &path, Some(state)).await.status, 400);
    assert_eq!(stage.simulator.counters().handshakes, 2);
    let moved = json!({ "notificationUrl": format!("{}/elsewhere", endpoint.url) });
    assert_eq!(stage.send("PATCH", &path, Some(moved)).await.status, 200);
    assert_eq!(stage.simulator.counters().handshakes, 3);
    assert_eq!(stage.send("POST", &format!("{path}/reauthorize"), None).await.status, 204);
    endpoint.stop().await;
    stage.stop().await;
}
