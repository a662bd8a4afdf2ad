//! Sending notifications. Graph: change-notifications-delivery-webhooks.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio_util::sync::CancellationToken;

use super::announce::{News, Notification};
use super::clock;
use super::faults::Faults;
use super::subscriptions::Subscription;
use super::world::{Shared, World};

/// An endpoint has this long at the first attempt.
const FIRST_TIMEOUT: Duration = Duration::from_secs(3);
/// And this long at every later one.
const RETRY_TIMEOUT: Duration = Duration::from_secs(10);
/// The wait after the first failure; doubled by each further one.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// The longest wait between two attempts.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(600);
/// After this long a notification is discarded for good.
const RETRIED_FOR: Duration = Duration::from_secs(4 * 3600);
/// How often automatic delivery looks for what has become due.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// The client state that is nobody's.
const FORGED_CLIENT_STATE: &str = "forged-by-the-simulator";

/// What a round of delivery did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryReport {
    /// POSTs sent.
    pub posts: usize,
    /// Items in POSTs that were answered 2xx, duplicates included.
    pub items_delivered: usize,
    /// Items in POSTs that failed; they wait for the next round.
    pub items_failed: usize,
    /// Notifications lost on purpose (`Faults::lose_notifications`).
    pub lost: usize,
    /// Notifications dropped because their subscription is gone or expired, or because they are older than 4 hours.
    pub dropped: usize,
    /// The status of each POST; 0 for no answer in time.
    pub statuses: Vec<u16>,
}

/// One POST to one endpoint.
struct Post {
    url: String,
    timeout: Duration,
    body: String,
    item_count: usize,
    notifications: Vec<Notification>,
}

/// A POST being sent. What it carries goes back to the outbox when the sender is stopped before the answer.
struct Underway {
    shared: Arc<Shared>,
    post: Post,
}

impl Drop for Underway {
    fn drop(&mut self) {
        let notifications = std::mem::take(&mut self.post.notifications);
        if !notifications.is_empty() {
            let mut world = self.shared.lock();
            notifications.into_iter().for_each(|notification| world.outbox.push(notification));
        }
    }
}

/// Sends what is pending, once; only what is due when `only_due`.
pub(super) async fn deliver(shared: &Arc<Shared>, only_due: bool) -> DeliveryReport {
    let mut report = DeliveryReport::default();
    let posts = prepare(&mut shared.lock(), &mut report, only_due);
    let underway = posts.full.into_iter().map(|post| Underway { shared: shared.clone(), post });
    let mut sent = stream::iter(underway)
        .map(|underway| async move {
            let status = send(&underway.shared, &underway.post).await;
            (underway, status)
        })
        .buffered(shared.settings.posts_in_flight_max.max(1));
    while let Some((mut underway, status)) = sent.next().await {
        let notifications = std::mem::take(&mut underway.post.notifications);
        settle(&mut shared.lock(), &mut report, notifications, (underway.post.item_count, status));
    }
    report
}

/// Sends what becomes due until stopped.
pub(super) async fn run_until_stopped(shared: Arc<Shared>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let filled = shared.outbox_filled.notified();
        shared.lock().purge_old_deleted_items();
        tokio::select! {
            () = stop.cancelled() => return,
            report = deliver(&shared, true) => if report.posts > 0 { continue },
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = filled => {}
            () = tokio::time::sleep(LOOK_INTERVAL) => {}
        }
    }
}

/// Takes what is to be sent now out of the outbox; what is not goes back.
fn prepare(world: &mut World, report: &mut DeliveryReport, only_due: bool) -> Posts {
    let now = world.now();
    let mut posts = Posts::new(world.settings.items_per_post_max.max(1), &world.faults);
    let World { outbox, subscriptions, faults, .. } = world;
    for notification in outbox.take() {
        let known = subscriptions.by_key.get(&(notification.tenant, notification.subscription));
        let Some(known) = known.filter(|known| !known.is_expired(now)) else {
            report.dropped += 1;
            continue;
        };
        let is_lifecycle = matches!(notification.news, News::Lifecycle(_));
        if notification.at + clock::micros(RETRIED_FOR) < now {
            report.dropped += 1;
        } else if (only_due && notification.due_at > now) || (known.is_suspended && !is_lifecycle) {
            outbox.push(notification);
        } else if faults.lose_notifications {
            report.lost += 1;
        } else {
            posts.add(known, notification);
        }
    }
    posts
}

/// POSTs being filled.
struct Posts {
    full: Vec<Post>,
    /// The last POST of each endpoint, first attempts and retries apart.
    open: HashMap<(String, Duration), usize>,
    items_max: usize,
    copies: usize,
    forged_client_state: Option<&'static str>,
}

impl Posts {
    fn new(items_max: usize, faults: &Faults) -> Self {
        let copies = if faults.duplicate_notifications { 2 } else { 1 };
        let forged_client_state = faults.forge_client_state.then_some(FORGED_CLIENT_STATE);
        Self { full: Vec::new(), open: HashMap::new(), items_max, copies, forged_client_state }
    }

    /// Puts a notification into the last POST to its endpoint, or into a new one when that is full.
    fn add(&mut self, subscription: &Subscription, notification: Notification) {
        let lifecycle_url = match notification.news {
            News::Lifecycle(_) => subscription.lifecycle_url.as_ref(),
            _ => None,
        };
        let url = lifecycle_url.unwrap_or(&subscription.notification_url);
        let timeout = if notification.attempt_count == 0 { FIRST_TIMEOUT } else { RETRY_TIMEOUT };
        let client_state = self.forged_client_state.or(subscription.client_state.as_deref());
        let item = notification.item(subscription, client_state).to_string();
        let copies = self.copies;
        let post = self.post_to(url, timeout);
        for _ in 0..copies {
            if !post.body.is_empty() {
                post.body.push(',');
            }
            post.body.push_str(&item);
            post.item_count += 1;
        }
        post.notifications.push(notification);
    }

    fn post_to(&mut self, url: &str, timeout: Duration) -> &mut Post {
        let key = (url.to_owned(), timeout);
        let open = self.open.get(&key).copied().filter(|place| self.full[*place].item_count < self.items_max);
        let place = open.unwrap_or_else(|| {
            let notifications = Vec::new();
            self.full.push(Post { url: key.0.clone(), timeout, body: String::new(), item_count: 0, notifications });
            self.open.insert(key, self.full.len() - 1);
            self.full.len() - 1
        });
        &mut self.full[place]
    }
}

/// The status of the answer, 0 without one.
async fn send(shared: &Shared, post: &Post) -> u16 {
    let request = shared.delivery_client.post(&post.url).timeout(post.timeout);
    let request = request.header("Content-Type", "application/json; charset=utf-8");
    let answer = request.body(format!("{{\"value\":[{}]}}", post.body)).send().await;
    answer.map_or(0, |answer| answer.status().as_u16())
}

fn settle(
    world: &mut World,
    report: &mut DeliveryReport,
    notifications: Vec<Notification>,
    (item_count, status): (usize, u16),
) {
    report.posts += 1;
    report.statuses.push(status);
    if (200..300).contains(&status) {
        report.items_delivered += item_count;
        return;
    }
    report.items_failed += item_count;
    let now = world.now();
    for mut notification in notifications {
        let wait = RETRY_AFTER.saturating_mul(1 << notification.attempt_count.min(10)).min(RETRY_AFTER_MAX);
        notification.attempt_count += 1;
        notification.due_at = now + clock::micros(wait);
        world.outbox.push(notification);
    }
}
