//! Inbox rows to the changes they tell, sorted by key, one for each object.

use std::collections::HashMap;
use std::sync::{Arc, Once};

use crate::clock::Timestamp;
use crate::directory::account::FoundBy;
use crate::directory::{ConnectionId, ObjectId, SubscriptionId};
use crate::store::inbox::{Entry, InboxRow, Sign};
use crate::store::work_items::{Arrival, Hint, Lane};

/// That an object changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) connection: Arc<ConnectionId>,
    lane: Lane,
    object: ObjectId,
    hint: Option<Hint>,
    received_at: Timestamp,
}

impl Change {
    pub(super) fn arrival(&self) -> Arrival<'_> {
        Arrival {
            connection: &self.connection,
            lane: self.lane,
            object: self.object,
            hint: self.hint,
            found_by: FoundBy::Notification,
            received_at: self.received_at,
        }
    }

    /// The order of the table's key: lanes by their words.
    fn key(&self) -> (&str, &'static str, ObjectId) {
        (self.connection.as_str(), self.lane.as_str(), self.object)
    }
}

/// Everything a batch of inbox rows tells.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// The rows that were read; to be deleted in the end.
    pub(super) row_ids: Vec<i64>,
    /// In the order of the queue's key, each object once.
    pub(super) changes: Vec<Change>,
    /// What was said of which subscription, each once.
    pub(super) subscriptions: Vec<(Arc<ConnectionId>, Sign, SubscriptionId)>,
    /// When the latest change notification of each connection was received.
    pub(super) received: Vec<(Arc<ConnectionId>, Timestamp)>,
}

#[derive(Default)]
struct Gathering {
    gathered: Gathered,
    connections: HashMap<String, Arc<ConnectionId>>,
    received: HashMap<Arc<ConnectionId>, Timestamp>,
}

impl Gathered {
    /// Rows of a newer form are left to the version that wrote them. Of a damaged row what can be read is used; the
    /// rest is found by delta and by the nightly listing.
    pub(super) fn from_rows(rows: Vec<InboxRow>) -> Self {
        let mut gathering = Gathering::default();
        for row in rows {
            if !row.batch.is_readable() {
                warn_of_newer_form(row.id);
                continue;
            }
            if let Err(error) = row.batch.for_each(|entry| gathering.add(entry, row.received_at)) {
                tracing::error!(inbox.id = row.id, %error, "An inbox row is damaged; only a part of it could be used");
            }
            gathering.gathered.row_ids.push(row.id);
        }
        gathering.finish()
    }
}

/// Once in a process: such a row is met again in every run until a newer process folds it.
fn warn_of_newer_form(row_id: i64) {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| {
        tracing::warn!(
            inbox.id = row_id,
            "The inbox holds rows of a newer version of Rollcall; they wait for a process of that version"
        );
    });
}

impl Gathering {
    fn add(&mut self, entry: Entry<'_>, received_at: Timestamp) {
        let Some(connection) = self.connection(entry.connection) else {
            tracing::error!("An inbox row names a connection that cannot exist");
            return;
        };
        let Some((lane, hint)) = work(entry.sign) else {
            let subscription = SubscriptionId(entry.id);
            self.gathered.subscriptions.push((connection, entry.sign, subscription));
            return;
        };
        let latest = self.received.entry(Arc::clone(&connection)).or_insert(received_at);
        *latest = received_at.max(*latest);
        self.gathered.changes.push(Change { connection, lane, object: ObjectId(entry.id), hint, received_at });
    }

    fn connection(&mut self, name: &str) -> Option<Arc<ConnectionId>> {
        if let Some(known) = self.connections.get(name) {
            return Some(Arc::clone(known));
        }
        let connection = Arc::new(name.parse().ok()?);
        self.connections.insert(name.to_owned(), Arc::clone(&connection));
        Some(connection)
    }

    fn finish(self) -> Gathered {
        let Gathered { row_ids, mut changes, mut subscriptions, .. } = self.gathered;
        changes.sort_unstable_by(|a, b| a.key().cmp(&b.key()));
        changes.dedup_by(|later, kept| {
            let same = later.key() == kept.key();
            if same {
                kept.hint = kept.hint.max(later.hint);
                kept.received_at = kept.received_at.min(later.received_at);
            }
            same
        });
        subscriptions.sort_unstable();
        subscriptions.dedup();
        let mut received: Vec<_> = self.received.into_iter().collect();
        received.sort_unstable();
        Gathered { row_ids, changes, subscriptions, received }
    }
}

/// The lane and hint of a sign; `None` when it is about a subscription.
fn work(sign: Sign) -> Option<(Lane, Option<Hint>)> {
    match sign {
        Sign::UserChanged => Some((Lane::User, None)),
        Sign::UserDeleted => Some((Lane::User, Some(Hint::Deleted))),
        Sign::GroupChanged => Some((Lane::Group, None)),
        Sign::GroupDeleted => Some((Lane::Group, Some(Hint::Deleted))),
        Sign::MemberNamed => Some((Lane::User, Some(Hint::Member))),
        Sign::SubscriptionEnding | Sign::SubscriptionRemoved | Sign::NotificationsMissed => None,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::store::inbox::Packer;

    fn row(id: i64, entries: &[(&str, Sign, u128)]) -> InboxRow {
        let mut packer = Packer::default();
        for (connection, sign, object) in entries {
            packer.push(&connection.parse().unwrap(), *sign, Uuid::from_u128(*object));
        }
        InboxRow { id, received_at: Timestamp(id), batch: packer.finish() }
    }

    #[test]
    fn repetitions_fall_together_with_the_strongest_hint_and_the_earliest_receipt() {
        let gathered = Gathered::from_rows(vec![
            row(1, &[("contoso", Sign::UserChanged, 5), ("contoso", Sign::GroupChanged, 5)]),
            row(2, &[("contoso", Sign::UserDeleted, 5), ("contoso", Sign::MemberNamed, 5)]),
        ]);
        let told: Vec<_> = gathered.changes.iter().map(|c| (c.lane, c.hint, c.received_at)).collect();
        assert_eq!(told, [(Lane::Group, None, Timestamp(1)), (Lane::User, Some(Hint::Deleted), Timestamp(1))]);
        assert_eq!(gathered.row_ids, [1, 2]);
        assert_eq!(gathered.received, [(Arc::new("contoso".parse().unwrap()), Timestamp(2))]);
    }

    #[test]
    fn changes_come_in_the_order_of_the_key_whatever_order_they_were_told_in() {
        let entries: Vec<_> =
            (0..50_u128).map(|n| (["fabrikam", "contoso"][n as usize % 2], Sign::UserChanged, 99 - n)).collect();
        let gathered = Gathered::from_rows(vec![row(1, &entries)]);
        assert!(gathered.changes.is_sorted_by(|a, b| a.key() < b.key()));
        assert_eq!(gathered.changes.len(), 50);
    }

    #[test]
    fn a_lifecycle_notification_is_about_its_subscription_and_no_change() {
        let gathered = Gathered::from_rows(vec![row(1, &[("contoso", Sign::SubscriptionEnding, 8); 3])]);
        assert_eq!(gathered.subscriptions.len(), 1);
        assert!(gathered.changes.is_empty() && gathered.received.is_empty());
    }
}
