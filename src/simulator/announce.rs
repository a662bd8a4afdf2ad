//! From the change log to notifications. Graph: resources/subscription (`changeType`), change-notifications-overview.

use std::collections::{HashMap, VecDeque};

use serde_json::{Value, json};
use uuid::Uuid;

use super::changes::{Change, What};
use super::clock;
use super::directory::{Directory, Slot};
use super::properties::Kind;
use super::subscriptions::{Subscription, Watched};
use super::world::World;

/// Member changes of one group that are told in one notification while it waits.
const MEMBERS_PER_NOTIFICATION_MAX: usize = 20;

/// What a notification tells.
#[derive(Clone, Debug)]
pub(super) enum News {
    /// Created, changed, soft-deleted or restored: Graph tells them apart by nothing.
    Updated,
    /// Gone for good.
    Deleted,
    /// Members added (false) and removed (true).
    Members(Vec<(Uuid, bool)>),
    Lifecycle(String),
}

/// One notification to one subscription.
#[derive(Clone, Debug)]
pub(super) struct Notification {
    pub(super) subscription: Uuid,
    pub(super) tenant: Uuid,
    pub(super) object: (Kind, Uuid),
    pub(super) news: News,
    pub(super) at: i64,
    pub(super) attempt_count: u32,
    pub(super) due_at: i64,
}

impl Notification {
    /// The element of `value[]`.
    pub(super) fn item(&self, subscription: &Subscription, client_state: Option<&str>) -> Value {
        let mut item = json!({
            "subscriptionId": self.subscription,
            "subscriptionExpirationDateTime": format!("{}+00:00", clock::in_ticks_text(subscription.expires_at)),
            "tenantId": self.tenant,
            "clientState": client_state,
        });
        let (kind, id) = self.object;
        let change_type = match &self.news {
            News::Lifecycle(event) => {
                item["subscriptionExpirationDateTime"] =
                    format!("{}Z", clock::in_ticks_text(subscription.expires_at)).into();
                item["lifecycleEvent"] = event.as_str().into();
                return item;
            }
            News::Deleted => "deleted",
            News::Updated | News::Members(_) => "updated",
        };
        item["changeType"] = change_type.into();
        item["resource"] = format!("{}/{id}", kind.notified_as()).into();
        item["resourceData"] = self.resource_data();
        item
    }

    fn resource_data(&self) -> Value {
        let (kind, id) = self.object;
        let mut data = json!({
            "@odata.type": kind.notified_type(),
            "@odata.id": format!("{}/{id}", kind.notified_as()),
            "id": id,
            "organizationId": self.tenant,
        });
        // Captured membership notifications carry neither time nor sequence number.
        if let News::Members(members) = &self.news {
            data["members@delta"] = members.iter().map(|(id, removed)| member(*id, *removed)).collect();
        } else {
            data["eventTime"] = format!("{}Z", clock::in_ticks_text(self.at)).into();
            data["sequenceNumber"] = clock::in_ticks(self.at).into();
        }
        data
    }
}

/// In notifications `@removed` is a plain text, unlike in delta queries.
fn member(id: Uuid, removed: bool) -> Value {
    if removed { json!({ "id": id, "@removed": "deleted" }) } else { json!({ "id": id }) }
}

/// Notifications not yet delivered, in the order they were made.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    first: u64,
    waiting: VecDeque<Notification>,
    /// The latest membership notification of a subscription and group, which may still grow.
    growing: HashMap<(Uuid, Uuid), u64>,
}

impl Outbox {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Takes everything out.
    pub(super) fn take(&mut self) -> Vec<Notification> {
        self.first += self.waiting.len() as u64;
        self.growing.clear();
        self.waiting.drain(..).collect()
    }

    pub(super) fn push(&mut self, notification: Notification) {
        let number = self.first + self.waiting.len() as u64;
        let key = (notification.subscription, notification.object.1);
        if matches!(notification.news, News::Members(_)) && notification.attempt_count == 0 {
            self.growing.insert(key, number);
        }
        self.waiting.push_back(notification);
    }

    /// Adds to the waiting membership notification; false when there is none with room.
    fn grow(&mut self, subscription: Uuid, group: Uuid, change: (Uuid, bool)) -> bool {
        let Some(number) = self.growing.get(&(subscription, group)) else { return false };
        let place = usize::try_from(number - self.first).unwrap_or(usize::MAX);
        match self.waiting.get_mut(place).map(|notification| &mut notification.news) {
            Some(News::Members(members)) if members.len() < MEMBERS_PER_NOTIFICATION_MAX => {
                members.push(change);
                true
            }
            _ => false,
        }
    }
}

/// What one change tells, if anything. Graph: the links that follow from a deletion are told by nobody.
fn news(directory: &Directory, change: &Change) -> Option<News> {
    let id = |slot: Slot| directory.object(slot).id;
    match change.what {
        What::Created | What::Property(_) | What::SoftDeleted | What::Restored => Some(News::Updated),
        What::Manager { quiet: false, .. } => Some(News::Updated),
        What::Purged => Some(News::Deleted),
        What::MemberAdded { member, quiet: false } => Some(News::Members(vec![(id(member), false)])),
        What::MemberRemoved { member, quiet: false } => Some(News::Members(vec![(id(member), true)])),
        What::Manager { quiet: true, .. }
        | What::MemberAdded { quiet: true, .. }
        | What::MemberRemoved { quiet: true, .. } => None,
    }
}

impl World {
    /// Makes notifications of every change that was not announced yet.
    pub(super) fn announce(&mut self, tenant: Uuid) {
        let now = self.now();
        let record = self.tenant_mut(tenant);
        let since = std::mem::replace(&mut record.announced, record.directory.log.end());
        if since == self.tenant(tenant).announced {
            return;
        }
        let subscriptions: Vec<_> = self.subscriptions.live_in(tenant, now).cloned().collect();
        if subscriptions.is_empty() {
            return;
        }
        for (object, news) in self.news_since(tenant, since) {
            for subscription in &subscriptions {
                self.tell(subscription, object, &news, now);
            }
        }
    }

    fn news_since(&self, tenant: Uuid, since: u64) -> Vec<((Kind, Uuid), News)> {
        let directory = &self.tenant(tenant).directory;
        let mut told = Vec::new();
        let mut previous = None;
        for change in directory.log.since(since) {
            let Some(news) = news(directory, change) else { continue };
            let is_edit = matches!(change.what, What::Property(_) | What::Manager { .. });
            // One edit of several properties is one notification.
            if is_edit && previous == Some(change.slot) {
                continue;
            }
            previous = matches!(news, News::Updated).then_some(change.slot);
            let object = directory.object(change.slot);
            let times = if change.what == What::Created { self.settings.notifications_per_creation.max(1) } else { 1 };
            told.extend((0..times).map(|_| ((object.kind, object.id), news.clone())));
        }
        told
    }

    fn tell(&mut self, subscription: &Subscription, object: (Kind, Uuid), news: &News, now: i64) {
        let is_watched = match subscription.watched {
            Watched::All(kind) => kind == object.0,
            Watched::One(kind, id) => (kind, id) == object,
            Watched::Members(group) => object == (Kind::Group, group) && matches!(news, News::Members(_)),
            Watched::Owners => false,
        };
        let change = if matches!(news, News::Deleted) { "deleted" } else { "updated" };
        if !is_watched || !subscription.wants(change) {
            return;
        }
        if let News::Members(changes) = news
            && changes.iter().all(|change| self.outbox.grow(subscription.id, object.1, *change))
        {
            return;
        }
        self.outbox.push(Notification {
            subscription: subscription.id,
            tenant: subscription.tenant,
            object,
            news: news.clone(),
            at: now,
            attempt_count: 0,
            due_at: now + clock::micros(self.settings.notification_delay),
        });
    }

    /// Queues a lifecycle notification; false when the subscription has no URL for it.
    pub(super) fn tell_lifecycle(&mut self, (tenant, subscription): (Uuid, Uuid), event: &str) -> bool {
        let now = self.now();
        let Some(known) =
            self.subscriptions.by_key.get(&(tenant, subscription)).filter(|known| known.lifecycle_url.is_some())
        else {
            return false;
        };
        let object = (known.watched.kind(), Uuid::nil());
        let news = News::Lifecycle(event.to_owned());
        self.outbox.push(Notification { subscription, tenant, object, news, at: now, attempt_count: 0, due_at: now });
        true
    }
}
