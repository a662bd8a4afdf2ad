//! Sending notifications. Graph: change-notifications-delivery-webhooks.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio_util::sync::CancellationToken;

use super::announce::{News, Notification};
use super::clock;
use super::faults::Faults;
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

/// Sends what is pending, once; only what is due when `only_due`.
pub(super) async fn deliver(shared: &Shared, only_due: bool) -> DeliveryReport {
    let mut report = DeliveryReport::default();
    let posts = prepare(&mut shared.lock(), &mut report, only_due, shared.settings.items_per_post_max.max(1));
    let sent = stream::iter(posts).map(|post| async {
        let status = send(shared, &post).await;
        (post, status)
    });
    let sent: Vec<_> = sent.buffered(shared.settings.posts_in_flight_max.max(1)).collect().await;
    let mut world = shared.lock();
    for (post, status) in sent {
        settle(&mut world, &mut report, post, status);
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

fn prepare(world: &mut World, report: &mut DeliveryReport, only_due: bool, items_max: usize) -> Vec<Post> {
    let now = world.now();
    let faults = world.faults.clone();
    let mut posts: Vec<Post> = Vec::new();
    for notification in world.outbox.take() {
        let known = world.subscriptions.by_id.get(&notification.subscription);
        let Some(known) = known.filter(|known| !known.is_expired(now)).cloned() else {
            report.dropped += 1;
            continue;
        };
        let is_lifecycle = matches!(notification.news, News::Lifecycle(_));
        if notification.at + clock::micros(RETRIED_FOR) < now {
            report.dropped += 1;
        } else if (only_due && notification.due_at > now) || (known.is_suspended && !is_lifecycle) {
            world.outbox.push(notification);
        } else if faults.lose_notifications {
            report.lost += 1;
        } else {
            let url = if is_lifecycle { known.lifecycle_url.clone() } else { None };
            let url = url.unwrap_or_else(|| known.notification_url.clone());
            let client_state = known.client_state.as_deref();
            let forged = faults.forge_client_state.then_some(FORGED_CLIENT_STATE);
            let item = notification.item(&known, forged.or(client_state)).to_string();
            add(&mut posts, url, notification, &item, &faults, items_max);
        }
    }
    posts
}

/// Puts an item into the last POST to its endpoint, or into a new one when that is full.
fn add(posts: &mut Vec<Post>, url: String, notification: Notification, item: &str, faults: &Faults, items_max: usize) {
    let timeout = if notification.attempt_count == 0 { FIRST_TIMEOUT } else { RETRY_TIMEOUT };
    let copies = if faults.duplicate_notifications { 2 } else { 1 };
    let open = posts.iter_mut().rev().find(|post| post.url == url && post.timeout == timeout);
    let post = match open {
        Some(post) if post.item_count < items_max => post,
        _ => {
            posts.push(Post { url, timeout, body: String::new(), item_count: 0, notifications: Vec::new() });
            let last = posts.len() - 1;
            &mut posts[last]
        }
    };
    for _ in 0..copies {
        if !post.body.is_empty() {
            post.body.push(',');
        }
        post.body.push_str(item);
        post.item_count += 1;
    }
    post.notifications.push(notification);
}

/// The status of the answer, 0 without one.
async fn send(shared: &Shared, post: &Post) -> u16 {
    let request = shared.delivery_client.post(&post.url).timeout(post.timeout);
    let request = request.header("Content-Type", "application/json; charset=utf-8");
    let answer = request.body(format!("{{\"value\":[{}]}}", post.body)).send().await;
    answer.map_or(0, |answer| answer.status().as_u16())
}

fn settle(world: &mut World, report: &mut DeliveryReport, post: Post, status: u16) {
    report.posts += 1;
    report.statuses.push(status);
    if (200..300).contains(&status) {
        report.items_delivered += post.item_count;
        return;
    }
    report.items_failed += post.item_count;
    let now = world.now();
    for mut notification in post.notifications {
        let wait = RETRY_AFTER.saturating_mul(1 << notification.attempt_count.min(10)).min(RETRY_AFTER_MAX);
        notification.attempt_count += 1;
        notification.due_at = now + clock::micros(wait);
        world.outbox.push(notification);
    }
}
