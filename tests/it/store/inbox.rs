//! The inbox: what was acknowledged stays, in order, and is read in bounded pieces.

use rollcall::clock::Timestamp;
use rollcall::store::Db;
use rollcall::store::inbox::{Inbox, InboxLimits, InboxRow, PackedBatch, Packer, Sign};
use uuid::Uuid;

use crate::intake::ground::location;
use crate::support::{TestDatabase, both_databases};

both_databases!(
    what_was_acknowledged_is_there_after_a_restart,
    requests_that_come_together_are_all_stored,
    reading_stops_at_rows_and_bytes_but_never_before_one_row,
    bytes_count_towards_the_limit,
);

fn batch(number: u128, entry_count: usize) -> PackedBatch {
    let mut packer = Packer::default();
    (0..entry_count).for_each(|_| packer.push(&"contoso".parse().unwrap(), Sign::UserChanged, Uuid::from_u128(number)));
    packer.finish()
}

async fn open(database: &TestDatabase, limits: InboxLimits) -> Inbox {
    let db = Db::open(location(database)).unwrap();
    db.migrate().await.unwrap();
    Inbox::open(&db, limits).await.unwrap()
}

async fn all(inbox: &Inbox) -> Vec<InboxRow> {
    inbox.oldest(0, 10_000, u64::MAX).await.unwrap()
}

async fn what_was_acknowledged_is_there_after_a_restart(database: TestDatabase) {
    let inbox = open(&database, InboxLimits::default()).await;
    for number in 0..3 {
        inbox.append(batch(number, 2), Timestamp(number as i64)).await.unwrap();
    }
    let (before, size) = (all(&inbox).await, inbox.size());
    drop(inbox);
    let inbox = open(&database, InboxLimits::default()).await;
    assert_eq!(all(&inbox).await, before);
    assert_eq!(before.iter().map(|row| row.received_at).collect::<Vec<_>>(), [0, 1, 2].map(Timestamp));
    assert_eq!((inbox.size(), size.rows), (size, 3));
}

async fn requests_that_come_together_are_all_stored(database: TestDatabase) {
    const REQUEST_COUNT: u128 = 500;
    let inbox = open(&database, InboxLimits::default()).await;
    let mut appends = tokio::task::JoinSet::new();
    for number in 0..REQUEST_COUNT {
        let inbox = inbox.clone();
        appends.spawn(async move { inbox.append(batch(number, number as usize % 7), Timestamp(7)).await });
    }
    while let Some(append) = appends.join_next().await {
        append.unwrap().unwrap();
    }
    let mut stored: Vec<PackedBatch> = all(&inbox).await.into_iter().map(|row| row.batch).collect();
    let mut expected: Vec<PackedBatch> = (0..REQUEST_COUNT).map(|number| batch(number, number as usize % 7)).collect();
    stored.sort_by_key(|batch| format!("{batch:?}"));
    expected.sort_by_key(|batch| format!("{batch:?}"));
    assert_eq!(stored, expected);
}

async fn reading_stops_at_rows_and_bytes_but_never_before_one_row(database: TestDatabase) {
    let inbox = open(&database, InboxLimits::default()).await;
    for number in 0..5 {
        inbox.append(batch(number, 100), Timestamp(0)).await.unwrap();
    }
    let rows = all(&inbox).await;
    assert_eq!(inbox.oldest(0, 2, u64::MAX).await.unwrap(), rows[..2]);
    assert_eq!(inbox.oldest(rows[1].id, 10, 1).await.unwrap(), rows[2..3]);
    assert_eq!(inbox.oldest(rows[1].id, 10, 2_000).await.unwrap(), rows[2..4]);
    assert_eq!(inbox.oldest(rows[4].id, 10, u64::MAX).await.unwrap(), []);

    inbox.delete(vec![rows[0].id, rows[3].id, 999_999]).await.unwrap();
    assert_eq!(all(&inbox).await.len(), 3);
    assert_eq!(inbox.size().rows, 3);
}

async fn bytes_count_towards_the_limit(database: TestDatabase) {
    let limits = InboxLimits { bytes_max: 2_000, ..InboxLimits::default() };
    let inbox = open(&database, limits).await;
    inbox.append(batch(0, 100), Timestamp(0)).await.unwrap();
    inbox.append(batch(1, 100), Timestamp(0)).await.unwrap();
    assert!(inbox.append(batch(2, 1), Timestamp(0)).await.is_err());
    inbox.delete(vec![all(&inbox).await[0].id]).await.unwrap();
    inbox.append(batch(2, 1), Timestamp(0)).await.unwrap();
}
