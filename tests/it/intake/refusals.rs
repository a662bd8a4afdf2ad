//! When it cannot be stored, Graph is asked to come again.

use std::time::Duration;

use rollcall::store::inbox::{Inbox, InboxLimits};

use super::ground::{ADA, GRACE, Ground, body, told};
use crate::support::{TestDatabase, both_databases, postgres};

both_databases!(
    a_full_inbox_answers_503_until_it_was_folded,
    an_inbox_that_cannot_be_written_answers_503_and_recovers,
    only_post_is_answered,
);

async fn a_full_inbox_answers_503_until_it_was_folded(database: TestDatabase) {
    let limits = InboxLimits { rows_max: 2, ..InboxLimits::default() };
    let ground = Ground::with_limits(database, limits).await;
    let listener = ground.listen().await;
    for status in [202, 202, 503, 503] {
        assert_eq!(listener.notify(body(&[ground.user(ADA)])).await, status);
    }
    let refused = listener.post("/graph/notifications", body(&[ground.user(ADA)])).await;
    let seconds: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(refused.headers()["content-type"], "application/problem+json");

    ground.fold().await;
    assert_eq!(listener.notify(body(&[ground.user(GRACE)])).await, 202);
    listener.stop().await;
}

async fn an_inbox_that_cannot_be_written_answers_503_and_recovers(database: TestDatabase) {
    let ground = Ground::new(database).await;
    let listener = ground.listen().await;
    assert_eq!(listener.notify(body(&[ground.user(ADA)])).await, 202);
    ground.fold().await;

    ground.rename_inbox("inbox", "inbox_away").await;
    assert_eq!(listener.notify(body(&[ground.user(GRACE)])).await, 503);
    ground.rename_inbox("inbox_away", "inbox").await;
    assert_eq!(listener.notify(body(&[ground.user(GRACE)])).await, 202);
    ground.fold().await;
    assert_eq!(told(&ground.queue().await), "contoso user ada changed\ncontoso user grace changed\n");
    listener.stop().await;
}

/// On PostgreSQL only: a SQLite file belongs to one process.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_inbox_is_open_again_after_another_process_has_folded_it() {
    let limits = InboxLimits { rows_max: 1, ..InboxLimits::default() };
    let ground = Ground::with_limits(postgres::fresh_database(), limits).await;
    let listener = ground.listen().await;
    assert_eq!(listener.notify(body(&[ground.user(ADA)])).await, 202);
    assert_eq!(listener.notify(body(&[ground.user(ADA)])).await, 503);
    let other = Inbox::open(&ground.db, InboxLimits::default()).await.unwrap();
    let rows = other.oldest(0, 10, u64::MAX).await.unwrap();
    other.delete(rows.iter().map(|row| row.id).collect()).await.unwrap();

    let opens_again = async { while listener.notify(body(&[ground.user(GRACE)])).await != 202 {} };
    tokio::time::timeout(Duration::from_secs(10), opens_again).await.unwrap();
    listener.stop().await;
}

async fn only_post_is_answered(database: TestDatabase) {
    let ground = Ground::new(database).await;
    let listener = ground.listen().await;
    let address = format!("{}/graph/notifications", listener.address);
    assert_eq!(listener.client.get(address).send().await.unwrap().status(), 405);
    listener.stop().await;
}
