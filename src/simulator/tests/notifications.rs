//! What is sent, and when again.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::support::{Endpoint, Stage};
use crate::simulator::{Delivery, GroupKind, NewGroup, NewUser, SimulatorSettings};

async fn subscribed(resources: &[&str]) -> (Stage, Endpoint) {
    let settings = SimulatorSettings { seed: 7, notifications_per_creation: 1, ..Default::default() };
    let (stage, endpoint) = (Stage::with(settings).await, Endpoint::start());
    for resource in resources {
        let expires_at = stage.simulator.now() + Duration::from_secs(86_400);
        let created = stage.post("subscriptions", endpoint.subscription(resource, expires_at)).await;
        assert_eq!(created.status, 201, "{:?}", created.body);
    }
    (stage, endpoint)
}

fn summary(items: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    items.iter().map(|item| (text(&item["changeType"]), text(&item["resource"]))).collect()
}

#[actix_web::test]
async fn a_changed_user_is_told_in_exactly_the_documented_shape() {
    let (stage, endpoint) = subscribed(&["users"]).await;
    stage.simulator.set_time("2026-11-21T10:17:05.123456Z".parse().unwrap());
    let ada = stage.tenant.add_user(NewUser::named("Ada", "Lovelace"));
    let report = stage.simulator.deliver().await;
    assert_eq!((report.posts, report.items_delivered, report.statuses), (1, 1, vec![202]));
    let subscription = &stage.tenant.subscriptions()[0];
    let expires_at = format!("{}0+00:00", subscription.expires_at.format("%Y-%m-%dT%H:%M:%S%.6f"));
    let expected = json!([{
        "changeType": "updated",
        "clientState": "s3cret",
        "resource": format!("Users/{ada}"),
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.User",
            "@odata.id": format!("Users/{ada}"),
            "id": ada,
            "organizationId": stage.tenant.id(),
            "eventTime": "2026-11-21T10:17:05.1234560Z",
            "sequenceNumber": 639_308_530_251_234_560_i64,
        },
        "subscriptionExpirationDateTime": expires_at,
        "subscriptionId": subscription.id,
        "tenantId": stage.tenant.id(),
    }]);
    assert_eq!(Value::from(endpoint.items()), expected);
    endpoint.stop().await;
    stage.stop().await;
}

#[actix_web::test]
async fn a_soft_deletion_is_an_update_and_only_a_purge_is_a_deletion() {
    let (stage, endpoint) = subscribed(&["users", "groups"]).await;
    let ada = stage.tenant.add_user(NewUser::named("Ada", "Lovelace"));
    let team = stage.tenant.add_new_group(NewGroup::named("Team").of_kind(GroupKind::Microsoft365));
    let plain = stage.tenant.add_group("Plain");
    stage.simulator.forget_pending_notifications();
    stage.tenant.soft_delete_user(ada);
    stage.tenant.restore(ada);
    stage.tenant.soft_delete_user(ada);
    stage.tenant.purge(ada);
    stage.tenant.delete_group(team);
    stage.tenant.delete_group(plain);
    stage.simulator.deliver().await;
    let (user, team, plain) = (format!("Users/{ada}"), format!("Groups/{team}"), format!("Groups/{plain}"));
    let expected = [
        ("updated", &user),
        ("updated", &user),
        ("updated", &user),
        ("deleted", &user),
        ("updated", &team),
        ("deleted", &plain),
    ];
    assert_eq!(summary(&endpoint.items()), expected.map(|(change, what)| (change.to_owned(), what.clone())));
    endpoint.stop().await;
    stage.stop().await;
}

#[actix_web::test]
async fn membership_is_told_on_the_group_with_removed_as_plain_text() {
    let (stage, endpoint) = subscribed(&["users", "groups"]).await;
    let ada = stage.tenant.add_user(NewUser::named("Ada", "Lovelace"));
    let team = stage.tenant.add_group("Team");
    stage.simulator.forget_pending_notifications();
    stage.tenant.add_member(team, ada);
    stage.tenant.remove_member(team, ada);
    stage.simulator.deliver().await;
    let items = endpoint.items();
    assert_eq!(items.len(), 1, "member changes of one group are collected while they wait");
    let data = &items[0]["resourceData"];
    assert_eq!(data["members@delta"], json!([{ "id": ada }, { "id": ada, "@removed": "deleted" }]));
    assert_eq!(data["@odata.type"], "#Microsoft.Graph.Group");
    assert_eq!(data.get("sequenceNumber"), None);
    endpoint.stop().await;
    stage.stop().await;
}

#[actix_web::test]
async fn several_properties_of_one_edit_are_told_once_and_the_same_value_never() {
    let (stage, endpoint) = subscribed(&["users"]).await;
    let ada = stage.tenant.add_user(NewUser::named("Ada", "Lovelace"));
    stage.simulator.forget_pending_notifications();
    stage.tenant.update_user_properties(ada, &[("jobTitle", json!("Countess")), ("department", json!("Engines"))]);
    stage.tenant.update_user(ada, "jobTitle", json!("Countess"));
    assert_eq!(stage.simulator.pending_notifications(), 1);
    endpoint.stop().await;
    stage.stop().await;
}

#[actix_web::test]
async fn what_fails_is_sent_again_and_what_is_lost_never() {
    let (stage, endpoint) = subscribed(&["users"]).await;
    stage.tenant.add_user(NewUser::named("Ada", "Lovelace"));
    endpoint.with(|mailbox| mailbox.refuse_with = Some(503));
    let failed = stage.simulator.deliver().await;
    assert_eq!((failed.items_failed, failed.statuses), (1, vec![503]));
    endpoint.with(|mailbox| mailbox.refuse_with = None);
    assert_eq!(stage.simulator.deliver().await.items_delivered, 1);
    assert_eq!(stage.simulator.deliver().await.posts, 0);
    stage.simulator.lose_notifications(true);
    stage.tenant.add_user(NewUser::named("Bob", "Ross"));
    assert_eq!(stage.simulator.deliver().await.lost, 1);
    stage.simulator.lose_notifications(false);
    assert_eq!(stage.simulator.deliver().await.posts, 0);
    endpoint.stop().await;
    stage.stop().await;
}

#[actix_web::test]
async fn a_notification_is_given_up_after_four_hours() {
    let (stage, endpoint) = subscribed(&["users"]).await;
    stage.tenant.add_user(NewUser::named("Ada", "Lovelace"));
    endpoint.with(|mailbox| mailbox.refuse_with = Some(500));
    stage.simulator.deliver().await;
    stage.simulator.advance(Duration::from_secs(4 * 3600 + 1));
    let report = stage.simulator.deliver().await;
    assert_eq!((report.posts, report.dropped), (0, 1));
    endpoint.stop().await;
    stage.stop().await;
}

#[actix_web::test]
async fn tenants_share_posts_up_to_the_batch_size() {
    let (mut stage, endpoint) = subscribed(&["users"]).await;
    let other = stage.simulator.add_tenant("fabrikam");
    stage.token = stage.token_for(&other).await;
    let expires_at = stage.simulator.now() + Duration::from_secs(86_400);
    stage.post("subscriptions", endpoint.subscription("users", expires_at)).await;
    for number in 0..30 {
        let name = number.to_string();
        stage.tenant.add_user(NewUser::named("Ada", &name));
        other.add_user(NewUser::named("Bob", &name));
    }
    let report = stage.simulator.deliver().await;
    assert_eq!((report.posts, report.items_delivered), (2, 60));
    let tenants: std::collections::BTreeSet<_> =
        endpoint.items()[..50].iter().map(|item| item["tenantId"].as_str().unwrap().parse::<Uuid>().unwrap()).collect();
    assert_eq!(tenants, [stage.tenant.id(), other.id()].into());
    endpoint.stop().await;
    stage.stop().await;
}

#[actix_web::test]
async fn lifecycle_notifications_go_to_their_own_url_and_a_renewal_ends_a_suspension() {
    let (stage, endpoint) = subscribed(&["users"]).await;
    stage.tenant.suspend_subscriptions();
    stage.tenant.add_user(NewUser::named("Ada", "Lovelace"));
    assert_eq!(stage.tenant.require_reauthorization(), 1);
    assert_eq!(stage.simulator.deliver().await.items_delivered, 1);
    let item = &endpoint.items()[0];
    assert_eq!(item["lifecycleEvent"], "reauthorizationRequired");
    assert!(item.get("changeType").is_none() && item.get("resource").is_none() && item.get("resourceData").is_none());
    let id = item["subscriptionId"].as_str().unwrap();
    stage.send("POST", &format!("subscriptions/{id}/reauthorize"), None).await;
    assert_eq!(stage.simulator.deliver().await.items_delivered, 1);
    endpoint.stop().await;
    stage.stop().await;
}

#[actix_web::test]
async fn duplicates_and_forged_client_states_are_sent_when_switched_on() {
    let (stage, endpoint) = subscribed(&["users"]).await;
    stage.simulator.faults(|faults| {
        faults.duplicate_notifications = true;
        faults.forge_client_state = true;
    });
    stage.tenant.add_user(NewUser::named("Ada", "Lovelace"));
    assert_eq!(stage.simulator.deliver().await.items_delivered, 2);
    let items = endpoint.items();
    assert_eq!(items[0], items[1]);
    assert_ne!(items[0]["clientState"], "s3cret");
    endpoint.stop().await;
    stage.stop().await;
}

#[actix_web::test]
async fn automatic_delivery_needs_no_call() {
    let settings = SimulatorSettings { seed: 7, delivery: Delivery::Automatic, ..Default::default() };
    let (stage, endpoint) = (Stage::with(settings).await, Endpoint::start());
    let expires_at = stage.simulator.now() + Duration::from_secs(86_400);
    stage.post("subscriptions", endpoint.subscription("users", expires_at)).await;
    stage.tenant.add_user(NewUser::named("Ada", "Lovelace"));
    let arrived = async {
        while endpoint.items().len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), arrived).await.unwrap();
    endpoint.stop().await;
    stage.stop().await;
}
