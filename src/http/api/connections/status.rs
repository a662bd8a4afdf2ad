//! The word for a connection's state, from what is stored.

use crate::directory::health::{Findings, Status, SubscriptionFinding, SubscriptionStanding, status};
use crate::store::connections::ConnectionRecord;
use crate::store::pages::overview::Overview;
use crate::subscriptions::RESOURCES;

/// The state of a connection, and the reason for it.
pub fn status_of(record: &ConnectionRecord, overview: &Overview) -> (Status, Option<String>) {
    let state = &overview.state;
    let quarantine = state.trouble_cause.as_ref().map(|cause| {
        state.trouble_detail.clone().unwrap_or_else(|| format!("Slowed after repeated failure ({cause})."))
    });
    status(&Findings {
        paused: record.paused,
        quarantine,
        held_runs: overview.held_runs.unsigned_abs(),
        subscriptions: RESOURCES.iter().map(|resource| subscription(resource, overview)).collect(),
        gone_scope_groups: gone_scope_groups(record, overview),
        buried: overview.buried.unsigned_abs(),
        initial_cycle_done: state.initial_cycle_at.is_some(),
        // The counter of the last hour comes with the delta poll; until then no connection is called silent.
        delta_changes_last_hour: 0,
        notifications_last_hour: 0,
    })
}

fn subscription(resource: &str, overview: &Overview) -> SubscriptionFinding {
    let stored = overview.subscriptions.iter().find(|subscription| subscription.resource == resource);
    let standing = match stored.map(|stored| (stored.status, &stored.error)) {
        Some(("active", _)) => SubscriptionStanding::Live,
        Some(("refused", error)) => SubscriptionStanding::Refused(error.clone().unwrap_or_default()),
        _ => SubscriptionStanding::Missing,
    };
    SubscriptionFinding { resource: resource.to_owned(), standing }
}

fn gone_scope_groups(record: &ConnectionRecord, overview: &Overview) -> Vec<String> {
    let in_scope = overview.gone_groups.iter().filter(|(group, _)| record.settings.scope.groups.contains(group));
    in_scope.map(|(group, name)| name.clone().unwrap_or_else(|| group.to_string())).collect()
}
