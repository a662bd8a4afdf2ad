//! The queue on both databases: a change is never lost between two looks, and never looked at twice at once.

use std::sync::Arc;
use std::time::Duration;

use rollcall::clock::{Clock as _, Timestamp};
use rollcall::directory::account::FoundBy;
use rollcall::directory::{ConnectionId, ObjectId};
use rollcall::queue::{self, Hint, Lane, LeasedBatch, Reason, Settled};
use rollcall::store::inbox::{Packer, Sign};
use rollcall::store::{StoreError, leases};

use crate::intake::ground::{ADA, GRACE, Ground, NOW, OTHER_TENANT, TEAM, told};
use crate::support::{TestDatabase, both_databases};

both_databases!(
    a_change_during_a_lease_bumps_the_version_and_makes_it_due_again,
    an_unchanged_item_gets_its_second_looks_and_is_done,
    a_new_change_between_two_looks_starts_them_anew,
    folding_twice_is_harmless,
    many_rows_fold_in_slices,
    what_is_stored_wakes_the_fold_and_the_fold_wakes_the_workers,
    one_batch_of_a_connection_is_in_flight,
    a_lease_that_ran_out_is_rescued_and_its_holder_can_write_no_more,
    a_failed_item_waits_and_a_new_change_makes_it_due_at_once,
    a_buried_item_waits_for_a_person_or_a_new_change,
    released_items_are_leased_again_at_once,
    connections_with_due_work_come_longest_due_first,
    no_function_reaches_another_connections_rows,
);

const RECHECKS: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(300)];

fn contoso() -> ConnectionId {
    "contoso".parse().unwrap()
}

fn id(text: &str) -> ObjectId {
    text.parse().unwrap()
}

impl Ground {
    async fn told(&self, sign: Sign, object: &str) {
        let mut packer = Packer::default();
        packer.push(&contoso(), sign, id(object).0);
        self.inbox.append(packer.finish(), self.clock.now()).await.unwrap();
        self.fold().await;
    }

    async fn enqueue(&self, connection: &str, lane: Lane, objects: &[&str], found_by: FoundBy) {
        let connection: ConnectionId = connection.parse().unwrap();
        let objects: Vec<ObjectId> = objects.iter().map(|object| id(object)).collect();
        let now = self.clock.now();
        let reason = Reason { hint: None, found_by, received_at: now };
        let enqueue = move |db: &mut _| queue::enqueue(db, &connection, lane, &objects, reason, now);
        self.db.write(enqueue).await.unwrap();
    }

    async fn lease(&self, lane: Lane) -> Option<LeasedBatch> {
        queue::lease(&self.db, &contoso(), lane, self.clock.now(), 100).await.unwrap()
    }

    async fn settle(&self, batch: &LeasedBatch, rechecks: &[Duration]) -> Result<Vec<Settled>, StoreError> {
        let (owned, rechecks, now) = (batch.clone(), rechecks.to_vec(), self.clock.now());
        let settle = move |db: &mut _| queue::settle(db, &owned.lease, owned.lane, &owned.items, &rechecks, now);
        let settled = self.db.write(settle).await?;
        queue::release(&self.db, &batch.lease).await?;
        Ok(settled.into_iter().map(|(_, settled)| settled).collect())
    }

    async fn fail(&self, batch: &LeasedBatch, due_at: Option<Timestamp>) {
        let (owned, now) = (batch.clone(), self.clock.now());
        let failed: Vec<_> = owned.items.into_iter().map(|item| (item, "Graph did not answer".to_owned())).collect();
        let fail = move |db: &mut _| match due_at {
            Some(due_at) => queue::retry(db, &owned.lease, owned.lane, &failed, due_at, true, now),
            None => queue::bury(db, &owned.lease, owned.lane, &failed, now),
        };
        self.db.write(fail).await.unwrap();
        queue::release(&self.db, &batch.lease).await.unwrap();
    }
}

async fn a_change_during_a_lease_bumps_the_version_and_makes_it_due_again(database: TestDatabase) {
    let ground = Ground::new(database).await;
    ground.told(Sign::UserChanged, ADA).await;
    ground.told(Sign::UserChanged, GRACE).await;
    let batch = ground.lease(Lane::User).await.unwrap();
    ground.clock.advance(Duration::from_secs(1));
    ground.told(Sign::UserDeleted, ADA).await;

    let settled = ground.settle(&batch, &[]).await.unwrap();
    let of_ada = batch.items.iter().position(|item| item.object == id(ADA)).unwrap();
    assert_eq!(settled[of_ada], Settled::ChangedMeanwhile);
    assert_eq!(settled[1 - of_ada], Settled::Done);

    let again = ground.lease(Lane::User).await.unwrap();
    assert_eq!(again.items.len(), 1);
    let item = &again.items[0];
    assert_eq!((item.object, item.version, item.hint), (id(ADA), 2, Some(Hint::Deleted)));
    assert_eq!((item.received_at, item.changed_at), (NOW, ground.clock.now()));
}

async fn an_unchanged_item_gets_its_second_looks_and_is_done(database: TestDatabase) {
    let ground = Ground::new(database).await;
    ground.told(Sign::UserChanged, ADA).await;
    for seconds in [60, 300] {
        let batch = ground.lease(Lane::User).await.unwrap();
        let due_at = NOW.plus(Duration::from_secs(seconds));
        assert_eq!(ground.settle(&batch, &RECHECKS).await.unwrap(), [Settled::SecondLook { due_at }]);
        assert!(ground.lease(Lane::User).await.is_none());
        ground.clock.set(due_at);
    }
    let last = ground.lease(Lane::User).await.unwrap();
    assert_eq!(last.items[0].look_count, 2);
    assert_eq!(ground.settle(&last, &RECHECKS).await.unwrap(), [Settled::Done]);
    assert_eq!(ground.queue().await, []);
}

async fn a_new_change_between_two_looks_starts_them_anew(database: TestDatabase) {
    let ground = Ground::new(database).await;
    ground.told(Sign::UserDeleted, ADA).await;
    let batch = ground.lease(Lane::User).await.unwrap();
    ground.settle(&batch, &RECHECKS).await.unwrap();
    ground.clock.advance(Duration::from_secs(10));
    ground.enqueue("contoso", Lane::User, &[ADA], FoundBy::Delta).await;

    let item = ground.lease(Lane::User).await.unwrap().items.remove(0);
    assert_eq!((item.version, item.look_count, item.hint), (2, 0, None));
    assert_eq!((item.changed_at, item.received_at), (ground.clock.now(), ground.clock.now()));
    // Delta shows what the notification announced: the notification was first.
    assert_eq!(item.found_by, FoundBy::Notification);
}

async fn folding_twice_is_harmless(database: TestDatabase) {
    let ground = Ground::new(database).await;
    let mut packer = Packer::default();
    for (sign, object) in [(Sign::UserChanged, ADA), (Sign::MemberNamed, GRACE), (Sign::GroupChanged, TEAM)] {
        packer.push(&contoso(), sign, id(object).0);
    }
    let batch = packer.finish();
    // A crash between the commit of the queue and the deletion leaves the row: the same row once more.
    for _ in 0..2 {
        ground.inbox.append(batch.clone(), NOW).await.unwrap();
        assert!(!ground.fold().await.is_idle());
    }
    assert!(ground.fold().await.is_idle());
    let rows = ground.queue().await;
    assert_eq!(told(&rows), "contoso group team changed\ncontoso user ada changed\ncontoso user grace member\n");
    assert!(rows.iter().all(|row| row.version == 2 && row.received_at == NOW.0 && row.due_at == NOW.0));
}

async fn many_rows_fold_in_slices(database: TestDatabase) {
    const OBJECT_COUNT: u128 = 5_500;
    let ground = Ground::new(database).await;
    let mut appends = Vec::new();
    for row in 0..300_u128 {
        let mut packer = Packer::default();
        for entry in 0..40 {
            packer.push(
                &contoso(),
                Sign::UserChanged,
                uuid::Uuid::from_u128((row * 7_919 + entry * 31) % OBJECT_COUNT),
            );
        }
        let inbox = ground.inbox.clone();
        appends.push(tokio::spawn(async move { inbox.append(packer.finish(), NOW).await }));
    }
    for append in appends {
        append.await.unwrap().unwrap();
    }
    assert_eq!(ground.inbox.size().rows, 300);
    ground.fold().await;
    let rows = ground.queue().await;
    let expected: std::collections::BTreeSet<u128> =
        (0..300).flat_map(|row| (0..40).map(move |entry| (row * 7_919 + entry * 31) % OBJECT_COUNT)).collect();
    assert_eq!(rows.len(), expected.len());
    assert!(rows.iter().all(|row| row.version == 1));
    assert_eq!((ground.inbox.size().rows, ground.inbox.size().bytes), (0, 0));
}

async fn what_is_stored_wakes_the_fold_and_the_fold_wakes_the_workers(database: TestDatabase) {
    let ground = Ground::new(database).await;
    let work = Arc::clone(&ground.fold.work);
    for object in [ADA, GRACE] {
        let (appended, woken) = (ground.inbox.appended().notified(), work.notified());
        let mut packer = Packer::default();
        packer.push(&contoso(), Sign::UserChanged, id(object).0);
        ground.inbox.append(packer.finish(), NOW).await.unwrap();
        tokio::time::timeout(Duration::from_secs(10), appended).await.unwrap();
        ground.fold.run_once().await.unwrap();
        tokio::time::timeout(Duration::from_secs(10), woken).await.unwrap();
    }
    assert_eq!(told(&ground.queue().await), "contoso user ada changed\ncontoso user grace changed\n");
}

async fn one_batch_of_a_connection_is_in_flight(database: TestDatabase) {
    let ground = Ground::new(database).await;
    ground.told(Sign::UserChanged, ADA).await;
    ground.told(Sign::GroupChanged, TEAM).await;
    let batch = ground.lease(Lane::User).await.unwrap();
    assert!(ground.lease(Lane::Group).await.is_none());
    assert!(queue::next_connections(&ground.db, NOW, 10).await.unwrap().is_empty());
    ground.settle(&batch, &[]).await.unwrap();
    assert!(ground.lease(Lane::Group).await.is_some());
}

async fn a_lease_that_ran_out_is_rescued_and_its_holder_can_write_no_more(database: TestDatabase) {
    let ground = Ground::new(database).await;
    ground.told(Sign::UserChanged, ADA).await;
    let lost = ground.lease(Lane::User).await.unwrap();
    ground.clock.advance(Duration::from_secs(6));
    let (held, now) = (lost.lease.clone(), ground.clock.now());
    ground.db.write(move |db| leases::renew(db, &held, now)).await.unwrap();
    ground.clock.advance(Duration::from_secs(6));
    assert!(ground.lease(Lane::User).await.is_none());
    ground.clock.advance(Duration::from_secs(5));

    let rescued = ground.lease(Lane::User).await.unwrap();
    assert_eq!(rescued.items[0].version, 1);
    assert!(matches!(ground.settle(&lost, &[]).await, Err(StoreError::LeaseLost)));
    // Giving a lost lease back takes nothing from its new holder.
    queue::release(&ground.db, &lost.lease).await.unwrap();
    assert_eq!(ground.settle(&rescued, &[]).await.unwrap(), [Settled::Done]);
}

async fn a_failed_item_waits_and_a_new_change_makes_it_due_at_once(database: TestDatabase) {
    let ground = Ground::new(database).await;
    ground.told(Sign::UserChanged, ADA).await;
    let batch = ground.lease(Lane::User).await.unwrap();
    ground.fail(&batch, Some(NOW.plus(Duration::from_secs(30)))).await;
    assert!(ground.lease(Lane::User).await.is_none());
    ground.clock.advance(Duration::from_secs(30));
    let batch = ground.lease(Lane::User).await.unwrap();
    assert_eq!(batch.items[0].attempt_count, 1);

    // A change while the second attempt fails: due at once, not after the wait.
    ground.told(Sign::UserChanged, ADA).await;
    ground.fail(&batch, Some(ground.clock.now().plus(Duration::from_secs(30)))).await;
    let batch = ground.lease(Lane::User).await.unwrap();
    assert_eq!((batch.items[0].attempt_count, batch.items[0].version), (0, 2));
}

async fn a_buried_item_waits_for_a_person_or_a_new_change(database: TestDatabase) {
    let ground = Ground::new(database).await;
    for by_person in [true, false] {
        ground.told(Sign::UserChanged, ADA).await;
        let batch = ground.lease(Lane::User).await.unwrap();
        ground.fail(&batch, None).await;
        assert!(ground.lease(Lane::User).await.is_none());
        let depth = ground.db.read(|db| queue::depth(db, &contoso())).await.unwrap();
        assert_eq!((depth.depth, depth.buried), (0, 1));

        if by_person {
            queue::retry_all(&ground.db, &contoso(), ground.clock.now()).await.unwrap();
        } else {
            ground.told(Sign::UserChanged, ADA).await;
        }
        let depth = ground.db.read(|db| queue::depth(db, &contoso())).await.unwrap();
        assert_eq!((depth.depth, depth.buried, depth.oldest_received_at), (1, 0, Some(NOW)));
        let batch = ground.lease(Lane::User).await.unwrap();
        assert_eq!(ground.settle(&batch, &[]).await.unwrap(), [Settled::Done]);
    }
}

async fn released_items_are_leased_again_at_once(database: TestDatabase) {
    let ground = Ground::new(database).await;
    ground.told(Sign::UserChanged, ADA).await;
    let batch = ground.lease(Lane::User).await.unwrap();
    queue::release(&ground.db, &batch.lease).await.unwrap();
    assert_eq!(ground.number("SELECT count(lease_token) AS number FROM work_items").await, Some(0));
    assert_eq!(ground.lease(Lane::User).await.unwrap().items, batch.items);
}

async fn connections_with_due_work_come_longest_due_first(database: TestDatabase) {
    let ground = Ground::new(database).await;
    for name in ["fabrikam", "paused", "waiting"] {
        ground.add_connection(name, OTHER_TENANT).await;
    }
    for name in ["paused", "waiting", "fabrikam"] {
        ground.enqueue(name, Lane::User, &[ADA], FoundBy::Delta).await;
    }
    ground.clock.advance(Duration::from_secs(1));
    ground.enqueue("contoso", Lane::Group, &[TEAM, TEAM], FoundBy::Delta).await;
    ground.execute("UPDATE connections SET paused = true WHERE connection_id = 'paused'".to_owned()).await;
    let until = ground.clock.now().0 + 1;
    ground
        .execute(format!("UPDATE connection_states SET next_attempt_at = {until} WHERE connection_id = 'waiting'"))
        .await;

    let due = queue::next_connections(&ground.db, ground.clock.now(), 10).await.unwrap();
    let due: Vec<_> = due.iter().map(|due| (due.connection.as_str(), due.lane, due.due_at)).collect();
    assert_eq!(due, [("fabrikam", Lane::User, NOW), ("contoso", Lane::Group, ground.clock.now())]);
    ground.clock.advance(Duration::from_secs(1));
    let due = queue::next_connections(&ground.db, ground.clock.now(), 1).await.unwrap();
    assert_eq!(due.len(), 1);
    assert_ne!(due[0].connection.as_str(), "paused");
    let depths = ground.db.read(queue::depth_by_lane).await.unwrap();
    let depths: Vec<_> = depths.iter().map(|depth| (depth.lane, depth.depth)).collect();
    assert_eq!(depths, [(Lane::Group, 1), (Lane::User, 3)]);
}

async fn no_function_reaches_another_connections_rows(database: TestDatabase) {
    let ground = Ground::new(database).await;
    ground.add_connection("fabrikam", OTHER_TENANT).await;
    for name in ["contoso", "fabrikam"] {
        ground.enqueue(name, Lane::User, &[ADA], FoundBy::Reconcile).await;
    }
    let of_fabrikam = |rows: Vec<crate::intake::ground::QueueRow>| {
        rows.into_iter().filter(|row| row.connection_id == "fabrikam").collect::<Vec<_>>()
    };
    let before = of_fabrikam(ground.queue().await);
    let batch = ground.lease(Lane::User).await.unwrap();
    ground.told(Sign::UserDeleted, ADA).await;
    ground.fail(&batch, None).await;
    queue::retry_all(&ground.db, &contoso(), ground.clock.now()).await.unwrap();
    let batch = ground.lease(Lane::User).await.unwrap();
    ground.settle(&batch, &[]).await.unwrap();
    assert_eq!(of_fabrikam(ground.queue().await), before);
    assert_eq!(told(&ground.queue().await), "fabrikam user ada changed\n");
}
