//! What a body may hold, and what becomes of it.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use rollcall::intake::budget::BodyBudget;

use super::ground::{ADA, GRACE, GROUPS_SUBSCRIPTION, Ground, NOW, TEAM, TENANT, USERS_SUBSCRIPTION, body, told};
use crate::support::{TestDatabase, both_databases};

both_databases!(
    notifications_of_all_kinds_end_in_the_queue,
    one_bad_item_among_good_ones_leaves_the_good_ones,
    a_body_as_large_as_allowed_is_stored_whole,
    a_body_that_cannot_be_read_is_refused_and_leaves_nothing,
    lifecycle_notifications_make_subscription_and_delta_due,
    bodies_that_do_not_fit_into_the_memory_are_asked_to_come_again,
);

async fn notifications_of_all_kinds_end_in_the_queue(database: TestDatabase) {
    let ground = Ground::new(database).await;
    let listener = ground.listen().await;
    let members = format!(r#","members@delta":[{{"id":"{ADA}"}},{{"id":"{GRACE}","@removed":"deleted"}}]"#);
    let body = body(&[
        ground.change("updated", "Users", ADA, r#","sequenceNumber":637890278713062901"#),
        ground.change("updated", "Users", ADA, r#","sequenceNumber":"637890278713062901""#),
        ground.change("somethingNew", "Users", GRACE, ""),
        ground.group(TEAM, &members),
        ground.change("deleted", "Users", GRACE, ""),
    ]);
    assert_eq!(listener.notify(body).await, 202);
    ground.fold().await;
    let rows = ground.queue().await;
    assert_eq!(told(&rows), "contoso group team changed\ncontoso user ada member\ncontoso user grace deleted\n");
    assert!(rows.iter().all(|row| row.found_by == "notification" && row.received_at == NOW.0 && row.due_at == NOW.0));
    assert_eq!(ground.number("SELECT last_notification_at AS number FROM connection_states").await, Some(NOW.0));
    assert_eq!(ground.inbox.size().rows, 0);
    listener.stop().await;
}

async fn one_bad_item_among_good_ones_leaves_the_good_ones(database: TestDatabase) {
    let ground = Ground::new(database).await;
    let listener = ground.listen().await;
    let bad = [
        "7".to_owned(),
        "{}".to_owned(),
        ground.user("no-guid"),
        ground.user(GRACE).replace(TENANT, "no-guid"),
        ground.user(GRACE).replace(USERS_SUBSCRIPTION, "no-guid"),
        ground.user(GRACE).replace("v1.", "v2."),
        ground.user(GRACE).replace("clientState", "noClientState"),
    ];
    for bad in bad {
        assert_eq!(listener.notify(body(&[ground.user(ADA), bad, ground.group(TEAM, "")])).await, 202);
    }
    ground.fold().await;
    assert_eq!(told(&ground.queue().await), "contoso group team changed\ncontoso user ada changed\n");
    listener.stop().await;
}

async fn a_body_as_large_as_allowed_is_stored_whole(database: TestDatabase) {
    const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
    let ground = Ground::new(database).await;
    let listener = ground.listen().await;
    let state = ground.client_state("contoso", "users");
    let item = |number: usize| {
        format!(
            r#"{{"subscriptionId":"{USERS_SUBSCRIPTION}","tenantId":"{TENANT}","clientState":"{state}","changeType":"updated","resource":"Users/00000000-0000-0000-0000-{number:012}"}}"#
        )
    };
    let count = (BODY_BYTES_MAX - 12) / (item(0).len() + 1);
    let mut large = body(&(0..count).map(item).collect::<Vec<_>>());
    large.push_str(&" ".repeat(BODY_BYTES_MAX - large.len()));
    assert_eq!(listener.notify(large.clone()).await, 202);

    let stored = ground.inbox.oldest(0, 10, u64::MAX).await.unwrap();
    let mut entry_count = 0;
    stored.iter().for_each(|row| row.batch.for_each(|_| entry_count += 1).unwrap());
    assert!(count > 60_000, "{count}");
    assert_eq!(entry_count, count);

    large.push(' ');
    assert_eq!(listener.notify(large).await, 413);
    assert_eq!(listener.notify(vec![b' '; 50_000_000]).await, 413);
    assert_eq!(ground.inbox.size().rows, 1);
    listener.stop().await;
}

async fn a_body_that_cannot_be_read_is_refused_and_leaves_nothing(database: TestDatabase) {
    let ground = Ground::new(database).await;
    let listener = ground.listen().await;
    let deep = "[".repeat(1_000_000);
    let deep_item = body(&[format!("{deep}{}", "]".repeat(1_000_000)), ground.user(ADA)]);
    let not_text = [ground.user(ADA).as_bytes(), b"\xff"].concat();
    let bodies: [&[u8]; 9] =
        [b"", b"not json", b"null", b"[]", b"{}", br#"{"value":7}"#, deep.as_bytes(), deep_item.as_bytes(), &not_text];
    for (number, body) in bodies.into_iter().enumerate() {
        let response = listener.post("/graph/notifications", body.to_vec()).await;
        assert_eq!(response.status(), 400, "{number}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{number}");
    }
    assert_eq!(listener.notify(body(&[])).await, 202);
    assert_eq!(ground.inbox.size().rows, 0);
    listener.stop().await;
}

async fn lifecycle_notifications_make_subscription_and_delta_due(database: TestDatabase) {
    const USERS_DUE: &str = "SELECT due_at AS number FROM subscriptions WHERE resource = 'users'";
    const GROUPS_DUE: &str = "SELECT due_at AS number FROM subscriptions WHERE resource = 'groups'";
    const DELTA_DUE: &str = "SELECT delta_due_at AS number FROM connection_states";
    let ground = Ground::new(database).await;
    ground.add_subscriptions("contoso", 1).await;
    let listener = ground.listen().await;

    let ending = body(&[ground.lifecycle("reauthorizationRequired", "users", &USERS_SUBSCRIPTION.to_uppercase())]);
    assert_eq!(listener.post("/graph/lifecycle", ending).await.status(), 202);
    ground.fold().await;
    assert_eq!(ground.number(USERS_DUE).await, Some(NOW.0));
    assert!(ground.number(GROUPS_DUE).await > Some(NOW.0));
    assert_eq!(ground.number(DELTA_DUE).await, None);

    let missed = body(&[ground.lifecycle("missed", "users", GROUPS_SUBSCRIPTION)]);
    assert_eq!(listener.notify(missed).await, 202);
    ground.fold().await;
    assert_eq!(ground.number(GROUPS_DUE).await, Some(NOW.0));
    assert_eq!(ground.number(DELTA_DUE).await, Some(NOW.0));
    assert_eq!(ground.queue().await, []);
    listener.stop().await;
}

async fn bodies_that_do_not_fit_into_the_memory_are_asked_to_come_again(database: TestDatabase) {
    const BUDGET_BYTES: usize = 16 * 1024;
    let ground = Ground::new(database).await;
    let listener = ground.listen_within(BodyBudget::new(BUDGET_BYTES)).await;
    assert_eq!(listener.notify(body(&[ground.user(ADA)])).await, 202);

    // Somebody takes all of it and sends no more: anew each time, because one that meets another body is refused itself.
    let mut hanging = Vec::new();
    let refused = async {
        loop {
            hanging.push(hang(&listener.address, BUDGET_BYTES));
            let response = listener.post("/graph/notifications", body(&[ground.user(ADA)])).await;
            if response.status() == 503 {
                return response;
            }
        }
    };
    let refused = tokio::time::timeout(Duration::from_secs(10), refused).await.unwrap();
    assert_eq!(refused.headers()["retry-after"], "5");
    assert_eq!(refused.headers()["content-type"], "application/problem+json");

    drop(hanging);
    let opens_again = async { while listener.notify(body(&[ground.user(GRACE)])).await != 202 {} };
    tokio::time::timeout(Duration::from_secs(10), opens_again).await.unwrap();
    listener.stop().await;
}

/// A request that sends all of its body but the last byte.
fn hang(address: &str, length: usize) -> TcpStream {
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    let head = format!("POST /graph/notifications HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", length + 1);
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&vec![b' '; length]).unwrap();
    stream
}
